//! The HTTP client: one attempt, every time-out set, no redirect, no proxy unless asked for, capped answers, a key that is never printed.

use std::{error::Error, net::IpAddr, time::Duration};

use reqwest::{
    Url,
    header::{AUTHORIZATION, HeaderMap, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};

use super::wire::{Lost, Request, Response, Transport};

/// Where Seam is and how long it may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSettings {
    /// Base URL. `https` only, unless the host is this machine.
    pub endpoint: String,
    /// For name resolution, TCP and TLS.
    pub connect_timeout_ms: u64,
    /// Between two pieces of an answer.
    pub read_timeout_ms: u64,
    /// For the whole exchange, so that a dripping server cannot hold a worker.
    pub timeout_ms: u64,
    /// The largest answer read, after decompression.
    pub max_body_bytes: u64,
    /// Obey `HTTPS_PROXY` and its kin. A proxy sees where we call, and answers when Seam does not.
    pub use_proxy: bool,
}

impl Default for ClientSettings {
    fn default() -> Self {
        ClientSettings {
            endpoint: "https://connect.getseam.com".to_owned(),
            connect_timeout_ms: 5_000,
            read_timeout_ms: 10_000,
            timeout_ms: 30_000,
            max_body_bytes: 8 * 1024 * 1024,
            use_proxy: false,
        }
    }
}

/// Why there can be no client, and what to do. Never quotes the key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ClientError {
    /// Not a URL at all.
    #[error("the endpoint `{0}` is not a URL ({1}): write it like https://connect.getseam.com")]
    BadUrl(String, String),
    /// A scheme that is not HTTP.
    #[error("the endpoint's scheme `{0}` is not http or https: write it like https://connect.getseam.com")]
    Scheme(String),
    /// Credentials in the URL end up in logs.
    #[error("the endpoint holds a user name or password: take them out, the API key has its own place")]
    UserInfo,
    /// Parts that a base URL does not have.
    #[error("the endpoint `{0}` has a query or a fragment: give only scheme, host, port and path")]
    Extra(String),
    /// The key would cross the network in the clear.
    #[error(
        "the endpoint's host `{0}` is not this machine, so it must be https: the API key would be readable on the way"
    )]
    NotEncrypted(String),
    /// Not usable as an API key.
    #[error("the API key {0}: take one from Seam Console, Developer, API Keys; it begins with `seam_`")]
    Key(&'static str),
    /// A value that makes no sense.
    #[error("`{0}` must be greater than 0")]
    Zero(&'static str),
    /// The TLS or HTTP library refused.
    #[error("the HTTPS client cannot start: {0} (is the package ca-certificates installed?)")]
    Build(String),
}

/// Seam over HTTP. Cheap to share by reference; has no `Debug`, it holds the key.
pub struct Client {
    http: reqwest::Client,
    base: String,
    max_body_bytes: u64,
}

/// Makes `ring` the process's TLS provider, unless there is one already. Without any, building an HTTP client would panic.
pub fn install_tls() {
    // An error only says that somebody was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

impl Client {
    /// A client for the endpoint with this API key.
    ///
    /// # Errors
    /// The endpoint or the key is unfit, or there are no CA certificates; see `ClientError`.
    pub fn new(settings: ClientSettings, key: SecretString) -> Result<Client, ClientError> {
        install_tls();
        let base = base(&settings.endpoint)?;
        let encrypted = base.scheme() == "https";
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, bearer(&key)?);
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("backstitch/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .connect_timeout(span("connect_timeout_ms", settings.connect_timeout_ms)?)
            .read_timeout(span("read_timeout_ms", settings.read_timeout_ms)?)
            .timeout(span("timeout_ms", settings.timeout_ms)?)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .https_only(encrypted);
        if !settings.use_proxy {
            builder = builder.no_proxy();
        }
        if !encrypted {
            // Plain HTTP to this machine must also work where no CA certificates are installed.
            builder = builder.tls_certs_only([]);
        }
        span("max_body_bytes", settings.max_body_bytes)?;
        Ok(Client {
            http: builder.build().map_err(|e| ClientError::Build(innermost(&e)))?,
            base: base.as_str().trim_end_matches('/').to_owned(),
            max_body_bytes: settings.max_body_bytes,
        })
    }

    async fn body(&self, mut response: reqwest::Response) -> Result<Vec<u8>, Lost> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| after_sending(&e))? {
            if (body.len() + chunk.len()) as u64 > self.max_body_bytes {
                return Err(Lost::Unknown(format!("the answer is larger than {} bytes", self.max_body_bytes)));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

impl Transport for Client {
    async fn send(&self, request: &Request) -> Result<Response, Lost> {
        let sent = self.http.post(format!("{}/{}", self.base, request.path)).json(&request.body).send().await;
        let response = match sent {
            Ok(response) => response,
            Err(error) if error.is_builder() || error.is_connect() => return Err(not_sent(&error)),
            Err(error) => return Err(after_sending(&error)),
        };
        let header =
            |name| response.headers().get(name).map(|v: &HeaderValue| String::from_utf8_lossy(v.as_bytes()).into());
        Ok(Response {
            status: response.status().as_u16(),
            content_type: header("content-type"),
            request_id: header("seam-request-id"),
            retry_after: header("retry-after"),
            date: header("date"),
            body: self.body(response).await?,
        })
    }
}

fn base(endpoint: &str) -> Result<Url, ClientError> {
    // A URL with a password in it is not quoted, even if it cannot be parsed.
    if endpoint.contains('@') {
        return Err(ClientError::UserInfo);
    }
    let url = Url::parse(endpoint).map_err(|e| ClientError::BadUrl(endpoint.to_owned(), e.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(ClientError::Scheme(url.scheme().to_owned()));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(ClientError::Extra(endpoint.to_owned()));
    }
    let host = url.host_str().unwrap_or_default();
    if url.scheme() == "http" && !is_this_machine(host) {
        return Err(ClientError::NotEncrypted(host.to_owned()));
    }
    Ok(url)
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn bearer(key: &SecretString) -> Result<HeaderValue, ClientError> {
    const WRONG_KINDS: &[(&str, &str)] = &[
        ("seam_cst", "is a client session token, which belongs to one person's app"),
        ("seam_pk", "is a publishable key, which may not delete anything"),
        ("seam_at", "is a personal access token, which is not bound to one workspace"),
    ];
    let key = key.expose_secret();
    if let Some((_, why)) = WRONG_KINDS.iter().find(|(prefix, _)| key.starts_with(prefix)) {
        return Err(ClientError::Key(why));
    }
    if !key.starts_with("seam_") {
        return Err(ClientError::Key(if key.is_empty() { "is empty" } else { "does not begin with `seam_`" }));
    }
    if !key.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(ClientError::Key("has a blank, a line break or another character that no key has"));
    }
    let mut value =
        HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| ClientError::Key("cannot be sent in a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn span(name: &'static str, value: u64) -> Result<Duration, ClientError> {
    if value == 0 { Err(ClientError::Zero(name)) } else { Ok(Duration::from_millis(value)) }
}

fn not_sent(error: &reqwest::Error) -> Lost {
    let why = if error.is_timeout() { "the connection took too long".to_owned() } else { innermost(error) };
    Lost::NotSent(format!("cannot connect: {why}"))
}

fn after_sending(error: &reqwest::Error) -> Lost {
    Lost::Unknown(if error.is_timeout() {
        "no complete answer in time".to_owned()
    } else {
        format!("the connection broke before the answer was complete: {}", innermost(error))
    })
}

/// The cause at the bottom of the chain: the layers above only repeat that something failed, and quote the URL.
fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::{Client, ClientError, ClientSettings};

    fn refusal(endpoint: &str, key: &str) -> Option<ClientError> {
        let settings = ClientSettings { endpoint: endpoint.to_owned(), ..ClientSettings::default() };
        Client::new(settings, key.to_owned().into()).err()
    }

    #[test]
    fn the_key_travels_encrypted_or_not_at_all() {
        for endpoint in ["http://127.0.0.1:1", "http://localhost:1/", "http://[::1]:1", "http://127.8.8.8"] {
            assert_eq!(refusal(endpoint, "seam_test"), None, "{endpoint}");
        }
        for (endpoint, want) in [
            ("http://connect.getseam.com", "must be https"),
            ("http://127.0.0.1.evil.test", "must be https"),
            ("http://localhost.evil.test", "must be https"),
            ("http://0.0.0.0", "must be https"),
            ("connect.getseam.com", "is not a URL"),
            ("ftp://connect.getseam.com", "scheme `ftp`"),
            ("https://u:hunter2@connect.getseam.com", "user name or password"),
            ("https://connect.getseam.com/?a=b", "query"),
            ("", "is not a URL"),
        ] {
            let got = refusal(endpoint, "seam_test").unwrap().to_string();
            assert!(got.contains(want) && !got.contains("hunter2"), "{endpoint}: {got}");
        }
    }

    #[test]
    fn a_key_of_another_kind_is_refused_and_never_quoted() {
        for (key, want) in [
            ("seam_cst1_secret", "client session token"),
            ("seam_pk1_secret", "publishable key"),
            ("seam_at1_secret", "personal access token"),
            ("eyJsecret", "begin with `seam_`"),
            ("", "empty"),
            ("seam_secret\n", "line break"),
            ("seam_se cret", "blank"),
            ("seam_sécret", "another character"),
        ] {
            let got = refusal("http://127.0.0.1:1", key).unwrap().to_string();
            assert!(got.contains(want) && !got.contains("secret"), "{got}");
        }
    }

    #[test]
    fn a_limit_of_zero_is_refused() {
        let settings = ClientSettings { timeout_ms: 0, ..ClientSettings::default() };
        let refused = Client::new(settings, "seam_test".to_owned().into()).err().unwrap();
        assert_eq!(refused.to_string(), "`timeout_ms` must be greater than 0");
    }
}
