//! Many at once: who they are is shown before, up to a hundred, and where the others are.

use super::{ACTS, MARA, open};

#[test]
fn a_hundred_are_shown_and_the_others_are_a_step_away() {
    let office = open(ACTS, 103, &[("a", 103)]);
    office.await_states(&[("held", "103")]);
    let cookie = office.sign_in(MARA);
    let batch = office.get_as("/do/approve?batch=1&show=names", &cookie);
    for words in [
        "Approve batch 1, 103 jobs?",
        "/job/a-0?",
        "/job/a-99?",
        "and 3 more",
        "/jobs?state=all&#38;batch=1&#38;show=names\">All of them",
    ] {
        assert!(batch.contains(words), "no {words} in {batch}");
    }
    assert!(!batch.contains("/job/a-100?"), "{batch}");
    let filter = office.get_as("/do/cancel?workflow=offboard&state=held", &cookie);
    for words in ["Cancel 103 jobs?", "and 3 more", "/jobs?workflow=offboard&#38;state=held\">All of them"] {
        assert!(filter.contains(words), "no {words} in {filter}");
    }
    let told = office.act(&cookie, "/do/cancel?workflow=offboard&state=held&show=names", "names stay");
    assert!(
        told.starts_with("HTTP/1.1 200 ") && told.contains("\"/?show=names\">Go on"),
        "names are masked again: {told}"
    );
    assert!(told.contains("within a second"), "{told}");
    office.daemon.stop();
}
