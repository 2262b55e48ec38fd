//! What an operator may do.

use super::words::words;

words! {
    /// What an operator may do to jobs, to a batch of them, or to one object of a job.
    Action {
        /// Let a held batch go on.
        Approve = "approve",
        /// Drop a held batch.
        Reject = "reject",
        /// Look again now.
        Retry = "retry",
        /// Let a held job go on.
        Release = "release",
        /// Stop a job before its next request.
        Hold = "hold",
        /// End a job.
        Cancel = "cancel",
        /// Take a parked object out of a job.
        Skip = "skip",
    }
}

impl Action {
    /// Its past participle, as the history and every answer say it.
    pub const fn done(self) -> &'static str {
        match self {
            Action::Approve => "approved",
            Action::Reject => "rejected",
            Action::Retry => "retried",
            Action::Release => "released",
            Action::Hold => "held",
            Action::Cancel => "cancelled",
            Action::Skip => "skipped",
        }
    }
}
