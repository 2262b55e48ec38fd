//! A job's `Call` in, its `Answer` out.

use serde_json::Value;

use super::{
    ask::{Asker, Params, Stop, odd, params, refused},
    kinds::{LINKED, row},
    look::look,
    objects::{self, Object},
    search::{self, Wanted},
    wire::Transport,
};
use crate::job::{Answer, Call, EventPage, EventQuery, IdentityRef, Kind, Outcome, Reply, Source};

/// Carries one call out: one request for a change, as many as needed for a question. After a 403 one further question tells a dead key from
/// a single refusal. Objects of a workspace other than `pinned` halt; such events are left out. What is said not to be there is not
/// confirmed yet: see [`Shows::Absence`](crate::job::Shows).
///
/// It neither spawns, sleeps nor reads a clock, so that a simulation can run it.
pub async fn perform<T: Transport>(transport: &T, call: &Call, pinned: Option<&str>) -> Answer {
    let mut asker = Asker::new(transport, pinned);
    let outcome = carried(&mut asker, call).await;
    asker.answer(outcome)
}

/// The same for who asks alone: absence is confirmed by a further question, whether the key opens the pinned workspace.
pub async fn perform_alone<T: Transport>(transport: &T, call: &Call, pinned: Option<&str>) -> Answer {
    let mut asker = Asker::new(transport, pinned);
    let mut outcome = carried(&mut asker, call).await;
    if asker.is_doubtful()
        && let Err(stop) = asker.one("workspaces/get", Params::new(), "workspace", &[]).await
    {
        outcome = *stop.outcome;
    }
    asker.answer(outcome)
}

async fn carried<T: Transport>(asker: &mut Asker<'_, T>, call: &Call) -> Outcome {
    let outcome = match carry(asker, call).await {
        Ok(reply) => Outcome::Done(reply),
        Err(stop) => *stop.outcome,
    };
    if nobody(call, &outcome) {
        asker.absence();
    }
    outcome
}

/// Whether a question for one person or ACS user was answered by their absence.
fn nobody(call: &Call, outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Gone => matches!(call, Call::GetIdentity(_) | Call::GetAcsUser(_)),
        Outcome::Done(Reply::Identities(found)) => found.is_empty(),
        Outcome::Done(Reply::AcsUsers(found)) => found.is_empty(),
        _ => false,
    }
}

/// The call's name in logs: the path of its (first) request, for example `acs/users/delete`.
pub fn call_name(call: &Call) -> &'static str {
    path(call)
}

fn path(call: &Call) -> &'static str {
    match call {
        Call::Workspace => "workspaces/get",
        Call::Events(_) => "events/list",
        Call::GetIdentity(_) => "user_identities/get",
        Call::SearchIdentities { .. } => "user_identities/list",
        Call::Look { kind, sources, canary } => {
            let row = row(*kind);
            let (list, get) = (row.list.map(|list| list.path), row.get.map(|(path, _)| path));
            match sources.first() {
                _ if canary.is_some() => list,
                Some(Source::Each(_) | Source::Key(_)) => get,
                Some(Source::Linked(_)) => Some(LINKED.path),
                _ => list.or(get),
            }
            .unwrap_or("look")
        }
        Call::GetAcsSystem(_) => "acs/systems/get",
        Call::GetAcsUser(_) => "acs/users/get",
        Call::SearchAcsUsers { .. } => "acs/users/list",
        Call::Delete { kind, .. } => row(*kind).delete.unwrap_or("delete"),
        Call::RevokeDevice { .. } => "user_identities/revoke_access_to_device",
        Call::SuspendAcsUser(_) => "acs/users/suspend",
        Call::RevokeSession(_) => "client_sessions/revoke",
        Call::RemoveAcsUser { .. } => "user_identities/remove_acs_user",
        Call::UpdateIdentity { .. } => "user_identities/update",
        Call::CreateIdentity { .. } => "user_identities/create",
        Call::AddAcsUser { .. } => "user_identities/add_acs_user",
        Call::CreateAcsUser { .. } => "acs/users/create",
    }
}

async fn carry<T: Transport>(asker: &mut Asker<'_, T>, call: &Call) -> Result<Reply, Stop> {
    let path = path(call);
    let (identity, acs_user) = (row(Kind::UserIdentity), row(Kind::AcsUser));
    match call {
        Call::Workspace => {
            single(asker, path, Params::new(), "workspace", &[], objects::workspace).await.map(Reply::Workspace)
        }
        Call::Events(query) => events(asker, path, query).await.map(Reply::Events),
        Call::GetIdentity(by) => {
            let params = match by {
                IdentityRef::Id(id) => params(&[("user_identity_id", Some(id))])?,
                IdentityRef::Key(key) => params(&[("user_identity_key", Some(key))])?,
            };
            single(asker, path, params, "user_identity", identity.gone, objects::identity).await.map(Reply::Identity)
        }
        Call::SearchIdentities { email_address, phone_number } => {
            search::identities(asker, &Wanted::new(&None, email_address, phone_number)).await.map(Reply::Identities)
        }
        Call::Look { kind, sources, canary } => {
            look(asker, *kind, sources, canary.as_deref()).await.map(Reply::Listing)
        }
        Call::GetAcsSystem(id) => {
            let (params, gone) = (params(&[("acs_system_id", Some(id))])?, &["acs_system_not_found"]);
            single(asker, path, params, "acs_system", gone, objects::acs_system).await.map(Reply::AcsSystem)
        }
        Call::GetAcsUser(id) => {
            let params = params(&[("acs_user_id", Some(id))])?;
            single(asker, path, params, "acs_user", acs_user.gone, objects::acs_user).await.map(Reply::AcsUser)
        }
        Call::SearchAcsUsers { acs_system_id, email_address, phone_number } => {
            let wanted = Wanted::new(acs_system_id, email_address, phone_number);
            search::acs_users(asker, &wanted).await.map(Reply::AcsUsers)
        }
        Call::Delete { .. }
        | Call::RevokeDevice { .. }
        | Call::SuspendAcsUser(_)
        | Call::RevokeSession(_)
        | Call::AddAcsUser { .. }
        | Call::RemoveAcsUser { .. }
        | Call::UpdateIdentity { .. } => {
            let (params, gone) = order(call)?;
            asker.order(path, params, gone).await.map(|()| Reply::Accepted)
        }
        Call::CreateIdentity { user_identity_key, email_address, phone_number, full_name } => {
            let params = params(&[
                ("user_identity_key", Some(user_identity_key)),
                ("email_address", email_address.as_deref()),
                ("phone_number", phone_number.as_deref()),
                ("full_name", full_name.as_deref()),
            ])?;
            single(asker, path, params, "user_identity", &[], objects::identity).await.map(Reply::Identity)
        }
        Call::CreateAcsUser { acs_system_id, user_identity_id, full_name, email_address, phone_number } => {
            let params = params(&[
                ("acs_system_id", Some(acs_system_id)),
                ("user_identity_id", Some(user_identity_id)),
                ("full_name", Some(full_name)),
                ("email_address", email_address.as_deref()),
                ("phone_number", phone_number.as_deref()),
            ])?;
            single(asker, path, params, "acs_user", &[], objects::acs_user).await.map(Reply::AcsUser)
        }
    }
}

/// A change that Seam only takes note of: its parameters, and the types of a 404 that say that its object is not there.
fn order(call: &Call) -> Result<(Params, &'static [&'static str]), Stop> {
    let acs_user = row(Kind::AcsUser);
    match call {
        Call::Delete { kind, id } if row(*kind).delete.is_some() => {
            let row = row(*kind);
            Ok((params(&[(row.id, Some(id))])?, row.gone))
        }
        Call::Delete { kind, .. } => {
            Err(refused("not_deletable", &format!("{kind} cannot be deleted, only looked at")))
        }
        Call::RevokeDevice { user_identity_id, device_id } => {
            let pair = [("user_identity_id", Some(user_identity_id.as_str())), ("device_id", Some(device_id))];
            Ok((params(&pair)?, row(Kind::Device).gone))
        }
        Call::SuspendAcsUser(id) => Ok((params(&[(acs_user.id, Some(id))])?, acs_user.gone)),
        Call::RevokeSession(id) => {
            let session = row(Kind::ClientSession);
            Ok((params(&[(session.id, Some(id))])?, session.gone))
        }
        Call::AddAcsUser { user_identity_id, acs_user_id } => Ok((linked(user_identity_id, acs_user_id)?, &[])),
        Call::RemoveAcsUser { user_identity_id, acs_user_id } => {
            Ok((linked(user_identity_id, acs_user_id)?, acs_user.gone))
        }
        Call::UpdateIdentity { user_identity_id, email_address, phone_number, full_name } => {
            let fields = [
                ("user_identity_id", Some(user_identity_id.as_str())),
                ("email_address", email_address.as_deref()),
                ("phone_number", phone_number.as_deref()),
                ("full_name", full_name.as_deref()),
            ];
            Ok((params(&fields)?, &[]))
        }
        _ => Err(refused("no_order", "this call is answered by more than its acceptance")),
    }
}

fn linked(user_identity_id: &str, acs_user_id: &str) -> Result<Params, Stop> {
    params(&[("user_identity_id", Some(user_identity_id)), ("acs_user_id", Some(acs_user_id))])
}

async fn single<T: Transport, R>(
    asker: &mut Asker<'_, T>,
    path: &'static str,
    params: Params,
    key: &str,
    gone: &[&str],
    parse: fn(Object) -> Result<R, String>,
) -> Result<R, Stop> {
    let object = asker.one(path, params, key, gone).await?;
    parse(object).map_err(|what| odd(path, &what))
}

async fn events<T: Transport>(
    asker: &mut Asker<'_, T>,
    path: &'static str,
    query: &EventQuery,
) -> Result<EventPage, Stop> {
    let mut params = params(&[("event_type", query.event_type.as_deref())])?;
    let since = query.since.to_string();
    match query.until {
        None => params.insert("since".to_owned(), Value::from(since)),
        Some(until) => params.insert("between".to_owned(), Value::from(vec![since, until.to_string()])),
    };
    params.insert("limit".to_owned(), Value::from(query.limit));
    let objects: Vec<Object> = asker.feed(path, params, &["events"]).await?.found.into_iter().flatten().collect();
    // Counted before the foreign ones leave: they too took a place on the page.
    let full = objects.len() >= query.limit as usize;
    let mut events = Vec::new();
    for object in objects {
        if asker.in_workspace(object.workspace_id.as_deref()) {
            events.push(objects::event(object).map_err(|what| odd(path, &what))?);
        }
    }
    Ok(EventPage { events, full })
}

#[cfg(test)]
mod tests;
