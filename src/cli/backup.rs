//! `backstitch backup`: a copy of the database.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Exit, Failure, Global, database::block_on, out};
use crate::store;

/// Arguments of `backup`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch backup /backups/backstitch-$(date +%F).db
  backstitch backup before-the-upgrade.db --database /var/lib/backstitch/backstitch.db

The copy is one whole file as of one moment. It is looked through page by page, index by index and reference by reference, \
and on the disk when this ends 0; until then it is called FILE.part. Nothing is ever overwritten, and only its owner may \
read it: people's names are inside. The daemon works on meanwhile. To restore: stop the daemon, move the database and what \
lies beside it (-wal, -shm) away, put the copy in its place, start. What Seam did since the copy was made, the daemon finds \
out by looking.

For a copy of every second, run Litestream beside the daemon (https://litestream.io): it reads SQLite's log and disturbs nothing.")]
pub struct BackupArgs {
    /// The copy; must not be there yet
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

pub(super) fn run(global: &Global, args: &BackupArgs) -> Result<Exit, Failure> {
    let database = global.settings()?.database.path;
    let bytes = block_on(async { Ok(store::backup(&database, &args.file).await?) })?;
    if global.json {
        out::json(&json!({ "file": args.file, "bytes": bytes }))?;
    } else {
        let (file, mib) = (args.file.display(), bytes as f64 / f64::from(1 << 20));
        out::talk(format_args!("{}: {mib:.1} MiB, looked through and sound", out::plain(&file.to_string())));
    }
    Ok(Exit::Done)
}
