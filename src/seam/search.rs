//! Finding people by e-mail or phone. Seam's `search` matches parts of many fields; only exact matches are kept.

use std::collections::BTreeMap;

use super::{
    ask::{Asker, Stop, odd, params, refused},
    kinds::List,
    objects::{self, Object},
    pages,
    wire::Transport,
};
use crate::job::{AcsUser, Identity, Outcome};

const IDENTITIES: List =
    List { path: "user_identities/list", owner: "search", keys: &["user_identities"], paged: true };
const ACS_USERS: List = List { path: "acs/users/list", owner: "search", keys: &["acs_users"], paged: true };

/// Who is looked for.
pub struct Wanted<'a> {
    acs_system_id: Option<&'a str>,
    email_address: Option<&'a str>,
    phone_number: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    /// Somebody with this e-mail (ASCII case folded) or this phone (as written), for ACS users only in this access system.
    pub fn new(system: &'a Option<String>, email: &'a Option<String>, phone: &'a Option<String>) -> Self {
        Wanted { acs_system_id: system.as_deref(), email_address: email.as_deref(), phone_number: phone.as_deref() }
    }

    fn is(&self, email: Option<&str>, phone: Option<&str>) -> bool {
        let same_email = self.email_address.zip(email).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b));
        let same_phone = self.phone_number.zip(phone).is_some_and(|(a, b)| a == b);
        same_email || same_phone
    }
}

/// Every user identity with exactly the wanted e-mail or phone, by id.
pub async fn identities<T: Transport>(asker: &mut Asker<'_, T>, wanted: &Wanted<'_>) -> Result<Vec<Identity>, Stop> {
    let mut found = BTreeMap::new();
    for object in search(asker, &IDENTITIES, wanted).await? {
        let one = objects::identity(object).map_err(|what| odd(IDENTITIES.path, &what))?;
        if wanted.is(one.email_address.as_deref(), one.phone_number.as_deref()) {
            found.insert(one.user_identity_id.clone(), one);
        }
    }
    Ok(found.into_values().collect())
}

/// Every ACS user with exactly the wanted e-mail or phone, in the wanted system if one is named, by id.
pub async fn acs_users<T: Transport>(asker: &mut Asker<'_, T>, wanted: &Wanted<'_>) -> Result<Vec<AcsUser>, Stop> {
    let mut found = BTreeMap::new();
    for object in search(asker, &ACS_USERS, wanted).await? {
        let one = objects::acs_user(object).map_err(|what| odd(ACS_USERS.path, &what))?;
        let in_system = wanted.acs_system_id.is_none_or(|system| system == one.acs_system_id);
        if in_system && wanted.is(one.email_address.as_deref(), one.phone_number.as_deref()) {
            found.insert(one.acs_user_id.clone(), one);
        }
    }
    Ok(found.into_values().collect())
}

/// One search for each wanted text. What could not be read to its end is unknown: the missing page may hold a second person.
async fn search<T: Transport>(asker: &mut Asker<'_, T>, list: &List, wanted: &Wanted<'_>) -> Result<Vec<Object>, Stop> {
    let texts = [wanted.email_address, wanted.phone_number];
    if texts == [None, None] {
        return Err(refused("empty_filter", "a search needs an e-mail address or a phone number"));
    }
    let mut objects = Vec::new();
    for text in texts.into_iter().flatten() {
        let params = params(&[("acs_system_id", wanted.acs_system_id), (list.owner, Some(text))])?;
        let pages = pages::all(asker, list, params).await?;
        if let Some(reason) = pages.incomplete {
            return Err(Outcome::Unknown { reason }.into());
        }
        objects.extend(pages.objects);
    }
    Ok(objects)
}
