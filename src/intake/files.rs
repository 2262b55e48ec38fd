//! Getting at a file without being led elsewhere, and knowing when its writer is done.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, BufReader, Read, Seek, SeekFrom},
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};
use sha2::{Digest, Sha256};

use super::parse::{FileProblem, RECORD_CAP_BYTES, WHOLE_CAP_BYTES};
use crate::job::{Format, InputSpec, Ms, hex};

/// Largest file. Reading streams, so this only stops a runaway writer.
pub const FILE_CAP_BYTES: u64 = 4 << 30;

/// What changes when a file is written to or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    /// In bytes.
    pub size: u64,
    modified: (i64, i64),
}

impl Stamp {
    /// The stamp of an open file.
    pub fn of(file: &File) -> io::Result<Stamp> {
        file.metadata().map(|meta| Stamp::from(&meta))
    }
}

impl From<&fs::Metadata> for Stamp {
    fn from(meta: &fs::Metadata) -> Stamp {
        Stamp { device: meta.dev(), inode: meta.ino(), size: meta.size(), modified: (meta.mtime(), meta.mtime_nsec()) }
    }
}

/// The path as messages show it: control characters escaped.
pub fn told(path: &Path) -> String {
    let text = path.to_string_lossy();
    text.chars()
        .map(|letter| if letter.is_control() { letter.escape_unicode().to_string() } else { letter.to_string() })
        .collect()
}

/// An I/O error that may pass.
pub fn passing(path: &Path, what: &str, error: &io::Error) -> FileProblem {
    let remedy = match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem => {
            "a service may write only where its unit says: add `ReadWritePaths=` with this folder by `systemctl edit`; else see to the disk"
        }
        io::ErrorKind::NotFound => "correct the path",
        _ => "see to the disk and to the rights",
    };
    let problem = FileProblem::of(&told(path), format!("{what}: {error}"), remedy);
    FileProblem { transient: true, ..problem }
}

/// Opens an input file for reading; none if there is no such file. What is opened is what is checked: symbolic links are not followed,
/// nothing that blocks is waited for, and the checks are made on the open file, so swapping it meanwhile gains nothing.
pub fn open(path: &Path) -> Result<Option<(File, Stamp)>, FileProblem> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let refuse = |message: &str, remedy: &str| Err(FileProblem::of(&told(path), message, remedy));
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(descriptor) => File::from(descriptor),
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP) => return refuse("is a symbolic link", "put the file itself there"),
        Err(Errno::NXIO) => return refuse("is not a regular file but a socket or device", "remove it"),
        Err(errno) => return Err(passing(path, "cannot be opened", &errno.into())),
    };
    let meta = file.metadata().map_err(|error| passing(path, "cannot be examined", &error))?;
    let kind = meta.file_type();
    if !kind.is_file() {
        let what = match () {
            () if kind.is_dir() => "a folder",
            () if kind.is_fifo() => "a named pipe",
            () if kind.is_char_device() || kind.is_block_device() => "a device",
            () => "something else",
        };
        return refuse(&format!("is not a regular file but {what}"), "remove it");
    }
    owned_and_closed(&told(path), &meta)?;
    if meta.size() > FILE_CAP_BYTES {
        return refuse("is larger than 4 GiB", "split it");
    }
    Ok(Some((file, Stamp::from(&meta))))
}

fn owned_and_closed(told: &str, meta: &fs::Metadata) -> Result<(), FileProblem> {
    let us = rustix::process::geteuid().as_raw();
    if meta.uid() != us && meta.uid() != 0 {
        let message = format!("belongs to user {}, and only user {us} and root may give orders", meta.uid());
        return Err(FileProblem::of(told, message, format!("change its owner: chown {us} {told}")));
    }
    if meta.mode() & 0o022 != 0 {
        let message = format!("can be written by others (mode {:03o})", meta.mode() & 0o777);
        return Err(FileProblem::of(told, message, format!("take their right away: chmod go-w {told}")));
    }
    Ok(())
}

/// Refuses a folder in which everybody could put files.
pub fn check_parent(folder: &Path) -> Result<(), FileProblem> {
    let meta = fs::metadata(folder).map_err(|error| passing(folder, "cannot be examined", &error))?;
    if meta.mode() & 0o002 != 0 {
        let told = told(folder);
        let message = format!("is a folder that everybody can write to (mode {:04o})", meta.mode() & 0o7777);
        return Err(FileProblem::of(&told, message, format!("take the right away: chmod o-w {told}")));
    }
    Ok(())
}

/// Refuses a folder of our own making that is not ours alone any more.
pub fn check_own(folder: &Path) -> Result<(), FileProblem> {
    let told = told(folder);
    let meta = fs::symlink_metadata(folder).map_err(|error| passing(folder, "cannot be examined", &error))?;
    if !meta.is_dir() {
        return Err(FileProblem::of(&told, "is not a folder", "move it away; it is made anew"));
    }
    owned_and_closed(&told, &meta)
}

/// The folder a file is in.
pub fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The format of a file: the input's, else by its ending.
pub fn format_of(path: &Path, spec: &InputSpec) -> Result<Format, FileProblem> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    spec.format.or_else(|| Format::of_ending(ending)).ok_or_else(|| {
        FileProblem::of(
            &told(path),
            "has an ending that names no format",
            "name it .jsonl, .csv, .json, .yaml or .toml, or set the input's format",
        )
    })
}

/// Whether a file may be only half there: its last record is not surely complete. `size` is in bytes.
pub fn is_cut_off(file: &mut File, size: u64, format: Format) -> io::Result<bool> {
    if size == 0 {
        return Ok(false);
    }
    let mut mark = [0; 2];
    let read = file.read(&mut mark)?;
    if read == 2 && matches!(mark, [0xff, 0xfe] | [0xfe, 0xff]) {
        // UTF-16 ends its lines otherwise; reading it tells what is wrong.
        file.rewind()?;
        return Ok(false);
    }
    if format == Format::Json && size <= WHOLE_CAP_BYTES {
        return ends_within_json(file, size);
    }
    let from = size.saturating_sub(RECORD_CAP_BYTES as u64 + 1);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    file.by_ref().take(size - from).read_to_end(&mut tail)?;
    file.rewind()?;
    if tail.last() == Some(&b'\n') {
        return Ok(false);
    }
    let last = tail.rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
    // An object is whole when its brace closes; a value without quotes may always have gone on.
    let whole = format == Format::Jsonl && serde_json::from_slice::<serde::de::IgnoredAny>(last).is_ok();
    Ok(!whole)
}

/// Whether a JSON document is right as far as it goes, and not at its end.
fn ends_within_json(file: &mut File, size: u64) -> io::Result<bool> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.by_ref().take(size).read_to_end(&mut bytes)?;
    file.rewind()?;
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    Ok(serde_json::from_slice::<serde::de::IgnoredAny>(text).is_err_and(|error| error.is_eof()))
}

/// What to tell of a file that stays cut off. It may be good yet: what is missing may only be late.
pub fn cut_off(path: &Path, format: Format) -> FileProblem {
    let (message, remedy) = match format {
        Format::Json => (
            "ends before its last bracket, so the rest of it is missing; it is not read",
            "see that it is complete: what begins with [ ends with ]",
        ),
        _ => (
            "does not end with a line break, so its last row may be cut off and mean somebody else; it is not read",
            "see that the last row is complete, and end it with a line break",
        ),
    };
    FileProblem { transient: true, ..FileProblem::of(&told(path), message, remedy) }
}

/// What to tell of a file that stays empty: whoever meant to write it may have failed.
pub fn empty(path: &Path) -> FileProblem {
    let problem = FileProblem::of(
        &told(path),
        "is empty, and has been for a while: an empty file orders nothing",
        "see why its writer wrote nothing, or remove it",
    );
    FileProblem { transient: true, ..problem }
}

/// What to tell of a watched file that lost more than half of itself: its writer may have broken off.
pub fn shrunk(path: &Path, before: u64, now: u64) -> FileProblem {
    FileProblem::of(
        &told(path),
        format!("shrank from {before} to {now} bytes; what is no longer in it orders nothing and takes nothing back"),
        "compare it with the one before, and hand in what is missing",
    )
}

/// SHA-256 (hex) of the first `size` bytes; the file is at its start again after it.
pub fn hash(file: &mut File, size: u64) -> io::Result<String> {
    let mut hasher = Sha256::new();
    file.rewind()?;
    io::copy(&mut BufReader::new(file.by_ref().take(size)), &mut hasher)?;
    file.rewind()?;
    Ok(hex(&hasher.finalize()))
}

/// Remembers since when each file has stayed as it is.
#[derive(Debug, Default)]
pub struct Settling(HashMap<PathBuf, (Stamp, Ms)>);

impl Settling {
    /// Whether the file has stayed as it is for `settle_ms`, as far as the looks at it tell.
    pub fn is_settled(&mut self, path: &Path, stamp: Stamp, mono_ms: Ms, settle_ms: Ms) -> bool {
        let seen = self.0.entry(path.to_owned()).or_insert((stamp, mono_ms));
        if seen.0 != stamp {
            *seen = (stamp, mono_ms);
        }
        mono_ms - seen.1 >= settle_ms
    }

    /// Forgets files that are gone from `folder`.
    pub fn keep_only(&mut self, folder: &Path, present: &[PathBuf]) {
        self.0.retain(|path, _| path.parent() != Some(folder) || present.contains(path));
    }
}
