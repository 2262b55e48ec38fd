//! Reading a 2xx body: the objects under their key and the word on further pages; all else is skipped unread.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize,
    de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor},
};
use serde_json::Value;

/// What stood in the body.
#[derive(Debug)]
pub struct Body<V> {
    /// The values under the asked keys, in order.
    pub found: Vec<V>,
    /// The `pagination`, where the endpoint has one.
    pub pagination: Option<Pagination>,
}

/// Seam's `pagination`. Its `next_page_url` is not read: the key would go to a place the server chose.
#[derive(Debug, Deserialize)]
pub struct Pagination {
    has_next_page: Option<bool>,
    next_page_cursor: Option<String>,
}

impl Pagination {
    /// The next page's cursor; `Some(Err)` if there is a next page and no way to it.
    pub fn next(self) -> Option<Result<String, String>> {
        let cursor = self.next_page_cursor.filter(|cursor| !cursor.is_empty());
        match (self.has_next_page, cursor) {
            (Some(false), _) | (None, None) => None,
            (_, Some(cursor)) => Some(Ok(cursor)),
            (Some(true), None) => Some(Err("there is a next page but no cursor for it".to_owned())),
        }
    }
}

/// Reads `bytes` as a JSON object with at least one of `keys`, or with none asked (an answer that is only `ok`).
///
/// # Errors
/// Not JSON, cut short, none of the keys, a wrong type, or `ok: false`, in words that quote nothing of the body.
pub fn read<'de, V: Deserialize<'de>>(bytes: &'de [u8], keys: &[&str]) -> Result<Body<V>, String> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let read = Seed { keys, value: PhantomData }.deserialize(&mut deserializer);
    let (body, ok) = read.and_then(|read| deserializer.end().map(|()| read)).map_err(|e| unreadable(&e))?;
    if ok == Some(Value::Bool(false)) {
        return Err("the body says `ok: false`".to_owned());
    }
    if body.found.is_empty() && !keys.is_empty() {
        return Err(format!("the body has no `{}`", keys.join("` or `")));
    }
    Ok(body)
}

/// serde_json's own text may quote a value, and a value may be a secret.
fn unreadable(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "is cut short",
        serde_json::error::Category::Data => "has another shape than Seam's",
        serde_json::error::Category::Io | serde_json::error::Category::Syntax => "is not JSON",
    };
    format!("the body {what} (line {}, column {})", error.line(), error.column())
}

struct Seed<'k, V> {
    keys: &'k [&'k str],
    value: PhantomData<V>,
}

impl<'de, V: Deserialize<'de>> DeserializeSeed<'de> for Seed<'_, V> {
    type Value = (Body<V>, Option<Value>);

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, V: Deserialize<'de>> Visitor<'de> for Seed<'_, V> {
    type Value = (Body<V>, Option<Value>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut body = Body { found: Vec::new(), pagination: None };
        let mut ok = None;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "pagination" => body.pagination = map.next_value()?,
                "ok" => ok = Some(map.next_value()?),
                key if self.keys.contains(&key) => body.found.push(map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok((body, ok))
    }
}

#[cfg(test)]
mod tests {
    use super::{Body, read};

    fn list(text: &str) -> Result<Body<Vec<u32>>, String> {
        read(text.as_bytes(), &["phones", "devices"])
    }

    #[test]
    fn only_the_asked_key_counts_as_an_answer() {
        assert_eq!(list(r#"{"phones":[],"ok":true}"#).unwrap().found, [Vec::<u32>::new()]);
        assert_eq!(list(r#"{"x":{"phones":[9]},"devices":[1],"phones":[2]}"#).unwrap().found, [vec![1], vec![2]]);
        for (text, want) in [
            ("{}", "no `phones` or `devices`"),
            (r#"{"phones":null}"#, "another shape"),
            (r#"{"phones":{}}"#, "another shape"),
            ("[]", "another shape"),
            (r#"{"phones":[1"#, "cut short"),
            ("", "cut short"),
            ("<html>", "not JSON"),
            (r#"{"phones":[]} {"phones":[]}"#, "not JSON"),
            (r#"{"phones":[],"ok":false}"#, "ok: false"),
        ] {
            let got = list(text).unwrap_err();
            assert!(got.contains(want), "{text}: {got}");
        }
        assert!(read::<()>(b"{}", &[]).unwrap().found.is_empty());
    }

    #[test]
    fn a_complaint_quotes_nothing_of_the_body() {
        let got = list(r#"{"phones":["seam_cst1_secret"]}"#).unwrap_err();
        assert!(!got.contains("secret"), "{got}");
    }

    #[test]
    fn a_next_page_is_followed_by_cursor_only() {
        let next = |pagination: &str| {
            let body = list(&format!(r#"{{"phones":[],"pagination":{pagination}}}"#)).unwrap();
            body.pagination.and_then(super::Pagination::next)
        };
        let url = r#""next_page_url":"https://elsewhere.test/?page_cursor=b""#;
        assert_eq!(next("null"), None);
        assert_eq!(next("{}"), None);
        assert_eq!(next(r#"{"has_next_page":false,"next_page_cursor":"a"}"#), None);
        assert_eq!(next(r#"{"has_next_page":true,"next_page_cursor":"a"}"#), Some(Ok("a".to_owned())));
        assert_eq!(next(r#"{"next_page_cursor":"a"}"#), Some(Ok("a".to_owned())));
        assert!(next(&format!(r#"{{"has_next_page":true,"next_page_cursor":"",{url}}}"#)).unwrap().is_err());
    }
}
