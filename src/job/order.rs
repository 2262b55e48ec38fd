//! What people ask for: an order is one accepted row of an input file.

use serde::{Deserialize, Serialize};

use super::{spot::Spot, time::Time, words::words};

words! {
    /// What is done for the person.
    Workflow {
        /// Take all access away. Revocations come before grants.
        Offboard = "offboard",
        /// Create the identity and link its ACS users.
        Onboard = "onboard",
        /// Bring an existing identity and its links to what the order lists.
        Update = "update",
    }
}

words! {
    /// Order among jobs of one workflow.
    Priority {
        /// Before everything else.
        Urgent = "urgent",
        /// The default.
        Normal = "normal",
        /// When nothing else is ready.
        Low = "low",
    }
}

words! {
    /// The way an offboarding goes.
    Mode {
        /// Every kind of object in its own step, the identity last.
        Ordered = "ordered",
        /// The identity first, which takes along what belongs to it; every object is read back by its id.
        Cascade = "cascade",
    }
}

words! {
    /// What an update does with linked ACS users that its order does not list.
    Unlisted {
        /// They stay linked.
        Keep = "keep",
        /// They are taken off the identity and stay in their access system.
        Remove = "remove",
        /// They are deleted.
        Delete = "delete",
    }
}

/// How a person is named. At least one field is given; the first of id, key, e-mail and phone finds, the others must agree.
/// In an update id and key alone name the person; e-mail and phone are what they are to become.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Seam's id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user_identity_id: Option<String>,
    /// The owner's own key.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user_identity_key: Option<String>,
    /// Compared with ASCII case folded, never partially.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub email_address: Option<String>,
    /// E.164, compared as written.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phone_number: Option<String>,
}

/// One ACS user to link to the identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AcsLink {
    /// This very ACS user.
    ById {
        /// Seam's id.
        acs_user_id: String,
    },
    /// The one in this system with exactly this e-mail or phone.
    InSystem {
        /// The system.
        acs_system_id: String,
        /// Exact e-mail.
        email_address: Option<String>,
        /// Exact phone.
        phone_number: Option<String>,
    },
    /// Every ACS user with exactly this e-mail, at most one a system.
    ByEmail {
        /// Exact e-mail.
        email_address: String,
    },
    /// A new one in this system (an existing one of the same e-mail or phone is taken instead).
    Create {
        /// The system.
        acs_system_id: String,
        /// Required by Seam.
        full_name: String,
        /// Optional.
        email_address: Option<String>,
        /// Optional.
        phone_number: Option<String>,
    },
}

/// One accepted row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Names the job for ever; the same key twice is one job.
    pub job_key: String,
    /// What is done.
    pub workflow: Workflow,
    /// For whom.
    pub person: Person,
    /// The person's name: an onboarding or update gives it, an offboarding only shows it to people. Nobody is found by it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub full_name: Option<String>,
    /// ACS users to link (onboarding, update).
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub acs_users: Vec<AcsLink>,
    /// Which way the offboarding goes; none: as the settings say.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mode: Option<Mode>,
    /// Whether doors are shut ahead of the deletions; none: as the settings say.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cut_first: Option<bool>,
    /// What an update does with links that it does not list; none: they stay.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unlisted_acs_users: Option<Unlisted>,
    /// Order among the others.
    pub priority: Priority,
    /// Not before this moment, by the wall clock.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub not_before: Option<Time>,
    /// Should be done by then; missing it changes nothing but the view `overdue`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub deadline: Option<Deadline>,
    /// Why, in the orderer's words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// The person left before (or is leaving) and comes back (onboarding).
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub rehire: bool,
}

impl Order {
    /// An order that says no more than what is done for whom.
    pub fn new(job_key: impl Into<String>, workflow: Workflow, person: Person) -> Order {
        Order {
            job_key: job_key.into(),
            workflow,
            person,
            full_name: None,
            acs_users: Vec::new(),
            mode: None,
            cut_first: None,
            unlisted_acs_users: None,
            priority: Priority::Normal,
            not_before: None,
            deadline: None,
            reason: None,
            rehire: false,
        }
    }

    /// Whether somebody loses access by it.
    pub fn takes_away(&self) -> bool {
        let unlisted = !matches!(self.unlisted_acs_users, None | Some(Unlisted::Keep));
        self.workflow == Workflow::Offboard || (self.workflow == Workflow::Update && unlisted)
    }
}

/// When an order should be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deadline {
    /// At this moment.
    At(Time),
    /// So many milliseconds after acceptance.
    Within(i64),
}

/// Where a row came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The input's path, or `enqueue`.
    pub input: String,
    /// The file the row was read from.
    pub file: String,
    /// 1-based line of the row's first byte.
    pub line: u64,
}

/// A row that cannot be accepted, told so that its writer can mend it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The field at fault, as the file names it; empty for the whole row.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: String,
    /// Where in the file; none where only the row is meant.
    #[serde(flatten)]
    pub spot: Spot,
}

impl Problem {
    /// A problem of a field, wherever in the file that stands.
    pub fn new(field: impl Into<String>, message: impl Into<String>, remedy: impl Into<String>) -> Problem {
        Problem { field: field.into(), message: message.into(), remedy: remedy.into(), spot: Spot::default() }
    }
}

/// One row as the parser hands it on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Where it stands.
    pub place: Place,
    /// Its job key, as far as it could be read (empty: none).
    pub job_key: String,
    /// SHA-256 (hex) of the order in its canonical JSON; of the raw bytes where there is no order.
    pub content_hash: String,
    /// The order, or everything that is wrong with the row.
    pub order: Result<Order, Vec<Problem>>,
}

words! {
    /// What became of a row.
    Fate {
        /// A new job.
        Accepted = "accepted",
        /// Same key, same content as an earlier row.
        Duplicate = "duplicate",
        /// Refused; the problems say why.
        Rejected = "rejected",
        /// Accepted, and needs a person before anything happens.
        Held = "held",
    }
}

/// A row's fate, as it is reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Where the row stands.
    pub place: Place,
    /// Its key.
    pub job_key: String,
    /// What became of it.
    pub fate: Fate,
    /// Why, where it was not simply accepted.
    pub problems: Vec<Problem>,
}
