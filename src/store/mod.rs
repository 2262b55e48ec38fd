//! The only room with SQL.

mod connect;
mod file;
mod lock;
mod look;
mod open;
mod refusal;
mod upgrade;

pub use connect::{APPLICATION_ID, leave, open_command, open_reader};
pub use file::FileGuard;
pub use open::{OpenArgs, Opened, open_engine};
pub use refusal::OpenError;
