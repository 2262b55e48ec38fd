//! The only way to standard output (data) and to standard error beside the log (talk).

use std::{
    fmt,
    io::{self, ErrorKind, Write},
};

use serde::Serialize;

use super::exit::{Exit, Failure};

/// One line of data, in colour only on a terminal. A reader that went away (`| head`) is no failure.
pub fn line(text: impl fmt::Display) -> Result<(), Failure> {
    told(writeln!(anstream::stdout(), "{text}"))
}

/// One line of JSON.
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value)
        .map_err(|error| Failure::new(Exit::Io, format!("the answer cannot be written as JSON: {error}")))?;
    told(writeln!(io::stdout(), "{text}"))
}

/// One line to the person at the terminal, on standard error. Nobody there is no failure.
pub fn talk(text: impl fmt::Display) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

fn told(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Io, format!("standard output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}
