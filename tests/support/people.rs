//! Who is ordered in and out, in which words, and when the orders come.

use std::{fs, io::Write, path::Path};

use backstitch::sandbox::Seeded;
use serde_json::{Value, json};

use super::seam::Seam;

pub struct People {
    pub leavers: Vec<Seeded>,
    pub joiners: Vec<Seeded>,
    /// Identity ids.
    pub bystanders: Vec<String>,
    /// Joiners who get an ACS user made for them.
    pub created: usize,
    off: Vec<Value>,
    on: Vec<Value>,
    files: usize,
    orders: u64,
}

impl People {
    pub fn of(seam: &Seam, half: usize, bystanders: usize) -> People {
        let seeded = seam.seed(half + bystanders, half);
        let (people, joiners) = seeded.split_at(half + bystanders);
        let (leavers, others) = people.split_at(half);
        let systems = seam.acs_systems();
        let off: Vec<Value> = leavers.iter().enumerate().map(|(nth, who)| leaves(nth, who)).collect();
        let on: Vec<Value> = joiners.iter().enumerate().map(|(nth, who)| joins(nth, who, &systems)).collect();
        People {
            leavers: leavers.to_vec(),
            joiners: joiners.to_vec(),
            bystanders: others.iter().map(|other| other.user_identity_id.clone().unwrap()).collect(),
            created: on.iter().filter(|order| order["acs_users"][0]["create"] == true).count(),
            orders: (off.len() + on.len()) as u64,
            off,
            on,
            files: 0,
        }
    }

    /// Every order, given or not.
    pub fn orders(&self) -> u64 {
        self.orders
    }

    /// Gives a share of the orders, so that all are given when half of the kills are over: leavers as new files of a folder, joiners
    /// as new lines of one file.
    pub fn order_some(&mut self, folder: &Path, nth: u64, kills: u64) {
        let turns = (kills / 2).saturating_sub(nth).max(1);
        let share = |left: usize| left.div_ceil(usize::try_from(turns).unwrap());
        let (off, on) = (share(self.off.len()), share(self.on.len()));
        self.give(folder, off, on);
    }

    /// Gives at most so many, as many of each kind; how many it were.
    pub fn order(&mut self, folder: &Path, most: usize) -> u64 {
        let off = most.div_ceil(2).min(self.off.len());
        let on = (most - off).min(self.on.len());
        self.give(folder, off, on);
        (off + on) as u64
    }

    pub fn order_the_rest(&mut self, folder: &Path) {
        let (off, on) = (self.off.len(), self.on.len());
        self.give(folder, off, on);
    }

    fn give(&mut self, folder: &Path, off: usize, on: usize) {
        let lines = |orders: Vec<Value>| orders.iter().map(|order| format!("{order}\n")).collect::<String>();
        let (off, on) = (lines(self.off.drain(..off).collect()), lines(self.on.drain(..on).collect()));
        if !off.is_empty() {
            self.files += 1;
            fs::write(folder.join(format!("drop/leavers-{}.jsonl", self.files)), off).unwrap();
        }
        if !on.is_empty() {
            let mut file = fs::File::options().append(true).open(folder.join("on.jsonl")).unwrap();
            file.write_all(on.as_bytes()).unwrap();
        }
    }
}

fn leaves(nth: usize, who: &Seeded) -> Value {
    let mut order = json!({"job_key": format!("off-{nth}"), "workflow": "offboard"});
    let (name, value) = match nth % 4 {
        0 => ("user_identity_id", who.user_identity_id.as_ref().unwrap()),
        1 => ("user_identity_key", &who.user_identity_key),
        2 => ("email_address", &who.email_address),
        _ => ("phone_number", &who.phone_number),
    };
    order[name] = json!(value);
    order
}

/// The key is always given: it is what the truth is asked by.
fn joins(nth: usize, who: &Seeded, systems: &[String]) -> Value {
    // Candidates have an ACS user in one of the systems already; a new one is only made in another.
    let elsewhere = &systems[(nth + 2) % systems.len()];
    let link = match nth % 3 {
        0 => json!({"acs_user_id": who.acs_user_ids[0]}),
        1 => json!({"email_address": who.email_address}),
        _ => json!({"acs_system_id": elsewhere, "create": true}),
    };
    json!({
        "job_key": format!("on-{nth}"), "workflow": "onboard", "user_identity_key": who.user_identity_key,
        "full_name": format!("Newcomer {nth}"), "email_address": who.email_address, "acs_users": [link],
    })
}
