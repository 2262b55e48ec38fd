//! `tests/contract/uncertain.md` says what `DOUBTS` says.

use std::{env, fs, path::Path};

use backstitch::sandbox::DOUBTS;

const HEAD: &str = "\
# Uncertain facts

What neither Seam's specification nor its documentation settles. The sandbox gives each of these answers
(`backstitch sandbox --world NAME=VALUE`, listed by `--worlds`; in Rust `Settings::set`, and `Settings::draw` for a
random world); `tests/sandbox/doubts.rs` shows that each makes a difference. This file is written by
`WRITE_UNCERTAIN=1 cargo test --test sandbox uncertain`, and a test keeps it fresh.

| name | answers, the default first | what is open | what is known |
|---|---|---|---|
";

const FOOT: &str = "
Open too, but without a switch, as no client could do otherwise whatever the answer is:

- that `get` answers 404 once a delete is through (no other sign exists for identities and instant keys);
- the 404 types `user_identity_not_found`, `acs_credential_not_found`, `access_grant_not_found`, … (only Seam's naming);
- the type and headers of a 429 (any type is taken; `Retry-After` is honoured if it comes);
- how long `being_deleted` lasts (`delete_delay_ms` is a setting);
- how long a client session lives (one year here).
";

fn text() -> String {
    let code = |value: &&str| format!("`{value}`");
    let rows = DOUBTS.iter().map(|doubt| {
        let values = doubt.values.iter().map(code).collect::<Vec<_>>().join(", ");
        format!("| `{}` | {values} | {} | {} |\n", doubt.name, doubt.question, doubt.source)
    });
    format!("{HEAD}{}{FOOT}", rows.collect::<String>())
}

#[test]
fn the_list_of_uncertain_facts_is_fresh() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract/uncertain.md");
    if env::var_os("WRITE_UNCERTAIN").is_some() {
        fs::write(&file, text()).unwrap();
    }
    assert!(fs::read_to_string(&file).unwrap() == text(), "write {} anew, as it says itself", file.display());
}
