//! `backstitch …` as an operator types it, beside the daemon or without one.

use std::process::Command;

use super::rig::Rig;

/// What a command said and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// Runs a command with the rig's settings and key to its end.
pub fn backstitch(rig: &Rig, args: &[&str]) -> Said {
    // Not within the statement below: the world's lock would be held until the command ends.
    let api_key = rig.world().settings().api_key.clone();
    let done = Command::new(env!("CARGO_BIN_EXE_backstitch"))
        .args(args)
        .arg("--config")
        .arg(rig.path("b.toml"))
        .env_clear()
        .envs([("SEAM_ENDPOINT", rig.endpoint.as_str()), ("SEAM_API_KEY", &api_key), ("USER", "olga")])
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: done.status.code().unwrap_or(-1), out: text(done.stdout), err: text(done.stderr) }
}
