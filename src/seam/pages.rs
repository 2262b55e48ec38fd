//! Reading a list to its end, or saying why it could not be.

use std::collections::HashSet;

use serde_json::Value;

use super::{
    ask::{Asker, Params, Stop},
    kinds::List,
    objects::Object,
    wire::Transport,
};

/// The page size Seam uses by default; a list that long without paging is taken as cut off.
pub const PAGE_LIMIT: u32 = 500;
/// More pages than this are a loop, or not one person's objects.
const MAX_PAGES: usize = 200;

/// All objects of a list.
#[derive(Debug, Default)]
pub struct Pages {
    /// In the order they came; an object may come twice.
    pub objects: Vec<Object>,
    /// Why they may not be all.
    pub incomplete: Option<String>,
}

/// Asks for every page of `list` with the same parameters. A page that fails fails the whole: never a partial list.
pub async fn all<T: Transport>(asker: &mut Asker<'_, T>, list: &List, params: Params) -> Result<Pages, Stop> {
    let mut pages = Pages::default();
    let mut cursors = HashSet::new();
    let mut next = with_limit(list, params.clone());
    for _ in 0..MAX_PAGES {
        let (found, pagination) = asker.page(list.path, next, list.keys).await?;
        let full = found.iter().any(|objects| objects.len() == PAGE_LIMIT as usize);
        pages.objects.extend(found.into_iter().flatten());
        let cursor = match pagination {
            None => {
                pages.incomplete = full.then(|| format!("{}: full page without paging", list.path));
                return Ok(pages);
            }
            Some(pagination) => match pagination.next() {
                None => return Ok(pages),
                Some(Err(why)) => return Ok(incomplete(pages, list, &why)),
                Some(Ok(cursor)) => cursor,
            },
        };
        if !cursors.insert(cursor.clone()) {
            return Ok(incomplete(pages, list, "a page cursor came twice"));
        }
        next = with_limit(list, params.clone());
        next.insert("page_cursor".to_owned(), Value::from(cursor));
    }
    Ok(incomplete(pages, list, &format!("more than {MAX_PAGES} pages")))
}

/// The first page's parameters: `limit` only where the endpoint has it.
pub fn with_limit(list: &List, mut params: Params) -> Params {
    if list.paged {
        params.insert("limit".to_owned(), Value::from(PAGE_LIMIT));
    }
    params
}

fn incomplete(mut pages: Pages, list: &List, why: &str) -> Pages {
    pages.incomplete = Some(format!("{}: {why}", list.path));
    pages
}
