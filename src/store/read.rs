//! What people ask of the file: read-only, through the views wherever they tell it. The engine never decides from here.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::Serialize;
use sqlx::{SqliteConnection, sqlite::SqliteRow};

use super::{
    OpenError, StoreError,
    columns::{count, get, word, word_or_null},
    connect::open_reader,
    lock::unattended,
    rows::RefusedRow,
};
use crate::job::{JobState, Selector, Time, Workflow};

/// A connection that cannot write, beside a running engine or after it stopped.
#[derive(Debug)]
pub struct Reader {
    pub(super) conn: SqliteConnection,
    path: PathBuf,
}

/// Which jobs are listed. What is left empty lets every job through.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// Only these states.
    pub states: Vec<JobState>,
    /// Only this workflow.
    pub workflow: Option<Workflow>,
    /// Only this person.
    pub person: Option<Named>,
    /// Only this batch.
    pub batch: Option<i64>,
    /// Only open jobs past their deadline.
    pub overdue: bool,
    /// So many at most.
    pub limit: u32,
}

/// A person as somebody names them, exactly, as ordered or as Seam has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// By what kind of name; none: by any.
    pub by: Option<Selector>,
    /// The name; of an e-mail address the ASCII case is folded.
    pub value: String,
}

/// How every command and page says that it takes a person.
pub const WHO: &str = "`key:KEY`, `id:ID`, `email:ADDRESS`, `phone:+NUMBER`, or one of these names alone, exactly";

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Named, String> {
        let kinds =
            [("key:", Selector::Key), ("id:", Selector::Id), ("email:", Selector::Email), ("phone:", Selector::Phone)];
        let kind = kinds.iter().find(|(prefix, _)| text.starts_with(prefix));
        let value = kind.map_or(text, |(prefix, _)| &text[prefix.len()..]);
        if value.trim().is_empty() {
            return Err(format!("names nobody: write {WHO}"));
        }
        Ok(Named { by: kind.map(|(_, by)| *by), value: value.to_owned() })
    }
}

/// One row of the view `jobs_overview`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JobLine {
    /// Row id.
    pub id: i64,
    /// The orderer's name for it.
    pub job_key: String,
    /// What is done.
    pub workflow: Workflow,
    /// Where it stands.
    pub state: JobState,
    /// Its urgency.
    pub priority: String,
    /// The first step that is not closed.
    pub step: Option<String>,
    /// The person's key.
    pub user_identity_key: Option<String>,
    /// The person's id.
    pub user_identity_id: Option<String>,
    /// The person's e-mail.
    pub email_address: Option<String>,
    /// Targets proven.
    pub proven: u32,
    /// Targets not proven so far.
    pub left_over: u32,
    /// Why it is in this state, in words.
    pub why: String,
    /// When it was accepted.
    pub accepted_at: Time,
    /// When its first changing request was decided.
    pub begun_at: Option<Time>,
    /// When all of its doors were shut ahead of the deletions.
    pub cut_at: Option<Time>,
    /// What could not be shut ahead of its deletion.
    pub not_cut: u32,
    /// When it ended.
    pub finished_at: Option<Time>,
    /// Not before this moment.
    pub not_before: Option<Time>,
    /// Should be done by then.
    pub deadline: Option<Time>,
    /// The next look, at the latest.
    pub next_look: Option<Time>,
    /// The last thing that went wrong.
    pub last_error: Option<String>,
    /// The batch of orders it came with.
    pub batch_id: Option<i64>,
    /// When its details were removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pruned_at: Option<Time>,
    /// When its personal data was blanked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scrubbed_at: Option<Time>,
}

impl JobLine {
    /// Why it stands where it stands; of what holds it, and perhaps hundreds beside it, only what is the matter.
    pub fn brief_why(&self) -> String {
        match self.why.split_once("; ") {
            Some((matter, _)) if self.state == JobState::Held => format!("{matter} …"),
            _ => self.why.clone(),
        }
    }
}

/// One row of the view `waiting_on`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WaitingLine {
    /// The job.
    pub job_key: String,
    /// What it waits for, in words.
    pub why: String,
    /// Since when nothing was noted of it.
    pub since: Time,
    /// The next look, at the latest.
    pub next_look: Option<Time>,
    /// The last thing that went wrong.
    pub last_error: Option<String>,
    /// The job that holds its person.
    pub waits_for_job: Option<String>,
}

/// The jobs a filter lets through, as told to people.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobList {
    /// Open jobs first, in each part the newest first; cut at the filter's limit.
    pub jobs: Vec<JobLine>,
    /// How many there are in each state, limit or not.
    pub counts: Vec<(JobState, u32)>,
    /// Why the engine sends nothing at the moment, if so.
    pub halted: Option<String>,
    /// Why nothing moves at all, if no engine holds the database.
    pub unattended: Option<&'static str>,
}

impl Reader {
    /// Opens the file for reading; needs no more than the right to read.
    ///
    /// # Errors
    /// A missing file, or one that is not Backstitch's.
    pub async fn open(path: &Path) -> Result<Reader, OpenError> {
        Ok(Reader { conn: open_reader(path).await?, path: path.to_path_buf() })
    }

    /// Why nothing moves here, if no engine holds the database now.
    pub fn unattended(&self) -> Option<&'static str> {
        unattended(&self.path)
    }

    /// The id of the workspace that this database belongs to; none before an engine first saw one.
    pub async fn workspace_id(&mut self) -> Result<Option<String>, StoreError> {
        Ok(sqlx::query_scalar("SELECT workspace_id FROM engine WHERE id = 1").fetch_one(&mut self.conn).await?)
    }

    /// The newest row with this job key that no job was made of, if there is one.
    pub async fn refused_row(&mut self, job_key: &str) -> Result<Option<RefusedRow>, StoreError> {
        RefusedRow::find(&mut self.conn, job_key).await
    }

    /// What every open job waits for.
    pub async fn waiting(&mut self) -> Result<Vec<WaitingLine>, StoreError> {
        sqlx::query("SELECT * FROM waiting_on").fetch_all(&mut self.conn).await?.iter().map(waiting_line).collect()
    }
}

pub(super) fn job_line(row: &SqliteRow) -> Result<JobLine, StoreError> {
    Ok(JobLine {
        id: get(row, "id")?,
        job_key: get(row, "job_key")?,
        workflow: word(row, "workflow")?,
        state: word(row, "state")?,
        priority: get(row, "priority")?,
        step: get(row, "step")?,
        user_identity_key: get(row, "user_identity_key")?,
        user_identity_id: get(row, "user_identity_id")?,
        email_address: get(row, "email_address")?,
        proven: count(row, "proven")?,
        left_over: count(row, "left_over")?,
        why: get(row, "why")?,
        accepted_at: word(row, "accepted_at")?,
        begun_at: word_or_null(row, "begun_at")?,
        cut_at: word_or_null(row, "cut_at")?,
        not_cut: count(row, "not_cut")?,
        finished_at: word_or_null(row, "finished_at")?,
        not_before: word_or_null(row, "not_before")?,
        deadline: word_or_null(row, "deadline")?,
        next_look: word_or_null(row, "next_look")?,
        last_error: get(row, "last_error")?,
        batch_id: get(row, "batch_id")?,
        pruned_at: word_or_null(row, "pruned_at")?,
        scrubbed_at: word_or_null(row, "scrubbed_at")?,
    })
}

pub(super) fn waiting_line(row: &SqliteRow) -> Result<WaitingLine, StoreError> {
    Ok(WaitingLine {
        job_key: get(row, "job_key")?,
        why: get(row, "why")?,
        since: word(row, "since")?,
        next_look: word_or_null(row, "next_look")?,
        last_error: get(row, "last_error")?,
        waits_for_job: get(row, "waits_for_job")?,
    })
}
