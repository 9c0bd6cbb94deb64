//! What was fetched and not taken yet: a lane a partition, taken in the order of time.
//!
//! A query over several partitions takes the record with the lowest timestamp first, as Kafka Streams does: what was fetched
//! first of one partition does not make the others' records late. Within a partition the order is that of the offsets.
//! While a partition that is known to have more has nothing here the others wait for it, though not longer than [`IDLE`].
//!
//! Invariant: in a stretch the records are taken in the order that its ranges alone give, merged whole. So the ranges are
//! enough to go through it again alike; where a lane got records after it was gone on without, another stretch begins.
//! Belongs to a query's thread.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::intent::{Intent, Run};
use crate::log::{Fetched, Place, RecordRef};

/// How long a partition that is known to have more is waited for: long enough for a broker that has much to do, for what is taken
/// meanwhile may make its records late. What it has may be of a transaction that is open, so it is not waited for without end.
pub(super) const IDLE: Duration = Duration::from_secs(2);

/// How many bytes of a partition are fetched at once at least: with fewer, fetching would be most of the work.
const PORTION: usize = 64 * 1024;

/// A partition.
#[derive(Debug)]
struct Lane {
    partition: i32,
    fetched: VecDeque<Fetched>,
    /// In the first of what was fetched.
    place: Place,
    /// The time of the next record, where it was asked for.
    time: Option<i64>,
    fetched_to: i64,
    /// As last seen.
    end: i64,
    taken_to: i64,
    /// Where the stretch began.
    from: i64,
    /// What lies here or behind is not taken.
    until: i64,
    /// How many records were taken of all lanes when this one had no more.
    emptied: u64,
    /// Waited for in vain.
    given_up: bool,
    moved: bool,
}

/// The partitions of a source.
#[derive(Debug)]
pub(super) struct Lanes {
    /// In the order of the partitions.
    lanes: Vec<Lane>,
    intent: Intent,
    taken: u64,
    /// Bytes of what waits behind the first fetch of a lane, and how many may wait. The first is needed to know the order.
    bytes: usize,
    most: usize,
    portion: usize,
    waiting: Option<Instant>,
}

impl Lane {
    fn is_empty(&self) -> bool {
        self.fetched.is_empty()
    }

    fn lags(&self) -> bool {
        self.fetched_to < self.end.min(self.until)
    }

    /// The next record.
    #[inline]
    fn next(&self) -> Option<(RecordRef<'_>, Place)> {
        self.fetched
            .front()?
            .read(self.place)
            .filter(|(record, _)| record.offset < self.until)
    }
}

impl Lanes {
    /// Lanes for so many partitions, in about so many bytes.
    pub(super) fn new(partitions: u32, most: usize) -> Lanes {
        let partitions = usize::try_from(partitions).unwrap_or(1).max(1);
        let portion = (most / partitions / 2).max(PORTION);
        Lanes {
            portion,
            lanes: Vec::new(),
            intent: Intent::default(),
            taken: 0,
            bytes: 0,
            most: most / 2,
            waiting: None,
        }
    }

    /// Forgets everything; of each partition says where taking goes on, and its end as far as known.
    pub(super) fn begin(&mut self, partitions: impl IntoIterator<Item = (i32, i64, i64)>) {
        self.lanes.clear();
        self.intent = Intent::default();
        let runs = partitions.into_iter().map(|(partition, from, to)| Run {
            partition,
            from,
            to,
        });
        self.begin_stretch(runs);
        self.lanes.iter_mut().for_each(|lane| lane.until = i64::MAX);
    }

    /// As [`begin`](Lanes::begin), for these ranges only; what was noted stays.
    pub(super) fn begin_stretch(&mut self, runs: impl IntoIterator<Item = Run>) {
        self.end_stretch();
        self.lanes = runs
            .into_iter()
            .map(|run| Lane {
                partition: run.partition,
                fetched: VecDeque::new(),
                place: Place::default(),
                time: None,
                fetched_to: run.from,
                end: run.to,
                taken_to: run.from,
                from: run.from,
                until: run.to,
                emptied: 0,
                given_up: false,
                moved: false,
            })
            .collect();
        self.lanes.sort_by_key(|lane| lane.partition);
        (self.taken, self.bytes, self.waiting) = (0, 0, None);
    }

    /// Whether more of a partition is wanted: nothing of it is here.
    pub(super) fn wants(&self, partition: i32) -> bool {
        self.bytes < self.most
            && self
                .lane(partition)
                .and_then(|index| self.lanes.get(index))
                .is_none_or(|lane| lane.is_empty() && lane.fetched_to < lane.until)
    }

    /// How many bytes of a partition are wanted at once.
    pub(super) fn portion(&self) -> usize {
        self.portion
    }

    /// Whether nothing is here.
    pub(super) fn is_empty(&self) -> bool {
        self.lanes.iter().all(Lane::is_empty)
    }

    fn lane(&self, partition: i32) -> Option<usize> {
        self.lanes
            .binary_search_by_key(&partition, |lane| lane.partition)
            .ok()
    }

    /// Puts what was fetched behind what is here.
    pub(super) fn push(&mut self, fetched: Fetched) {
        let partition = fetched.partition();
        let index = match self.lane(partition) {
            Some(index) => index,
            // Partitions may be added to a topic; whoever reads them says what comes of it.
            None => return,
        };
        let missed = self
            .lanes
            .get(index)
            .is_some_and(|lane| lane.is_empty() && lane.emptied != self.taken);
        if missed {
            self.end_stretch();
        }
        if let Some(lane) = self.lanes.get_mut(index) {
            if !lane.is_empty() {
                self.bytes = self.bytes.saturating_add(fetched.bytes.len());
            }
            (lane.fetched_to, lane.end) = (fetched.next_offset(), fetched.end_offset());
            lane.given_up = false;
            lane.fetched.push_back(fetched);
            settle(lane, &mut self.bytes, self.taken);
        }
    }

    /// How long what is here waits at most for what is missing.
    pub(super) fn patience(&self, now: Instant) -> Duration {
        if !self.lacks() {
            return Duration::ZERO;
        }
        let waited = self
            .waiting
            .map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        IDLE.saturating_sub(waited)
    }

    /// Whether something is missing that was not waited for yet.
    fn lacks(&self) -> bool {
        let lacking = |lane: &Lane| lane.is_empty() && lane.lags() && !lane.given_up;
        self.bytes < self.most && self.lanes.iter().any(lacking)
    }

    /// Whether records may be taken. `exhausted` says that a poll gave nothing, `hurry` that nothing is waited for.
    pub(super) fn may_go_on(&mut self, now: Instant, exhausted: bool, hurry: bool) -> bool {
        if self.is_empty() {
            return false;
        }
        let whole = !self.lanes.iter().any(Lane::is_empty);
        if !whole && self.bytes < self.most {
            if !exhausted {
                return false;
            }
            if self.lacks() && !hurry {
                let since = *self.waiting.get_or_insert(now);
                if now.saturating_duration_since(since) < IDLE {
                    return false;
                }
                for lane in &mut self.lanes {
                    lane.given_up |= lane.is_empty();
                }
            }
        }
        self.waiting = None;
        true
    }

    /// Whether each range has a record here, or was fetched whole: nothing is missing for the order of a stretch.
    pub(super) fn is_whole(&self) -> bool {
        self.lanes
            .iter()
            .all(|lane| !lane.is_empty() || lane.fetched_to >= lane.until)
    }

    /// Whether every range is taken.
    pub(super) fn is_over(&self) -> bool {
        self.lanes.iter().all(|lane| lane.taken_to >= lane.until)
    }

    /// The lane whose record comes next. `time` says the time of a record of a partition.
    #[inline]
    pub(super) fn earliest<E>(
        &mut self,
        mut time: impl FnMut(i32, &RecordRef<'_>) -> Result<i64, E>,
    ) -> Result<Option<usize>, E> {
        if let [_] = self.lanes.as_slice() {
            return Ok(self
                .lanes
                .first()
                .filter(|lane| !lane.is_empty())
                .map(|_| 0));
        }
        let mut first: Option<(i64, usize)> = None;
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            let of_lane = match lane.time {
                Some(known) => known,
                None => {
                    let Some((record, _)) = lane.next() else {
                        continue;
                    };
                    let found = time(lane.partition, &record)?;
                    lane.time = Some(found);
                    found
                }
            };
            if first.is_none_or(|(earliest, _)| of_lane < earliest) {
                first = Some((of_lane, index));
            }
        }
        Ok(first.map(|(_, index)| index))
    }

    /// The next record of a lane, with its partition and the place behind it.
    #[inline]
    pub(super) fn record(&self, index: usize) -> Option<(i32, RecordRef<'_>, Place)> {
        let lane = self.lanes.get(index)?;
        let (record, behind) = lane.next()?;
        Some((lane.partition, record, behind))
    }

    /// The next record of a lane, which had this offset, is taken; whether it was the lane's last.
    #[inline]
    pub(super) fn took(&mut self, index: usize, offset: i64, behind: Place) -> bool {
        self.taken = self.taken.wrapping_add(1);
        let Some(lane) = self.lanes.get_mut(index) else {
            return true;
        };
        lane.taken_to = offset.saturating_add(1);
        lane.place = behind;
        lane.time = None;
        lane.moved = true;
        settle(lane, &mut self.bytes, self.taken);
        lane.is_empty()
    }

    /// Gives what was taken since it was asked last: partition, how far, and the end.
    pub(super) fn moved(&mut self, mut each: impl FnMut(i32, i64, i64)) {
        for lane in &mut self.lanes {
            if std::mem::take(&mut lane.moved) {
                each(lane.partition, lane.taken_to, lane.end);
            }
        }
    }

    /// What was taken since the last write.
    pub(super) fn intent(&mut self) -> &Intent {
        self.end_stretch();
        &self.intent
    }

    /// About how many runs are noted.
    pub(super) fn noted(&self) -> usize {
        let stretches = self.intent.stretches.len();
        stretches.saturating_mul(self.lanes.len())
    }

    /// What was taken is written.
    pub(super) fn wrote(&mut self) {
        self.end_stretch();
        self.intent = Intent::default();
    }

    fn end_stretch(&mut self) {
        let runs: Vec<Run> = self
            .lanes
            .iter_mut()
            .filter_map(|lane| {
                let from = std::mem::replace(&mut lane.from, lane.taken_to);
                (from < lane.taken_to).then_some(Run {
                    partition: lane.partition,
                    from,
                    to: lane.taken_to,
                })
            })
            .collect();
        self.intent.note(runs);
    }
}

/// Passes over what is taken of a lane, so that it is empty exactly where it has no record.
#[inline]
fn settle(lane: &mut Lane, bytes: &mut usize, taken: u64) {
    while let Some(front) = lane.fetched.front() {
        if !front.is_end(lane.place) {
            // Only where it begins may a fetch hold records that were not asked for, or too many.
            let begins = lane.place == Place::default() || lane.until < i64::MAX;
            if !begins || lane.next().is_some() {
                return;
            }
        }
        let to = front.next_offset().min(lane.until);
        // Offsets may lie behind the last record.
        lane.taken_to = lane.taken_to.max(to);
        lane.moved = true;
        lane.place = Place::default();
        lane.fetched.pop_front();
        let next = lane.fetched.front().map_or(0, |next| next.bytes.len());
        *bytes = bytes.saturating_sub(next);
    }
    lane.emptied = taken;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use std::convert::Infallible;
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::engine::journal::Entry;
    use crate::log::testing::fetched;

    /// Records of a partition at these times, one offset each, the end of the partition and where it was fetched to.
    fn some(partition: i32, from: i64, times: &[i64], end: i64) -> Fetched {
        fetched(Arc::from("t"), partition, from, times, end)
    }

    /// Takes until a lane has no more; says partitions and offsets.
    fn take(lanes: &mut Lanes) -> Vec<(i32, i64)> {
        let mut taken = Vec::new();
        while let Some(index) = lanes
            .earliest(|_, record| Ok::<_, Infallible>(record.timestamp))
            .unwrap()
        {
            let (partition, record, behind) = lanes.record(index).unwrap();
            taken.push((partition, record.offset));
            let offset = record.offset;
            if lanes.took(index, offset, behind) {
                break;
            }
        }
        taken
    }

    fn lanes(ends: &[i64]) -> Lanes {
        let mut lanes = Lanes::new(2, usize::MAX / 8);
        lanes.begin((0..).zip(ends).map(|(partition, end)| (partition, 0, *end)));
        lanes
    }

    #[test]
    fn the_lowest_timestamp_comes_first_and_within_a_partition_the_lowest_offset() {
        let mut lanes = lanes(&[3, 3]);
        let now = Instant::now();
        lanes.push(some(1, 0, &[5, 1, 9], 3));
        assert!(!lanes.may_go_on(now, true, false), "the other one has more");
        lanes.push(some(0, 0, &[5, 6, 7], 3));
        assert!(lanes.may_go_on(now, false, false));
        assert_eq!(take(&mut lanes), [(0, 0), (1, 0), (1, 1), (0, 1), (0, 2)]);
        assert!(!lanes.may_go_on(now, false, false), "more may have come");
        assert!(lanes.may_go_on(now, true, false));
        assert_eq!(take(&mut lanes), [(1, 2)]);
    }

    #[test]
    fn a_partition_without_records_holds_up_the_others_no_longer_than_the_idle_time() {
        let mut lanes = lanes(&[10, 10]);
        let now = Instant::now();
        lanes.push(some(0, 0, &[1, 2], 10));
        assert_eq!(lanes.patience(now), IDLE);
        assert!(!lanes.may_go_on(now, true, false));
        let later = now + IDLE / 2;
        assert_eq!(lanes.patience(later), IDLE / 2);
        assert!(!lanes.may_go_on(later, true, false));
        assert!(lanes.may_go_on(now + IDLE, true, false));
        assert_eq!(take(&mut lanes), [(0, 0), (0, 1)]);
        // It is not waited for again before it gave something.
        lanes.push(some(0, 2, &[3], 10));
        assert_eq!(lanes.patience(now + IDLE), Duration::ZERO);
        assert!(lanes.may_go_on(now + IDLE, true, false));
        assert_eq!(take(&mut lanes), [(0, 2)]);
        lanes.push(some(1, 0, &[1], 10));
        assert!(
            !lanes.may_go_on(now + IDLE, true, false),
            "the first has more"
        );
        assert!(lanes.may_go_on(now + IDLE, true, true), "an order to stop");
    }

    #[test]
    fn a_partition_that_is_read_to_its_end_is_not_waited_for() {
        let mut lanes = lanes(&[2, 0]);
        lanes.push(some(0, 0, &[1, 2], 2));
        assert_eq!(lanes.patience(Instant::now()), Duration::ZERO);
        assert!(lanes.may_go_on(Instant::now(), true, false));
    }

    #[test]
    fn nothing_more_is_fetched_of_a_partition_that_has_records_here() {
        let mut lanes = lanes(&[9, 9]);
        assert!(lanes.wants(0) && lanes.wants(1));
        lanes.push(some(0, 0, &[1], 9));
        assert!(!lanes.wants(0) && lanes.wants(1));
        lanes.push(some(0, 1, &[2], 9));
        assert!(lanes.wants(1), "there is room");
        lanes.most = 1;
        assert!(!lanes.wants(1), "there is no room");
        assert!(lanes.may_go_on(Instant::now(), false, false));
    }

    #[test]
    fn offsets_without_records_are_passed_over() {
        let mut lanes = lanes(&[7, 0]);
        let mut none = some(0, 0, &[], 7);
        none.next_offset = 7;
        lanes.push(none);
        assert!(lanes.is_empty());
        let mut moved = Vec::new();
        lanes.moved(|partition, to, end| moved.push((partition, to, end)));
        assert_eq!(moved, [(0, 7, 7)]);
        let run = Run {
            partition: 0,
            from: 0,
            to: 7,
        };
        assert_eq!(lanes.intent().stretches, [vec![run]]);
    }

    proptest! {
        #[test]
        fn what_was_taken_is_taken_again_alike(
            times in prop::collection::vec(prop::collection::vec(0..50_i64, 0..30), 3),
            portions in prop::collection::vec(
                (0..3_usize, 1..7_usize, 0..3_u8, prop::bool::weighted(0.2)),
                0..40,
            ),
            again in 1..5_usize,
        ) {
            let ends: Vec<i64> = times.iter().map(|times| times.len() as i64).collect();
            let mut lanes = lanes(&ends);
            let mut at = [0_usize; 3];
            let mut taken = Vec::new();
            let mut written = Vec::new();
            for (lane, size, go_on, write) in portions {
                let to = times[lane].len().min(at[lane] + size);
                let part = &times[lane][at[lane]..to];
                if !part.is_empty() && lanes.wants(lane as i32) {
                    lanes.push(some(lane as i32, at[lane] as i64, part, ends[lane]));
                    at[lane] = to;
                }
                // With and without what others would have.
                if lanes.may_go_on(Instant::now(), go_on > 0, go_on > 1) {
                    taken.append(&mut take(&mut lanes));
                }
                if write {
                    written.push(lanes.intent().clone());
                    lanes.wrote();
                }
            }
            written.push(lanes.intent().clone());
            let mut repeated = Vec::new();
            let mut positions = [0_i64; 3];
            for intent in written {
                let entry = Entry { mark: 0, intent, sequence: 0, keyless: 0 };
                let position = |number: i32| Some(positions[number as usize]);
                prop_assert_eq!(entry.gap(position), [], "nothing is missing");
                prop_assert_eq!(entry.is_news(position), entry.runs().next().is_some());
                for run in entry.runs() {
                    positions[run.partition as usize] = run.to;
                }
                for runs in &entry.intent.stretches {
                    lanes.begin_stretch(runs.iter().copied());
                    while !lanes.is_over() {
                        if lanes.is_whole() {
                            repeated.append(&mut take(&mut lanes));
                            continue;
                        }
                        for (lane, times) in times.iter().enumerate() {
                            if lanes.lane(lane as i32).is_none() || !lanes.wants(lane as i32) {
                                continue;
                            }
                            let index = lanes.lane(lane as i32).unwrap();
                            let from = lanes.lanes[index].fetched_to as usize;
                            let to = times.len().min(from + again);
                            lanes.push(some(lane as i32, from as i64, &times[from..to], ends[lane]));
                        }
                    }
                }
            }
            prop_assert_eq!(repeated, taken);
            lanes.end_stretch();
        }
    }
}
