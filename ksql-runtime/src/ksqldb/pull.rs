//! Pull queries: what a table holds now, as entities.
//!
//! A table that was just created answers with errors of several kinds for half a second, and in one moment with no rows at
//! all: the first are waited out here, the second nobody can tell from an empty table. Once a row was given, an error is an
//! error.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use futures_util::StreamExt as _;
use futures_util::stream::unfold;

use super::backoff::Backoff;
use super::client::KsqlDb;
use super::decode::RowDecoder;
use super::error::{Class, KsqlDbError};
use super::rows::RowStream;
use super::select::Select;
use crate::entity::{Entity, TableEntity};

/// The entities of a pull query, as they come. Nothing is asked until the first is waited for.
pub struct Rows<T> {
    stream: Pin<Box<dyn Stream<Item = Result<T, KsqlDbError>> + Send>>,
}

impl<T> Stream for Rows<T> {
    type Item = Result<T, KsqlDbError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.stream.as_mut().poll_next(context)
    }
}

impl<T> Rows<T> {
    /// The next entity; nothing when there are no more.
    pub async fn next(&mut self) -> Option<Result<T, KsqlDbError>> {
        std::future::poll_fn(|context| self.stream.as_mut().poll_next(context)).await
    }
}

impl<T> std::fmt::Debug for Rows<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rows").finish_non_exhaustive()
    }
}

/// An answer that has begun: its first row, or that there is none, and the rest.
struct Begun<T> {
    rows: RowStream,
    decoder: RowDecoder<T>,
    first: Option<T>,
}

enum State<T> {
    Start,
    Begun(Box<Begun<T>>),
    Over,
}

impl KsqlDb {
    /// The rows of a pull query. Tried again while the table is not ready, for [`KsqlDbOptions::ready_timeout`]; a
    /// connection that breaks in the middle starts it anew.
    ///
    /// [`KsqlDbOptions::ready_timeout`]: super::KsqlDbOptions::ready_timeout
    ///
    /// # Errors
    /// Where the query is refused, the table is not ready in time, or a row is no such entity.
    pub async fn pull<T: Entity>(&self, select: &Select<T>) -> Result<Vec<T>, KsqlDbError> {
        let mut backoff = Backoff::within(self.options(), self.options().ready_timeout);
        loop {
            match self.pull_once(select).await {
                Ok(rows) => return Ok(rows),
                Err(error) => self.wait_ready(select, error, &mut backoff).await?,
            }
        }
    }

    async fn pull_once<T: Entity>(&self, select: &Select<T>) -> Result<Vec<T>, KsqlDbError> {
        let mut rows = self.rows(&select.pull_text(), &select.properties).await?;
        let decoder = RowDecoder::<T>::new(rows.columns(), select.source())?;
        let mut entities = Vec::new();
        while let Some(row) = rows.next().await? {
            entities.push(decoder.entity(&row)?);
        }
        Ok(entities)
    }

    /// The row of a key, if there is one.
    ///
    /// # Errors
    /// As [`KsqlDb::pull`].
    pub async fn pull_by_key<T: TableEntity>(
        &self,
        key: &T::Key,
    ) -> Result<Option<T>, KsqlDbError> {
        let select = Select::<T>::all()
            .key(key)
            .map_err(|error| KsqlDbError::Row {
                source_name: T::MODEL.sql_name.to_owned(),
                entity: T::MODEL.name,
                error,
            })?;
        Ok(self.pull(&select).await?.pop())
    }

    /// The rows of a pull query as they come, for results that are too large to hold. Waited for as in [`KsqlDb::pull`]
    /// until the first row; after it every error ends the stream, since rows cannot be taken back.
    pub fn pull_stream<T: Entity>(&self, select: Select<T>) -> Rows<T> {
        let ksql = self.clone();
        let stream = unfold(State::Start, move |state| {
            let (ksql, select) = (ksql.clone(), select.clone());
            async move {
                match step(&ksql, &select, state).await {
                    Ok(Some((entity, state))) => Some((Ok(entity), state)),
                    Ok(None) => None,
                    Err(error) => Some((Err(error), State::Over)),
                }
            }
        });
        Rows {
            stream: Box::pin(stream.fuse()),
        }
    }

    async fn begin_pull<T: Entity>(&self, select: &Select<T>) -> Result<Begun<T>, KsqlDbError> {
        let mut rows = self.rows(&select.pull_text(), &select.properties).await?;
        let decoder = RowDecoder::<T>::new(rows.columns(), select.source())?;
        let first = match rows.next().await? {
            Some(row) => Some(decoder.entity(&row)?),
            None => None,
        };
        Ok(Begun {
            rows,
            decoder,
            first,
        })
    }

    /// Pauses where an error will pass, gives it back where it will not, or not in time.
    async fn wait_ready<T: Entity>(
        &self,
        select: &Select<T>,
        error: KsqlDbError,
        backoff: &mut Backoff,
    ) -> Result<(), KsqlDbError> {
        let passes = match &error {
            KsqlDbError::Server(server) if server.class == Class::NotQueryable => {
                self.should_be_queryable(select.source()).await
            }
            KsqlDbError::Lost { .. } | KsqlDbError::TimedOut { .. } => true,
            other => other.is_retryable(),
        };
        if !passes {
            return Err(error);
        }
        if backoff.pause().await {
            return Ok(());
        }
        Err(match error {
            error @ KsqlDbError::Server(_) => KsqlDbError::NotReady {
                source_name: select.source().to_owned(),
                limit: self.options().ready_timeout,
                cause: Box::new(error),
            },
            other => other,
        })
    }

    /// A table that a query keeps is called not queryable only by a server that stops - or restarts the query.
    async fn should_be_queryable(&self, source: &str) -> bool {
        match self.describe_now(source).await {
            Ok(Some(found)) => {
                let kept = found
                    .read_queries
                    .iter()
                    .any(|query| query.sinks.is_empty() && query.query_type == "PERSISTENT");
                kept || !found.write_queries.is_empty()
            }
            Ok(None) => false,
            Err(_) => true,
        }
    }
}

async fn step<T: Entity>(
    ksql: &KsqlDb,
    select: &Select<T>,
    state: State<T>,
) -> Result<Option<(T, State<T>)>, KsqlDbError> {
    let mut begun = match state {
        State::Over => return Ok(None),
        State::Begun(begun) => begun,
        State::Start => {
            let mut backoff = Backoff::within(ksql.options(), ksql.options().ready_timeout);
            let begun = loop {
                match ksql.begin_pull(select).await {
                    Ok(begun) => break begun,
                    Err(error) => ksql.wait_ready(select, error, &mut backoff).await?,
                }
            };
            let mut begun = Box::new(begun);
            return Ok(begun.first.take().map(|first| (first, State::Begun(begun))));
        }
    };
    match begun.rows.next().await? {
        Some(row) => {
            let entity = begun.decoder.entity(&row)?;
            Ok(Some((entity, State::Begun(begun))))
        }
        None => Ok(None),
    }
}
