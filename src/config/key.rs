//! The API key: read once, from a place of its own, and never shown.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{ErrorKind, Read},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use secrecy::SecretString;

use super::Settings;

/// Where the key came from; said in the log in place of the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// systemd's `LoadCredential=seam_api_key:…`.
    Credential(PathBuf),
    /// `seam.api_key_file`.
    File(PathBuf),
    /// `SEAM_API_KEY`.
    Env,
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeySource::Credential(path) => write!(f, "the credential {}", path.display()),
            KeySource::File(path) => write!(f, "the file {}", path.display()),
            KeySource::Env => f.write_str("SEAM_API_KEY"),
        }
    }
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// No place names one.
    #[error(
        "no Seam API key: put it alone into a file that only its owner can read and name it in `seam.api_key_file`, or set SEAM_API_KEY"
    )]
    None,
    /// The file cannot be opened or read.
    #[error("the secret in {source_named} cannot be read: {cause}")]
    Unreadable {
        /// Which place.
        source_named: KeySource,
        /// The system's word.
        #[source]
        cause: std::io::Error,
    },
    /// Others could read or change the file.
    #[error("{} {why}, so the secret in it is not used; run: {remedy}", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// The command that mends it.
        remedy: String,
    },
    /// What stands there is no key.
    #[error("{0} holds no key or secret: it must be one line of visible ASCII characters and nothing else")]
    Malformed(KeySource),
    /// Another of Seam's secrets, which could not do the work.
    #[error("{0} holds a {1}, not an API key; make a key in Seam's console, under API keys")]
    WrongKind(KeySource, &'static str),
}

/// How Seam's other secrets begin (Seam's JavaScript SDK tells them apart in the same way).
const OTHER_KINDS: [(&str, &str); 4] = [
    ("seam_at", "personal access token"),
    ("seam_cst", "client session token"),
    ("seam_pk", "publishable key"),
    ("ey", "session JWT"),
];

/// Longer texts are no keys; the file is not read further.
const MAX_BYTES: u64 = 4096;

/// The key: `$CREDENTIALS_DIRECTORY/seam_api_key`, else `seam.api_key_file` (refused if group or others can read it, or
/// if it belongs to somebody other than us and root), else `SEAM_API_KEY`. A place that is named but bad is an error,
/// never a reason to try the next. One trailing newline is cut.
pub fn api_key(
    settings: &Settings,
    env: impl Fn(&str) -> Option<String>,
) -> Result<(SecretString, KeySource), KeyError> {
    if let Some(folder) = env("CREDENTIALS_DIRECTORY") {
        let path = Path::new(&folder).join("seam_api_key");
        let source = KeySource::Credential(path.clone());
        // systemd keeps others out of that folder itself; on some systems the file is group-readable there by ACL.
        match open(&path) {
            Ok(file) => return read(file, source),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(cause) => return Err(KeyError::Unreadable { source_named: source, cause }),
        }
    }
    let path = &settings.seam.api_key_file;
    if !path.as_os_str().is_empty() {
        let source = KeySource::File(path.clone());
        let file = open(path).map_err(|cause| KeyError::Unreadable { source_named: source.clone(), cause })?;
        let found =
            exposed(path, &file).map_err(|cause| KeyError::Unreadable { source_named: source.clone(), cause })?;
        if let Some((why, remedy)) = found {
            return Err(KeyError::Exposed { path: path.clone(), why, remedy });
        }
        return read(file, source);
    }
    match env("SEAM_API_KEY") {
        Some(text) => secret(&text, KeySource::Env),
        None => Err(KeyError::None),
    }
}

/// Another secret of one line, in a file that only its owner can read.
///
/// # Errors
/// The file cannot be read, others could, or it holds more than one line of visible ASCII.
pub fn secret_file(path: &Path) -> Result<SecretString, KeyError> {
    let source = KeySource::File(path.to_owned());
    let file = open(path).map_err(|cause| KeyError::Unreadable { source_named: source.clone(), cause })?;
    let found = exposed(path, &file).map_err(|cause| KeyError::Unreadable { source_named: source.clone(), cause })?;
    if let Some((why, remedy)) = found {
        return Err(KeyError::Exposed { path: path.to_owned(), why, remedy });
    }
    let mut text = String::new();
    let read = file.take(MAX_BYTES + 1).read_to_string(&mut text);
    read.map_err(|cause| KeyError::Unreadable { source_named: source.clone(), cause })?;
    let line = text.trim_end_matches(['\n', '\r']);
    let good = !line.is_empty() && text.len() as u64 <= MAX_BYTES && line.bytes().all(|byte| byte.is_ascii_graphic());
    if good { Ok(SecretString::from(line)) } else { Err(KeyError::Malformed(source)) }
}

/// Without waiting for a writer, should it be a pipe.
pub(super) fn open(path: &Path) -> std::io::Result<File> {
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::CLOEXEC;
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

/// What lets others at the file, if anything does, and the command that mends it. Asked of the open file, so that nobody can swap it
/// between the question and the reading.
pub(super) fn exposed(path: &Path, file: &File) -> std::io::Result<Option<(String, String)>> {
    exposed_to(path, file, None)
}

/// The same of a file that may also be this user's.
pub(super) fn exposed_to(path: &Path, file: &File, other: Option<u32>) -> std::io::Result<Option<(String, String)>> {
    let meta = file.metadata()?;
    let us = rustix::process::geteuid().as_raw();
    Ok(if !meta.is_file() {
        Some(("is not a regular file".to_owned(), format!("ls -l {}", path.display())))
    } else if meta.uid() != us && meta.uid() != 0 && Some(meta.uid()) != other {
        let remedy = format!("chown {us} {}", path.display());
        Some((format!("belongs to user {}, not to us ({us}) or root", meta.uid()), remedy))
    } else if meta.mode() & 0o077 != 0 {
        let why = format!("is open to group or others (mode {:04o})", meta.mode() & 0o7777);
        Some((why, format!("chmod 600 {}", path.display())))
    } else {
        None
    })
}

fn read(file: File, source: KeySource) -> Result<(SecretString, KeySource), KeyError> {
    let mut text = String::new();
    match file.take(MAX_BYTES + 1).read_to_string(&mut text) {
        Ok(_) => secret(&text, source),
        Err(error) if error.kind() == ErrorKind::InvalidData => Err(KeyError::Malformed(source)),
        Err(cause) => Err(KeyError::Unreadable { source_named: source, cause }),
    }
}

fn secret(text: &str, source: KeySource) -> Result<(SecretString, KeySource), KeyError> {
    let key = text.strip_suffix('\n').unwrap_or(text);
    let key = key.strip_suffix('\r').unwrap_or(key);
    let good = !key.is_empty() && key.len() as u64 <= MAX_BYTES && key.bytes().all(|byte| byte.is_ascii_graphic());
    match OTHER_KINDS.iter().find(|(prefix, _)| key.starts_with(prefix)) {
        Some((_, kind)) if good => Err(KeyError::WrongKind(source, kind)),
        None if good => Ok((SecretString::from(key), source)),
        _ => Err(KeyError::Malformed(source)),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, Permissions},
        os::unix::fs::{PermissionsExt, chown},
        path::Path,
    };

    use secrecy::ExposeSecret;

    use super::{KeyError, KeySource, api_key};
    use crate::config::Settings;

    fn write(path: &Path, text: &str, mode: u32) {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    fn settings(file: &Path) -> Settings {
        let mut settings = Settings::built_in().unwrap();
        settings.seam.api_key_file = file.to_owned();
        settings
    }

    fn of_env(name: &str) -> Option<String> {
        (name == "SEAM_API_KEY").then(|| "from_env".to_owned())
    }

    #[test]
    fn the_first_place_that_is_named_holds() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        write(&file, "from_file\n", 0o600);
        write(&folder.path().join("seam_api_key"), "from_credential", 0o440);
        let credentials = folder.path().to_str().unwrap().to_owned();
        let with_credentials = |name: &str| match name {
            "CREDENTIALS_DIRECTORY" => Some(credentials.clone()),
            other => of_env(other),
        };
        let read = |settings: &Settings, env: &dyn Fn(&str) -> Option<String>| {
            let (key, source) = api_key(settings, env).unwrap();
            (key.expose_secret().to_owned(), source)
        };
        let credential = KeySource::Credential(folder.path().join("seam_api_key"));
        assert_eq!(read(&settings(&file), &with_credentials), ("from_credential".to_owned(), credential));
        fs::remove_file(folder.path().join("seam_api_key")).unwrap();
        assert_eq!(read(&settings(&file), &with_credentials), ("from_file".to_owned(), KeySource::File(file.clone())));
        assert_eq!(read(&settings(Path::new("")), &of_env), ("from_env".to_owned(), KeySource::Env));
        assert!(matches!(api_key(&settings(Path::new("")), |_| None), Err(KeyError::None)));
    }

    /// P12: a key that others could have read or planted is not used, and no message repeats it.
    #[test]
    fn exposed_and_malformed_files_are_refused_even_with_another_key_at_hand() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        for mode in [0o640, 0o604, 0o660, 0o610, 0o666] {
            write(&file, "a_secret", mode);
            let error = api_key(&settings(&file), of_env).unwrap_err();
            assert!(matches!(error, KeyError::Exposed { .. }), "{mode:o}");
            assert!(error.to_string().contains("chmod 600") && !error.to_string().contains("a_secret"), "{error}");
        }
        for text in ["", "\n", "two lines\n", "a_secret\n\n", "a_secret ", "a_s\u{e9}cret", &"x".repeat(5000)] {
            write(&file, text, 0o600);
            let error = api_key(&settings(&file), of_env).unwrap_err();
            assert!(matches!(error, KeyError::Malformed(_)), "{text:?}");
            assert!(!format!("{error} {error:?}").contains("a_secret"));
        }
        for (text, kind) in [("seam_at1_longtoken", "personal access token"), ("seam_cst1_token", "client session")] {
            write(&file, text, 0o600);
            let said = api_key(&settings(&file), of_env).unwrap_err().to_string();
            assert!(said.contains(kind) && !said.contains(text), "{said}");
        }
        fs::write(&file, b"\xff\xfe").unwrap();
        assert!(matches!(api_key(&settings(&file), of_env), Err(KeyError::Malformed(_))));
        assert!(matches!(api_key(&settings(folder.path()), of_env), Err(KeyError::Exposed { .. })));
        fs::remove_file(&file).unwrap();
        assert!(matches!(api_key(&settings(&file), of_env), Err(KeyError::Unreadable { .. })));
    }

    #[test]
    fn a_file_of_somebody_else_is_refused() {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: only root can give a file away");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        write(&file, "a_secret", 0o600);
        chown(&file, Some(12_345), None).unwrap();
        let error = api_key(&settings(&file), of_env).unwrap_err();
        assert!(error.to_string().contains("belongs to user 12345"), "{error}");
    }
}
