//! A simulated Seam: `world` answers requests from memory, `faults` says what goes wrong, `http` serves it.
//!
//! Facts about the interface: Seam's OpenAPI, `@seamapi/types` 1.1038.0; where that is silent, `@seamapi/fake-seam-connect`.

use serde::{Deserialize, Serialize};

pub mod faults;
pub mod http;

pub mod settings;
pub mod world;

pub use faults::{EventFaults, Fault, Faults, Landing, Reappear, Rule};
pub use settings::{DOUBTS, Doubt, Settings, TimeStyle, UnknownOwner, UnknownSetting};
pub use world::{Belonging, Cause, Effect, Entry, Kind, Person, PersonTruth, Seeded, Truth, Verb, World};

/// One HTTP request, as the world sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// `POST`, `GET`, `DELETE`, …
    pub method: String,
    /// Without query, for example `/acs/users/list`.
    pub path: String,
    /// Decoded pairs in the order sent; an array repeats its name.
    pub query: Vec<(String, String)>,
    /// The raw body, if there was one.
    pub body: Option<Vec<u8>>,
    /// The `content-type` header.
    pub content_type: Option<String>,
    /// The `authorization` header.
    pub authorization: Option<String>,
    /// The `seam-workspace` header, which a personal access token needs.
    pub workspace: Option<String>,
}

impl Request {
    /// A `POST` with a JSON body, as the daemon sends it.
    pub fn post(path: &str, key: &str, body: &serde_json::Value) -> Request {
        Request {
            method: "POST".to_owned(),
            path: path.to_owned(),
            query: Vec::new(),
            body: Some(body.to_string().into_bytes()),
            content_type: Some("application/json".to_owned()),
            authorization: Some(format!("Bearer {key}")),
            workspace: None,
        }
    }
}

/// One HTTP response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The raw body.
    pub body: Vec<u8>,
}

/// What the client experiences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// A whole response.
    Answered(Response),
    /// The connection closed before the request was read: no effect.
    NotSent,
    /// The connection died after the request was taken; its effect, if any, is applied now or later.
    Lost {
        /// Silence until the client gives up, instead of a reset.
        hang: bool,
    },
    /// The head is sent, then the connection dies within the body.
    Cut {
        /// The whole response, as it would have been.
        response: Response,
        /// How many bytes of the body arrive.
        after_bytes: usize,
    },
}

/// The two lines that tell how to reach a sandbox: `endpoint=http://…` and `api_key=…`.
pub fn describe(addr: std::net::SocketAddr, api_key: &str) -> String {
    format!("endpoint=http://{addr}\napi_key={api_key}\n")
}
