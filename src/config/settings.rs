//! The settings as types. Their names, units and defaults are told in `config/default.toml`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{
    address::ListenAddress,
    choices::{LogFormat, WhenNotFound},
    waits::{Delay, Span},
};
use crate::job::{InputSpec, Mode, Protected};

/// Declares the sections: each key of `config/default.toml` is one field of its section.
macro_rules! sections {
    ($($(#[$meta:meta])* $name:ident { $($(#[$fmeta:meta])* $key:ident: $ty:ty,)+ })+) => { $(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$fmeta])* pub $key: $ty,)+ }
    )+ };
}

sections! {
    /// Everything that can be set.
    Settings {
        /// The file.
        database: Database,
        /// The way to Seam.
        seam: Seam,
        /// The loop.
        engine: Engine,
        /// The last read-back.
        verify: Settle,
        /// Empty looks.
        list: Settle,
        /// Creations without a known outcome.
        create: Settle,
        /// Deletes.
        delete: Delete,
        /// The event feed.
        events: Events,
        /// Lists without an owner field.
        canary: Canary,
        /// Pauses of the whole work.
        breaker: Breaker,
        /// Waits between tries.
        retry: Retry,
        /// Mass revocations.
        brake: Brake,
        /// People whom no order may touch.
        protect: Protect,
        /// Offboarding.
        offboard: Offboard,
        /// Looking again at who has left.
        aftercare: Aftercare,
        /// Who is told of incidents.
        alarm: Alarm,
        /// What grows old.
        retention: Retention,
        /// Reading the inputs.
        intake: Intake,
        /// Who may ask the daemon how it is.
        listen: Listen,
        /// What people may look at.
        page: Page,
        /// Events that Seam sends by itself.
        webhook: Webhook,
        /// Logs.
        log: Log,
        /// Where orders come from.
        #[serde(default)] inputs: Vec<InputSpec>,
    }
    /// `[database]`
    Database {
        /// The SQLite file.
        path: PathBuf,
    }
    /// `[seam]`
    Seam {
        /// Base URL, without a trailing slash.
        endpoint: String,
        /// Holds the API key; empty: none.
        api_key_file: PathBuf,
        /// Workspace id; empty: no production workspace may be changed.
        production_workspace: String,
        /// For a connection.
        connect_timeout_s: Span,
        /// For the next bytes of an answer.
        read_timeout_s: Span,
        /// For a whole request.
        timeout_s: Span,
        /// Requests on the wire.
        in_flight: u32,
        /// Mean rate.
        rate_per_s: f64,
        /// Requests at once after a quiet time.
        burst: u32,
        /// Largest answer.
        max_body_mib: u32,
    }
    /// `[engine]`
    Engine {
        /// For requests on the wire at the end.
        drain_s: Delay,
    }
    /// `[verify]`, `[list]` and `[create]`
    Settle {
        /// Before the second look.
        settle_s: Delay,
    }
    /// `[delete]`
    Delete {
        /// Before the one repetition.
        reissue_s: Delay,
        /// Between tries of what is parked.
        parked_retry_s: Delay,
        /// Being deleted for longer parks.
        park_after_s: Delay,
    }
    /// `[events]`
    Events {
        /// For the proving event.
        patience_s: Delay,
        /// Longest between read-backs.
        patience_max_s: Delay,
        /// Between polls.
        poll_s: Delay,
        /// Between polls just after a request.
        poll_fast_s: Delay,
        /// How far a poll reaches back.
        overlap_s: Delay,
        /// Events at once.
        page_limit: u32,
    }
    /// `[canary]`
    Canary {
        /// How long a good answer is believed.
        every_s: Delay,
    }
    /// `[breaker]`
    Breaker {
        /// Between probes.
        probe_s: Delay,
        /// Unknown outcomes that make an outage.
        outage_unknowns: u32,
        /// Jobs they must come from.
        outage_jobs: u32,
    }
    /// `[retry]`
    Retry {
        /// First wait.
        initial_s: Delay,
        /// Longest wait.
        max_s: Delay,
        /// From one wait to the next.
        multiplier: f64,
        /// Share of a wait moved by chance, 0 to 1.
        jitter: f64,
    }
    /// `[brake]`
    Brake {
        /// Offboardings that go without a person's word.
        max_offboards: u32,
        /// Share of the known people that does.
        max_share: f64,
        /// So many do, whatever the share.
        floor: u32,
        /// Single urgent ones that do, whatever else did.
        max_urgent: u32,
        /// What came within this time counts, too.
        window_s: Span,
    }
    /// `[protect]`
    Protect {
        /// Patterns.
        people: Protected,
    }
    /// `[offboard]`
    Offboard {
        /// To the deadline of rows that name none.
        deadline_s: Delay,
        /// The way of rows that name none.
        mode: Mode,
        /// Whether the doors of rows that do not say are shut ahead of the deletions.
        cut_first: bool,
        /// When nobody matches.
        when_not_found: WhenNotFound,
        /// More objects hold the job.
        max_objects: u32,
        /// More rounds of reappearing hold the job.
        max_rounds: u32,
    }
    /// `[aftercare]`
    Aftercare {
        /// After the proof.
        first_s: Delay,
        /// Between two looks.
        every_s: Delay,
        /// For so long; 0: never.
        for_days: u32,
    }
    /// `[alarm]`
    Alarm {
        /// A program and its arguments; empty: none.
        command: Vec<String>,
        /// An address that takes a POST; empty: none.
        url: String,
        /// Holds that address; empty: none.
        url_file: PathBuf,
        /// Holds a bearer token for it; empty: none.
        token_file: PathBuf,
        /// Between two looks how things stand.
        every_s: Delay,
        /// For one message.
        timeout_s: Span,
        /// For a message that is not taken.
        retry_for_s: Span,
        /// Less free room on the disk is told.
        disk_free_mib: u32,
    }
    /// `[retention]`; days of 0 are never
    Retention {
        /// Between two rounds.
        every_s: Delay,
        /// To the end of looks that found nothing.
        looks_days: u32,
        /// To the end of the details of what succeeded.
        prune_succeeded_days: u32,
        /// The same of what failed.
        prune_failed_days: u32,
        /// The same of what was cancelled.
        prune_cancelled_days: u32,
        /// To the end of personal data.
        scrub_days: u32,
        /// A larger log is told.
        log_warn_mib: u32,
    }
    /// `[intake]`
    Intake {
        /// Between looks at the inputs.
        scan_s: Delay,
        /// Unchanged for so long, a file is whole.
        settle_s: Delay,
    }
    /// `[listen]`
    Listen {
        /// Where.
        address: ListenAddress,
        /// Whether other machines may reach it.
        allow_remote: bool,
        /// A name by which it may be asked for; empty: none but this machine's.
        host: String,
    }
    /// `[page]`
    Page {
        /// Whether the listener shows it.
        enabled: bool,
        /// Whether names are masked until asked for.
        mask: bool,
        /// Whether things can be done there, too.
        actions: bool,
        /// Who may, by a token each; empty: nobody by a token.
        token_file: PathBuf,
        /// Who may as the other end of a unix socket, by name or number.
        users: Vec<String>,
    }
    /// `[webhook]`
    Webhook {
        /// Holds the secret that webhooks are signed with; empty: they are not taken.
        secret_file: PathBuf,
        /// Between two polls that webhooks ask for.
        gather_s: Delay,
        /// Between two polls while webhooks arrive.
        safety_net_s: Delay,
    }
    /// `[log]`
    Log {
        /// How a line is written.
        format: LogFormat,
        /// The least that is written: error, warn, info, debug, trace or off.
        level: String,
    }
}
