//! The files themselves: where they may lie, their modes, and whether they are still the ones that were opened.

use std::{
    ffi::OsString,
    fs::{self, Metadata},
    io::{self, Read},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use super::{lock::Lock, refusal::OpenError};

/// Owner writes, group reads, nobody else: people's names and addresses are inside.
pub(crate) const FILE_MODE: u32 = 0o640;

/// Which file a name means: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileId {
    dev: u64,
    ino: u64,
}

impl FileId {
    pub fn of(meta: &Metadata) -> FileId {
        FileId { dev: meta.dev(), ino: meta.ino() }
    }

    /// By `stat`, never by `open`: closing any descriptor of the database drops all of SQLite's POSIX locks in this process.
    pub fn at(path: &Path) -> io::Result<FileId> {
        fs::metadata(path).map(|meta| FileId::of(&meta))
    }

    /// The same file as text for the next run: inode and birth, since inodes are used again at once and device numbers
    /// change with a reboot.
    pub fn lasting(path: &Path) -> Result<String, OpenError> {
        let meta = fs::metadata(path).map_err(OpenError::io(path, "looking at"))?;
        let born = meta.created().ok().and_then(|born| born.duration_since(std::time::UNIX_EPOCH).ok());
        Ok(format!("{}.{}", meta.ino(), born.unwrap_or_default().as_nanos()))
    }
}

/// Where a database lives.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// As the configuration names it, made absolute.
    pub asked: PathBuf,
    /// The file behind every link: two names must not mean two locks.
    pub db: PathBuf,
}

/// File systems on which SQLite's locks or shared memory do not hold between machines (Linux `magic.h`, `statfs(2)`).
const NETWORK_FILE_SYSTEMS: &[(u64, &str)] = &[
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x0102_1997, "9p"),
    (0x5346_414f, "AFS"),
    (0x00c3_6400, "Ceph"),
    (0x0bd0_0bd0, "Lustre"),
    (0x7461_636f, "OCFS2"),
    (0x0116_1970, "GFS2"),
];

impl Place {
    /// Resolves `path` and refuses places where a database would not be safe.
    pub fn resolve(path: &Path) -> Result<Place, OpenError> {
        let refuse = |path: &Path, problem: &str, remedy: String| OpenError::Place {
            path: path.to_path_buf(),
            problem: problem.to_owned(),
            remedy,
        };
        let asked = std::path::absolute(path).map_err(OpenError::io(path, "resolving"))?;
        let (Some(dir), Some(name)) = (asked.parent(), asked.file_name()) else {
            return Err(refuse(path, "names no file", "give the path of a database file".into()));
        };
        let dir = dir.canonicalize().map_err(|e| match is_of_the_path(&e) {
            true => {
                let remedy = format!("create it: mkdir -m 2750 -p {}", dir.display());
                refuse(dir, &format!("cannot be entered ({e})"), remedy)
            }
            false => OpenError::io(dir, "entering")(e),
        })?;
        let db = match fs::symlink_metadata(dir.join(name)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => dir.join(name),
            _ => asked.canonicalize().map_err(|e| match is_of_the_path(&e) {
                true => {
                    refuse(&asked, &format!("leads nowhere ({e})"), "correct the link or restore its target".into())
                }
                false => OpenError::io(&asked, "looking at")(e),
            })?,
        };
        match fs::metadata(&db) {
            Ok(meta) if !meta.is_file() => {
                return Err(refuse(&db, "is not a regular file", "give the path of a database file".into()));
            }
            Ok(meta) if meta.nlink() > 1 => {
                let problem = "has a second name (a hard link), and SQLite's log goes by the name";
                return Err(refuse(&db, problem, "remove the other name, or work on a copy".into()));
            }
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(OpenError::io(&db, "looking at")(e)),
            _ => {}
        }
        let home = db.parent().unwrap_or(&dir);
        let home_mode = fs::metadata(home).map_err(OpenError::io(home, "looking at"))?.mode();
        if home_mode & 0o002 != 0 {
            let remedy = format!("use a directory of its own, or: chmod o-w {}", home.display());
            return Err(refuse(home, "is a directory that everybody may write to", remedy));
        }
        if let Some(name) = network_name(home)? {
            let problem = format!("lies on a network file system ({name}), where SQLite's locks do not hold");
            return Err(refuse(home, &problem, "use a local disk".into()));
        }
        Ok(Place { asked, db })
    }

    /// The database's name with something behind it: `-wal`, `.lock`, …
    pub fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = OsString::from(&self.db);
        name.push(suffix);
        PathBuf::from(name)
    }

    /// Whether the file beside exists and has anything in it.
    pub fn holds_anything(&self, suffix: &str) -> bool {
        fs::metadata(self.beside(suffix)).is_ok_and(|meta| meta.len() > 0)
    }

    /// Takes the world's access away from the database and what lies beside it, and says so.
    pub fn repair_modes(&self, notes: &mut Vec<String>) -> Result<(), OpenError> {
        for path in ["", "-wal", "-shm", "-journal"].map(|suffix| self.beside(suffix)) {
            let Ok(meta) = fs::metadata(&path) else { continue };
            let mode = meta.mode() & 0o7777;
            if mode & 0o007 != 0 {
                fs::set_permissions(&path, fs::Permissions::from_mode(mode & !0o007))
                    .map_err(OpenError::io(&path, "taking the world's access away from"))?;
                let now = mode & !0o007;
                notes.push(format!("{} was open to everybody (mode {mode:04o}), now {now:04o}", path.display()));
            }
        }
        Ok(())
    }

    /// What the first 100 bytes say. Only for a file that this process has not opened with SQLite yet.
    pub fn header(&self) -> Result<Header, OpenError> {
        let mut file = match fs::File::open(&self.db) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Header::Absent),
            Err(e) => return Err(OpenError::io(&self.db, "opening")(e)),
        };
        let mut bytes = Vec::with_capacity(100);
        Read::by_ref(&mut file).take(100).read_to_end(&mut bytes).map_err(OpenError::io(&self.db, "reading"))?;
        Ok(Header::of(&bytes))
    }
}

/// Whether the path is at fault, which a person has to mend, rather than the disk that it leads to, which may come back.
fn is_of_the_path(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidFilename, InvalidInput, NotADirectory, NotFound, PermissionDenied};
    let is_loop = error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
    is_loop || matches!(error.kind(), InvalidFilename | InvalidInput | NotADirectory | NotFound | PermissionDenied)
}

fn network_name(dir: &Path) -> Result<Option<&'static str>, OpenError> {
    let stat = rustix::fs::statfs(dir).map_err(|e| OpenError::io(dir, "looking at the file system of")(e.into()))?;
    Ok(named(stat.f_type.cast_unsigned()))
}

fn named(magic: u64) -> Option<&'static str> {
    // 32 bits: some platforms sign-extend the magic number.
    NETWORK_FILE_SYSTEMS.iter().find(|(m, _)| *m == magic & 0xffff_ffff).map(|(_, name)| *name)
}

/// What lies at the database's path, judged by SQLite's file header (sqlite.org/fileformat2.html, section 1.3).
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Header {
    Absent,
    Empty,
    NotSqlite,
    Sqlite { application_id: u32 },
}

impl Header {
    fn of(bytes: &[u8]) -> Header {
        let id = bytes.get(68..72).and_then(|b| <[u8; 4]>::try_from(b).ok());
        match id {
            _ if bytes.is_empty() => Header::Empty,
            Some(id) if bytes.starts_with(b"SQLite format 3\0") => {
                Header::Sqlite { application_id: u32::from_be_bytes(id) }
            }
            _ => Header::NotSqlite,
        }
    }
}

/// Holds the engine's lock and remembers which files were opened. Dropping it frees the lock.
#[derive(Debug)]
pub struct FileGuard {
    pub(crate) place: Place,
    watched: Vec<(PathBuf, FileId)>,
    lock: Lock,
}

impl FileGuard {
    /// Remembers the files as they are now; call after SQLite has opened its log.
    pub(crate) fn new(place: Place, lock: Lock) -> Result<FileGuard, OpenError> {
        let mut guard = FileGuard { place, watched: Vec::new(), lock };
        guard.remember()?;
        Ok(guard)
    }

    /// Takes the log's present identity; it may be new after the connection was.
    pub(crate) fn remember(&mut self) -> Result<(), OpenError> {
        let mut watched = vec![self.lock.watched()];
        let place = &self.place;
        let asked = Some(place.asked.clone()).filter(|asked| *asked != place.db);
        let names = [place.db.clone(), place.beside("-wal"), place.beside("-shm")];
        for path in names.into_iter().chain(asked) {
            let id = FileId::at(&path).map_err(OpenError::io(&path, "looking at"))?;
            watched.push((path, id));
        }
        self.watched = watched;
        Ok(())
    }

    /// The database file, behind every link.
    pub fn path(&self) -> &Path {
        &self.place.db
    }

    /// Whether database, log and lock file are still the ones that were opened: a handful of `stat` calls, no `open`.
    ///
    /// In WAL mode SQLite does not notice that its files were deleted, renamed or replaced: every commit goes on
    /// succeeding, into files that nobody will find again. So this is asked before every effect.
    ///
    /// # Errors
    /// [`OpenError::Moved`] with the first file that is not ours any more.
    pub fn still_ours(&self) -> Result<(), OpenError> {
        self.watched.iter().try_for_each(|(path, id)| still(path, *id))
    }

    /// The same for database and lock alone, while no connection keeps the log.
    pub(crate) fn still_there(&self) -> Result<(), OpenError> {
        let log = [self.place.beside("-wal"), self.place.beside("-shm")];
        self.watched.iter().filter(|(path, _)| !log.contains(path)).try_for_each(|(path, id)| still(path, *id))
    }
}

fn still(path: &Path, id: FileId) -> Result<(), OpenError> {
    let now = match FileId::at(path) {
        Ok(found) if found == id => return Ok(()),
        Ok(_) => "was replaced by another file while it was open",
        Err(e) if e.kind() == io::ErrorKind::NotFound => "was moved or deleted while it was open",
        Err(_) => "cannot be looked at any more",
    };
    Err(OpenError::Moved { path: path.to_path_buf(), now })
}

#[cfg(test)]
mod tests {
    use std::io::Error;

    use rustix::io::Errno;

    use super::{Header, is_of_the_path, named};

    #[test]
    fn a_disk_that_dropped_out_is_no_wrong_path() {
        let of_the_path = |errno: &Errno| is_of_the_path(&Error::from_raw_os_error(errno.raw_os_error()));
        assert!([Errno::NOENT, Errno::NOTDIR, Errno::ACCESS, Errno::LOOP].iter().all(of_the_path));
        let dropped_out = [Errno::IO, Errno::NODEV, Errno::NXIO, Errno::STALE, Errno::NOTCONN];
        assert!(!dropped_out.iter().any(of_the_path));
    }

    #[test]
    fn header_tells_the_four_cases_apart() {
        let mut sqlite = b"SQLite format 3\0".to_vec();
        sqlite.resize(100, 0);
        sqlite[68..72].copy_from_slice(b"BkSt");
        assert_eq!(Header::of(&sqlite), Header::Sqlite { application_id: 0x426b_5374 });
        assert_eq!(Header::of(&sqlite[..70]), Header::NotSqlite);
        assert_eq!(Header::of(b"user:x:1000"), Header::NotSqlite);
        assert_eq!(Header::of(b""), Header::Empty);
    }

    #[test]
    fn network_file_systems_are_known_by_name() {
        for (magic, name) in [(0x6969, Some("NFS")), (0xffff_ffff_ff53_4d42, Some("CIFS")), (0xef53, None)] {
            assert_eq!(named(magic), name, "{magic:x}");
        }
    }
}
