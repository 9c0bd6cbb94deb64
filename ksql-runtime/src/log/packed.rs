//! The packed form of records: what a batch builder writes and what is stored.
//!
//! A record is: gap to the previous offset (LEB128; 0 for neighbours, so that packed records can be joined by appending),
//! timestamp (8 bytes), key length (4 bytes, all ones for no key), key, value length (same), value, number of headers
//! (LEB128), and per header name length (LEB128), name, value length + 1 (LEB128, 0 for no value), value. Fixed lengths
//! where the length is known only after an encoder has written its bytes in place. Numbers are little-endian. Pure
//! functions without panics: what is not such a record gives `None`.

use super::record::{Header, Headers, RecordRef};

/// The length that says "null".
const NULL: u32 = u32::MAX;

/// No key, value or header may be longer: what is longer belongs elsewhere and would not fit a batch.
pub(crate) const MAX_BYTES: usize = 256 * 1024 * 1024;

/// A record in packed form, its offset still relative.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PackedRecord<'a> {
    pub(crate) gap: u64,
    pub(crate) timestamp: i64,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) headers: Headers<'a>,
    /// Everything after the gap: what is copied when the record gets another gap.
    pub(crate) tail: &'a [u8],
}

impl<'a> PackedRecord<'a> {
    /// The record at its offset.
    pub(crate) fn at(self, offset: i64) -> RecordRef<'a> {
        let PackedRecord {
            timestamp,
            key,
            value,
            headers,
            ..
        } = self;
        RecordRef {
            offset,
            timestamp,
            key,
            value,
            headers,
        }
    }
}

/// Writes everything up to the key's length, which [`finish_part`] fills in.
pub(crate) fn begin_record(out: &mut Vec<u8>, timestamp: i64) {
    out.push(0);
    out.extend_from_slice(&timestamp.to_le_bytes());
}

/// Writes a record up to its headers, behind a gap of so many offsets: for parts that are there already. False when a
/// part is too long.
#[cfg(feature = "kafka")]
pub(crate) fn write_parts(
    out: &mut Vec<u8>,
    gap: u64,
    timestamp: i64,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
) -> bool {
    let length = |part: Option<&[u8]>| part.map_or(0, <[u8]>::len);
    // Room for everything at once, the numbers at their longest: this runs for every record read.
    out.reserve(
        length(key)
            .saturating_add(length(value))
            .saturating_add(10 + 8 + 4 + 4 + 1),
    );
    write_varint(out, gap);
    out.extend_from_slice(&timestamp.to_le_bytes());
    for part in [key, value] {
        let Some(part) = part else {
            out.extend_from_slice(&NULL.to_le_bytes());
            continue;
        };
        // Below the sign of null, so the cast keeps it.
        if part.len() > MAX_BYTES {
            return false;
        }
        out.extend_from_slice(&(part.len() as u32).to_le_bytes());
        out.extend_from_slice(part);
    }
    true
}

/// Makes room for the length of a key or value; the bytes follow.
pub(crate) fn begin_part(out: &mut Vec<u8>) -> usize {
    let at = out.len();
    out.extend_from_slice(&NULL.to_le_bytes());
    at
}

/// Sets the length of the part begun at `at` to what was written since, or takes that back where there is none. False
/// when the part is too long or what stood before was shortened.
pub(crate) fn finish_part(out: &mut Vec<u8>, at: usize, present: bool) -> bool {
    let start = at + size_of::<u32>();
    if !present {
        out.truncate(start);
    }
    let Some(length) = out.len().checked_sub(start) else {
        return false;
    };
    let Ok(length) = u32::try_from(length) else {
        return false;
    };
    if !present {
        return true;
    }
    match out.get_mut(at..start) {
        Some(room) if length as usize <= MAX_BYTES => {
            room.copy_from_slice(&length.to_le_bytes());
            true
        }
        _ => false,
    }
}

/// Writes a whole part.
pub(crate) fn write_part(out: &mut Vec<u8>, part: Option<&[u8]>) -> bool {
    let at = begin_part(out);
    out.extend_from_slice(part.unwrap_or_default());
    finish_part(out, at, part.is_some())
}

/// Writes the headers, the end of a record.
pub(crate) fn write_headers(out: &mut Vec<u8>, headers: &[Header<'_>]) -> bool {
    write_varint(out, headers.len() as u64);
    for header in headers {
        write_header(out, header);
    }
    headers.iter().all(|header| {
        header.name.len() <= MAX_BYTES && header.value.unwrap_or_default().len() <= MAX_BYTES
    })
}

/// Writes one header; their number stands before the first.
pub(crate) fn write_header(out: &mut Vec<u8>, header: &Header<'_>) {
    write_varint(out, header.name.len() as u64);
    out.extend_from_slice(header.name.as_bytes());
    write_varint(out, header.value.map_or(0, |value| value.len() as u64 + 1));
    out.extend_from_slice(header.value.unwrap_or_default());
}

/// Writes an unsigned number, seven bits a byte.
pub(crate) fn write_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number as u8) | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn read_varint(input: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = input.split_first()?;
        *input = rest;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn take<'a>(input: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (bytes, rest) = input.split_at_checked(length)?;
    *input = rest;
    Some(bytes)
}

fn read_part<'a>(input: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let (length, rest) = input.split_first_chunk::<4>()?;
    *input = rest;
    match u32::from_le_bytes(*length) {
        NULL => Some(None),
        length => take(input, length as usize).map(Some),
    }
}

/// Reads one header and moves on behind it.
pub(crate) fn read_header<'a>(input: &mut &'a [u8]) -> Option<Header<'a>> {
    let length = usize::try_from(read_varint(input)?).ok()?;
    let name = std::str::from_utf8(take(input, length)?).ok()?;
    let value = match read_varint(input)?.checked_sub(1) {
        None => None,
        Some(length) => Some(take(input, usize::try_from(length).ok()?)?),
    };
    Some(Header { name, value })
}

/// Reads one record and moves on behind it.
#[inline]
pub(crate) fn read_record<'a>(input: &mut &'a [u8]) -> Option<PackedRecord<'a>> {
    let gap = read_varint(input)?;
    let whole = *input;
    let (timestamp, rest) = input.split_first_chunk::<8>()?;
    *input = rest;
    let key = read_part(input)?;
    let value = read_part(input)?;
    let count = u32::try_from(read_varint(input)?).ok()?;
    let headers = *input;
    for _ in 0..count {
        read_header(input)?;
    }
    let headers = headers.get(..headers.len().checked_sub(input.len())?)?;
    let tail = whole.get(..whole.len().checked_sub(input.len())?)?;
    let timestamp = i64::from_le_bytes(*timestamp);
    Some(PackedRecord {
        gap,
        timestamp,
        key,
        value,
        headers: Headers::new(count, headers),
        tail,
    })
}
