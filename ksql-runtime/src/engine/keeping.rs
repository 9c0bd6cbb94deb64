//! What an aggregation keeps: groups and their windows, how far time has come, and what of it changed.
//!
//! Invariant: a window takes rows until stream time is at its end and grace, where stream time is that of the group's
//! partition; behind it the window leaves. Rows change groups one by one, in the order in which they are added. Belongs to
//! a query's thread.

use std::sync::Arc;

use rocksdb::{BoundColumnFamily, WriteBatch};

use super::Emit;
use super::groups::{self, Group, GroupMap, Slot};
use super::joining::{Sessions, join, put};
use super::output::{Outputs, Target};
use super::store::{self, Counts, QueryStore};
use super::telling::Telling;
use super::windows::{self, Windows};
use crate::codec::frame;
use crate::entity::Window;
use crate::query::{Aggregate, At, Groups, Overflow, Row, Scratch};
use crate::state::{StateError, Table};

/// Groups whose windows close are looked at so many at a write.
const CLOSED_AT_ONCE: usize = 50_000;

/// How far time has come in a partition of the grouped keys.
#[derive(Debug, Clone, Copy)]
struct Time {
    /// The largest timestamp seen; the least there is where none was.
    stream: i64,
    stored: i64,
    /// No stored group has a window that closes before.
    closing: i64,
}

const NEVER: Time = Time {
    stream: i64::MIN,
    stored: i64::MIN,
    closing: i64::MIN,
};

/// What stops a query.
#[derive(Debug)]
pub(super) enum Stop {
    State(StateError),
    Overflow(Overflow),
}

impl From<StateError> for Stop {
    fn from(error: StateError) -> Stop {
        Stop::State(error)
    }
}

impl From<Overflow> for Stop {
    fn from(overflow: Overflow) -> Stop {
        Stop::Overflow(overflow)
    }
}

/// Groups, time, changes.
#[derive(Debug)]
pub(super) struct Keeping<G> {
    groups: GroupMap<G>,
    windows: Windows,
    emit: Emit,
    /// Stands before a group's key in the bytes that tell its partition.
    frame: Vec<u8>,
    times: Vec<Time>,
    /// Groups that changed since the last write, in the order of their first change.
    changed: Vec<usize>,
    late: u64,
    keyless: u64,
    /// Windows in the store, which are those that take rows.
    open: u64,
    key: Vec<u8>,
    other_key: Vec<u8>,
    most_bytes: usize,
}

impl<G: Groups> Keeping<G> {
    pub(super) fn new(
        table: &Table,
        output: &ksql_schema::Entity<'_>,
        target: Option<&Target>,
        emit: Emit,
        most_bytes: usize,
    ) -> Keeping<G> {
        let mut bytes = Vec::new();
        if let Some(target) = target.filter(|target| target.record_key) {
            frame::write(target.key_schema, &mut bytes);
        }
        Keeping {
            groups: GroupMap::new(),
            windows: Windows::of(output),
            emit,
            frame: bytes,
            times: vec![NEVER; table.settings.topic.partitions as usize],
            changed: Vec::new(),
            late: 0,
            keyless: 0,
            open: 0,
            key: Vec::new(),
            other_key: Vec::new(),
            most_bytes,
        }
    }

    /// Everything is as it is stored.
    pub(super) fn forget(&mut self, store: &QueryStore, counts: Counts) -> Result<(), StateError> {
        self.changed.clear();
        (self.late, self.keyless) = (counts.late, counts.keyless);
        self.open = match (counts.open, &self.windows) {
            (Some(open), _) => open,
            (None, Windows::None) => 0,
            (None, _) => store.windows()?,
        };
        for (partition, time) in (0_i32..).zip(&mut self.times) {
            let stream = store.time(partition)?.unwrap_or(i64::MIN);
            *time = Time {
                stream,
                stored: stream,
                closing: i64::MIN,
            };
        }
        self.groups.clear(store.has_no_group()?);
        Ok(())
    }

    /// How many windows were closed to a row that came too late.
    pub(super) fn late(&self) -> u64 {
        self.late
    }

    /// How many rows were in no group, for a part of the key was NULL.
    pub(super) fn keyless(&self) -> u64 {
        self.keyless
    }

    /// How many windows take rows still, as of the last write; nothing where there are no windows.
    pub(super) fn open(&self) -> Option<u64> {
        (self.windows != Windows::None).then_some(self.open)
    }

    pub(super) fn is_full(&self) -> bool {
        self.groups.bytes() >= self.most_bytes
    }

    pub(super) fn has_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// The group of a row; nothing where it belongs to none.
    fn group_of<'a, Q: Aggregate<Groups = G>>(
        &mut self,
        query: &'a Q,
        store: &QueryStore,
        at: &At<'a>,
        row: Row<'a, Q::Input>,
    ) -> Result<Option<usize>, StateError> {
        if !query.keep(at, row) {
            return Ok(None);
        }
        self.key.clear();
        if !query.key(at, row, &mut self.key) {
            self.keyless = self.keyless.saturating_add(1);
            return Ok(None);
        }
        let partitions = u32::try_from(self.times.len()).unwrap_or(u32::MAX);
        self.groups
            .find(&self.key, &self.frame, partitions, store, &self.windows)
            .map(Some)
    }

    /// Takes a row in.
    #[inline]
    pub(super) fn add<'a, Q: Aggregate<Groups = G>>(
        &mut self,
        query: &'a Q,
        store: &QueryStore,
        outputs: &mut Outputs,
        at: &At<'a>,
        row: Row<'a, Q::Input>,
    ) -> Result<(), Stop> {
        let Some(index) = self.group_of(query, store, at, row)? else {
            return Ok(());
        };
        let Some(group) = self.groups.get_mut(index) else {
            return Ok(());
        };
        let time = usize::try_from(group.partition)
            .ok()
            .and_then(|partition| self.times.get_mut(partition));
        let (before, stream) = time.map_or((i64::MIN, at.timestamp), |time| {
            let before = time.stream;
            time.stream = before.max(at.timestamp);
            (before, time.stream)
        });
        if !group.dirty {
            group.dirty = true;
            self.changed.push(index);
        }
        let mut telling = Telling {
            windows: &self.windows,
            outputs,
            each: self.emit == Emit::Each,
        };
        let slots = group.slots.len();
        // What accumulators held, and hold now.
        let mut held = (0_usize, 0_usize);
        match &self.windows {
            Windows::None => {
                let window = Window { start: 0, end: 0 };
                let slot = put(query, at, row, group, 0, window)?;
                count(&mut held, group.slots.get_mut(slot));
                telling.changed(query, at.scratch, group, slot);
            }
            Windows::Fixed {
                sizes,
                advance,
                grace,
            } => {
                for (target, size) in sizes.iter().enumerate() {
                    for start in windows::starts(at.timestamp, *size, advance.unwrap_or(*size)) {
                        let end = start.saturating_add(*size);
                        if windows::is_closed(end, *grace, stream) {
                            self.late = self.late.saturating_add(1);
                            continue;
                        }
                        let slot = put(query, at, row, group, target, Window { start, end })?;
                        count(&mut held, group.slots.get_mut(slot));
                        telling.changed(query, at.scratch, group, slot);
                    }
                }
            }
            Windows::Session {
                gap,
                grace,
                retention,
            } => {
                let sessions = Sessions {
                    gap: *gap,
                    grace: *grace,
                    retention: *retention,
                    stream,
                    before,
                };
                match join(query, at, row, group, sessions, &mut telling)? {
                    Some(counted) => held = counted,
                    None => self.late = self.late.saturating_add(1),
                }
            }
        }
        let slots = group.slots.len().saturating_sub(slots) * size_of::<Slot<G>>();
        self.groups.changed(held.0, held.1.saturating_add(slots));
        Ok(())
    }

    /// Whether two rows are in one group.
    pub(super) fn is_one_group<'q: 'a + 'b, 'a, 'b, Q: Aggregate<Groups = G>>(
        &mut self,
        query: &'q Q,
        one: (&At<'a>, Row<'a, Q::Input>),
        other: (&At<'b>, Row<'b, Q::Input>),
    ) -> bool {
        self.key.clear();
        self.other_key.clear();
        query.keep(one.0, one.1)
            && query.keep(other.0, other.1)
            && query.key(one.0, one.1, &mut self.key)
            && query.key(other.0, other.1, &mut self.other_key)
            && self.key == self.other_key
    }

    /// Takes a row out that was taken in before; the change has a timestamp of its own. It is not told where another row takes
    /// its place in the group at once.
    pub(super) fn remove<'a, Q: Aggregate<Groups = G>>(
        &mut self,
        query: &'a Q,
        store: &QueryStore,
        outputs: &mut Outputs,
        at: &At<'a>,
        row: Row<'a, Q::Input>,
        (timestamp, replaced): (i64, bool),
    ) -> Result<(), Stop> {
        let keyless = self.keyless;
        let Some(index) = self.group_of(query, store, at, row)? else {
            // It was counted when it came.
            self.keyless = keyless;
            return Ok(());
        };
        let Some(group) = self.groups.get_mut(index) else {
            return Ok(());
        };
        let Some(slot) = group.slots.first_mut() else {
            return Ok(());
        };
        query.undo(at, row, &mut slot.groups)?;
        let (before, now) = slot.count();
        slot.timestamp = slot.timestamp.max(timestamp);
        slot.dirty = true;
        if !group.dirty {
            group.dirty = true;
            self.changed.push(index);
        }
        let mut telling = Telling {
            windows: &self.windows,
            outputs,
            each: self.emit == Emit::Each && !replaced,
        };
        telling.changed(query, at.scratch, group, 0);
        self.groups.changed(before, now);
        Ok(())
    }

    /// Makes the results of what changed, where that was not done with each change.
    pub(super) fn tell<Q: Aggregate<Groups = G>>(
        &mut self,
        query: &Q,
        scratch: &mut Scratch,
        outputs: &mut Outputs,
    ) -> Result<(), StateError> {
        for index in &self.changed {
            let Some(group) = self.groups.get_mut(*index) else {
                continue;
            };
            scratch.reset();
            let mut telling = Telling {
                windows: &self.windows,
                outputs,
                each: true,
            };
            telling.gone::<Q>(scratch, group);
            for slot in 0..group.slots.len() {
                if group.slots.get(slot).is_some_and(|slot| slot.dirty) {
                    telling.changed(query, scratch, group, slot);
                }
            }
            outputs.send_on()?;
        }
        Ok(())
    }

    /// Finds the groups with windows that nothing more can fall into: those windows leave with the write that follows.
    pub(super) fn close(&mut self, store: &QueryStore) -> Result<(), StateError> {
        if self.windows == Windows::None {
            return Ok(());
        }
        let partitions = u32::try_from(self.times.len()).unwrap_or(u32::MAX);
        for (partition, time) in (0_i32..).zip(&mut self.times) {
            if time.closing > time.stream || time.stream == i64::MIN {
                continue;
            }
            let (keys, next) =
                store.closing(partition, time.closing, time.stream, CLOSED_AT_ONCE)?;
            time.closing = next;
            for key in keys {
                let index =
                    self.groups
                        .find(&key, &self.frame, partitions, store, &self.windows)?;
                if let Some(group) = self.groups.get_mut(index)
                    && !group.dirty
                {
                    group.dirty = true;
                    self.changed.push(index);
                }
            }
        }
        Ok(())
    }

    /// Puts everything that changed into a batch, in the order of the keys, which is what RocksDB writes fastest. Windows that
    /// take nothing more are left out.
    pub(super) fn store(&mut self, batch: &mut WriteBatch, family: &Arc<BoundColumnFamily<'_>>) {
        let (mut key, mut value) = (Vec::new(), Vec::new());
        let mut left = 0_usize;
        let groups = &self.groups;
        self.changed
            .sort_unstable_by(|one, other| groups.key(*one).cmp(groups.key(*other)));
        let mut notes = Notes::default();
        for index in self.changed.drain(..) {
            let Some(group) = self.groups.get_mut(index) else {
                continue;
            };
            let time = usize::try_from(group.partition)
                .ok()
                .and_then(|partition| self.times.get_mut(partition));
            if let Some(time) = &time {
                left = left.saturating_add(leave(group, &self.windows, time.stream));
            }
            let now = group.slots.len();
            self.open = self
                .open
                .saturating_add(now as u64)
                .saturating_sub(group.stored_slots as u64);
            group.stored_slots = now;
            group.dirty = false;
            key.clear();
            key.push(store::GROUP);
            key.extend_from_slice(&group.key);
            if group.slots.is_empty() {
                batch.delete_cf(family, &key);
            } else {
                value.clear();
                groups::write(&group.slots, &mut value);
                batch.put_cf(family, &key, &value);
            }
            let closing = groups::closing(&group.slots, &self.windows);
            if group.stored_closing != closing {
                if let Some(before) = group.stored_closing {
                    notes.note(false, group.partition, before, &group.key);
                }
                if let Some(closing) = closing {
                    notes.note(true, group.partition, closing, &group.key);
                }
                group.stored_closing = closing;
            }
            if let (Some(time), Some(closing)) = (time, closing) {
                time.closing = time.closing.min(closing);
            }
        }
        notes.put(batch, family);
        self.groups.changed(left, 0);
        for (partition, time) in (0_i32..).zip(&mut self.times) {
            if time.stored != time.stream {
                store::put_time(batch, family, partition, time.stream);
                time.stored = time.stream;
            }
        }
    }

    /// Whether nothing need be forgotten when the batch is written, so that rows may be taken beside that.
    pub(super) fn may_take_on(&self) -> bool {
        self.groups.bytes() <= self.most_bytes / 4 * 3
    }

    /// The batch is written. What changed meanwhile stays.
    pub(super) fn wrote(&mut self) {
        match self.changed.is_empty() {
            true => self.groups.shrink(self.most_bytes / 4 * 3),
            false => self.groups.turn(),
        }
    }
}

/// Which groups close when, as it is written and deleted with them.
#[derive(Debug, Default)]
struct Notes {
    bytes: Vec<u8>,
    /// Where each begins and ends, and whether it is written.
    notes: Vec<(usize, usize, bool)>,
}

impl Notes {
    fn note(&mut self, stays: bool, partition: i32, closes: i64, group: &[u8]) {
        let start = self.bytes.len();
        store::closing_key(partition, closes, group, &mut self.bytes);
        self.notes.push((start, self.bytes.len(), stays));
    }

    fn put(mut self, batch: &mut WriteBatch, family: &Arc<BoundColumnFamily<'_>>) {
        let key = |start: usize, end: usize| self.bytes.get(start..end).unwrap_or_default();
        self.notes
            .sort_unstable_by(|one, other| key(one.0, one.1).cmp(key(other.0, other.1)));
        for (start, end, stays) in &self.notes {
            match stays {
                true => batch.put_cf(family, key(*start, *end), []),
                false => batch.delete_cf(family, key(*start, *end)),
            }
        }
    }
}

/// Adds what a slot held before a change, and after it.
#[inline]
fn count<G: Groups>((before, now): &mut (usize, usize), slot: Option<&mut Slot<G>>) {
    if let Some((was, is)) = slot.map(Slot::count) {
        *before = before.saturating_add(was);
        *now = now.saturating_add(is);
    }
}

/// Removes the windows of a group that nothing more can fall into.
///
/// The one place where windows leave: who makes final rows of them takes them here. Says how many bytes they held.
fn leave<G: Groups>(group: &mut Group<G>, windows: &Windows, stream: i64) -> usize {
    let mut left = 0_usize;
    let mut stays = |slot: &Slot<G>, stays: bool| {
        if !stays {
            left = left
                .saturating_add(slot.counted())
                .saturating_add(size_of::<Slot<G>>());
        }
        stays
    };
    match windows {
        Windows::None => {}
        Windows::Fixed { grace, .. } => {
            group
                .slots
                .retain(|slot| stays(slot, !windows::is_closed(slot.window.end, *grace, stream)));
        }
        Windows::Session { retention, .. } => {
            let closes = |slot: &Slot<G>| windows::session_closes(slot.window.end, *retention);
            group
                .slots
                .retain(|slot| stays(slot, closes(slot) > stream));
        }
    }
    left
}
