//! Names: which fields there are, what the file calls them, and which one a misspelt name meant.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;

use super::{
    node::Node,
    order,
    times::zone,
    values::{Fault, fault, shown},
};
use crate::job::{InputSpec, Problem, Workflow, nearest, quoted};

/// Whose rows may carry a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Every row's.
    Every,
    /// Onboarding's and update's.
    Linking,
    /// Offboarding's only.
    Offboard,
    /// Update's only.
    Update,
}

/// Our fields: name, whose rows take it, whether the configuration may give it a default. What names a job or a person may not: the
/// rows that lack it would all become the same job, or the same person's.
pub const FIELDS: &[(&str, Takes, bool)] = &[
    ("job_key", Takes::Every, false),
    ("workflow", Takes::Every, true),
    ("user_identity_id", Takes::Every, false),
    ("user_identity_key", Takes::Every, false),
    ("email_address", Takes::Every, false),
    ("phone_number", Takes::Every, false),
    ("full_name", Takes::Every, false),
    ("acs_users", Takes::Linking, false),
    ("acs_user_ids", Takes::Linking, false),
    ("acs_system_ids", Takes::Linking, true),
    ("priority", Takes::Every, true),
    ("not_before", Takes::Every, true),
    ("deadline", Takes::Every, true),
    ("reason", Takes::Every, true),
    ("mode", Takes::Offboard, true),
    ("cut_first", Takes::Offboard, true),
    ("unlisted_acs_users", Takes::Update, true),
    ("rehire", Takes::Every, false),
];

/// Wrong names that are told of one row or header; a foreign file has thousands.
const FAULTS_MOST: usize = 20;
/// How a field is called whose name is blank.
pub const NAMELESS: &str = "(a field)";

fn ours(name: &str) -> Option<&'static str> {
    FIELDS.iter().find(|field| field.0 == name).map(|field| field.0)
}

fn takes(field: &str, workflow: Workflow) -> bool {
    FIELDS.iter().any(|known| known.0 == field && known.1.includes(workflow))
}

impl Takes {
    /// Whether rows of this workflow carry such a field.
    fn includes(self, workflow: Workflow) -> bool {
        match self {
            Takes::Every => true,
            Takes::Linking => matches!(workflow, Workflow::Onboard | Workflow::Update),
            Takes::Offboard => workflow == Workflow::Offboard,
            Takes::Update => workflow == Workflow::Update,
        }
    }
}

/// Our fields that belong to other workflows than this one, with whose they are, in words.
pub fn misplaced(workflow: Workflow) -> impl Iterator<Item = (&'static str, &'static str)> {
    let elsewhere = FIELDS.iter().filter(move |field| !field.1.includes(workflow));
    elsewhere.filter_map(|field| match field.1 {
        Takes::Linking => Some((field.0, "onboarding and update")),
        Takes::Offboard => Some((field.0, "offboarding")),
        Takes::Update => Some((field.0, "update")),
        Takes::Every => None,
    })
}

/// An input's settings, checked and ready to read rows by.
#[derive(Debug)]
pub struct Plan {
    columns: BTreeMap<String, &'static str>,
    defaults: BTreeMap<&'static str, String>,
    key_columns: Vec<String>,
    /// Zone of times that name none.
    pub zone: Option<TimeZone>,
}

/// One row's values under our names.
#[derive(Debug, Default)]
pub struct Given {
    /// Our name, to the file's name and the value.
    pub values: BTreeMap<&'static str, (String, Node)>,
    /// The values of the key columns, in the order of the configuration.
    pub key: Vec<(String, Option<Node>)>,
    /// Names that are unknown or come twice.
    pub problems: Vec<Problem>,
}

impl Plan {
    /// The plan of `spec`, or everything that is wrong with it; `Problem::field` is then a key of the configuration.
    pub fn new(spec: &InputSpec) -> Result<Plan, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut plan = Plan {
            columns: BTreeMap::new(),
            defaults: BTreeMap::new(),
            key_columns: spec.key_columns.clone(),
            zone: None,
        };
        for (theirs, name) in &spec.columns {
            match ours(name) {
                Some(name) => drop(plan.columns.insert(theirs.clone(), name)),
                None => problems.push(unknown(name).at(format!("columns.{}", quoted(theirs)))),
            }
        }
        for (name, text) in &spec.defaults {
            let at = format!("defaults.{}", quoted(name));
            match FIELDS.iter().find(|field| field.0 == name) {
                Some((name, _, true)) => drop(plan.defaults.insert(name, text.clone())),
                Some(_) => problems.push(
                    fault("cannot have a default: every row without it would get the same one", "remove the default")
                        .at(at),
                ),
                None => problems.push(unknown(name).at(at)),
            }
        }
        if let Some(name) = &spec.time_zone {
            match zone(name) {
                Ok(zone) => plan.zone = Some(zone),
                Err(fault) => problems.push(fault.at("time_zone")),
            }
        }
        problems.extend(plan.faults_of_defaults());
        if problems.is_empty() { Ok(plan) } else { Err(problems) }
    }

    /// The defaults are read as a row's own values are, once for each workflow.
    fn faults_of_defaults(&self) -> Vec<Problem> {
        let mut found: Vec<Problem> = Vec::new();
        for workflow in Workflow::ALL {
            let mut given = Given::default();
            if !self.defaults.contains_key("workflow") {
                given.values.insert("workflow", ("workflow".to_owned(), Node::Text(workflow.to_string())));
            }
            // With a person and a name, whatever a default builds on is there.
            for (field, text) in [("user_identity_key", "a"), ("email_address", "a@example.com"), ("full_name", "A")] {
                if takes(field, *workflow) {
                    given.values.insert(field, (field.to_owned(), Node::Text(text.to_owned())));
                }
            }
            let problems = order::read(self, given).order.err().unwrap_or_default();
            let new = |problem: &Problem| problem.field.starts_with("defaults.") && !found.contains(problem);
            found.extend(problems.into_iter().filter(new).collect::<Vec<_>>());
        }
        found
    }

    /// Our name for the file's; none for a column that is only part of the key.
    fn name(&self, theirs: &str) -> Result<Option<&'static str>, Fault> {
        match self.columns.get(theirs).copied().or_else(|| ours(theirs)) {
            Some(name) => Ok(Some(name)),
            None if self.key_columns.iter().any(|column| column == theirs) => Ok(None),
            None => {
                let known = self.columns.keys().chain(&self.key_columns).map(String::as_str);
                Err(unknown_among(theirs, known.chain(FIELDS.iter().map(|field| field.0))))
            }
        }
    }

    /// Everything wrong with a list of names: unknown, twice, or two names for one field. With the 0-based place in the list.
    pub fn faults_of_names<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Vec<(usize, Problem)> {
        let mut seen = BTreeSet::new();
        let mut fields: BTreeMap<&str, &str> = BTreeMap::new();
        let mut faults = Vec::new();
        for (at, theirs) in names.into_iter().enumerate() {
            if faults.len() == FAULTS_MOST {
                let more = fault("and perhaps more of its names are wrong", "mend these first");
                faults.push((at, more.at("")));
                break;
            }
            let fault = if theirs.trim().is_empty() {
                Some(fault("has no name", "give it the name of a known field, or remove it"))
            } else if !seen.insert(theirs) {
                Some(fault("is there twice", "keep one"))
            } else {
                match self.name(theirs) {
                    Err(fault) => Some(fault),
                    Ok(None) => None,
                    Ok(Some(field)) => fields
                        .insert(field, theirs)
                        .map(|other| fault(format!("means {field}, and so does {}", shown(other)), "keep one")),
                }
            };
            let named = if theirs.trim().is_empty() { NAMELESS.to_owned() } else { quoted(theirs) };
            faults.extend(fault.map(|fault| (at, fault.at(named))));
        }
        faults
    }

    /// Sorts a row's values by our names.
    pub fn given(&self, pairs: Vec<(String, Node)>) -> Given {
        let faults = self.faults_of_names(pairs.iter().map(|pair| pair.0.as_str()));
        let of_key = |column: &String| {
            let node = pairs.iter().find(|pair| pair.0 == *column).map(|pair| pair.1.clone());
            (column.clone(), node)
        };
        let key = self.key_columns.iter().map(of_key).collect();
        let problems = faults.into_iter().map(|fault| fault.1).collect();
        let mut values = BTreeMap::new();
        for (theirs, node) in pairs {
            if let Ok(Some(field)) = self.name(&theirs) {
                values.insert(field, (theirs, node));
            }
        }
        Given { values, key, problems }
    }

    /// The default of a field that rows of this workflow take.
    pub fn default_of(&self, field: &'static str, workflow: Option<Workflow>) -> Option<(String, Node)> {
        let fits = field == "workflow" || workflow.is_some_and(|workflow| takes(field, workflow));
        let text = self.defaults.get(field).filter(|_| fits)?;
        Some((format!("defaults.{field}"), Node::Text(text.clone())))
    }

    /// The file's own name of a field, where it renames it.
    pub fn called<'a>(&'a self, field: &'a str) -> &'a str {
        self.columns.iter().find(|(_, name)| **name == field).map_or(field, |(theirs, _)| theirs.as_str())
    }
}

impl Fault {
    /// The fault of this field.
    pub fn at(self, field: impl Into<String>) -> Problem {
        Problem::new(field, self.message, self.remedy)
    }
}

fn unknown(name: &str) -> Fault {
    let fault = unknown_among(name, FIELDS.iter().map(|field| field.0));
    Fault { message: format!("{} {}", shown(name), fault.message), ..fault }
}

/// A name that is none of the known ones, with the one that was probably meant.
pub fn unknown_among<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Fault {
    match nearest(name, known) {
        Some(near) => fault("is not a field that is known here", format!("perhaps `{near}` is meant")),
        None => fault("is not a field that is known here", "remove it, or map it to a known field with `columns`"),
    }
}

#[cfg(test)]
mod tests {
    use super::FIELDS;
    use crate::job::ROW_FIELDS;

    /// The settings let columns and defaults be named after exactly the fields that a row may give.
    #[test]
    fn the_settings_know_the_fields_of_a_row() {
        let mut built: Vec<&str> = FIELDS.iter().map(|field| field.0).collect();
        let mut known = ROW_FIELDS.to_vec();
        built.sort_unstable();
        known.sort_unstable();
        assert_eq!(built, known);
    }
}
