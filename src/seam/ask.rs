//! Sending one request at a time and keeping what the wire told about each: the part every call shares.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{
    body::{self, Body, Pagination},
    classify::{Class, classify, says_no_endpoint},
    objects::Object,
    text::{clean, http_date},
    wire::{Lost, Request, Response, Transport},
};
use crate::job::{Answer, Outcome, Rejection, Shows, Time};

/// Parameters of a request.
pub type Params = Map<String, Value>;

/// Why a call ends before its reply.
#[derive(Debug)]
pub struct Stop {
    /// What becomes of the whole call; boxed, because it is large and rare.
    pub outcome: Box<Outcome>,
    /// The answer said that the endpoint itself is missing.
    pub no_endpoint: bool,
}

impl From<Outcome> for Stop {
    fn from(outcome: Outcome) -> Stop {
        Stop { outcome: Box::new(outcome), no_endpoint: false }
    }
}

/// Texts as parameters; what is `None` is left out.
///
/// # Errors
/// A text is empty or blank: Seam may read that as "no filter" and list the whole workspace.
pub fn params(texts: &[(&str, Option<&str>)]) -> Result<Params, Stop> {
    let mut params = Params::new();
    for (name, text) in texts {
        match text {
            Some(text) if text.trim().is_empty() => return Err(refused("empty_filter", &format!("`{name}` is empty"))),
            Some(text) => params.insert((*name).to_owned(), Value::from(*text)),
            None => None,
        };
    }
    Ok(params)
}

/// A call that is not sent at all.
pub fn refused(error_type: &str, message: &str) -> Stop {
    let message = clean(message);
    Outcome::Rejected(Rejection { status: 0, error_type: error_type.to_owned(), message }).into()
}

/// One call's conversation.
pub struct Asker<'a, T> {
    transport: &'a T,
    pinned: Option<&'a str>,
    requests: u32,
    status: Option<u16>,
    request_id: Option<String>,
    server_time: Option<Time>,
    shows: Shows,
}

impl<'a, T: Transport> Asker<'a, T> {
    /// Begins a call that believes only objects of the `pinned` workspace, if one is pinned.
    pub fn new(transport: &'a T, pinned: Option<&'a str>) -> Self {
        Asker {
            transport,
            pinned,
            requests: 0,
            status: None,
            request_id: None,
            server_time: None,
            shows: Shows::Nothing,
        }
    }

    /// Ends the call.
    pub fn answer(self, outcome: Outcome) -> Answer {
        let Asker { requests, status, request_id, server_time, shows, .. } = self;
        Answer { outcome, requests, status, request_id, server_time, shows }
    }

    /// A request that is answered by one object under `key`.
    pub async fn one(&mut self, path: &'static str, params: Params, key: &str, gone: &[&str]) -> Result<Object, Stop> {
        let response = self.post(path, params, gone).await?;
        let Body { found, .. } = read::<Object>(path, &response, &[key])?;
        let mut objects = found.into_iter();
        match (objects.next(), objects.next()) {
            (Some(object), None) => self.check_workspace(path, &object).map(|()| object),
            _ => Err(odd(path, &format!("the body has `{key}` twice"))),
        }
    }

    /// A request that is answered by one page of objects, each checked for its workspace; a list key that is there twice is united.
    pub async fn page(
        &mut self,
        path: &'static str,
        params: Params,
        keys: &[&str],
    ) -> Result<(Vec<Vec<Object>>, Option<Pagination>), Stop> {
        let Body { found, pagination } = self.feed(path, params, keys).await?;
        for object in found.iter().flatten() {
            self.check_workspace(path, object)?;
        }
        Ok((found, pagination))
    }

    /// Like `page`, but whose workspace the objects are in is for the caller to judge.
    pub async fn feed(&mut self, path: &'static str, params: Params, keys: &[&str]) -> Result<Body<Vec<Object>>, Stop> {
        let response = self.post(path, params, &[]).await?;
        read(path, &response, keys)
    }

    /// What stands under `keys`, read as something that is no object of a person's.
    pub async fn plain<V: DeserializeOwned>(
        &mut self,
        path: &'static str,
        params: Params,
        keys: &[&str],
        gone: &[&str],
    ) -> Result<Vec<V>, Stop> {
        let response = self.post(path, params, gone).await?;
        Ok(read(path, &response, keys)?.found)
    }

    /// A request that Seam only takes note of.
    pub async fn order(&mut self, path: &'static str, params: Params, gone: &[&str]) -> Result<(), Stop> {
        let response = self.post(path, params, gone).await?;
        read::<serde::de::IgnoredAny>(path, &response, &[]).map(|_| ())
    }

    /// The answer as a whole says that something is not there, or that somebody is nobody: if a workspace is pinned, that is still to be
    /// confirmed.
    pub fn absence(&mut self) {
        if self.pinned.is_some() {
            self.shows = Shows::Absence;
        }
    }

    /// Whether absence is still to be confirmed.
    pub fn is_doubtful(&self) -> bool {
        self.shows == Shows::Absence
    }

    /// Whether an object may be believed.
    pub fn in_workspace(&self, workspace_id: Option<&str>) -> bool {
        match (self.pinned, workspace_id) {
            (Some(pinned), Some(found)) => found.is_empty() || found == pinned,
            _ => true,
        }
    }

    fn check_workspace(&mut self, path: &str, object: &Object) -> Result<(), Stop> {
        let found = object.workspace_id.as_deref();
        if self.in_workspace(found) {
            if self.pinned.is_some() && self.pinned == found {
                self.shows = Shows::Ours;
            }
            return Ok(());
        }
        let (pinned, found) = (self.pinned.unwrap_or_default(), clean(found.unwrap_or_default()));
        let reason = format!(
            "the API key opens another workspace: {path} answered an object of {found}, but this database belongs to {pinned}"
        );
        Err(Outcome::Halt { reason }.into())
    }

    async fn post(&mut self, path: &'static str, params: Params, gone: &[&str]) -> Result<Response, Stop> {
        let response = match self.exchange(path, params).await {
            Ok(response) => response,
            Err(Lost::NotSent(reason)) => {
                let reason = format!("{path} not sent: {}", clean(&reason));
                return Err(Outcome::NotApplied { retry_after_ms: None, throttled: false, reason }.into());
            }
            Err(Lost::Unknown(reason)) => {
                return Err(Outcome::Unknown { reason: format!("{path}: {}", clean(&reason)) }.into());
            }
        };
        let outcome = match classify(path, &response, gone) {
            Class::Good => return Ok(response),
            Class::Other(outcome) => outcome,
            Class::Forbidden(rejection) => self.second_opinion(path, rejection).await,
        };
        Err(Stop { outcome: Box::new(outcome), no_endpoint: says_no_endpoint(&response) })
    }

    async fn exchange(&mut self, path: &'static str, params: Params) -> Result<Response, Lost> {
        self.requests += 1;
        let response = self.transport.send(&Request { path, body: Value::Object(params) }).await?;
        self.status = Some(response.status);
        if let Some(id) = &response.request_id {
            self.request_id = Some(clean(id));
        }
        if let Some(time) = response.date.as_deref().and_then(http_date) {
            self.server_time = Some(time);
        }
        Ok(response)
    }

    /// After a 403: a key that cannot even see its workspace is dead; one that can was refused this one thing.
    async fn second_opinion(&mut self, path: &'static str, rejection: Rejection) -> Outcome {
        const SECOND: &str = "workspaces/get";
        let halt = || Outcome::Halt {
            reason: format!(
                "Seam refused the API key ({path} answered 403, {}: {})",
                rejection.error_type, rejection.message
            ),
        };
        if path == SECOND {
            return halt();
        }
        let unknown =
            || Outcome::Unknown { reason: format!("{path} answered 403, and {SECOND} gave no clear second opinion") };
        let Ok(response) = self.exchange(SECOND, Params::new()).await else { return unknown() };
        match classify(SECOND, &response, &[]) {
            Class::Forbidden(_) | Class::Other(Outcome::Halt { .. }) => halt(),
            // The gate is everybody's. What was forbidden did not happen, so it may be asked for again.
            Class::Other(throttled @ Outcome::NotApplied { throttled: true, .. }) => throttled,
            Class::Other(_) => unknown(),
            Class::Good => match read::<Object>(SECOND, &response, &["workspace"]).map(|mut body| body.found.pop()) {
                Ok(Some(workspace)) => match self.check_workspace(SECOND, &workspace) {
                    Ok(()) => Outcome::Rejected(rejection),
                    Err(stop) => *stop.outcome,
                },
                _ => unknown(),
            },
        }
    }
}

/// The answer was 2xx and still cannot be understood, so nobody knows what happened.
pub fn odd(path: &str, what: &str) -> Stop {
    Outcome::Unknown { reason: format!("{path} answered 2xx, but {what}") }.into()
}

fn read<'de, V: Deserialize<'de>>(path: &str, response: &'de Response, keys: &[&str]) -> Result<Body<V>, Stop> {
    body::read(&response.body, keys).map_err(|what| odd(path, &what))
}
