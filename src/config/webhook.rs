//! The secret that webhooks are signed with: a file of its own, read when one comes, and never shown.

use std::{
    fs::{File, Metadata},
    io::{ErrorKind, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, fchown},
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret, SecretString};

use super::{
    Settings,
    key::{exposed_to, open},
};

/// Longer texts are no secrets (Svix: 32 to 100 letters).
const MAX_BYTES: u64 = 512;

/// Where the secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookSecret {
    path: PathBuf,
    /// systemd keeps others out of its folder itself.
    is_credential: bool,
    /// Whose this is, the daemon is.
    database: PathBuf,
}

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Not there, or not to be read or written.
    #[error("the webhook secret {}: {cause}{}", path.display(), missing(cause))]
    File {
        /// Which file.
        path: PathBuf,
        /// The system's word.
        #[source]
        cause: std::io::Error,
    },
    /// Others could read or change the file.
    #[error("{} {why}, so the webhook secret in it is not used; run: {remedy}", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// The command that mends it.
        remedy: String,
    },
    /// What stands there is no secret.
    #[error("{} holds no webhook secret: it must be one line like whsec_… and nothing else", .0.display())]
    Malformed(PathBuf),
}

fn missing(cause: &std::io::Error) -> &'static str {
    if cause.kind() == ErrorKind::NotFound { "; `backstitch webhook register` makes it" } else { "" }
}

impl WebhookSecret {
    /// `$CREDENTIALS_DIRECTORY/seam_webhook_secret`, else `webhook.secret_file`; none: webhooks are not wanted.
    pub fn place(settings: &Settings, env: impl Fn(&str) -> Option<String>) -> Option<WebhookSecret> {
        let database = settings.database.path.clone();
        let credential = env("CREDENTIALS_DIRECTORY").map(|folder| Path::new(&folder).join("seam_webhook_secret"));
        if let Some(path) = credential.filter(|path| path.exists()) {
            return Some(WebhookSecret { path, is_credential: true, database });
        }
        let path = &settings.webhook.secret_file;
        (!path.as_os_str().is_empty()).then(|| WebhookSecret { path: path.clone(), is_credential: false, database })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it. A file that others can read or that belongs to somebody else is refused; root reads the daemon's, too.
    ///
    /// # Errors
    /// See [`SecretError`].
    pub fn read(&self) -> Result<SecretString, SecretError> {
        let failed = |cause| SecretError::File { path: self.path.clone(), cause };
        let file = open(&self.path).map_err(failed)?;
        if !self.is_credential
            && let Some((why, remedy)) =
                exposed_to(&self.path, &file, self.owner().map(|owner| owner.uid())).map_err(failed)?
        {
            return Err(SecretError::Exposed { path: self.path.clone(), why, remedy });
        }
        let mut bytes = Vec::new();
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
        let text = String::from_utf8(bytes).unwrap_or_default();
        let secret = text.trim_end_matches(['\n', '\r']);
        let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'_');
        if secret.len() < 24 || secret.len() as u64 > MAX_BYTES || !secret.bytes().all(good) {
            return Err(SecretError::Malformed(self.path.clone()));
        }
        Ok(SecretString::from(secret))
    }

    /// Writes it, for its owner alone: whole or not at all. What root writes belongs to whom the database does, or else its folder.
    ///
    /// # Errors
    /// The file or its folder cannot be written.
    pub fn write(&self, secret: &SecretString) -> Result<(), SecretError> {
        self.tried(|aside| {
            let mut file = fresh(aside)?;
            if let Some(owner) = self.owner() {
                fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
            }
            writeln!(file, "{}", secret.expose_secret())?;
            file.sync_all()?;
            std::fs::rename(aside, &self.path)
        })
    }

    /// Whether it could be written, found out without touching what is there.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn can_write(&self) -> Result<(), SecretError> {
        self.tried(|aside| fresh(aside).and_then(|_| std::fs::remove_file(aside)))
    }

    /// Removes it.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn forget(&self) -> Result<(), SecretError> {
        self.tried(|_| std::fs::remove_file(&self.path))
    }

    /// Who the daemon is, if we are root and not it.
    fn owner(&self) -> Option<Metadata> {
        let places = [Some(self.database.as_path()), self.path.parent()];
        let seen = || places.into_iter().flatten().find_map(|place| std::fs::metadata(place).ok());
        rustix::process::geteuid().is_root().then(seen).flatten()
    }

    fn tried(&self, act: impl FnOnce(&Path) -> std::io::Result<()>) -> Result<(), SecretError> {
        let mut aside = self.path.clone().into_os_string();
        aside.push(".new");
        act(Path::new(&aside)).map_err(|cause| SecretError::File { path: self.path.clone(), cause })
    }
}

/// A new file, in place of what an earlier try left behind, which may have another mode.
fn fresh(path: &Path) -> std::io::Result<File> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{MetadataExt, PermissionsExt, chown},
    };

    use secrecy::ExposeSecret;

    use super::{SecretError, WebhookSecret};
    use crate::config::Settings;

    #[test]
    fn it_is_the_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::built_in().unwrap();
        assert_eq!(WebhookSecret::place(&settings, |_| None), None);
        settings.webhook.secret_file = folder.path().join("secret");
        let secret = WebhookSecret::place(&settings, |_| None).unwrap();
        let said = secret.read().unwrap_err().to_string();
        assert!(said.ends_with("; `backstitch webhook register` makes it"), "{said}");
        let words = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
        secret.write(&words.into()).unwrap();
        secret.write(&words.into()).unwrap();
        assert_eq!(fs::metadata(secret.path()).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(secret.read().unwrap().expose_secret(), words);
        fs::set_permissions(secret.path(), fs::Permissions::from_mode(0o640)).unwrap();
        let said = secret.read().unwrap_err().to_string();
        assert!(said.contains("(mode 0640)") && !said.contains("AAEC"), "{said}");
        for bad in ["whsec_x", "two words of some length here", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX\n\nx"] {
            secret.write(&bad.into()).unwrap();
            assert!(matches!(secret.read(), Err(SecretError::Malformed(_))), "{bad}");
        }
        fs::write(folder.path().join("seam_webhook_secret"), words).unwrap();
        let named = folder.path().to_str().unwrap().to_owned();
        let credential =
            WebhookSecret::place(&settings, |name| (name == "CREDENTIALS_DIRECTORY").then(|| named.clone()));
        assert_eq!(credential.unwrap().read().unwrap().expose_secret(), words);
    }

    /// What root registers, the daemon has to read: it runs as the owner of the database, or of the folder if there is none yet.
    #[test]
    fn what_root_writes_is_the_daemons() {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: only root can give a file away");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::built_in().unwrap();
        (settings.webhook.secret_file, settings.database.path) =
            (folder.path().join("secret"), folder.path().join("db"));
        let secret = WebhookSecret::place(&settings, |_| None).unwrap();
        let words = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
        chown(folder.path(), Some(12_345), Some(54_321)).unwrap();
        for (uid, gid) in [(12_345, 54_321), (23_456, 65_432)] {
            secret.write(&words.into()).unwrap();
            let meta = fs::metadata(secret.path()).unwrap();
            assert_eq!((meta.uid(), meta.gid(), meta.permissions().mode() & 0o777), (uid, gid, 0o600));
            assert_eq!(secret.read().unwrap().expose_secret(), words, "root finds what is kept");
            fs::write(&settings.database.path, "").unwrap();
            chown(&settings.database.path, Some(23_456), Some(65_432)).unwrap();
        }
        chown(secret.path(), Some(34_567), None).unwrap();
        assert!(matches!(secret.read(), Err(SecretError::Exposed { .. })), "but nobody else's");
    }
}
