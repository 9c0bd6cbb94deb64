//! The log in this process: topics, records and committed offsets in a RocksDB of their own.
//!
//! One thread writes, in groups; any thread reads; another one expires and compacts. A reader's picture of the parts:
//! `queue` (what waits) → `writer` → `store` (RocksDB, by the keys of `layout`) → `catalog` (what is durable, who waits) →
//! `fetch`.

mod catalog;
mod compaction;
mod faults;
mod fetch;
mod groups;
mod layout;
mod maintenance;
mod member;
mod offsets;
mod options;
mod produce;
mod queue;
mod store;
mod stored;
#[cfg(test)]
mod tests;
mod times;
mod writer;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tokio::sync::{Semaphore, oneshot};

pub use fetch::EmbeddedReader;
pub(crate) use member::EmbeddedMember;
use options::Shares;
pub use options::{ClockFn, Durability, EmbeddedOptions, Maintained};

use super::batch::{BatchReceipt, RecordBatch};
use super::error::LogError;
use super::reader::LogReader;
use super::record::{Receipt, Record};
use super::topic::{Created, Offsets, TopicChange, TopicDescription, TopicSpec};
use catalog::{Catalog, Topic, lock};
use layout::{
    NEXT_TOPIC_KEY, PartitionState, TOPIC_PREFIX, partition_key, topic_from_bytes, topic_of,
};
use queue::{Command, Part, Produce, Queue, Then};
use store::{Store, read_error};

/// Keys and values of the small column family.
type Entries = Vec<(Vec<u8>, Vec<u8>)>;

/// The log in this process. Clones share it; dropping the last one closes it.
#[derive(Debug, Clone)]
pub struct EmbeddedLog(Arc<Handle>);

/// What all clones share; its end is the log's end.
#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Room for records that wait for the writer, in KiB. More waits outside: memory stays bounded whatever callers do.
    room: Arc<Semaphore>,
    room_kib: u32,
}

/// What the threads and readers share.
#[derive(Debug)]
struct Shared {
    directory: PathBuf,
    store: Store,
    catalog: Catalog,
    queue: Queue,
    requests: maintenance::Requests,
    faults: faults::Faults,
    groups: groups::Groups,
}

impl Shared {
    /// Closes the database and tells whoever waits for records.
    fn close(&self) {
        self.store.close();
        for topic in self.catalog.all() {
            topic.signal.raise();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.requests.close();
        let (done, _) = oneshot::channel();
        // Closed already: then there is nothing to do but to wait for the threads.
        let _ = self.shared.queue.push(Command::Close { done });
        for thread in lock(&self.threads).drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the log panicked");
            }
        }
    }
}

impl EmbeddedLog {
    /// Opens the log of a directory, or creates it.
    ///
    /// # Errors
    /// Where another owner holds the directory, its files are damaged, or it cannot be used.
    pub fn open(options: EmbeddedOptions) -> Result<EmbeddedLog, LogError> {
        let EmbeddedOptions {
            directory,
            durability,
            maintenance,
            dirty_ratio,
            memory_bytes,
        } = options;
        let shares = Shares::of(memory_bytes);
        let store = Store::open(&directory, shares)?;
        let catalog = load(&store, &directory)?;
        let shared = Arc::new(Shared {
            directory,
            store,
            catalog,
            queue: Queue::default(),
            requests: maintenance::Requests::default(),
            faults: faults::Faults::default(),
            groups: groups::Groups::default(),
        });
        let writer = writer::Writer::new(Arc::clone(&shared), durability);
        let room_kib = u32::try_from(shares.queue / 1024).unwrap_or(u32::MAX / 8);
        let log = EmbeddedLog(Arc::new(Handle {
            shared: Arc::clone(&shared),
            threads: Mutex::new(Vec::new()),
            room: Arc::new(Semaphore::new(room_kib as usize)),
            room_kib,
        }));
        let cannot = |error: std::io::Error| LogError::Storage {
            action: "start a thread",
            source: Arc::new(error),
        };
        let spawn = |name: &str, body: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(body)
                .map_err(cannot)
        };
        let writing = spawn("ksql-log-writer", Box::new(move || writer.run()))?;
        lock(&log.0.threads).push(writing);
        let memory = shares.compaction;
        let maintaining = spawn(
            "ksql-log-maintenance",
            Box::new(move || maintenance::run(&shared, maintenance, dirty_ratio, memory)),
        )?;
        lock(&log.0.threads).push(maintaining);
        Ok(log)
    }

    fn shared(&self) -> &Shared {
        &self.0.shared
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(queue::Answer<T>) -> Command,
    ) -> Result<T, LogError> {
        let (done, answer) = oneshot::channel();
        self.shared().queue.push(command(done))?;
        answer.await.map_err(|_| queue::defect())?
    }

    /// See [`Log::create_topic`](super::Log::create_topic).
    pub async fn create_topic(&self, spec: &TopicSpec) -> Result<Created, LogError> {
        if let Some(defect) = spec.defect() {
            return Err(LogError::InvalidTopic {
                topic: spec.name.clone(),
                defect,
            });
        }
        self.ask(|done| Command::Create {
            spec: spec.clone(),
            done,
        })
        .await
    }

    /// All topics, by name.
    pub fn topics(&self) -> Result<Vec<TopicDescription>, LogError> {
        self.open_still()?;
        Ok(self
            .shared()
            .catalog
            .all()
            .iter()
            .map(|topic| topic.describe())
            .collect())
    }

    /// One topic.
    pub fn describe(&self, topic: &str) -> Result<TopicDescription, LogError> {
        self.open_still()?;
        Ok(self.shared().catalog.get(topic)?.describe())
    }

    fn open_still(&self) -> Result<(), LogError> {
        if self.shared().store.is_closed() {
            Err(LogError::Closed)
        } else {
            Ok(())
        }
    }

    /// See [`Log::alter_topic`](super::Log::alter_topic).
    pub async fn alter_topic(&self, topic: &str, change: &TopicChange) -> Result<(), LogError> {
        let topic = self.shared().catalog.get(topic)?;
        let change = *change;
        self.ask(|done| Command::Alter {
            topic,
            change,
            done,
        })
        .await
    }

    /// See [`Log::delete_topic`](super::Log::delete_topic).
    pub async fn delete_topic(&self, topic: &str) -> Result<(), LogError> {
        let topic = self.shared().catalog.get(topic)?;
        self.ask(|done| Command::Delete { topic, done }).await
    }

    /// See [`Log::produce`](super::Log::produce).
    pub async fn produce(&self, topic: &str, record: Record<'_>) -> Result<Receipt, LogError> {
        self.open_still()?;
        let topic = self.shared().catalog.get(topic)?;
        let timestamp = record.timestamp;
        let part = produce::single(&topic, &record)?;
        let partition = part.partition;
        let bases = self.append(&topic, vec![part]).await?;
        let offset = bases.first().copied().ok_or(LogError::Closed)?;
        Ok(Receipt {
            topic: Arc::clone(&topic.name),
            partition,
            offset,
            timestamp,
        })
    }

    /// See [`Log::produce_batch`](super::Log::produce_batch).
    pub async fn produce_batch(
        &self,
        topic: &str,
        batch: RecordBatch,
    ) -> Result<BatchReceipt, LogError> {
        self.open_still()?;
        let topic = self.shared().catalog.get(topic)?;
        let (parts, partitions) = produce::batch(&topic, &batch)?;
        drop(batch);
        let written: Vec<(i32, usize)> = parts
            .iter()
            .map(|part| (part.partition, part.count as usize))
            .collect();
        let bases = if parts.is_empty() {
            Vec::new()
        } else {
            self.append(&topic, parts).await?
        };
        let spans = written
            .into_iter()
            .zip(bases)
            .map(|((partition, count), base)| (partition, base, count))
            .collect();
        Ok(BatchReceipt::new(
            Arc::clone(&topic.name),
            partitions,
            spans,
        ))
    }

    async fn append(&self, topic: &Arc<Topic>, parts: Vec<Part>) -> Result<Vec<i64>, LogError> {
        topic.faults.next("be written")?;
        let bytes: usize = parts.iter().map(|part| part.bytes.len()).sum();
        let kib = u32::try_from(bytes / 1024)
            .unwrap_or(u32::MAX)
            .saturating_add(1)
            .min(self.0.room_kib);
        let room = Arc::clone(&self.0.room)
            .acquire_many_owned(kib)
            .await
            .map_err(|_| LogError::Closed)?;
        let topic = Arc::clone(topic);
        self.ask(|done| {
            Command::Produce(Produce {
                topic,
                parts,
                done,
                _permit: room,
            })
        })
        .await
    }

    /// The first offset still there and the one the next record will get.
    pub fn offsets(&self, topic: &str, partition: i32) -> Result<Offsets, LogError> {
        self.open_still()?;
        self.shared().catalog.get(topic)?.offsets(partition)
    }

    /// See [`Log::commit_all`](super::Log::commit_all).
    pub async fn commit_all(
        &self,
        group: &str,
        topic: &str,
        offsets: &[(i32, i64)],
    ) -> Result<(), LogError> {
        let topic = self.shared().catalog.get(topic)?;
        let entries = Shared::commits(&topic, group, offsets)?;
        self.put_then(entries, || ()).await
    }

    /// The offset a group committed, if it did.
    pub fn committed(
        &self,
        group: &str,
        topic: &str,
        partition: i32,
    ) -> Result<Option<i64>, LogError> {
        let topic = self.shared().catalog.get(topic)?;
        self.shared().committed(&topic, partition, group)
    }

    /// See [`Log::reader`](super::Log::reader).
    pub fn reader(&self, topic: &str, from: &[(i32, i64)]) -> Result<LogReader, LogError> {
        self.open_still()?;
        self.shared().faults.next("be read")?;
        let topic = self.shared().catalog.get(topic)?;
        Ok(LogReader::embedded(EmbeddedReader::new(
            Arc::clone(&self.0.shared),
            topic,
            from,
        )?))
    }

    /// Applies retention and compaction now, as of `now_ms`.
    ///
    /// # Errors
    /// Where stored records are damaged or a write fails.
    pub async fn maintain(&self, now_ms: i64) -> Result<Maintained, LogError> {
        let (done, answer) = oneshot::channel();
        let request = maintenance::Request::Maintain { now_ms, done };
        self.shared().requests.push(request)?;
        answer.await.map_err(|_| LogError::Closed)?
    }

    /// The next so many reads of all readers fail as they would on a broken disk; says how many of those asked for before
    /// are left. For tests.
    #[doc(hidden)]
    pub fn fail_reads(&self, reads: u32) -> u32 {
        let left = self.shared().faults.ask(reads);
        // Whoever waits looks again, and fails.
        for topic in self.shared().catalog.all() {
            topic.signal.raise();
        }
        left
    }

    /// The next so many writes of records to a topic fail as they would on a broken disk, and nothing of them is written;
    /// says how many of those asked for before are left. For tests.
    ///
    /// # Errors
    /// Where there is no such topic.
    #[doc(hidden)]
    pub fn fail_writes(&self, topic: &str, writes: u32) -> Result<u32, LogError> {
        Ok(self.shared().catalog.get(topic)?.faults.ask(writes))
    }

    /// See [`Log::flush`](super::Log::flush).
    pub async fn flush(&self) -> Result<(), LogError> {
        self.ask(|done| Command::Flush { done }).await
    }

    /// See [`Log::close`](super::Log::close).
    pub async fn close(&self) -> Result<(), LogError> {
        self.shared().requests.close();
        match self.ask(|done| Command::Close { done }).await {
            Err(LogError::Closed) => Ok(()),
            other => other,
        }
    }

    /// Writes entries beside the log's own, all or none. Keys are the caller's; the first byte keeps them apart. Once they
    /// are durable `then` is done, also where nobody waits for this any more. It runs on the thread that writes, must be
    /// short, and must not own the log.
    pub(crate) async fn put_then(
        &self,
        entries: Entries,
        then: impl FnOnce() + Send + 'static,
    ) -> Result<(), LogError> {
        let then = Then(Box::new(then));
        self.ask(|done| Command::Put {
            entries,
            then,
            done,
        })
        .await
    }

    /// All entries whose key begins with `prefix`, by key.
    pub(crate) fn entries(&self, prefix: &[u8]) -> Result<Entries, LogError> {
        let shared = self.shared();
        with_prefix(&shared.store, &shared.directory, prefix)
    }
}

fn with_prefix(
    store: &Store,
    directory: &std::path::Path,
    prefix: &[u8],
) -> Result<Entries, LogError> {
    store.with(|families| {
        let mode = rocksdb::IteratorMode::From(prefix, rocksdb::Direction::Forward);
        let mut found = Vec::new();
        for entry in families.db.iterator_cf(&families.meta, mode) {
            let (key, value) = entry.map_err(|error| read_error(directory, error))?;
            if !key.starts_with(prefix) {
                break;
            }
            found.push((key.into_vec(), value.into_vec()));
        }
        Ok(found)
    })
}

/// The topics a log has.
fn load(store: &Store, directory: &std::path::Path) -> Result<Catalog, LogError> {
    let damaged = |what: String| LogError::Corrupt {
        path: directory.to_path_buf(),
        what,
        source: None,
    };
    let get = |key: &[u8]| {
        store.with(|families| {
            families
                .db
                .get_cf(&families.meta, key)
                .map_err(|error| read_error(directory, error))
        })
    };
    let catalog = Catalog::default();
    if let Some(bytes) = get(NEXT_TOPIC_KEY)? {
        let number = bytes
            .as_slice()
            .try_into()
            .map_err(|_| damaged("the next topic number is none".to_owned()))?;
        catalog.set_next_number(u32::from_le_bytes(number));
    }
    for (key, value) in with_prefix(store, directory, &[TOPIC_PREFIX])? {
        let number =
            topic_of(&key).ok_or_else(|| damaged("a topic's key has another form".to_owned()))?;
        let (id, spec) = topic_from_bytes(&value).ok_or_else(|| {
            damaged(format!(
                "the settings of topic number {number} cannot be read"
            ))
        })?;
        let mut partitions = Vec::with_capacity(spec.partitions as usize);
        for partition in 0..spec.partitions.cast_signed() {
            let state = get(&partition_key(number, partition))?
                .as_deref()
                .and_then(PartitionState::from_bytes);
            partitions.push(state.ok_or_else(|| {
                damaged(format!(
                    "where topic `{}`, partition {partition}, begins and ends is not known",
                    spec.name
                ))
            })?);
        }
        catalog.insert(Arc::new(Topic::new(number, id, spec, partitions)));
    }
    Ok(catalog)
}
