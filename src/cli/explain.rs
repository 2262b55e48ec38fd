//! `backstitch explain`: where a job stands, in sentences.

use clap::Args;

use super::{
    Exit, Failure, Global,
    database::{block_on, reader},
    missing::no_job,
    out,
    which::Who,
};
use crate::{
    clock,
    explain::{Explanation, explain},
};

/// Arguments of `explain`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch explain hr-8812
  backstitch explain jean@example.com
  backstitch explain key:emp-1006 --json | jq '.[].you_can'

Says where the job stands, what it waits for and since when, what happens next and when, and what a person could do. \
Reads the database only, also beside a running daemon. A person may have several jobs: the open ones come first, the \
newest first. `backstitch show` has the tables behind it.")]
pub struct ExplainArgs {
    /// Job key or number; or a person: key:KEY, id:ID, an e-mail address, a phone number, or a key alone, exactly
    #[arg(value_name = "JOB|PERSON")]
    pub who: String,
    /// At most so many jobs of a person
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub limit: u32,
}

pub(super) fn run(global: &Global, args: &ExplainArgs) -> Result<Exit, Failure> {
    let now = clock::now().wall;
    let all: Vec<Explanation> = block_on(async {
        let mut reader = reader(global).await?;
        let mut all = Vec::new();
        let person = args.who.parse::<Who>().ok().map(|who| who.named());
        for job in reader.jobs_named(&args.who, person, args.limit).await? {
            let around = reader.around(job.line.id).await?;
            all.push(explain(&job, &around, now));
        }
        if all.is_empty() {
            let nor = format!(", and none is about a person `{}`", out::plain(&args.who));
            return Err(no_job(&mut reader, &args.who, &nor).await?);
        }
        Ok(all)
    })?;
    if global.json {
        out::json(&all)?;
        return Ok(Exit::Done);
    }
    for (at, one) in all.iter().enumerate() {
        if at > 0 {
            out::line("")?;
        }
        tell(one)?;
    }
    Ok(Exit::Done)
}

fn tell(one: &Explanation) -> Result<(), Failure> {
    out::line(out::plain(&one.stands.join(" ")))?;
    for (head, sentences) in [("Waits for:", &one.waits_for), ("Next:", &one.next), ("You can:", &one.you_can)] {
        for (at, sentence) in sentences.iter().enumerate() {
            let head = if at == 0 { head } else { "" };
            out::line(format_args!("  {head:<10} {}", out::plain(sentence)))?;
        }
    }
    Ok(())
}
