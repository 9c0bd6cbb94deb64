//! What queries should make of records, computed in the plainest way: the whole history kept, nothing clever. What the
//! engine made is compared with it.
//!
//! Records are given in the order in which they are processed. Windows are by the rules: late is what comes behind the end
//! and grace, by the largest timestamp that the partition of the grouped key has seen.

use std::collections::BTreeMap;

use ksql_runtime::log::partition::partition_for_key;
use ksql_runtime::prelude::*;
use ksql_runtime::testing::Sent;

use crate::queries::{Place, Reading};

/// What is kept for a group: count, sum, first, last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// How many.
    pub count: i64,
    /// Their sum.
    pub sum: i64,
    /// The first.
    pub first: i64,
    /// The last.
    pub last: i64,
}

/// What values come to.
pub fn kept(values: &[i64]) -> Kept {
    Kept {
        count: values.len() as i64,
        sum: values.iter().sum(),
        first: values.first().copied().unwrap_or(0),
        last: values.last().copied().unwrap_or(0),
    }
}

/// A record: its timestamp, its key, its value if it has one.
pub type Record<K, V> = (i64, K, Option<V>);

/// The partitions of the topics.
pub const PARTITIONS: u32 = 3;

/// Readings by room.
pub fn rooms(records: &[Record<String, Reading>]) -> BTreeMap<String, (i64, Kept)> {
    let mut rooms: BTreeMap<String, (i64, Vec<i64>)> = BTreeMap::new();
    for (timestamp, _, reading) in records {
        let Some(reading) = reading else { continue };
        let Some(room) = &reading.room else { continue };
        let entry = rooms.entry(room.clone()).or_insert((i64::MIN, Vec::new()));
        entry.0 = entry.0.max(*timestamp);
        entry.1.push(reading.value);
    }
    rooms
        .into_iter()
        .map(|(room, (timestamp, values))| (room, (timestamp, kept(&values))))
        .collect()
}

/// What a window of a key came to, with its timestamp; by key and start.
pub type Windows = BTreeMap<(String, i64), (i64, Kept)>;

/// What came into a window of a key, in order, with its timestamp; by key and start.
pub type Values = BTreeMap<(String, i64), (i64, Vec<i64>)>;

/// Readings but zero in tumbling or hopping windows, by sensor and start; and how many windows were closed to one.
pub fn windows(
    records: &[Record<String, Reading>],
    size: i64,
    advance: i64,
    grace: i64,
) -> (Windows, u64) {
    let (rows, late) = window_values(records, size, advance, grace);
    let rows = rows
        .into_iter()
        .map(|(key, (timestamp, values))| (key, (timestamp, kept(&values))))
        .collect();
    (rows, late)
}

/// As [`windows`], with the values themselves.
pub fn window_values(
    records: &[Record<String, Reading>],
    size: i64,
    advance: i64,
    grace: i64,
) -> (Values, u64) {
    let mut rows = Values::new();
    let mut times = vec![i64::MIN; PARTITIONS as usize];
    let mut late = 0;
    for (timestamp, sensor, reading) in records {
        let Some(reading) = reading.as_ref().filter(|reading| reading.value != 0) else {
            continue;
        };
        let time = &mut times[partition_for_key(sensor.as_bytes(), PARTITIONS) as usize];
        *time = (*time).max(*timestamp);
        // From a window on that may have ended already.
        let first = ((timestamp - size) / advance).max(0);
        for number in first..=(*timestamp / advance) {
            let start = number * advance;
            if *timestamp >= start + size {
                continue;
            }
            if start + size <= *time - grace {
                late += 1;
                continue;
            }
            let entry = rows
                .entry((sensor.clone(), start))
                .or_insert((i64::MIN, Vec::new()));
            entry.0 = entry.0.max(*timestamp);
            entry.1.push(reading.value);
        }
    }
    (rows, late)
}

/// Readings but zero in sessions, by sensor, start and end; and how many came too late.
///
/// Every session there ever was is kept and searched, as ksqlDB does within its retention.
pub fn sessions(
    records: &[Record<String, Reading>],
    gap: i64,
    grace: i64,
) -> (BTreeMap<(String, i64, i64), Kept>, u64) {
    let mut all: BTreeMap<String, Vec<(i64, i64, Kept)>> = BTreeMap::new();
    let mut times = vec![i64::MIN; PARTITIONS as usize];
    let mut late = 0;
    for (timestamp, sensor, reading) in records {
        let Some(reading) = reading.as_ref().filter(|reading| reading.value != 0) else {
            continue;
        };
        let time = &mut times[partition_for_key(sensor.as_bytes(), PARTITIONS) as usize];
        *time = (*time).max(*timestamp);
        let sessions = all.entry(sensor.clone()).or_default();
        let (mut touched, rest): (Vec<_>, Vec<_>) = sessions
            .drain(..)
            .partition(|(start, end, _)| *end >= timestamp - gap && *start <= timestamp + gap);
        touched.sort_by_key(|(start, ..)| *start);
        let start = touched.iter().map(|session| session.0).min();
        let start = start.unwrap_or(*timestamp).min(*timestamp);
        let end = touched.iter().map(|session| session.1).max();
        let end = end.unwrap_or(*timestamp).max(*timestamp);
        *sessions = rest;
        if end < *time - grace - gap {
            late += 1;
            sessions.extend(touched);
            continue;
        }
        let mut joined = kept(&[]);
        for (_, _, kept) in &touched {
            joined.count += kept.count;
            joined.sum += kept.sum;
        }
        joined.count += 1;
        joined.sum += reading.value;
        joined.first = touched
            .first()
            .map_or(reading.value, |(_, _, kept)| kept.first);
        joined.last = reading.value;
        sessions.push((start, end, joined));
    }
    let rows = all.into_iter().flat_map(|(sensor, sessions)| {
        sessions
            .into_iter()
            .map(move |(start, end, kept)| ((sensor.clone(), start, end), kept))
    });
    (rows.collect(), late)
}

/// The rows of a table.
fn places(records: &[Record<i64, Place>]) -> BTreeMap<i64, Place> {
    let mut rows = BTreeMap::new();
    for (_, id, place) in records {
        match place {
            Some(place) => drop(rows.insert(*id, place.clone())),
            None => drop(rows.remove(id)),
        }
    }
    rows
}

/// Places with more than ten people.
pub fn towns(records: &[Record<i64, Place>]) -> BTreeMap<i64, i64> {
    let places = places(records).into_values();
    places
        .filter(|place| place.people > 10)
        .map(|place| (place.id, place.people))
        .collect()
}

/// Places and people by city, where there is an even number of places; a city that had places is kept with none.
pub fn cities(records: &[Record<i64, Place>]) -> BTreeMap<String, (i64, i64)> {
    let mut cities = BTreeMap::new();
    for (_, _, place) in records {
        if let Some(city) = place.as_ref().and_then(|place| place.city.clone()) {
            cities.insert(city, (0, 0));
        }
    }
    for place in places(records).into_values() {
        if let Some(city) = place.city
            && let Some(city) = cities.get_mut(&city)
        {
            city.0 += 1;
            city.1 += place.people;
        }
    }
    cities.retain(|_, (places, _)| *places % 2 == 0);
    cities
}

/// Readings above zero, in order.
pub fn loud(records: &[Record<String, Reading>]) -> Vec<(i64, String, i64)> {
    let rows = records.iter().filter_map(|(timestamp, sensor, reading)| {
        let reading = reading.as_ref().filter(|reading| reading.value > 0)?;
        Some((*timestamp, sensor.clone(), reading.value * 2))
    });
    rows.collect()
}

/// Whether what was told is what should be, each time gone on with from somewhere that was told before: after a kill results
/// may come again, from one of them on.
pub fn retold<T: PartialEq>(told: &[T], expected: &[T]) -> bool {
    // How far it may be told by now: of several alike any may be the one.
    let mut reached = vec![false; expected.len() + 1];
    reached[0] = true;
    let mut furthest = 0;
    for one in told {
        let mut next = vec![false; expected.len() + 1];
        for at in 0..expected.len().min(furthest + 1) {
            next[at + 1] = expected[at] == *one && (at < furthest || reached[at]);
        }
        if !next.contains(&true) {
            return false;
        }
        furthest = furthest.max(next.iter().rposition(|reached| *reached).unwrap_or(0));
        reached = next;
    }
    reached[expected.len()]
}

/// What is told again was told before: nothing comes after a kill that a run without it would not have told there.
pub fn repeated_alike<T: Entity + PartialEq + std::fmt::Debug>(
    sent: &[Sent<T>],
    progress: impl Fn(&T) -> i64,
) {
    // How far each key was told, and what.
    type Told<'r, T> = (i64, Vec<(i64, &'r T)>);
    let mut seen: BTreeMap<T::Key, Told<'_, T>> = BTreeMap::new();
    for record in sent {
        let Some(row) = &record.row else { continue };
        let (furthest, told) = seen
            .entry(record.key.clone())
            .or_insert((i64::MIN, Vec::new()));
        if progress(row) <= *furthest {
            assert!(
                told.contains(&(record.timestamp, row)),
                "{row:?} was not told before: {told:?}"
            );
        }
        *furthest = (*furthest).max(progress(row));
        told.push((record.timestamp, row));
    }
}

#[cfg(test)]
mod tests {
    use super::retold;

    #[test]
    fn only_what_was_told_is_told_again_and_up_to_the_end() {
        assert!(retold(&[1, 2, 3], &[1, 2, 3]));
        assert!(retold(&[1, 2, 1, 2, 3], &[1, 2, 3]));
        assert!(retold(&[1, 2, 3, 2, 3], &[1, 2, 3]));
        assert!(retold(&[1, 1, 2], &[1, 1, 2]));
        assert!(retold::<i64>(&[], &[]));
        for wrong in [
            &[][..],
            &[1, 2],
            &[1, 3],
            &[1, 2, 3, 1],
            &[1, 2, 1, 3],
            &[2, 3, 1, 2, 3],
            &[1, 2, 3, 4],
        ] {
            assert!(!retold(wrong, &[1, 2, 3]), "{wrong:?}");
        }
    }
}
