mod crash;
mod folder;
mod safety;
mod watched;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{InputReport, Intake};
use crate::job::{Chunk, Fate, InputSpec, Now, Problem, Row, Time, Verdict};

/// Stands in for the database: keys are for ever, same key and content is a duplicate.
#[derive(Default)]
struct Book {
    jobs: BTreeMap<String, String>,
    /// Sizes of the chunks that came.
    chunks: Vec<usize>,
    /// Files whose end was told, each time.
    ended: Vec<String>,
    /// What was told of files as a whole.
    troubles: Vec<String>,
    /// The chunk, counted from 1, at which the database fails.
    fails_at: Option<usize>,
}

impl Book {
    fn enter(&mut self, chunk: Chunk) -> Result<Vec<Verdict>, String> {
        let Chunk { file, rows, last, trouble, .. } = chunk;
        self.troubles.extend(trouble.iter().map(|trouble| trouble.problem.message.clone()));
        if trouble.is_some() && rows.is_empty() && !last {
            return Ok(Vec::new());
        }
        self.chunks.push(rows.len());
        self.ended.extend(last.then_some(file));
        if self.fails_at == Some(self.chunks.len()) {
            return Err("the disk is full".to_owned());
        }
        Ok(rows.into_iter().map(|row| self.enter_one(row)).collect())
    }

    fn enter_one(&mut self, row: Row) -> Verdict {
        let (fate, problems) = match (row.order, self.jobs.get(&row.job_key)) {
            (Err(problems), _) => (Fate::Rejected, problems),
            (Ok(_), Some(hash)) if *hash == row.content_hash => (Fate::Duplicate, Vec::new()),
            (Ok(_), Some(_)) => {
                let problem = Problem::new("job_key", "is taken", "change");
                (Fate::Rejected, vec![problem])
            }
            (Ok(_), None) => {
                self.jobs.insert(row.job_key.clone(), row.content_hash);
                (Fate::Accepted, Vec::new())
            }
        };
        Verdict { place: row.place, job_key: row.job_key, fate, problems }
    }

    fn keys(&self) -> Vec<&str> {
        self.jobs.keys().map(String::as_str).collect()
    }
}

const SETTLE_MS: i64 = 2_000;

async fn look_at(intake: &mut Intake, mono_ms: i64, settle_ms: i64, book: &mut Book) -> Vec<InputReport> {
    let now = Now { wall: Time(0), mono_ms };
    intake.look(now, settle_ms, &mut async |chunk| book.enter(chunk)).await
}

/// One look that takes every file as settled.
async fn look(intake: &mut Intake, book: &mut Book) -> Vec<InputReport> {
    look_at(intake, 0, 0, book).await
}

/// A row that offboards `key`.
fn row(key: &str) -> String {
    format!("{{\"job_key\":\"{key}\",\"workflow\":\"offboard\",\"user_identity_key\":\"p-{key}\"}}\n")
}

fn rows(count: usize) -> String {
    (0..count).map(|number| row(&format!("{number:05}"))).collect()
}

fn spec(path: &Path) -> InputSpec {
    serde_json::from_value(serde_json::json!({ "path": path })).unwrap()
}

/// Every file below a folder, with its text.
fn tree(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut dirs = vec![root.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
            match entry.file_type().unwrap() {
                kind if kind.is_dir() => dirs.push(entry.path()),
                _ => {
                    let path = entry.path().strip_prefix(root).unwrap().display().to_string();
                    found.insert(path, fs::read_to_string(entry.path()).unwrap());
                }
            }
        }
    }
    found
}

fn names(root: &Path) -> Vec<String> {
    tree(root).into_keys().collect()
}

/// A folder, and the intake that empties it.
fn dropbox() -> (TempDir, PathBuf, Intake) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().to_owned();
    let intake = Intake::new(vec![spec(&root)]);
    (dir, root, intake)
}
