//! A job that is not there: perhaps its row was refused.

use super::{Exit, Failure, out};
use crate::store::Reader;

/// Why there is no job of this name; `nor` adds what else it was taken for.
pub(super) async fn no_job(reader: &mut Reader, name: &str, nor: &str) -> Result<Failure, Failure> {
    let plain = out::plain(name);
    let Some(row) = reader.refused_row(name).await? else {
        let failure = Failure::new(Exit::Failures, format!("no job has the key or number `{plain}`{nor}"));
        return Ok(failure.hint("`backstitch jobs` lists them"));
    };
    let told = format!("no job has the key `{name}`: {}", row.told());
    let failure = Failure::new(Exit::Failures, out::plain(&told));
    Ok(failure.hint("mend that row and order it again, under the same key"))
}
