//! Where the listener stands: nowhere, at an address of this machine, or at a socket in its file system.

use std::{collections::BTreeMap, fmt, net::SocketAddr, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{
    file::Found,
    problem::{Place, Problem},
    rules::Scalar,
};

/// `listen.address`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ListenAddress {
    /// Nobody can ask.
    Nowhere,
    /// An address and port; port 0 takes any free one.
    Tcp(SocketAddr),
    /// An absolute path, at which a socket is made.
    Unix(PathBuf),
}

/// The longest path of a socket, without the zero behind it (unix(7)).
const LONGEST: usize = 107;

impl TryFrom<String> for ListenAddress {
    type Error = String;

    fn try_from(text: String) -> Result<ListenAddress, String> {
        if text.is_empty() {
            return Ok(ListenAddress::Nowhere);
        }
        if let Some(path) = text.strip_prefix("unix:") {
            return match path.len() {
                0..=LONGEST if path.starts_with('/') => Ok(ListenAddress::Unix(path.into())),
                0..=LONGEST => Err("must name a socket by its whole path: \"unix:/run/…\"".to_owned()),
                longer => Err(format!("names a socket by {longer} bytes; {LONGEST} are the most")),
            };
        }
        text.parse().map(ListenAddress::Tcp).map_err(|_| {
            "must be an address with a port, like \"127.0.0.1:9180\" or \"[::1]:9180\", or \"unix:/run/…\"".to_owned()
        })
    }
}

impl From<ListenAddress> for String {
    fn from(address: ListenAddress) -> String {
        address.to_string()
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenAddress::Nowhere => Ok(()),
            ListenAddress::Tcp(address) => address.fmt(f),
            ListenAddress::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// An address that other machines reach needs leave.
pub(super) fn remote(values: &BTreeMap<&str, &Found>) -> Option<Problem> {
    let (address, leave) = (values.get("listen.address")?, values.get("listen.allow_remote")?);
    let Scalar::Text(text) = &address.value else { return None };
    let Ok(ListenAddress::Tcp(wanted)) = ListenAddress::try_from(text.clone()) else { return None };
    let refused = !wanted.ip().is_loopback() && leave.value != Scalar::Flag(true);
    refused.then(|| Problem {
        place: if address.place == Place::BuiltIn { leave.place.clone() } else { address.place.clone() },
        excerpt: address.excerpt.clone(),
        message: format!(
            "`listen.address` ({wanted}) can be reached from other machines, without a password and in the clear; \
            set `listen.allow_remote` if a firewall sees to that, or let a proxy with TLS stand in front of 127.0.0.1"
        ),
    })
}

/// A page that nobody could reach is a mistake; one that everybody could reach would show people's names to all of them.
pub(super) fn page(values: &BTreeMap<&str, &Found>) -> Option<Problem> {
    let (enabled, address) = (values.get("page.enabled")?, values.get("listen.address")?);
    let Scalar::Text(text) = &address.value else { return None };
    let why = match ListenAddress::try_from(text.clone()) {
        Ok(ListenAddress::Nowhere) => "nobody listens; set `listen.address`, like \"127.0.0.1:9180\"".to_owned(),
        Ok(ListenAddress::Tcp(wanted)) if !wanted.ip().is_loopback() => format!(
            "`listen.address` ({wanted}) can be reached from other machines: the page has no password of its own; let a proxy \
            with TLS and a password stand in front of 127.0.0.1"
        ),
        _ => return None,
    };
    (enabled.value == Scalar::Flag(true)).then(|| Problem {
        place: enabled.place.clone(),
        excerpt: enabled.excerpt.clone(),
        message: format!("`page.enabled` is true, but {why}"),
    })
}

/// Whoever does something must be somebody.
pub(super) fn actions(values: &BTreeMap<&str, &Found>) -> Option<Problem> {
    let [actions, enabled, tokens, users, address] =
        ["page.actions", "page.enabled", "page.token_file", "page.users", "listen.address"].map(|key| values.get(key));
    let actions = actions.filter(|found| found.value == Scalar::Flag(true))?;
    let text = |found: Option<&&Found>| match found.map(|found| &found.value) {
        Some(Scalar::Text(text)) => text.clone(),
        _ => String::new(),
    };
    let is_socket = text(address).starts_with("unix:");
    let names_users = users.is_some_and(|found| matches!(&found.value, Scalar::List(list) if !list.is_empty()));
    let why = if enabled.is_none_or(|found| found.value != Scalar::Flag(true)) {
        "there is no page; set `page.enabled`, too"
    } else if names_users && !is_socket {
        "`page.users` names who may act by a unix socket, and `listen.address` is none: name a file with tokens in `page.token_file` instead"
    } else if text(tokens).is_empty() && !names_users {
        "nobody could say who they are: name a file with tokens in `page.token_file` or, at a unix socket, its users in `page.users`"
    } else {
        return None;
    };
    Some(Problem {
        place: actions.place.clone(),
        excerpt: actions.excerpt.clone(),
        message: format!("`page.actions` is true, but {why}"),
    })
}

#[cfg(test)]
mod tests {
    use super::ListenAddress;

    #[test]
    fn addresses() {
        for good in ["", "127.0.0.1:9180", "[::1]:0", "0.0.0.0:80", "unix:/run/backstitch/http.sock"] {
            assert_eq!(ListenAddress::try_from(good.to_owned()).unwrap().to_string(), good);
        }
        let long = format!("unix:/{}", "x".repeat(107));
        for (bad, why) in [
            ("localhost:9180", "address with a port"),
            ("127.0.0.1", "address with a port"),
            ("127.0.0.1:99999", "address with a port"),
            ("unix:", "whole path"),
            ("unix:http.sock", "whole path"),
            (long.as_str(), "108 bytes"),
        ] {
            let refused = ListenAddress::try_from(bad.to_owned()).unwrap_err();
            assert!(refused.contains(why), "{bad}: {refused}");
        }
    }
}
