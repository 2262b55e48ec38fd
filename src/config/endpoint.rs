//! Addresses that secrets may be sent to.

/// Plain http would show the key to the network, so it is for this machine only.
pub(super) fn is_endpoint(text: &str) -> bool {
    let path = text.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
    path.is_empty() && !text.contains('?') && is_hook_address(text)
}

/// The same with a path and a query.
pub fn is_hook_address(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => host,
        Some(_) if !authority.ends_with(']') => return false,
        _ => authority,
    };
    let plain = !host.is_empty() && !text.contains(['@', '#']) && text.bytes().all(|byte| byte.is_ascii_graphic());
    let local = host == "localhost"
        || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    plain && (scheme == "https" || scheme == "http" && local)
}

#[cfg(test)]
mod tests {
    use super::{is_endpoint, is_hook_address};

    #[test]
    fn endpoints() {
        for good in ["https://connect.getseam.com", "http://127.0.0.1:4000/", "http://[::1]:80", "http://localhost"] {
            assert!(is_endpoint(good), "{good}");
        }
        for bad in ["connect.getseam.com", "http://example.com", "https://", "https://u:p@host", "http://localhost:x"] {
            assert!(!is_endpoint(bad), "{bad}");
        }
        for bad in
            ["http://127.0.0.1.example.com", "ftp://localhost", "https://host/path", "https://ho st", "https://h\u{1b}"]
        {
            assert!(!is_endpoint(bad), "{bad}");
        }
    }

    #[test]
    fn hooks_have_paths_and_queries() {
        for good in ["https://hooks.example.com/T0/x?team=doors", "http://127.0.0.1:80/x", "https://host?a=/"] {
            assert!(is_hook_address(good), "{good}");
        }
        for bad in ["http://example.com/x", "https://u:p@host/x", "https://host/x#y", "https:///x", "/x", ""] {
            assert!(!is_hook_address(bad), "{bad}");
        }
    }
}
