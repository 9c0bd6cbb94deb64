//! Two streams whose records lie within a time of each other.
//!
//! A record meets those of the other side that wait, then waits itself, as long as one may come that it belongs to. Where the
//! join gives rows of its side alone it goes out alone once nothing can come any more: when time has passed its window and the
//! grace. Time is that of both sides' records in a partition of what is compared.
//!
//! Invariant: a record that went out alone meets none afterwards; one that comes when its own window and grace are over is
//! left out, and counted. What comes out of a join leaves what is held of the inputs before it as it was.

use ksql_schema::query::plan::{Join as Joined, JoinForm, JoinKind, Within};

use super::super::store;
use super::bucket::{Met, Of, bucket_key, side_of};
use super::clocks::Clocks;
use super::part::{Have, pack, unpack};
use super::sink::Sink;
use super::waiting::{note_key, noted};
use super::{JOINED_ROW, Joining, Place};
use crate::log::partition::partition_for_key;
use crate::query::{Join, Side};
use crate::state::StateError;

/// Nothing written is a day, as in ksqlDB.
const GRACE: i64 = 24 * 60 * 60 * 1000;

/// What a record of one side reaches.
#[derive(Debug, Clone, Copy)]
struct Reach {
    before: i64,
    after: i64,
    grace: i64,
    /// How long a time a bucket is of.
    width: i64,
}

/// How far before and after its own time a record of a side meets the other's, and the grace.
fn reach(within: Within, side: Side) -> Reach {
    let (before, after) = match side {
        Side::Left => (within.before_ms, within.after_ms),
        Side::Right => (within.after_ms, within.before_ms),
    };
    Reach {
        before,
        after,
        grace: within.grace_ms.unwrap_or(GRACE),
        width: before.saturating_add(after).saturating_add(1).max(1),
    }
}

/// Whether a record of a side goes out alone.
fn goes_alone(kind: JoinKind, side: Side) -> bool {
    match kind {
        JoinKind::Inner => false,
        JoinKind::Left => side == Side::Left,
        JoinKind::Right => side == Side::Right,
        JoinKind::Full => true,
    }
}

fn other(side: Side) -> Side {
    match side {
        Side::Left => Side::Right,
        Side::Right => Side::Left,
    }
}

/// Of each join the number of a bucket behind all that were taken.
pub(super) fn behind_all(joins: &[Joined<'_>], clocks: &Clocks) -> Vec<i64> {
    let number = |(node, join): (usize, &Joined<'_>)| match join.form {
        JoinForm::Within(within) => {
            let time = clocks.latest(node);
            // Both sides have one width.
            time.div_euclid(reach(within, Side::Left).width)
                .saturating_add(1)
        }
        _ => i64::MIN,
    };
    joins.iter().enumerate().map(number).collect()
}

impl<Q: Join, S: Sink<Q>> Joining<Q, S> {
    /// A record that is held meets those of the other side that wait.
    pub(super) fn meet(
        &mut self,
        node: usize,
        (kind, within): (JoinKind, Within),
        side: Side,
        place: Place,
        timestamp: i64,
    ) -> Result<(), StateError> {
        if !self.compared(node, side, place, timestamp)? {
            return Ok(());
        }
        // What comes of it compares and meets too.
        let on = std::mem::take(&mut self.on);
        let mut met = std::mem::take(&mut self.met);
        let done = self.met_by(
            node,
            (kind, within),
            side,
            &on,
            &mut met,
            (place, timestamp),
        );
        (self.on, self.met) = (on, met);
        done
    }

    fn met_by(
        &mut self,
        node: usize,
        (kind, within): (JoinKind, Within),
        side: Side,
        on: &[u8],
        met: &mut Met,
        (place, timestamp): (Place, i64),
    ) -> Result<(), StateError> {
        let Reach {
            before,
            after,
            grace,
            width,
        } = reach(within, side);
        // A record lies where its inner key does, whatever its window.
        let inner = on.len().saturating_sub(self.window);
        let partition = partition_for_key(on.get(..inner).unwrap_or(on), self.partitions);
        let Some(clock) = self.clocks.get(node, partition) else {
            return Ok(());
        };
        let now = clock.advance(timestamp);
        let closes = timestamp.saturating_add(after).saturating_add(grace);
        if closes < now {
            self.late = self.late.saturating_add(1);
            return Ok(());
        }
        let mut own = std::mem::take(&mut self.own);
        own.clear();
        let (first, last) = inputs_of(node, side);
        pack(
            self.inputs.get(first..last).unwrap_or_default(),
            self.have.get(first..last).unwrap_or_default(),
            &mut own,
        );
        if self.end(node, partition, place)? {
            // What ended took the place of what was held.
            self.have = Have::default();
            self.hold(node, side, &own)?;
        }
        // Behind what goes out alone, which lies there.
        self.expire(node, partition, width)?;
        let reached = (
            timestamp.saturating_sub(before),
            timestamp.saturating_add(after),
            width,
        );
        let across = Of {
            node,
            side: other(side),
        };
        self.waiting.meet(&self.store, across, on, reached, met)?;
        let alone = met.records.is_empty() && goes_alone(kind, side);
        for record in &met.records {
            let parts = met.bytes.get(record.parts.clone()).unwrap_or_default();
            self.hold(node, across.side, parts)?;
            self.arrive(node.saturating_add(1), place, timestamp.max(record.time))?;
        }
        self.have_only(node, side);
        let mut bucket = std::mem::take(&mut self.key);
        let number = timestamp.div_euclid(width);
        bucket_key(&mut bucket, Of { node, side }, on, number);
        // Not that of the record: several rows that come of one may wait here.
        let own_number = self.sequence;
        self.sequence = own_number.wrapping_add(1);
        if alone {
            let of = own_number.to_be_bytes();
            let note = note_key(store::ALONE, node, partition, closes, &of);
            self.waiting.note(note, Some(bucket.clone()));
            if let Some(clock) = self.clocks.get(node, partition) {
                clock.alone = clock.alone.min(closes);
            }
        }
        if !self.waiting.has(&self.store, &bucket)? {
            // Nothing in it is of use when its last time's reach is over.
            let until = number
                .saturating_add(1)
                .saturating_mul(width)
                .saturating_add(width)
                .saturating_add(grace);
            let note = note_key(store::EXPIRY, node, partition, until, &bucket);
            self.waiting.note(note, Some(Vec::new()));
        }
        let record = (timestamp, own_number, alone);
        self.waiting.put(&self.store, &bucket, record, &own)?;
        (self.key, self.own) = (bucket, own);
        Ok(())
    }

    /// Ends what is over in a partition: what goes out alone does, in the order of time. Whether something else is held now.
    fn end(&mut self, node: usize, partition: i32, place: Place) -> Result<bool, StateError> {
        let Some(clock) = self.clocks.get(node, partition) else {
            return Ok(false);
        };
        let (since, now) = (clock.alone, clock.time);
        if since >= now {
            return Ok(false);
        }
        let mut told = false;
        let mut parts = Vec::new();
        // Not from the first on: what was over before is deleted, and walking over it takes longer each time.
        let from = note_key(store::ALONE, node, partition, since, &[]);
        let to = note_key(store::ALONE, node, partition, now, &[]);
        let mut more = true;
        while more {
            let notes;
            (notes, more) = self.waiting.notes(&self.store, &from, &to)?;
            for (note, bucket) in notes {
                let number = noted(&note).and_then(|(_, of)| of.first_chunk::<8>());
                let number = number.map(|number| u64::from_be_bytes(*number));
                let number = number.ok_or_else(|| self.store.damaged(JOINED_ROW))?;
                self.waiting.note(note, None);
                let waiting = &mut self.waiting;
                let alone = waiting.take_alone(&self.store, &bucket, number, &mut parts)?;
                if let Some(time) = alone {
                    let side = side_of(&bucket);
                    self.have = Have::default();
                    self.hold(node, side, &parts)?;
                    self.arrive(node.saturating_add(1), place, time)?;
                    told = true;
                }
            }
        }
        let end = note_key(store::ALONE, node, partition, i64::MAX, &[]);
        let next = self.waiting.first_note(&self.store, &to, &end)?;
        if let Some(clock) = self.clocks.get(node, partition) {
            clock.alone = next.unwrap_or(i64::MAX);
        }
        Ok(told)
    }

    /// Forgets what nothing can meet any more in a partition. Nothing depends on when that is, so it is done for many at once.
    fn expire(&mut self, node: usize, partition: i32, width: i64) -> Result<(), StateError> {
        let Some(clock) = self.clocks.get(node, partition) else {
            return Ok(());
        };
        let (since, now) = (clock.expired, clock.time);
        if since.saturating_add(width / 4) >= now {
            return Ok(());
        }
        clock.expired = now;
        let from = note_key(store::EXPIRY, node, partition, since, &[]);
        let to = note_key(store::EXPIRY, node, partition, now, &[]);
        let mut more = true;
        while more {
            let notes;
            (notes, more) = self.waiting.notes(&self.store, &from, &to)?;
            for (note, _) in notes {
                let (_, bucket) = noted(&note).ok_or_else(|| self.store.damaged(JOINED_ROW))?;
                self.waiting.drop_bucket(&self.store, bucket)?;
                self.waiting.note(note, None);
            }
        }
        Ok(())
    }

    /// Holds a side of a join as it was kept.
    fn hold(&mut self, node: usize, side: Side, parts: &[u8]) -> Result<(), StateError> {
        let (first, last) = inputs_of(node, side);
        let (Some(inputs), Some(have)) = (
            self.inputs.get_mut(first..last),
            self.have.get_mut(first..last),
        ) else {
            return Ok(());
        };
        unpack(inputs, have, parts).map_err(|_| self.store.damaged(JOINED_ROW))
    }

    /// Of what is held only a side of a join counts.
    fn have_only(&mut self, node: usize, side: Side) {
        let (first, last) = inputs_of(node, side);
        for (input, has) in self.have.iter_mut().enumerate() {
            *has &= (first..last).contains(&input);
        }
    }
}

/// The inputs of a side of a join, and behind the last.
fn inputs_of(node: usize, side: Side) -> (usize, usize) {
    let right = node.saturating_add(1);
    match side {
        Side::Left => (0, right),
        Side::Right => (right, right.saturating_add(1)),
    }
}
