//! Reading windowed tables: one window of an entity, by key, by time, filtered.
//!
//! Invariant: as for other reads - a table that is RUNNING, one snapshot, an error for a row that cannot be decoded. What a
//! window's row is comes from the topic of the query's results; a window that closed stays readable.

use std::ops::{Bound, RangeBounds};
use std::sync::Arc;
use std::time::Duration;

use ksql_schema::model::WindowKind;

use super::read::{Access, Reading, collect, find};
use super::wanted::{self, Wanted};
use super::{EntitySet, Position};
use crate::__private::WindowBound;
use crate::codec::DecodeError;
use crate::consume::{Consumer, Entities, ForEach, IntoOutcome, Records as _};
use crate::context::Registered;
use crate::entity::{Entity, EntityKey, Window, Windowed};
use crate::error::{Error, Result};
use crate::query::{Condition, Predicate};
use crate::state::{Bounds, State};

impl<T: Windowed> EntitySet<T> {
    /// The rows of one window, by its size in minutes as the attribute has it; of sessions by their gap.
    pub fn window(&self, minutes: u64) -> WindowSet<T> {
        self.window_of(Duration::from_secs(minutes.saturating_mul(60)))
    }

    /// The rows of one window, by its size; of sessions by their gap.
    pub fn window_of(&self, size: Duration) -> WindowSet<T> {
        let millis = u64::try_from(size.as_millis()).unwrap_or(u64::MAX);
        let found = self.windows.iter().find(|(size, _)| *size == millis);
        WindowSet {
            asked: millis,
            registered: found.map(|(_, registered)| Arc::clone(registered)),
            queried: !self.windows.is_empty(),
            at_least: None,
            stale: false,
            from: Bound::Unbounded,
            to: Bound::Unbounded,
            keys: Bounds::all(),
            entity: std::marker::PhantomData,
        }
    }
}

/// The rows of one window of an entity.
#[derive(Debug)]
pub struct WindowSet<T> {
    asked: u64,
    registered: Option<Arc<Registered>>,
    /// Whether a query fills the entity at all.
    queried: bool,
    at_least: Option<Position>,
    stale: bool,
    /// Of the windows' starts.
    from: Bound<i64>,
    to: Bound<i64>,
    keys: Bounds,
    entity: std::marker::PhantomData<fn() -> T>,
}

impl<T> Clone for WindowSet<T> {
    fn clone(&self) -> Self {
        WindowSet {
            asked: self.asked,
            registered: self.registered.clone(),
            queried: self.queried,
            at_least: self.at_least.clone(),
            stale: self.stale,
            from: self.from,
            to: self.to,
            keys: self.keys.clone(),
            entity: std::marker::PhantomData,
        }
    }
}

impl<T: Windowed> WindowSet<T> {
    pub(crate) fn registered(&self) -> Result<&Registered> {
        let entity = T::MODEL.name;
        self.registered.as_deref().ok_or_else(|| {
            if !self.queried {
                return Error::Windowed { entity };
            }
            let shown = |millis: u64| match millis.is_multiple_of(60_000) {
                true => format!("{} minutes", millis / 60_000),
                false => format!("{:?}", Duration::from_millis(millis)),
            };
            let sizes = T::MODEL.window.iter().flat_map(|window| window.sizes_ms);
            let known: Vec<String> = sizes.map(|size| shown(*size)).collect();
            Error::NoWindow {
                entity,
                asked: shown(self.asked),
                known: known.join(", "),
            }
        })
    }

    fn access(&self) -> Result<Access<'_>> {
        let registered = self.registered()?;
        Ok(Access {
            registered,
            table: registered.table.as_ref().ok_or(Error::NotCached {
                entity: T::MODEL.name,
            })?,
            at_least: self.at_least.as_ref(),
            stale: self.stale,
        })
    }

    /// A consumer of the window's results as they come, with the window's bounds in each record; to be told how it reads. Its group is
    /// `<application_id>_<Entity>_<label>` unless it is told another.
    ///
    /// ```
    /// # use ksql_runtime::prelude::*;
    /// # use ksql_runtime::consume::Subscription;
    /// #[derive(Debug, Entity)]
    /// #[topic("clicked")]
    /// #[table]
    /// #[window(tumbling, minutes = [5])]
    /// pub struct Clicked {
    ///     #[key]
    ///     pub user: i64,
    ///     #[window_start]
    ///     pub from: DateTime<Utc>,
    ///     pub clicks: i64,
    /// }
    ///
    /// async fn watch(ctx: &Context) -> ksql_runtime::error::Result<Subscription> {
    ///     ctx.set::<Clicked>()
    ///         .window(5)
    ///         .for_each(|clicked| async move { println!("{}: {}", clicked.from, clicked.clicks) })
    ///         .start()
    ///         .await
    /// }
    /// ```
    pub fn consume(&self) -> Consumer<T> {
        Consumer::new(match &self.registered {
            Some(registered) => Ok(Arc::clone(registered)),
            None => Err(self.registered().err().unwrap_or(Error::Closed)),
        })
    }

    /// Calls a handler with each result of the window, continuously: as [`EntitySet::for_each`].
    pub fn for_each<F, R>(&self, handler: F) -> ForEach
    where
        F: Fn(T) -> R + Send + Sync + 'static,
        R: Future<Output: IntoOutcome> + Send + 'static,
    {
        self.consume().for_each(handler)
    }

    /// The window's results one after the other: as [`EntitySet::stream`].
    ///
    /// # Errors
    /// Where the consumer cannot start.
    pub async fn stream(&self) -> Result<Entities<T>> {
        self.consume().stream().await
    }

    /// The topic's name.
    ///
    /// # Errors
    /// Where there is no such window, or no query fills it.
    pub fn topic(&self) -> Result<&str> {
        Ok(&self.registered()?.topic)
    }

    /// The table's state.
    ///
    /// # Errors
    /// Where the context keeps no such table.
    pub fn state(&self) -> Result<State> {
        Ok(self.access()?.table.status().state)
    }

    /// The same rows, whose reads first wait until the table holds what a position in the results' topic is about.
    #[must_use]
    pub fn at_least(&self, position: impl Into<Position>) -> Self {
        let position = match &self.at_least {
            Some(earlier) => earlier.clone().join(position.into()),
            None => position.into(),
        };
        WindowSet {
            at_least: Some(position),
            ..self.clone()
        }
    }

    /// The same rows, whose reads also answer while the table has lost its topic (state DISCONNECTED): rows may be old.
    #[must_use]
    pub fn allow_stale(&self) -> Self {
        WindowSet {
            stale: true,
            ..self.clone()
        }
    }

    /// Only windows that start within a range of times: `set.between(from..to)`.
    #[must_use]
    pub fn between<M: WindowBound>(&self, starts: impl RangeBounds<M>) -> Self {
        WindowSet {
            from: starts.start_bound().map(M::to_millis),
            to: starts.end_bound().map(M::to_millis),
            ..self.clone()
        }
    }

    /// Only the windows of one key.
    #[must_use]
    pub fn of<K>(&self, key: K) -> Self
    where
        K: Clone,
        (K, Window): Into<T::Key>,
    {
        let at = |millis| ordered::<T, K>(&key, millis, millis);
        WindowSet {
            keys: Bounds {
                from: Bound::Included(at(i64::MIN)),
                to: Bound::Included(at(i64::MAX)),
            },
            ..self.clone()
        }
    }

    /// The row of a key in the window that starts at a time.
    ///
    /// # Errors
    /// Where the table is not ready (named with topic, state and lag), or the row cannot be read.
    #[tracing::instrument(level = "trace", skip_all, fields(entity = T::MODEL.name))]
    pub async fn get<K>(&self, key: K, start: impl WindowBound + Send) -> Result<Option<T>>
    where
        K: Clone + Send,
        (K, Window): Into<T::Key>,
    {
        let start = start.to_millis();
        let access = self.access()?;
        if let Some(size) = access.table.settings.window {
            let end = start.saturating_add(size);
            let reading = access.ready().await?;
            let anywhere = T::Key::COLUMNS > 1 || access.registered.log.is_shared();
            let row = find(
                reading.table,
                &(key, Window { start, end }).into(),
                anywhere,
            );
            return reading.end(row);
        }
        // A session's end is not known: of those that start there is one.
        let bounds = Bounds {
            from: Bound::Included(ordered::<T, K>(&key, start, i64::MIN)),
            to: Bound::Included(ordered::<T, K>(&key, start, i64::MAX)),
        };
        let mut rows = Vec::new();
        access
            .rows::<T>(&bounds, |_, row| collect(&mut rows, row))
            .await?;
        Ok(rows.pop())
    }

    /// The rows, in the order of keys and, of one key, of windows.
    ///
    /// # Errors
    /// As [`WindowSet::get`].
    #[tracing::instrument(level = "debug", skip_all, fields(entity = T::MODEL.name))]
    pub async fn to_list(&self) -> Result<Vec<T>> {
        self.filter(|_| true).to_list().await
    }

    /// How many rows there are.
    ///
    /// # Errors
    /// As [`WindowSet::get`].
    pub async fn count(&self) -> Result<u64> {
        self.filter(|_| true).count().await
    }

    /// The rows for which `keep` holds; it sees borrowed rows, and only what it keeps is built.
    pub fn filter<F>(&self, keep: F) -> FilteredWindows<T, F>
    where
        F: for<'a> Fn(T::Row<'a>) -> bool,
    {
        FilteredWindows {
            set: self.clone(),
            keep,
        }
    }

    /// The rows for which a condition of `ksql!` holds, which means in this process what it means in KSQL.
    pub fn matching<C: Condition<T>>(
        &self,
        condition: Predicate<T, C>,
    ) -> FilteredWindows<T, Predicate<T, C>> {
        FilteredWindows {
            set: self.clone(),
            keep: condition,
        }
    }
}

/// Rows of a window for which a condition holds.
#[derive(Debug, Clone)]
pub struct FilteredWindows<T, F> {
    set: WindowSet<T>,
    keep: F,
}

impl<T: Windowed, C: Condition<T>> FilteredWindows<T, C> {
    pub(super) fn condition(&self) -> &C {
        &self.keep
    }

    /// Which windows and keys, as text.
    pub(super) fn bounds(&self) -> String {
        let set = &self.set;
        format!("{:?}/{:?}/{:?}", set.from, set.to, set.keys)
    }

    /// The rows, in the order of keys and, of one key, of windows.
    ///
    /// # Errors
    /// As [`WindowSet::get`].
    pub async fn to_list(&self) -> Result<Vec<T>> {
        wanted::read(self, Self::list).await
    }

    /// The first of them; the rows behind it are not read.
    ///
    /// # Errors
    /// As [`WindowSet::get`].
    pub async fn first(&self) -> Result<Option<T>> {
        wanted::read(self, Self::foremost).await
    }

    /// How many there are.
    ///
    /// # Errors
    /// As [`WindowSet::get`].
    pub async fn count(&self) -> Result<u64> {
        wanted::read(self, Self::number).await
    }
}

impl<T: Windowed, C: Condition<T>> Wanted for FilteredWindows<T, C> {
    type Entity = T;

    fn access(&self) -> Result<Access<'_>> {
        self.set.access()
    }

    fn scan(
        &self,
        reading: &Reading<'_>,
        mut each: impl for<'r> FnMut(T::Row<'r>) -> Result<bool, DecodeError>,
    ) -> Result<()> {
        let set = &self.set;
        let starts = (set.from, set.to);
        let all = starts == (Bound::Unbounded, Bound::Unbounded);
        let only = |key: &T::Key| Ok(all || starts.contains(&window_of::<T>(key)?.start));
        reading.rows_while::<T>(&set.keys, only, &self.keep, |_, row| each(row))
    }
}

/// The bytes stores sort a key and its window by.
fn ordered<T: Entity, K: Clone>(key: &K, start: i64, end: i64) -> Vec<u8>
where
    (K, Window): Into<T::Key>,
{
    let key: T::Key = (key.clone(), Window { start, end }).into();
    let mut out = Vec::new();
    key.encode_ordered(&mut out);
    out
}

/// The window of a key: the wire bytes end with it.
fn window_of<T: Entity>(key: &T::Key) -> Result<Window, DecodeError> {
    let session = T::MODEL
        .window
        .is_some_and(|window| window.kind == WindowKind::Session);
    let mut wire = Vec::with_capacity(64);
    key.encode(0, &mut wire);
    Window::decode(&wire, session).map(|(_, window)| window)
}
