//! Reading rows: by key, in key order, filtered.
//!
//! Invariant: a read answers only from a table that is RUNNING (or DISCONNECTED where stale rows are allowed), and from one
//! snapshot; a row that cannot be decoded is an error, never left out.

use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use super::wanted::{self, Wanted};
use super::{EntitySet, Position};
use crate::codec::DecodeError;
use crate::context::{Registered, wait_all};
use crate::entity::{Entity, EntityKey, TableEntity};
use crate::error::{Error, Result};
use crate::log::partition::partition_for_key;
use crate::query::{Condition, Predicate, Scratch};
use crate::state::{Bounds, POISON, ROW, RowCache, State, Table, scan};

impl<T: Entity> EntitySet<T> {
    /// The row of a key.
    ///
    /// # Errors
    /// Where the table is not ready (named with topic, state and lag), or the row cannot be read.
    #[tracing::instrument(level = "trace", skip_all, fields(entity = T::MODEL.name))]
    pub async fn get(&self, key: impl Into<T::Key>) -> Result<Option<T>>
    where
        T: TableEntity,
    {
        let access = self.access()?;
        let reading = access.ready().await?;
        // Another writer may choose partitions by another hash; or the key is a record, which may carry another schema id.
        let anywhere = T::Key::COLUMNS > 1 || access.registered.log.is_shared();
        let row = find(reading.table, &key.into(), anywhere);
        reading.end(row)
    }

    /// All rows, in key order.
    ///
    /// # Errors
    /// As [`EntitySet::get`].
    #[tracing::instrument(level = "debug", skip_all, fields(entity = T::MODEL.name))]
    pub async fn to_list(&self) -> Result<Vec<T>>
    where
        T: TableEntity,
    {
        let mut rows = Vec::new();
        self.access()?
            .rows::<T>(&Bounds::all(), |_, row| collect(&mut rows, row))
            .await?;
        Ok(rows)
    }

    /// The rows of a range of keys, in key order: `set.range("A".."C")`.
    ///
    /// # Errors
    /// As [`EntitySet::get`].
    #[tracing::instrument(level = "debug", skip_all, fields(entity = T::MODEL.name))]
    pub async fn range<K: Into<T::Key> + Clone>(&self, keys: impl RangeBounds<K>) -> Result<Vec<T>>
    where
        T: TableEntity,
    {
        let mut rows = Vec::new();
        let bounds = Bounds {
            from: ordered::<T, K>(keys.start_bound()),
            to: ordered::<T, K>(keys.end_bound()),
        };
        self.access()?
            .rows::<T>(&bounds, |_, row| collect(&mut rows, row))
            .await?;
        Ok(rows)
    }

    /// The rows for which `keep` holds; it sees borrowed rows, and only what it keeps is built. A condition that means what KSQL
    /// means is given to [`EntitySet::matching`].
    ///
    /// ```ignore
    /// let late = ctx.set::<Flight>().filter(|flight| flight.dep_delay_min > Some(60)).to_list().await?;
    /// ```
    pub fn filter<F>(&self, keep: F) -> Filtered<T, F>
    where
        T: TableEntity,
        F: for<'a> Fn(T::Row<'a>) -> bool,
    {
        Filtered {
            set: self.clone(),
            keep,
        }
    }

    /// The rows for which a condition of `ksql!` holds, which means in this process what it means in KSQL.
    ///
    /// ```
    /// # use ksql_runtime::prelude::*;
    /// # use ksql_runtime::error::Result;
    /// # #[derive(Entity)]
    /// # #[topic("stock")]
    /// # #[table]
    /// # pub struct Stock {
    /// #     #[key]
    /// #     pub article: String,
    /// #     pub pieces: i32,
    /// # }
    /// async fn scarce(ctx: &Context, limit: i32) -> Result<(Option<Stock>, u64)> {
    ///     let scarce = ctx.set::<Stock>().matching(ksql!(|s: &Stock| s.pieces < limit));
    ///     Ok((scarce.first().await?, scarce.count().await?))
    /// }
    /// ```
    pub fn matching<C>(&self, condition: Predicate<T, C>) -> Filtered<T, Predicate<T, C>>
    where
        T: TableEntity,
        C: Condition<T>,
    {
        Filtered {
            set: self.clone(),
            keep: condition,
        }
    }

    /// Gives every row to `each`, in key order, borrowed: nothing is collected.
    ///
    /// # Errors
    /// As [`EntitySet::get`].
    #[tracing::instrument(level = "debug", skip_all, fields(entity = T::MODEL.name))]
    pub async fn scan(&self, mut each: impl for<'a> FnMut(T::Row<'a>)) -> Result<()>
    where
        T: TableEntity,
    {
        self.access()?
            .rows::<T>(&Bounds::all(), |_, row| {
                each(row);
                Ok(())
            })
            .await
    }

    /// How many rows there are.
    ///
    /// # Errors
    /// As [`EntitySet::get`].
    #[tracing::instrument(level = "debug", skip_all, fields(entity = T::MODEL.name))]
    pub async fn count(&self) -> Result<u64>
    where
        T: TableEntity,
    {
        self.access()?.count().await
    }
}

/// A table that is to be read, and how.
#[derive(Debug)]
pub struct Access<'a> {
    pub(super) registered: &'a Registered,
    pub(super) table: &'a Arc<Table>,
    pub(super) at_least: Option<&'a Position>,
    pub(super) stale: bool,
}

impl<'a> Access<'a> {
    /// How many rows there are.
    async fn count(&self) -> Result<u64> {
        let reading = self.ready().await?;
        let mut count = 0_u64;
        let counted = beside_tasks(|| {
            scan(reading.table, &Bounds::all(), |_, _| {
                count = count.saturating_add(1);
                true
            })
        });
        reading.end(counted.map(|()| count).map_err(Error::from))
    }

    /// The table, when it may be read.
    pub(super) async fn ready(&self) -> Result<Reading<'a>> {
        let table = self.table;
        if let Some(position) = self.at_least {
            let goal: Vec<(i32, i64)> = position.offsets().collect();
            let limit = self.registered.ready_timeout;
            let table = [Arc::clone(table)];
            wait_all(&table, limit, "the position asked for", |status| {
                status.reaches(&goal)
            })
            .await?;
        }
        // First the generation: rows are removed only after the table left the state in which it may be read.
        let generation = table.generation();
        if table.is_running() {
            return Ok(Reading { table, generation });
        }
        // Looked at once, so that the error tells the state for which the read is refused.
        let status = table.status();
        match status.state {
            State::Running => Ok(Reading { table, generation }),
            State::Disconnected if self.stale => Ok(Reading { table, generation }),
            _ => Err(table.not_ready_in(status)),
        }
    }

    /// Gives the rows of a range to `each`, in key order.
    pub(super) async fn rows<T: Entity>(
        &self,
        bounds: &Bounds,
        mut each: impl for<'r> FnMut(&T::Key, T::Row<'r>) -> Result<(), DecodeError>,
    ) -> Result<()> {
        let reading = self.ready().await?;
        let all = |_: T::Row<'_>| true;
        let each = |key: &T::Key, row: T::Row<'_>| each(key, row).map(|()| true);
        let read = reading.rows_while::<T>(bounds, |_| Ok(true), &all, each);
        reading.end(read)
    }
}

/// A table that may be read, and what it was when that was seen.
#[derive(Debug)]
pub struct Reading<'a> {
    pub(super) table: &'a Arc<Table>,
    generation: u64,
}

impl Reading<'_> {
    /// The rows of a range whose key is one of those asked for and that are wanted, until `each` has enough.
    pub(super) fn rows_while<T: Entity>(
        &self,
        bounds: &Bounds,
        only: impl Fn(&T::Key) -> Result<bool, DecodeError>,
        wanted: &impl Condition<T>,
        mut each: impl for<'r> FnMut(&T::Key, T::Row<'r>) -> Result<bool, DecodeError>,
    ) -> Result<()> {
        let table = self.table;
        let mut wrong = None;
        let scanned = beside_tasks(|| {
            scan(table, bounds, |key, stored| {
                let mut read = || -> Result<bool> {
                    let key = T::Key::decode_ordered(key)
                        .map_err(|error| unreadable(table, &key, error))?;
                    if !only(&key).map_err(|error| unreadable(table, &key, error))? {
                        return Ok(true);
                    }
                    let body = body(table, &key, stored)?;
                    // Takes no memory before something is made.
                    let scratch = Scratch::new();
                    T::decode_row(&key, body)
                        .and_then(|row| {
                            if wanted.holds(&scratch, row) {
                                each(&key, row)
                            } else {
                                Ok(true)
                            }
                        })
                        .map_err(|error| unreadable(table, &key, error))
                };
                read().unwrap_or_else(|error| {
                    wrong = Some(error);
                    false
                })
            })
        });
        scanned.map_err(Error::from)?;
        wrong.map_or(Ok(()), Err)
    }

    /// What was read, unless all rows were removed meanwhile: then it is neither of the table before nor of the one after.
    pub(super) fn end<R>(self, read: Result<R>) -> Result<R> {
        if self.table.generation() == self.generation {
            return read;
        }
        let mut status = self.table.status();
        if status.state == State::Running {
            // Again already; it was not all the time.
            status.state = State::Rebalancing;
        }
        Err(self.table.not_ready_in(status))
    }
}

/// The row of a key: from the partition it belongs to, else, if it may lie `anywhere`, from the others.
pub(super) fn find<T: Entity>(table: &Table, key: &T::Key, anywhere: bool) -> Result<Option<T>> {
    let mut wire = Vec::with_capacity(64);
    key.encode(table.settings.key_schema, &mut wire);
    if table.settings.window.is_some() {
        // A windowed record lies where its inner key does.
        wire.truncate(wire.len().saturating_sub(size_of::<i64>()));
    }
    let partitions = table.settings.topic.partitions;
    let partition = partition_for_key(&wire, partitions);
    let mut stored = Vec::with_capacity(64);
    stored.extend_from_slice(&partition.to_be_bytes());
    key.encode_ordered(&mut stored);
    if let Some(found) = read_row::<T>(table, &stored, key)? {
        return Ok(Some(found));
    }
    if anywhere {
        for other in (0..partitions.cast_signed()).filter(|other| *other != partition) {
            if let Some(head) = stored.first_chunk_mut::<4>() {
                *head = other.to_be_bytes();
            }
            if let Some(found) = read_row::<T>(table, &stored, key)? {
                return Ok(Some(found));
            }
        }
    }
    Ok(None)
}

#[cold]
fn unreadable(table: &Table, key: &dyn std::fmt::Debug, error: DecodeError) -> Error {
    Error::Row {
        entity: table.entity,
        topic: table.topic().to_owned(),
        key: format!("{key:?}"),
        error,
    }
}

pub(super) fn collect<T: Entity>(rows: &mut Vec<T>, row: T::Row<'_>) -> Result<(), DecodeError> {
    rows.push(T::from_row(row)?);
    Ok(())
}

/// Rows of a set for which a condition holds.
#[derive(Debug, Clone)]
pub struct Filtered<T, F> {
    set: EntitySet<T>,
    keep: F,
}

impl<T: Entity, C: Condition<T>> Filtered<T, C> {
    /// The rows, in key order.
    ///
    /// # Errors
    /// As [`EntitySet::get`].
    pub async fn to_list(&self) -> Result<Vec<T>>
    where
        T: TableEntity,
    {
        wanted::read(self, Self::list).await
    }

    /// The first of them in key order; the rows behind it are not read.
    ///
    /// # Errors
    /// As [`EntitySet::get`].
    pub async fn first(&self) -> Result<Option<T>>
    where
        T: TableEntity,
    {
        wanted::read(self, Self::foremost).await
    }

    /// How many there are.
    ///
    /// # Errors
    /// As [`EntitySet::get`].
    pub async fn count(&self) -> Result<u64>
    where
        T: TableEntity,
    {
        wanted::read(self, Self::number).await
    }

    pub(super) fn condition(&self) -> &C {
        &self.keep
    }
}

impl<T: TableEntity, C: Condition<T>> Wanted for Filtered<T, C> {
    type Entity = T;

    fn access(&self) -> Result<Access<'_>> {
        self.set.access()
    }

    fn scan(
        &self,
        reading: &Reading<'_>,
        mut each: impl for<'r> FnMut(T::Row<'r>) -> Result<bool, DecodeError>,
    ) -> Result<()> {
        reading.rows_while::<T>(&Bounds::all(), |_| Ok(true), &self.keep, |_, row| each(row))
    }
}

/// Reads and decodes the row of a stored key.
fn read_row<T: Entity>(table: &Table, stored: &[u8], key: &T::Key) -> Result<Option<T>> {
    let decode = |bytes: &[u8]| -> Result<T> {
        let body = body(table, key, bytes)?;
        T::decode(key.clone(), body).map_err(|error| unreadable(table, key, error))
    };
    let found = match &table.cache {
        None => table.store.get(&table.settings.store, stored, decode)?,
        Some(cache) => cached(cache, table, stored)?.map(|bytes| decode(&bytes)),
    };
    found.transpose()
}

fn cached(cache: &RowCache, table: &Table, stored: &[u8]) -> Result<Option<Arc<[u8]>>> {
    Ok(cache.get(stored, || {
        table
            .store
            .get(&table.settings.store, stored, |bytes| Arc::from(bytes))
    })?)
}

/// The value's body in a stored row.
fn body<'a>(table: &Table, key: &impl EntityKey, stored: &'a [u8]) -> Result<&'a [u8]> {
    match stored.split_first() {
        Some((&ROW, body)) => Ok(body),
        Some((&POISON, place)) => {
            let (partition, offset) = place.split_first_chunk::<4>().unwrap_or((&[0; 4], &[]));
            Err(Error::PoisonedKey {
                entity: table.entity,
                topic: table.topic().to_owned(),
                key: format!("{key:?}"),
                partition: i32::from_be_bytes(*partition),
                offset: offset.try_into().map_or(-1, i64::from_be_bytes),
            })
        }
        _ => Err(unreadable(
            table,
            key,
            DecodeError::new("the stored row has another form"),
        )),
    }
}

fn ordered<T: Entity, K: Into<T::Key> + Clone>(bound: Bound<&K>) -> Bound<Vec<u8>> {
    bound.map(|key| {
        let mut out = Vec::new();
        key.clone().into().encode_ordered(&mut out);
        out
    })
}

/// Long work of this task, so that the runtime's other tasks go on where there are threads for them.
fn beside_tasks<R>(work: impl FnOnce() -> R) -> R {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
