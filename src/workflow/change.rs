//! What an update changes of an identity itself.

use super::find::same_email;
use crate::job::{Call, Identity, Order};

/// The identity's fields that an update would change, by their names.
pub fn changed_fields(order: &Order, seen: &Identity) -> Vec<&'static str> {
    let Some(Call::UpdateIdentity { email_address, phone_number, full_name, .. }) = change(order, seen) else {
        return Vec::new();
    };
    let fields = [("email_address", email_address), ("phone_number", phone_number), ("full_name", full_name)];
    fields.into_iter().filter(|(_, value)| value.is_some()).map(|(name, _)| name).collect()
}

/// The update that makes this identity what the order says, with nothing in it that is so already.
pub(super) fn change(order: &Order, seen: &Identity) -> Option<Call> {
    let person = &order.person;
    let email_address = person.email_address.clone().filter(|email| !same_email(seen, email));
    let phone_number = person.phone_number.clone().filter(|phone| seen.phone_number.as_ref() != Some(phone));
    let full_name = order.full_name.clone().filter(|name| seen.full_name.as_ref() != Some(name));
    let any = email_address.is_some() || phone_number.is_some() || full_name.is_some();
    let user_identity_id = seen.user_identity_id.clone();
    any.then_some(Call::UpdateIdentity { user_identity_id, email_address, phone_number, full_name })
}
