//! The one change that the daemon never makes: opening a client session, so that somebody can watch its end.

use super::{
    ask::{Asker, Stop, odd, params},
    objects,
    wire::Transport,
};
use crate::job::{Answer, Kind, Listing, Outcome, Reply, Time};

/// `client_sessions/create` for this identity, to expire by itself at `expires_at` (Seam's time). The reply is a listing of that one
/// session; its token is not read. Like every change, it is sent once.
pub async fn open_session<T: Transport>(
    transport: &T,
    user_identity_id: &str,
    expires_at: Time,
    pinned: Option<&str>,
) -> Answer {
    const PATH: &str = "client_sessions/create";
    let mut asker = Asker::new(transport, pinned);
    let expires = expires_at.to_string();
    let asked: Result<Listing, Stop> = async {
        let params = params(&[("user_identity_id", Some(user_identity_id)), ("expires_at", Some(&expires))])?;
        let object = asker.one(PATH, params, "client_session", &[]).await?;
        let item = objects::item(Kind::ClientSession, object).map_err(|what| odd(PATH, &what))?;
        Ok(Listing { items: vec![item], ..Listing::default() })
    }
    .await;
    asker.answer(match asked {
        Ok(listing) => Outcome::Done(Reply::Listing(listing)),
        Err(stop) => *stop.outcome,
    })
}
