//! The outcome matrix: every use of every endpoint, times every kind of answer. Each cell is played by the real client, engine and
//! workflow; its class, the job's next move and its wait are those that were decided by hand, and in the end all comes out well.

mod answers;
mod found;
mod play;
mod rules;
mod sites;

use std::{collections::BTreeSet, sync::Mutex};

use backstitch::{
    job::{Call, EventQuery, IdentityRef, Kind, Source, Time},
    seam::call_name,
};

pub use answers::Meddler;
pub use play::meddler;

use crate::{histories::block_on, walk::hands};

/// Every path that the client can ask.
fn paths() -> BTreeSet<String> {
    let id = || "x".to_owned();
    let look = |kind, source| Call::Look { kind, sources: vec![source], canary: None };
    let feed = EventQuery { since: Time(0), until: None, event_type: None, limit: 1 };
    let mut calls = vec![
        Call::Workspace,
        Call::Events(feed),
        Call::GetIdentity(IdentityRef::Id(id())),
        Call::SearchIdentities { email_address: None, phone_number: None },
        Call::GetAcsSystem(id()),
        Call::GetAcsUser(id()),
        Call::SearchAcsUsers { acs_system_id: None, email_address: None, phone_number: None },
        Call::CreateIdentity { user_identity_key: id(), email_address: None, phone_number: None, full_name: None },
        Call::AddAcsUser { user_identity_id: id(), acs_user_id: id() },
        Call::CreateAcsUser {
            acs_system_id: id(),
            user_identity_id: id(),
            full_name: id(),
            email_address: None,
            phone_number: None,
        },
        Call::RevokeDevice { user_identity_id: id(), device_id: id() },
        Call::SuspendAcsUser(id()),
        Call::RevokeSession(id()),
        Call::RemoveAcsUser { user_identity_id: id(), acs_user_id: id() },
        Call::UpdateIdentity { user_identity_id: id(), email_address: None, phone_number: None, full_name: None },
        look(Kind::AcsUser, Source::Linked(id())),
    ];
    for &kind in Kind::ALL {
        calls.push(look(kind, Source::Identity(id())));
        calls.push(look(kind, Source::Each(vec![id()])));
        calls.push(Call::Delete { kind, id: id() });
    }
    // Kinds that are only looked at have no path of their own for the rest.
    calls.iter().map(call_name).filter(|path| path.contains('/')).map(str::to_owned).collect()
}

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// P2, P3, P6, P9, P11: `CELL=n` is one cell, `CELL=text` those whose name has it, with all that was seen; `CELLS=n` every n-th (1: each).
#[test]
fn outcome_matrix() {
    let sites = sites::all();
    let covered: BTreeSet<String> = sites.iter().map(|site| site.path.0.to_owned()).collect();
    let mut used = paths();
    // A grant takes its methods along before their own step comes.
    used.remove("access_methods/delete");
    assert_eq!(covered, used, "each endpoint that the client uses is in the matrix");
    let all: Vec<_> = sites.iter().flat_map(|site| answers::ANSWERS.iter().map(move |answer| (site, answer))).collect();
    for (site, (name, _)) in &all {
        assert!(rules::decided(site.sort, name).is_some(), "nobody decided {site:?} x {name}");
    }
    let label =
        |nth: usize| format!("{:?} {:?} {:?} x {}", all[nth].0.sort, all[nth].0.whose, all[nth].0.path, all[nth].1.0);
    let one = std::env::var("CELL").ok();
    let chosen = |nth: usize, one: &String| one.parse() == Ok(nth) || label(nth).contains(one);
    let stride = number("CELLS", 13).max(1);
    let walked = |nth: &usize| one.as_ref().map_or(nth.is_multiple_of(stride), |one| chosen(*nth, one));
    let cells: Vec<usize> = (0..all.len()).filter(walked).collect();
    let count = cells.len();
    let failures = Mutex::new(Vec::new());
    hands(cells, |nth| {
        let (site, (name, give)) = all[nth];
        let decision = rules::decided(site.sort, name).unwrap();
        let seen = block_on(play::play(site, *give));
        let wrong = match &seen {
            Ok(seen) => play::differs(site, *give, decision, seen),
            Err(what) => vec![what.lines().next().unwrap_or_default().to_owned()],
        };
        if !wrong.is_empty() || one.is_some() {
            let told =
                format!("{}: {wrong:?}\n  decided {decision:?}\n  {}", label(nth), play::told(&seen, one.is_some()));
            failures.lock().unwrap().push((nth, told, wrong));
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    for (nth, told, _) in &failures {
        eprintln!("{told}\n  replay: CELL={nth} cargo test --test sim outcome_matrix -- --nocapture");
    }
    failures.retain(|(_, _, wrong)| !wrong.is_empty());
    println!(
        "matrix: {} uses of {} endpoints, {} answers, {} cells",
        sites.len(),
        covered.len(),
        answers::ANSWERS.len(),
        all.len()
    );
    println!("BATTERY matrix cases={count} violations={}", failures.len());
    assert!(failures.is_empty(), "{} of {count} cells differ", failures.len());
}
