//! The hook as an address: one POST, no redirect, no proxy, and neither address nor token in any message.

use std::{path::Path, time::Duration};

use reqwest::{
    Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};

use super::AlarmError;
use crate::{config::is_hook_address, seam::install_tls};

/// The address, and how it is reached.
pub struct Post {
    http: reqwest::Client,
    url: Url,
}

impl Post {
    /// A client for this address. `file` is where it came from, for messages.
    pub(super) fn new(url: SecretString, token: Option<SecretString>, file: &Path) -> Result<Post, AlarmError> {
        let named = if file.as_os_str().is_empty() { "alarm.url".to_owned() } else { file.display().to_string() };
        let text = url.expose_secret();
        let parsed = Url::parse(text).ok().filter(|_| is_hook_address(text));
        let Some(url) = parsed else { return Err(AlarmError::Address(named)) };
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        if let Some(token) = token {
            let value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()));
            let mut value = value.map_err(|_| AlarmError::Address("alarm.token_file".to_owned()))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        install_tls();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("backstitch/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy();
        if url.scheme() == "http" {
            // On this machine, where there may be no CA certificates.
            builder = builder.tls_certs_only([]);
        }
        let http = builder.build().map_err(|error| AlarmError::Client(error.without_url().to_string()))?;
        Ok(Post { http, url })
    }

    pub(super) async fn send(&self, body: String, timeout: Duration) -> Result<(), String> {
        let sent = self.http.post(self.url.clone()).body(body).timeout(timeout).send().await;
        match sent {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("the alarm's address answered HTTP {}", answer.status().as_u16())),
            Err(error) if error.is_timeout() => {
                Err(format!("the alarm's address did not answer within {} s", timeout.as_secs_f64()))
            }
            Err(error) => Err(format!("the alarm's address cannot be reached: {}", error.without_url())),
        }
    }
}
