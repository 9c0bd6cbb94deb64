//! Damage in RocksDB's own files that RocksDB does not notice, looked for before it opens them.
//!
//! Its MANIFEST and its write-ahead logs are blocks of 32 KiB with records of a checksum, a length and a type. Its reader
//! goes by types and lengths before a checksum has confirmed them: a type damaged into one of a recycled file makes it
//! read the same record for ever, so that opening never returns, and a damaged length that reaches past the end of the
//! file is taken for a write that was cut off, so that what stands behind it is dropped without a word.
//!
//! Invariant: what a process leaves behind that was killed while it wrote is never called damage. Nothing is changed.
//! Called by the log's and the state's stores before they open their database, on the thread that opens it.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

const BLOCK: usize = 32 * 1024;
const HEADER: usize = 7;

/// Whole, first, middle and last part of a record: our databases neither recycle nor compress these files.
const KINDS: std::ops::RangeInclusive<u8> = 1..=4;

/// What is wrong with the MANIFEST or a write-ahead log of the database in this directory, in words; nothing where there
/// is no database. A file that cannot be read is left to RocksDB to report.
pub(crate) fn damage(directory: &Path) -> Option<String> {
    let current = std::fs::read(directory.join("CURRENT")).unwrap_or_default();
    let manifest = std::str::from_utf8(&current)
        .ok()
        .and_then(|text| text.strip_suffix('\n'))
        .filter(|name| name.starts_with("MANIFEST-") && !name.contains('/'))
        .map(str::to_owned);
    let logs = std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| {
            name.strip_suffix(".log")
                .is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        });
    manifest.into_iter().chain(logs).find_map(|name| {
        let file = File::open(directory.join(&name)).ok()?;
        let (at, what) = walk(file).ok()??;
        Some(format!("the file {name} is damaged at byte {at}: {what}"))
    })
}

/// The first damage of a file and where its record begins.
fn walk(mut file: impl Read) -> std::io::Result<Option<(u64, String)>> {
    let mut block = vec![0; BLOCK];
    let (mut start, mut over) = (0_u64, false);
    loop {
        let length = fill(&mut file, &mut block)?;
        let bytes = block.get(..length).unwrap_or_default();
        if let Some((at, what)) = walk_block(bytes, &mut over) {
            return Ok(Some((start.saturating_add(at as u64), what)));
        }
        if length < BLOCK {
            return Ok(None);
        }
        start = start.saturating_add(length as u64);
    }
}

/// The same for one block. `over` says that zeros were met: room that was never written, at the end only.
fn walk_block(block: &[u8], over: &mut bool) -> Option<(usize, String)> {
    let mut rest = block;
    while let Some((header, behind)) = rest.split_first_chunk::<HEADER>() {
        let at = block.len().saturating_sub(rest.len());
        if *over || *header == [0; HEADER] {
            *over = true;
            return rest
                .iter()
                .any(|byte| *byte != 0)
                .then(|| (at, "records stand behind room never written".to_owned()));
        }
        let [a, b, c, d, low, high, kind] = *header;
        if !KINDS.contains(&kind) {
            return Some((at, format!("a record has the unknown type {kind}")));
        }
        let length = usize::from(u16::from_le_bytes([low, high]));
        match behind.get(length..) {
            Some(next) => rest = next,
            // A write that was cut off holds the beginning of its record and nothing else. Where the checksum fits a
            // shorter record all of it is there, and its length is wrong.
            None if block.len() == BLOCK
                || holds_whole(u32::from_le_bytes([a, b, c, d]), kind, behind) =>
            {
                return Some((
                    at,
                    format!("a record's length of {length} bytes is not right"),
                ));
            }
            None => return None,
        }
    }
    None
}

/// Whether some beginning of `bytes` is what the stored checksum was made of.
fn holds_whole(stored: u32, kind: u8, bytes: &[u8]) -> bool {
    let wanted = !unmasked(stored);
    let mut sum = add(u32::MAX, kind);
    // The empty beginning too: there are records without a byte.
    sum == wanted
        || bytes.iter().any(|byte| {
            sum = add(sum, *byte);
            sum == wanted
        })
}

/// RocksDB stores checksums rotated and shifted, so that a checksum of checksums is still one.
fn unmasked(stored: u32) -> u32 {
    stored.wrapping_sub(0xa282_ead8).rotate_left(15)
}

/// One byte more in a CRC-32C (Castagnoli).
fn add(sum: u32, byte: u8) -> u32 {
    (0..8).fold(sum ^ u32::from(byte), |sum, _| {
        (sum >> 1) ^ (0x82f6_3b78 & (sum & 1).wrapping_neg())
    })
}

/// Reads until the buffer is full or the file is over.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
        match file.read(room) {
            Ok(0) => break,
            Ok(read) => filled = filled.saturating_add(read),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::panic,
        reason = "tests"
    )]
    use super::*;

    /// A database closed in order whose write-ahead log and MANIFEST hold records, also ones that cross blocks.
    fn database() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let db = rocksdb::DB::open_default(directory.path()).unwrap();
        for n in 0..20_u32 {
            db.put(n.to_be_bytes(), vec![7; 100 + 91 * n as usize])
                .unwrap();
        }
        db.put("large", vec![9; 3 * BLOCK]).unwrap();
        for n in 0..5_u32 {
            db.put(n.to_be_bytes(), "small").unwrap();
        }
        drop(db);
        directory
    }

    fn files(directory: &Path) -> Vec<std::path::PathBuf> {
        let mut files: Vec<_> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| {
                let name = path.file_name().unwrap().to_str().unwrap();
                (name.ends_with(".log") || name.starts_with("MANIFEST"))
                    && path.metadata().unwrap().len() > 0
            })
            .collect();
        files.sort();
        assert!(files.len() >= 2, "{files:?}");
        files
    }

    /// Where records begin, by the lengths in front of them.
    fn records(bytes: &[u8]) -> Vec<usize> {
        let (mut at, mut found) = (0, Vec::new());
        while at + HEADER <= bytes.len() {
            let left = BLOCK - at % BLOCK;
            if left < HEADER {
                at += left;
                continue;
            }
            found.push(at);
            at += HEADER + usize::from(u16::from_le_bytes([bytes[at + 4], bytes[at + 5]]));
        }
        found
    }

    #[test]
    fn a_whole_file_has_no_damage_wherever_it_is_cut_off() {
        let directory = database();
        assert_eq!(damage(directory.path()), None);
        for path in files(directory.path()) {
            let bytes = std::fs::read(&path).unwrap();
            let ends = records(&bytes).into_iter().chain([bytes.len()]);
            for end in ends.flat_map(|end| end.saturating_sub(40)..(end + 40).min(bytes.len())) {
                let found = walk(&bytes[..end]).unwrap();
                assert_eq!(found, None, "{} cut at {end}", path.display());
                let mut room = bytes[..end].to_vec();
                room.resize(end + 2 * BLOCK, 0);
                let found = walk(&room[..]).unwrap();
                // Zeros behind a record that was cut off are its end to the reader, and do not fit its checksum.
                let whole = records(&bytes).contains(&end);
                assert!(!whole || found.is_none(), "{end}: {found:?}");
            }
        }
    }

    #[test]
    fn a_flipped_bit_in_a_type_or_length_is_found_here_or_by_a_checksum() {
        let directory = database();
        for path in files(directory.path()) {
            let bytes = std::fs::read(&path).unwrap();
            for at in records(&bytes) {
                for bit in 0..8 {
                    let mut flipped = bytes.clone();
                    flipped[at + 6] ^= 1 << bit;
                    let legal = KINDS.contains(&flipped[at + 6]);
                    let found = walk(&flipped[..]).unwrap();
                    assert_eq!(found.is_none(), legal, "type at {at}, bit {bit}: {found:?}");
                }
                for bit in 0..16 {
                    let mut flipped = bytes.clone();
                    flipped[at + 4 + bit / 8] ^= 1 << (bit % 8);
                    let length = u16::from_le_bytes([flipped[at + 4], flipped[at + 5]]);
                    let end = at + HEADER + usize::from(length);
                    let past = end > (at / BLOCK + 1) * BLOCK || end > bytes.len();
                    let found = walk(&flipped[..]).unwrap();
                    assert!(
                        !past || found.is_some(),
                        "{}: length at {at}, bit {bit}, {:?} {length} {}",
                        path.display(),
                        &bytes[at..at + 8],
                        bytes.len()
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_damaged_is_named_with_its_file_and_place() {
        let directory = database();
        let path = files(directory.path()).pop().unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("MANIFEST"), "{name}");
        let mut bytes = std::fs::read(&path).unwrap();
        let at = records(&bytes)[1];
        bytes[at + 6] ^= 4;
        std::fs::write(&path, &bytes).unwrap();
        let text = damage(directory.path()).unwrap();
        assert!(
            text.contains(name) && text.contains(&format!("byte {at}")),
            "{text}"
        );
    }

    #[test]
    fn checksums_are_those_of_rocksdb() {
        // The vector of RFC 3720, B.4: 32 bytes of zeros.
        let sum = !(0..32).fold(u32::MAX, |sum, _| add(sum, 0));
        assert_eq!(sum, 0x8a91_36aa);
        let masked = sum.rotate_right(15).wrapping_add(0xa282_ead8);
        assert_eq!(unmasked(masked), sum);
    }

    #[test]
    fn a_folder_without_a_database_has_no_damage() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(damage(directory.path()), None);
        assert_eq!(damage(&directory.path().join("none")), None);
    }
}
