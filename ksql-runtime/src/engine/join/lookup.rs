//! A stream that looks up tables, one after the other.
//!
//! Invariant: a result is made of what the tables have when the stream's record comes; a change of theirs makes none. On a
//! query's thread.

use ksql_schema::query::plan::JoinKind;

use super::part::joined;
use super::{MOST_INPUTS, Taking};
use crate::query::{At, Join, Project, Side};
use crate::state::StateError;

impl<Q: Join + Project<Input = <Q as Join>::Inputs>> Taking<Q> {
    /// A record of the stream looks up the tables, one after the other.
    #[inline]
    pub(super) fn look_up(
        &mut self,
        (partition, offset, sequence): (i32, i64, u64),
        timestamp: i64,
    ) -> Result<(), StateError> {
        let Taking {
            query,
            inputs,
            joins,
            kept,
            scratch,
            store,
            outputs,
            made,
            on,
            key,
            ..
        } = self;
        let (query, scratch) = (&*query, &*scratch);
        let at = At {
            scratch,
            timestamp,
            partition,
            offset,
            sequence,
            exploded: &[],
        };
        let mut have = [false; MOST_INPUTS];
        have.first_mut().into_iter().for_each(|first| *first = true);
        for (node, join) in joins.iter().enumerate() {
            on.clear();
            let mut parts = [None; MOST_INPUTS];
            let row = joined::<Q>(inputs, &have, &mut parts, store)?;
            // Such a record has no match and is left out, whichever rows the join gives.
            if !query.on(node, Side::Left, &at, row, on) {
                return Ok(());
            }
            let found = kept.get(store, (join.input, partition), on)?;
            let held = match (found, inputs.get_mut(join.input)) {
                (Some((_, body)), Some(held)) => held.hold(on, body),
                _ => false,
            };
            if !held && join.kind == JoinKind::Inner {
                return Ok(());
            }
            if let Some(slot) = have.get_mut(join.input) {
                *slot = held;
            }
        }
        let mut parts = [None; MOST_INPUTS];
        let row = joined::<Q>(inputs, &have, &mut parts, store)?;
        if !query.keep(&at, row) {
            return Ok(());
        }
        key.clear();
        let result = query.project(&at, row);
        let new_key = query
            .new_key(&at, row, true, key)
            .map(|known| known.then_some(key.as_slice()));
        outputs
            .row::<Q::Output>(result, new_key, scratch, timestamp)
            .map_err(|wrong| store.impossible(partition, offset, &wrong))?;
        *made = true;
        Ok(())
    }
}
