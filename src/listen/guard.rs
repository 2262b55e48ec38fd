//! For whom it is meant: by its name in the request's head (RFC 9110, 7.2). A web page whose name is made to point at this machine
//! still sends its own name, and is refused.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::Desk;

pub(super) async fn host(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    if host.is_some_and(|host| is_ours(host, &desk.host)) {
        return next.run(request).await;
    }
    (StatusCode::MISDIRECTED_REQUEST, "not asked for by an address, `localhost`, or the name in `listen.host`\n")
        .into_response()
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
    use super::is_ours;

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
