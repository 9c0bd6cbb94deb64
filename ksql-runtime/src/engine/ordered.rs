//! Work in the order of time: records of all partitions are taken by their timestamps, and what comes of it is written in steps
//! that a kill may fall between.
//!
//! What a query makes of several partitions depends on which record came first. So the order is noted before results are sent
//! (see the intent), and gone through again after a kill.
//!
//! While the results of one write are on their way the records of the next are taken, where what is kept allows it.
//!
//! Invariant: whoever takes holds the store's state with everything taken since the last write, and with what is on its way to the
//! store; an error forgets all of it, and what was taken is read again. One write is on its way at a time. Belongs to a query's thread.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rocksdb::WriteBatch;

use super::duty::{Office, Way};
use super::intent::{Intent, Run};
use super::journal::Entry;
use super::lanes::Lanes;
use super::output::Outputs;
use super::replay::Replay;
use super::stand_by::{self, Again};
use super::store::{self, QueryStore};
use super::underway::{Batch, Steps, Underway};
use crate::log::{Fetched, Log, LogError, RecordRef, TopicId};
use crate::state::{Progress, StateError, Table, Topics, Work};

/// How long changes gather while there is more to read.
const GATHER: Duration = Duration::from_millis(200);
/// The same while nobody may read the results yet: the longer, the fewer there are of a group.
const GATHER_RESTORING: Duration = Duration::from_secs(1);
/// How many records are written together at most.
const MOST_RECORDS: u64 = 200_000;
/// How many are taken before it is asked whether it is time to write.
const AT_ONCE: u64 = 1024;
/// How many runs are noted together at most: a note is one record of a topic.
const MOST_RUNS: usize = 20_000;
/// How long a poll waits for a record that is there.
const POLL: Duration = Duration::from_millis(200);

/// Takes records, and makes something of them.
pub(super) trait Taking {
    /// Everything is as it is stored.
    fn forget(&mut self) -> Result<(), StateError>;

    /// Asks again for what the last attempt ended for want of.
    fn ask_again(&mut self) -> Result<(), StateError>;

    /// When a record happened; that of one that is no row, or says no time, does not matter.
    fn time_of(&mut self, number: i32, record: &RecordRef<'_>) -> Result<i64, StateError>;

    /// Takes a record of the partition with this number.
    fn take(&mut self, number: i32, record: &RecordRef<'_>) -> Result<(), StateError>;

    /// Nothing is used any more that was made of a record for the moment.
    fn refresh(&mut self);

    /// Whether there is no room for more. Asked after some records.
    fn is_full(&self) -> bool;

    /// The same, asked after each: a row of any size may make what is kept as much larger.
    fn is_crammed(&self) -> bool {
        false
    }

    /// Whether there are results of what was taken.
    fn has_changed(&self) -> bool;

    /// Where the results go through.
    fn outputs(&mut self) -> &mut Outputs;

    /// Makes the results; what is worth it is sent at once.
    fn tell(&mut self) -> Result<(), StateError>;

    /// Puts what is kept with the offsets that were reached into one batch, which takes the intent away.
    fn pack(&mut self, progress: &Progress, topics: &Topics) -> Result<WriteBatch, StateError>;

    /// Whether records may be taken while what was packed is on its way to the store: then nothing that was packed is forgotten.
    fn may_take_on(&self) -> bool {
        false
    }

    /// What was packed is stored.
    fn wrote(&mut self) -> Result<(), StateError>;
}

/// Takes records in order.
pub(super) struct Ordered<T> {
    taking: T,
    lanes: Lanes,
    /// Where several instances run the query.
    office: Option<Office>,
    /// The topic of what the owner notes.
    journal: Option<TopicId>,
    table: Arc<Table>,
    reading: QueryStore,
    runtime: tokio::runtime::Handle,
    /// The last write, where records are taken beside it.
    underway: Option<Underway>,
    progress: Progress,
    /// Records since the last write.
    taken: u64,
    began: Option<Instant>,
}

impl<T: Taking> Ordered<T> {
    /// Over so many partitions, of which about so many bytes are held.
    pub(super) fn new(
        taking: T,
        table: &Arc<Table>,
        (office, runtime): (Option<Office>, &tokio::runtime::Handle),
        partitions: u32,
        bytes: usize,
    ) -> Ordered<T> {
        Ordered {
            taking,
            journal: office.as_ref().map(Office::journal_id),
            office,
            lanes: Lanes::new(partitions, bytes),
            table: Arc::clone(table),
            reading: QueryStore::new(table),
            runtime: runtime.clone(),
            underway: None,
            progress: Progress::default(),
            taken: 0,
            began: None,
        }
    }

    /// Goes on where the table's positions are.
    fn begin(&mut self) {
        let lag = self.table.status().lag;
        self.lanes.begin(
            (0_i32..)
                .zip(&lag)
                .map(|(number, lag)| (number, lag.position, lag.end.max(lag.target))),
        );
    }

    /// Takes what is in the lanes in its order, until one of them has no more or it is time to write.
    fn take_in_order(&mut self) -> Result<(), StateError> {
        let Ordered {
            taking,
            lanes,
            progress,
            taken,
            began,
            ..
        } = self;
        began.get_or_insert_with(Instant::now);
        let mut left = AT_ONCE;
        taking.refresh();
        while let Some(index) = lanes.earliest(|number, record| taking.time_of(number, record))? {
            let Some((number, record, behind)) = lanes.record(index) else {
                break;
            };
            progress.count();
            *taken = taken.saturating_add(1);
            taking.take(number, &record)?;
            let offset = record.offset;
            if lanes.took(index, offset, behind) {
                break;
            }
            left = left.wrapping_sub(1);
            if taking.is_crammed() {
                break;
            }
            if left == 0 {
                if *taken >= MOST_RECORDS || taking.is_full() {
                    break;
                }
                left = AT_ONCE;
                taking.refresh();
            }
        }
        self.note_moved();
        Ok(())
    }

    /// Offsets without a record count too.
    fn note_moved(&mut self) {
        let progress = &mut self.progress;
        self.lanes
            .moved(|number, to, end| progress.reached(number, to, end));
    }

    /// Takes a stretch again that was about to be written.
    fn take_again(&mut self, log: &Log, topics: &Topics, runs: &[Run]) -> Result<(), StateError> {
        let failed = |failed| topics.failed(failed);
        let from: Vec<(i32, i64)> = runs.iter().map(|run| (run.partition, run.from)).collect();
        let mut reader = topics.reader(log, &from).map_err(failed)?;
        reader.limit(self.lanes.portion());
        self.table.keep_waker(reader.waker());
        self.lanes.begin_stretch(runs.iter().copied());
        while !self.lanes.is_over() {
            if self.table.may_end() {
                return Err(failed((0, LogError::Closed)));
            }
            if self.lanes.is_whole() {
                self.take_in_order()?;
                continue;
            }
            let lanes = &self.lanes;
            let fetched = reader.poll_of(POLL, |number| lanes.wants(number));
            if let Some(fetched) = fetched.map_err(failed)? {
                self.lanes.push(fetched);
            }
        }
        self.note_moved();
        Ok(())
    }

    /// Notes what is about to be written.
    fn intend(&mut self) -> Result<(), StateError> {
        let mut bytes = Vec::new();
        self.lanes.intent().write(&mut bytes);
        let table = &self.table;
        table.store.write_logged(
            &table.settings.store,
            |batch, family| batch.put_cf(family, [store::INTENT], &bytes),
            [],
        )
    }
}

impl<T: Taking> Work for Ordered<T> {
    fn forget(&mut self) -> Result<(), StateError> {
        // Its error is met again; where there is none, what it wrote is not taken again.
        if let Some(Ok(progress)) = self.underway.take().map(Underway::wait) {
            self.wrote(progress)?;
        }
        self.begin();
        self.progress.clear();
        (self.taken, self.began) = (0, None);
        self.taking.forget()
    }

    fn ask_again(&mut self) -> Result<(), StateError> {
        self.taking.ask_again()
    }

    fn resumes(&self) -> bool {
        true
    }

    fn resume(&mut self, log: &Log, topics: &Topics) -> Result<(), StateError> {
        if let Some(mut office) = self.office.take() {
            let table = Arc::clone(&self.table);
            let elected = stand_by::until_owner(&office, &table, (log, topics), self);
            office.term = elected.as_ref().ok().copied();
            self.office = Some(office);
            self.begin();
            return elected.map(drop);
        }
        let Some(intent) = self.reading.get(&[store::INTENT], Intent::read)? else {
            return Ok(());
        };
        let intent = intent.map_err(|_| self.reading.damaged("what was about to be written"))?;
        for runs in &intent.stretches {
            self.take_again(log, topics, runs)?;
        }
        self.write(topics)?;
        self.settle()?;
        self.begin();
        Ok(())
    }

    fn wants(&self, number: i32) -> bool {
        self.lanes.wants(number)
    }

    fn portion(&self) -> usize {
        self.lanes.portion()
    }

    fn patience(&self) -> Duration {
        let stopping = self.table.stopping();
        match (self.lanes.is_empty(), self.progress.is_empty()) {
            (true, true) => Duration::MAX,
            // Its end wakes.
            (true, false) if self.underway.is_some() && !stopping => Duration::MAX,
            (false, _) if !stopping => self.lanes.patience(Instant::now()),
            _ => Duration::ZERO,
        }
    }

    fn take(&mut self, fetched: Option<Fetched>) -> Result<bool, StateError> {
        if let Some(office) = &self.office {
            office.check()?;
        }
        if let Some(over) = self.underway.as_mut().and_then(Underway::over) {
            self.underway = None;
            self.wrote(over?)?;
        }
        let exhausted = fetched.is_none();
        if let Some(fetched) = fetched {
            self.lanes.push(fetched);
        }
        // An order to stop waits for nobody.
        let hurry = self.table.stopping();
        if self.lanes.may_go_on(Instant::now(), exhausted, hurry) {
            self.take_in_order()?;
            return Ok(true);
        }
        self.note_moved();
        Ok(!exhausted || !self.lanes.is_empty())
    }

    fn is_empty(&self) -> bool {
        self.progress.is_empty() && self.underway.is_none()
    }

    fn is_due(&self, more: bool, restoring: bool) -> bool {
        let gather = if restoring { GATHER_RESTORING } else { GATHER };
        let gathered = |began: Instant| began.elapsed() >= gather;
        let full = self.taken >= MOST_RECORDS
            || self.taking.is_full()
            || (self.office.is_some() && self.lanes.noted() >= MOST_RUNS);
        if self.underway.is_some() && !self.table.stopping() {
            // What is taken meanwhile is written together.
            return full;
        }
        !more || full || self.began.is_some_and(gathered)
    }

    fn write(&mut self, topics: &Topics) -> Result<(), StateError> {
        self.settle()?;
        if self.progress.is_empty() {
            return Ok(());
        }
        let turn = self.office.as_ref().map(Office::turn).transpose()?;
        let changed = self.taking.has_changed();
        match &turn {
            Some(turn) => self.taking.outputs().go(Way::Turn(turn.writer())),
            None if changed => self.intend()?,
            None => {}
        }
        if changed {
            self.taking.tell()?;
        }
        let mut results = self.taking.outputs().hand_over()?;
        let batch = match self.taking.pack(&self.progress, topics) {
            Ok(batch) => batch,
            Err(error) => return results.ended(Some(error)),
        };
        let note = self.office.clone().zip(turn).map(|(office, turn)| {
            let entry = Entry {
                mark: office.mark(topics),
                intent: self.lanes.intent().clone(),
                sequence: 0,
                keyless: 0,
            };
            (office, turn, entry)
        });
        let steps = Steps {
            table: Arc::clone(&self.table),
            results,
            note,
            batch: Batch(batch),
            progress: std::mem::take(&mut self.progress),
        };
        (self.taken, self.began) = (0, None);
        self.lanes.wrote();
        if self.taking.may_take_on() && !self.table.stopping() {
            self.underway = Some(Underway::begin(&self.runtime, steps));
            return Ok(());
        }
        self.wrote(steps.take()?)
    }
}

impl<T: Taking> Ordered<T> {
    /// Waits for the write that is on its way.
    fn settle(&mut self) -> Result<(), StateError> {
        match self.underway.take() {
            Some(underway) => self.wrote(underway.wait()?),
            None => Ok(()),
        }
    }

    /// A write is over, which reached so far.
    fn wrote(&mut self, mut progress: Progress) -> Result<(), StateError> {
        self.taking.wrote()?;
        progress.publish(&self.table);
        Ok(())
    }

    /// Takes a stretch as the owner took it; what is too much for memory is written on the way where `writes` says so.
    fn follow(
        &mut self,
        replay: &mut Replay<'_>,
        runs: &[Run],
        writes: bool,
    ) -> Result<(), StateError> {
        let topics = replay.topics;
        replay.begin(runs, self.lanes.portion())?;
        let mut left = AT_ONCE;
        self.taking.refresh();
        while let Some(number) =
            replay.earliest(|number, record| self.taking.time_of(number, record))?
        {
            let Some(record) = replay.record(number) else {
                break;
            };
            self.progress.count();
            self.taking.take(number, &record)?;
            replay.took(number);
            left = left.wrapping_sub(1);
            if left == 0 {
                (left, self.taken) = (AT_ONCE, self.taken.saturating_add(AT_ONCE));
                self.taking.refresh();
                if writes && (self.taking.is_full() || self.taken >= MOST_RECORDS) {
                    replay.reached(runs, &mut self.progress);
                    self.store_followed(topics)?;
                }
            }
        }
        replay.reached(runs, &mut self.progress);
        Ok(())
    }

    /// Writes what was taken again; the results are told already.
    fn store_followed(&mut self, topics: &Topics) -> Result<(), StateError> {
        self.taking.outputs().go(Way::Nowhere);
        if self.taking.has_changed() {
            self.taking.tell()?;
        }
        self.taking.outputs().clear();
        let mut batch = self.taking.pack(&self.progress, topics)?;
        let (store, progress) = (&self.table.store, &self.progress);
        store.pack_more(&self.table.settings.store, &mut batch, |batch, family| {
            store::put_journal(batch, family, progress);
        })?;
        store.write_packed(batch)?;
        self.taken = 0;
        self.taking.wrote()?;
        self.progress.publish(&self.table);
        Ok(())
    }
}

impl<T: Taking> Again for Ordered<T> {
    fn again(
        &mut self,
        entry: &Entry,
        next: i64,
        replay: &mut Replay<'_>,
    ) -> Result<(), StateError> {
        let lag = self.table.status().lag;
        let position = |number: i32| {
            let number = usize::try_from(number).ok();
            number
                .and_then(|number| lag.get(number))
                .map(|lag| lag.position)
        };
        if !entry.is_news(position) {
            return Ok(());
        }
        let gap = entry.gap(position);
        if !gap.is_empty() {
            tracing::debug!(
                query = self.table.entity,
                "the journal says no more in which order older records were taken: they are taken in the order of time"
            );
            self.follow(replay, &gap, true)?;
        }
        for runs in &entry.intent.stretches {
            self.follow(replay, runs, false)?;
        }
        self.progress.journal = self.journal.map(|topic| (topic, next));
        self.store_followed(replay.topics)
    }
}
