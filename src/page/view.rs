//! What every page has around its content, and what it was asked for.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, Query},
    http::request::Parts,
};

use super::{Site, answer::Trouble, assets, door::Viewer, show::encoded, veil::Veil};
use crate::{
    clock,
    job::{Now, Time},
};

/// The parameter that shows names.
const SHOW: (&str, &str) = ("show", "names");

/// One page as it is asked for.
#[derive(Clone)]
pub(super) struct View {
    /// Stands in the window's title.
    pub title: String,
    /// Which of the links above leads here.
    pub nav: &'static str,
    /// When it was asked for.
    pub now: Now,
    /// What is masked.
    pub veil: Veil,
    /// Where changes are told.
    pub live: Option<String>,
    /// What stands in the search field.
    pub sought: String,
    /// Who asks, where something can be done.
    pub viewer: Option<Viewer>,
    /// Whoever signs in can do something.
    takes_tokens: bool,
    path: String,
    asked: Vec<(String, String)>,
    /// The settings mask names, whatever this page does.
    masks: bool,
}

impl FromRequestParts<Arc<Site>> for View {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<View, Trouble> {
        let odd = |_| Trouble::Odd("What stands behind the `?` of the address is no text.".to_owned());
        let Query(mut asked) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).map_err(odd)?;
        let mut shown = false;
        for (name, value) in &asked {
            if name == SHOW.0 && value != SHOW.1 {
                return Err(Trouble::Odd(format!("`show` can be `{}` and nothing else.", SHOW.1)));
            }
            shown |= name == SHOW.0;
        }
        asked.retain(|(name, value)| name != SHOW.0 && !value.is_empty());
        Ok(View {
            nav: "",
            veil: Veil::new(site.mask && !shown),
            path: parts.uri.path().to_owned(),
            asked,
            masks: site.mask,
            viewer: site.door.viewer(parts),
            takes_tokens: site.door.open && site.door.takes_tokens(),
            ..View::plain("Backstitch")
        })
    }
}

impl View {
    /// A page of which nothing was asked.
    pub fn plain(title: &str) -> View {
        View {
            title: title.to_owned(),
            nav: "",
            now: clock::now(),
            veil: Veil::new(true),
            live: None,
            sought: String::new(),
            viewer: None,
            takes_tokens: false,
            path: "/".to_owned(),
            asked: Vec::new(),
            masks: false,
        }
    }

    /// The wall's time.
    pub fn at(&self) -> Time {
        self.now.wall
    }

    /// Refuses parameters that mean nothing here: a filter that is not understood would show the wrong rows.
    pub fn only(&self, known: &[&str]) -> Result<(), Trouble> {
        match self.asked.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some((name, _)) => {
                let known = if known.is_empty() { "none but `show`".to_owned() } else { known.join(", ") };
                Err(Trouble::Odd(format!("This page knows no parameter `{name}`; there are: {known}.")))
            }
        }
    }

    /// A parameter, read as what it stands for.
    pub fn asked<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, Trouble>
    where
        T::Err: std::fmt::Display,
    {
        let found = self.asked.iter().rev().find(|(known, _)| known == name);
        let parsed = found.map(|(_, value)| value.parse::<T>()).transpose();
        parsed.map_err(|why| Trouble::Odd(format!("The parameter `{name}` is not understood: {why}.")))
    }

    /// The same for one that may be named more than once.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.asked.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Where whoever is nobody yet signs in; it leads back here.
    pub fn sign_in(&self) -> Option<String> {
        let is_nobody = self.takes_tokens && self.viewer.is_none();
        is_nobody.then(|| format!("/login?next={}", encoded(&self.same(&self.path))))
    }

    /// It was asked to show what the settings mask.
    pub fn shows(&self) -> bool {
        self.masks && !self.veil.is_on()
    }

    /// What came from a page that shows names goes on showing them.
    pub fn keep_showing(&mut self, show: Option<&str>) {
        if show == Some(SHOW.1) {
            self.veil = Veil::new(false);
        }
    }

    /// A link to another page, which goes on showing names if this one does.
    pub fn link(&self, path: &str) -> String {
        let joint = if path.contains('?') { '&' } else { '?' };
        if self.shows() { format!("{path}{joint}{}={}", SHOW.0, SHOW.1) } else { path.to_owned() }
    }

    /// A link to this page with one parameter changed, or without it.
    pub fn with(&self, path: &str, name: &str, value: Option<&str>) -> String {
        let kept = self.asked.iter().filter(|(known, _)| known != name && known != "before");
        let kept = kept.map(|(name, value)| (name.as_str(), value.as_str()));
        let all: Vec<String> = kept
            .chain(value.map(|value| (name, value)))
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
            .collect();
        self.link(&if all.is_empty() { path.to_owned() } else { format!("{path}?{}", all.join("&")) })
    }

    /// This page as it is, elsewhere.
    pub fn same(&self, path: &str) -> String {
        let all: Vec<String> =
            self.asked.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        self.link(&if all.is_empty() { path.to_owned() } else { format!("{path}?{}", all.join("&")) })
    }

    /// Masks or shows names on this page: where that leads, and what it says; none where nothing is masked.
    pub fn toggle(&self) -> Option<(String, &'static str)> {
        if !self.masks {
            return None;
        }
        let mut other = self.clone();
        other.veil = Veil::new(!self.veil.is_on());
        let words = if self.veil.is_on() { "Show names and addresses" } else { "Mask names and addresses" };
        Some((other.same(&self.path), words))
    }

    /// Where the style is.
    pub fn style(&self) -> String {
        assets::style()
    }

    /// Where the script is.
    pub fn script(&self) -> String {
        assets::script()
    }

    /// Where the icon is.
    pub fn icon(&self) -> String {
        assets::icon()
    }
}
