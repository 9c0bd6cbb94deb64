//! The queries that ksqlDB runs: looked at again and again, told of like those of this process, and started again where that
//! cures them.
//!
//! Invariant: a query is started again only where it was terminated or has failed by itself, and what was sent before is equal to
//! the definition; each attempt waits twice as long as the one before. What takes a person is told, and left alone. Made by start, ended by the context.
//!
//! Made of: `watching` (looking and curing), `history` (when it is tried again), `progress` (how far queries have read).

mod history;
mod progress;
mod watching;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::statements::Made;
use crate::error::{Error, Result};
use crate::ksqldb::KsqlDb;
use crate::log::Log;
use crate::state::{Counts, Event, State, StateError, Status};
use watching::{Watched, Watching};

/// All of them, and the task that watches them.
#[derive(Debug)]
pub(super) struct Remote {
    watching: Arc<Watching>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// A query that ksqlDB runs: one statement a window of its output.
#[derive(Debug)]
pub(super) struct RemoteQuery {
    pub(super) name: &'static str,
    pub(super) reads: Vec<String>,
    pub(super) writes: Vec<String>,
    pub(super) counts: Counts,
    status: watch::Sender<Status>,
    statements: Vec<Watched>,
}

impl Remote {
    /// Begins to watch; `made` are the statements in the order in which they were sent.
    pub(super) fn watch(
        made: &[Made],
        ksqldb: KsqlDb,
        log: Log,
        every: Duration,
        events: broadcast::Sender<Event>,
    ) -> Remote {
        let queries = made
            .chunk_by(|one, other| one.sent.query == other.sent.query)
            .filter_map(RemoteQuery::of)
            .collect();
        let watching = Arc::new(Watching {
            ksqldb,
            log,
            every,
            queries,
            events,
            groups: Mutex::default(),
        });
        let looking = Arc::clone(&watching);
        let task = tokio::spawn(async move {
            let mut looks = tokio::time::interval(looking.every);
            looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                looks.tick().await;
                looking.look().await;
            }
        });
        Remote {
            watching,
            task: Mutex::new(Some(task)),
        }
    }

    /// Each query, behind those whose results it reads.
    pub(super) fn queries(&self) -> &[RemoteQuery] {
        &self.watching.queries
    }

    /// Looks no more. The queries go on. Again: nothing to do.
    pub(super) fn close(&self) {
        let task = self
            .task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(task) = task {
            task.abort();
        }
        for query in self.queries() {
            query.moved(State::NotRunning, None, &self.watching.events);
        }
    }

    /// Waits until every query has made results of what its topics hold now: until its consumer group has committed that.
    ///
    /// # Errors
    /// Where the time is over, a query has ended, or offsets cannot be asked for.
    pub(super) async fn wait_caught_up(&self, deadline: Instant, limit: Duration) -> Result<()> {
        for query in self.queries() {
            for watched in &query.statements {
                self.watching
                    .wait_for(query, watched, deadline, limit)
                    .await?;
            }
        }
        Ok(())
    }

    /// Waits until every query runs.
    ///
    /// # Errors
    /// Where the time is over, or a query has ended.
    pub(super) async fn wait_running(&self, deadline: Instant, limit: Duration) -> Result<()> {
        for query in self.queries() {
            let mut status = query.status.subscribe();
            let settled = status.wait_for(|status| {
                matches!(
                    status.state,
                    State::Running | State::Error | State::NotRunning
                )
            });
            let settled = tokio::time::timeout_at(deadline, settled).await;
            let seen = match settled {
                Ok(Ok(status)) => status.clone(),
                _ => query.status(),
            };
            if seen.state != State::Running {
                return Err(Error::Timeout {
                    what: "readiness",
                    limit,
                    missing: query.told(&seen),
                });
            }
        }
        Ok(())
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.close();
    }
}

impl RemoteQuery {
    /// One query of its statements; nothing of none.
    fn of(made: &[Made]) -> Option<RemoteQuery> {
        let first = &made.first()?.sent;
        Some(RemoteQuery {
            name: first.query,
            reads: first.reads.clone(),
            writes: made.iter().map(|made| made.sent.writes.clone()).collect(),
            counts: Counts::default(),
            status: watch::Sender::new(Status {
                state: State::Rebalancing,
                lag: Vec::new(),
                error: None,
                replayed: 0,
            }),
            statements: made.iter().cloned().map(Watched::of).collect(),
        })
    }

    pub(super) fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// The ids under which ksqlDB runs it: one a statement.
    pub(super) fn ids(&self) -> Vec<String> {
        let ids = self.statements.iter();
        ids.filter_map(|watched| watched.history().query_id.clone())
            .collect()
    }

    /// How often it was started again.
    pub(super) fn restarts(&self) -> u64 {
        let statements = self.statements.iter();
        statements.map(|watched| watched.history().restarts).sum()
    }

    fn told(&self, status: &Status) -> String {
        let error = status.error.as_ref().map(|error| format!(": {error}"));
        format!(
            "the query `{}` is {}{}",
            self.name,
            status.state,
            error.unwrap_or_default()
        )
    }

    fn moved(&self, state: State, reason: Option<String>, events: &broadcast::Sender<Event>) {
        let query = self.name;
        let mut previous = state;
        self.status.send_if_modified(|status| {
            previous = status.state;
            let same = status.error.as_ref().map(ToString::to_string) == reason;
            status.state = state;
            status.error = reason.clone().map(|reason| StateError::KsqlDb { reason });
            previous != state || !same
        });
        if previous == state {
            return;
        }
        let _ = events.send(Event {
            entity: query,
            previous,
            current: state,
        });
        self.counts.moved(previous, state, reason.clone());
        match reason {
            Some(reason) => {
                tracing::warn!(query, %previous, current = %state, reason, "a query of ksqlDB changed");
            }
            None => {
                tracing::info!(query, %previous, current = %state, "a query of ksqlDB changed");
            }
        }
    }
}
