//! What becomes of one row, by what the file already knows.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{
    super::rehire::{self, LEAVES, Leave, Leaves},
    NewRow,
};
use crate::job::{
    Fate, Order, PROTECTED_REMEDY, PersonKey, Place, Problem, Protected, Time, Workflow, protected_words,
};

/// What the file already knows about the chunk's keys and people.
pub(super) struct Known {
    pub jobs: HashMap<String, (String, Order)>,
    pub leaving: HashSet<(Origin, PersonKey)>,
    pub turned_away: HashSet<(String, String)>,
    /// Whoever leaves, or has left and is not back.
    pub leaves: Leaves,
}

impl Known {
    /// An offboarding that begins at once is one for the rows behind it, too.
    pub fn leave(&mut self, new: &NewRow, order: &Order, now: Time) {
        if order.workflow == Workflow::Offboard && order.not_before.is_none_or(|at| at <= now) {
            let place = &new.row.place;
            let leave =
                Leave { job_key: order.job_key.clone(), origin: Some((place.input.clone(), place.file.clone())) };
            self.leaves.extend(new.keys.iter().map(|key| (key.clone(), leave.clone())));
        }
    }
}

/// Input and file of a row. Standard input is no file: nobody wrote both of its orders into one.
pub(super) type Origin = (String, String);

pub(super) fn origin(place: &Place) -> Option<Origin> {
    (place.file != "-").then(|| (place.input.clone(), place.file.clone()))
}

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
        let (message, remedy) = (protected_words(pattern), PROTECTED_REMEDY);
        return (Fate::Rejected, vec![Problem::new("", message, remedy)]);
    }
    let origin = origin(&new.row.place);
    let leaves = |key: &PersonKey| origin.clone().is_some_and(|origin| known.leaving.contains(&(origin, key.clone())));
    let before = known.turned_away.contains(&(new.row.job_key.clone(), new.row.content_hash.clone()));
    if order.workflow != Workflow::Offboard && !order.rehire && (before || new.keys.iter().any(leaves)) {
        let problem = Problem::new(
            "workflow",
            LEAVES,
            "a leaver beats a joiner: if they come back afterwards, order that with rehire: true",
        );
        return (Fate::Rejected, vec![problem]);
    }
    let asks = order.workflow == Workflow::Onboard && !order.rehire;
    let held = if asks { rehire::unsaid(&new.keys, &known.leaves) } else { None };
    held.unwrap_or((Fate::Accepted, Vec::new()))
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
    Problem::new(
        "job_key",
        format!("this job_key was accepted before with other content: {} differ", names.join(", ")),
        "an accepted order does not change; give the new one its own job_key",
    )
}
