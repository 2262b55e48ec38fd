//! Logs: one event, one line, to standard error; text for people, JSON for programs, fields where the journal listens.
//! Field names are alike everywhere and listed in [`field`].

mod journal;

use std::{
    io::{self, IsTerminal, Write},
    sync::OnceLock,
};

use tracing::Metadata;
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{FilterFn, LevelFilter},
    fmt,
    layer::SubscriberExt,
    registry::LookupSpan,
    reload,
    util::SubscriberInitExt,
};

use crate::config::LogFormat;

/// The names of fields, the same in every log line (and, upper case, in journald).
pub mod field {
    /// The order's own key.
    pub const JOB_KEY: &str = "job_key";
    /// The job's number in the database.
    pub const JOB_ID: &str = "job_id";
    /// The step's name.
    pub const STEP: &str = "step";
    /// What kind of Seam object.
    pub const TARGET_KIND: &str = "target_kind";
    /// Seam's id of the object.
    pub const TARGET_ID: &str = "target_id";
    /// The request's number in the database.
    pub const ATTEMPT_ID: &str = "attempt_id";
    /// The endpoint's path.
    pub const CALL: &str = "call";
    /// The outcome's class.
    pub const OUTCOME: &str = "outcome";
    /// The HTTP status.
    pub const STATUS: &str = "status";
    /// Seam's `seam-request-id`.
    pub const REQUEST_ID: &str = "request_id";
    /// How long it took, in milliseconds.
    pub const DURATION_MS: &str = "duration_ms";
    /// All of them.
    pub const ALL: [&str; 11] =
        [JOB_KEY, JOB_ID, STEP, TARGET_KIND, TARGET_ID, ATTEMPT_ID, CALL, OUTCOME, STATUS, REQUEST_ID, DURATION_MS];
}

/// What lets the level be changed later; none if `RUST_LOG` holds.
static LEVEL: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Sets the log up for the whole process. `level` is one word (see `log.level`) for our own lines, libraries speak from
/// `warn` on; `RUST_LOG`, if given as `filter`, replaces both. Errors: the filter's mistake, or that logs were set up before.
pub fn init(format: LogFormat, level: &str, filter: Option<&str>) -> Result<(), String> {
    let stderr = io::stderr();
    let terminal = stderr.is_terminal();
    let json = match format {
        LogFormat::Auto => !terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let (leveled, handle) = reload::Layer::new(self::filter(level, filter)?);
    let sink = match format {
        LogFormat::Auto => journal::layer(),
        LogFormat::Text | LogFormat::Json => None,
    };
    tracing_subscriber::registry()
        .with(leveled)
        .with(quiet_watcher(filter))
        .with(sink.unwrap_or_else(|| lines(json, colour, io::stderr)))
        .try_init()
        .map_err(|_| "logging was set up twice".to_owned())?;
    if filter.is_none_or(|given| given.trim().is_empty()) {
        // Set once, as the log is.
        _ = LEVEL.set(handle);
    }
    Ok(())
}

/// Another level from now on, for the log that [`init`] set up; `RUST_LOG` goes on holding if there is one.
///
/// # Errors
/// `level` is no level, or there is no log any more.
pub fn set_level(level: &str) -> Result<(), String> {
    let Some(handle) = LEVEL.get() else { return Ok(()) };
    handle.reload(filter(level, None)?).map_err(|error| error.to_string())
}

/// Holds the file watcher to warnings unless `given` names it. It logs every event (notify 8.2, at trace), so a log
/// that is written into a watched folder would feed itself for ever.
fn quiet_watcher(given: Option<&str>) -> FilterFn<impl Fn(&Metadata<'_>) -> bool + use<>> {
    const WATCHER: &str = "notify";
    let target = |directive: &str| directive.split(['=', '[', ':']).next() == Some(WATCHER);
    let named = given.is_some_and(|given| given.split(',').any(target));
    let is_watcher = |meta: &Metadata<'_>| meta.target().split("::").next() == Some(WATCHER);
    let most = if named { LevelFilter::TRACE } else { LevelFilter::WARN };
    FilterFn::new(move |meta| !is_watcher(meta) || *meta.level() <= most)
}

/// `RUST_LOG` if there is one, else our level, with the libraries held to warnings.
fn filter(level: &str, filter: Option<&str>) -> Result<EnvFilter, String> {
    let directives = match filter.map(str::trim) {
        Some(given) if !given.is_empty() => given.to_owned(),
        _ => match level {
            "off" | "error" => level.to_owned(),
            _ => format!("warn,backstitch={level}"),
        },
    };
    EnvFilter::builder().parse(&directives).map_err(|error| format!("RUST_LOG is not a filter: {error}"))
}

type Line<S> = Box<dyn Layer<S> + Send + Sync>;

/// What writes a line. A log that nobody reads any more must not end the daemon, so the layer's own complaints (which
/// it prints, and panics if it cannot) are off.
fn lines<S, W>(json: bool, colour: bool, writer: impl Fn() -> W + Send + Sync + 'static) -> Line<S>
where
    S: tracing::Subscriber + for<'span> LookupSpan<'span>,
    W: Write + 'static,
{
    let layer = fmt::layer().with_ansi(colour && !json).log_internal_errors(false);
    let writer = move || OneLine { inner: writer(), colour: colour && !json };
    if json {
        layer.json().flatten_event(true).with_current_span(false).with_writer(writer).boxed()
    } else {
        layer.compact().with_writer(writer).boxed()
    }
}

/// Escapes what could make one event look like two lines, hide a part of it, or move a reader's cursor.
/// `tracing-subscriber` 0.3.23 hands over one whole event at a time; it escapes terminal controls in the message and in
/// errors, but not in other displayed fields, and never line ends or bidirectional marks.
struct OneLine<W> {
    inner: W,
    colour: bool,
}

/// The colours and styles that the formatter itself uses. A value that forges one of them can only look colourful.
const STYLES: [&str; 9] = ["[0m", "[1m", "[2m", "[3m", "[31m", "[32m", "[33m", "[34m", "[35m"];

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let body = text.strip_suffix('\n').unwrap_or(&text);
        let mut line = String::with_capacity(text.len());
        for (at, letter) in body.char_indices() {
            let styled =
                self.colour && letter == '\u{1b}' && STYLES.iter().any(|style| body[at + 1..].starts_with(style));
            match letter {
                // This form is an escape in JSON, too.
                _ if moves_the_reader(letter) && !styled => line.push_str(&format!("\\u{:04x}", u32::from(letter))),
                _ => line.push(letter),
            }
        }
        line.push('\n');
        self.inner.write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Control characters, line and paragraph separators, and the marks that turn the direction of text.
pub fn moves_the_reader(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::{field, filter, lines, quiet_watcher};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(json: bool, colour: bool, speak: impl FnOnce()) -> String {
        logged_at(None, json, colour, speak)
    }

    fn logged_at(rust_log: Option<&str>, json: bool, colour: bool, speak: impl FnOnce()) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::registry()
            .with(filter("info", rust_log).unwrap())
            .with(quiet_watcher(rust_log))
            .with(lines(json, colour, move || writer.clone()));
        tracing::subscriber::with_default(subscriber, speak);
        String::from_utf8(kept.0.lock().unwrap().clone()).unwrap()
    }

    const FORGED: &str = "eve\n2026-11-21T22:54:00Z INFO all is well\r\u{1b}[2J\u{202e}\u{85}end";

    fn forge() {
        tracing::info!(target: "backstitch::test", name = %FORGED, also = FORGED, "about {FORGED}");
    }

    #[test]
    fn one_event_is_one_line_whatever_it_says() {
        for (json, colour) in [(false, false), (false, true), (true, false)] {
            let text = logged(json, colour, forge);
            assert_eq!(text.matches('\n').count(), 1, "{text}");
            assert!(text.ends_with('\n'), "{text}");
            assert!(!text.contains(['\r', '\u{202e}', '\u{85}']), "{text:?}");
            assert!(!text.contains("\u{1b}[2J"), "{text:?}");
            assert!(text.contains("end"), "{text}");
        }
        assert!(!logged(false, false, forge).contains('\u{1b}'));
    }

    #[test]
    fn json_lines_are_json_with_our_fields_on_top() {
        let text = logged(true, false, || {
            tracing::info!(target: "backstitch::test", job_key = "hr-1", duration_ms = 12, "step closed");
        });
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line[field::JOB_KEY], "hr-1");
        assert_eq!(line[field::DURATION_MS], 12);
        assert_eq!(line["message"], "step closed");
        assert!(serde_json::from_str::<serde_json::Value>(&logged(true, false, forge)).is_ok());
    }

    #[test]
    fn libraries_are_quieter_than_we_are() {
        let text = logged(false, false, || {
            tracing::info!(target: "backstitch::engine", "ours");
            tracing::info!(target: "sqlx::query", "theirs");
            tracing::warn!(target: "sqlx::query", "their warning");
        });
        assert!(text.contains("ours") && text.contains("their warning") && !text.contains("theirs"), "{text}");
        assert!(filter("info", Some("backstitch=lo ud")).is_err());
        assert_eq!(filter("off", None).unwrap().to_string(), "off");
    }

    #[test]
    fn the_watcher_does_not_feed_itself() {
        for (rust_log, event, warning) in [
            ("trace", false, true),
            ("trace,notify_rust=trace", false, true),
            ("trace,notify=trace", true, true),
            ("notify::inotify=trace", true, true),
            ("trace,notify=off", false, false),
            ("error", false, false),
        ] {
            let text = logged_at(Some(rust_log), false, false, || {
                tracing::trace!(target: "notify::inotify", "an event");
                tracing::warn!(target: "notify::inotify", "a warning");
                tracing::trace!(target: "mio", "another crate");
                tracing::error!(target: "backstitch", "ours");
            });
            assert_eq!((text.contains("an event"), text.contains("a warning")), (event, warning), "{rust_log}: {text}");
            assert_eq!(text.contains("another crate"), rust_log.starts_with("trace"), "{rust_log}: {text}");
        }
    }

    #[test]
    fn field_names_are_distinct_snake_case() {
        let distinct: std::collections::BTreeSet<_> = field::ALL.into_iter().collect();
        assert_eq!(distinct.len(), field::ALL.len());
        assert!(field::ALL.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
    }
}
