//! People whose access no order may take or change.

use serde::{Deserialize, Serialize};

use super::{
    object::Identity,
    order::{Order, Person, Problem, Workflow},
    quote::quoted,
};

/// Patterns of people, as `protect.people` lists them: `id:…`, `key:…`, `phone:…`, or an e-mail address; `*` stands for any letters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Protected(pub Vec<String>);

impl Protected {
    /// What is wrong with one of the patterns, if anything.
    pub fn refuse(pattern: &str) -> Option<&'static str> {
        let (_, value) = split(pattern);
        let named = ["id:", "key:", "phone:"].iter().any(|kind| pattern.starts_with(kind));
        match value.trim_matches('*') {
            "" => Some("would protect everybody or nobody: name somebody"),
            _ if pattern.starts_with("id:") && !may_be_id(value) => Some(
                "names no id: Seam's have the form 7d2e1c1e-0000-4000-8000-000000000001, and `*` stands for a part of one; a name of your own is written `key:…`",
            ),
            _ if named || value.contains('@') => None,
            _ => Some("is neither `id:…`, `key:…`, `phone:…` nor an e-mail address"),
        }
    }

    /// The pattern that a person named in an order matches.
    pub fn names(&self, person: &Person) -> Option<&str> {
        let Person { user_identity_id, user_identity_key, email_address, phone_number } = person;
        self.any(&[
            ("id", user_identity_id.as_deref()),
            ("key", user_identity_key.as_deref()),
            ("", email_address.as_deref()),
            ("phone", phone_number.as_deref()),
        ])
    }

    /// The pattern that somebody found at Seam matches, by any name they carry or carried before a merge.
    pub fn covers(&self, identity: &Identity) -> Option<&str> {
        let own = [
            ("id", Some(identity.user_identity_id.as_str())),
            ("key", identity.user_identity_key.as_deref()),
            ("", identity.email_address.as_deref()),
            ("phone", identity.phone_number.as_deref()),
        ];
        let ids = identity.merged_user_identity_ids.iter().map(|id| ("id", Some(id.as_str())));
        let keys = identity.merged_user_identity_keys.iter().map(|key| ("key", Some(key.as_str())));
        self.any(&own.into_iter().chain(ids).chain(keys).collect::<Vec<_>>())
    }

    /// Why an order is rejected before anybody is looked for; none if it names nobody who is protected. Newcomers lose nothing.
    pub fn refusal(&self, order: &Order) -> Option<Problem> {
        let pattern = self.names(&order.person).filter(|_| order.workflow != Workflow::Onboard)?;
        let (message, remedy) = (protected_words(pattern), PROTECTED_REMEDY.to_owned());
        Some(Problem::new("", message, remedy))
    }

    fn any(&self, names: &[(&str, Option<&str>)]) -> Option<&str> {
        let hit = |pattern: &&String| {
            let (kind, wanted) = split(pattern);
            names.iter().any(|(name, value)| {
                *name == kind
                    && value
                        .is_some_and(|value| if kind.is_empty() { folded(wanted, value) } else { glob(wanted, value) })
            })
        };
        self.0.iter().find(hit).map(String::as_str)
    }
}

/// What a row or a held job is told; a pattern stands in the settings, so it is no secret.
pub fn protected_words(pattern: &str) -> String {
    format!("this person is protected (`{}` in `protect.people`)", quoted(pattern))
}

/// What can be done about it.
pub const PROTECTED_REMEDY: &str =
    "if this is meant, take the pattern out of `protect.people`, restart, and order it again";

/// Whether a pattern can match an id of Seam's: a UUID, parts of which `*` may stand for.
fn may_be_id(pattern: &str) -> bool {
    let letters = pattern.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-' || byte == b'*');
    letters && if pattern.contains('*') { pattern.len() <= UUID_LETTERS } else { is_uuid(pattern) }
}

/// Letters of a UUID as it is written.
const UUID_LETTERS: usize = 36;

/// Whether a text has the form of Seam's ids (UUIDs, RFC 9562).
pub fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.concat().bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Kind and value of a pattern; an e-mail address has no kind.
fn split(pattern: &str) -> (&str, &str) {
    match pattern.split_once(':') {
        Some((kind @ ("id" | "key" | "phone"), value)) => (kind, value),
        _ => ("", pattern),
    }
}

fn folded(pattern: &str, text: &str) -> bool {
    glob(&pattern.to_ascii_lowercase(), &text.to_ascii_lowercase())
}

/// `*` stands for any letters, also none.
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names_of_their_own_kind() {
        for (pattern, text, hit) in [
            ("a@b.c", "a@b.c", true),
            ("a@b.c", "aa@b.c", false),
            ("*@board.example.com", "x@board.example.com", true),
            ("*@board.example.com", "x@board.example.com.evil", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("ab*ba", "aba", false),
            ("*", "", true),
        ] {
            assert_eq!(glob(pattern, text), hit, "{pattern} {text}");
        }
        let list = Protected(["key:ceo-*", "id:7d2e", "Chief@Example.com", "phone:+1555*"].map(String::from).to_vec());
        let who = |key: &str, email: &str| Person {
            user_identity_key: Some(key.to_owned()),
            email_address: Some(email.to_owned()),
            ..Person::default()
        };
        assert_eq!(list.names(&who("ceo-1", "x@y.z")), Some("key:ceo-*"));
        assert_eq!(list.names(&who("CEO-1", "x@y.z")), None, "keys are compared as written");
        assert_eq!(list.names(&who("x", "CHIEF@example.COM")), Some("Chief@Example.com"));
        assert_eq!(list.names(&who("7d2e", "ceo-1")), None, "a key is no id, and an e-mail no key");
        let merged = Identity { merged_user_identity_ids: vec!["7d2e".into()], ..Identity::default() };
        assert_eq!(list.covers(&merged), Some("id:7d2e"));
        let phone = Identity { phone_number: Some("+15555".into()), ..Identity::default() };
        assert_eq!(list.covers(&phone), Some("phone:+1555*"));
    }

    #[test]
    fn a_pattern_for_everybody_or_of_no_kind_is_refused() {
        for bad in ["", "*", "key:", "key:*", "ceo-1", "mail:x", "id:zzz", "id:7d2e", "id:z*"] {
            assert!(Protected::refuse(bad).is_some(), "{bad}");
        }
        for good in
            ["key:ceo-1", "id:*-7", "id:7d2e1c1e-0000-4000-8000-000000000001", "*@board.example.com", "phone:+1555"]
        {
            assert_eq!(Protected::refuse(good), None);
        }
    }
}
