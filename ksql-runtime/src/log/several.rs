//! Reading several topics by one thread, their partitions numbered through.
//!
//! Invariant: the number of a partition is its own plus how many the topics before have, and that is what what is fetched says;
//! a reader of one topic is that topic's, and nothing else. The topics take turns; while none has anything, one wait is for all
//! of them. Belongs to a binding's thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::event::Event;
use super::{Fetched, Log, LogError, LogReader, ReaderWaker};

/// How often a wait looks up on a cluster, for what nobody signals: the log being closed.
const SLICE: Duration = Duration::from_millis(100);
/// What a wait without an end waits for at a time.
const FAR: Duration = Duration::from_secs(3600);

/// What goes wrong with one of the topics, and which it is.
pub(crate) type Failed = (usize, LogError);
/// A topic, how many partitions it has, and which of them are read from where.
type Wanted<'a> = (&'a str, u32, Vec<(i32, i64)>);

/// Readers of topics.
#[derive(Debug)]
pub(crate) struct SeveralReader {
    readers: Vec<(LogReader, i32)>,
    /// Where there are several.
    common: Option<Common>,
    turn: usize,
}

#[derive(Debug)]
struct Common {
    event: Arc<Event>,
    woken: Arc<AtomicBool>,
    slice: Duration,
}

impl SeveralReader {
    /// Readers of these topics, each with how many partitions it has and where they are read from.
    pub(crate) fn new(log: &Log, topics: &[Wanted<'_>]) -> Result<SeveralReader, Failed> {
        let mut readers = Vec::with_capacity(topics.len());
        let mut first = 0_i32;
        for (index, (topic, partitions, from)) in topics.iter().enumerate() {
            let reader = log.reader(topic, from).map_err(|error| (index, error))?;
            readers.push((reader, first));
            first = first.saturating_add_unsigned(*partitions);
        }
        let common = (readers.len() > 1).then(|| {
            let event = Arc::new(Event::default());
            for (reader, _) in &mut readers {
                reader.tell(&event);
            }
            Common {
                event,
                woken: Arc::new(AtomicBool::new(false)),
                slice: if log.is_shared() { SLICE } else { FAR },
            }
        });
        Ok(SeveralReader {
            readers,
            common,
            turn: 0,
        })
    }

    /// As [`LogReader::limit`], of each topic.
    pub(crate) fn limit(&mut self, bytes: usize) {
        for (reader, _) in &mut self.readers {
            reader.limit(bytes);
        }
    }

    /// How many partitions each topic has, as far as its reader knows.
    pub(crate) fn partitions(&self) -> impl Iterator<Item = u32> + '_ {
        self.readers.iter().map(|(reader, _)| reader.partitions())
    }

    /// As [`LogReader::waker`].
    pub(crate) fn waker(&self) -> ReaderWaker {
        match (&self.common, self.readers.first()) {
            (Some(common), _) => {
                let (event, woken) = (Arc::clone(&common.event), Arc::clone(&common.woken));
                ReaderWaker::new(move || {
                    woken.store(true, Ordering::Release);
                    event.raise();
                })
            }
            (None, Some((reader, _))) => reader.waker(),
            (None, None) => ReaderWaker::new(|| {}),
        }
    }

    /// As [`LogReader::poll`], of the partitions with wanted numbers.
    pub(crate) fn poll_of(
        &mut self,
        timeout: Duration,
        wanted: impl Fn(i32) -> bool,
    ) -> Result<Option<Fetched>, Failed> {
        let Some(common) = &self.common else {
            return match self.readers.first_mut() {
                Some((reader, _)) => reader.poll_of(timeout, wanted).map_err(|error| (0, error)),
                None => Ok(None),
            };
        };
        let deadline = Instant::now().checked_add(timeout);
        loop {
            // Before looking, so that nothing that comes between looking and waiting is missed.
            common.event.take_back();
            for _ in 0..self.readers.len() {
                self.turn = self
                    .turn
                    .wrapping_add(1)
                    .checked_rem(self.readers.len())
                    .unwrap_or(0);
                let Some((reader, first)) = self.readers.get_mut(self.turn) else {
                    continue;
                };
                let first = *first;
                let fetched = reader
                    .poll_of(Duration::ZERO, |partition| {
                        wanted(partition.saturating_add(first))
                    })
                    .map_err(|error| (self.turn, error))?;
                if let Some(mut fetched) = fetched {
                    fetched.partition = fetched.partition.saturating_add(first);
                    return Ok(Some(fetched));
                }
            }
            if common.woken.swap(false, Ordering::AcqRel) {
                return Ok(None);
            }
            let left = deadline.map_or(FAR, |deadline| {
                deadline.saturating_duration_since(Instant::now())
            });
            if left.is_zero() {
                return Ok(None);
            }
            common.event.wait(left.min(common.slice));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::log::embedded::{EmbeddedLog, EmbeddedOptions};
    use crate::log::{Record, TopicSpec};

    /// Longer than any test takes.
    const LONG: Duration = Duration::from_secs(60);

    async fn two_topics() -> (tempfile::TempDir, Log) {
        let directory = tempfile::tempdir().unwrap();
        let log = EmbeddedLog::open(EmbeddedOptions::new(directory.path())).unwrap();
        let log = Log::from(log);
        for (topic, partitions) in [("a", 2), ("b", 1)] {
            let spec = TopicSpec::new(topic, partitions);
            log.create_topic(&spec).await.unwrap();
        }
        (directory, log)
    }

    fn reader(log: &Log) -> SeveralReader {
        let topics = [("a", 2, vec![(0, 0), (1, 0)]), ("b", 1, vec![(0, 0)])];
        SeveralReader::new(log, &topics).unwrap()
    }

    async fn add(log: &Log, topic: &str) {
        log.produce(topic, Record::new(Some(b"k"), Some(b"v"), 1))
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn what_is_fetched_says_the_number_over_all_topics_and_its_own_topic() {
        let (_directory, log) = two_topics().await;
        add(&log, "a").await;
        add(&log, "b").await;
        let mut reader = reader(&log);
        assert_eq!(Vec::from_iter(reader.partitions()), [2, 1]);
        let mut found = Vec::new();
        while let Some(fetched) = reader.poll_of(Duration::ZERO, |_| true).unwrap() {
            found.push((fetched.topic.to_string(), fetched.partition()));
        }
        found.sort();
        let own = crate::log::partition::partition_for_key(b"k", 2);
        assert_eq!(found, [("a".to_owned(), own), ("b".to_owned(), 2)]);
    }

    #[tokio::test]
    async fn only_wanted_partitions_are_given_out() {
        let (_directory, log) = two_topics().await;
        add(&log, "a").await;
        add(&log, "b").await;
        let mut reader = reader(&log);
        let fetched = reader.poll_of(Duration::ZERO, |number| number == 2);
        assert_eq!(fetched.unwrap().unwrap().partition(), 2);
        let nothing = reader.poll_of(Duration::ZERO, |number| number == 2);
        assert!(nothing.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_record_of_any_topic_ends_the_wait_and_so_does_a_wake() {
        let (_directory, log) = two_topics().await;
        let mut reader = reader(&log);
        let waker = reader.waker();
        for topic in ["a", "b", "a"] {
            let waiting = std::thread::spawn(move || {
                let began = Instant::now();
                let fetched = reader.poll_of(LONG, |_| true).unwrap();
                assert!(began.elapsed() < LONG, "it was waited to the end");
                (reader, fetched)
            });
            add(&log, topic).await;
            let (back, fetched) = waiting.join().unwrap();
            reader = back;
            assert_eq!(&*fetched.unwrap().topic, topic);
        }
        let waiting = std::thread::spawn(move || {
            let began = Instant::now();
            let fetched = reader.poll_of(LONG, |_| true).unwrap();
            (fetched.is_none(), began.elapsed() < LONG)
        });
        waker.wake();
        assert_eq!(waiting.join().unwrap(), (true, true));
    }

    #[tokio::test]
    async fn the_topic_that_fails_is_told() {
        let (_directory, log) = two_topics().await;
        let topics = [("a", 2, vec![(0, 0)]), ("c", 1, vec![(0, 0)])];
        let (index, error) = SeveralReader::new(&log, &topics).unwrap_err();
        assert_eq!(index, 1);
        assert!(matches!(error, LogError::UnknownTopic { .. }), "{error}");
    }
}
