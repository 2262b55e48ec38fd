//! How a command ends.

use std::{fmt, io::Write, process::ExitCode};

use clap::builder::styling::AnsiColor;

/// Declares the exit codes once, for the process and for `--help`.
macro_rules! exits {
    ($($(#[$meta:meta])* $name:ident = $code:literal, $says:literal;)+) => {
        /// The exit codes, after BSD's sysexits.h where one fits. Any other code means failure, too.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Exit { $(#[doc = $says] $name = $code,)+ }

        impl Exit {
            /// Every code.
            pub const ALL: &'static [Exit] = &[$(Exit::$name),+];

            /// What the code says.
            pub const fn says(self) -> &'static str { match self { $(Exit::$name => $says),+ } }
        }

        /// The table under `--help`.
        pub(super) const EXIT_TABLE: &str = concat!("Exit codes:\n", $("  ", $code, "\t", $says, "\n"),+);
    };
}

exits! {
    Done = 0, "done";
    Failures = 1, "the work has failures, or there was nothing to do what was asked for to";
    Usage = 64, "the command line is wrong";
    BadInput = 65, "an input file is wrong";
    Refused = 69, "Seam cannot be reached, or refused the key or the workspace";
    Io = 74, "a file is missing or cannot be read, or the database or the terminal failed";
    Busy = 75, "another engine holds the database file";
    Config = 78, "the configuration is wrong";
}

impl Exit {
    /// The exit with this code; a code of nobody's is trouble with files.
    pub(super) fn from_code(code: u8) -> Exit {
        Exit::ALL.iter().copied().find(|exit| *exit as u8 == code).unwrap_or(Exit::Io)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Why a command could not do its work: what went wrong, where, and what to do about it. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// How the process ends.
    pub exit: Exit,
    /// What went wrong and where; no full stop after a single sentence.
    pub message: String,
    /// What to do, if there is more to say than the message does.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure without a hint.
    pub fn new(exit: Exit, message: impl Into<String>) -> Failure {
        Failure { exit, message: message.into(), hint: None }
    }

    /// The same with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }

    /// Writes it to `to`, in colour if that is a terminal (anstream strips it elsewhere).
    pub(super) fn render(&self, to: &mut impl Write) -> std::io::Result<()> {
        let (red, blue) = (AnsiColor::Red.on_default().bold(), AnsiColor::Blue.on_default().bold());
        writeln!(to, "{red}error{red:#}: {}", self.message)?;
        match &self.hint {
            Some(hint) => writeln!(to, "\n{blue}hint{blue:#}: {hint}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<crate::config::ConfigErrors> for Failure {
    fn from(errors: crate::config::ConfigErrors) -> Failure {
        let told = |problem: &crate::config::Problem| {
            let sketch = super::out::sketch("", problem.line(), problem.excerpt.as_deref());
            [problem.to_string()].into_iter().chain(sketch).collect::<Vec<_>>().join("\n")
        };
        let lines: Vec<String> = errors.problems.iter().map(told).collect();
        let message = match lines.as_slice() {
            [only] => only.clone(),
            many => format!("the configuration has {} mistakes:\n{}", many.len(), many.join("\n")),
        };
        Failure::new(Exit::Config, message).hint("`backstitch check` reads the configuration again and starts nothing")
    }
}

impl From<crate::config::KeyError> for Failure {
    fn from(error: crate::config::KeyError) -> Failure {
        Failure::new(Exit::Config, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::{EXIT_TABLE, Exit, Failure};

    #[test]
    fn codes_are_the_promised_ones_and_told() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|exit| *exit as u8).collect();
        assert_eq!(codes, [0, 1, 64, 65, 69, 74, 75, 78]);
        for exit in Exit::ALL {
            assert!(EXIT_TABLE.contains(&format!("  {}\t{}\n", *exit as u8, exit.says())), "{exit:?}");
        }
    }

    #[test]
    fn failures_read_as_two_paragraphs() {
        let mut text = anstream::StripStream::new(Vec::new());
        Failure::new(Exit::Io, "no").render(&mut text).unwrap();
        Failure::new(Exit::Io, "cannot open `x`").hint("make it").render(&mut text).unwrap();
        assert_eq!(text.into_inner(), b"error: no\nerror: cannot open `x`\n\nhint: make it\n");
    }
}
