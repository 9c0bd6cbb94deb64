//! Testing queries without a broker: records in, results out, in a directory of their own and by a clock that stands still.
//!
//! The engine, the log and the state are those of a program that runs; only what ends a test early is made up: a
//! [`kill`](Test::kill) loses what the queries have not written, which is what `kill -9` would.
//!
//! ```ignore
//! let test = ksql_runtime::testing::query(candles).start().await?;
//! test.send_at(1_000, rate("EURUSD", "1.08")).await?;
//! test.send_at(61_000, rate("EURUSD", "1.09")).await?;
//! test.settle().await?;
//! let candles = test.context().set::<Candle>().window(1).to_list().await?;
//! assert_eq!(candles.len(), 2);
//! ```

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::codec::resolve::{Part, Plan};
use crate::codec::{DecodeError, frame};
use crate::config::Config;
use crate::context::{Context, ContextBuilder};
use crate::engine::Emit;
use crate::entity::{Entity, EntityKey, Windowed, Writable};
use crate::error::{Error, Result};
use crate::log::{Log, LogError, Receipt};
use crate::query::IntoQuery;
use crate::set::Added;

/// How long [`Test::settle`] waits: what takes longer never ends.
const LIMIT: Duration = Duration::from_secs(120);
/// How long a poll waits for records that are there.
const POLL: Duration = Duration::from_millis(100);

/// Begins a test of a query.
pub fn query<By>(query: impl IntoQuery<By>) -> TestBuilder {
    builder().query(query)
}

/// Begins a test: add queries and entities, then start it.
pub fn builder() -> TestBuilder {
    let clock = Clock::manual(0);
    TestBuilder {
        builder: Context::builder()
            .config(Config::default())
            .clock(clock.clone())
            .emit(Emit::Each),
        clock,
        directory: None,
    }
}

/// Makes a [`Test`].
#[derive(Debug)]
#[must_use = "a builder does nothing until it is started"]
pub struct TestBuilder {
    builder: ContextBuilder,
    clock: Clock,
    directory: Option<PathBuf>,
}

impl TestBuilder {
    /// Adds a query.
    pub fn query<By>(mut self, query: impl IntoQuery<By>) -> Self {
        self.builder = self.builder.query(query);
        self
    }

    /// Adds an entity that no query reads or writes.
    pub fn entity<T: Entity>(mut self) -> Self {
        self.builder = self.builder.entity::<T>();
        self
    }

    /// Sets one key of the configuration; the environment is not asked.
    pub fn setting(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.builder = self.builder.setting(key, value);
        self
    }

    /// Of a group's changes only the last of those that are written together becomes a result, as in a program that runs.
    /// Default: each does, so that results can be counted.
    pub fn latest_changes(mut self) -> Self {
        self.builder = self.builder.emit(Emit::Latest);
        self
    }

    /// Keeps everything in a directory that is left alone at the end. Default: one that is removed.
    pub fn directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.directory = Some(path.into());
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// As [`ContextBuilder::start`].
    pub async fn start(self) -> Result<Test> {
        let directory = Arc::new(match self.directory {
            Some(path) => Directory {
                path,
                removed: false,
            },
            None => Directory {
                path: std::env::temp_dir().join(format!("ksql-test-{}", uuid::Uuid::new_v4())),
                removed: true,
            },
        });
        let builder = self.builder.state_dir(&directory.path);
        let ctx = builder.clone().start().await?;
        Ok(Test {
            ctx,
            builder,
            clock: self.clock,
            directory,
        })
    }
}

/// A directory that is removed at the end, if it was made for a test.
#[derive(Debug)]
struct Directory {
    path: PathBuf,
    removed: bool,
}

impl Drop for Directory {
    fn drop(&mut self) {
        if self.removed {
            // What cannot be removed is left to whoever cleans the folder of temporary files.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// Queries that run for a test.
#[derive(Debug)]
pub struct Test {
    // The first field: everything is closed before the directory goes.
    ctx: Context,
    builder: ContextBuilder,
    clock: Clock,
    directory: Arc<Directory>,
}

/// A record of a topic, decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent<T: Entity> {
    /// The key; in a windowed table with its window.
    pub key: T::Key,
    /// The row; `None` where the record deletes one.
    pub row: Option<T>,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
}

impl Test {
    /// The context: sets, tables, status.
    pub fn context(&self) -> &Context {
        &self.ctx
    }

    /// Where everything is kept.
    pub fn directory(&self) -> &Path {
        &self.directory.path
    }

    /// What time it is; it goes on only by [`Test::advance`].
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Moves the clock.
    pub fn advance(&self, time: Duration) {
        self.clock
            .advance(i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
    }

    /// Sends a record, stamped with its event time or else with the clock's.
    ///
    /// # Errors
    /// As [`EntitySet::add`](crate::set::EntitySet::add).
    pub async fn send<T: Writable>(&self, entity: T) -> Result<Receipt> {
        self.ctx.set::<T>().add(entity).await
    }

    /// Sends a record with this timestamp.
    ///
    /// # Errors
    /// As [`Test::send`].
    pub async fn send_at<T: Writable>(&self, timestamp: i64, entity: T) -> Result<Receipt> {
        self.ctx.set::<T>().add_at(Some(timestamp), entity).await
    }

    /// Sends records with these timestamps together, much faster than one by one.
    ///
    /// # Errors
    /// As [`EntitySet::add_all`](crate::set::EntitySet::add_all).
    pub async fn send_all_at<T: Writable>(
        &self,
        records: impl IntoIterator<Item = (i64, T)>,
    ) -> Result<Added> {
        let records = records.into_iter();
        let records = records.map(|(timestamp, entity)| (Some(timestamp), entity));
        self.ctx.set::<T>().add_all_at(records).await
    }

    /// Sends a record without a value: it deletes the row of a table, and is nothing to a stream.
    ///
    /// # Errors
    /// As [`Test::send`].
    pub async fn delete_at<T: Writable>(
        &self,
        timestamp: i64,
        key: impl Into<T::Key>,
    ) -> Result<Receipt> {
        let set = self.ctx.set::<T>();
        set.remove_at(Some(timestamp), key.into()).await
    }

    /// Waits until the queries and tables have taken in everything that was sent.
    ///
    /// # Errors
    /// Where one stopped; the error says why.
    pub async fn settle(&self) -> Result<()> {
        self.ctx.wait_caught_up(LIMIT).await
    }

    /// The records of an entity's topic: what was sent, or what a query made; partition by partition.
    ///
    /// # Errors
    /// Where the topic cannot be read.
    pub async fn records<T: Entity>(&self) -> Result<Vec<Sent<T>>> {
        let topic = self.ctx.set::<T>().topic()?.to_owned();
        self.records_of(topic, None).await
    }

    /// The records of one window of an entity, by its size in minutes.
    ///
    /// # Errors
    /// As [`Test::records`].
    pub async fn window_records<T: Windowed>(&self, minutes: u64) -> Result<Vec<Sent<T>>> {
        self.window_records_of(Duration::from_secs(minutes.saturating_mul(60)))
            .await
    }

    /// The records of one window of an entity, by its size; of sessions by their gap.
    ///
    /// # Errors
    /// As [`Test::records`].
    pub async fn window_records_of<T: Windowed>(&self, size: Duration) -> Result<Vec<Sent<T>>> {
        let topic = self.ctx.set::<T>().window_of(size).topic()?.to_owned();
        let millis = i64::try_from(size.as_millis()).unwrap_or(i64::MAX);
        self.records_of(topic, Some(millis)).await
    }

    async fn records_of<T: Entity>(
        &self,
        topic: String,
        size: Option<i64>,
    ) -> Result<Vec<Sent<T>>> {
        let log = self.ctx.log().clone();
        let ends = log.all_offsets(&topic).await?;
        let name = topic.clone();
        let raw = tokio::task::spawn_blocking(move || {
            let ends = ends.iter().map(|offsets| (offsets.start, offsets.end));
            read(&log, &topic, &ends.collect::<Vec<_>>())
        });
        let raw = raw.await.map_err(Error::of_task)??;
        let mut sent = Vec::new();
        let mut plans = HashMap::new();
        for record in raw {
            let unreadable = |error| Error::Row {
                entity: T::MODEL.name,
                topic: name.clone(),
                key: format!("{:?}", record.key),
                error,
            };
            let key = match &record.key {
                Some(wire) => T::Key::decode(wire).map_err(unreadable)?,
                None => T::Key::absent()
                    .ok_or_else(|| unreadable(DecodeError::new("the record has no key")))?,
            };
            let key = match size {
                Some(size) => {
                    let mut key = key;
                    key.end_window(size);
                    key
                }
                None => key,
            };
            let row = match &record.value {
                None => None,
                Some(value) => {
                    let (id, body) = frame::read(value).map_err(unreadable)?;
                    let plan = match plans.entry(id) {
                        Entry::Occupied(known) => known.into_mut(),
                        Entry::Vacant(free) => {
                            let schema = self.ctx.registry().schema_by_id(id).await?;
                            let plan = Plan::build(&schema, T::MODEL, Part::Value);
                            let plan = plan.map_err(|error| DecodeError::new(error.to_string()));
                            free.insert(plan.map_err(unreadable)?)
                        }
                    };
                    let mut own = Vec::new();
                    plan.transcode(body, &mut own).map_err(unreadable)?;
                    Some(T::decode(key.clone(), &own).map_err(unreadable)?)
                }
            };
            sent.push(Sent {
                key,
                row,
                timestamp: record.timestamp,
                partition: record.partition,
                offset: record.offset,
            });
        }
        Ok(sent)
    }

    /// Ends in order and starts again in the same directory.
    ///
    /// # Errors
    /// As [`ContextBuilder::start`] and [`Context::shutdown`].
    pub async fn reopen(mut self) -> Result<Test> {
        self.ctx.shutdown().await?;
        self.ctx = self.builder.clone().start().await?;
        Ok(self)
    }

    /// Ends as if killed, at whatever the queries are doing, and starts again in the same directory.
    ///
    /// # Errors
    /// As [`Test::reopen`].
    pub async fn kill(mut self) -> Result<Test> {
        self.ctx.abandon().await?;
        self.ctx = self.builder.clone().start().await?;
        Ok(self)
    }

    /// Ends in order.
    ///
    /// # Errors
    /// As [`Context::shutdown`].
    pub async fn end(self) -> Result<()> {
        self.ctx.shutdown().await
    }
}

/// A record's bytes and place.
#[derive(Debug)]
struct Raw {
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    timestamp: i64,
    partition: i32,
    offset: i64,
}

/// Everything between starts and ends, partition by partition.
fn read(log: &Log, topic: &str, ends: &[(i64, i64)]) -> Result<Vec<Raw>, LogError> {
    let mut records = Vec::new();
    for (partition, (start, end)) in (0_i32..).zip(ends) {
        let mut reader = log.reader(topic, &[(partition, *start)])?;
        let mut next = *start;
        while next < *end {
            let Some(fetched) = reader.poll(POLL)? else {
                continue;
            };
            next = fetched.next_offset();
            records.extend(fetched.records().map(|record| Raw {
                key: record.key.map(<[u8]>::to_vec),
                value: record.value.map(<[u8]>::to_vec),
                timestamp: record.timestamp,
                partition,
                offset: record.offset,
            }));
        }
    }
    Ok(records)
}
