//! Reading partitions from offsets: by one thread, in the order of each partition.

use std::sync::Arc;
use std::time::Duration;

use super::embedded::EmbeddedReader;
use super::error::LogError;
use super::event::Event;
#[cfg(feature = "kafka")]
use super::kafka::KafkaReader;
use super::packed;
use super::record::{RecordRef, Records, Run};

/// Reads some partitions of a topic. It blocks, so it belongs to a thread of its own; it joins no consumer group.
#[derive(Debug)]
pub struct LogReader(Implementation);

#[derive(Debug)]
enum Implementation {
    Embedded(EmbeddedReader),
    // Larger, and there is one a table.
    #[cfg(feature = "kafka")]
    Kafka(Box<KafkaReader>),
}

impl LogReader {
    pub(crate) fn embedded(reader: EmbeddedReader) -> LogReader {
        LogReader(Implementation::Embedded(reader))
    }

    #[cfg(feature = "kafka")]
    pub(crate) fn kafka(reader: KafkaReader) -> LogReader {
        LogReader(Implementation::Kafka(Box::new(reader)))
    }

    /// The next records of one partition, waiting up to `timeout` for some. `None` when the time is over or a
    /// [`ReaderWaker`] said so. Partitions take turns. After [`LogError::OffsetOutOfRange`] the reader is where it was:
    /// [`seek`](LogReader::seek) and go on.
    pub fn poll(&mut self, timeout: Duration) -> Result<Option<Fetched>, LogError> {
        self.poll_of(timeout, |_| true)
    }

    /// As [`poll`](LogReader::poll), of these partitions only: for whoever has enough of the others. Where a cluster sends so
    /// much of the others that it cannot be held, it is given out all the same.
    pub(crate) fn poll_of(
        &mut self,
        timeout: Duration,
        wanted: impl Fn(i32) -> bool,
    ) -> Result<Option<Fetched>, LogError> {
        match &mut self.0 {
            Implementation::Embedded(reader) => reader.poll(timeout, wanted),
            #[cfg(feature = "kafka")]
            Implementation::Kafka(reader) => reader.poll(timeout, wanted),
        }
    }

    /// Gives out about so many bytes of a partition at once, where the log lets a reader say so.
    pub(crate) fn limit(&mut self, bytes: usize) {
        match &mut self.0 {
            Implementation::Embedded(reader) => reader.limit(bytes),
            // What a broker sends is settled with the connection.
            #[cfg(feature = "kafka")]
            Implementation::Kafka(_) => {}
        }
    }

    /// Raises this event whenever there may be something to poll.
    pub(crate) fn tell(&mut self, event: &Arc<Event>) {
        match &mut self.0 {
            Implementation::Embedded(reader) => reader.tell(event),
            #[cfg(feature = "kafka")]
            Implementation::Kafka(reader) => reader.tell(event),
        }
    }

    /// Reads a partition from this offset on; a partition not read so far joins the others.
    pub fn seek(&mut self, partition: i32, offset: i64) -> Result<(), LogError> {
        match &mut self.0 {
            Implementation::Embedded(reader) => reader.seek(partition, offset),
            #[cfg(feature = "kafka")]
            Implementation::Kafka(reader) => reader.seek(partition, offset),
        }
    }

    /// The offset that is read next, per partition.
    pub fn positions(&self) -> Vec<(i32, i64)> {
        match &self.0 {
            Implementation::Embedded(reader) => reader.positions(),
            #[cfg(feature = "kafka")]
            Implementation::Kafka(reader) => reader.positions(),
        }
    }

    /// How many partitions the topic has, as far as the reader knows: partitions may be added to a topic of a cluster,
    /// and are read only after a [`seek`](LogReader::seek).
    pub fn partitions(&self) -> u32 {
        match &self.0 {
            Implementation::Embedded(reader) => reader.partitions(),
            #[cfg(feature = "kafka")]
            Implementation::Kafka(reader) => reader.partitions(),
        }
    }

    /// Ends a waiting poll from another thread.
    pub fn waker(&self) -> ReaderWaker {
        match &self.0 {
            Implementation::Embedded(reader) => reader.waker(),
            #[cfg(feature = "kafka")]
            Implementation::Kafka(reader) => reader.waker(),
        }
    }
}

/// Ends the wait of a reader's poll, the one going on or the next.
#[derive(Clone)]
pub struct ReaderWaker(Arc<dyn Fn() + Send + Sync>);

impl ReaderWaker {
    pub(crate) fn new(wake: impl Fn() + Send + Sync + 'static) -> ReaderWaker {
        ReaderWaker(Arc::new(wake))
    }

    /// Makes the poll return `None` without waiting any longer.
    pub fn wake(&self) {
        (self.0)();
    }
}

impl std::fmt::Debug for ReaderWaker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReaderWaker")
    }
}

/// Records of one partition, owned; they are borrowed from it one by one.
#[derive(Debug, Clone)]
pub struct Fetched {
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
    pub(crate) from: i64,
    pub(crate) next_offset: i64,
    pub(crate) end_offset: i64,
    pub(crate) count: usize,
    pub(crate) bytes: Vec<u8>,
    pub(crate) runs: Vec<Run>,
}

/// A place among fetched records; the first is the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Place {
    /// The next run.
    run: usize,
    /// Where the next record begins, and where its run ends.
    at: usize,
    end: usize,
    /// The offset of the next record, where there is no gap before it.
    next: i64,
}

impl Fetched {
    /// The topic.
    pub fn topic(&self) -> &Arc<str> {
        &self.topic
    }

    /// The partition.
    pub fn partition(&self) -> i32 {
        self.partition
    }

    /// Where to go on reading. It may lie behind the last record's offset by more than one, and a fetch may hold no
    /// record at all: compaction removes records and keeps the offsets of the others, and transaction markers have offsets.
    pub fn next_offset(&self) -> i64 {
        self.next_offset
    }

    /// The end of the partition when this was fetched: `end_offset - next_offset` is the lag. On Kafka, while a transaction
    /// is open, it may be the high watermark, behind records that cannot be read yet.
    pub fn end_offset(&self) -> i64 {
        self.end_offset
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The record at a place, and the place behind it; none at the end.
    pub(crate) fn read(&self, mut place: Place) -> Option<(RecordRef<'_>, Place)> {
        loop {
            if place.at == place.end {
                let run = self.runs.get(place.run)?;
                place.run = place.run.wrapping_add(1);
                place.end = place.at.checked_add(run.bytes)?;
                place.next = run.base;
                continue;
            }
            let mut left = self.bytes.get(place.at..place.end)?;
            let packed = packed::read_record(&mut left)?;
            place.at = place.end.checked_sub(left.len())?;
            let offset = place.next.wrapping_add_unsigned(packed.gap);
            place.next = offset.wrapping_add(1);
            // Records before it were not asked for.
            if offset >= self.from {
                return Some((packed.at(offset), place));
            }
        }
    }

    /// Whether nothing stands behind a place.
    pub(crate) fn is_end(&self, place: Place) -> bool {
        place.at == place.end && place.run >= self.runs.len()
    }

    /// The records in the order of their offsets.
    pub fn records(&self) -> Records<'_> {
        Records::new(&self.bytes, &self.runs, self.from)
    }
}

impl<'a> IntoIterator for &'a Fetched {
    type Item = super::record::RecordRef<'a>;
    type IntoIter = Records<'a>;

    fn into_iter(self) -> Records<'a> {
        self.records()
    }
}
