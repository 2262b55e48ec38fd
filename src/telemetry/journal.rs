//! The journal, where standard error leads there: each event with its fields and its priority, instead of a line to be parsed.

use std::os::fd::AsFd;

use tracing_journald::{Priority, PriorityMappings};
use tracing_subscriber::registry::LookupSpan;

use super::Line;

/// Levels as syslog's priorities (sd-daemon(3)): what we call info is no notice.
const PRIORITIES: PriorityMappings = PriorityMappings {
    error: Priority::Error,
    warn: Priority::Warning,
    info: Priority::Informational,
    debug: Priority::Debug,
    trace: Priority::Debug,
};

/// What writes to the journal, if standard error does. Field names are ours in upper case (`JOB_KEY`, `STEP`, `REQUEST_ID`), without a
/// prefix: `journalctl JOB_KEY=hr-8812`. A line end in a value stays one; journalctl indents what follows, so that it is no second event.
pub(super) fn layer<S>() -> Option<Line<S>>
where
    S: tracing::Subscriber + for<'span> LookupSpan<'span>,
{
    let stream = std::env::var("JOURNAL_STREAM").ok()?;
    let stderr = rustix::fs::fstat(std::io::stderr().as_fd()).ok()?;
    if !names(&stream, stderr.st_dev, stderr.st_ino) {
        return None;
    }
    // A journal that cannot be reached directly still reads the lines.
    let layer = tracing_journald::layer().ok()?;
    Some(Box::new(
        layer
            .with_field_prefix(None)
            .with_priority_mappings(PRIORITIES)
            .with_syslog_identifier(env!("CARGO_PKG_NAME").to_owned()),
    ))
}

/// Whether `$JOURNAL_STREAM` (systemd.exec(5)) names this file: a service may have led its standard error elsewhere.
fn names(stream: &str, device: u64, inode: u64) -> bool {
    stream.split_once(':').is_some_and(|(named_device, named_inode)| {
        named_device.parse() == Ok(device) && named_inode.parse() == Ok(inode)
    })
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn only_the_stream_that_is_named_is_the_journal() {
        assert!(names("8:4711", 8, 4711));
        for (stream, device, inode) in
            [("8:4711", 8, 4712), ("8:4711", 9, 4711), ("8", 8, 0), ("", 0, 0), ("a:b", 0, 0)]
        {
            assert!(!names(stream, device, inode), "{stream}");
        }
    }
}
