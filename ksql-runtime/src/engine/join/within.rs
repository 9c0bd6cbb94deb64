//! Two streams whose records lie within a time of each other.
//!
//! A record meets those of the other stream that wait, then waits itself, as long as one may come that it belongs to. Where the
//! join gives rows of its side alone it goes out alone once nothing can come any more: when time has passed its window and the
//! grace. Time is that of both streams' records in a partition.
//!
//! Invariant: a record that went out alone meets none afterwards; one that comes when its own window and grace are over is
//! left out, and counted.

use ksql_schema::query::plan::{JoinKind, Within};

use super::super::store;
use super::part::joined;
use super::waiting::{self, note_key, record_key};
use super::{JOINED_ROW, Joining, MOST_INPUTS, Taking};
use crate::query::{At, Join, Project, Side};
use crate::state::StateError;

/// Nothing written is a day, as in ksqlDB.
const GRACE: i64 = 24 * 60 * 60 * 1000;
/// No time was seen.
const NEVER: i64 = i64::MIN;

/// Where the two streams stand.
#[derive(Debug)]
pub(super) struct Clocks {
    pub(super) of: Vec<Clock>,
    /// Records that came too late.
    pub(super) late: u64,
}

/// Where time stands in a partition.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    pub(super) time: i64,
    pub(super) moved: bool,
    /// Everything noted before this is over.
    over: i64,
}

impl Clock {
    pub(super) fn at(time: Option<i64>) -> Clock {
        Clock {
            time: time.unwrap_or(NEVER),
            moved: false,
            over: NEVER,
        }
    }
}

/// How far before and after its own time a record of an input meets the other's, and the grace.
fn reach(within: Within, input: usize) -> (i64, i64, i64) {
    let grace = within.grace_ms.unwrap_or(GRACE);
    match input {
        0 => (within.before_ms, within.after_ms, grace),
        _ => (within.after_ms, within.before_ms, grace),
    }
}

/// Whether a record of an input goes out alone.
fn goes_alone(kind: JoinKind, input: usize) -> bool {
    match kind {
        JoinKind::Inner => false,
        JoinKind::Left => input == 0,
        JoinKind::Right => input == 1,
        JoinKind::Full => true,
    }
}

impl<Q: Join + Project<Input = <Q as Join>::Inputs>> Taking<Q> {
    /// A record meets those that wait.
    pub(super) fn meet(
        &mut self,
        within: Within,
        kind: JoinKind,
        input: usize,
        (partition, offset, sequence): (i32, i64, u64),
        timestamp: i64,
    ) -> Result<(), StateError> {
        let (before, after, grace) = reach(within, input);
        let mut on = std::mem::take(&mut self.on);
        on.clear();
        let mut have = [false; MOST_INPUTS];
        if let Some(own) = have.get_mut(input) {
            *own = true;
        }
        let side = match input {
            0 => Side::Left,
            _ => Side::Right,
        };
        let known = {
            let at = self.at((partition, offset, sequence), timestamp);
            let mut parts = [None; MOST_INPUTS];
            let row = joined::<Q>(&self.inputs, &have, &mut parts, &self.store)?;
            self.query.on(0, side, &at, row, &mut on)
        };
        self.on = on;
        // Such a record has no match and is left out, whichever rows the join gives.
        if !known {
            self.clocks.late = self.clocks.late.saturating_add(1);
            return Ok(());
        }
        let index = usize::try_from(partition).unwrap_or_default();
        let Some(clock) = self.clocks.of.get_mut(index) else {
            return Ok(());
        };
        if timestamp > clock.time {
            (clock.time, clock.moved) = (timestamp, true);
        }
        let now = clock.time;
        let closes = timestamp.saturating_add(after).saturating_add(grace);
        if closes < now {
            self.clocks.late = self.clocks.late.saturating_add(1);
            return Ok(());
        }
        let wire = self.inputs.get(input).map_or(&[][..], |held| held.wire());
        let own = self.inputs.get(input).and_then(|held| held.part());
        let kept = waiting::write(true, wire, own.map_or(&[], |own| own.body));
        self.end(partition, now)?;
        // What ended took the place of what was read.
        self.hold(input, &kept)?;
        let other = 1_usize.saturating_sub(input);
        let from = record_key(
            (other, partition),
            &self.on,
            timestamp.saturating_sub(before),
            0,
        );
        let to = record_key(
            (other, partition),
            &self.on,
            timestamp.saturating_add(after).saturating_add(1),
            0,
        );
        let met = self.waiting.range(&self.store, &from, &to)?;
        for (key, value) in &met {
            let time = waiting::time_of(key).ok_or_else(|| self.store.damaged(JOINED_ROW))?;
            let alone = self.hold(other, value)?;
            if alone && goes_alone(kind, other) {
                let mut value = value.clone();
                value.first_mut().into_iter().for_each(|alone| *alone = 0);
                self.waiting.put(key.clone(), Some(value));
            }
            let both = std::array::from_fn(|index| index < 2);
            self.tell(&both, (partition, offset, sequence), timestamp.max(time))?;
        }
        let key = record_key((input, partition), &self.on, timestamp, sequence);
        let alone = met.is_empty() && goes_alone(kind, input);
        let mut kept = kept;
        kept.first_mut()
            .into_iter()
            .for_each(|flag| *flag = alone.into());
        if alone {
            // Numbers stay in the order of coming; which input it is the record's key says.
            let note = note_key(store::ALONE, partition, closes, sequence);
            self.waiting.put(note, Some(key.clone()));
        }
        let until = closes.saturating_add(before);
        let note = note_key(store::EXPIRY, partition, until, sequence);
        self.waiting.put(note, Some(key.clone()));
        self.waiting.put(key, Some(kept));
        Ok(())
    }

    /// Ends what is over at a time: tells what goes out alone, forgets what nothing can meet.
    fn end(&mut self, partition: i32, now: i64) -> Result<(), StateError> {
        let index = usize::try_from(partition).unwrap_or_default();
        let Some(clock) = self.clocks.of.get_mut(index) else {
            return Ok(());
        };
        if clock.over >= now {
            return Ok(());
        }
        let since = std::mem::replace(&mut clock.over, now);
        for kind in [store::ALONE, store::EXPIRY] {
            let from = note_key(kind, partition, since, 0);
            let to = note_key(kind, partition, now, 0);
            for (note, key) in self.waiting.range(&self.store, &from, &to)? {
                self.waiting.put(note, None);
                let Some(value) = self.waiting.get(&self.store, &key)? else {
                    continue;
                };
                if kind == store::EXPIRY {
                    self.waiting.put(key, None);
                    continue;
                }
                let input = usize::from(key.get(1).copied().unwrap_or_default());
                let (alone, time) = (self.hold(input, &value)?, waiting::time_of(&key));
                let time = time.ok_or_else(|| self.store.damaged(JOINED_ROW))?;
                if alone {
                    let have = std::array::from_fn(|index| index == input);
                    self.tell(&have, (partition, 0, 0), time)?;
                    self.waiting.put(key, None);
                }
            }
        }
        Ok(())
    }

    /// Holds a record that waits.
    fn hold(&mut self, input: usize, value: &[u8]) -> Result<bool, StateError> {
        if let (Some((alone, wire, body)), Some(held)) =
            (waiting::read(value), self.inputs.get_mut(input))
            && held.hold(wire, body)
        {
            return Ok(alone);
        }
        Err(self.store.damaged(JOINED_ROW))
    }

    fn at(&self, (partition, offset, sequence): (i32, i64, u64), timestamp: i64) -> At<'_> {
        At {
            scratch: &self.scratch,
            timestamp,
            partition,
            offset,
            sequence,
            exploded: &[],
        }
    }

    /// Makes a result of what is held.
    fn tell(
        &mut self,
        have: &[bool; MOST_INPUTS],
        (partition, offset, sequence): (i32, i64, u64),
        timestamp: i64,
    ) -> Result<(), StateError> {
        let Taking {
            query,
            inputs,
            scratch,
            store,
            outputs,
            made,
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
        let mut parts = [None; MOST_INPUTS];
        let row = joined::<Q>(inputs, have, &mut parts, store)?;
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

impl<Q: Join + Project<Input = <Q as Join>::Inputs>> Joining<Q> {
    /// Takes up where time stood at the last write.
    pub(super) fn take_up_time(&mut self) -> Result<(), StateError> {
        let taking = &mut self.taking;
        let partitions = taking.places.iter().filter(|(input, _)| *input == 0);
        let mut of = Vec::new();
        for (_, partition) in partitions {
            of.push(Clock::at(taking.store.time(*partition)?));
        }
        taking.clocks.of = of;
        Ok(())
    }
}
