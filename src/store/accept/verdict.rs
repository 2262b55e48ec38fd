//! What becomes of one row, by what the file already knows.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{
    super::rehire::{self, LEAVES, Leave, Leaves},
    NewRow,
};
use crate::job::{Fate, Order, PersonKey, Place, Problem, Protected, Time, Workflow};

/// What the file already knows about the chunk's keys and people.
#[derive(Default)]
pub(in crate::store) struct Known {
    pub jobs: HashMap<String, (String, Order)>,
    pub leaving: HashSet<(Origin, PersonKey)>,
    pub turned_away: HashSet<(String, String)>,
    /// Whoever leaves, or has left and is not back.
    pub leaves: Leaves,
}

impl Known {
    /// What rows that come together say of each other.
    pub fn of(rows: &[NewRow], now: Time) -> Known {
        let mut known = Known::default();
        for new in rows {
            match &new.row.order {
                // A leave that is planned for later stands in nobody's way: so contractors are ordered.
                Ok(order) if order.workflow == Workflow::Offboard && order.not_before.is_none_or(|at| at <= now) => {
                    let origin = origin(&new.row.place);
                    known.leaving.extend(new.keys.iter().filter_map(|key| Some((origin.clone()?, key.clone()))));
                }
                Ok(_) | Err(_) => {}
            }
        }
        known
    }

    /// The fate of each of these rows, in their order, with why. What is taken counts for the rows behind it.
    pub fn judge(&mut self, rows: &[NewRow], protected: &Protected, now: Time) -> Vec<(Fate, Vec<Problem>)> {
        let mut fates = Vec::with_capacity(rows.len());
        for new in rows {
            let (fate, problems) = judge(new, self, protected);
            if let (Fate::Accepted | Fate::Held, Ok(order)) = (fate, &new.row.order) {
                self.jobs.insert(new.row.job_key.clone(), (new.row.content_hash.clone(), order.clone()));
                self.leave(new, order, now);
            }
            fates.push((fate, problems));
        }
        fates
    }

    /// An offboarding that begins at once is one for the rows behind it, too.
    fn leave(&mut self, new: &NewRow, order: &Order, now: Time) {
        if order.workflow == Workflow::Offboard && order.not_before.is_none_or(|at| at <= now) {
            let place = &new.row.place;
            let leave =
                Leave { job_key: order.job_key.clone(), origin: Some((place.input.clone(), place.file.clone())) };
            self.leaves.extend(new.keys.iter().map(|key| (key.clone(), leave.clone())));
        }
    }
}

/// Input and file of a row. Standard input is no file: nobody wrote both of its orders into one.
pub(in crate::store) type Origin = (String, String);

fn origin(place: &Place) -> Option<Origin> {
    (place.file != "-").then(|| (place.input.clone(), place.file.clone()))
}

fn judge(new: &NewRow, known: &Known, protected: &Protected) -> (Fate, Vec<Problem>) {
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
    if let Some(problem) = protected.refusal(order) {
        return (Fate::Rejected, vec![problem]);
    }
    let origin = origin(&new.row.place);
    // Whoever moves may be given the e-mail address or phone of whoever leaves, and waits for them.
    let is_person = |key: &PersonKey| order.workflow != Workflow::Update || key.0.names();
    let leaves = |key: &PersonKey| {
        is_person(key) && origin.clone().is_some_and(|origin| known.leaving.contains(&(origin, key.clone())))
    };
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
