//! A complete look at one kind of object: every source, every page, merged by id.

use std::collections::BTreeMap;

use super::{
    ask::{Asker, Params, Stop, odd, params, refused},
    kinds::{self, CREDENTIALS_OF_ACS_USER, LINKED, List, Row},
    objects::{Object, identity, item},
    pages,
    wire::Transport,
};
use crate::job::{Identity, Item, Kind, Listing, Outcome, Source};

const IDENTITY: &str = "user_identities/get";

/// Looks. The first failing page of any source is the outcome of the whole; an incomplete source leaves the listing marked so.
pub async fn look<T: Transport>(
    asker: &mut Asker<'_, T>,
    kind: Kind,
    sources: &[Source],
    canary: Option<&str>,
) -> Result<Listing, Stop> {
    let row = kinds::row(kind);
    // Zero ids by name are all absent; zero sources would be a look at nothing that reads as "nothing there".
    if sources.is_empty() {
        return Err(refused("empty_filter", &format!("a look at {kind} names nobody and nothing to look for")));
    }
    if let Some(id) = canary
        && !obeys(asker, &row, sources, id).await?
    {
        return Ok(Listing { canary_failed: true, ..Listing::default() });
    }
    let mut found = Found { kind, items: BTreeMap::new(), incomplete: None };
    for source in sources {
        match read(asker, &row, source, &mut found).await {
            Ok(()) => {}
            Err(stop) if stop.no_endpoint && row.optional && found.items.is_empty() => {
                return missing(asker, source, stop).await;
            }
            Err(stop) => return Err(stop),
        }
    }
    // Both may hang on what was this person's and is somebody else's since a merge.
    let unclear =
        matches!(kind, Kind::Phone | Kind::AcsCredential) && found.items.values().any(|i| i.owners.is_empty());
    let owner = if unclear && found.incomplete.is_none() { found.owned_by(asker, sources).await? } else { None };
    if found.items.is_empty() && sources != [Source::Each(vec![])] {
        asker.absence();
    }
    let items = found.items.into_values().collect();
    Ok(Listing { items, incomplete: found.incomplete, owner, ..Listing::default() })
}

/// Objects by id; what several sources say about one is united.
struct Found {
    kind: Kind,
    items: BTreeMap<String, Item>,
    incomplete: Option<String>,
}

impl Found {
    fn add(&mut self, path: &str, object: Object, linked: bool) -> Result<(), Stop> {
        let mut new = item(self.kind, object).map_err(|what| odd(path, &what))?;
        new.listed_as_linked = linked;
        if let Some(old) = self.items.remove(&new.id) {
            new = unite(old, new);
        }
        self.items.insert(new.id.clone(), new);
        Ok(())
    }
}

impl Found {
    /// A phone names no owner. It is whoever the listed id leads to after the list was read: another one, if somebody merged the
    /// identities meanwhile, whose phones such a list shows, too. If it leads to nobody, nothing tells whose the list was. A credential
    /// without an owner is that of its ACS user, who went along in a merge.
    async fn owned_by<T: Transport>(
        &mut self,
        asker: &mut Asker<'_, T>,
        sources: &[Source],
    ) -> Result<Option<Box<Identity>>, Stop> {
        let Some(id) = sources.iter().find_map(|s| if let Source::Identity(id) = s { Some(id) } else { None }) else {
            return Ok(None);
        };
        let row = kinds::row(Kind::UserIdentity);
        let object = asker.one(IDENTITY, params(&[(row.id, Some(id))])?, "user_identity", row.gone).await?;
        let owner = identity(object).map_err(|what| odd(IDENTITY, &what))?;
        for item in self.items.values_mut().filter(|item| self.kind == Kind::Phone && item.owners.is_empty()) {
            item.owners.push(owner.user_identity_id.clone());
        }
        Ok(Some(Box::new(owner)))
    }
}

fn unite(old: Item, mut new: Item) -> Item {
    new.owners.extend(old.owners);
    new.owners.sort();
    new.owners.dedup();
    Item {
        workspace_id: if old.workspace_id.is_empty() { new.workspace_id } else { old.workspace_id },
        acs_system_id: old.acs_system_id.or(new.acs_system_id),
        acs_user_id: old.acs_user_id.or(new.acs_user_id),
        listed_as_linked: old.listed_as_linked || new.listed_as_linked,
        being_deleted: old.being_deleted || new.being_deleted,
        failed_to_delete: old.failed_to_delete || new.failed_to_delete,
        irrevocable: old.irrevocable.or(new.irrevocable),
        ..new
    }
}

async fn read<T: Transport>(
    asker: &mut Asker<'_, T>,
    row: &Row,
    source: &Source,
    found: &mut Found,
) -> Result<(), Stop> {
    let kind = found.kind;
    let no_such = || refused("no_such_source", &format!("{kind} cannot be listed that way"));
    match (source, found.kind) {
        (Source::Identity(id), _) => list(asker, &row.list.ok_or_else(no_such)?, id, found).await,
        (Source::Linked(id), Kind::AcsUser) => list(asker, &LINKED, id, found).await,
        (Source::AcsUser(id), Kind::AcsCredential) => match list(asker, &CREDENTIALS_OF_ACS_USER, id, found).await {
            // An ACS user that is not there has no credentials; those of the person are asked for by identity too.
            Err(stop) if not_there(&stop, Kind::AcsUser) => Ok(()),
            other => other,
        },
        (Source::Each(ids), _) => {
            let (path, key) = row.get.ok_or_else(no_such)?;
            for id in ids {
                get(asker, path, params(&[(row.id, Some(id))])?, key, found).await?;
            }
            Ok(())
        }
        (Source::Unlisted(ids), _) => {
            let (path, key) = row.get.ok_or_else(no_such)?;
            let unseen: Vec<&String> = ids.iter().filter(|id| !found.items.contains_key(*id)).collect();
            for id in unseen {
                match get(asker, path, params(&[(row.id, Some(id))])?, key, found).await {
                    // Refused for good, perhaps: every later step, and the doors it shuts, would wait for it.
                    Err(stop) if matches!(*stop.outcome, Outcome::Rejected(_)) => {}
                    other => other?,
                }
            }
            Ok(())
        }
        (Source::Key(key), Kind::UserIdentity) => {
            let (path, response_key) = row.get.ok_or_else(no_such)?;
            get(asker, path, params(&[("user_identity_key", Some(key))])?, response_key, found).await
        }
        _ => Err(no_such()),
    }
}

async fn list<T: Transport>(asker: &mut Asker<'_, T>, list: &List, owner: &str, found: &mut Found) -> Result<(), Stop> {
    let pages = pages::all(asker, list, params(&[(list.owner, Some(owner))])?).await?;
    for object in pages.objects {
        found.add(list.path, object, list.path == LINKED.path)?;
    }
    found.incomplete = found.incomplete.take().or(pages.incomplete);
    Ok(())
}

async fn get<T: Transport>(
    asker: &mut Asker<'_, T>,
    path: &'static str,
    params: Params,
    key: &str,
    found: &mut Found,
) -> Result<(), Stop> {
    match asker.one(path, params, key, kinds::row(found.kind).gone).await {
        Ok(object) => found.add(path, object, false),
        Err(stop) if *stop.outcome == Outcome::Gone => Ok(()),
        Err(stop) => Err(stop),
    }
}

/// Whether the list that is to be trusted obeys its owner filter: asked for a random owner it must show nothing, or refuse. Of ACS
/// users that is the list of the linked ones: being in it is a witness by itself.
async fn obeys<T: Transport>(
    asker: &mut Asker<'_, T>,
    row: &Row,
    sources: &[Source],
    random: &str,
) -> Result<bool, Stop> {
    let linked = sources.iter().any(|source| matches!(source, Source::Linked(_))).then_some(LINKED);
    let Some(list) = linked.or(row.list) else { return Ok(true) };
    let first = pages::with_limit(&list, params(&[(list.owner, Some(random))])?);
    match asker.page(list.path, first, list.keys).await {
        Ok((found, pagination)) => {
            let more = pagination.is_some_and(|pagination| pagination.next().is_some());
            Ok(!more && found.iter().all(Vec::is_empty))
        }
        // The list that follows meets the same missing endpoint, and knows what to make of it.
        Err(stop) if stop.no_endpoint && row.optional => Ok(true),
        Err(stop) if matches!(&*stop.outcome, Outcome::Rejected(r) if (400..=499).contains(&r.status)) => Ok(true),
        Err(stop) => Err(stop),
    }
}

/// An optional endpoint is missing. Believed only if Seam answers another question well right now: else it is a wrong address or a proxy.
async fn missing<T: Transport>(asker: &mut Asker<'_, T>, source: &Source, original: Stop) -> Result<Listing, Stop> {
    let unsupported = Listing { unsupported: true, ..Listing::default() };
    let second = match source {
        Source::Identity(id) | Source::Linked(id) => {
            let row = kinds::row(Kind::UserIdentity);
            asker.one(IDENTITY, params(&[(row.id, Some(id))])?, "user_identity", row.gone).await
        }
        _ => asker.one("workspaces/get", Params::new(), "workspace", &[]).await,
    };
    let stop = match second {
        Ok(_) => return Ok(unsupported),
        Err(stop) => stop,
    };
    match *stop.outcome {
        Outcome::Gone => Ok(unsupported),
        // The key or the gate: true of the whole conversation, and more than the first answer knew.
        outcome @ (Outcome::Halt { .. } | Outcome::NotApplied { throttled: true, .. }) => Err(outcome.into()),
        _ => Err(match *original.outcome {
            Outcome::Rejected(r) => {
                Outcome::Unknown { reason: format!("{} {}: {}", r.status, r.error_type, r.message) }
            }
            outcome => outcome,
        }
        .into()),
    }
}

fn not_there(stop: &Stop, kind: Kind) -> bool {
    matches!(&*stop.outcome, Outcome::Rejected(r) if r.status == 404 && kinds::row(kind).gone.contains(&r.error_type.as_str()))
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod doubts;
