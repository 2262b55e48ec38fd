//! What comes in from outside, made ready for the rows.

use super::soft::Soft;
use crate::{
    job::{Chunk, Now, Row},
    store::{NewChunk, NewRow, StoreError, Tx},
    workflow,
};

/// Rows with what the workflows derive from their orders: how `Tx::accept` takes them, from the engine and from a command alike.
pub fn new_chunk(chunk: Chunk) -> NewChunk {
    let Chunk { input, file, rows, last, trouble } = chunk;
    let new_row = |row: Row| {
        let (keys, steps) = match &row.order {
            Ok(order) => (workflow::selectors(order, None), workflow::steps(order.workflow).collect()),
            Err(_) => (Vec::new(), Vec::new()),
        };
        NewRow { row, keys, steps }
    };
    NewChunk { input, file, rows: rows.into_iter().map(new_row).collect(), last, trouble }
}

/// Takes webhooks in: the feed is read on account of new ones. One that was sent again says nothing new. Answers how many were new, and
/// how many were not.
pub(super) async fn taken(
    tx: &mut Tx<'_>,
    webhooks: &[&str],
    soft: &mut Soft,
    now: Now,
) -> Result<(u32, u32), StoreError> {
    let (fresh, known) = tx.take_webhooks(webhooks, now.wall).await?;
    if fresh > 0 {
        soft.follow.hinted(now.mono_ms);
    }
    Ok((fresh, known))
}
