//! Answers: pages with their guards, and what is said when there is none.

use askama::Template;
use axum::{
    http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
};

use super::view::View;
use crate::store::StoreError;

/// Why a page cannot be shown.
#[derive(Debug)]
pub(super) enum Trouble {
    /// There is no such thing.
    Nothing(String),
    /// The address says what cannot be understood.
    Odd(String),
    /// A form says too little, or what cannot be understood.
    Form(String),
    /// Something was to be done, and failed.
    Undone {
        /// Nothing was done; otherwise it is not known.
        certain: bool,
        /// For the log.
        why: String,
    },
    /// Too many look at once.
    Busy,
    /// The question took longer than it may.
    OutOfTime,
    /// The database cannot be read.
    Unreadable(String),
    /// A page could not be written.
    Unwritten,
    /// Whoever asks may not, or asks what cannot be done.
    Refused(String),
}

impl Trouble {
    /// Nothing can be done here.
    pub fn off() -> Trouble {
        Trouble::Nothing(
            "Nothing can be done here, only looked at (`page.actions` in the settings); commands do what is to be done."
                .to_owned(),
        )
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Trouble {
        if error.is_out_of_time() { Trouble::OutOfTime } else { Trouble::Unreadable(error.to_string()) }
    }
}

#[derive(Template)]
#[template(path = "trouble.html", config = "src/page/askama.toml")]
struct TroublePage {
    v: View,
    words: String,
    remedy: &'static str,
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let (status, title, words, remedy) = match self {
            Trouble::Nothing(what) => {
                (StatusCode::NOT_FOUND, "Not found", what, "Look for it by the field above, or go to the overview.")
            }
            Trouble::Odd(what) => (
                StatusCode::BAD_REQUEST,
                "Not understood",
                what,
                "Nothing was left out or guessed. Mend the address, or begin anew from the list.",
            ),
            Trouble::Form(what) => (
                StatusCode::BAD_REQUEST,
                "Not understood",
                what,
                "Nothing was done. Go back to the page that asks, and say it there.",
            ),
            Trouble::Undone { certain, why } => {
                tracing::warn!("a deed on the page failed: {why}");
                let (words, remedy) = if certain {
                    (
                        "The database does not take it at the moment; the log says why.",
                        "Nothing was done. Do it again in a moment.",
                    )
                } else {
                    (
                        "The database failed at the very end; the log says why.",
                        "Whether it was done is not known. Look at it before you do it again.",
                    )
                };
                (StatusCode::SERVICE_UNAVAILABLE, "Not done", words.to_owned(), remedy)
            }
            Trouble::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Busy",
                "Too many people look at once; the daemon's work comes first.".to_owned(),
                "Load the page again in a moment.",
            ),
            Trouble::OutOfTime => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Given up",
                "The question took longer than it may; the daemon's work comes first.".to_owned(),
                "Ask for less, by a narrower filter, or ask the database with sqlite3.",
            ),
            Trouble::Unreadable(why) => {
                tracing::warn!("the database cannot be read for a page: {why}");
                let words = "The database cannot be read at the moment; the log says why.".to_owned();
                (StatusCode::SERVICE_UNAVAILABLE, "Not readable", words, "Load the page again in a moment.")
            }
            Trouble::Refused(why) => (
                StatusCode::FORBIDDEN,
                "Refused",
                why,
                "Nothing was done. Go back, look at it again, and sign in if you are asked to.",
            ),
            Trouble::Unwritten => {
                return (StatusCode::INTERNAL_SERVER_ERROR, "the page could not be written\n").into_response();
            }
        };
        let v = View::plain(title);
        match (TroublePage { v, words, remedy }).render() {
            Ok(page) => (status, Html(page)).into_response(),
            Err(_) => (status, title).into_response(),
        }
    }
}

/// A page as an answer.
pub(super) fn page(template: &impl Template) -> Result<Response, Trouble> {
    template.render().map(|page| Html(page).into_response()).map_err(|_| Trouble::Unwritten)
}

pub(super) async fn nothing_here(uri: Uri) -> Trouble {
    let path: String = uri.path().chars().take(80).collect();
    Trouble::Nothing(format!("There is no page at {path}."))
}

/// A method that means nothing at this address.
pub(super) async fn not_taken(method: Method, uri: Uri) -> Response {
    let takes = match uri.path() {
        "/logout" => "POST",
        path if path == "/login" || path.starts_with("/do/") => "GET and POST",
        _ => "GET",
    };
    let words = format!("This address answers {takes}, not {method}. Nothing was done.\n");
    (StatusCode::METHOD_NOT_ALLOWED, words).into_response()
}

/// What a browser is told of every answer, beside what the listener tells it: nothing from elsewhere, nothing inline, in nobody's frame; no word of where somebody came from.
pub(super) async fn guarded(mut response: Response) -> Response {
    const SAID: [(HeaderName, HeaderValue); 5] = [
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
                 base-uri 'none'; frame-ancestors 'none'",
            ),
        ),
        // Not `no-referrer`: a browser would hide the origin of our own forms from us, too (Fetch, 3.2).
        (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
        (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    ];
    response.headers_mut().extend(SAID);
    response
}
