//! Style, script and icon: built in, each under a name that changes with it.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::header,
    response::{IntoResponse, Response},
};

use super::answer::Trouble;
use crate::job::sha256_hex;

struct Asset {
    name: String,
    kind: &'static str,
    text: &'static str,
}

impl Asset {
    fn new(stem: &str, ending: &str, kind: &'static str, text: &'static str) -> Asset {
        Asset { name: format!("{stem}-{}.{ending}", &sha256_hex(text.as_bytes())[..12]), kind, text }
    }
}

static ASSETS: LazyLock<[Asset; 3]> = LazyLock::new(|| {
    [
        Asset::new("page", "css", "text/css; charset=utf-8", include_str!("page.css")),
        Asset::new("page", "js", "text/javascript; charset=utf-8", include_str!("page.js")),
        Asset::new("icon", "svg", "image/svg+xml", include_str!("icon.svg")),
    ]
});

/// Where the style is.
pub(super) fn style() -> String {
    format!("/static/{}", ASSETS[0].name)
}

/// Where the script is.
pub(super) fn script() -> String {
    format!("/static/{}", ASSETS[1].name)
}

/// Where the icon is.
pub(super) fn icon() -> String {
    format!("/static/{}", ASSETS[2].name)
}

pub(super) async fn serve(Path(name): Path<String>) -> Result<Response, Trouble> {
    let asset = ASSETS.iter().find(|asset| asset.name == name);
    let asset = asset.ok_or_else(|| Trouble::Nothing("There is no such file; load the page again.".to_owned()))?;
    Ok(([(header::CONTENT_TYPE, asset.kind)], asset.text).into_response())
}
