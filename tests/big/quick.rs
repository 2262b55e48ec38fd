//! What stays quick however much the file holds.

use crate::{
    grow::{Sizes, grow, open},
    rows,
};

#[tokio::test]
async fn the_grown_file_is_as_the_program_would_have_left_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut opened = open(&folder.path().join("b.db")).await;
    let sizes = Sizes { finished: 500, delayed: 50, ready: 50, begun: 10 };
    grow(&mut opened.conn, sizes, backstitch::clock::now().wall).await;
    let violations = rows::violations(&mut opened.conn).await;
    assert!(violations.is_empty(), "{violations:?}");
}
