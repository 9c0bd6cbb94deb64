//! A stream that looks up a table.
//!
//! Invariant: a result is made of what the table has when the stream's record comes; a change of its makes none. On a query's
//! thread.

use ksql_schema::query::plan::{Join as Joined, JoinKind};

use super::sink::Sink;
use super::{Joining, Place};
use crate::query::{Join, Side};
use crate::state::StateError;

impl<Q: Join, S: Sink<Q>> Joining<Q, S> {
    /// What is held of the stream looks up the table, and goes on with what it finds.
    #[inline]
    pub(super) fn look_up(
        &mut self,
        node: usize,
        join: &Joined<'static>,
        place: Place,
        timestamp: i64,
    ) -> Result<(), StateError> {
        // Without what is compared it has no match and is left out, whichever rows the join gives.
        if !self.compared(node, Side::Left, place, timestamp)? {
            return Ok(());
        }
        let found = self.kept.get(&self.store, join.input, &self.on)?;
        let held = match (found, self.inputs.get_mut(join.input)) {
            (Some((_, body)), Some(held)) => held.hold(&self.on, body),
            _ => false,
        };
        if !held && join.kind == JoinKind::Inner {
            return Ok(());
        }
        self.set_have(join.input, held);
        let done = self.arrive(node.saturating_add(1), place, timestamp);
        self.set_have(join.input, false);
        done
    }
}
