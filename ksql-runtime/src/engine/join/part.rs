//! An input of a join without its type: reads its records, and holds the part of a joined row that it gives.
//!
//! Invariant: a part's body was checked when its record was read, so that it is a row wherever it stands. Belongs to a query's
//! thread.

use std::any::Any;
use std::sync::Arc;

use super::super::Site;
use super::super::event_time::EventTime;
use super::super::source::{Read, Source};
use super::super::store::QueryStore;
use super::{JOINED_ROW, MOST_INPUTS};
use crate::codec::{DecodeError, Reader, frame, write};
use crate::entity::{Entity, EntityKey};
use crate::log::RecordRef;
use crate::query::{Inputs, Join, Part, Parts, Row, Scratch, Visit};
use crate::state::{Origin, StateError, Table, Topics};

/// What a record of an input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// Nothing for a query.
    Nothing,
    /// A row, at this time.
    Row(i64),
    /// The key's row is gone.
    Gone,
}

/// An input.
pub(super) trait Holding {
    /// As [`Source::ask_again`].
    fn ask_again(&mut self) -> Result<(), StateError>;

    /// How many records had no key, and were left out for it, since [`Holding::forget`].
    fn keyless(&self) -> u64;

    /// Forgets what was counted.
    fn forget(&mut self);

    /// When a record happened; that of one that is no row does not matter.
    fn time_of(&mut self, record: &RecordRef<'_>, scratch: &Scratch) -> Result<i64, StateError>;

    /// Reads a record and holds what it says.
    fn read(
        &mut self,
        partition: i32,
        record: &RecordRef<'_>,
        scratch: &Scratch,
    ) -> Result<What, StateError>;

    /// It is this late by now.
    fn set_now(&self, now_ms: i64);

    /// How many rows of the future were read since this was asked last.
    fn ahead(&self) -> u64;

    /// The bytes of the key that is held, as a record has them.
    fn wire(&self) -> &[u8];

    /// The body that is held.
    fn body(&self) -> &[u8];

    /// Of the bytes of a key, as a record has them, those behind the frame.
    fn unframed<'k>(&self, wire: &'k [u8]) -> &'k [u8];

    /// Holds a row that was kept: its key as a record has it, and its body. Whether it is one.
    fn hold(&mut self, wire: &[u8], body: &[u8]) -> bool;

    /// What is held.
    fn part(&self) -> Option<Part<'_>>;

    /// As [`Holding::hold`], beside what is held: the row of before a change.
    fn hold_before(&mut self, wire: &[u8], body: &[u8]) -> bool;

    /// What was held before a change.
    fn before(&self) -> Option<Part<'_>>;
}

/// An input of one entity.
pub(super) struct Held<T: Entity> {
    source: Source<T>,
    /// The size of the windows its keys are of, where the keys do not say it.
    window: Option<i64>,
    time: EventTime,
    key: Option<T::Key>,
    wire: Vec<u8>,
    body: Vec<u8>,
    key_before: Option<T::Key>,
    body_before: Vec<u8>,
}

impl<T: Entity> Held<T> {
    pub(super) fn new(source: Source<T>, window: Option<i64>) -> Held<T> {
        Held {
            source,
            window,
            time: EventTime::of::<T>(),
            key: None,
            wire: Vec::new(),
            body: Vec::new(),
            key_before: None,
            body_before: Vec::new(),
        }
    }
}

impl<T: Entity> Holding for Held<T> {
    fn ask_again(&mut self) -> Result<(), StateError> {
        self.source.ask_again()
    }

    fn keyless(&self) -> u64 {
        self.source.keyless
    }

    fn forget(&mut self) {
        self.source.keyless = 0;
        self.time.forget();
    }

    fn time_of(&mut self, record: &RecordRef<'_>, scratch: &Scratch) -> Result<i64, StateError> {
        if !self.time.is_in_row() {
            return Ok(record.timestamp);
        }
        let Some((key, body)) = self.source.look(record)? else {
            return Ok(record.timestamp);
        };
        let said = match T::decode_row(&key, body) {
            Ok(row) => self.time.millis::<T>(row, scratch, record.timestamp),
            Err(_) => None,
        };
        Ok(said.unwrap_or(record.timestamp))
    }

    fn read(
        &mut self,
        partition: i32,
        record: &RecordRef<'_>,
        scratch: &Scratch,
    ) -> Result<What, StateError> {
        let Held {
            source,
            time,
            key: held,
            wire,
            body: kept,
            ..
        } = self;
        let (read, judge) = source.read(partition, record)?;
        let (key, body) = match read {
            Read::Nothing => return Ok(What::Nothing),
            Read::Row(key, body) => (key, Some(body)),
            Read::Gone(key) => (key, None),
        };
        let mut what = What::Gone;
        if let Some(body) = body {
            match T::decode_row(&key, body) {
                Ok(row) => match time.of_taken::<T>(row, scratch, record.timestamp) {
                    Some(timestamp) => what = What::Row(timestamp),
                    None => {
                        judge.timeless(partition, record.offset);
                        return Ok(What::Nothing);
                    }
                },
                Err(error) => {
                    judge.unreadable(partition, record.offset, &error)?;
                    return Ok(What::Nothing);
                }
            }
            kept.clear();
            kept.extend_from_slice(body);
        }
        wire.clear();
        key.encode(0, wire);
        *held = Some(key);
        Ok(what)
    }

    fn set_now(&self, now_ms: i64) {
        self.time.set_now(now_ms);
    }

    fn ahead(&self) -> u64 {
        self.time.ahead()
    }

    fn wire(&self) -> &[u8] {
        &self.wire
    }

    fn body(&self) -> &[u8] {
        &self.body
    }

    fn unframed<'k>(&self, wire: &'k [u8]) -> &'k [u8] {
        match T::Key::COLUMNS > 1 {
            true => wire.get(frame::LENGTH..).unwrap_or_default(),
            false => wire,
        }
    }

    fn hold(&mut self, wire: &[u8], body: &[u8]) -> bool {
        self.wire.clear();
        self.wire.extend_from_slice(wire);
        self.body.clear();
        self.body.extend_from_slice(body);
        self.key = key_of::<T>(wire, self.window);
        self.key.is_some()
    }

    fn part(&self) -> Option<Part<'_>> {
        part_of(self.key.as_ref()?, &self.body)
    }

    fn hold_before(&mut self, wire: &[u8], body: &[u8]) -> bool {
        self.body_before.clear();
        self.body_before.extend_from_slice(body);
        self.key_before = key_of::<T>(wire, self.window);
        self.key_before.is_some()
    }

    fn before(&self) -> Option<Part<'_>> {
        part_of(self.key_before.as_ref()?, &self.body_before)
    }
}

/// The key that was kept, with its window's end.
fn key_of<T: Entity>(wire: &[u8], window: Option<i64>) -> Option<T::Key> {
    let mut key = T::Key::decode(wire).ok()?;
    if let Some(size) = window {
        key.end_window(size);
    }
    Some(key)
}

fn part_of<'a>(key: &'a (dyn Any + Send), body: &'a [u8]) -> Option<Part<'a>> {
    Some(Part { key, body })
}

/// Makes the inputs as their types are shown.
struct Making<'a> {
    table: &'a Arc<Table>,
    site: &'a Site,
    runtime: &'a tokio::runtime::Handle,
    topics: &'a Topics,
    inputs: Vec<Box<dyn Holding>>,
}

impl Visit for Making<'_> {
    fn input<T: Entity>(&mut self) {
        let index = self.inputs.len();
        let (Some(topic), Some((value_schema, key_schema))) =
            (self.topics.iter().nth(index), self.site.forms.get(index))
        else {
            return;
        };
        let origin = Origin {
            topic: Arc::clone(&topic.name),
            value_schema: *value_schema,
            key_schema: *key_schema,
            window: self.table.settings.window,
        };
        let registry = self.site.registry.clone();
        let source = Source::<T>::of(self.table, origin, registry, self.runtime);
        let window = self.table.settings.window;
        self.inputs.push(Box::new(Held::new(source, window)));
    }
}

/// What reads and holds each input of a query, in order.
pub(super) fn holders<I: Inputs>(
    table: &Arc<Table>,
    site: &Site,
    runtime: &tokio::runtime::Handle,
) -> Vec<Box<dyn Holding>> {
    let mut making = Making {
        table,
        site,
        runtime,
        topics: &table.topics(),
        inputs: Vec::new(),
    };
    I::visit(&mut making);
    making.inputs
}

/// Which inputs a joined row has a part of.
pub(super) type Have = [bool; MOST_INPUTS];

/// Appends what the inputs hold of a row, to be kept: of each whether it has a part, its key and its body.
pub(super) fn pack(inputs: &[Box<dyn Holding>], have: &[bool], out: &mut Vec<u8>) {
    for (held, has) in inputs.iter().zip(have) {
        out.push((*has).into());
        if *has {
            write::bytes(held.wire(), out);
            write::bytes(held.body(), out);
        }
    }
}

/// Holds again what [`pack`] wrote of these inputs.
pub(super) fn unpack(
    inputs: &mut [Box<dyn Holding>],
    have: &mut [bool],
    bytes: &[u8],
) -> Result<(), DecodeError> {
    let mut input = Reader::new(bytes);
    for (held, has) in inputs.iter_mut().zip(have) {
        *has = input.byte()? != 0;
        if *has {
            let (wire, body) = (input.bytes()?, input.bytes()?);
            // The key was read when its record was taken.
            *has = held.hold(wire, body);
        }
    }
    input.finish()
}

/// The parts that the inputs hold, of those that have one.
#[inline]
pub(super) fn fill<'a>(
    inputs: &'a [Box<dyn Holding>],
    have: &Have,
    parts: &mut [Option<Part<'a>>; MOST_INPUTS],
) {
    for ((part, held), has) in parts.iter_mut().zip(inputs).zip(have) {
        *part = has.then(|| held.part()).flatten();
    }
}

/// The row that the inputs hold.
#[inline]
pub(super) fn joined<'a, Q: Join>(
    inputs: &'a [Box<dyn Holding>],
    have: &Have,
    parts: &'a mut [Option<Part<'a>>; MOST_INPUTS],
    store: &QueryStore,
) -> Result<Row<'a, Q::Inputs>, StateError> {
    fill(inputs, have, parts);
    row_of::<Q>(parts, inputs.len(), store)
}

#[inline]
pub(super) fn row_of<'a, Q: Join>(
    parts: &'a [Option<Part<'a>>; MOST_INPUTS],
    inputs: usize,
    store: &QueryStore,
) -> Result<Row<'a, Q::Inputs>, StateError> {
    let parts = parts.get(..inputs).unwrap_or(parts);
    Q::Inputs::row(&Parts { parts }).map_err(|_| store.damaged(JOINED_ROW))
}
