//! Values to an order, or everything that is wrong with them at once.

use super::{
    fields::{Given, Plan, misplaced},
    links,
    node::Node,
    times,
    values::{self, Fault, fault},
};
use crate::job::{AcsLink, Deadline, Order, Person, Priority, Problem, Unlisted, Workflow};

/// A row as far as it could be read.
#[derive(Debug)]
pub struct Read {
    /// Its key; empty where it has none.
    pub job_key: String,
    /// The order or every problem.
    pub order: Result<Order, Vec<Problem>>,
}

/// A row on its way to an order.
pub struct Form<'a> {
    plan: &'a Plan,
    given: Given,
    workflow: Option<Workflow>,
    problems: Vec<Problem>,
}

impl Form<'_> {
    /// Notes a problem of one of our fields, under the name that the file gives it.
    pub fn reject(&mut self, field: &str, fault: Fault) {
        let named = self.given.values.get(field).map_or_else(|| self.plan.called(field), |value| value.0.as_str());
        let problem = fault.at(named);
        self.problems.push(problem);
    }

    fn has(&self, field: &str) -> bool {
        self.given.values.get(field).is_some_and(|(_, node)| !node.is_absent())
    }

    /// Whether the row gives the field, and it could not be read.
    pub fn spoilt(&self, field: &str, unread: bool) -> bool {
        unread && self.has(field)
    }

    /// The row's value, else the default; with the name to call it by.
    pub fn value(&self, field: &'static str) -> Option<(String, Node)> {
        let own = self.given.values.get(field).filter(|(_, node)| !node.is_absent());
        own.cloned().or_else(|| self.plan.default_of(field, self.workflow))
    }

    /// The value read from its text; none if there is none or it is wrong (then noted).
    pub fn text<T>(&mut self, field: &'static str, read: impl FnOnce(&str) -> Result<T, Fault>) -> Option<T> {
        let (named, node) = self.value(field)?;
        self.read(named, &node, read)
    }

    /// As [`Form::text`], of any value.
    pub fn read<T>(&mut self, named: String, node: &Node, read: impl FnOnce(&str) -> Result<T, Fault>) -> Option<T> {
        let got = match node {
            Node::Text(text) => read(text.trim()),
            Node::List(_) | Node::Map(_) => {
                Err(fault(format!("is {}, not text", node.kind()), "write one text in quotes"))
            }
            other => Err(fault(format!("is {}, not text", other.kind()), "put the value in quotes")),
        };
        got.map_err(|fault| self.problems.push(fault.at(named))).ok()
    }

    /// A yes or no: JSON's own, or the words for it, as csv has them.
    pub fn flag(&mut self, field: &'static str) -> Option<bool> {
        let (named, node) = self.value(field)?;
        match node {
            Node::Bool(is) => Some(is),
            Node::Text(_) => self.read(named, &node, values::flag),
            other => {
                let wrong =
                    fault(format!("is {}, not true or false", other.kind()), "write true or false, without quotes");
                self.problems.push(wrong.at(named));
                None
            }
        }
    }

    /// The key: the row's own, else made of the key columns.
    fn job_key(&mut self) -> Option<String> {
        if self.has("job_key") {
            return self.text("job_key", values::key);
        }
        let mut parts = Vec::new();
        let columns = std::mem::take(&mut self.given.key);
        for (column, node) in &columns {
            match node {
                Some(node) if !node.is_absent() => {
                    parts.extend(self.read(column.clone(), node, |text| Ok(text.to_owned())));
                }
                _ => self.problems.push(
                    fault("is empty, and the job key is made of it", "fill it in, or give the row a job_key")
                        .at(column),
                ),
            }
        }
        let whole = !columns.is_empty() && parts.len() == columns.len();
        let named = columns.into_iter().map(|column| column.0).collect::<Vec<_>>().join(", ");
        if whole { self.read(named, &Node::Text(parts.join("/")), values::key) } else { None }
    }

    fn deny_misplaced(&mut self) {
        let Some(workflow) = self.workflow else { return };
        for (field, whose) in misplaced(workflow) {
            if self.has(field) {
                let message = format!("belongs to {whose}, and this row {workflow}s");
                self.reject(field, fault(message, format!("leave it empty on {workflow} rows")));
            }
        }
    }

    fn deny_nobody(&mut self) {
        const SELECTORS: [&str; 4] = ["user_identity_id", "user_identity_key", "email_address", "phone_number"];
        let named = SELECTORS.iter().any(|field| self.has(field));
        match self.workflow {
            Some(Workflow::Offboard) if !named => self.problems.push(
                fault(
                    "names nobody to offboard",
                    "give user_identity_id, user_identity_key, email_address or phone_number",
                )
                .at(""),
            ),
            Some(Workflow::Onboard) if self.has("user_identity_id") => self.reject(
                "user_identity_id",
                fault("is Seam's to give, and this row onboards", "use user_identity_key for a key of your own"),
            ),
            Some(Workflow::Onboard) if !named && !self.has("full_name") => self.problems.push(
                fault("names nobody to onboard", "give user_identity_key, email_address, phone_number or full_name")
                    .at(""),
            ),
            Some(Workflow::Update) if !(self.has("user_identity_id") || self.has("user_identity_key")) => {
                self.problems.push(
                    fault(
                        "names nobody to update",
                        "give user_identity_id or user_identity_key; e-mail and phone are what they are to become",
                    )
                    .at(""),
                );
            }
            _ => {}
        }
    }

    /// An update that changes nothing is a mistake; one that would take every link away is an offboarding.
    fn deny_void_update(&mut self, links: &[AcsLink], unlisted: Option<Unlisted>) {
        if self.workflow != Some(Workflow::Update) || !self.problems.is_empty() || !links.is_empty() {
            return;
        }
        if unlisted.is_some_and(|unlisted| unlisted != Unlisted::Keep) {
            return self.reject(
                "unlisted_acs_users",
                fault(
                    "would take every ACS user off the person, since the row lists none",
                    "list those that stay in acs_users, or order an offboarding",
                ),
            );
        }
        if !["full_name", "email_address", "phone_number"].iter().any(|field| self.has(field)) {
            let message = "changes nothing";
            self.problems
                .push(fault(message, "give full_name, email_address, phone_number or ACS users to link").at(""));
        }
    }
}

/// Reads one row. The key is missing only where neither the row nor the key columns give one; whether that is wrong is the caller's to say.
pub fn read(plan: &Plan, mut given: Given) -> Read {
    let problems = std::mem::take(&mut given.problems);
    let mut form = Form { plan, given, workflow: None, problems };
    let job_key = form.job_key().unwrap_or_default();
    if form.value("workflow").is_none() {
        form.reject("workflow", fault("is missing", "write onboard, offboard or update"));
    }
    form.workflow = form.text("workflow", values::workflow);
    form.deny_misplaced();
    form.deny_nobody();
    let person = Person {
        user_identity_id: form.text("user_identity_id", values::key),
        user_identity_key: form.text("user_identity_key", values::key),
        email_address: form.text("email_address", values::email),
        phone_number: form.text("phone_number", values::phone),
    };
    let full_name = form.text("full_name", values::name);
    let acs_users = links::read(&mut form, &person, full_name.as_deref());
    let priority = form.text("priority", values::priority).unwrap_or(Priority::Normal);
    let not_before = form.text("not_before", |text| times::moment(text, plan.zone.as_ref()));
    let deadline = form.text("deadline", |text| times::deadline(text, plan.zone.as_ref()));
    if let (Some(start), Some(Deadline::At(end))) = (not_before, deadline)
        && end < start
    {
        form.reject("deadline", fault("is before not_before", "correct one of them"));
    }
    let reason = form.text("reason", values::reason);
    let mode = form.text("mode", values::mode);
    let rehire = form.flag("rehire").unwrap_or(false);
    if let Some(other) = form.workflow.filter(|workflow| rehire && *workflow != Workflow::Onboard) {
        let remedy = "say it on the row that orders them back, and false or nothing here";
        form.reject("rehire", fault(format!("is true, and this row {other}s"), remedy));
    }
    let cut_first = form.flag("cut_first");
    let unlisted_acs_users = form.text("unlisted_acs_users", values::unlisted);
    form.deny_void_update(&acs_users, unlisted_acs_users);
    let order = match form.workflow {
        Some(workflow) if form.problems.is_empty() => Ok(Order {
            job_key: job_key.clone(),
            workflow,
            person,
            full_name,
            acs_users,
            mode,
            cut_first,
            unlisted_acs_users,
            priority,
            not_before,
            deadline,
            reason,
            rehire,
        }),
        _ => Err(form.problems),
    };
    Read { job_key, order }
}
