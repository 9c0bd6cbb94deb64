//! What comes of joined rows: results at once, or groups of them.
//!
//! Invariant: a sink is given rows in the order in which the join makes them; what it keeps is written with what the join keeps.
//! On a query's thread.

use std::sync::Arc;

use rocksdb::{BoundColumnFamily, WriteBatch};

use super::super::keeping::{Keeping, Stop};
use super::super::output::Outputs;
use super::super::store::{Counts, QueryStore};
use super::Place;
use crate::query::{Aggregate, At, Groups, Join, Project, Row, Scratch};
use crate::state::StateError;

/// What a sink works with.
pub(in super::super) struct With<'a, 'o, Q> {
    pub(super) query: &'a Q,
    pub(super) store: &'o QueryStore,
    pub(super) outputs: &'o mut Outputs,
    pub(super) place: Place,
    /// The window's part of the key of what is joined; empty without windows.
    pub(super) window: &'o [u8],
}

/// A row of before a change, and the one behind it.
pub(in super::super) struct Change<'a, Q: Join> {
    pub(super) was: Option<Row<'a, Q::Inputs>>,
    pub(super) is: Option<Row<'a, Q::Inputs>>,
    /// That there is no row is told though there was none: Kafka Streams does not ask whether the old row of a first table, whose
    /// rows name those of a second, had come to one.
    pub(super) unsets: bool,
}

/// Takes joined rows.
pub(in super::super) trait Sink<Q: Join> {
    /// Whether it keeps something in memory.
    const KEEPS: bool;

    /// A row of a stream.
    fn row<'a>(
        &mut self,
        with: With<'a, '_, Q>,
        at: &At<'a>,
        row: Row<'a, Q::Inputs>,
    ) -> Result<(), StateError>;

    /// The row of a table's key changed; the key without a frame.
    fn change<'a>(
        &mut self,
        with: With<'a, '_, Q>,
        at: &At<'a>,
        key: &[u8],
        change: Change<'a, Q>,
    ) -> Result<(), StateError>;

    /// Everything is as it is stored.
    fn forget(&mut self, store: &QueryStore, counts: Counts) -> Result<(), StateError>;

    /// Whether there is no room for more.
    fn is_full(&self) -> bool;

    /// Whether results were made, or are to be made, since the last write.
    fn has_changed(&self) -> bool;

    /// Makes the results that wait for a write.
    fn tell(
        &mut self,
        query: &Q,
        scratch: &mut Scratch,
        outputs: &mut Outputs,
    ) -> Result<(), StateError>;

    /// Finds what leaves with the write that follows.
    fn close(&mut self, store: &QueryStore) -> Result<(), StateError>;

    /// Puts what changed into a batch.
    fn store(&mut self, batch: &mut WriteBatch, family: &Arc<BoundColumnFamily<'_>>);

    /// The batch is written.
    fn wrote(&mut self);

    /// How many windows are open, where it has windows.
    fn open(&self) -> Option<u64> {
        None
    }

    /// How many rows came too late, and how many had no key: those stored, and those the sink left out since.
    fn left_out(&self) -> (u64, u64);
}

/// A result for each row.
#[derive(Debug, Default)]
pub(in super::super) struct Projected {
    key: Vec<u8>,
    made: bool,
    /// As they are stored.
    counts: Counts,
}

impl Projected {
    fn make<'a, Q: Join + Project<Input = <Q as Join>::Inputs>>(
        &mut self,
        with: With<'a, '_, Q>,
        at: &At<'a>,
        row: Row<'a, Q::Inputs>,
    ) -> Result<(), StateError> {
        let With {
            query,
            store,
            outputs,
            place,
            window,
        } = with;
        self.key.clear();
        let new_key = query
            .new_key(at, row, true, &mut self.key)
            .map(|known| known.then_some(self.key.as_slice()));
        let mut made = |at: &At<'a>| {
            let result = query.project(at, row);
            outputs
                .row::<Q::Output>(result, new_key, window, at.scratch, at.timestamp)
                .map_err(|wrong| store.impossible(place, &wrong))
        };
        self.made = true;
        if Q::EXPLODES {
            let arrays = query.explode(at, row);
            at.of_rows(arrays).try_for_each(|at| made(&at))
        } else {
            made(at)
        }
    }
}

impl<Q: Join + Project<Input = <Q as Join>::Inputs>> Sink<Q> for Projected {
    const KEEPS: bool = false;

    #[inline]
    fn row<'a>(
        &mut self,
        with: With<'a, '_, Q>,
        at: &At<'a>,
        row: Row<'a, Q::Inputs>,
    ) -> Result<(), StateError> {
        match with.query.keep(at, row) {
            true => self.make(with, at, row),
            false => Ok(()),
        }
    }

    fn change<'a>(
        &mut self,
        with: With<'a, '_, Q>,
        at: &At<'a>,
        key: &[u8],
        change: Change<'a, Q>,
    ) -> Result<(), StateError> {
        let query = with.query;
        let shown = |row: &Row<'a, Q::Inputs>| query.keep(at, *row);
        match change.is.filter(shown) {
            Some(row) => self.make(with, at, row)?,
            None if change.unsets || change.was.as_ref().is_some_and(shown) => {
                with.outputs.gone(Some(key), with.window, at.timestamp);
                self.made = true;
            }
            None => {}
        }
        Ok(())
    }

    fn forget(&mut self, _: &QueryStore, counts: Counts) -> Result<(), StateError> {
        (self.made, self.counts) = (false, counts);
        Ok(())
    }

    fn is_full(&self) -> bool {
        false
    }

    fn has_changed(&self) -> bool {
        self.made
    }

    fn tell(&mut self, _: &Q, _: &mut Scratch, _: &mut Outputs) -> Result<(), StateError> {
        Ok(())
    }

    fn close(&mut self, _: &QueryStore) -> Result<(), StateError> {
        Ok(())
    }

    fn store(&mut self, _: &mut WriteBatch, _: &Arc<BoundColumnFamily<'_>>) {}

    fn wrote(&mut self) {
        self.made = false;
    }

    fn left_out(&self) -> (u64, u64) {
        (self.counts.late, self.counts.keyless)
    }
}

/// Groups of joined rows.
#[derive(Debug)]
pub(in super::super) struct Grouped<G>(pub(super) Keeping<G>);

fn told(stop: Stop, store: &QueryStore, place: Place) -> StateError {
    match stop {
        Stop::State(error) => error,
        Stop::Overflow(overflow) => store.impossible(place, &overflow),
    }
}

impl<G: Groups, Q: Join + Aggregate<Input = <Q as Join>::Inputs, Groups = G>> Sink<Q>
    for Grouped<G>
{
    const KEEPS: bool = true;

    #[inline]
    fn row<'a>(
        &mut self,
        with: With<'a, '_, Q>,
        at: &At<'a>,
        row: Row<'a, Q::Inputs>,
    ) -> Result<(), StateError> {
        self.0
            .add(with.query, with.store, with.outputs, at, row)
            .map_err(|stop| told(stop, with.store, with.place))
    }

    fn change<'a>(
        &mut self,
        with: With<'a, '_, Q>,
        at: &At<'a>,
        _: &[u8],
        change: Change<'a, Q>,
    ) -> Result<(), StateError> {
        let With {
            query,
            store,
            outputs,
            place,
            ..
        } = with;
        let Change { was, is, .. } = change;
        if let Some(was) = was {
            // Within a group a row is replaced in one step.
            let replaced = is.is_some_and(|is| self.0.is_one_group(query, (at, was), (at, is)));
            self.0
                .remove(query, store, outputs, at, was, (at.timestamp, replaced))
                .map_err(|stop| told(stop, store, place))?;
        }
        match is {
            Some(is) => self
                .0
                .add(query, store, outputs, at, is)
                .map_err(|stop| told(stop, store, place)),
            None => Ok(()),
        }
    }

    fn forget(&mut self, store: &QueryStore, counts: Counts) -> Result<(), StateError> {
        self.0.forget(store, counts)
    }

    fn is_full(&self) -> bool {
        self.0.is_full()
    }

    fn has_changed(&self) -> bool {
        self.0.has_changed()
    }

    fn tell(
        &mut self,
        query: &Q,
        scratch: &mut Scratch,
        outputs: &mut Outputs,
    ) -> Result<(), StateError> {
        self.0.tell(query, scratch, outputs)
    }

    fn close(&mut self, store: &QueryStore) -> Result<(), StateError> {
        self.0.close(store)
    }

    fn store(&mut self, batch: &mut WriteBatch, family: &Arc<BoundColumnFamily<'_>>) {
        self.0.store(batch, family);
    }

    fn wrote(&mut self) {
        self.0.wrote();
    }

    fn open(&self) -> Option<u64> {
        self.0.open()
    }

    fn left_out(&self) -> (u64, u64) {
        (self.0.late(), self.0.keyless())
    }
}
