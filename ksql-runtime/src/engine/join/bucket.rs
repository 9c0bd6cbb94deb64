//! Records that wait for a join, near each other in time, as they are kept: in chunks, one behind the other.
//!
//! Invariant: a chunk is written again only where a record was put behind its others, or one in it was met. Pure, but for the
//! reading of a bucket; used by [`super::waiting`].

use std::ops::Range;

use super::super::store::{self, QueryStore};
use crate::codec::{DecodeError, Reader};
use crate::query::Side;
use crate::state::StateError;

/// A chunk that has as many bytes is full.
const CHUNK: usize = 8 * 1024;

/// Met, or there is nobody who would want it alone.
pub(super) const SETTLED: u8 = 0;
/// Goes out alone when its time is over.
pub(super) const ALONE: u8 = 1;
/// Went out alone, and is met no more.
pub(super) const GONE: u8 = 2;

/// A side of a join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Of {
    pub(super) node: usize,
    pub(super) side: Side,
}

/// Records near each other in time.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    pub(super) chunks: Vec<Chunk>,
    /// How many chunks the store has of it.
    pub(super) stored: usize,
    /// Forgotten with the next write.
    pub(super) over: bool,
}

/// Records one behind the other.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) bytes: Vec<u8>,
    /// Since the last write.
    pub(super) changed: bool,
}

/// Records that were met, as they are kept.
#[derive(Debug, Default)]
pub(super) struct Met {
    pub(super) bytes: Vec<u8>,
    pub(super) records: Vec<Record>,
}

/// A record that waits.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) time: i64,
    pub(super) number: u64,
    /// Where its parts are.
    pub(super) parts: Range<usize>,
    pub(super) state: u8,
    /// Where its state is.
    pub(super) at: usize,
}

impl Record {
    /// The next record of a chunk.
    fn read(input: &mut Reader<'_>, whole: usize) -> Result<Record, DecodeError> {
        let time = i64::from_be_bytes(input.array()?);
        let number = u64::from_be_bytes(input.array()?);
        let at = whole.saturating_sub(input.rest().len());
        let state = input.byte()?;
        let parts = input.bytes()?.len();
        let end = whole.saturating_sub(input.rest().len());
        Ok(Record {
            time,
            number,
            parts: end.saturating_sub(parts)..end,
            state,
            at,
        })
    }
}

impl Chunk {
    /// Whether it takes no more.
    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= CHUNK
    }

    /// Gives each record to `each`, with the chunk's bytes, which may be changed.
    pub(super) fn each(
        &mut self,
        mut each: impl FnMut(&Record, &mut Vec<u8>) -> bool,
    ) -> Result<(), DecodeError> {
        let whole = self.bytes.len();
        let mut at = 0_usize;
        while at < whole {
            let rest = self.bytes.get(at..).unwrap_or_default();
            let mut input = Reader::new(rest);
            let record = Record::read(&mut input, rest.len())?;
            let next = whole.saturating_sub(input.rest().len());
            let placed = Record {
                parts: record.parts.start.saturating_add(at)..record.parts.end.saturating_add(at),
                at: record.at.saturating_add(at),
                ..record
            };
            self.changed |= each(&placed, &mut self.bytes);
            at = next;
        }
        Ok(())
    }
}

/// A bucket as it is stored.
pub(super) fn stored(store: &QueryStore, key: &[u8]) -> Result<Bucket, StateError> {
    let mut bucket = Bucket::default();
    let mut of_chunk = Vec::new();
    loop {
        chunk_key(&mut of_chunk, key, bucket.chunks.len());
        let Some(bytes) = store.get(&of_chunk, <[u8]>::to_vec)? else {
            break;
        };
        let full = bytes.len() >= CHUNK;
        bucket.chunks.push(Chunk {
            bytes,
            changed: false,
        });
        if !full {
            break;
        }
    }
    bucket.stored = bucket.chunks.len();
    Ok(bucket)
}

/// Sets the state of a record; whether it was another.
pub(super) fn set(bytes: &mut [u8], record: &Record, state: u8) -> bool {
    match bytes.get_mut(record.at) {
        Some(known) if *known != state => {
            *known = state;
            true
        }
        _ => false,
    }
}

/// A number of a join in a key.
pub(super) fn byte(number: usize) -> u8 {
    // No query joins more inputs than a byte counts.
    u8::try_from(number).unwrap_or(u8::MAX)
}

/// Writes the key of a bucket.
pub(super) fn bucket_key(key: &mut Vec<u8>, of: Of, on: &[u8], number: i64) {
    key.clear();
    key.push(store::WAITING);
    key.push(byte(of.node));
    key.push((of.side == Side::Right).into());
    key.extend_from_slice(&u32::try_from(on.len()).unwrap_or(u32::MAX).to_be_bytes());
    key.extend_from_slice(on);
    ksql_schema::ordered::push_i64(number, key);
}

/// Writes the key of a chunk.
pub(super) fn chunk_key(key: &mut Vec<u8>, bucket: &[u8], number: usize) {
    key.clear();
    key.extend_from_slice(bucket);
    key.extend_from_slice(&u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes());
}

/// The side that a bucket is of.
pub(super) fn side_of(bucket: &[u8]) -> Side {
    match bucket.get(2) {
        Some(1) => Side::Right,
        _ => Side::Left,
    }
}
