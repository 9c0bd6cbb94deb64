//! The application's dead letters as a program reads them: listed, one by one, counted.
//!
//! Invariant: what is marked as purged is never shown. Made by a context, used by any task; replaying and purging stand in
//! files of their own.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use serde_json::{Value, json};

use super::error::{DeadLetterError, LetterId};
use super::failed::{Failed, Stage, Written};
use super::filter::LetterFilter;
use super::letter::DeadLetter;
use super::scan::{Range, scan};
use super::tally::Tally;
use super::writer::DeadLetters;
use crate::error::{Error, Result};
use crate::log::{Log, LogError};
use crate::registry::Registry;

/// The dead letters of an application, of every program that writes to their topic.
///
/// ```
/// # use ksql_runtime::prelude::*;
/// use ksql_runtime::dlq::{LetterFilter, ReplayOptions};
/// # #[derive(Debug, Clone, Entity)]
/// # #[topic("orders")]
/// # #[stream]
/// # pub struct Order { #[key] pub id: i64, pub pieces: i64 }
///
/// # #[tokio::main(flavor = "multi_thread", worker_threads = 1)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let ctx = Context::builder().config(Config::default()).entity::<Order>().state_dir(dir.path()).start().await?;
/// # ctx.set::<Order>().send_to_dlq(&Order { id: 7, pieces: 1 }, "no stock", "stock.none").await?;
/// let letters = ctx.dead_letters();
/// let of_orders = letters.list(&LetterFilter::default().entity("Order")).await?;
/// for letter in &of_orders {
///     println!("{}: {:?} {:?}", letter.id, letter.class, letter.message);
/// }
/// let report = letters.replay(&of_orders, &ReplayOptions::default()).await?;
/// assert_eq!(report.replayed.len(), 1);
/// # ctx.shutdown().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct DeadLetterTopic {
    pub(super) letters: DeadLetters,
    pub(super) registry: Registry,
    /// The key columns' types of the topics that this program knows.
    pub(super) keys: Arc<BTreeMap<String, KeyForm>>,
}

/// How the keys of a topic are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyForm {
    /// Four bytes.
    Int,
    /// Eight bytes.
    Long,
    /// Text.
    Text,
    /// Framed Avro.
    Record,
}

/// How many dead letters there are, and the last one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetterStatus {
    /// The topic.
    pub topic: String,
    /// How many there are, whoever wrote them; those purged are not counted.
    pub letters: u64,
    /// How many of them were replayed.
    pub replayed: u64,
    /// The one that failed last.
    pub last: Option<DeadLetter>,
    /// How many this process wrote, by what they are.
    pub written: Vec<WrittenLetters>,
    /// How many records the hooks of this process declined.
    pub declined: u64,
}

impl DeadLetterStatus {
    /// The status for programs.
    pub fn to_json(&self) -> Value {
        let written = self.written.iter().map(|one| {
            json!({
                "entity": one.entity,
                "stage": one.stage.as_str(),
                "class": one.class,
                "count": one.count,
            })
        });
        json!({
            "topic": self.topic,
            "letters": self.letters,
            "replayed": self.replayed,
            "last": self.last.as_ref().map(DeadLetter::to_json),
            "written": written.collect::<Vec<_>>(),
            "declined": self.declined,
        })
    }
}

/// How many letters of one kind a process wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WrittenLetters {
    /// The entity.
    pub entity: String,
    /// What failed.
    pub stage: Stage,
    /// The stable code.
    pub class: String,
    /// How many.
    pub count: u64,
}

impl DeadLetterTopic {
    pub(crate) fn new(
        letters: DeadLetters,
        registry: Registry,
        keys: Arc<BTreeMap<String, KeyForm>>,
    ) -> DeadLetterTopic {
        DeadLetterTopic {
            letters,
            registry,
            keys,
        }
    }

    /// The topic's name.
    pub fn topic(&self) -> &str {
        self.letters.topic()
    }

    pub(super) fn log(&self) -> &Log {
        self.letters.log()
    }

    /// Looks at what is there now, and then at what it finds. Where there is no topic there are no letters.
    pub(super) async fn with_tally<R: Send + 'static>(
        &self,
        look: impl FnOnce(&Tally, &Log, &str) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        let log = self.log().clone();
        let name = self.topic().to_owned();
        let found = match log.describe(&name).await {
            Ok(topic) => Some((topic.id, log.all_offsets(&name).await?)),
            Err(LogError::UnknownTopic { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let tally = Arc::clone(self.letters.tally());
        let looked = move || {
            let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
            match found {
                None => *tally = Tally::default(),
                Some((id, offsets)) => tally.keep_up(&log, &name, id, &offsets)?,
            }
            look(&tally, &log, &name)
        };
        tokio::task::spawn_blocking(looked)
            .await
            .map_err(Error::of_task)?
    }

    /// Writes a failed record, as what reads records does. For tests.
    #[doc(hidden)]
    pub async fn write_failed(&self, failed: &Failed<'_>) -> Result<Written> {
        Ok(self.letters.write(failed).await?)
    }

    /// The letters that a filter selects, those that failed last first, or by partition and offset.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub async fn list(&self, filter: &LetterFilter) -> Result<Vec<DeadLetter>> {
        let filter = filter.clone();
        self.with_tally(move |tally, log, topic| listed(tally, log, topic, &filter))
            .await
    }

    /// One letter.
    ///
    /// # Errors
    /// [`DeadLetterError::NotThere`] where there is none at this place; where the log cannot be read.
    pub async fn get(&self, letter: impl Into<LetterId>) -> Result<DeadLetter> {
        let id = letter.into();
        let found = self
            .with_tally(move |tally, log, topic| found(tally, log, topic, &[id]))
            .await?;
        match found.into_iter().next() {
            Some(Ok(letter)) => Ok(letter),
            Some(Err(error)) => Err(error.into()),
            None => Err(Error::Closed),
        }
    }

    /// How many this process wrote since it started, by what they are. Asks nobody: for metrics.
    pub fn written(&self) -> Vec<WrittenLetters> {
        let written = self.letters.written().into_iter();
        let written = written.map(|(entity, stage, class, count)| WrittenLetters {
            entity,
            stage,
            class,
            count,
        });
        written.collect()
    }

    /// How many there are, and the last one. The first call reads the topic, later ones what came since.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub async fn status(&self) -> Result<DeadLetterStatus> {
        let (written, declined) = (self.written(), self.letters.declined());
        self.with_tally(move |tally, log, topic| {
            let last = tally
                .all()
                .max_by_key(|(partition, offset, known)| (known.at, *offset, *partition))
                .map(|(partition, offset, _)| LetterId { partition, offset });
            let last = match last {
                None => None,
                // It may expire in this moment.
                Some(id) => found(tally, log, topic, &[id])?.pop().and_then(Result::ok),
            };
            let replayed = tally.all().filter(|(_, _, known)| known.replayed.is_some());
            Ok(DeadLetterStatus {
                topic: topic.to_owned(),
                letters: tally.all().count() as u64,
                replayed: replayed.count() as u64,
                last,
                written,
                declined,
            })
        })
        .await
    }
}

/// Letters at these places, in the order asked for. Blocks.
pub(super) fn found(
    tally: &Tally,
    log: &Log,
    topic: &str,
    ids: &[LetterId],
) -> Result<Vec<Result<DeadLetter, DeadLetterError>>> {
    let mut read = BTreeMap::new();
    let known = |id: &LetterId| tally.get(id.partition, id.offset);
    let wanted: Vec<LetterId> = ids
        .iter()
        .copied()
        .filter(|id| known(id).is_some())
        .collect();
    take(log, topic, &wanted, tally, |letter| {
        read.insert(letter.id, letter);
    })?;
    let letters = ids.iter().map(|id| {
        read.get(id).cloned().ok_or_else(|| {
            let (start, end) = tally.edges(id.partition);
            DeadLetterError::NotThere {
                topic: topic.to_owned(),
                letter: *id,
                start,
                end,
            }
        })
    });
    Ok(letters.collect())
}

/// Reads the letters at these places, from the first to the last of each partition.
fn take(
    log: &Log,
    topic: &str,
    ids: &[LetterId],
    tally: &Tally,
    mut each: impl FnMut(DeadLetter),
) -> Result<()> {
    let mut ranges: BTreeMap<i32, Range> = BTreeMap::new();
    for id in ids {
        let after = id.offset.saturating_add(1);
        let range = ranges.entry(id.partition).or_insert(Range {
            partition: id.partition,
            from: id.offset,
            to: after,
        });
        range.from = range.from.min(id.offset);
        range.to = range.to.max(after);
    }
    let wanted: std::collections::BTreeSet<LetterId> = ids.iter().copied().collect();
    let ranges: Vec<Range> = ranges.into_values().collect();
    scan(log, topic, &ranges, |partition, record| {
        let id = LetterId {
            partition,
            offset: record.offset,
        };
        if wanted.contains(&id) {
            let mut letter = DeadLetter::read(partition, record);
            letter.replayed = tally
                .get(partition, record.offset)
                .and_then(|known| known.replayed.clone());
            each(letter);
        }
    })
}

fn listed(tally: &Tally, log: &Log, topic: &str, filter: &LetterFilter) -> Result<Vec<DeadLetter>> {
    let mut places: Vec<(i64, LetterId)> = tally
        .all()
        .filter(|(_, _, known)| filter.may_be(known.at, known.replayed.is_some()))
        .map(|(partition, offset, known)| (known.at, LetterId { partition, offset }))
        .collect();
    if !filter.is_by_offset() {
        places.sort_by_key(|(at, id)| std::cmp::Reverse((*at, id.offset, id.partition)));
    }
    if filter.is_of_times_alone() {
        places.truncate(filter.most());
    }
    // By their rank, so that no more are held than are wanted.
    let ranks: BTreeMap<LetterId, usize> = places
        .iter()
        .enumerate()
        .map(|(rank, (_, id))| (*id, rank))
        .collect();
    let ids: Vec<LetterId> = places.into_iter().map(|(_, id)| id).collect();
    let mut chosen: BTreeMap<usize, DeadLetter> = BTreeMap::new();
    take(log, topic, &ids, tally, |letter| {
        let Some(rank) = ranks.get(&letter.id).filter(|_| filter.is(&letter)) else {
            return;
        };
        chosen.insert(*rank, letter);
        if chosen.len() > filter.most() {
            chosen.pop_last();
        }
    })?;
    Ok(chosen.into_values().collect())
}
