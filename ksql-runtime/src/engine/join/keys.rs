//! Tables joined by their keys, or the first two by a key that stands in a column of the first.
//!
//! Invariant: what is told of a key is how its joined row changed; where there was none and is none nothing is. The keys are those
//! of the first table. On a query's thread.

use ksql_schema::query::plan::{self, JoinForm, JoinKind};

use super::part::{Have, fill, row_of};
use super::sink::{Change, Sink, With};
use super::{JOINED_ROW, Joining, MOST_INPUTS, Place};
use crate::query::{At, Join, Side};
use crate::state::StateError;

impl<Q: Join, S: Sink<Q>> Joining<Q, S> {
    /// A record of a table, which is held, changes the joined rows that it is part of.
    pub(super) fn change(
        &mut self,
        place: Place,
        timestamp: i64,
        is_row: bool,
    ) -> Result<(), StateError> {
        let input = place.input;
        let mut wire = std::mem::take(&mut self.wire);
        let mut row = std::mem::take(&mut self.row);
        wire.clear();
        row.clear();
        if let Some(held) = self.inputs.get(input) {
            wire.extend_from_slice(held.wire());
            row.extend_from_slice(held.body());
        }
        let now = is_row.then_some((timestamp, row.as_slice()));
        let done = self.change_to(place, &wire, now, timestamp);
        (self.wire, self.row) = (wire, row);
        done
    }

    fn change_to(
        &mut self,
        place: Place,
        wire: &[u8],
        now: Option<(i64, &[u8])>,
        timestamp: i64,
    ) -> Result<(), StateError> {
        let input = place.input;
        let by_column = self.by_column();
        // The row before, and where it stood.
        let mut before = std::mem::take(&mut self.before);
        before.clear();
        let was = self.kept.get(&self.store, input, wire)?;
        let was = was
            .map(|(_, body)| before.extend_from_slice(body))
            .is_some();
        self.kept.set(input, wire, now);
        let was = was.then_some(before.as_slice());
        let change = Changed {
            input,
            wire,
            was,
            now: now.map(|(_, body)| body),
        };
        let done = match (by_column, input) {
            (true, 0) => {
                let named = self.names(place, wire, change.was, timestamp)?;
                let names = self.names(place, wire, change.now, timestamp)?;
                if named != names {
                    if let Some(named) = &named {
                        self.named.set(named, wire, false);
                    }
                    if let Some(names) = &names {
                        self.named.set(names, wire, true);
                    }
                }
                self.tell_change(
                    place,
                    wire,
                    &change,
                    (named.as_deref(), names.as_deref()),
                    timestamp,
                )
            }
            (true, 1) => {
                let mut done = Ok(());
                for key in self.named.of(&self.store, wire)? {
                    done =
                        self.tell_change(place, &key, &change, (Some(wire), Some(wire)), timestamp);
                    if done.is_err() {
                        break;
                    }
                }
                done
            }
            (true, _) => {
                let left = self.kept.get(&self.store, 0, wire)?;
                let left = left.map(|(_, body)| body.to_vec());
                let names = self.names(place, wire, left.as_deref(), timestamp)?;
                self.tell_change(
                    place,
                    wire,
                    &change,
                    (names.as_deref(), names.as_deref()),
                    timestamp,
                )
            }
            (false, _) => {
                self.tell_change(place, wire, &change, (Some(wire), Some(wire)), timestamp)
            }
        };
        self.before = before;
        done
    }

    /// Whether the first join is by a column of the first table.
    fn by_column(&self) -> bool {
        self.joins
            .first()
            .is_some_and(|join| join.form == JoinForm::ForeignKey)
    }

    /// The key of the second table that a row of the first names.
    fn names(
        &mut self,
        place: Place,
        wire: &[u8],
        body: Option<&[u8]>,
        timestamp: i64,
    ) -> Result<Option<Vec<u8>>, StateError> {
        let Some(body) = body else {
            return Ok(None);
        };
        let held = self
            .inputs
            .first_mut()
            .is_some_and(|held| held.hold(wire, body));
        if !held {
            return Err(self.store.damaged(JOINED_ROW));
        }
        self.have = Have::default();
        self.set_have(0, true);
        // No row is left out for want of what it names.
        let known = self.on_of(0, Side::Left, place, timestamp)?;
        Ok(known.then(|| self.on.clone()))
    }

    /// Tells how the joined row of a key changed, where the second table's row is that of the keys in `names`, before and now.
    fn tell_change(
        &mut self,
        place: Place,
        key: &[u8],
        changed: &Changed<'_>,
        names: (Option<&[u8]>, Option<&[u8]>),
        timestamp: i64,
    ) -> Result<(), StateError> {
        let by_column = self.by_column();
        let Joining {
            query,
            inputs,
            joins,
            kept,
            scratch,
            store,
            outputs,
            sink,
            ..
        } = self;
        let (query, scratch) = (&*query, &*scratch);
        let mut latest = timestamp;
        let (mut had, mut have) = (Have::default(), Have::default());
        // Whether another row than now was there before.
        let mut other = Have::default();
        let slots = had.iter_mut().zip(&mut have).zip(&mut other);
        for ((index, held), ((had, have), other)) in inputs.iter_mut().enumerate().zip(slots) {
            let (was, is) = match (by_column, index) {
                (true, 1) => names,
                _ => (Some(key), Some(key)),
            };
            let row = |key: &[u8]| changed.input == index && changed.wire == key;
            if let Some(is) = is {
                if row(is) {
                    *have = changed.now.is_some_and(|body| held.hold(is, body));
                } else if let Some((of_row, body)) = kept.get(store, index, is)? {
                    latest = latest.max(of_row);
                    *have = held.hold(is, body);
                }
            }
            *had = *have;
            *other = was != is || was.is_some_and(row);
            if *other {
                *had = match was {
                    Some(was) if row(was) => {
                        changed.was.is_some_and(|body| held.hold_before(was, body))
                    }
                    Some(was) => match kept.get(store, index, was)? {
                        Some((_, body)) => held.hold_before(was, body),
                        None => false,
                    },
                    None => false,
                };
            }
        }
        let at = At {
            scratch,
            timestamp: latest,
            partition: place.partition,
            offset: place.offset,
            sequence: place.sequence,
            exploded: &[],
        };
        let had = matched(joins, &mut had).then_some(had);
        let have = matched(joins, &mut have).then_some(have);
        let mut old_parts = [None; MOST_INPUTS];
        let mut parts = [None; MOST_INPUTS];
        if let Some(had) = &had {
            fill(inputs, had, &mut old_parts);
            for ((part, held), (had, other)) in old_parts
                .iter_mut()
                .zip(inputs.iter())
                .zip(had.iter().zip(other))
            {
                if *had && other {
                    *part = held.before();
                }
            }
        }
        if let Some(have) = &have {
            fill(inputs, have, &mut parts);
        }
        let was = match had {
            Some(_) => Some(row_of::<Q>(&old_parts, inputs.len(), store)?),
            None => None,
        };
        let is = match have {
            Some(_) => Some(row_of::<Q>(&parts, inputs.len(), store)?),
            None => None,
        };
        let unsets = by_column && changed.input == 0 && changed.was.is_some();
        if was.is_none() && is.is_none() && !unsets {
            return Ok(());
        }
        let with = With {
            query,
            store,
            outputs,
            place,
            // No query reads a windowed table as one.
            window: &[],
        };
        let first = inputs.first();
        let key = first.map_or(key, |first| first.unframed(key));
        sink.change(with, &at, key, Change { was, is, unsets })
    }
}

/// How a table changed.
struct Changed<'c> {
    input: usize,
    /// The key of its row.
    wire: &'c [u8],
    was: Option<&'c [u8]>,
    now: Option<&'c [u8]>,
}

/// Whether there is a joined row where these inputs have one; those whose row the joins do not give have none any more.
pub(super) fn matched(joins: &[plan::Join<'_>], have: &mut Have) -> bool {
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
