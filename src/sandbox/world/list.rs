//! Listing and paging, once for every kind.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use serde_json::{Value, json};

use super::{Kind, Object, World, args::Args, object::Role, refusal::Refusal};
use crate::sandbox::{Fault, UnknownOwner};

/// Seam's documented default page size.
const LIMIT: usize = 500;

impl World {
    /// The visible objects of a kind that hang on all these parents and pass, in order of creation.
    pub(super) fn select(&self, kind: Kind, parents: &[String], passes: impl Fn(&Object) -> bool) -> Vec<u64> {
        self.narrow(kind, parents, None, passes)
    }

    /// The same of identities or ACS users, for a request that may have a `search`, which `passes` must check.
    pub(super) fn search(
        &self,
        kind: Kind,
        parents: &[String],
        args: &Args,
        passes: impl Fn(&Object) -> bool,
    ) -> Vec<u64> {
        let among = args.text("search").and_then(|text| self.stock.searched(kind, text));
        self.narrow(kind, parents, among, passes)
    }

    fn narrow(
        &self,
        kind: Kind,
        parents: &[String],
        among: Option<BTreeSet<u64>>,
        passes: impl Fn(&Object) -> bool,
    ) -> Vec<u64> {
        let then_ms = self.now.saturating_sub(self.view.stale_ms);
        let wanted = |born: &u64| {
            self.stock.get(*born).is_some_and(|object| {
                object.kind == kind
                    && object.is_visible(then_ms)
                    && parents
                        .iter()
                        .all(|parent| object.links.iter().any(|(role, id)| id == parent && *role != Role::Former))
                    && passes(object)
            })
        };
        match (among, parents.first()) {
            (Some(among), _) => among.into_iter().filter(wanted).collect(),
            (None, Some(parent)) => self.stock.children_of(parent, kind).filter(wanted).collect(),
            (None, None) => self.stock.of_kind(kind).filter(wanted).collect(),
        }
    }

    /// The owner filter a list really goes by; none if it was not given, or a fault makes the list forget it.
    pub(super) fn owner_filter(&self, kind: Kind, args: &Args, name: &str) -> Result<Option<String>, Refusal> {
        let Some(id) = args.text(name) else { return Ok(None) };
        let by_fault = self.faults.everybody_for_unknown.contains(&kind);
        let answer = match self.stock.living(Kind::UserIdentity, id) {
            Some(_) => UnknownOwner::Nothing,
            None if by_fault => UnknownOwner::Everybody,
            None => self.settings.unknown_owner,
        };
        match answer {
            _ if self.faults.owner_ignored.contains(&kind) => Ok(None),
            UnknownOwner::Nothing => Ok(Some(self.stock.primary(id).to_owned())),
            // Phones name no owner, so a client could do nothing about it; only the fault asks that of it.
            UnknownOwner::Everybody if kind == Kind::Phone && !by_fault => Ok(Some(id.to_owned())),
            UnknownOwner::Everybody => Ok(None),
            UnknownOwner::NotFound => Err(self.missing(Kind::UserIdentity)),
        }
    }

    /// The identity of a list that refuses an unknown one; none if a fault makes the list forget it.
    pub(super) fn whose(&self, kind: Kind, args: &Args) -> Result<Option<String>, Refusal> {
        match self.identity_id(args) {
            _ if self.faults.owner_ignored.contains(&kind) => Ok(None),
            Err(_) if self.faults.everybody_for_unknown.contains(&kind) => Ok(None),
            other => other.map(Some),
        }
    }

    /// The whole answer of a list that does not page.
    pub(super) fn listed(&self, kind: Kind, borns: &[u64]) -> Value {
        json!({ kind.spec().many: self.shown_all(self.cut(borns)) })
    }

    /// What an unpaged list gives away of what it found.
    pub(super) fn cut<'a>(&self, borns: &'a [u64]) -> &'a [u64] {
        &borns[..self.settings.unpaged_limit.unwrap_or(usize::MAX).min(borns.len())]
    }

    /// How long a page may be, given what was asked for.
    pub(super) fn page_limit(&self, args: &Args) -> usize {
        args.count("limit").unwrap_or(LIMIT).min(self.settings.largest_page.unwrap_or(usize::MAX))
    }

    /// One page. The cursor names the first object of the page and the parameters it was made for.
    pub(super) fn paged(&self, kind: Kind, args: &Args, borns: &[u64]) -> Result<Value, Refusal> {
        self.paged_as(kind.spec().many, args, borns, |object| self.shown(object))
    }

    /// The same with objects shown as something else under that name.
    pub(super) fn paged_as(
        &self,
        many: &str,
        args: &Args,
        borns: &[u64],
        show: impl Fn(&Object) -> Value,
    ) -> Result<Value, Refusal> {
        let print = fingerprint(many, args);
        let given = args.text("page_cursor");
        let from = match given {
            None => 0,
            Some(cursor) => {
                let (made_for, born) = read_cursor(cursor).ok_or_else(|| Refusal::invalid("Invalid page_cursor"))?;
                if made_for != print {
                    let message = "The page_cursor was made for a request with other parameters";
                    return Err(Refusal::new(400, "mismatched_page_parameters", message));
                }
                born
            }
        };
        let limit = self.page_limit(args);
        let mut rest = borns.iter().copied().filter(|born| *born >= from);
        let page: Vec<u64> = rest.by_ref().take(limit).collect();
        let mut next = rest.next().map(|born| format!("{print:016x}{born:016x}"));
        let mut has_next = next.is_some();
        match &self.view.cursor {
            Some(Fault::CursorLoop) => {
                let first = page.first().copied().unwrap_or_default();
                next = Some(given.map_or_else(|| format!("{print:016x}{first:016x}"), str::to_owned));
                has_next = true;
            }
            Some(_) => (next, has_next) = (None, true),
            None => {}
        }
        let url = next.as_ref().map(|cursor| format!("https://connect.getseam.com/next?next_page_cursor={cursor}"));
        Ok(json!({
            many: page.iter().filter_map(|born| self.stock.get(*born)).map(show).collect::<Vec<_>>(),
            "pagination": {"has_next_page": has_next, "next_page_cursor": next, "next_page_url": url},
        }))
    }

    /// Whether an object was created before the `created_before` given.
    pub(super) fn is_older(&self, object: &Object, args: &Args) -> bool {
        args.time("created_before").is_none_or(|before_ms| self.created_ms(object) < before_ms)
    }
}

/// Whether any of the texts contains what is searched for, whatever its case.
pub(super) fn found(args: &Args, texts: &[Option<&str>]) -> bool {
    let Some(wanted) = args.text("search").filter(|wanted| !wanted.is_empty()) else { return true };
    let contains =
        |text: &str| text.as_bytes().windows(wanted.len()).any(|part| part.eq_ignore_ascii_case(wanted.as_bytes()));
    texts.iter().flatten().any(|text| contains(text))
}

fn fingerprint(many: &str, args: &Args) -> u64 {
    let mut hasher = DefaultHasher::new();
    many.hash(&mut hasher);
    for (name, value) in args.0.iter().filter(|(name, _)| *name != "page_cursor") {
        (name, value.to_string()).hash(&mut hasher);
    }
    hasher.finish()
}

fn read_cursor(cursor: &str) -> Option<(u64, u64)> {
    let hex = |part: Option<&str>| part.and_then(|part| u64::from_str_radix(part, 16).ok());
    Some((hex(cursor.get(..16))?, hex(cursor.get(16..32))?))
}
