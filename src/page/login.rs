//! Signing in, where something can be done, and out again.

use std::sync::Arc;

use askama::Template;
use axum::{
    Form,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{
    Site,
    answer::{Trouble, page},
    deeds::Fields,
    door::{COOKIE, from_here},
    view::View,
};

#[derive(Template)]
#[template(path = "login.html", config = "src/page/askama.toml")]
struct Page {
    v: View,
    next: String,
    wrong: bool,
}

pub(super) async fn show(State(site): State<Arc<Site>>, headers: HeaderMap, mut v: View) -> Result<Response, Trouble> {
    v.only(&["next", "once"])?;
    v.title = "Sign in".to_owned();
    let next = inside(v.asked::<String>("next")?);
    if let Some(invitation) = v.asked::<String>("once")?.filter(|_| site.door.open) {
        return match site.door.enter(&invitation) {
            Some(id) => Ok(entered(&headers, &id, &next)),
            None => Err(Trouble::Refused("This invitation was used before, or never given.".to_owned())),
        };
    }
    taken(&site)?;
    page(&Page { v, next, wrong: false })
}

pub(super) async fn enter(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    mut v: View,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, Trouble> {
    v.title = "Sign in".to_owned();
    taken(&site)?;
    from_here(&headers)?;
    let fields = Fields(form);
    let next = inside(fields.get("next").map(str::to_owned));
    match site.door.enter(fields.get("token").unwrap_or_default().trim()) {
        Some(id) => Ok(entered(&headers, &id, &next)),
        None => Ok((StatusCode::FORBIDDEN, page(&Page { v, next, wrong: true })?).into_response()),
    }
}

pub(super) async fn leave(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    v: View,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, Trouble> {
    from_here(&headers)?;
    if let Some(viewer) = &v.viewer
        && let Some(session) = &viewer.session
        && site.door.is_ours(viewer, Fields(form).get("csrf").unwrap_or_default())
    {
        site.door.leave(session);
    }
    let gone = format!("{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
    Ok((StatusCode::SEE_OTHER, [(header::SET_COOKIE, gone), (header::LOCATION, "/".to_owned())]).into_response())
}

/// Nobody signs in where nothing can be done.
fn taken(site: &Site) -> Result<(), Trouble> {
    match (site.door.open, site.door.takes_tokens()) {
        (false, _) => Err(Trouble::off()),
        (true, false) => Err(Trouble::Refused("There are no tokens: the socket says who somebody is.".to_owned())),
        (true, true) => Ok(()),
    }
}

/// For this browser alone until it is closed, out of reach of scripts, and never sent on another site's behalf (RFC 6265bis, 5.6).
fn entered(headers: &HeaderMap, id: &str, next: &str) -> Response {
    let origin = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // Behind a proxy with TLS the cookie stays there.
    let secure = if origin.starts_with("https://") { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={id}; Path=/; HttpOnly; SameSite=Strict{secure}");
    (StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, next.to_owned())]).into_response()
}

/// A page of ours, whatever was asked for.
fn inside(next: Option<String>) -> String {
    let own = |path: &String| {
        path.starts_with('/')
            && !path.starts_with("//")
            && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    };
    next.filter(own).unwrap_or_else(|| "/".to_owned())
}

#[cfg(test)]
mod tests {
    use super::inside;

    #[test]
    fn nobody_is_led_elsewhere() {
        for (asked, led) in [
            ("/jobs?state=held", "/jobs?state=held"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("/a\r\nset-cookie: x", "/"),
            ("", "/"),
        ] {
            assert_eq!(inside(Some(asked.to_owned())), led, "{asked}");
        }
        assert_eq!(inside(None), "/");
    }
}
