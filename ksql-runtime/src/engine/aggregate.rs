//! Group by and aggregate: rows change what is kept for their group, and what is kept makes results.
//!
//! Rows are taken into groups in memory; a write tells the results of those that changed, then stores them. The order of
//! records is noted before results are sent (see the intent), so that a kill between the two changes nothing.
//!
//! Invariant: what is in memory is the store's state with everything taken since the last write; an error forgets both, and
//! what was taken is read again. Belongs to the query's thread.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ksql_schema::model::Kind;

use super::Site;
use super::intent::{Intent, Run};
use super::keeping::{Keeping, Stop};
use super::output::Outputs;
use super::source::{Read, Source};
use super::store::{self, QueryStore};
use crate::entity::{Entity, EntityKey};
use crate::log::{Fetched, Log, TopicId};
use crate::query::{Aggregate, At, Scratch};
use crate::state::{Progress, StateError, Table, Work};

/// How long changes gather while there is more to read.
const GATHER: Duration = Duration::from_millis(200);
/// How many records are written together at most.
const MOST_RECORDS: u64 = 200_000;
/// How long a poll waits for a record that is there.
const POLL: Duration = Duration::from_millis(200);

/// An aggregation at work.
#[derive(Debug)]
pub(super) struct Aggregating<Q: Aggregate> {
    query: Q,
    table: Arc<Table>,
    source: Source<Q::Input>,
    scratch: Scratch,
    store: QueryStore,
    keeping: Keeping<Q::Groups>,
    outputs: Outputs,
    progress: Progress,
    intent: Intent,
    sequence: u64,
    /// Records since the last write.
    taken: u64,
    began: Option<Instant>,
    /// Of a table: the last row of each key that changed since the last write.
    last: Option<HashMap<Vec<u8>, Option<Vec<u8>>>>,
}

impl<Q: Aggregate> Aggregating<Q> {
    pub(super) fn new(
        query: Q,
        table: &Arc<Table>,
        site: Site,
        runtime: &tokio::runtime::Handle,
    ) -> Aggregating<Q> {
        let of_table = Q::PLAN
            .inputs
            .first()
            .is_some_and(|input| input.kind == Kind::Table);
        let store = QueryStore::new(table);
        // Before the query is seen to run. What cannot be read is met again, and told, when it begins.
        if let Ok((_, late)) = store.counts() {
            table.set_late(late);
        }
        Aggregating {
            query,
            table: Arc::clone(table),
            source: Source::new(table, site.registry, runtime),
            scratch: Scratch::new(),
            store,
            keeping: Keeping::new(table, Q::Output::MODEL, site.targets.first(), site.emit),
            outputs: Outputs::new(table, site.log, runtime, site.targets),
            progress: Progress::default(),
            intent: Intent::default(),
            sequence: 0,
            taken: 0,
            began: None,
            last: of_table.then(HashMap::new),
        }
    }

    /// Takes what was fetched, up to an offset.
    fn take_until(&mut self, fetched: &Fetched, to: i64) -> Result<(), StateError> {
        self.began.get_or_insert_with(Instant::now);
        self.scratch.reset();
        let Aggregating {
            query,
            source,
            scratch,
            store,
            keeping,
            outputs,
            progress,
            sequence,
            taken,
            last,
            ..
        } = self;
        let (query, scratch) = (&*query, &*scratch);
        let partition = fetched.partition();
        for record in fetched {
            if record.offset >= to {
                break;
            }
            progress.count();
            *taken = taken.saturating_add(1);
            let (read, judge) = source.read(partition, &record)?;
            let (key, body) = match read {
                Read::Nothing => continue,
                Read::Row(key, body) => (key, Some(body)),
                Read::Gone(key) => (key, None),
            };
            let row = match body
                .map(|body| Q::Input::decode_row(&key, body))
                .transpose()
            {
                Ok(row) => row,
                Err(error) => {
                    judge.unreadable(partition, record.offset, &error)?;
                    continue;
                }
            };
            let at = At {
                scratch,
                timestamp: record.timestamp,
                partition,
                offset: record.offset,
                sequence: *sequence,
            };
            *sequence = sequence.wrapping_add(1);
            let told = |stop| match stop {
                Stop::State(error) => error,
                Stop::Overflow(overflow) => judge.impossible(partition, record.offset, &overflow),
            };
            if let Some(last) = last {
                let mut ordered = vec![store::LAST];
                key.encode_ordered(&mut ordered);
                let before = match last.get(&ordered) {
                    Some(known) => known.clone(),
                    None => store.get(&ordered, <[u8]>::to_vec)?,
                };
                if let Some(before) = &before {
                    let (at, body) = store::last_row(before, at)
                        .ok_or_else(|| store.damaged("a row of the source"))?;
                    let row = Q::Input::decode_row(&key, body)
                        .map_err(|_| store.damaged("a row of the source"))?;
                    keeping
                        .remove(query, store, outputs, &at, row, record.timestamp)
                        .map_err(told)?;
                }
                let now = body.map(|body| store::write_last_row(&at, body));
                if before.is_some() || now.is_some() {
                    drop(last.insert(ordered, now));
                }
            }
            if let Some(row) = row {
                keeping.add(query, store, outputs, &at, row).map_err(told)?;
            }
        }
        progress.reached(
            partition,
            fetched.next_offset().min(to),
            fetched.end_offset(),
        );
        self.intent.took(fetched, fetched.next_offset().min(to));
        Ok(())
    }

    /// Takes a run again that was about to be written.
    fn take_again(&mut self, log: &Log, run: &Run) -> Result<(), StateError> {
        let topic = self.table.topic().to_owned();
        let of_log = |source| StateError::of_log(&topic, source);
        let mut reader = log
            .reader(&topic, &[(run.partition, run.from)])
            .map_err(of_log)?;
        self.table.keep_waker(reader.waker());
        loop {
            if self.table.may_end() {
                return Err(of_log(crate::log::LogError::Closed));
            }
            if let Some(fetched) = reader.poll(POLL).map_err(of_log)? {
                self.take_until(&fetched, run.to)?;
                if fetched.next_offset() >= run.to {
                    return Ok(());
                }
            }
        }
    }

    /// Notes what is about to be written.
    fn intend(&self) -> Result<(), StateError> {
        let mut bytes = Vec::new();
        self.intent.write(&mut bytes);
        self.table.store.write_logged(
            &self.table.settings.store,
            |batch, family| batch.put_cf(family, [store::INTENT], &bytes),
            [],
        )
    }
}

impl<Q: Aggregate> Work for Aggregating<Q> {
    fn forget(&mut self) -> Result<(), StateError> {
        self.outputs.clear();
        self.progress.clear();
        self.intent = Intent::default();
        (self.taken, self.began) = (0, None);
        if let Some(last) = &mut self.last {
            last.clear();
        }
        let (sequence, late) = self.store.counts()?;
        self.sequence = sequence;
        self.keeping.forget(&self.store, late)
    }

    fn ask_again(&mut self) -> Result<(), StateError> {
        self.source.ask_again()
    }

    fn resume(&mut self, log: &Log, topic: TopicId) -> Result<bool, StateError> {
        let Some(intent) = self
            .store
            .get(&[store::INTENT], |bytes| Intent::read(bytes))?
        else {
            return Ok(false);
        };
        let intent = intent.map_err(|_| self.store.damaged("what was about to be written"))?;
        for run in &intent.runs {
            self.take_again(log, run)?;
        }
        self.write(topic)?;
        Ok(true)
    }

    fn take(&mut self, fetched: &Fetched) -> Result<(), StateError> {
        self.take_until(fetched, i64::MAX)
    }

    fn is_empty(&self) -> bool {
        self.progress.is_empty()
    }

    fn is_due(&self, more: bool, _restoring: bool) -> bool {
        !more
            || self.taken >= MOST_RECORDS
            || self.keeping.is_full()
            || self.outputs.is_full()
            || self.began.is_some_and(|began| began.elapsed() >= GATHER)
    }

    fn write(&mut self, topic: TopicId) -> Result<(), StateError> {
        if self.keeping.has_changed() {
            self.intend()?;
            self.keeping
                .tell(&self.query, &mut self.scratch, &mut self.outputs)?;
            self.outputs.send()?;
        }
        self.keeping.close(&self.store)?;
        let (keeping, last, sequence) = (&mut self.keeping, &mut self.last, self.sequence);
        self.table.store.write_logged(
            &self.table.settings.store,
            |batch, family| {
                keeping.store(batch, family);
                store::put_counts(batch, family, sequence, keeping.late());
                for (key, row) in last.iter_mut().flat_map(HashMap::drain) {
                    match row {
                        Some(row) => batch.put_cf(family, key, row),
                        None => batch.delete_cf(family, key),
                    }
                }
                batch.delete_cf(family, [store::INTENT]);
            },
            self.progress.offsets(topic),
        )?;
        self.keeping.wrote();
        self.intent = Intent::default();
        (self.taken, self.began) = (0, None);
        self.table.set_late(self.keeping.late());
        self.progress.publish(&self.table);
        Ok(())
    }
}
