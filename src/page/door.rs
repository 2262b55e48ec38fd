//! Who is there: nobody, as far as reading goes; somebody with a name, where something is to be done.
//!
//! A token from the file, sent by a script or exchanged for a cookie by a person; or a user whom the settings name, at the other end of a
//! unix socket. Every name is looked
//! up again at each request, so that whoever is struck from the file is nobody from then on.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use axum::{
    extract::ConnectInfo,
    http::{HeaderMap, header, request::Parts},
};
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::answer::Trouble;
use crate::{
    clock,
    config::{self, Page, people},
    job::{Ms, sha256_hex},
    listen::Peer,
};

/// The session's cookie.
pub(super) const COOKIE: &str = "backstitch";
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
    tokens: Option<PathBuf>,
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
}

impl Door {
    pub fn new(settings: &Page, invited: Option<SecretString>) -> Door {
        let open = settings.enabled && settings.actions;
        let tokens = Some(settings.token_file.clone()).filter(|path| open && !path.as_os_str().is_empty());
        if let Some(Err(error)) = tokens.as_deref().map(people) {
            tracing::warn!("until this is mended nobody can do anything on the page: {error}");
        }
        let mut key = <Hmac<Sha256> as Mac>::new(&Default::default());
        key.update(format!("{}{}", clock::random_id(), clock::random_id()).as_bytes());
        let users = settings.users.clone();
        for name in users.iter().filter(|name| open && number_of(name).is_none()) {
            tracing::warn!("this machine's list of users knows no {name} (`page.users`): name them by number");
        }
        Door { open, tokens, users, invited: Mutex::new(invited), sessions: Mutex::default(), key }
    }

    /// Tokens open it; otherwise the socket does.
    pub fn takes_tokens(&self) -> bool {
        self.tokens.is_some() || self.invited().is_some()
    }

    /// Whoever asks; nobody, where nothing can be done.
    pub fn viewer(&self, parts: &Parts) -> Option<Viewer> {
        if !self.open {
            return None;
        }
        let bearer = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        if let Some(token) = bearer.and_then(|value| value.strip_prefix("Bearer ")) {
            let name = self.known(token)?;
            return Some(self.somebody(name, "page", &format!("token {}", sha256_hex(token.as_bytes())), None));
        }
        if let Some(id) = cookie(&parts.headers) {
            return self.by_session(&sha256_hex(id.as_bytes()));
        }
        let peer = parts.extensions.get::<ConnectInfo<Peer>>().and_then(|peer| peer.0.uid);
        let relayed = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];
        let uid = peer.filter(|uid| {
            self.users.iter().any(|one| number_of(one) == Some(*uid))
                && *uid != UNSEEN
                && !relayed.iter().any(|name| parts.headers.contains_key(*name))
        })?;
        let name = user_name(uid).unwrap_or_else(|| "somebody".to_owned());
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
            let all = self.people();
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
        Viewer { name, actor, csrf: hex(&self.mac(secret).finalize().into_bytes()), session }
    }

    /// A session for whoever has this token, or this invitation; its cookie's value.
    pub fn enter(&self, token: &str) -> Option<String> {
        let known = match self.known(token) {
            Some(name) => Some((name, Some(sha256_hex(token.as_bytes())))),
            None => self.accept_invitation(token).then(|| ("visitor".to_owned(), None)),
        };
        let Some((name, token)) = known else {
            tracing::warn!("somebody tried a token on the page that is nobody's");
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

    /// Ends a session.
    pub fn leave(&self, session: &str) {
        self.sessions().remove(session);
    }

    /// What comes from a page of ours carries its viewer's mark, and comes from no other page.
    pub fn is_ours(&self, viewer: &Viewer, csrf: &str) -> bool {
        self.same(&viewer.csrf, csrf)
    }

    /// Whose token it is; all of them are compared, each in the same time.
    fn known(&self, token: &str) -> Option<String> {
        let mut found = None;
        for one in self.people() {
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

    fn people(&self) -> Vec<config::Person> {
        let Some(path) = &self.tokens else { return Vec::new() };
        people(path).unwrap_or_else(|error| {
            tracing::warn!("nobody can do anything on the page: {error}");
            Vec::new()
        })
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

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A user's number, by name or as it stands.
fn number_of(user: &str) -> Option<u32> {
    user.parse().ok().or_else(|| known_user(|name, _| name == user).map(|(_, uid)| uid))
}

fn user_name(uid: u32) -> Option<String> {
    let fit = |letter: char| letter.is_alphanumeric() || "-_.@".contains(letter);
    let name = known_user(|_, known| known == uid)?.0;
    Some(name.chars().filter(|letter| fit(*letter)).take(64).collect::<String>()).filter(|name| !name.is_empty())
}

/// By the machine's own list of users (passwd(5)); who is known elsewhere goes by the number.
fn known_user(is: impl Fn(&str, u32) -> bool) -> Option<(String, u32)> {
    let list = std::fs::read_to_string("/etc/passwd").ok()?;
    let user = |line: &str| {
        let mut fields = line.split(':');
        Some((fields.next()?.to_owned(), fields.nth(1)?.parse().ok()?))
    };
    list.lines().filter_map(user).find(|(name, uid)| is(name, *uid))
}
