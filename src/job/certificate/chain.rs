//! Certificates bound to each other: how one is sealed and written, and what a reader of all of them finds altered.

use std::collections::{BTreeMap, HashMap};

use super::{super::sha256_hex, canonical::canonical};
use serde_json::Value;

/// A certificate with its seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Its number in the chain, from 1.
    pub serial: i64,
    /// The job it is about.
    pub job_key: String,
    /// What it says, in canonical JSON.
    pub body_json: String,
    /// The seal of the certificate before; empty for the first.
    pub previous_sha256: String,
    /// SHA-256 (hex) of `previous_sha256`, a line feed, and `body_json`.
    pub sha256: String,
}

/// The seal of a body behind the certificate of this seal.
pub fn seal(previous_sha256: &str, body_json: &str) -> String {
    sha256_hex(format!("{previous_sha256}\n{body_json}").as_bytes())
}

impl Sealed {
    /// One line of an export: canonical JSON, with the body in it exactly as it was sealed.
    pub fn line(&self) -> String {
        let Sealed { body_json, previous_sha256, sha256, .. } = self;
        let (previous, seal) = (Value::from(previous_sha256.as_str()), Value::from(sha256.as_str()));
        format!(r#"{{"body":{body_json},"previous_sha256":{previous},"sha256":{seal}}}"#)
    }

    /// Reads such a line.
    ///
    /// # Errors
    /// In words, when the line is not one that [`Sealed::line`] ever writes: then its bytes were changed.
    pub fn read(line: &str) -> Result<Sealed, String> {
        let value: Value = serde_json::from_str(line).map_err(|error| format!("is no JSON: {error}"))?;
        let body = value.get("body").and_then(canonical).ok_or("holds no body of a certificate")?;
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let sealed = Sealed::of(body, text("previous_sha256"), text("sha256"))?;
        if sealed.line() == line { Ok(sealed) } else { Err("is not written as it was exported".to_owned()) }
    }

    /// A body with its seals; the number and the job are read from the body.
    ///
    /// # Errors
    /// In words, when the body is none of a certificate.
    pub fn of(body_json: String, previous_sha256: String, sha256: String) -> Result<Sealed, String> {
        let body: Value = serde_json::from_str(&body_json).map_err(|error| format!("its body is no JSON: {error}"))?;
        let serial = body["serial"].as_i64().ok_or("its body has no serial")?;
        let job_key = body["order"]["job_key"].as_str().ok_or("its body names no job")?.to_owned();
        Ok(Sealed { serial, job_key, body_json, previous_sha256, sha256 })
    }
}

/// Something that was altered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Altered {
    /// Where, as the reader counts: `line 7`.
    pub place: String,
    /// The job, as far as it can still be read.
    pub job_key: String,
    /// What is wrong.
    pub what: String,
}

/// A reader of a whole chain, from its first certificate to its last.
#[derive(Debug, Default)]
pub struct Chain {
    /// Number to the seals that its successor may name: the one it carries and the one its content has.
    seen: HashMap<i64, [String; 2]>,
    /// Numbers that were skipped so far, as first to last, with the place of what came instead.
    skipped: BTreeMap<i64, (i64, String)>,
    newest: i64,
    last: Option<String>,
    altered: Vec<Altered>,
}

impl Chain {
    /// The next certificate, or why there is none at this place.
    pub fn take(&mut self, place: &str, read: Result<Sealed, String>) {
        let one = match read {
            Ok(one) => one,
            Err(why) => {
                self.newest += 1;
                self.seen.insert(self.newest, Default::default());
                return self.altered(place, "", &why);
            }
        };
        let really = seal(&one.previous_sha256, &one.body_json);
        let before = self.seen.get(&(one.serial - 1)).cloned();
        let (is_first, key) = (one.serial == 1, one.job_key.as_str());
        let follows = |seals: &[String; 2]| seals.contains(&one.previous_sha256);
        if really != one.sha256 {
            let relinked = before.iter().flatten().any(|before| seal(before, &one.body_json) == one.sha256);
            let what = match relinked || (is_first && seal("", &one.body_json) == one.sha256) {
                true => "its link to the one before was changed: the content still fits its seal, the link does not",
                false => "its content was changed after it was issued: it does not fit its SHA-256",
            };
            self.altered(place, key, what);
        } else if is_first && !one.previous_sha256.is_empty() {
            self.altered(place, key, "its link is broken: the first certificate names one before it");
        } else if let Some(seals) = before.filter(|seals| !follows(seals) && !seals[0].is_empty()) {
            let what = format!(
                "its link is broken: it follows a certificate {}…, but no. {} is {}…: one of the two was replaced",
                short(&one.previous_sha256),
                one.serial - 1,
                short(&seals[0])
            );
            self.altered(place, key, &what);
        }
        self.in_order(place, &one, really == one.sha256);
        self.last = Some(one.sha256.clone());
        let serial = if really == one.sha256 { one.serial } else { self.newest };
        self.seen.insert(serial, [one.sha256, really]);
    }

    /// Numbers count up by one; a number that was tampered with is not believed.
    fn in_order(&mut self, place: &str, one: &Sealed, sound: bool) {
        let serial = one.serial;
        if !sound && (self.seen.contains_key(&serial) || serial > self.newest + 1) {
            self.newest += 1;
        } else if serial > self.newest {
            if serial > self.newest + 1 {
                self.skipped.insert(self.newest + 1, (serial - 1, place.to_owned()));
            }
            self.newest = serial;
        } else if let Some((from, (to, at))) = self.gap(serial) {
            self.skipped.remove(&from);
            if from < serial {
                self.skipped.insert(from, (serial - 1, at.clone()));
            }
            if serial < to {
                self.skipped.insert(serial + 1, (to, at));
            }
            let what = format!("the order was changed: no. {serial} stands behind no. {}", self.newest);
            self.altered(place, &one.job_key, &what);
        } else {
            self.altered(place, &one.job_key, &format!("no. {serial} is there twice"));
        }
    }

    fn gap(&self, serial: i64) -> Option<(i64, (i64, String))> {
        let (from, (to, at)) = self.skipped.range(..=serial).next_back()?;
        (serial <= *to).then(|| (*from, (*to, at.clone())))
    }

    fn altered(&mut self, place: &str, job_key: &str, what: &str) {
        self.altered.push(Altered { place: place.to_owned(), job_key: job_key.to_owned(), what: what.to_owned() });
    }

    /// How many were read, with the seal of the last one.
    pub fn read(&self) -> (usize, Option<&str>) {
        (self.seen.len(), self.last.as_deref())
    }

    /// Whether a certificate with this seal was read.
    pub fn holds(&self, sha256: &str) -> bool {
        self.seen.values().any(|[seal, _]| seal == sha256)
    }

    /// The end of the chain: everything that is altered or missing.
    pub fn end(mut self) -> Vec<Altered> {
        for (from, (to, place)) in std::mem::take(&mut self.skipped) {
            let what = match to - from {
                0 => format!("no. {from} is missing before it"),
                _ => format!("no. {from} to no. {to} are missing before it"),
            };
            self.altered(&place, "", &what);
        }
        self.altered
    }
}

fn short(sha256: &str) -> String {
    sha256.chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Chain, Sealed, canonical, seal};

    fn chain(many: i64) -> Vec<String> {
        let mut previous = String::new();
        let one = |serial: i64| {
            let body = canonical(&json!({"serial": serial, "order": {"job_key": format!("hr-{serial}")}, "x": "é\n"}))
                .unwrap();
            let sha256 = seal(&previous, &body);
            let sealed = Sealed::of(body, std::mem::replace(&mut previous, sha256.clone()), sha256).unwrap();
            sealed.line()
        };
        (1..=many).map(one).collect()
    }

    fn read(lines: &[String]) -> Vec<String> {
        let mut chain = Chain::default();
        for (nth, line) in lines.iter().enumerate() {
            chain.take(&format!("line {}", nth + 1), Sealed::read(line));
        }
        chain.end().iter().map(|one| format!("{} {}: {}", one.place, one.job_key, one.what)).collect()
    }

    #[test]
    fn an_untouched_chain_is_sound() {
        let lines = chain(5);
        assert_eq!(read(&lines), [""; 0]);
        assert_eq!(Sealed::read(&lines[2]).unwrap().line(), lines[2]);
    }

    /// Whatever byte of a certificate is changed, it is named, and it alone.
    #[test]
    fn any_changed_byte_is_named() {
        let lines = chain(3);
        for at in 0..lines[1].len() {
            for flip in [1u8, 0x20] {
                let mut bytes = lines[1].clone().into_bytes();
                bytes[at] ^= flip;
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                let said = read(&[lines[0].clone(), changed.clone(), lines[2].clone()]);
                assert!(said.len() == 1 && said[0].starts_with("line 2 "), "{changed}: {said:#?}");
            }
        }
    }

    #[test]
    fn what_is_missing_doubled_moved_or_replaced_is_named() {
        let lines = chain(6);
        let pick = |nths: &[usize]| read(&nths.iter().map(|nth| lines[nth - 1].clone()).collect::<Vec<_>>());
        for (nths, says) in [
            (&[1, 2, 4, 5, 6][..], vec!["line 3 : no. 3 is missing before it"]),
            (&[3, 4, 5, 6], vec!["line 1 : no. 1 to no. 2 are missing before it"]),
            (&[1, 3, 2, 4, 5, 6], vec!["line 3 hr-2: the order was changed: no. 2 stands behind no. 3"]),
            (&[1, 2, 2, 3, 4, 5, 6], vec!["line 3 hr-2: no. 2 is there twice"]),
            (
                &[1, 5, 3],
                vec![
                    "line 3 hr-3: the order was changed: no. 3 stands behind no. 5",
                    "line 2 : no. 2 is missing before it",
                    "line 2 : no. 4 is missing before it",
                ],
            ),
        ] {
            assert_eq!(pick(nths), says, "{nths:?}");
        }
        // Another body, sealed anew: sound in itself, but the next one knows better.
        let mut forged = Sealed::read(&lines[1]).unwrap();
        forged.body_json = forged.body_json.replace("hr-2", "hr-9");
        forged.sha256 = seal(&forged.previous_sha256, &forged.body_json);
        let said = read(&[lines[0].clone(), forged.line(), lines[2].clone()]);
        assert!(said.len() == 1 && said[0].starts_with("line 3 hr-3: its link is broken"), "{said:?}");
        let mut first = Sealed::read(&lines[0]).unwrap();
        first.previous_sha256 = "ab".repeat(32);
        first.sha256 = seal(&first.previous_sha256, &first.body_json);
        assert!(read(&[first.line()])[0].contains("names one before it"));
    }
}
