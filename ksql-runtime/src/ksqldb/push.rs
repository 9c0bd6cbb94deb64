//! Push queries: what changes in a source, as entities and deletions.
//!
//! For looking at data as it comes; a program that must see every record consumes the topic. A server ends a push query when
//! it stops in the same words as when it is told to, and not at all when it is killed: so after every end that was not
//! ordered here the query is asked again, and [`Change::Restarted`] says that there was a gap. The body is read only when
//! the next change is waited for; dropping [`Changes`] ends the query on the server.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_util::Stream;
use futures_util::StreamExt as _;
use futures_util::stream::unfold;
use url::Url;

use super::backoff::Backoff;
use super::client::KsqlDb;
use super::decode::RowDecoder;
use super::error::KsqlDbError;
use super::rows::{End, RowStream};
use super::select::Select;
use crate::entity::Entity;

/// What a push query tells.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Change<T: Entity> {
    /// A record of a stream, or the new row of a key.
    Upsert(T),
    /// The row of a key is gone, or does not meet the condition any more.
    Delete(T::Key),
    /// The query ended and was asked again. With `auto.offset.reset` at `earliest` everything comes once more; with `latest`
    /// what happened meanwhile does not come at all.
    Restarted {
        /// Why it ended.
        reason: String,
    },
}

/// The changes of a push query. Nothing is asked until the first is waited for.
pub struct Changes<T: Entity> {
    stream: Pin<Box<dyn Stream<Item = Result<Change<T>, KsqlDbError>> + Send>>,
    ksql: KsqlDb,
    running: Running,
}

/// The query that runs on a server now, if one does: shared by the stream and whoever ends it.
type Running = Arc<Mutex<Option<(Url, String)>>>;

impl<T: Entity> Stream for Changes<T> {
    type Item = Result<Change<T>, KsqlDbError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.stream.as_mut().poll_next(context)
    }
}

impl<T: Entity> Changes<T> {
    /// The next change; nothing behind a `LIMIT`, or behind an error that asking again does not change.
    pub async fn next(&mut self) -> Option<Result<Change<T>, KsqlDbError>> {
        std::future::poll_fn(|context| self.stream.as_mut().poll_next(context)).await
    }

    /// Ends the query on the server. Dropping does the same without waiting.
    ///
    /// # Errors
    /// Where the server cannot be asked; it ends the query when it notices that nobody reads.
    pub async fn close(self) -> Result<(), KsqlDbError> {
        match take(&self.running) {
            Some((url, id)) => self.ksql.close_query(&url, &id).await,
            None => Ok(()),
        }
    }
}

impl<T: Entity> Drop for Changes<T> {
    fn drop(&mut self) {
        // Outside a runtime the connection's end must do.
        if let (Some((url, id)), Ok(runtime)) =
            (take(&self.running), tokio::runtime::Handle::try_current())
        {
            let ksql = self.ksql.clone();
            runtime.spawn(async move {
                if let Err(error) = ksql.close_query(&url, &id).await {
                    tracing::debug!(query = id, %error, "the push query could not be ended");
                }
            });
        }
    }
}

impl<T: Entity> std::fmt::Debug for Changes<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Changes")
            .field("running", &self.running)
            .finish_non_exhaustive()
    }
}

fn take(running: &Running) -> Option<(Url, String)> {
    running
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take()
}

fn set(running: &Running, query: Option<(Url, String)>) {
    *running.lock().unwrap_or_else(PoisonError::into_inner) = query;
}

enum State<T> {
    /// Not asked yet; why not, if it was asked before.
    Ask(Option<String>),
    Reading(Box<(RowStream, RowDecoder<T>)>),
    Over,
}

/// What one step gives: nothing at the end, and the state after it.
type Stepped<T> = Option<(Result<Change<T>, KsqlDbError>, State<T>)>;

impl KsqlDb {
    /// The changes of a source, for as long as they are read. Asked again after every end but that of a `LIMIT`, for ever
    /// where it ran before; the first time for [`KsqlDbOptions::ready_timeout`]. What the server refuses ends the stream.
    ///
    /// [`KsqlDbOptions::ready_timeout`]: super::KsqlDbOptions::ready_timeout
    pub fn push<T: Entity>(&self, select: Select<T>) -> Changes<T> {
        let running = Running::default();
        let shared = Arc::clone(&running);
        let ksql = self.clone();
        let stream = unfold(State::Ask(None), move |state| {
            let (ksql, select, running) = (ksql.clone(), select.clone(), Arc::clone(&shared));
            async move { step(&ksql, &select, &running, state).await }
        });
        Changes {
            stream: Box::pin(stream.fuse()),
            ksql: self.clone(),
            running,
        }
    }

    /// Asks until it runs.
    async fn ask_push<T: Entity>(
        &self,
        select: &Select<T>,
        again: bool,
    ) -> Result<(RowStream, RowDecoder<T>), KsqlDbError> {
        let mut backoff = if again {
            Backoff::endless(self.options())
        } else {
            Backoff::within(self.options(), self.options().ready_timeout)
        };
        loop {
            let error = match self.rows(&select.push_text(), &select.properties).await {
                Ok(rows) => {
                    let decoder = RowDecoder::new(rows.columns(), select.source())?;
                    return Ok((rows, decoder));
                }
                Err(error) => error,
            };
            let passes = error.is_retryable() || is_broken(&error);
            if !passes || !backoff.pause().await {
                return Err(error);
            }
            tracing::debug!(source = select.source(), %error, "the push query is asked again");
        }
    }
}

fn is_broken(error: &KsqlDbError) -> bool {
    matches!(
        error,
        KsqlDbError::Lost { .. } | KsqlDbError::TimedOut { .. }
    )
}

async fn step<T: Entity>(
    ksql: &KsqlDb,
    select: &Select<T>,
    running: &Running,
    mut state: State<T>,
) -> Stepped<T> {
    loop {
        state = match state {
            State::Over => return None,
            State::Ask(reason) => {
                let reading = match ksql.ask_push(select, reason.is_some()).await {
                    Ok(reading) => Box::new(reading),
                    Err(error) => return Some((Err(error), State::Over)),
                };
                let (rows, _) = &*reading;
                set(
                    running,
                    Some((rows.url().clone(), rows.query_id().to_owned())),
                );
                let reading = State::Reading(reading);
                match reason {
                    Some(reason) => return Some((Ok(Change::Restarted { reason }), reading)),
                    None => reading,
                }
            }
            State::Reading(mut reading) => {
                let (rows, decoder) = &mut *reading;
                match read(rows, decoder).await {
                    // A row that cannot be read does not end the query: the next one may be better.
                    Read::Change(change) => return Some((change, State::Reading(reading))),
                    Read::Limit => {
                        set(running, None);
                        return None;
                    }
                    Read::Ended(reason) => {
                        set(running, None);
                        State::Ask(Some(reason))
                    }
                    Read::Silent(reason) => {
                        // The connection is open, so the query may still run there.
                        if let Some((url, id)) = take(running) {
                            let _ = ksql.close_query(&url, &id).await;
                        }
                        State::Ask(Some(reason))
                    }
                    Read::Failed(error) => {
                        set(running, None);
                        return Some((Err(error), State::Over));
                    }
                }
            }
        };
    }
}

/// What one read gives.
enum Read<T: Entity> {
    Change(Result<Change<T>, KsqlDbError>),
    /// The end that was ordered.
    Limit,
    /// Any other end.
    Ended(String),
    /// Nothing for longer than allowed.
    Silent(String),
    /// An end that asking again does not change.
    Failed(KsqlDbError),
}

async fn read<T: Entity>(rows: &mut RowStream, decoder: &RowDecoder<T>) -> Read<T> {
    match rows.next().await {
        Ok(Some(row)) if row.tombstone => Read::Change(decoder.key(&row).map(Change::Delete)),
        Ok(Some(row)) => Read::Change(decoder.entity(&row).map(Change::Upsert)),
        Ok(None) => match rows.end() {
            Some(End::LimitReached) => Read::Limit,
            Some(End::Other(word)) => Read::Ended(word.clone()),
            Some(End::Complete | End::Completed) | None => {
                Read::Ended("the server ended the query".to_owned())
            }
        },
        Err(error @ KsqlDbError::Value { .. }) => Read::Change(Err(error)),
        Err(error @ KsqlDbError::TimedOut { .. }) => Read::Silent(error.to_string()),
        Err(error) if error.is_retryable() || is_broken(&error) => Read::Ended(error.to_string()),
        Err(error) => Read::Failed(error),
    }
}
