//! Which ACS users an onboarding or an update links.

use super::{
    fields::unknown_among,
    node::Node,
    order::Form,
    values::{self, Fault, fault, shown},
};
use crate::job::{AcsLink, Person, quoted};

/// The fields of one entry of `acs_users`.
pub const FIELDS: [&str; 6] = ["acs_user_id", "acs_system_id", "email_address", "phone_number", "full_name", "create"];

/// One entry of `acs_users` as written.
#[derive(Default)]
struct Entry {
    acs_user_id: Option<String>,
    acs_system_id: Option<String>,
    email_address: Option<String>,
    phone_number: Option<String>,
    full_name: Option<String>,
    create: bool,
}

/// All links of a row: `acs_users`, then `acs_user_ids`, then `acs_system_ids`.
pub fn read(form: &mut Form<'_>, person: &Person, full_name: Option<&str>) -> Vec<AcsLink> {
    let mut links: Vec<AcsLink> = Vec::new();
    // A value of the row that is wrong is told once; links that would have used it are not blamed for lacking it.
    let spoilt = form.spoilt("email_address", person.email_address.is_none())
        || form.spoilt("phone_number", person.phone_number.is_none())
        || form.spoilt("full_name", full_name.is_none());
    let mut add = |form: &mut Form<'_>, named: &str, link: Result<AcsLink, Fault>| match link {
        Ok(link) if links.contains(&link) => {
            form.reject(named, fault("names the same ACS user twice", "keep one"));
        }
        Ok(link) => links.push(link),
        Err(_) if spoilt => {}
        Err(fault) => form.reject(named, fault),
    };
    match form.value("acs_users") {
        None => {}
        Some((named, Node::List(entries))) => {
            for (at, node) in entries.iter().enumerate() {
                let named = format!("{named}[{at}]");
                if let Some(entry) = entry(form, &named, node) {
                    add(form, &named, link(entry, person, full_name));
                }
            }
        }
        Some((_, other)) => form.reject(
            "acs_users",
            fault(
                format!("is {}, not a list of objects", other.kind()),
                "write [{\"acs_user_id\": \"…\"}]; in csv use the columns acs_user_ids and acs_system_ids",
            ),
        ),
    }
    for id in ids(form, "acs_user_ids") {
        add(form, "acs_user_ids", link(Entry { acs_user_id: Some(id), ..Entry::default() }, person, None));
    }
    for id in ids(form, "acs_system_ids") {
        add(form, "acs_system_ids", link(Entry { acs_system_id: Some(id), ..Entry::default() }, person, None));
    }
    links
}

fn ids(form: &mut Form<'_>, field: &'static str) -> Vec<String> {
    let one = |id: &str| match id.contains([',', ' ']) {
        true => Err(fault(format!("{} is not one id", shown(id)), "separate several ids by semicolons")),
        false => values::key(id),
    };
    let split = |text: &str| text.split(';').map(str::trim).filter(|id| !id.is_empty()).map(one).collect();
    form.text(field, split).unwrap_or_default()
}

fn entry(form: &mut Form<'_>, named: &str, node: &Node) -> Option<Entry> {
    let Node::Map(fields) = node else {
        form.reject(named, fault(format!("is {}, not an object", node.kind()), "write {\"acs_user_id\": \"…\"}"));
        return None;
    };
    let mut entry = Entry::default();
    let mut seen = Vec::new();
    let mut good = true;
    for (name, node) in fields {
        let at = format!("{named}.{}", quoted(name));
        if seen.contains(&name) {
            form.reject(&at, fault("is there twice", "keep one"));
            good = false;
        }
        seen.push(name);
        if node.is_absent() && FIELDS.contains(&name.as_str()) {
            continue;
        }
        let read = match (name.as_str(), node) {
            ("acs_user_id", _) => form.read(at, node, values::key).map(|text| entry.acs_user_id = Some(text)),
            ("acs_system_id", _) => form.read(at, node, values::key).map(|text| entry.acs_system_id = Some(text)),
            ("email_address", _) => form.read(at, node, values::email).map(|text| entry.email_address = Some(text)),
            ("phone_number", _) => form.read(at, node, values::phone).map(|text| entry.phone_number = Some(text)),
            ("full_name", _) => form.read(at, node, values::name).map(|text| entry.full_name = Some(text)),
            ("create", Node::Bool(create)) => {
                entry.create = *create;
                Some(())
            }
            ("create", other) => {
                let message = format!("is {}, not true or false", other.kind());
                form.reject(&at, fault(message, "write true without quotes, or leave it out"));
                None
            }
            _ => {
                form.reject(&at, unknown_among(name, FIELDS.into_iter()));
                None
            }
        };
        good &= read.is_some();
    }
    good.then_some(entry)
}

/// What an entry asks for. Where it gives neither e-mail nor phone of its own, the row's stand in.
fn link(entry: Entry, person: &Person, full_name: Option<&str>) -> Result<AcsLink, Fault> {
    let Entry { acs_user_id, acs_system_id, mut email_address, mut phone_number, full_name: own_name, create } = entry;
    if let Some(acs_user_id) = acs_user_id {
        let alone = acs_system_id.is_none() && email_address.is_none() && phone_number.is_none();
        return if alone && own_name.is_none() && !create {
            Ok(AcsLink::ById { acs_user_id })
        } else {
            Err(fault("gives more than acs_user_id, which says all", "keep only acs_user_id, or leave it out"))
        };
    }
    if own_name.is_some() && !create {
        return Err(fault(
            "gives full_name, which only `create: true` uses",
            "leave out full_name, or add `create: true`",
        ));
    }
    let Some(acs_system_id) = acs_system_id else {
        return match (email_address, phone_number, create) {
            (Some(email_address), None, false) => Ok(AcsLink::ByEmail { email_address }),
            (_, _, true) => Err(fault("creates an ACS user nowhere", "add acs_system_id")),
            (_, Some(_), _) => Err(fault("gives a phone_number without a system", "add acs_system_id")),
            (None, None, _) => Err(fault("names no ACS user", "give acs_user_id, acs_system_id or email_address")),
        };
    };
    if email_address.is_none() && phone_number.is_none() {
        email_address.clone_from(&person.email_address);
        phone_number.clone_from(&person.phone_number);
    }
    if create {
        return match own_name.or_else(|| full_name.map(str::to_owned)) {
            Some(full_name) => Ok(AcsLink::Create { acs_system_id, full_name, email_address, phone_number }),
            None => Err(fault("creates an ACS user without a name", "add full_name, here or for the row")),
        };
    }
    if email_address.is_none() && phone_number.is_none() {
        return Err(fault(
            format!("looks in system {} for nobody", shown(&acs_system_id)),
            "add email_address or phone_number, here or for the row",
        ));
    }
    Ok(AcsLink::InSystem { acs_system_id, email_address, phone_number })
}
