//! `backstitch verify-certificates`: whether the chain is what was issued.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::json;

use super::{
    Exit, Failure, Global,
    database::{block_on, reader},
    out,
};
use crate::job::{
    certificate::{Altered, Chain, Sealed},
    counted,
};

/// Arguments of `verify-certificates`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch verify-certificates
  backstitch verify-certificates certificates.jsonl
  backstitch verify-certificates certificates.jsonl --noted 9f2c…

Recomputes every seal and link, names each certificate that was altered, replaced, moved or is missing, and ends 1 if there is \
one. A file needs neither database nor network. Whoever can write the whole chain can seal all of it anew, or cut off its \
end: note the last seal somewhere else from time to time (it is printed here), and give it with --noted.")]
pub struct VerifyCertificatesArgs {
    /// An export of `backstitch certificates` [default: the database]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// A seal noted earlier, which must be in the chain
    #[arg(long, value_name = "SHA256")]
    pub noted: Option<String>,
}

pub(super) fn run(global: &Global, args: &VerifyCertificatesArgs) -> Result<Exit, Failure> {
    let mut chain = Chain::default();
    let missing = match &args.file {
        Some(path) => file(path, &mut chain).map(|()| Vec::new())?,
        None => database(global, &mut chain)?,
    };
    let (count, last) = chain.read();
    let last = last.map(str::to_owned);
    let noted = args.noted.as_ref().filter(|noted| !chain.holds(noted));
    let mut altered = chain.end();
    altered.extend(missing.into_iter().map(|job_key| Altered {
        place: "database".to_owned(),
        job_key,
        what: "this job ended, and its certificate is missing".to_owned(),
    }));
    altered.extend(noted.map(|noted| Altered {
        place: "end".to_owned(),
        job_key: String::new(),
        what: format!("the noted seal {noted} is not in it: the end was cut off, or everything was sealed anew"),
    }));
    if global.json {
        let each = |one: &Altered| json!({ "place": one.place, "job_key": one.job_key, "what": one.what });
        let altered_json: Vec<_> = altered.iter().map(each).collect();
        out::json(&json!({ "certificates": count, "last_sha256": last, "altered": altered_json }))?;
    } else {
        for Altered { place, job_key, what } in &altered {
            let key = if job_key.is_empty() { String::new() } else { format!("{job_key}: ") };
            out::line(out::plain(&format!("{place}: {key}{what}")))?;
        }
    }
    match (altered.len(), last) {
        (0, None) => out::talk("no certificates"),
        (0, Some(last)) => out::talk(format_args!(
            "{}, none altered, none missing; the last seal is {last}",
            counted(count, "certificate")
        )),
        (many, _) => out::talk(format_args!("{}, {}", counted(count, "certificate"), counted(many, "fault"))),
    }
    Ok(if altered.is_empty() { Exit::Done } else { Exit::Failures })
}

/// Reads an export line by line.
fn file(path: &Path, chain: &mut Chain) -> Result<(), Failure> {
    let io = |error: std::io::Error| Failure::new(Exit::Io, format!("{} cannot be read: {error}", path.display()));
    let lines = BufReader::new(File::open(path).map_err(io)?).split(b'\n');
    for (line, nth) in lines.zip(1..) {
        let line = String::from_utf8(line.map_err(io)?).map_err(|_| "is not UTF-8".to_owned());
        chain.take(&format!("line {nth}"), line.and_then(|line| Sealed::read(&line)));
    }
    Ok(())
}

/// Reads the table; answers the jobs that should have a certificate and have none.
fn database(global: &Global, chain: &mut Chain) -> Result<Vec<String>, Failure> {
    block_on(async {
        let mut reader = reader(global).await?;
        reader
            .certificates(|one| {
                let (id, job_key) = (one.id, one.job_key);
                let same = |sealed: Sealed| match (sealed.serial, &sealed.job_key) {
                    (serial, key) if serial == id && *key == job_key => Ok(sealed),
                    (serial, key) => {
                        Err(format!("its row is that of job {job_key}, and its content says no. {serial} of job {key}"))
                    }
                };
                chain.take(&format!("no. {id}"), one.sealed.and_then(same));
                Ok::<(), Failure>(())
            })
            .await?;
        Ok(reader.uncertified().await?)
    })
}
