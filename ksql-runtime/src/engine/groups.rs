//! The groups of a query in memory: found by key, loaded from the store where they are not there, written when they changed.
//!
//! Invariant: a group that changed since the last write is here; every other one may be forgotten at any time. All windows
//! of a key are one entry, here and in the store. Belongs to a query's thread.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::store::{GROUP, QueryStore};
use super::windows::{self, Windows};
use crate::codec::{DecodeError, Reader, write};
use crate::entity::Window;
use crate::log::partition::partition_for_key;
use crate::query::Groups;
use crate::state::StateError;

/// What is kept for a key in one window.
#[derive(Debug, Clone)]
pub(super) struct Slot<G> {
    /// Which of the query's targets.
    pub(super) target: usize,
    pub(super) window: Window,
    /// The largest timestamp so far.
    pub(super) timestamp: i64,
    /// Whether its row stands in the topic.
    pub(super) shown: bool,
    /// Whether it changed since it was last told.
    pub(super) dirty: bool,
    pub(super) groups: G,
    /// The bytes that `groups` holds beside its size, as they were counted last.
    owned: usize,
}

impl<G: Groups> Slot<G> {
    /// Of a first row, shown nowhere yet.
    #[inline]
    pub(super) fn new(target: usize, window: Window, timestamp: i64, groups: G) -> Slot<G> {
        Slot {
            target,
            window,
            timestamp,
            shown: false,
            dirty: true,
            groups,
            owned: 0,
        }
    }

    /// Counts again; gives what was counted before, and what is now.
    #[inline]
    pub(super) fn count(&mut self) -> (usize, usize) {
        let before = self.owned;
        self.owned = self.groups.owned();
        (before, self.owned)
    }

    /// What was counted.
    #[inline]
    pub(super) fn counted(&self) -> usize {
        self.owned
    }
}

/// What slots hold beside the one that every group is counted with.
fn held<G: Groups>(slots: &[Slot<G>]) -> usize {
    let owned: usize = slots.iter().map(Slot::counted).sum();
    owned.saturating_add(slots.len().saturating_sub(1) * size_of::<Slot<G>>())
}

/// What is kept for a key.
#[derive(Debug, Clone)]
pub(super) struct Group<G> {
    pub(super) key: Box<[u8]>,
    hash: u64,
    /// The partition the key would have in a topic of the source's size.
    pub(super) partition: i32,
    /// Sessions in the order of their starts.
    pub(super) slots: Vec<Slot<G>>,
    /// Sessions whose rows stand in the topic, and that are part of another now.
    pub(super) gone: Vec<(Window, i64)>,
    /// Whether it changed since it was last written.
    pub(super) dirty: bool,
    /// When its first window closes, as it stands in the store.
    pub(super) stored_closing: Option<i64>,
    /// How many windows of it stand in the store.
    pub(super) stored_slots: usize,
    touched: u64,
}

/// The groups in memory.
#[derive(Debug)]
pub(super) struct GroupMap<G> {
    groups: Vec<Group<G>>,
    index: HashTable<usize>,
    hasher: RandomState,
    /// Bytes beside the groups' own size: keys, further windows, and what accumulators hold.
    bytes: usize,
    /// Grows with every write.
    turn: u64,
    /// Whether every group of the store is here, so that one that is not here is new.
    whole: bool,
    stored: Vec<u8>,
}

/// What a group takes beside keys and slots: its place in the index.
const PLACE: usize = 2 * size_of::<usize>();

impl<G: Groups> GroupMap<G> {
    pub(super) fn new() -> GroupMap<G> {
        GroupMap {
            groups: Vec::new(),
            index: HashTable::new(),
            hasher: RandomState::default(),
            bytes: 0,
            turn: 0,
            whole: false,
            stored: Vec::new(),
        }
    }

    /// Forgets everything; `whole` where the store has no group either.
    pub(super) fn clear(&mut self, whole: bool) {
        self.groups.clear();
        self.index.clear();
        self.bytes = 0;
        self.whole = whole;
    }

    /// About how many bytes are held.
    pub(super) fn bytes(&self) -> usize {
        self.groups
            .len()
            .saturating_mul(size_of::<Group<G>>() + size_of::<Slot<G>>() + PLACE)
            .saturating_add(self.bytes)
    }

    /// The key of a group that is here.
    pub(super) fn key(&self, index: usize) -> &[u8] {
        self.groups.get(index).map_or(&[], |group| &group.key)
    }

    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut Group<G>> {
        self.groups.get_mut(index)
    }

    /// The group of a key, loaded or made where it is not here. `frame` stands before the key in the wire bytes that tell its
    /// partition.
    #[inline]
    pub(super) fn find(
        &mut self,
        key: &[u8],
        frame: &[u8],
        partitions: u32,
        store: &QueryStore,
        windows: &Windows,
    ) -> Result<usize, StateError> {
        let hash = self.hasher.hash_one(key);
        let groups = &self.groups;
        let known = self.index.find(hash, |index| {
            groups
                .get(*index)
                .is_some_and(|group| group.hash == hash && &*group.key == key)
        });
        if let Some(index) = known {
            let index = *index;
            if let Some(group) = self.groups.get_mut(index) {
                group.touched = self.turn;
            }
            return Ok(index);
        }
        self.load(key, hash, frame, partitions, store, windows)
    }

    #[cold]
    fn load(
        &mut self,
        key: &[u8],
        hash: u64,
        frame: &[u8],
        partitions: u32,
        store: &QueryStore,
        windows: &Windows,
    ) -> Result<usize, StateError> {
        let mut slots = Vec::new();
        if !self.whole {
            self.stored.clear();
            self.stored.push(GROUP);
            self.stored.extend_from_slice(key);
            match store.get(&self.stored, |bytes| read(bytes, windows))? {
                None => {}
                Some(Ok(stored)) => {
                    slots = stored;
                    self.bytes = self.bytes.saturating_add(held(&slots));
                }
                Some(Err(error)) => return Err(store.damaged(&format!("a group ({error})"))),
            }
        }
        let wire: Vec<u8>;
        let wire = if frame.is_empty() {
            key
        } else {
            wire = [frame, key].concat();
            &wire
        };
        let index = self.groups.len();
        let stored_closing = closing(&slots, windows);
        let stored_slots = slots.len();
        self.groups.push(Group {
            key: key.into(),
            hash,
            partition: partition_for_key(wire, partitions),
            slots,
            gone: Vec::new(),
            dirty: false,
            stored_closing,
            stored_slots,
            touched: self.turn,
        });
        self.bytes = self.bytes.saturating_add(key.len());
        let groups = &self.groups;
        self.index.insert_unique(hash, index, |index| {
            groups.get(*index).map_or(0, |group| group.hash)
        });
        Ok(index)
    }

    /// After a write, when something is dirty again: nothing is forgotten.
    pub(super) fn turn(&mut self) {
        self.turn = self.turn.wrapping_add(1);
    }

    /// After a write, when nothing is dirty: forgets groups where more is held than may be, those not used for longest first,
    /// and those that hold nothing any more.
    pub(super) fn shrink(&mut self, most: usize) {
        let bytes = self.bytes();
        let turn = self.turn;
        self.turn();
        if bytes <= most {
            return;
        }
        let recent = self
            .groups
            .iter()
            .filter(|group| group.touched == turn)
            .count();
        // Where even those of the last turn are too many, all go: half of them would thrash as much.
        let keep_recent = recent.saturating_mul(2) < self.groups.len();
        self.whole = false;
        self.groups
            .retain(|group| keep_recent && group.touched == turn && !group.slots.is_empty());
        self.bytes = self
            .groups
            .iter()
            .map(|group| group.key.len().saturating_add(held(&group.slots)))
            .sum();
        self.index.clear();
        let groups = &self.groups;
        for (index, group) in groups.iter().enumerate() {
            self.index.insert_unique(group.hash, index, |index| {
                groups.get(*index).map_or(0, |group| group.hash)
            });
        }
    }

    /// What slots, or their accumulators, held is something else now.
    #[inline]
    pub(super) fn changed(&mut self, before: usize, now: usize) {
        self.bytes = self.bytes.saturating_add(now).saturating_sub(before);
    }
}

/// When the first window of a group closes; nothing where there is none.
pub(super) fn closing<G>(slots: &[Slot<G>], windows: &Windows) -> Option<i64> {
    match windows {
        Windows::None => None,
        Windows::Fixed { grace, .. } => slots
            .iter()
            .map(|slot| slot.window.end.saturating_add(*grace))
            .min(),
        // They are in the order of their ends too.
        Windows::Session { retention, .. } => slots
            .first()
            .map(|slot| windows::session_closes(slot.window.end, *retention)),
    }
}

/// Appends the stored form of a group.
pub(super) fn write<G: Groups>(slots: &[Slot<G>], out: &mut Vec<u8>) {
    write::long(slots.len() as i64, out);
    for slot in slots {
        write::long(slot.target as i64, out);
        write::long(slot.window.start, out);
        write::long(slot.window.end.wrapping_sub(slot.window.start), out);
        write::long(slot.timestamp, out);
        out.push(slot.shown.into());
        slot.groups.write(out);
    }
}

/// Reads the stored form of a group.
pub(super) fn read<G: Groups>(
    bytes: &[u8],
    _windows: &Windows,
) -> Result<Vec<Slot<G>>, DecodeError> {
    let mut input = Reader::new(bytes);
    let count = input.block()?;
    let mut slots = Vec::with_capacity(count);
    for _ in 0..count {
        let target = usize::try_from(input.long()?)
            .map_err(|_| DecodeError::new("no window has this number"))?;
        let start = input.long()?;
        let end = start.wrapping_add(input.long()?);
        let timestamp = input.long()?;
        let shown = input.byte()? != 0;
        let mut slot = Slot::new(
            target,
            Window { start, end },
            timestamp,
            G::read(&mut input)?,
        );
        slot.shown = shown;
        slot.dirty = false;
        slot.count();
        slots.push(slot);
    }
    input.finish()?;
    Ok(slots)
}
