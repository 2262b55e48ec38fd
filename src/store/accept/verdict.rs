//! What becomes of one row, by what the file already knows.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::NewRow;
use crate::job::{Fate, Order, PROTECTED_REMEDY, PersonKey, Place, Problem, Protected, Workflow, protected_words};

/// What the file already knows about the chunk's keys and people.
pub(super) struct Known {
    pub jobs: HashMap<String, (String, Order)>,
    pub leaving: HashSet<(Origin, PersonKey)>,
    pub turned_away: HashSet<(String, String)>,
}

/// Input and file of a row. Standard input is no file: nobody wrote both of its orders into one.
pub(super) type Origin = (String, String);

pub(super) fn origin(place: &Place) -> Option<Origin> {
    (place.file != "-").then(|| (place.input.clone(), place.file.clone()))
}

/// Why an onboarding is turned away for good, although its row is well formed.
pub(super) const LEAVES: &str = "the same file orders this person's offboarding";

pub(super) fn judge(new: &NewRow, known: &Known, protected: &Protected) -> (Fate, Vec<Problem>) {
    let order = match &new.row.order {
        Ok(order) => order,
        Err(problems) => return (Fate::Rejected, problems.clone()),
    };
    if let Some((hash, old)) = known.jobs.get(&new.row.job_key) {
        if *hash == new.row.content_hash {
            return (Fate::Duplicate, Vec::new());
        }
        return (Fate::Rejected, vec![changed(old, order)]);
    }
    if let (Some(pattern), true) = (protected.names(&order.person), order.workflow != Workflow::Onboard) {
        let (message, remedy) = (protected_words(pattern), PROTECTED_REMEDY.to_owned());
        return (Fate::Rejected, vec![Problem { field: String::new(), message, remedy }]);
    }
    let origin = origin(&new.row.place);
    let leaves = |key: &PersonKey| origin.clone().is_some_and(|origin| known.leaving.contains(&(origin, key.clone())));
    let before = known.turned_away.contains(&(new.row.job_key.clone(), new.row.content_hash.clone()));
    if order.workflow == Workflow::Onboard && (before || new.keys.iter().any(leaves)) {
        let problem = Problem {
            field: "workflow".to_owned(),
            message: LEAVES.to_owned(),
            remedy: "a leaver beats a joiner: order the onboarding under a new job_key when the offboarding is done"
                .to_owned(),
        };
        return (Fate::Rejected, vec![problem]);
    }
    (Fate::Accepted, Vec::new())
}

/// Same key, other content: told with the names of what differs, never with the values.
fn changed(old: &Order, new: &Order) -> Problem {
    let fields = |order: &Order| match serde_json::to_value(order) {
        Ok(Value::Object(mut map)) => {
            if let Some(Value::Object(person)) = map.remove("person") {
                map.extend(person);
            }
            map
        }
        _ => serde_json::Map::new(),
    };
    let (old, new) = (fields(old), fields(new));
    let mut differing: Vec<&String> =
        old.keys().chain(new.keys()).filter(|name| old.get(*name) != new.get(*name)).collect();
    differing.sort();
    differing.dedup();
    let names: Vec<_> = differing.iter().map(|name| name.as_str()).collect();
    Problem {
        field: "job_key".to_owned(),
        message: format!("this job_key was accepted before with other content: {} differ", names.join(", ")),
        remedy: "an accepted order does not change; give the new one its own job_key".to_owned(),
    }
}
