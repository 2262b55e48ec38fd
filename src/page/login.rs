//! Signing in, where something can be done, and out again.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{
    Site,
    answer::{Trouble, page},
    deeds::{Fields, Sent},
    door::from_here,
    view::View,
};

#[derive(Template)]
#[template(path = "login.html", config = "src/page/askama.toml")]
struct Page {
    v: View,
    next: String,
    wrong: bool,
    /// The list cannot be read.
    unread: bool,
}

pub(super) async fn show(State(site): State<Arc<Site>>, headers: HeaderMap, mut v: View) -> Result<Response, Trouble> {
    v.only(&["next", "once"])?;
    v.title = "Sign in".to_owned();
    let next = inside(v.asked::<String>("next")?);
    if let Some(invitation) = v.asked::<String>("once")?.filter(|_| site.door.open) {
        return match site.door.enter(&invitation) {
            Some(id) => Ok(entered(&site, &headers, &id, &next)),
            None => Err(Trouble::Refused("This invitation was used before, or never given.".to_owned())),
        };
    }
    taken(&site)?;
    page(&Page { v, next, wrong: false, unread: !site.door.roll.is_readable() })
}

pub(super) async fn enter(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    mut v: View,
    form: Sent,
) -> Result<Response, Trouble> {
    v.title = "Sign in".to_owned();
    taken(&site)?;
    from_here(&headers)?;
    let fields = Fields::sent(form)?;
    let next = inside(fields.get("next").map(str::to_owned));
    match site.door.enter(fields.get("token").unwrap_or_default().trim()) {
        Some(id) => Ok(entered(&site, &headers, &id, &next)),
        None => {
            let unread = !site.door.roll.is_readable();
            let status = if unread { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::FORBIDDEN };
            Ok((status, page(&Page { v, next, wrong: true, unread })?).into_response())
        }
    }
}

pub(super) async fn leave(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    v: View,
    form: Sent,
) -> Result<Response, Trouble> {
    from_here(&headers)?;
    let fields = Fields::sent(form)?;
    if let Some(viewer) = &v.viewer
        && let Some(session) = &viewer.session
        && site.door.is_ours(viewer, fields.get("csrf").unwrap_or_default())
    {
        site.door.leave(session);
    }
    let gone = format!("{}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict", site.door.cookie);
    Ok((StatusCode::SEE_OTHER, [(header::SET_COOKIE, gone), (header::LOCATION, "/".to_owned())]).into_response())
}

/// Nobody signs in where nothing can be done.
fn taken(site: &Site) -> Result<(), Trouble> {
    let why = match (site.door.open, site.door.takes_tokens(), site.door.takes_users()) {
        (false, ..) => return Err(Trouble::off()),
        (true, true, _) => return Ok(()),
        (true, false, true) => "There are no tokens: the socket says who somebody is (`page.users` in the settings).",
        (true, false, false) => {
            "There are no tokens, and the one invitation was used: something can be done in the browser that came by it."
        }
    };
    Err(Trouble::Refused(why.to_owned()))
}

/// For this browser alone until it is closed, out of reach of scripts, and never sent on another site's behalf (RFC 6265bis, 5.6).
fn entered(site: &Site, headers: &HeaderMap, id: &str, next: &str) -> Response {
    let origin = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // Behind a proxy with TLS the cookie stays there.
    let secure = if origin.starts_with("https://") { "; Secure" } else { "" };
    let cookie = format!("{}={id}; Path=/; HttpOnly; SameSite=Strict{secure}", site.door.cookie);
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
