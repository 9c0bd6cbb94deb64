//! Filter and map: a row makes at most one other, or one for each element of an array.
//!
//! Over a stream nothing is kept but positions. Over a table a deletion makes a deletion, and a row that the condition no
//! longer holds for one too: which rows are shown is kept then. Results are those of single records, so what is made
//! again after a kill is the same whatever was read together.

use std::collections::HashMap;
use std::sync::Arc;

use ksql_schema::model::Kind;
use ksql_schema::query::plan::Step;

use super::Site;
use super::blank::Blank;
use super::duty::{Office, Way};
use super::event_time::EventTime;
use super::intent::{Intent, Run};
use super::journal::Entry;
use super::output::Outputs;
use super::replay::Replay;
use super::source::{Read, Source};
use super::stand_by::{self, Again};
use super::store::{self, Counts, QueryStore};
use super::windows;
use crate::clock::Clock;
use crate::entity::{Entity, EntityKey};
use crate::log::{Fetched, Log, RecordRef, TopicId};
use crate::query::{At, Project, Scratch};
use crate::state::{Progress, StateError, Table, Topics, Work};

/// How many records are taken again before memory is given back.
const AT_ONCE: u64 = 1024;

/// A projection at work.
#[derive(Debug)]
pub(super) struct Projecting<Q: Project> {
    query: Q,
    table: Arc<Table>,
    source: Source<Q::Input>,
    time: EventTime,
    clock: Clock,
    outputs: Outputs,
    progress: Progress,
    store: QueryStore,
    scratch: Scratch,
    sequence: u64,
    shown: Shown,
    blank: Blank,
    new_key: Vec<u8>,
    /// How many bytes of a key are its window's.
    window: usize,
    /// Where several instances run the query.
    office: Option<Office>,
    /// The topic of what the owner notes.
    journal: Option<TopicId>,
}

/// Which rows of a table are shown.
#[derive(Debug)]
enum Shown {
    /// A stream with a condition: the records for which it holds.
    Records,
    /// A stream without one: every record, those without a value too.
    Every,
    /// A table without a condition: all.
    All,
    /// Those for which the condition held; beside the store what changed since it was written.
    Kept(HashMap<Vec<u8>, bool>),
}

impl<E: Entity, Q: Project<Input = E>> Projecting<Q> {
    pub(super) fn new(
        query: Q,
        table: &Arc<Table>,
        site: Site,
        runtime: &tokio::runtime::Handle,
    ) -> Projecting<Q> {
        let store = QueryStore::new(table);
        // Before the query is seen to run. What cannot be read is met again, and told, when it begins.
        if let Ok(counts) = store.counts() {
            table.set_left_out(0, counts.keyless);
        }
        let source_kind = Q::PLAN.inputs.first().map(|input| input.kind);
        let filters = Q::PLAN
            .steps
            .iter()
            .any(|step| matches!(step, Step::Filter(_)));
        let shown = match (source_kind, filters) {
            (Some(Kind::Table), true) => Shown::Kept(HashMap::new()),
            (Some(Kind::Table), false) => Shown::All,
            // Nothing is made of a record without a value.
            (_, filters) if filters || Q::EXPLODES => Shown::Records,
            _ => Shown::Every,
        };
        let office = Office::of(&site, table, runtime);
        Projecting {
            query,
            journal: office.as_ref().map(Office::journal_id),
            office,
            table: Arc::clone(table),
            source: Source::new(table, site.registry, runtime),
            time: EventTime::of::<E>(),
            clock: site.clock,
            outputs: Outputs::new::<Q::Output>(table, site.log, runtime, site.targets),
            progress: Progress::default(),
            store,
            scratch: Scratch::new(),
            sequence: 0,
            shown,
            blank: Blank::of::<E>(),
            new_key: Vec::new(),
            window: windows::kept(Q::PLAN),
        }
    }

    fn take_all(&mut self, fetched: &Fetched) -> Result<(), StateError> {
        let partition = fetched.partition();
        self.time.set_now(self.clock.now_ms());
        for record in fetched {
            self.take_one(partition, &record)?;
        }
        self.progress.took(fetched);
        Ok(())
    }

    #[inline]
    fn take_one(&mut self, partition: i32, record: &RecordRef<'_>) -> Result<(), StateError> {
        let Projecting {
            query,
            source,
            time,
            outputs,
            progress,
            store,
            scratch,
            sequence,
            shown,
            blank,
            new_key,
            window,
            ..
        } = self;
        let window = windows::part(record.key, *window);
        let scratch = &*scratch;
        progress.count();
        let (read, judge) = source.read(partition, record)?;
        let (key, body) = match read {
            Read::Nothing => return Ok(()),
            Read::Row(key, body) => (key, Some(body)),
            Read::Gone(key) => (key, None),
        };
        let row = match body.map(|body| E::decode_row(&key, body)).transpose() {
            Ok(row) => row,
            Err(error) => {
                return judge.unreadable(partition, record.offset, &error);
            }
        };
        let said = row.map_or(Some(record.timestamp), |row| {
            time.of_taken::<E>(row, scratch, record.timestamp)
        });
        let Some(timestamp) = said else {
            judge.timeless(partition, record.offset);
            return Ok(());
        };
        let at = At {
            scratch,
            timestamp,
            partition,
            offset: record.offset,
            sequence: *sequence,
            exploded: &[],
        };
        *sequence = sequence.wrapping_add(1);
        let kept = row.filter(|row| query.keep(&at, *row));
        let was_shown = match shown {
            Shown::Records => false,
            // A record without a value is handed on where no condition asks for one.
            Shown::Every => row.is_none(),
            // A deletion is told whether or not there was a row.
            Shown::All => true,
            Shown::Kept(changed) => {
                let mut ordered = vec![store::SHOWN];
                key.encode_ordered(&mut ordered);
                let before = match changed.get(&ordered) {
                    Some(known) => *known,
                    None => store.has(&ordered)?,
                };
                if before != kept.is_some() {
                    changed.insert(ordered, kept.is_some());
                }
                before
            }
        };
        match kept {
            Some(row) => {
                new_key.clear();
                let key = query
                    .new_key(&at, row, true, new_key)
                    .map(|known| known.then_some(new_key.as_slice()));
                let impossible = |wrong| judge.impossible(partition, record.offset, &wrong);
                if Q::EXPLODES {
                    let arrays = query.explode(&at, row);
                    for at in at.of_rows(arrays) {
                        let made = query.project(&at, row);
                        outputs
                            .row::<Q::Output>(made, key, window, scratch, timestamp)
                            .map_err(impossible)?;
                    }
                } else {
                    let made = query.project(&at, row);
                    outputs
                        .row::<Q::Output>(made, key, window, scratch, timestamp)
                        .map_err(impossible)?;
                }
            }
            None if was_shown => {
                let body = blank.key(query, &at, &key);
                outputs.gone(body.as_deref(), window, timestamp);
            }
            None => {}
        }
        Ok(())
    }
}

impl<E: Entity, Q: Project<Input = E>> Work for Projecting<Q> {
    fn forget(&mut self) -> Result<(), StateError> {
        self.outputs.clear();
        self.time.forget();
        self.progress.clear();
        if let Shown::Kept(changed) = &mut self.shown {
            changed.clear();
        }
        let counts = self.store.counts()?;
        self.sequence = counts.sequence;
        self.source.keyless = counts.keyless;
        Ok(())
    }

    fn ask_again(&mut self) -> Result<(), StateError> {
        self.source.ask_again()
    }

    fn take(&mut self, fetched: Option<Fetched>) -> Result<bool, StateError> {
        let Some(fetched) = fetched else {
            self.office.as_ref().map_or(Ok(()), Office::check)?;
            return Ok(false);
        };
        self.office.as_ref().map_or(Ok(()), Office::check)?;
        self.scratch.reset();
        self.take_all(&fetched)?;
        Ok(true)
    }

    fn is_empty(&self) -> bool {
        self.progress.is_empty()
    }

    fn is_due(&self, more: bool, _restoring: bool) -> bool {
        let many = matches!(&self.shown, Shown::Kept(changed) if changed.len() > 100_000);
        !more || many || self.outputs.is_full()
    }

    fn resumes(&self) -> bool {
        self.office.is_some()
    }

    fn resume(&mut self, log: &Log, topics: &Topics) -> Result<(), StateError> {
        let Some(mut office) = self.office.take() else {
            return Ok(());
        };
        let table = Arc::clone(&self.table);
        let elected = stand_by::until_owner(&office, &table, (log, topics), self);
        office.term = elected.as_ref().ok().copied();
        self.office = Some(office);
        elected.map(drop)
    }

    fn write(&mut self, topics: &Topics) -> Result<(), StateError> {
        if let Some(office) = &self.office {
            let turn = office.turn()?;
            self.outputs.go(Way::Turn(turn.writer()));
            self.outputs.send()?;
            let entry = Entry {
                mark: office.mark(topics),
                intent: self.taken(),
                sequence: self.sequence,
                keyless: self.source.keyless,
            };
            office.commit(turn, &entry, &mut self.progress)?;
        } else {
            self.outputs.send()?;
        }
        self.store(topics)
    }
}

impl<E: Entity, Q: Project<Input = E>> Again for Projecting<Q> {
    fn again(
        &mut self,
        entry: &Entry,
        next: i64,
        replay: &mut Replay<'_>,
    ) -> Result<(), StateError> {
        let lag = self.table.status().lag;
        let news = entry.runs().any(|run| {
            let number = usize::try_from(run.partition).ok();
            number
                .and_then(|number| lag.get(number))
                .is_some_and(|lag| run.to > lag.position)
        });
        if !news {
            return Ok(());
        }
        for run in entry.runs() {
            if let Shown::Kept(_) = self.shown {
                self.follow(replay, *run)?;
            } else {
                self.progress.reached(run.partition, run.to, run.to);
            }
        }
        (self.sequence, self.source.keyless) = (entry.sequence, entry.keyless);
        self.progress.journal = self.journal.map(|topic| (topic, next));
        self.store(replay.topics)
    }
}

impl<E: Entity, Q: Project<Input = E>> Projecting<Q> {
    /// What was taken since the last write: of single records the order does not matter.
    fn taken(&self) -> Intent {
        let lag = self.table.status().lag;
        let mut intent = Intent::default();
        for (partition, to) in self.progress.places() {
            let number = usize::try_from(partition).ok();
            let from = number.and_then(|number| lag.get(number));
            let from = from.map_or(to, |lag| lag.position);
            intent.note(vec![Run {
                partition,
                from,
                to,
            }]);
        }
        intent
    }

    /// Takes records again, for what is kept of them.
    fn follow(&mut self, replay: &mut Replay<'_>, run: Run) -> Result<(), StateError> {
        replay.begin(&[run], usize::MAX)?;
        self.scratch.reset();
        let mut left = AT_ONCE;
        while let Some(number) = replay.earliest(|_, record| Ok(record.timestamp))? {
            let Some(record) = replay.record(number) else {
                break;
            };
            self.take_one(number, &record)?;
            replay.took(number);
            left = left.saturating_sub(1);
            if left == 0 {
                left = AT_ONCE;
                self.scratch.reset();
                // What is made of them is told already.
                self.outputs.clear();
            }
        }
        self.outputs.clear();
        replay.reached(&[run], &mut self.progress);
        Ok(())
    }

    /// Writes what is kept with the offsets.
    fn store(&mut self, topics: &Topics) -> Result<(), StateError> {
        let progress = &self.progress;
        let shown = &mut self.shown;
        let counts = Counts {
            sequence: self.sequence,
            late: 0,
            keyless: self.source.keyless,
            open: None,
        };
        self.table.store.write_logged(
            &self.table.settings.store,
            |batch, family| {
                store::put_counts(batch, family, counts);
                store::put_journal(batch, family, progress);
                if let Shown::Kept(changed) = shown {
                    for (key, kept) in changed.drain() {
                        match kept {
                            true => batch.put_cf(family, key, []),
                            false => batch.delete_cf(family, key),
                        }
                    }
                }
            },
            self.progress.offsets(topics),
        )?;
        self.table.counts.add_future(self.time.ahead());
        self.table.set_left_out(0, counts.keyless);
        self.progress.publish(&self.table);
        Ok(())
    }
}
