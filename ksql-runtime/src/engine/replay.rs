//! Taking records again exactly as the owner took them: stretch by stretch, each merged whole in the order of time.
//!
//! It reads on from one stretch to the next, so following an owner costs one reader. Invariant: of each partition what is given
//! out follows what was given out before, and nothing at or behind the end of the stretch is. Belongs to a query's thread, as long
//! as it stands by.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::intent::Run;
use crate::log::{Fetched, Log, LogError, Place, RecordRef, SeveralReader};
use crate::state::{Progress, StateError, Table, Topics};

/// How long a poll waits for a record that is there.
const POLL: Duration = Duration::from_millis(200);

/// Reads what is taken again.
#[derive(Debug)]
pub(super) struct Replay<'a> {
    log: &'a Log,
    pub(super) topics: &'a Topics,
    table: &'a Arc<Table>,
    reader: Option<SeveralReader>,
    tracks: Vec<Track>,
}

/// A partition, by its number.
#[derive(Debug, Default)]
struct Track {
    fetched: VecDeque<Fetched>,
    place: Place,
    /// The next record: its time where it was asked for, its offset, and the place behind it.
    head: Option<(Option<i64>, i64, Place)>,
    fetched_to: i64,
    taken_to: i64,
    until: i64,
    end: i64,
    /// Whether it is part of the stretch and not over.
    active: bool,
}

impl Track {
    /// Looks for the next record of the stretch; `false` where more has to be fetched to know.
    fn settle(&mut self) -> bool {
        while let Some(front) = self.fetched.front() {
            match front.read(self.place) {
                Some((record, behind)) if record.offset < self.taken_to => self.place = behind,
                Some((record, behind)) if record.offset < self.until => {
                    self.head = Some((None, record.offset, behind));
                    return true;
                }
                Some(_) => return self.is_over(),
                None => {
                    let to = front.next_offset().min(self.until);
                    self.taken_to = self.taken_to.max(to);
                    self.fetched.pop_front();
                    self.place = Place::default();
                }
            }
        }
        self.fetched_to >= self.until && self.is_over()
    }

    fn is_over(&mut self) -> bool {
        (self.taken_to, self.active) = (self.until.max(self.taken_to), false);
        true
    }

    fn is_wanted(&self) -> bool {
        self.active && self.fetched.is_empty() && self.fetched_to < self.until
    }
}

impl<'a> Replay<'a> {
    /// From the table's positions on.
    pub(super) fn new(log: &'a Log, topics: &'a Topics, table: &'a Arc<Table>) -> Replay<'a> {
        Replay {
            log,
            topics,
            table,
            reader: None,
            tracks: Vec::new(),
        }
    }

    /// Begins with a stretch; of it only what was not taken before.
    pub(super) fn begin(&mut self, runs: &[Run], portion: usize) -> Result<(), StateError> {
        if self.reader.is_none() {
            let lag = self.table.status().lag;
            let from: Vec<(i32, i64)> = (0..).zip(lag.iter().map(|lag| lag.position)).collect();
            let reader = self.topics.reader(self.log, &from);
            let mut reader = reader.map_err(|failed| self.topics.failed(failed))?;
            reader.limit(portion);
            self.reader = Some(reader);
            self.tracks = lag
                .iter()
                .map(|lag| Track {
                    fetched_to: lag.position,
                    taken_to: lag.position,
                    end: lag.end,
                    ..Track::default()
                })
                .collect();
        }
        for run in runs {
            let number = usize::try_from(run.partition).ok();
            if let Some(track) = number.and_then(|number| self.tracks.get_mut(number)) {
                (track.until, track.active) = (run.to, run.to > track.taken_to);
            }
        }
        Ok(())
    }

    /// The number of the partition whose record comes next; nothing where the stretch is over. `time` says when a record happened.
    pub(super) fn earliest(
        &mut self,
        mut time: impl FnMut(i32, &RecordRef<'_>) -> Result<i64, StateError>,
    ) -> Result<Option<i32>, StateError> {
        loop {
            let mut lacks = false;
            for track in &mut self.tracks {
                if track.active && track.head.is_none() {
                    lacks |= !track.settle();
                }
            }
            if !lacks {
                break;
            }
            self.fetch()?;
        }
        let alone = self.tracks.iter().filter(|track| track.active).count() < 2;
        let mut first: Option<(i64, i32)> = None;
        for (number, track) in (0_i32..).zip(&mut self.tracks) {
            let Some((known, ..)) = track.head.as_ref().filter(|_| track.active) else {
                continue;
            };
            let at = match known {
                Some(at) => *at,
                None if alone => 0,
                None => {
                    let record = track
                        .fetched
                        .front()
                        .and_then(|front| front.read(track.place));
                    let at = match record {
                        Some((record, _)) => time(number, &record)?,
                        None => 0,
                    };
                    if let Some((known, ..)) = &mut track.head {
                        *known = Some(at);
                    }
                    at
                }
            };
            if first.is_none_or(|(earliest, _)| at < earliest) {
                first = Some((at, number));
            }
        }
        Ok(first.map(|(_, number)| number))
    }

    fn track(&self, number: i32) -> Option<&Track> {
        usize::try_from(number)
            .ok()
            .and_then(|number| self.tracks.get(number))
    }

    /// The next record of a partition.
    pub(super) fn record(&self, number: i32) -> Option<RecordRef<'_>> {
        let track = self.track(number)?;
        let (record, _) = track.fetched.front()?.read(track.place)?;
        Some(record)
    }

    /// That record is taken.
    pub(super) fn took(&mut self, number: i32) {
        let track = usize::try_from(number)
            .ok()
            .and_then(|number| self.tracks.get_mut(number));
        if let Some(track) = track
            && let Some((_, offset, behind)) = track.head.take()
        {
            (track.taken_to, track.place) = (offset.saturating_add(1), behind);
        }
    }

    /// How far the partitions of these runs were taken.
    pub(super) fn reached(&self, runs: &[Run], progress: &mut Progress) {
        for run in runs {
            if let Some(track) = self.track(run.partition) {
                progress.reached(run.partition, track.taken_to, track.end.max(track.taken_to));
            }
        }
    }

    fn fetch(&mut self) -> Result<(), StateError> {
        let closed = || self.topics.failed((0, LogError::Closed));
        if self.table.stopping() {
            return Err(closed());
        }
        let (tracks, topics) = (&self.tracks, self.topics);
        let wanted = |number| {
            let number = usize::try_from(number).ok();
            number
                .and_then(|number: usize| tracks.get(number))
                .is_some_and(Track::is_wanted)
        };
        let reader = self.reader.as_mut().ok_or_else(closed)?;
        let fetched = reader.poll_of(POLL, wanted);
        let Some(fetched) = fetched.map_err(|failed| topics.failed(failed))? else {
            return Ok(());
        };
        let number = usize::try_from(fetched.partition()).ok();
        if let Some(track) = number.and_then(|number| self.tracks.get_mut(number)) {
            (track.fetched_to, track.end) = (fetched.next_offset(), fetched.end_offset());
            track.fetched.push_back(fetched);
        }
        Ok(())
    }
}
