//! Producing: one idempotent producer for the whole log, fed by any task, its reports taken by a thread of its own.
//!
//! Invariants: a record is given to librdkafka only with room for it, so memory stays bounded however many callers there
//! are; a call resolves when every record it sent is answered for. Keys go to the partitions librdkafka's
//! `murmur2_random` chooses, which are those of [`partition_for_key`](crate::log::partition::partition_for_key): it
//! knows partitions added since we asked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::config::{ClientConfig, FromClientConfigAndContext as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header as KafkaHeader, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, PurgeConfig};
use rdkafka::types::RDKafkaErrorCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::catalog::Topic;
use super::context::Deliveries;
use super::failure::Failure;
use super::options::{KafkaOptions, refused};
use super::pending::{CHUNK, Outcome, Pending, Sending};
use crate::log::batch::RecordBatch;
use crate::log::error::LogError;
use crate::log::packed::{self, PackedRecord};
use crate::log::record::{Headers, Record};

/// Room is counted in pieces of this many bytes; what librdkafka keeps beside a record's bytes is about as much.
const PIECE: usize = 256;

/// The most bytes of a chunk of more than one record.
const CHUNK_BYTES: usize = 256 * 1024;

/// How long the thread waits for reports before it looks whether it shall end.
const POLL: Duration = Duration::from_millis(50);

/// The producer and its thread.
pub(super) struct Producer {
    pub(super) client: Arc<BaseProducer<Deliveries>>,
    pending: Arc<Pending>,
    room: Arc<Semaphore>,
    pieces: u32,
    stop: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for Producer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Producer")
            .field("in_flight", &self.client.in_flight_count())
            .finish()
    }
}

/// One record as librdkafka takes it.
#[derive(Clone, Copy)]
struct Outgoing<'a> {
    partition: Option<i32>,
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
    timestamp: i64,
}

impl Producer {
    pub(super) fn new(options: &KafkaOptions) -> Result<Producer, LogError> {
        Producer::with(options, &options.producer_config())
    }

    /// With settings of its own.
    pub(super) fn with(
        options: &KafkaOptions,
        config: &ClientConfig,
    ) -> Result<Producer, LogError> {
        let pending = Arc::<Pending>::default();
        let client =
            BaseProducer::from_config_and_context(config, Deliveries::new(Arc::clone(&pending)))
                .map_err(|error| refused(error, "producer"))?;
        let client = Arc::new(client);
        let stop = Arc::new(AtomicBool::new(false));
        let (polled, stopped) = (Arc::clone(&client), Arc::clone(&stop));
        let thread = std::thread::Builder::new()
            .name("ksql-kafka-producer".to_owned())
            .spawn(move || {
                while !stopped.load(Ordering::Acquire) {
                    polled.poll(POLL);
                    // librdkafka ends what is queued once, when the error comes: what was taken in that moment would wait
                    // until its time is up.
                    if polled.client().fatal_error().is_some() && polled.in_flight_count() > 0 {
                        polled.purge(PurgeConfig::default().queue().inflight());
                    }
                }
            })
            .map_err(|error| LogError::Storage {
                action: "start a thread",
                source: Arc::new(error),
            })?;
        let pieces = u32::try_from(options.memory_bytes / PIECE).unwrap_or(u32::MAX);
        Ok(Producer {
            client,
            pending,
            room: Arc::new(Semaphore::new(pieces as usize)),
            pieces,
            stop,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Waits for room for some records of so many bytes together.
    async fn room(&self, records: usize, bytes: usize) -> Result<OwnedSemaphorePermit, LogError> {
        let pieces = (bytes / PIECE).saturating_add(records.saturating_mul(2));
        // What is larger than everything goes alone.
        let pieces = u32::try_from(pieces).unwrap_or(u32::MAX).min(self.pieces);
        Arc::clone(&self.room)
            .acquire_many_owned(pieces)
            .await
            .map_err(|_| LogError::Closed)
    }

    /// Sends one record and waits for its report.
    pub(super) async fn one(
        &self,
        topic: &Topic,
        record: &Record<'_>,
    ) -> Result<Outcome, LogError> {
        let length = |part: Option<&[u8]>| part.map_or(0, <[u8]>::len);
        let bytes = length(record.key).saturating_add(length(record.value));
        let room = self.room(1, bytes).await?;
        let (slot, answer) = self.pending.begin(1, room);
        let mut sending = Sending::new(&self.pending, slot, 1);
        let outgoing = Outgoing {
            partition: partition(topic, record.partition, record.key),
            key: record.key,
            value: record.value,
            timestamp: record.timestamp,
        };
        let headers = || {
            let headers = record.headers.iter();
            owned(
                headers.len(),
                headers.map(|header| (header.name, header.value)),
            )
        };
        match self.send(topic, outgoing, headers, &mut sending).await {
            Ok(()) => drop(sending),
            Err(failure) => sending.stop(failure),
        }
        answer.await.map_err(|_| LogError::Closed)
    }

    /// Sends a batch, chunk by chunk, and waits for all reports. After the first failure seen nothing more is sent.
    pub(super) async fn batch(
        &self,
        topic: &Topic,
        batch: &RecordBatch,
    ) -> Result<Outcome, LogError> {
        let mut whole = Outcome {
            places: Vec::with_capacity(batch.len()),
            timestamp: None,
            failure: None,
        };
        let mut answers: Vec<oneshot::Receiver<Outcome>> = Vec::new();
        let mut taken = 0_usize;
        let mut entries = batch.entries().peekable();
        while entries.peek().is_some() {
            let (mut records, mut bytes) = (0_usize, 0_usize);
            for (_, packed) in entries.clone() {
                let with = bytes.saturating_add(packed.len());
                if records == CHUNK || (records > 0 && with > CHUNK_BYTES) {
                    break;
                }
                (records, bytes) = (records.saturating_add(1), with);
            }
            let room = self.room(records, bytes).await?;
            // Seen without waiting: what is already known to fail stops the rest.
            while let Some(answer) = answers.get_mut(taken) {
                match answer.try_recv() {
                    Ok(outcome) => whole.join(outcome),
                    Err(oneshot::error::TryRecvError::Empty) => break,
                    Err(oneshot::error::TryRecvError::Closed) => return Err(LogError::Closed),
                }
                taken = taken.saturating_add(1);
            }
            if whole.failure.is_some() {
                break;
            }
            let (slot, answer) = self.pending.begin(records, room);
            answers.push(answer);
            let mut sending = Sending::new(&self.pending, slot, records);
            let keyless = topic.next_partition();
            let mut stopped = None;
            for (entry, bytes) in entries.by_ref().take(records) {
                // Checked by the caller.
                let Some(record) = packed::read_record(&mut { bytes }) else {
                    continue;
                };
                let outgoing = outgoing(entry.partition, &record, keyless);
                let headers = record.headers;
                if let Err(failure) = self
                    .send(topic, outgoing, || packed_headers(headers), &mut sending)
                    .await
                {
                    stopped = Some(failure);
                    break;
                }
            }
            if let Some(failure) = stopped {
                sending.stop(failure);
                break;
            }
        }
        for answer in answers.into_iter().skip(taken) {
            whole.join(answer.await.map_err(|_| LogError::Closed)?);
        }
        Ok(whole)
    }

    /// Gives a record to librdkafka, waiting while its own queue is full.
    async fn send(
        &self,
        topic: &Topic,
        outgoing: Outgoing<'_>,
        headers: impl FnOnce() -> Option<OwnedHeaders>,
        sending: &mut Sending<'_>,
    ) -> Result<(), Failure> {
        let Outgoing {
            partition,
            key,
            value,
            timestamp,
        } = outgoing;
        let mut record = BaseRecord {
            topic: &topic.name,
            partition,
            payload: value,
            key,
            timestamp: Some(timestamp),
            headers: headers(),
            delivery_opaque: sending.ticket(),
        };
        loop {
            match self.client.send(record) {
                Ok(()) => {
                    sending.sent();
                    return Ok(());
                }
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                }
                Err((error, _)) => return Err(Failure::from(error)),
            }
            let progress = self.pending.progress.notified();
            let mut progress = std::pin::pin!(progress);
            progress.as_mut().enable();
            // Only where `memory_bytes` lies above what librdkafka can count. Room may have come between the refusal and
            // the listening: then nobody would wake us.
            if self.client.in_flight_count() > 0 {
                progress.await;
            }
        }
    }

    /// What made the producer unusable, if anything did.
    pub(super) fn fatal(&self) -> Option<Failure> {
        let (code, text) = self.client.client().fatal_error()?;
        Some(Failure::new(code, text))
    }

    /// Resolves when everything sent before is answered for.
    pub(super) async fn flush(&self) -> Result<(), LogError> {
        // All the room is free only then.
        let all = self.room.acquire_many(self.pieces).await;
        all.map(drop).map_err(|_| LogError::Closed)
    }

    /// Takes no more, waits for what is on its way, and tells how many records were given up. Blocks.
    pub(super) fn close(&self, timeout: Duration) -> u64 {
        self.room.close();
        let lost = match self.client.flush(timeout) {
            Ok(()) => 0,
            Err(_) => {
                let left = self.client.in_flight_count();
                self.client.purge(PurgeConfig::default().queue().inflight());
                // Only what the purge has already decided is taken in here.
                if let Err(error) = self.client.flush(Duration::from_secs(1)) {
                    tracing::warn!(%error, "reports of given up records are missing");
                }
                u64::try_from(left).unwrap_or(0)
            }
        };
        self.stop.store(true, Ordering::Release);
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the producer's thread panicked");
        }
        lost
    }
}

impl Outcome {
    fn join(&mut self, other: Outcome) {
        self.places.extend(other.places);
        self.timestamp = other.timestamp.or(self.timestamp);
        if self.failure.is_none() {
            self.failure = other.failure;
        }
    }
}

/// The partition to ask for: none where the key chooses.
fn partition(topic: &Topic, wanted: Option<i32>, key: Option<&[u8]>) -> Option<i32> {
    wanted.or_else(|| key.is_none().then(|| topic.next_partition()))
}

fn outgoing<'a>(wanted: Option<i32>, record: &PackedRecord<'a>, keyless: i32) -> Outgoing<'a> {
    Outgoing {
        partition: wanted.or_else(|| record.key.is_none().then_some(keyless)),
        key: record.key,
        value: record.value,
        timestamp: record.timestamp,
    }
}

fn packed_headers(headers: Headers<'_>) -> Option<OwnedHeaders> {
    owned(
        headers.len(),
        headers.map(|header| (header.name, header.value)),
    )
}

fn owned<'a>(
    count: usize,
    headers: impl Iterator<Item = (&'a str, Option<&'a [u8]>)>,
) -> Option<OwnedHeaders> {
    if count == 0 {
        return None;
    }
    let room = OwnedHeaders::new_with_capacity(count);
    Some(headers.fold(room, |all, (name, value)| {
        all.insert(KafkaHeader { key: name, value })
    }))
}

/// What makes a record impossible before anything is sent.
pub(super) fn defect(timestamp: i64) -> Option<&'static str> {
    // librdkafka takes 0 for "now", and a record must not get another time than it says.
    (timestamp == 0).then_some(
        "its timestamp is exactly 1970-01-01T00:00:00.000Z, which the Kafka client cannot send: a millisecond later is possible",
    )
}
