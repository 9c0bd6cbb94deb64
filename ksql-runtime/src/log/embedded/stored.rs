//! A batch as it is stored: a header of fixed size and packed records behind it.
//!
//! Invariant: a stored batch answers for all offsets from its base to its last, also for those compaction removed. The
//! room for the header stands before the records from the beginning, so that packing a batch copies nothing.

use super::layout::NEVER;
use crate::log::packed;

/// The bytes before the records.
pub(crate) const ROOM: usize = 32;

/// The first byte of every batch of this layout.
const VERSION: u8 = 1;

/// What is known about a stored batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BatchHeader {
    /// How many records there are.
    pub(super) count: u32,
    /// The last offset it answers for, relative to its base.
    pub(super) last: i64,
    /// The latest timestamp.
    pub(super) max_timestamp: i64,
    /// When its tombstones may go; [`NEVER`] before compaction has met them.
    pub(super) horizon: i64,
}

impl BatchHeader {
    /// The header of a batch as it is produced.
    pub(super) fn produced(count: u32, max_timestamp: i64) -> BatchHeader {
        BatchHeader {
            count,
            last: i64::from(count) - 1,
            max_timestamp,
            horizon: NEVER,
        }
    }

    /// Writes the header into its room.
    pub(super) fn write(self, value: &mut [u8]) {
        let BatchHeader {
            count,
            last,
            max_timestamp,
            horizon,
        } = self;
        if let Some((room, _)) = value.split_first_chunk_mut::<ROOM>() {
            *room = [0; ROOM];
            let bytes = std::iter::once(VERSION)
                .chain([0; 3])
                .chain(count.to_le_bytes())
                .chain(last.to_le_bytes())
                .chain(max_timestamp.to_le_bytes())
                .chain(horizon.to_le_bytes());
            for (to, byte) in room.iter_mut().zip(bytes) {
                *to = byte;
            }
        }
    }

    /// Reads the header; the records are the rest.
    pub(super) fn read(value: &[u8]) -> Option<(BatchHeader, &[u8])> {
        let (room, records) = value.split_first_chunk::<ROOM>()?;
        let (&[version, 0, 0, 0], rest) = room.split_first_chunk::<4>()? else {
            return None;
        };
        let (count, rest) = rest.split_first_chunk::<4>()?;
        let (last, rest) = rest.split_first_chunk::<8>()?;
        let (max_timestamp, rest) = rest.split_first_chunk::<8>()?;
        let horizon = rest.first_chunk::<8>()?;
        let header = BatchHeader {
            count: u32::from_le_bytes(*count),
            last: i64::from_le_bytes(*last),
            max_timestamp: i64::from_le_bytes(*max_timestamp),
            horizon: i64::from_le_bytes(*horizon),
        };
        (version == VERSION && header.last >= 0).then_some((header, records))
    }

    /// Whether the records are what the header says. Says how many have at least the relative offset `from`.
    pub(super) fn check(self, mut records: &[u8], from: i64) -> Option<usize> {
        let mut next = 0_i64;
        let (mut count, mut wanted) = (0_u32, 0_usize);
        while !records.is_empty() {
            let record = packed::read_record(&mut records)?;
            let offset = next.checked_add_unsigned(record.gap)?;
            next = offset.checked_add(1)?;
            count = count.checked_add(1)?;
            wanted += usize::from(offset >= from);
        }
        (count == self.count && next <= self.last.checked_add(1)?).then_some(wanted)
    }
}
