//! The tree of dependencies, as far as `cargo` alone can tell; `tests/deny.sh` holds the rest.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::process::Command;

fn users_of(package: &str) -> String {
    let mut tree = Command::new(env!("CARGO"));
    tree.current_dir(env!("CARGO_MANIFEST_DIR")).args(["tree", "--locked", "--offline", "--invert", package]);
    String::from_utf8(tree.output().unwrap().stdout).unwrap()
}

/// A default feature of some package is enough to bring a second cryptography along, with an assembler and a C compiler's worth of
/// build. What nobody uses has an empty tree, or is not known at all.
#[test]
fn one_cryptography_is_in_the_tree() {
    assert!(users_of("ring").contains("backstitch v"), "the question itself does not work");
    for stranger in ["aws-lc-sys", "openssl-sys", "native-tls"] {
        assert_eq!(users_of(stranger), "", "{stranger} came in");
    }
}
