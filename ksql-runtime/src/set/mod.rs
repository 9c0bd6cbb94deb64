//! An entity's set: adding records and reading rows. Made by a context, used by any task, cheap to clone.

mod add;
mod cached;
mod consume;
mod dead_letters;
mod position;
mod read;
mod wanted;
mod windows;

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

pub use add::Added;
pub use cached::Cached;
pub(crate) use cached::Results;
pub use position::Position;
use read::Access;
pub use read::Filtered;
pub use windows::{FilteredWindows, WindowSet};

use crate::context::{Registered, wait_all};
use crate::entity::{Entity, TableEntity};
use crate::error::{Error, Result};
use crate::state::{Lag, State, Table};

/// The records of an entity; for a table its rows too.
///
/// What an entity cannot do does not compile, and the compiler says why. A stream has records and no rows; the same with
/// `#[table]` compiles:
///
/// ```compile_fail,E0277
/// # use ksql_runtime::prelude::*;
/// # use ksql_runtime::error::Result;
/// #[derive(Entity)]
/// #[topic("clicks")]
/// #[stream]
/// pub struct Click {
///     #[key]
///     pub user: i64,
///     pub page: String,
/// }
///
/// async fn rows(ctx: &Context) -> Result<Vec<Click>> {
///     ctx.set::<Click>().to_list().await // `Click` is not a table that can be read by key
/// }
/// ```
///
/// ```
/// # use ksql_runtime::prelude::*;
/// # use ksql_runtime::error::Result;
/// #[derive(Entity)]
/// #[topic("clicks")]
/// #[table]
/// pub struct Click {
///     #[key]
///     pub user: i64,
///     pub page: String,
/// }
///
/// async fn rows(ctx: &Context) -> Result<Vec<Click>> {
///     ctx.set::<Click>().to_list().await
/// }
/// ```
///
/// The topics of a windowed table are written by queries, not by `add`:
///
/// ```compile_fail,E0277
/// # use ksql_runtime::prelude::*;
/// # use ksql_runtime::error::Result;
/// #[derive(Entity)]
/// #[topic("clicked")]
/// #[table]
/// #[window(tumbling, minutes = [5])]
/// pub struct Clicked {
///     #[key]
///     pub user: i64,
///     pub clicks: i64,
/// }
///
/// async fn write(ctx: &Context, clicked: Clicked) -> Result<()> {
///     ctx.set::<Clicked>().add(clicked).await?; // records cannot be added to `Clicked`
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct EntitySet<T> {
    registered: Option<Arc<Registered>>,
    /// Of a windowed entity that a query writes: size and topic of each window.
    windows: Vec<(u64, Arc<Registered>)>,
    at_least: Option<Position>,
    stale: bool,
    entity: PhantomData<fn() -> T>,
}

impl<T> Clone for EntitySet<T> {
    fn clone(&self) -> Self {
        EntitySet {
            registered: self.registered.clone(),
            windows: self.windows.clone(),
            at_least: self.at_least.clone(),
            stale: self.stale,
            entity: PhantomData,
        }
    }
}

impl<T: Entity> EntitySet<T> {
    pub(crate) fn new(
        registered: Option<Arc<Registered>>,
        windows: Vec<(u64, Arc<Registered>)>,
    ) -> EntitySet<T> {
        EntitySet {
            registered,
            windows,
            at_least: None,
            stale: false,
            entity: PhantomData,
        }
    }

    pub(crate) fn registered(&self) -> Result<&Registered> {
        let entity = T::MODEL.name;
        self.registered
            .as_deref()
            .ok_or_else(|| match T::MODEL.window {
                // Added or not: it has no topic of its own.
                Some(_) => Error::Windowed { entity },
                None => Error::Unregistered { entity },
            })
    }

    /// The topic's name.
    ///
    /// # Errors
    /// Where the context was built without the entity.
    pub fn topic(&self) -> Result<&str> {
        Ok(&self.registered()?.topic)
    }

    /// The ends of all partitions together: how many records the topic was ever given.
    ///
    /// # Errors
    /// Where the log cannot say.
    pub async fn end_offset(&self) -> Result<u64> {
        let registered = self.registered()?;
        let mut sum = 0_u64;
        for partition in 0..registered.partitions.cast_signed() {
            let end = registered
                .log
                .offsets(&registered.topic, partition)
                .await?
                .end;
            sum = sum.saturating_add(u64::try_from(end).unwrap_or(0));
        }
        Ok(sum)
    }

    fn table(&self) -> Result<&Arc<Table>>
    where
        T: TableEntity,
    {
        self.registered()?.table.as_ref().ok_or(Error::NotCached {
            entity: T::MODEL.name,
        })
    }

    /// The table to be read, and how.
    fn access(&self) -> Result<Access<'_>>
    where
        T: TableEntity,
    {
        Ok(Access {
            registered: self.registered()?,
            table: self.table()?,
            at_least: self.at_least.as_ref(),
            stale: self.stale,
        })
    }

    /// The same set, whose reads first wait until the table holds what a receipt is about: read your writes. A read waits
    /// up to the setting `ready_timeout`.
    #[must_use]
    pub fn at_least(&self, position: impl Into<Position>) -> EntitySet<T>
    where
        T: TableEntity,
    {
        let position = match &self.at_least {
            Some(earlier) => earlier.clone().join(position.into()),
            None => position.into(),
        };
        EntitySet {
            at_least: Some(position),
            ..self.clone()
        }
    }

    /// The same set, whose reads also answer while the table has lost its topic (state DISCONNECTED): rows may be old.
    #[must_use]
    pub fn allow_stale(&self) -> EntitySet<T>
    where
        T: TableEntity,
    {
        EntitySet {
            stale: true,
            ..self.clone()
        }
    }

    /// The table's state.
    ///
    /// # Errors
    /// Where the context keeps no such table.
    pub fn state(&self) -> Result<State>
    where
        T: TableEntity,
    {
        Ok(self.table()?.status().state)
    }

    /// How far each partition is behind.
    ///
    /// # Errors
    /// Where the context keeps no such table.
    pub fn lag(&self) -> Result<Vec<Lag>>
    where
        T: TableEntity,
    {
        Ok(self.table()?.status().lag)
    }

    /// Records that were read since start to become ready.
    ///
    /// # Errors
    /// Where the context keeps no such table.
    pub fn replayed(&self) -> Result<u64>
    where
        T: TableEntity,
    {
        Ok(self.table()?.status().replayed)
    }

    /// Waits until the table has reached the end its topic had at start.
    ///
    /// # Errors
    /// Where it stopped, or the time is over; the error names topic and lag.
    pub async fn wait_ready(&self, timeout: Duration) -> Result<()>
    where
        T: TableEntity,
    {
        let table = Arc::clone(self.table()?);
        wait_all(&[table], timeout, "readiness", |status| {
            status.state == State::Running
        })
        .await
    }
}
