//! For whom it is meant: by its name in the request's head (RFC 9110, 7.2). A web page whose name is made to point at this machine
//! still sends its own name, and is refused; so is what another page asks a browser for behind its user's back (Fetch Metadata Request
//! Headers, 2).

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::Desk;

pub(super) async fn host(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    if host.is_some_and(|host| is_ours(host, &desk.host)) {
        return match is_asked_behind(&request) {
            false => next.run(request).await,
            true => (StatusCode::FORBIDDEN, "another site's page asked for this, not a person\n").into_response(),
        };
    }
    (StatusCode::MISDIRECTED_REQUEST, "not asked for by an address, `localhost`, or the name in `listen.host`\n")
        .into_response()
}

/// By a page of another origin; but a person may follow a link from there.
fn is_asked_behind(request: &Request) -> bool {
    let said = |name: &str| request.headers().get(name).map_or("", |value| value.to_str().unwrap_or("?"));
    let follows = request.method() == Method::GET
        && said("sec-fetch-mode") == "navigate"
        && matches!(said("sec-fetch-dest"), "" | "document");
    !matches!(said("sec-fetch-site"), "" | "same-origin" | "none") && !follows
}

fn is_ours(host: &str, own: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    };
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    bare.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || (!own.is_empty() && name.eq_ignore_ascii_case(own))
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, extract::Request};

    use super::{is_asked_behind, is_ours};

    #[test]
    fn a_person_may_follow_a_link_and_a_page_may_not_ask() {
        for (method, site, mode, dest, behind) in [
            ("GET", "", "", "", false),
            ("GET", "none", "navigate", "document", false),
            ("GET", "same-origin", "cors", "empty", false),
            ("POST", "same-origin", "navigate", "document", false),
            ("GET", "cross-site", "navigate", "document", false),
            ("GET", "same-site", "navigate", "document", false),
            ("GET", "cross-site", "navigate", "iframe", true),
            ("GET", "cross-site", "no-cors", "image", true),
            ("GET", "cross-site", "cors", "empty", true),
            ("GET", "same-site", "cors", "empty", true),
            ("POST", "cross-site", "navigate", "document", true),
            ("POST", "same-site", "navigate", "document", true),
            ("GET", "odd", "cors", "empty", true),
        ] {
            let mut request = Request::builder().method(method);
            for (name, value) in [("sec-fetch-site", site), ("sec-fetch-mode", mode), ("sec-fetch-dest", dest)] {
                request = if value.is_empty() { request } else { request.header(name, value) };
            }
            let request = request.body(Body::empty()).unwrap();
            assert_eq!(is_asked_behind(&request), behind, "{method} {site} {mode} {dest}");
        }
    }

    #[test]
    fn addresses_and_known_names_pass() {
        for good in ["127.0.0.1:9180", "127.0.0.1", "[::1]:9180", "[::1]", "localhost", "LocalHost:80", "door.lan:9180"]
        {
            assert!(is_ours(good, "door.lan"), "{good}");
        }
        for bad in
            ["evil.example", "evil.example:9180", "localhost.evil.example", "127.0.0.1.evil.example", "", ":9180"]
        {
            assert!(!is_ours(bad, "door.lan") && !is_ours(bad, ""), "{bad}");
        }
    }
}
