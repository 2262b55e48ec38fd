//! Who is ordered to come and to leave in a history, how, and when.

use std::collections::BTreeSet;

use backstitch::{
    job::{AcsLink, Deadline, Mode, Order, Person, Priority, Row, Time, Unlisted, Workflow},
    sandbox::{Person as ScenePerson, Seeded, World},
};

use crate::{
    histories::MINUTE,
    luck::Luck,
    moves::Move,
    orders::{by_email, by_id, by_key, order, row_in},
    rig::START_MS,
};

pub struct Cast {
    pub people: Vec<Seeded>,
    pub newcomers: Vec<Seeded>,
    systems: Vec<String>,
    /// Identities whose leaving is ordered, or that are made by an order: the only ones that may be touched.
    pub ordered: BTreeSet<String>,
    pub moves: Vec<(i64, Move)>,
    rows: usize,
}

/// The row says that the person left before.
fn said(mut row: Row) -> Row {
    row.order = row.order.map(|order| Order { rehire: true, ..order });
    row
}

/// So many of the seeded people are nobody's business: nothing of theirs may change.
const BYSTANDERS: usize = 2;

impl Cast {
    pub fn gather(world: &mut World, luck: &mut Luck) -> Cast {
        let (people, newcomers) = (world.seed_people(7), world.seed_candidates(4));
        let (systems, mut twins) = (world.acs_systems(), BTreeSet::new());
        let ids: Vec<&String> = people.iter().filter_map(|p| p.user_identity_id.as_ref()).collect();
        if luck.is("shared", 0.06) {
            world.add_session(&[ids[0], ids[5]]);
        }
        if luck.is("device", 0.1) {
            (0..3).for_each(|nth| _ = world.add_device(&[ids[nth]]));
        }
        if luck.is("crowded", 0.03) {
            let user = &people[2].acs_user_ids[0];
            (0..luck.dice.u8(20..60)).for_each(|_| _ = world.add_credential(user, Some(ids[2]), None, "code"));
        }
        if luck.is("twins", 0.04) {
            let twin = ScenePerson { email: Some(&people[3].email_address), ..ScenePerson::default() };
            twins.insert(world.create_person(&twin));
        }
        // Who is ordered by that e-mail address may be either of them.
        Cast { systems, ordered: twins, moves: Vec::new(), rows: 0, people, newcomers }
    }

    pub fn bystanders(&self) -> &[Seeded] {
        &self.people[self.people.len() - BYSTANDERS..]
    }

    /// One to eight jobs on their timeline.
    pub fn direct(&mut self, luck: &mut Luck, safety_ms: i64) {
        let leavers: Vec<Seeded> = self.people[..5].iter().take(luck.dice.usize(0..5)).cloned().collect();
        for person in &leavers {
            self.leaves(luck, person, safety_ms);
        }
        let joiners: Vec<Seeded> = self.newcomers[..luck.dice.usize(usize::from(leavers.is_empty())..4)].to_vec();
        for person in &joiners {
            self.joins(luck, person, safety_ms);
        }
        if luck.is("mover", 0.2) {
            self.moves(luck, &leavers, safety_ms);
        }
        if luck.is("unknown_person", 0.05) {
            let row = self.leave(luck, by_key("emp-404"));
            self.at(luck, safety_ms, vec![row]);
        }
        if luck.is("read_again", 0.3) {
            self.read_again(luck, safety_ms);
        }
    }

    fn at(&mut self, luck: &mut Luck, safety_ms: i64, rows: Vec<Row>) {
        let at = if luck.dice.u8(0..3) > 0 { 0 } else { luck.dice.i64(0..safety_ms.min(5 * MINUTE)) };
        self.moves.push((at, Move::Rows(rows)));
    }

    fn selector(luck: &mut Luck, person: &Seeded) -> Person {
        match luck.dice.u8(0..5) {
            0 => by_key(&person.user_identity_key),
            1 => by_email(&person.email_address.to_ascii_uppercase()),
            2 => Person { phone_number: Some(person.phone_number.clone()), ..Person::default() },
            3 => Person {
                user_identity_key: Some(person.user_identity_key.clone()),
                email_address: Some(person.email_address.clone()),
                ..Person::default()
            },
            _ => by_id(person.user_identity_id.as_ref().unwrap_or(&person.user_identity_key)),
        }
    }

    fn leaves(&mut self, luck: &mut Luck, person: &Seeded, safety_ms: i64) {
        self.ordered.extend(person.user_identity_id.clone());
        let selector = Cast::selector(luck, person);
        let row = self.leave(luck, selector);
        self.at(luck, safety_ms, vec![row]);
        if luck.is("leaves_twice", 0.1) {
            let selector = Cast::selector(luck, person);
            let row = self.leave(luck, selector);
            self.at(luck, safety_ms, vec![row]);
        }
        if luck.is("comes_again", 0.1) {
            let mut selector = by_key(&person.user_identity_key);
            selector.email_address = luck.dice.bool().then(|| person.email_address.clone());
            let row = self.join(luck, selector, Vec::new());
            // One in four forgets to say so.
            let row = if luck.dice.u8(0..4) > 0 { said(row) } else { row };
            self.moves.push((luck.dice.i64(0..safety_ms), Move::Rows(vec![row])));
        }
    }

    /// Somebody stays and changes: name, e-mail address (perhaps one that a leaver of the same file has), and the access systems.
    fn moves(&mut self, luck: &mut Luck, leavers: &[Seeded], safety_ms: i64) {
        let person = luck.one(&self.people[..5]).clone();
        self.ordered.extend(person.user_identity_id.clone());
        let id = person.user_identity_id.clone().unwrap_or_default();
        let mut named = if luck.dice.bool() { by_key(&person.user_identity_key) } else { by_id(&id) };
        let heir = leavers.iter().find(|one| one.user_identity_key != person.user_identity_key);
        named.email_address = match luck.dice.u8(0..3) {
            0 => None,
            1 => heir.map(|one| one.email_address.clone()),
            _ => Some(format!("moved-{}", person.email_address)),
        };
        let unlisted = *luck.one(&[Unlisted::Keep, Unlisted::Remove, Unlisted::Delete]);
        let mut links: Vec<AcsLink> =
            person.acs_user_ids.iter().map(|id| AcsLink::ById { acs_user_id: id.clone() }).collect();
        links.truncate(luck.dice.usize(0..=links.len()));
        let mut row = self.row(luck, Workflow::Update, named, |order| Order {
            acs_users: links,
            full_name: Some("Moved Person".into()),
            unlisted_acs_users: Some(unlisted),
            ..order
        });
        let files = self.moves.iter_mut().filter_map(|(_, m)| if let Move::Rows(rows) = m { Some(rows) } else { None });
        match files.last().filter(|_| luck.dice.bool()) {
            Some(rows) => {
                (row.place, row.place.line) = (rows[0].place.clone(), 9);
                rows.push(row);
            }
            None => self.at(luck, safety_ms, vec![row]),
        }
    }

    fn joins(&mut self, luck: &mut Luck, person: &Seeded, safety_ms: i64) {
        let mut selector = by_email(&person.email_address);
        selector.user_identity_key = luck.dice.bool().then(|| person.user_identity_key.clone());
        let links = self.links(luck, person);
        let row = self.join(luck, selector.clone(), links);
        let at = luck.dice.i64(0..safety_ms.min(3 * MINUTE));
        if luck.is("leaver_and_joiner", 0.15) {
            let leaving = if luck.dice.bool() { by_email(&person.email_address) } else { selector.clone() };
            let mut leave = self.leave(luck, leaving);
            if luck.dice.u8(0..3) == 0 {
                // Both in one file: the joiner is turned away.
                (leave.place, leave.place.line) = (row.place.clone(), 2);
                let row = if luck.is("comes_back", 0.4) { said(row) } else { row };
                return self.moves.push((at, Move::Rows(vec![row, leave])));
            }
            let later = if luck.dice.bool() { 2_000 } else { safety_ms.min(8 * MINUTE) };
            self.moves.push((at + luck.dice.i64(0..later), Move::Rows(vec![leave])));
        }
        if luck.is("joins_twice", 0.06) {
            let again = self.join(luck, selector, Vec::new());
            self.at(luck, safety_ms, vec![again]);
        }
        self.moves.push((at, Move::Rows(vec![row])));
    }

    fn links(&self, luck: &mut Luck, person: &Seeded) -> Vec<AcsLink> {
        let id = person.acs_user_ids[0].clone();
        let email = person.email_address.clone();
        // Which system their ACS user is in follows from the number in their key.
        let number: usize = person.user_identity_key.rsplit('-').next().and_then(|n| n.parse().ok()).unwrap_or(0);
        let (home, other) = (self.systems[number % 3].clone(), self.systems[(number + 1) % 3].clone());
        let by_phone = luck.dice.bool();
        let (email_address, phone_number) =
            if by_phone { (None, Some(person.phone_number.clone())) } else { (Some(email.clone()), None) };
        let link = match luck.dice.u8(0..5) {
            0 => AcsLink::ById { acs_user_id: id },
            1 => AcsLink::ByEmail { email_address: email },
            2 => AcsLink::InSystem { acs_system_id: home, email_address, phone_number },
            3 => AcsLink::Create { acs_system_id: other, full_name: "New Comer".into(), email_address, phone_number },
            _ => return Vec::new(),
        };
        vec![link]
    }

    fn leave(&mut self, luck: &mut Luck, person: Person) -> Row {
        let mode = luck.is("cascade", 0.25).then_some(Mode::Cascade);
        let cut_first = luck.is("cut_first", 0.25).then_some(true);
        self.row(luck, Workflow::Offboard, person, |order| Order { mode, cut_first, ..order })
    }

    fn join(&mut self, luck: &mut Luck, person: Person, acs_users: Vec<AcsLink>) -> Row {
        let full_name = luck.dice.bool().then(|| "New Comer".to_owned());
        self.row(luck, Workflow::Onboard, person, |order| Order { acs_users, full_name, ..order })
    }

    fn row(&mut self, luck: &mut Luck, workflow: Workflow, person: Person, with: impl FnOnce(Order) -> Order) -> Row {
        self.rows += 1;
        let key = format!(
            "{}-{}",
            match workflow {
                Workflow::Offboard => "off",
                Workflow::Onboard => "on",
                Workflow::Update => "up",
            },
            self.rows
        );
        let mut order = with(order(&key, workflow, person));
        order.priority = *luck.one(&[Priority::Urgent, Priority::Normal, Priority::Normal, Priority::Low]);
        if luck.is("not_before", 0.1) {
            order.not_before = Some(Time(START_MS + luck.dice.i64(1..20) * MINUTE));
        }
        if luck.is("deadline", 0.2) {
            order.deadline = Some(Deadline::Within(luck.dice.i64(1..60) * MINUTE));
        }
        row_in(&format!("{key}.jsonl"), order)
    }

    /// Files that are read again, some of their rows changed.
    fn read_again(&mut self, luck: &mut Luck, safety_ms: i64) {
        let files: Vec<Vec<Row>> = self
            .moves
            .iter()
            .filter_map(|(_, m)| if let Move::Rows(rows) = m { Some(rows.clone()) } else { None })
            .collect();
        for _ in 0..luck.dice.u8(1..4) {
            let mut rows = luck.one(&files).clone();
            if luck.is("changed_row", 0.3) {
                for row in &mut rows {
                    row.content_hash.push('x');
                    row.order = row.order.clone().map(|order| Order { reason: Some("changed".into()), ..order });
                }
            }
            let at = luck.dice.i64(0..safety_ms);
            self.moves.push((at, Move::Rows(rows)));
        }
    }
}
