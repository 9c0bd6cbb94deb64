//! Tables joined by their keys.
//!
//! Invariant: what is told of a key is how its joined row changed; where there was none and is none nothing is. On a query's
//! thread.

use ksql_schema::query::plan::{self, JoinKind};

use super::part::{fill, joined, row_of};
use super::{JOINED_ROW, MOST_INPUTS, Taking};
use crate::query::{At, Join, Project};
use crate::state::StateError;

impl<Q: Join + Project<Input = <Q as Join>::Inputs>> Taking<Q> {
    /// A record of a table changes the joined row of its key.
    pub(super) fn change(
        &mut self,
        input: usize,
        (partition, offset, sequence): (i32, i64, u64),
        timestamp: i64,
        is_row: bool,
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
            before,
            key,
            ..
        } = self;
        let (query, scratch) = (&*query, &*scratch);
        on.clear();
        on.extend_from_slice(inputs.get(input).map_or(&[], |held| held.wire()));
        let mut latest = timestamp;
        let (mut had, mut have) = ([false; MOST_INPUTS], [false; MOST_INPUTS]);
        for (index, held) in inputs.iter_mut().enumerate() {
            let found = kept.get(store, (index, partition), on)?;
            let (Some(had), Some(have)) = (had.get_mut(index), have.get_mut(index)) else {
                continue;
            };
            *had = found.is_some();
            *have = found.is_some();
            if index == input {
                before.clear();
                before.extend_from_slice(found.map_or(&[], |(_, body)| body));
                *have = is_row;
            } else if let Some((of_row, body)) = found {
                latest = latest.max(of_row);
                if !held.hold(on, body) {
                    return Err(store.damaged(JOINED_ROW));
                }
            }
        }
        if let Some(held) = inputs.get(input) {
            let row = held.part().map(|part| (timestamp, part.body));
            kept.set((input, partition), on, row.filter(|_| is_row));
        }
        let at = At {
            scratch,
            timestamp: latest,
            partition,
            offset,
            sequence,
            exploded: &[],
        };
        let mut old_parts = [None; MOST_INPUTS];
        let was = match matched(joins, &mut had) {
            false => None,
            true => {
                fill(inputs, &had, &mut old_parts);
                if let (Some(slot), Some(held)) = (old_parts.get_mut(input), inputs.get(input)) {
                    let replaced = slot.is_some().then(|| held.part_of(before));
                    *slot = replaced.flatten();
                }
                Some(row_of::<Q>(&old_parts, inputs.len(), store)?)
            }
        };
        let was = was.filter(|row| query.keep(&at, *row));
        let mut parts = [None; MOST_INPUTS];
        let is = match matched(joins, &mut have) {
            false => None,
            true => Some(joined::<Q>(inputs, &have, &mut parts, store)?),
        };
        match is.filter(|row| query.keep(&at, *row)) {
            Some(row) => {
                key.clear();
                let result = query.project(&at, row);
                let new_key = query
                    .new_key(&at, row, true, key)
                    .map(|known| known.then_some(key.as_slice()));
                outputs
                    .row::<Q::Output>(result, new_key, scratch, latest)
                    .map_err(|wrong| store.impossible(partition, offset, &wrong))?;
                *made = true;
            }
            None if was.is_some() => {
                outputs.gone(Some(on), latest);
                *made = true;
            }
            None => {}
        }
        Ok(())
    }
}

/// Whether there is a joined row where these inputs have one; those whose row the joins do not give have none any more.
pub(super) fn matched(joins: &[plan::Join<'_>], have: &mut [bool; MOST_INPUTS]) -> bool {
    let mut left = have.first().copied().unwrap_or_default();
    for join in joins {
        let right = have.get(join.input).copied().unwrap_or_default();
        let (is, has_left) = match join.kind {
            JoinKind::Inner => (left && right, true),
            JoinKind::Left => (left, true),
            JoinKind::Right => (right, left),
            JoinKind::Full => (left || right, left),
        };
        if !is || !has_left {
            // What was joined so far did not come to a row.
            have.iter_mut()
                .take(join.input)
                .for_each(|one| *one = false);
        }
        if !is && let Some(one) = have.get_mut(join.input) {
            *one = false;
        }
        left = is;
    }
    left
}
