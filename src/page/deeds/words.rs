//! What a deed is called, and what comes of it.

use crate::job::Action;

/// As buttons and questions say it.
pub(super) fn verb(action: Action) -> &'static str {
    match action {
        Action::Approve => "Approve",
        Action::Reject => "Reject",
        Action::Retry => "Retry",
        Action::Release => "Release",
        Action::Hold => "Hold",
        Action::Cancel => "Cancel",
        Action::Skip => "Skip",
    }
}

/// What comes of it, for whoever is about to do it.
pub(super) fn meaning(action: Action) -> &'static str {
    match action {
        Action::Approve => {
            "Its jobs begin at once. Should the batch hold anything else by then than what is shown here, nothing is done."
        }
        Action::Reject => {
            "All of its jobs end with nothing done. The same rows are duplicates from then on: whoever of them really leaves is ordered again with a new job key."
        }
        Action::Retry => "It looks again now; a failed onboarding is tried anew. Nothing that is proven is done again.",
        Action::Release => "It looks again at what held it; if that still stands, it is held again.",
        Action::Hold => "Nothing more is sent for it until somebody releases it. Its deadline goes on.",
        Action::Cancel => {
            "It ends as it stands: what was done at Seam stays done, and what access is left stays, too. It is shown among the access that is left."
        }
        Action::Skip => {
            "Only for what a person took care of: nothing more is tried for this object. It stays among the access that is left, and the job never counts as proven: it ends cancelled, with this exception named."
        }
    }
}
