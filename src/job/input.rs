//! Where orders come from, as the configuration names it.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::words::words;

words! {
    /// How a file is written.
    Format {
        /// One JSON object a line.
        Jsonl = "jsonl",
        /// Comma separated, with a header line.
        Csv = "csv",
        /// One JSON document: a list of objects, or one object.
        Json = "json",
        /// One YAML 1.2 document: a list of mappings, or one mapping.
        Yaml = "yaml",
        /// TOML 1.0: a table `[[orders]]` for each row.
        Toml = "toml",
    }
}

impl Format {
    /// The format that a file's ending (without the dot) names, if any.
    pub fn of_ending(ending: &str) -> Option<Format> {
        match ending.to_ascii_lowercase().as_str() {
            "yml" => Some(Format::Yaml),
            word => word.parse().ok(),
        }
    }

    /// Whether rows are read one by one, each good or bad in itself; the other formats are good or bad as a whole first.
    pub fn is_by_row(self) -> bool {
        matches!(self, Format::Jsonl | Format::Csv)
    }
}

words! {
    /// What one bad row means for its file.
    OnBadRow {
        /// The good rows run.
        SkipRow = "skip_row",
        /// Nothing of the file runs.
        RejectFile = "reject_file",
    }
}

/// One `[[inputs]]` of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputSpec {
    /// A file that is re-read when it changes, or a folder that is emptied.
    pub path: PathBuf,
    /// None: by the file's ending.
    #[serde(default)]
    pub format: Option<Format>,
    /// The file's name of a column or field, to ours.
    #[serde(default)]
    pub columns: BTreeMap<String, String>,
    /// Our field, to the value of rows that have none.
    #[serde(default)]
    pub defaults: BTreeMap<String, String>,
    /// The file's columns whose values, joined, are the job key.
    #[serde(default)]
    pub key_columns: Vec<String>,
    /// What one bad row means.
    #[serde(default = "skip_row")]
    pub on_bad_row: OnBadRow,
    /// IANA zone of times that carry none; without it such times are rejected.
    #[serde(default)]
    pub time_zone: Option<String>,
}

impl InputSpec {
    /// An input with nothing set but its path.
    pub fn at(path: impl Into<PathBuf>) -> InputSpec {
        InputSpec {
            path: path.into(),
            format: None,
            columns: BTreeMap::new(),
            defaults: BTreeMap::new(),
            key_columns: Vec::new(),
            on_bad_row: skip_row(),
            time_zone: None,
        }
    }
}

fn skip_row() -> OnBadRow {
    OnBadRow::SkipRow
}

/// Every field a row can have, as jsonl names them and csv heads its columns (`acs_users` is jsonl's alone, its flat
/// twins `acs_user_ids` and `acs_system_ids` are csv's).
pub const ROW_FIELDS: &[&str] = &[
    "job_key",
    "workflow",
    "user_identity_id",
    "user_identity_key",
    "full_name",
    "email_address",
    "phone_number",
    "acs_users",
    "acs_user_ids",
    "acs_system_ids",
    "priority",
    "not_before",
    "deadline",
    "reason",
    "mode",
    "cut_first",
    "unlisted_acs_users",
    "rehire",
];
