//! A deterministic workload: a seed gives one endless sequence of upserts and deletes, and any prefix of it has one
//! right table. Crash tests compare what survived with that table.

use std::collections::BTreeMap;

use ksql_runtime::prelude::*;

/// One row of the crash tests.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("rows", partitions = 4)]
#[table]
#[entity(namespace = "crash")]
pub struct Row {
    /// The key.
    #[key]
    pub id: i64,
    /// The number of the operation that wrote the row: unique in a workload.
    pub sequence: i64,
    /// Text derived from both, so that a torn row shows.
    pub text: String,
}

/// One operation of a workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// The key gets the row of this operation.
    Upsert(i64),
    /// The key is deleted.
    Delete(i64),
}

impl Operation {
    /// The key it touches.
    pub fn key(self) -> i64 {
        match self {
            Operation::Upsert(key) | Operation::Delete(key) => key,
        }
    }
}

/// A mixer with good spread and no state (splitmix64).
pub fn mix(seed: u64, n: u64) -> u64 {
    let mut z = seed ^ n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Operation `n` of the workload over `keys` keys: one in ten deletes.
pub fn operation(seed: u64, keys: u64, n: u64) -> Operation {
    let draw = mix(seed, n);
    let key = (draw % keys) as i64;
    if (draw >> 40).is_multiple_of(10) {
        Operation::Delete(key)
    } else {
        Operation::Upsert(key)
    }
}

/// The row operation `n` writes.
pub fn row(key: i64, n: u64) -> Row {
    Row {
        id: key,
        sequence: n as i64,
        text: text(key, n as i64),
    }
}

/// The text of a row: checks key against sequence.
pub fn text(key: i64, sequence: i64) -> String {
    format!("{key}:{sequence}:{:x}", mix(key as u64, sequence as u64))
}

/// What a child said it sent, and what of it was acknowledged.
#[derive(Debug, Clone, Copy, Default)]
pub struct Progress {
    /// The operations before this one.
    pub sent: u64,
    /// The same.
    pub acknowledged: u64,
}

impl Progress {
    /// Takes what a line says of it, if it does.
    pub fn take(&mut self, line: &str) {
        let number = |text: &str| text.parse::<u64>().expect("a number");
        if let Some(n) = line.strip_prefix("sent ") {
            self.sent = self.sent.max(number(n));
        } else if let Some(n) = line.strip_prefix("acked ") {
            self.acknowledged = self.acknowledged.max(number(n));
        }
    }
}

/// What may be in the table: per key every state that the log may end in, where operations up to `acknowledged` are
/// certain and those up to `sent` may or may not have been written, in order per key. `None` is "no row".
pub fn allowed(
    seed: u64,
    keys: u64,
    acknowledged: u64,
    sent: u64,
) -> BTreeMap<i64, Vec<Option<i64>>> {
    let mut states: BTreeMap<i64, Vec<Option<i64>>> =
        (0..keys as i64).map(|key| (key, vec![None])).collect();
    for n in 0..sent {
        let operation = operation(seed, keys, n);
        let state = match operation {
            Operation::Upsert(_) => Some(n as i64),
            Operation::Delete(_) => None,
        };
        let entry = states.entry(operation.key()).or_default();
        if n < acknowledged {
            entry.clear();
        }
        entry.push(state);
    }
    states
}

/// Compares a table with what is allowed; the first differences in words, nothing when it is right.
pub fn differences(rows: &[Row], allowed: &BTreeMap<i64, Vec<Option<i64>>>) -> Vec<String> {
    let found: BTreeMap<i64, &Row> = rows.iter().map(|row| (row.id, row)).collect();
    let mut wrong = Vec::new();
    if found.len() != rows.len() {
        wrong.push(format!("{} rows for {} keys", rows.len(), found.len()));
    }
    for row in rows {
        if row.text != text(row.id, row.sequence) {
            wrong.push(format!("torn row {row:?}"));
        }
    }
    for (key, states) in allowed {
        let state = found.get(key).map(|row| row.sequence);
        if !states.contains(&state) {
            wrong.push(format!("key {key}: found {state:?}, allowed {states:?}"));
        }
    }
    for key in found.keys().filter(|key| !allowed.contains_key(key)) {
        wrong.push(format!("key {key} was never written"));
    }
    wrong.truncate(10);
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_comparison_sees_lost_resurrected_and_torn_rows() {
        let (seed, keys) = (7, 50);
        let table = |n: u64| -> Vec<Row> {
            let mut rows = BTreeMap::new();
            for n in 0..n {
                match operation(seed, keys, n) {
                    Operation::Upsert(key) => drop(rows.insert(key, row(key, n))),
                    Operation::Delete(key) => drop(rows.remove(&key)),
                }
            }
            rows.into_values().collect()
        };
        let right = allowed(seed, keys, 1000, 1000);
        assert_eq!(differences(&table(1000), &right), Vec::<String>::new());
        assert_eq!(
            differences(&table(1000), &allowed(seed, keys, 900, 1100)),
            Vec::<String>::new()
        );
        assert_ne!(
            differences(&table(990), &right),
            Vec::<String>::new(),
            "an older table"
        );
        let mut lost = table(1000);
        lost.pop();
        assert_ne!(
            differences(&lost, &right),
            Vec::<String>::new(),
            "a lost row"
        );
        let mut torn = table(1000);
        torn[0].text.push('x');
        assert_ne!(
            differences(&torn, &right),
            Vec::<String>::new(),
            "a torn row"
        );
    }
}
