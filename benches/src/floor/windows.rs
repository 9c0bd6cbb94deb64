//! Windows of trades by hand: decoded, and a hash map a window size.
//!
//! Invariant: a window takes what comes until the time of its partition is at its end and ten seconds.

use std::collections::HashMap;

use ksql_runtime::codec::{Reader, write};

/// The sizes of the windows in minutes.
pub const SIZES: [i64; 3] = [1, 5, 60];
/// In milliseconds.
pub const MINUTE: i64 = 60_000;
/// How long a window waits for what is late.
const GRACE: i64 = 10_000;

/// What is kept of a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kept {
    /// How many trades.
    pub count: i64,
    /// Of the amounts, of scale 4 as all of them.
    pub sum: i128,
    /// The least quantity.
    pub least: i32,
    /// The greatest one.
    pub greatest: i32,
    /// The first amount.
    pub first: i128,
    /// The last one.
    pub last: i128,
}

/// A window size's groups: by key and start.
pub type Groups = HashMap<(i64, i64), Kept, foldhash::fast::RandomState>;

/// The windows of each size.
#[derive(Debug, Default)]
pub struct Windows {
    /// In the order of [`SIZES`].
    pub groups: [Groups; 3],
    time: [Option<i64>; 4],
}

impl Windows {
    /// Takes a trade in.
    pub fn take(&mut self, partition: i32, key: &[u8], value: Option<&[u8]>) {
        let Some(value) = value else { return };
        let id = number(key);
        let mut input = Reader::new(&value[5..]);
        let _customer = input.text().expect("text");
        let amount = unscaled(input.bytes().expect("a decimal"));
        let qty = input.int().expect("an int");
        let ts = input.long().expect("a moment");
        let time = &mut self.time[partition as usize];
        let now = time.map_or(ts, |time| time.max(ts));
        *time = Some(now);
        for (size, groups) in SIZES.iter().zip(&mut self.groups) {
            let size = size * MINUTE;
            let start = ts.div_euclid(size) * size;
            if is_closed(start, size, now) {
                continue;
            }
            let kept = groups.entry((id, start)).or_insert(Kept {
                count: 0,
                sum: 0,
                least: i32::MAX,
                greatest: i32::MIN,
                first: amount,
                last: amount,
            });
            kept.count += 1;
            kept.sum += amount;
            kept.least = kept.least.min(qty);
            kept.greatest = kept.greatest.max(qty);
            kept.last = amount;
        }
    }

    /// Whether nothing more can come of a window in a partition.
    pub fn is_over(&self, partition: i32, start: i64, minutes: i64) -> bool {
        self.time[partition as usize].is_some_and(|now| is_closed(start, minutes * MINUTE, now))
    }
}

fn is_closed(start: i64, size: i64, now: i64) -> bool {
    start + size + GRACE <= now
}

fn number(bytes: &[u8]) -> i64 {
    i64::from_be_bytes(bytes.try_into().expect("eight bytes"))
}

/// A windowed key: its group, and the start of the window.
pub fn key((id, start): (i64, i64)) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&id.to_be_bytes());
    key[8..].copy_from_slice(&start.to_be_bytes());
    key
}

/// What [`key`] made.
pub fn of_key(key: &[u8]) -> (i64, i64) {
    assert_eq!(key.len(), 16, "a windowed key");
    (number(&key[..8]), number(&key[8..]))
}

/// The number of a decimal's bytes.
pub fn unscaled(bytes: &[u8]) -> i128 {
    let start = if bytes.first().is_some_and(|byte| *byte >= 0x80) {
        -1_i128
    } else {
        0
    };
    bytes
        .iter()
        .fold(start, |value, byte| (value << 8) | i128::from(*byte))
}

impl Kept {
    /// The result's Avro, every field nullable.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(2);
        write::long(self.count, out);
        out.push(2);
        write::decimal(self.sum, out);
        out.push(2);
        write::long(self.least.into(), out);
        out.push(2);
        write::long(self.greatest.into(), out);
        out.push(2);
        write::decimal(self.first, out);
        out.push(2);
        write::decimal(self.last, out);
    }

    /// What was encoded so, by anybody.
    pub fn decode(body: &[u8]) -> Kept {
        let mut input = Reader::new(body);
        let kept = Kept {
            count: present(&mut input).long().expect("a count"),
            sum: unscaled(present(&mut input).bytes().expect("a sum")),
            least: present(&mut input).int().expect("a quantity"),
            greatest: present(&mut input).int().expect("a quantity"),
            first: unscaled(present(&mut input).bytes().expect("an amount")),
            last: unscaled(present(&mut input).bytes().expect("an amount")),
        };
        input.finish().expect("nothing behind it");
        kept
    }
}

fn present<'a, 'b>(input: &'a mut Reader<'b>) -> &'a mut Reader<'b> {
    assert!(input.present().expect("a branch"), "not null");
    input
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_read_as_it_was_written() {
        let kept = Kept {
            count: 3,
            sum: -1_234_567_890_123,
            least: -7,
            greatest: 4999,
            first: 0,
            last: 255,
        };
        let mut body = Vec::new();
        kept.encode(&mut body);
        assert_eq!(Kept::decode(&body), kept);
        let of = (-5, 1_715_126_400_000);
        assert_eq!(of_key(&key(of)), of);
    }
}
