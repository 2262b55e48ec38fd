//! What each kind of answer means to each sort of call, decided by hand: the class, what the job does next, and how long it waits.

/// What a call is for. The same endpoint may serve several.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sort {
    Find,
    FindSearch,
    /// A list that shows objects with their owner.
    List,
    /// The same, beside another list of the same objects.
    ListAmongOthers,
    ListOfAcsUser,
    /// A list that shows objects without their owner.
    OwnerlessList,
    OptionalList,
    EmptyList,
    OptionalEmptyList,
    Canary,
    Reread,
    /// The identity behind its list of phones.
    Owner,
    Delete,
    DeleteIdentity,
    Absence,
    VerifyGet,
    OptionalGet,
    System,
    EnsureGet,
    Create,
    EnsureSearch,
    LinkGet,
    Add,
    LinkSearch,
    LinkLook,
    CreateAcsUser,
    VerifyLinked,
    Suspend,
    Revoke,
    RevokeDevice,
    MoveFind,
    MoveList,
    Remove,
    Update,
    MoveVerify,
    Probe,
    Feed,
}

/// What follows. Waits are milliseconds from the answer's commit to the next request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Then {
    /// The answer is taken; nothing is retried.
    Goes,
    /// Taken for accepted; found out not to be true, it is asked for once more.
    Believed,
    /// This request follows within these bounds.
    Again(&'static str, i64, i64),
    /// The object is parked for this cause, and asked for hourly.
    Parks(&'static str),
    /// The job is held or failed, in these words.
    Ends(&'static str, &'static str),
    /// Everything pauses; after the next good probe this request follows.
    Pauses(&'static str),
    /// Goes on, misled, and ends in this state without harm.
    Misled(&'static str),
}

use Then::{Again, Believed, Ends, Goes, Misled, Parks, Pauses};

pub type Decision = (&'static str, Then);

/// One sort of call: what is asked again (`same`), and what follows an answer of unknown outcome, a refusal, a lone 403, a 404 of its
/// own type, a 404 of the identity, a good answer, one of another owner, one of another workspace, and one with nothing in it.
struct Line {
    sorts: &'static [Sort],
    same: &'static str,
    lost: Then,
    refused: Then,
    forbidden: Decision,
    own: Decision,
    identity: Decision,
    good: Then,
    owner: Decision,
    workspace: Decision,
    nothing: Decision,
}

/// The first retry: a second, a fifth more or less, and the way to the wire.
const fn soon(same: &'static str) -> Then {
    Again(same, 800, 1_400)
}

const fn at_once(next: &'static str) -> Then {
    Again(next, 0, 100)
}

/// A question of which every refusal is asked again, and whose answer leads on.
const fn question(sorts: &'static [Sort], same: &'static str) -> Line {
    let (again, lost) = (("rejected", soon(same)), ("unknown", soon(same)));
    Line {
        sorts,
        same,
        lost: soon(same),
        refused: soon(same),
        forbidden: again,
        own: again,
        identity: again,
        good: Goes,
        owner: ("done", Goes),
        workspace: ("halt", Pauses(same)),
        nothing: lost,
    }
}

/// A list that says that its owner does not exist makes the identity itself be asked for.
const OWNER_GONE: Decision = ("rejected", Again("look user_identity", 800, 1_400));

#[rustfmt::skip]
const LINES: &[Line] = &[
    Line { own: ("gone", Ends("held", "Seam knows nobody")), identity: ("gone", Ends("held", "Seam knows nobody")),
           owner: ("done", Ends("held", "was merged into")), ..question(&[Sort::Find], "get_identity") },
    // Whom a list does not show is looked for once more.
    Line { owner: ("done", Again("search_identities", 60_000, 61_000)), ..question(&[Sort::FindSearch], "search_identities") },
    Line { identity: OWNER_GONE, owner: ("done", Ends("held", "belongs to user identity")),
           ..question(&[Sort::List, Sort::OptionalList], "look") },
    Line { identity: OWNER_GONE, owner: ("done", Parks("shared")), ..question(&[Sort::ListAmongOthers], "look") },
    Line { identity: OWNER_GONE, owner: ("done", Parks("shared")), own: ("done", Goes), ..question(&[Sort::ListOfAcsUser], "look") },
    Line { identity: OWNER_GONE, ..question(&[Sort::OwnerlessList], "look") },
    Line { identity: OWNER_GONE, workspace: ("done", Goes), ..question(&[Sort::EmptyList, Sort::OptionalEmptyList], "look") },
    // Refused for a random owner is as good as empty.
    Line { refused: Goes, forbidden: ("done", Goes), own: ("done", Goes), identity: ("done", Goes), workspace: ("done", Goes),
           ..question(&[Sort::Canary], "look") },
    Line { own: ("gone", at_once("look user_identity")), identity: ("gone", at_once("look user_identity")),
           owner: ("done", Ends("held", "was merged into")), ..question(&[Sort::Reread], "get_identity") },
    Line { own: ("gone", Again("look user_identity", 800, 1_400)), identity: ("gone", Again("look user_identity", 800, 1_400)),
           owner: ("done", Ends("held", "was merged into")), ..question(&[Sort::Owner], "look") },
    Line { forbidden: ("rejected", Parks("forbidden")), own: ("gone", Believed), workspace: ("done", Goes), nothing: ("done", Believed),
           ..question(&[Sort::Delete], "delete") },
    // Whatever became of it, the identity is read before it is asked for again: refused, with everything else in the last looks.
    Line { lost: soon("get_identity"), refused: soon("delete"), forbidden: ("rejected", soon("delete")),
           own: ("gone", Again("look user_identity", 10_000, 10_100)), identity: ("gone", Again("look user_identity", 10_000, 10_100)),
           good: Again("look user_identity", 10_000, 10_100), owner: ("done", Again("look user_identity", 10_000, 10_100)),
           workspace: ("done", Again("look user_identity", 10_000, 10_100)), nothing: ("done", Again("look user_identity", 10_000, 10_100)),
           ..question(&[Sort::DeleteIdentity], "delete") },
    Line { own: ("done", Goes), identity: ("done", Goes), workspace: ("done", Goes), ..question(&[Sort::Absence], "look") },
    Line { own: ("done", Goes), workspace: ("done", Goes), ..question(&[Sort::VerifyGet, Sort::OptionalGet], "look") },
    // What Seam does not want to tell about a system is no trouble of the system.
    Line { refused: Goes, forbidden: ("rejected", Goes), own: ("gone", Goes), identity: ("rejected", Goes),
           ..question(&[Sort::System], "get_acs_system") },
    Line { own: ("gone", at_once("create_identity")), identity: ("gone", at_once("create_identity")), good: at_once("create_identity"),
           owner: ("gone", at_once("create_identity")), workspace: ("gone", at_once("create_identity")),
           ..question(&[Sort::EnsureGet], "get_identity") },
    // Whatever a create is answered, unless it was surely not taken: looked up before it is repeated.
    Line { lost: at_once("get_identity"), refused: at_once("get_identity"), forbidden: ("rejected", at_once("get_identity")),
           own: ("rejected", at_once("get_identity")), identity: ("rejected", at_once("get_identity")), owner: ("done", Misled("failed")),
           workspace: ("halt", Pauses("get_identity")), nothing: ("unknown", at_once("get_identity")),
           ..question(&[Sort::Create], "create_identity") },
    Line { good: Ends("failed", "already has this e-mail"), owner: ("done", Ends("failed", "already has this e-mail")),
           ..question(&[Sort::EnsureSearch], "search_identities") },
    Line { own: ("gone", Ends("failed", "does not exist")), good: at_once("add_acs_user"), owner: ("done", at_once("add_acs_user")),
           ..question(&[Sort::LinkGet], "get_acs_user") },
    Line { lost: at_once("get_acs_user"), refused: soon("get_acs_user"), forbidden: ("rejected", soon("get_acs_user")),
           own: ("rejected", soon("get_acs_user")), identity: ("rejected", Ends("failed", "somebody deleted the identity")),
           good: at_once("get_acs_user"), owner: ("done", at_once("get_acs_user")), workspace: ("done", at_once("get_acs_user")),
           nothing: ("done", at_once("get_acs_user")), ..question(&[Sort::Add], "add_acs_user") },
    Line { good: at_once("get_acs_user"), owner: ("done", at_once("get_acs_user")), ..question(&[Sort::LinkSearch], "search_acs_users") },
    Line { good: at_once("search_acs_users"), owner: ("done", at_once("search_acs_users")), workspace: ("done", at_once("search_acs_users")),
           ..question(&[Sort::LinkLook], "look") },
    Line { lost: at_once("look"), refused: soon("look"), forbidden: ("rejected", soon("look")), own: ("rejected", soon("look")),
           identity: ("rejected", Ends("failed", "somebody deleted the identity")), good: at_once("get_acs_user"),
           owner: ("done", at_once("get_acs_user")), workspace: ("halt", Pauses("look")), nothing: ("unknown", at_once("look")),
           ..question(&[Sort::CreateAcsUser], "create_acs_user") },
    Line { own: ("gone", soon("get_identity")), identity: ("gone", soon("get_identity")),
           owner: ("done", Ends("held", "now leads to user identity")), ..question(&[Sort::VerifyLinked], "get_identity") },
    // A cut is asked for again while nobody knows; whatever Seam says to it, the deletions follow.
    Line { refused: Goes, forbidden: ("rejected", Goes), own: ("gone", Goes), identity: ("rejected", Goes), workspace: ("done", Goes),
           nothing: ("done", Goes), ..question(&[Sort::Suspend], "suspend") },
    Line { refused: Goes, forbidden: ("rejected", Goes), own: ("gone", Goes), identity: ("rejected", Goes), workspace: ("done", Goes),
           nothing: ("done", Goes), ..question(&[Sort::Revoke], "revoke") },
    Line { forbidden: ("rejected", Parks("forbidden")), own: ("gone", Believed), workspace: ("done", Goes), nothing: ("done", Believed),
           ..question(&[Sort::RevokeDevice], "delete") },
    Line { own: ("gone", Ends("failed", "Seam knows nobody")), identity: ("gone", Ends("failed", "Seam knows nobody")),
           owner: ("done", Ends("held", "was merged into")), ..question(&[Sort::MoveFind], "get_identity") },
    // Theirs by one list and somebody else's by the other: not for us to unlink before that is clear.
    Line { identity: ("rejected", at_once("get_identity")), owner: ("done", Parks("shared")), ..question(&[Sort::MoveList], "look") },
    // Refused, it is looked what came of it; only the identity's own absence ends the job.
    Line { forbidden: ("rejected", at_once("look")), own: ("gone", Again("look", 10_000, 10_100)),
           identity: ("rejected", at_once("get_identity")), workspace: ("done", Goes), nothing: ("done", Again("look", 10_000, 10_100)), ..question(&[Sort::Remove], "remove_acs_user") },
    Line { lost: at_once("get_identity"), refused: soon("get_identity"), forbidden: ("rejected", soon("get_identity")),
           own: ("rejected", at_once("get_identity")), identity: ("rejected", at_once("get_identity")),
           good: at_once("get_identity"), owner: ("done", at_once("get_identity")), workspace: ("done", at_once("get_identity")),
           nothing: ("done", at_once("get_identity")), ..question(&[Sort::Update], "update_identity") },
    Line { own: ("gone", Ends("failed", "somebody deleted")), identity: ("gone", Ends("failed", "somebody deleted")),
           owner: ("done", Ends("held", "was merged into")), ..question(&[Sort::MoveVerify], "get_identity") },
    Line { lost: Pauses("probe"), refused: Pauses("probe"), forbidden: ("halt", Pauses("probe")), own: ("rejected", Pauses("probe")),
           identity: ("rejected", Pauses("probe")), workspace: ("done", Pauses("probe")), nothing: ("unknown", Pauses("probe")),
           ..question(&[Sort::Probe], "probe") },
    Line { lost: Again("feed", 5_000, 5_100), refused: Again("feed", 5_000, 5_100), forbidden: ("rejected", Again("feed", 5_000, 5_100)),
           own: ("rejected", Again("feed", 5_000, 5_100)), identity: ("rejected", Again("feed", 5_000, 5_100)),
           workspace: ("done", Goes), nothing: ("unknown", Again("feed", 5_000, 5_100)), ..question(&[Sort::Feed], "feed") },
];

/// What says that an endpoint is missing, where it may be.
const NO_ENDPOINT: &[&str] = &["404 text", "404 html", "405 typed", "501 typed"];

/// The decision of one cell; none if nobody made it.
pub fn decided(sort: Sort, answer: &str) -> Option<Decision> {
    let line = LINES.iter().find(|line| line.sorts.contains(&sort))?;
    let optional = matches!(sort, Sort::OptionalList | Sort::OptionalEmptyList | Sort::OptionalGet);
    if optional && NO_ENDPOINT.contains(&answer) {
        return Some(("unsupported", Goes));
    }
    // A throttled or unsent probe is no different from another that brought nothing: one a minute.
    let wait = |lo: i64, hi: i64| match sort {
        Sort::Probe => Again("probe", lo.max(60_000), hi + 60_000),
        // After so long a silence it has been read in the last looks, which begin anew.
        Sort::DeleteIdentity if lo <= 300_000 => Again("get_identity", lo, hi),
        _ => Again(line.same, lo, hi),
    };
    Some(match answer {
        "200 good" => (if sort == Sort::EnsureGet { "gone" } else { "done" }, line.good),
        "200 other owner" => line.owner,
        "200 other workspace" => line.workspace,
        "200 nothing in it" => line.nothing,
        "200 half a body"
        | "200 no body"
        | "200 html"
        | "200 not json"
        | "200 null"
        | "200 ok false"
        | "302"
        | "400 text"
        | "404 text"
        | "404 html"
        | "408 typed"
        | "410 html"
        | "413 html"
        | "500 typed"
        | "500 text"
        | "502 html"
        | "503 empty"
        | "504 html"
        | "time-out, applied"
        | "reset, not applied"
        | "larger than allowed" => ("unknown", line.lost),
        "400 typed" | "404 foreign type" | "405 typed" | "409 typed" | "422 typed" => {
            (if sort == Sort::Canary { "done" } else { "rejected" }, line.refused)
        }
        "501 typed" if sort == Sort::Canary => ("rejected", soon(line.same)),
        "501 typed" => ("rejected", line.refused),
        "401 typed" | "401 html" | "403 dead key" => match sort {
            Sort::Create | Sort::DeleteIdentity => ("halt", Pauses("get_identity")),
            Sort::CreateAcsUser => ("halt", Pauses("look")),
            _ => ("halt", Pauses(line.same)),
        },
        "403 typed" | "403 html" => line.forbidden,
        "404 own type" => line.own,
        "404 of the identity" => line.identity,
        "not sent" if sort == Sort::Feed => ("not_applied", line.lost),
        "not sent" if sort == Sort::Probe => ("not_applied", line.lost),
        "not sent" => ("not_applied", wait(800, 1_400)),
        "429 after 7 s" => ("not_applied", wait(7_000, 8_500)),
        "429" | "429 after words" => ("not_applied", wait(5_000, 6_500)),
        "429 after ages" => ("not_applied", wait(3_600_000, 3_603_000)),
        _ => return None,
    })
}
