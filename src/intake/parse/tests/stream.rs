use std::io::{self, BufReader, Read};

use super::{plain, read};
use crate::{
    intake::parse::{Keying, rows},
    job::Format,
};

#[test]
fn a_read_that_fails_is_told_as_passing() {
    struct Fails;
    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("bad sector"))
        }
    }
    let good = b"{\"job_key\":\"1\",\"workflow\":\"offboard\",\"user_identity_key\":\"a\"}\n".as_slice();
    let mut rows = rows(BufReader::new(good.chain(Fails)), &plain(), Format::Jsonl, "in", "f", Keying::Required);
    assert!(rows.next().unwrap().unwrap().order.is_ok());
    let problem = rows.next().unwrap().unwrap_err();
    assert_eq!(
        (problem.to_string().as_str(), problem.transient),
        ("f: cannot be read: bad sector; see to the disk", true)
    );
    assert!(rows.next().is_none());
}

#[test]
fn mutated_bytes_never_panic_and_every_row_is_told() {
    let seeds: [(&[u8], Format); 2] = [
        (include_bytes!("../../../../config/jobs.example.jsonl"), Format::Jsonl),
        (include_bytes!("../../../../config/jobs.example.csv"), Format::Csv),
    ];
    let mut random = fastrand::Rng::with_seed(8_812);
    let spice: &[&[u8]] = &[
        b"\"",
        b"\n",
        b",",
        b"\r",
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        b"{",
        b"[",
        b"\\u0000",
        b"[Europe/Berlin]",
        b";;",
        b"+",
        b"1e999",
    ];
    let (mut good, mut bad, mut refused) = (0, 0, 0);
    for round in 0..4_000 {
        let (seed, format) = seeds[round % 2];
        let mut text = seed.to_vec();
        for _ in 0..random.usize(1..6) {
            let at = random.usize(..text.len());
            match random.u8(..4) {
                0 => text[at] = random.u8(..),
                1 => drop(text.splice(at..at, random.choice(spice).unwrap().iter().copied())),
                2 => drop(text.drain(at..(at + random.usize(..20)).min(text.len()))),
                _ => text.truncate(at.max(1)),
            }
            if text.is_empty() {
                text.push(b'\n');
            }
        }
        for row in read(&text, &plain(), format, Keying::FromFile("h".into())) {
            match row {
                Err(_) => refused += 1,
                Ok(row) => match row.order {
                    Ok(order) => {
                        assert_eq!(order.job_key, row.job_key);
                        assert!(!order.job_key.is_empty() && !order.job_key.contains(char::is_control));
                        good += 1;
                    }
                    Err(problems) => {
                        assert!(
                            !problems.is_empty()
                                && problems.iter().all(|problem| !problem.message.contains(char::is_control))
                        );
                        bad += 1;
                    }
                },
            }
        }
    }
    assert!(good > 5_000 && bad > 2_000 && refused > 200, "{good} {bad} {refused}");
}

#[test]
fn the_examples_are_good() {
    for (text, format, count) in [
        (include_str!("../../../../config/jobs.example.jsonl"), Format::Jsonl, 7),
        (include_str!("../../../../config/jobs.example.csv"), Format::Csv, 6),
    ] {
        assert_eq!(super::orders(text, &plain(), format).len(), count);
    }
}

/// A file of nothing but mistakes on one line: every row is told its place, the first thousand with a piece of the line.
#[test]
fn places_are_told_to_the_last_row_and_drawn_for_the_first() {
    let text = format!("[{}]", ["{}"; 3_000].join(","));
    let problems: Vec<_> = read(&text, &plain(), Format::Json, Keying::Required)
        .into_iter()
        .flat_map(|row| row.unwrap().order.unwrap_err())
        .collect();
    assert_eq!(problems.len(), 6_000);
    assert_eq!(problems.iter().filter(|problem| problem.spot.excerpt.is_some()).count(), 1_000);
    let last = &problems[5_999].spot;
    assert_eq!((last.line, last.column), (1, 2 + 2_999 * 3));
}
