//! Who may do something on the page: a file with a name and a token a line, read when somebody comes, and never shown.

use std::{
    collections::BTreeSet,
    io::Read,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use secrecy::SecretString;

use super::{
    Page,
    key::{exposed_to, open},
    problem::{Place, Problem},
};

/// A larger file is not read.
const MAX_BYTES: u64 = 64 * 1024;
/// Of a token: what nobody guesses, and what fits a request's head.
const LENGTH: std::ops::RangeInclusive<usize> = 24..=256;

/// Somebody, as the history names them.
#[derive(Clone, Debug)]
pub struct Person {
    /// Letters, digits, `-_.@`.
    pub name: String,
    /// What only they know.
    pub token: SecretString,
}

/// Why nobody is known.
#[derive(Debug, thiserror::Error)]
#[error("{}: {words}", place(path, *line))]
pub struct TokensError {
    /// The file.
    pub path: PathBuf,
    /// Which line; 0: the file as a whole.
    pub line: usize,
    /// What is wrong with it, and what mends it; never a token.
    pub words: String,
}

fn place(path: &Path, line: usize) -> String {
    if line == 0 { path.display().to_string() } else { format!("{}:{line}", path.display()) }
}

/// Everybody in the file; empty lines and lines that begin with `#` are passed over.
///
/// # Errors
/// See [`TokensError`]: one bad line, and nobody is known, so that a slip is seen.
pub fn people(path: &Path) -> Result<Vec<Person>, TokensError> {
    people_of(path, None)
}

/// The same of a file that may also be this user's.
fn people_of(path: &Path, owner: Option<u32>) -> Result<Vec<Person>, TokensError> {
    let wrong = |line, words| TokensError { path: path.to_owned(), line, words };
    let failed = |cause: std::io::Error| wrong(0, format!("{cause} (`page.token_file`)"));
    let file = open(path).map_err(failed)?;
    if let Some((why, remedy)) = exposed_to(path, &file, owner).map_err(failed)? {
        return Err(wrong(0, format!("{why}, so the tokens in it are not used; run: {remedy}")));
    }
    let mut text = String::new();
    file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(wrong(0, format!("is larger than {} KiB, so it is not used", MAX_BYTES / 1024)));
    }
    parse(&text).map_err(|(line, why)| wrong(line, why.to_owned()))
}

impl Page {
    /// What is wrong with the list of people, if one is used. The superuser checks it on behalf of its owner.
    pub fn refused(&self) -> Option<Problem> {
        let path =
            Some(&self.token_file).filter(|path| self.enabled && self.actions && !path.as_os_str().is_empty())?;
        let owner = std::fs::metadata(path).map(|file| file.uid()).ok();
        let error = people_of(path, owner.filter(|_| rustix::process::geteuid().is_root())).err()?;
        let TokensError { path, line, words } = error;
        Some(Problem::new(Place::File { path, line, column: 1 }, words))
    }
}

/// Whether a letter may stand in somebody's name, as the history has it.
pub fn in_a_name(letter: char) -> bool {
    letter.is_alphanumeric() || "-_.@".contains(letter)
}

fn parse(text: &str) -> Result<Vec<Person>, (usize, &'static str)> {
    let mut all = Vec::new();
    let (mut names, mut tokens) = (BTreeSet::new(), BTreeSet::new());
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let parts: Vec<&str> = line.split_whitespace().collect();
        let why = match parts.as_slice() {
            [name, _] if name.chars().count() > 64 || !name.chars().all(in_a_name) => {
                "has a name of other letters than letters, digits and `-_.@`, or of more than 64"
            }
            [name, _] if !names.insert(*name) => "names somebody for the second time",
            [_, token] if !LENGTH.contains(&token.len()) || !token.bytes().all(|byte| byte.is_ascii_graphic()) => {
                "has a token that is none: 24 to 256 visible ASCII characters that nobody guesses"
            }
            [_, token] if !tokens.insert(*token) => "has another person's token",
            [name, token] => {
                all.push(Person { name: (*name).to_owned(), token: SecretString::from(*token) });
                continue;
            }
            _ => "is not a name and a token with a blank between",
        };
        return Err((at + 1, why));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, Permissions},
        os::unix::fs::PermissionsExt,
    };

    use super::{MAX_BYTES, parse, people};

    const ONE: &str = "0123456789abcdef01234567";
    const TWO: &str = "89abcdef0123456789abcdef";

    #[test]
    fn a_line_is_somebody_and_a_slip_is_nobody() {
        let good = parse(&format!("# who\n\nmara {ONE}\n j.doe@x \t{TWO}\n")).unwrap();
        assert_eq!(good.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["mara", "j.doe@x"]);
        assert!(!format!("{good:?}").contains(ONE));
        for (bad, line, why) in [
            (format!("mara {ONE}\nmara {TWO}"), 2, "second time"),
            (format!("mara {ONE}\nnils {ONE}"), 2, "another person's"),
            ("mara short".to_owned(), 1, "24 to 256"),
            (ONE.to_owned(), 1, "a name and a token"),
            (format!("mara e {ONE}"), 1, "a name and a token"),
            (format!("m<b> {ONE}"), 1, "other letters"),
            (format!("mara {}", "x".repeat(257)), 1, "24 to 256"),
            (format!("mara {}é", ONE), 1, "24 to 256"),
        ] {
            let (at, said) = parse(&bad).unwrap_err();
            assert!(at == line && said.contains(why), "{bad}: {at} {said}");
        }
    }

    #[test]
    fn the_file_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens");
        assert!(people(&path).unwrap_err().to_string().contains("(`page.token_file`)"));
        fs::write(&path, format!("mara {ONE}\n")).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let said = people(&path).unwrap_err().to_string();
        assert!(said.contains("(mode 0640)") && !said.contains(ONE), "{said}");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert_eq!(people(&path).unwrap().len(), 1);
        let whole = format!("mara {ONE}\n{}\n", "#".repeat(MAX_BYTES as usize - ONE.len() - 7));
        fs::write(&path, &whole).unwrap();
        assert_eq!((whole.len() as u64, people(&path).unwrap().len()), (MAX_BYTES, 1));
        // Cut at that length, the second person would be lost without a word.
        fs::write(&path, format!("{whole}nils {TWO}\n")).unwrap();
        assert!(people(&path).unwrap_err().to_string().contains("larger than 64 KiB"));
    }
}
