//! Who a job is about: the selectors that lock a person against a second moving job.

use crate::job::{Identity, Order, Person, PersonKey, Selector, Workflow};

/// The namespace of the keys that Backstitch gives to identities whose row has none (UUIDv5).
const KEY_NAMESPACE: uuid::Uuid = uuid::uuid!("6b5f1f2e-0b7e-5a2f-9c3e-8d1f4c1b7a10");

/// The `user_identity_key` an onboarding creates its identity with: the row's, or one that depends on the job key alone, so that a
/// retry after a crash names the same identity.
pub fn wanted_key(order: &Order) -> String {
    match &order.person.user_identity_key {
        Some(key) => key.clone(),
        None => uuid::Uuid::new_v5(&KEY_NAMESPACE, order.job_key.as_bytes()).to_string(),
    }
}

/// Every selector of the order (in an update also the e-mail and phone that it gives the person) and, once known, of the identity it resolved to. Sorted, each once.
pub fn selectors(order: &Order, identity: Option<&Identity>) -> Vec<PersonKey> {
    let Person { user_identity_id, user_identity_key, email_address, phone_number } = &order.person;
    let mut all = Vec::new();
    let mut add = |kind: Selector, value: Option<&String>| {
        if let Some(value) = value {
            let value = if kind == Selector::Email { value.to_ascii_lowercase() } else { value.clone() };
            all.push((kind, value));
        }
    };
    add(Selector::Id, user_identity_id.as_ref());
    add(Selector::Key, user_identity_key.as_ref());
    add(Selector::Email, email_address.as_ref());
    add(Selector::Phone, phone_number.as_ref());
    if order.workflow == Workflow::Onboard {
        add(Selector::Key, Some(&wanted_key(order)));
    }
    if let Some(identity) = identity {
        add(Selector::Id, Some(&identity.user_identity_id));
        add(Selector::Key, identity.user_identity_key.as_ref());
        add(Selector::Email, identity.email_address.as_ref());
        add(Selector::Phone, identity.phone_number.as_ref());
        identity.merged_user_identity_ids.iter().for_each(|id| add(Selector::Id, Some(id)));
        identity.merged_user_identity_keys.iter().for_each(|key| add(Selector::Key, Some(key)));
    }
    all.sort();
    all.dedup();
    all
}
