//! Looking at the queries, and curing those that a start cures. Belongs to the task that watches.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::time::Instant;

use super::RemoteQuery;
use super::history::History;
use crate::context::statements::{Made, Sent};
use crate::error::Chain;
use crate::ksqldb::{Difference, Ensured, KsqlDb, KsqlDbError, QueryListing};
use crate::log::{Log, LogError};
use crate::state::{Event, State};

/// How long the list of queries may take before ksqlDB counts as away.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Watching {
    pub(super) ksqldb: KsqlDb,
    pub(super) log: Log,
    pub(super) every: Duration,
    pub(super) queries: Vec<RemoteQuery>,
    pub(super) events: broadcast::Sender<Event>,
    /// The consumer groups of queries, by their ids.
    pub(super) groups: Mutex<HashMap<String, String>>,
}

/// A statement and what was done about it.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) sent: Sent,
    history: Mutex<History>,
}

/// How a statement's query stands; later ones are worse.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Runs,
    /// On its way.
    Starts,
    /// Comes back by itself, or by being started again.
    Away(String),
    /// Takes a person.
    Ended(String),
}

/// What to do about a query that does not run.
#[derive(Debug)]
enum Cure {
    /// It never was there, or what it made is gone too.
    Start,
    Again,
}

impl Watched {
    pub(super) fn of(made: Made) -> Watched {
        Watched {
            sent: made.sent,
            history: Mutex::new(History::of(made.query_id)),
        }
    }

    pub(super) fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watching {
    pub(super) async fn look(&self) {
        let asked = tokio::time::timeout(PATIENCE, self.ksqldb.queries()).await;
        let listing = match asked {
            Ok(Ok(listing)) => listing,
            Ok(Err(error)) => return self.away(&Chain(&error).to_string()),
            Err(_) => return self.away(&format!("ksqlDB did not answer within {PATIENCE:?}")),
        };
        // Each topic is looked for once.
        let mut topics = HashMap::new();
        for query in &self.queries {
            let mut worst = Verdict::Runs;
            for watched in &query.statements {
                let verdict = match self.judge(watched, &listing, &mut topics).await {
                    Ok(verdict) => verdict,
                    Err(error) => Verdict::Away(Chain(&error).to_string()),
                };
                worst = worst.max(verdict);
            }
            let (state, reason) = match worst {
                Verdict::Runs => (State::Running, None),
                Verdict::Starts => (State::Rebalancing, None),
                Verdict::Away(reason) => (State::Disconnected, Some(reason)),
                Verdict::Ended(reason) => (State::Error, Some(reason)),
            };
            query.moved(state, reason, &self.events);
            if let Some(lag) = self.lag(query).await {
                query.status.send_modify(|status| status.lag = lag);
            }
        }
    }

    fn away(&self, reason: &str) {
        for query in &self.queries {
            query.moved(State::Disconnected, Some(reason.to_owned()), &self.events);
        }
    }

    /// How a statement's query stands, once what can be cured was.
    async fn judge(
        &self,
        watched: &Watched,
        listing: &[QueryListing],
        topics: &mut HashMap<String, bool>,
    ) -> Result<Verdict, KsqlDbError> {
        let known = watched.history().query_id.clone();
        let listed = known.and_then(|id| listing.iter().find(|query| query.id == id));
        let sink = watched.sent.sink();
        if let Some(query) = listed {
            match query.worst_state() {
                "RUNNING" | "" => return Ok(self.runs(watched, &query.id, topics).await),
                "ERROR" => {}
                "PAUSED" => {
                    return Ok(Verdict::Away(format!(
                        "{} is paused: `RESUME {};` lets it go on",
                        query.id, query.id
                    )));
                }
                _ => return Ok(Verdict::Starts),
            }
        }
        // Looked at by its sink: it may have another id by now.
        let Some(standing) = self.ksqldb.standing(&watched.sent.statement).await? else {
            let reason = format!("`{sink}` is gone");
            return self.cure(watched, Cure::Start, reason).await;
        };
        match (standing.differences.as_slice(), standing.query_id) {
            ([Difference::QueryGone], _) => {
                let reason = format!("the query of `{sink}` was terminated");
                self.cure(watched, Cure::Again, reason).await
            }
            ([], Some(id)) if standing.state == "ERROR" => {
                let errors = self.ksqldb.explain(&id).await?.errors;
                let last = errors.last().map_or("it says not why", String::as_str);
                // Caused by what users do - a topic that is gone, a right that is missing - and no better for being tried again.
                if last.starts_with("USER") {
                    return Ok(Verdict::Ended(format!(
                        "{id} has failed: {last}: put that right, and start this program again"
                    )));
                }
                watched.history().query_id = Some(id.clone());
                let reason = format!("{id} has failed: {last}");
                self.cure(watched, Cure::Again, reason).await
            }
            ([], Some(id)) => {
                watched.history().query_id = Some(id);
                Ok(Verdict::Starts)
            }
            ([], None) => Ok(Verdict::Starts),
            (differences, _) => {
                let told: Vec<String> = differences.iter().map(ToString::to_string).collect();
                Ok(Verdict::Ended(format!("`{sink}`: {}", told.join("; "))))
            }
        }
    }

    /// A query that says it runs, and may read a topic that is not there: ksqlDB does not notice.
    async fn runs(
        &self,
        watched: &Watched,
        query_id: &str,
        topics: &mut HashMap<String, bool>,
    ) -> Verdict {
        for topic in watched.sent.reads.iter().chain([&watched.sent.writes]) {
            let there = match topics.get(topic) {
                Some(there) => *there,
                None => {
                    let found = self.log.describe(topic).await;
                    let there = !matches!(found, Err(LogError::UnknownTopic { .. }));
                    topics.insert(topic.clone(), there);
                    there
                }
            };
            if !there {
                return Verdict::Ended(format!(
                    "{query_id} is said to run, and its topic `{topic}` is gone: start this program again, which creates the topic and \
                     starts the query again"
                ));
            }
        }
        let now = Instant::now();
        watched.history().runs(query_id, self.every, now);
        Verdict::Runs
    }

    async fn cure(
        &self,
        watched: &Watched,
        cure: Cure,
        reason: String,
    ) -> Result<Verdict, KsqlDbError> {
        if !watched.history().may_start(self.every, Instant::now()) {
            return Ok(Verdict::Away(reason));
        }
        let Sent {
            query, statement, ..
        } = &watched.sent;
        let known = watched.history().query_id.clone();
        tracing::warn!(
            query,
            query_id = known,
            reason,
            "the query is started again"
        );
        let started = match cure {
            Cure::Start => match self.ksqldb.start_query(statement).await {
                Ok(Ensured::Created { query_id } | Ensured::Unchanged { query_id }) => Ok(query_id),
                // Somebody else made something else of it: seen by the next look.
                Ok(Ensured::Drift(_)) => Ok(None),
                Err(error) => Err(error),
            },
            Cure::Again => self.ksqldb.start_again(statement, known.as_deref()).await,
        };
        match started {
            Ok(id) => {
                let mut history = watched.history();
                history.restarts += 1;
                history.query_id = id.or(history.query_id.take());
                Ok(Verdict::Starts)
            }
            Err(error) => Ok(Verdict::Away(format!(
                "{reason}, and could not be started again: {}",
                Chain(&error)
            ))),
        }
    }
}
