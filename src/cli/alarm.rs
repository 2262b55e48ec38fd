//! `backstitch alarm test`: whether the alarm's hook works.

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Exit, Failure, Global, database::block_on, out};
use crate::{
    alarm::{Hook, Message},
    clock,
};

/// Arguments of `alarm`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  backstitch alarm test
  backstitch sql 'select kind, subject, says, begun_at, ended_at, last_error from incidents order by id desc'

The hook of `[alarm]` is told of each incident once when it begins and once when it ends: a command by its standard input, \
an address by POST. A message is one line of JSON:
  {\"format\":\"backstitch-alarm/1\",\"event\":\"begins\",\"incident\":7,\"kind\":\"job_overdue\",\"job_key\":\"hr-8812\",\"batch\":null,
   \"says\":\"not done by its deadline, …\",\"begun_at\":\"2026-11-22T14:00:00.000Z\",\"ended_at\":null,\"open_of_kind\":1,
   \"host\":\"doors-1\",\"database\":\"/var/lib/backstitch/backstitch.db\",\"said_at\":\"2026-11-22T14:00:01.000Z\"}
Events: begins, ends, happened (over at once), test. Kinds: job_overdue, job_held, batch_held, batch_unread (a file \
whose reading never came to its end), revocation_refused, access_after_cut, key_refused, seam_silent, disk_low, database_fails (told while \
nothing can be written; its number is below zero, and its row is written afterwards; should the daemon end of it, `happened` says so under a number of its own, \
and the first has no end). A message may come twice after a crash: `incident` and `event` \
name it. At most 20 of a kind are open at once; `open_of_kind` counts them.")]
pub struct AlarmArgs {
    /// `test` sends one message now, from here
    #[arg(value_enum)]
    pub what: AlarmDeed,
}

/// What can be done with the alarm.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum AlarmDeed {
    /// Send one message now.
    Test,
}

pub(super) fn run(global: &Global, args: &AlarmArgs) -> Result<Exit, Failure> {
    let AlarmDeed::Test = args.what;
    let settings = global.settings()?;
    let Some(hook) = Hook::of(&settings.alarm)? else {
        return Err(Failure::new(Exit::Config, "no alarm is set: nobody would be told")
            .hint("set `command` or `url_file` under [alarm]"));
    };
    let incident = json!({ "incident": 0, "kind": "test", "says": "somebody tries the alarm; nothing has happened" });
    let body = Message::new("test", incident, &settings.database.path, clock::now().wall).line();
    let told = block_on(async { Ok(hook.call(body, settings.alarm.timeout_s.duration()).await) })?;
    match told {
        Ok(()) => out::talk("the hook took the message"),
        Err(why) => return Err(Failure::new(Exit::Failures, why)),
    }
    Ok(Exit::Done)
}

impl From<crate::alarm::AlarmError> for Failure {
    fn from(error: crate::alarm::AlarmError) -> Failure {
        Failure::new(Exit::Config, error.to_string())
    }
}
