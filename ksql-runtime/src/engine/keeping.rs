//! What an aggregation keeps: groups and their windows, how far time has come, and what of it changed.
//!
//! Invariant: a window takes rows until stream time is at its end and grace, where stream time is that of the group's
//! partition; behind it the window leaves. Rows change groups one by one, in the order in which they are added. Belongs to
//! a query's thread.

use std::sync::Arc;

use rocksdb::{BoundColumnFamily, WriteBatch};

use super::Emit;
use super::groups::{self, Group, GroupMap, Slot};
use super::output::{Outputs, Target};
use super::store::{self, QueryStore};
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
    key: Vec<u8>,
    most_bytes: usize,
}

impl<G: Groups> Keeping<G> {
    pub(super) fn new(
        table: &Table,
        output: &ksql_schema::Entity<'_>,
        target: Option<&Target>,
        emit: Emit,
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
            key: Vec::new(),
            most_bytes: table.settings.gather_bytes,
        }
    }

    /// Everything is as it is stored.
    pub(super) fn forget(&mut self, store: &QueryStore, late: u64) -> Result<(), StateError> {
        self.changed.clear();
        self.late = late;
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
        let stream = time.map_or(at.timestamp, |time| {
            time.stream = time.stream.max(at.timestamp);
            time.stream
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
        match &self.windows {
            Windows::None => {
                let window = Window { start: 0, end: 0 };
                let slot = put(query, at, row, group, 0, window)?;
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
                        telling.changed(query, at.scratch, group, slot);
                    }
                }
            }
            Windows::Session { gap, grace, .. } => {
                let taken = join(query, at, row, group, (*gap, *grace), stream, &mut telling)?;
                if !taken {
                    self.late = self.late.saturating_add(1);
                }
            }
        }
        let added = group.slots.len().saturating_sub(slots);
        if added > 0 {
            self.groups.grew(added * size_of::<Slot<G>>());
        }
        Ok(())
    }

    /// Takes a row out that was taken in before; the change has a timestamp of its own.
    pub(super) fn remove<'a, Q: Aggregate<Groups = G>>(
        &mut self,
        query: &'a Q,
        store: &QueryStore,
        outputs: &mut Outputs,
        at: &At<'a>,
        row: Row<'a, Q::Input>,
        timestamp: i64,
    ) -> Result<(), Stop> {
        let Some(index) = self.group_of(query, store, at, row)? else {
            return Ok(());
        };
        let Some(group) = self.groups.get_mut(index) else {
            return Ok(());
        };
        let Some(slot) = group.slots.first_mut() else {
            return Ok(());
        };
        query.undo(at, row, &mut slot.groups)?;
        slot.timestamp = slot.timestamp.max(timestamp);
        slot.dirty = true;
        if !group.dirty {
            group.dirty = true;
            self.changed.push(index);
        }
        let mut telling = Telling {
            windows: &self.windows,
            outputs,
            each: self.emit == Emit::Each,
        };
        telling.changed(query, at.scratch, group, 0);
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
            if outputs.is_full() {
                outputs.send()?;
            }
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
            let (keys, next) = store.closing(partition, time.stream, CLOSED_AT_ONCE)?;
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

    /// Puts everything that changed into a batch. Windows that take nothing more are left out.
    pub(super) fn store(&mut self, batch: &mut WriteBatch, family: &Arc<BoundColumnFamily<'_>>) {
        let (mut key, mut value) = (Vec::new(), Vec::new());
        for index in self.changed.drain(..) {
            let Some(group) = self.groups.get_mut(index) else {
                continue;
            };
            let time = usize::try_from(group.partition)
                .ok()
                .and_then(|partition| self.times.get_mut(partition));
            if let Some(time) = &time {
                leave(group, &self.windows, time.stream);
            }
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
                    store::closing_key(group.partition, before, &group.key, &mut key);
                    batch.delete_cf(family, &key);
                }
                if let Some(closing) = closing {
                    store::closing_key(group.partition, closing, &group.key, &mut key);
                    batch.put_cf(family, &key, []);
                }
                group.stored_closing = closing;
            }
            if let (Some(time), Some(closing)) = (time, closing) {
                time.closing = time.closing.min(closing);
            }
        }
        for (partition, time) in (0_i32..).zip(&mut self.times) {
            if time.stored != time.stream {
                store::put_time(batch, family, partition, time.stream);
                time.stored = time.stream;
            }
        }
    }

    /// The batch is written.
    pub(super) fn wrote(&mut self) {
        self.groups.shrink(self.most_bytes / 4 * 3);
    }
}

/// Removes the windows of a group that nothing more can fall into.
///
/// The one place where windows leave: who makes final rows of them takes them here.
fn leave<G>(group: &mut Group<G>, windows: &Windows, stream: i64) {
    match windows {
        Windows::None => {}
        Windows::Fixed { grace, .. } => {
            group
                .slots
                .retain(|slot| !windows::is_closed(slot.window.end, *grace, stream));
        }
        Windows::Session {
            gap,
            grace,
            retention,
        } => {
            let sessions: Vec<Window> = group.slots.iter().map(|slot| slot.window).collect();
            let mut closings =
                windows::session_closings(&sessions, *gap, *grace, *retention).into_iter();
            group
                .slots
                .retain(|_| closings.next().is_none_or(|closing| closing > stream));
        }
    }
}

/// Takes a row into a window of its group; says which slot that is.
#[inline]
fn put<'a, Q: Aggregate>(
    query: &'a Q,
    at: &At<'a>,
    row: Row<'a, Q::Input>,
    group: &mut Group<Q::Groups>,
    target: usize,
    window: Window,
) -> Result<usize, Overflow> {
    let known = group
        .slots
        .iter_mut()
        .enumerate()
        .find(|(_, slot)| slot.window.start == window.start && slot.target == target);
    if let Some((index, slot)) = known {
        query.update(at, row, &mut slot.groups)?;
        slot.timestamp = slot.timestamp.max(at.timestamp);
        slot.dirty = true;
        return Ok(index);
    }
    group.slots.push(Slot {
        target,
        window,
        timestamp: at.timestamp,
        shown: false,
        dirty: true,
        groups: query.first(at, row)?,
    });
    Ok(group.slots.len().saturating_sub(1))
}

/// Takes a row into a session, joined with those it touches; `false` where it comes too late.
fn join<'a, Q: Aggregate>(
    query: &'a Q,
    at: &At<'a>,
    row: Row<'a, Q::Input>,
    group: &mut Group<Q::Groups>,
    (gap, grace): (i64, i64),
    stream: i64,
    telling: &mut Telling<'_>,
) -> Result<bool, Overflow> {
    let time = at.timestamp;
    let alone = Window {
        start: time,
        end: time,
    };
    let touches = |window: Window| {
        window.end >= time.saturating_sub(gap) && window.start <= time.saturating_add(gap)
    };
    let mut window = alone;
    for slot in group.slots.iter().filter(|slot| touches(slot.window)) {
        window.start = window.start.min(slot.window.start);
        window.end = window.end.max(slot.window.end);
    }
    if windows::is_late_session(window.end, gap, grace, stream) {
        return Ok(false);
    }
    let mut joined: Option<Q::Groups> = None;
    let mut shown = false;
    let mut index = 0;
    while let Some(slot) = group.slots.get(index) {
        if !touches(slot.window) {
            if slot.window.start > window.end {
                break;
            }
            index = index.saturating_add(1);
            continue;
        }
        let slot = group.slots.remove(index);
        if window == alone {
            // The same window: its row is replaced, not deleted.
            shown = slot.shown;
        } else if slot.shown {
            telling.is_gone::<Q>(at.scratch, group, slot.window, slot.timestamp);
        }
        match &mut joined {
            Some(joined) => joined.merge(slot.groups)?,
            None => joined = Some(slot.groups),
        }
    }
    let groups = match joined {
        Some(mut groups) => {
            query.update(at, row, &mut groups)?;
            groups
        }
        None => query.first(at, row)?,
    };
    group.slots.insert(
        index.min(group.slots.len()),
        Slot {
            target: 0,
            window,
            timestamp: window.end,
            shown,
            dirty: true,
            groups,
        },
    );
    telling.changed(query, at.scratch, group, index);
    Ok(true)
}

/// Makes results of changes.
struct Telling<'o> {
    windows: &'o Windows,
    outputs: &'o mut Outputs,
    /// At once, or when they are written.
    each: bool,
}

impl Telling<'_> {
    /// A slot changed: its row, or its deletion where it is not shown any more.
    fn changed<Q: Aggregate>(
        &mut self,
        query: &Q,
        scratch: &Scratch,
        group: &mut Group<Q::Groups>,
        index: usize,
    ) {
        if !self.each {
            return;
        }
        let Some(slot) = group.slots.get(index) else {
            return;
        };
        let shows = query.having(scratch, &group.key, slot.window, &slot.groups);
        if shows || slot.shown {
            let row = shows.then(|| query.finish(scratch, &group.key, slot.window, &slot.groups));
            let windowed = self.windows.session().map(|session| (slot.window, session));
            self.outputs.group::<Q::Output>(
                slot.target,
                &group.key,
                windowed,
                row,
                scratch,
                slot.timestamp,
            );
        }
        if let Some(slot) = group.slots.get_mut(index) {
            (slot.shown, slot.dirty) = (shows, false);
        }
    }

    /// A session whose row is shown is part of another now.
    fn is_gone<Q: Aggregate>(
        &mut self,
        scratch: &Scratch,
        group: &mut Group<Q::Groups>,
        window: Window,
        timestamp: i64,
    ) {
        group.gone.push((window, timestamp));
        if self.each {
            self.gone::<Q>(scratch, group);
        }
    }

    /// Deletes the rows of sessions that are part of others now. One that came to be again has its row replaced.
    fn gone<Q: Aggregate>(&mut self, scratch: &Scratch, group: &mut Group<Q::Groups>) {
        for (window, timestamp) in std::mem::take(&mut group.gone) {
            let again = group.slots.iter_mut().find(|slot| slot.window == window);
            if let Some(slot) = again {
                slot.shown = true;
                continue;
            }
            self.outputs.group::<Q::Output>(
                0,
                &group.key,
                Some((window, true)),
                None,
                scratch,
                timestamp,
            );
        }
    }
}
