//! Where to go on reading.

use tokio::sync::oneshot;

use crate::error::Error;

/// A place in a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Position {
    /// The first record that is there.
    Earliest,
    /// Behind the last one.
    Latest,
    /// This offset.
    Offset(i64),
    /// The first record of this time or later: milliseconds since 1970, UTC. Behind the last one where there is none.
    Time(i64),
}

/// An order to go somewhere else.
#[derive(Debug)]
pub(super) struct Seek {
    /// All that are held, where none is named.
    pub(super) partition: Option<i32>,
    pub(super) position: Position,
    pub(super) done: oneshot::Sender<Result<(), Error>>,
}
