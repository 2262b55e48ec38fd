//! Who is there: nobody, as far as reading goes; somebody with a name, where something is to be done.
//!
//! A token from the file, sent by a script or exchanged for a cookie by a person; or a user whom the settings name, at the other end of a
//! unix socket. Every name is looked
//! up again at each request, so that whoever is struck from the file is nobody from then on.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use axum::{
    extract::ConnectInfo,
    http::{HeaderMap, header, request::Parts},
};
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::{
    answer::Trouble,
    roll::Roll,
    users::{name_of, number_of},
};
use crate::{
    clock,
    config::{self, Page},
    job::{Ms, hex, sha256_hex},
    listen::Peer,
};

/// The longest that a session lasts.
const SESSION_MS: Ms = 12 * 3_600_000;
/// At a time; the oldest makes room.
const SESSIONS: usize = 64;
/// How the kernel names a user whom this process cannot see (user_namespaces(7): overflowuid).
const UNSEEN: u32 = 65_534;

/// Whether, and by whom, something may be done.
pub(super) struct Door {
    /// Something can be done here at all.
    pub open: bool,
    /// The session's cookie. Browsers send it to every port of a host name, so each instance has one of its own.
    pub cookie: String,
    /// Who may by a token.
    pub roll: Roll,
    /// Who may as the other end of a unix socket.
    users: Vec<String>,
    /// Good for one session.
    invited: Mutex<Option<SecretString>>,
    sessions: Mutex<HashMap<String, Session>>,
    /// What only this process knows.
    key: Hmac<Sha256>,
}

struct Session {
    name: String,
    /// Of the token that opened it; none: it was opened by invitation.
    token: Option<String>,
    end_ms: Ms,
}

/// Somebody.
#[derive(Clone)]
pub(super) struct Viewer {
    /// As the page calls them.
    pub name: String,
    /// As the history names them.
    pub actor: String,
    /// Comes back with everything they send, so that it comes from a page of ours.
    pub csrf: String,
    /// They came by a session, which they can end.
    pub session: Option<String>,
    /// They came by a token with this very request, which no browser adds by itself: no other page can have sent it.
    by_token: bool,
}

impl Door {
    pub fn new(settings: &Page, database: &Path, invited: Option<SecretString>) -> Door {
        let open = settings.enabled && settings.actions;
        let tokens = Some(settings.token_file.clone()).filter(|path| open && !path.as_os_str().is_empty());
        let mut key = <Hmac<Sha256> as Mac>::new(&Default::default());
        key.update(format!("{}{}", clock::random_id(), clock::random_id()).as_bytes());
        let users = settings.users.clone();
        for name in users.iter().filter(|name| open && number_of(name).is_none()) {
            tracing::warn!("this machine's list of users knows no {name} (`page.users`): name them by number");
        }
        let path = std::path::absolute(database).unwrap_or_else(|_| database.to_owned());
        let cookie = format!("backstitch-{}", &sha256_hex(path.as_os_str().as_encoded_bytes())[..8]);
        Door {
            open,
            cookie,
            roll: Roll::new(tokens),
            users,
            invited: Mutex::new(invited),
            sessions: Mutex::default(),
            key,
        }
    }

    /// Tokens open it; otherwise the socket does.
    pub fn takes_tokens(&self) -> bool {
        self.roll.is_kept() || self.invited().is_some()
    }

    /// A socket opens it.
    pub fn takes_users(&self) -> bool {
        !self.users.is_empty()
    }

    /// Whoever asks; nobody, where nothing can be done.
    pub fn viewer(&self, parts: &Parts) -> Option<Viewer> {
        if !self.open {
            return None;
        }
        if let Some(token) = bearer(&parts.headers) {
            let Some(name) = self.known(token) else {
                self.roll.wrong();
                return None;
            };
            let viewer = self.somebody(name, "page", &format!("token {}", sha256_hex(token.as_bytes())), None);
            return Some(Viewer { by_token: true, ..viewer });
        }
        let session = self.carried(&parts.headers).and_then(|id| self.by_session(&sha256_hex(id.as_bytes())));
        if session.is_some() {
            return session;
        }
        let peer = parts.extensions.get::<ConnectInfo<Peer>>().and_then(|peer| peer.0.uid);
        let relayed = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];
        let uid = peer.filter(|uid| {
            self.users.iter().any(|one| number_of(one) == Some(*uid))
                && *uid != UNSEEN
                && !relayed.iter().any(|name| parts.headers.contains_key(*name))
        })?;
        let name = name_of(uid).unwrap_or_else(|| "somebody".to_owned());
        Some(self.somebody(name, &format!("uid {uid}, page"), &format!("uid {uid}"), None))
    }

    fn by_session(&self, session: &str) -> Option<Viewer> {
        let now_ms = clock::now().mono_ms;
        let (name, token) = {
            let mut sessions = self.sessions();
            sessions.retain(|_, one| one.end_ms > now_ms);
            let found = sessions.get(session)?;
            (found.name.clone(), found.token.clone())
        };
        if let Some(token) = &token {
            let all = self.roll.people();
            let stays =
                |one: &config::Person| one.name == name && sha256_hex(one.token.expose_secret().as_bytes()) == *token;
            if !all.iter().any(stays) {
                self.leave(session);
                return None;
            }
        }
        Some(self.somebody(name, "page", session, Some(session.to_owned())))
    }

    fn somebody(&self, name: String, how: &str, secret: &str, session: Option<String>) -> Viewer {
        let actor = format!("{name} ({how})");
        Viewer { name, actor, csrf: hex(&self.mac(secret).finalize().into_bytes()), session, by_token: false }
    }

    /// A session for whoever has this token, or this invitation; its cookie's value.
    pub fn enter(&self, token: &str) -> Option<String> {
        let known = match self.known(token) {
            Some(name) => Some((name, Some(sha256_hex(token.as_bytes())))),
            None => self.accept_invitation(token).then(|| ("visitor".to_owned(), None)),
        };
        let Some((name, token)) = known else {
            self.roll.wrong();
            return None;
        };
        tracing::info!("{name} signed in on the page");
        let id = format!("{}{}", clock::random_id(), clock::random_id()).replace('-', "");
        let mut sessions = self.sessions();
        while sessions.len() >= SESSIONS {
            let oldest = sessions.iter().min_by_key(|(_, one)| one.end_ms).map(|(id, _)| id.clone());
            oldest.and_then(|id| sessions.remove(&id));
        }
        let end_ms = clock::now().mono_ms.saturating_add(SESSION_MS);
        sessions.insert(sha256_hex(id.as_bytes()), Session { name, token, end_ms });
        Some(id)
    }

    /// The session's id, as the browser brings it back.
    fn carried<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == self.cookie).map(|(_, value)| value)
    }

    /// Ends a session.
    pub fn leave(&self, session: &str) {
        self.sessions().remove(session);
    }

    /// What comes from a page of ours carries its viewer's mark, and comes from no other page; a script's token is enough by itself.
    pub fn is_ours(&self, viewer: &Viewer, csrf: &str) -> bool {
        viewer.by_token || self.same(&viewer.csrf, csrf)
    }

    /// Whose token it is; all of them are compared, each in the same time.
    fn known(&self, token: &str) -> Option<String> {
        let mut found = None;
        for one in self.roll.people() {
            if self.same(one.token.expose_secret(), token) {
                found = Some(one.name);
            }
        }
        found
    }

    fn accept_invitation(&self, token: &str) -> bool {
        let mut invited = self.invited();
        let good = invited.as_ref().is_some_and(|one| self.same(one.expose_secret(), token));
        if good {
            *invited = None;
        }
        good
    }

    /// The comparison takes the same time wherever the first difference is.
    fn same(&self, one: &str, other: &str) -> bool {
        self.mac(one).verify_slice(&self.mac(other).finalize().into_bytes()).is_ok()
    }

    fn mac(&self, text: &str) -> Hmac<Sha256> {
        let mut mac = self.key.clone();
        mac.update(text.as_bytes());
        mac
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn invited(&self) -> MutexGuard<'_, Option<SecretString>> {
        self.invited.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Refuses what a page of another origin had a browser send. Browsers name the origin with every POST (Fetch, 3.2).
pub(super) fn from_here(headers: &HeaderMap) -> Result<(), Trouble> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let Some(origin) = text(header::ORIGIN) else { return Ok(()) };
    let host = origin.split_once("://").map_or("", |(_, host)| host);
    if !host.is_empty() && text(header::HOST).is_some_and(|own| own.eq_ignore_ascii_case(host)) {
        return Ok(());
    }
    Err(Trouble::Refused("This was sent by another site's page, so nothing was done.".to_owned()))
}

/// A token that came with the request; the scheme is spelt as anybody likes (RFC 9110, 11.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}
