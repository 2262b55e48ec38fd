//! The binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    backstitch::cli::main(std::env::args_os())
}
