//! The queries that ksqlDB runs: looked at again and again, told of like those of this process, and started again where that
//! cures them.
//!
//! Invariant: a query is started again only where it was terminated or has failed by itself, and what was sent before is equal to
//! the definition; each attempt waits twice as long as the one before. What takes a person is told, and left alone. Made by start, ended by the context.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::statements::{Made, Sent};
use crate::error::{Chain, Error, Result};
use crate::ksqldb::{Difference, Ensured, KsqlDb, KsqlDbError, QueryListing};
use crate::log::{Log, LogError, Offsets};
use crate::state::{Counts, Event, Lag, State, StateError, Status};

/// The longest wait between two attempts to start a query again.
const LONGEST: Duration = Duration::from_secs(600);
/// How long the list of queries may take before ksqlDB counts as away.
const PATIENCE: Duration = Duration::from_secs(10);
/// The wait before it is looked again how far a query is.
const AGAIN: Duration = Duration::from_millis(100);

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

#[derive(Debug)]
struct Watching {
    ksqldb: KsqlDb,
    log: Log,
    every: Duration,
    queries: Vec<RemoteQuery>,
    events: broadcast::Sender<Event>,
    /// The consumer groups of queries, by their ids.
    groups: Mutex<HashMap<String, String>>,
}

/// A statement and what was done about it.
#[derive(Debug)]
struct Watched {
    sent: Sent,
    history: Mutex<History>,
}

#[derive(Debug, Clone, Default)]
struct History {
    query_id: Option<String>,
    /// Attempts to start it again since it last ran for long.
    attempts: u32,
    next: Option<Instant>,
    running_since: Option<Instant>,
    /// All attempts that succeeded.
    restarts: u64,
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

impl Remote {
    /// Begins to watch; `made` are the statements in the order in which they were sent.
    pub(super) fn watch(
        made: Vec<Made>,
        ksqldb: KsqlDb,
        log: Log,
        every: Duration,
        events: broadcast::Sender<Event>,
    ) -> Remote {
        let mut queries: Vec<RemoteQuery> = Vec::new();
        for made in made {
            let query = match queries.last_mut() {
                Some(last) if last.name == made.sent.query => last,
                _ => {
                    queries.push(RemoteQuery::new(&made.sent));
                    match queries.last_mut() {
                        Some(last) => last,
                        None => continue,
                    }
                }
            };
            query.writes.push(made.sent.writes.clone());
            query.statements.push(Watched {
                sent: made.sent,
                history: Mutex::new(History {
                    query_id: made.query_id,
                    ..History::default()
                }),
            });
        }
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
    fn new(sent: &Sent) -> RemoteQuery {
        RemoteQuery {
            name: sent.query,
            reads: sent.reads.clone(),
            writes: Vec::new(),
            counts: Counts::default(),
            status: watch::Sender::new(Status {
                state: State::Rebalancing,
                lag: Vec::new(),
                error: None,
                replayed: 0,
            }),
            statements: Vec::new(),
        }
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

impl Watched {
    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl History {
    /// The wait behind the last attempt.
    fn wait(&self, every: Duration) -> Duration {
        let doubled = 1_u32
            .checked_shl(self.attempts.saturating_sub(1))
            .unwrap_or(u32::MAX);
        every.saturating_mul(doubled).min(LONGEST)
    }

    fn runs(&mut self, query_id: &str, every: Duration, now: Instant) {
        self.query_id = Some(query_id.to_owned());
        let since = *self.running_since.get_or_insert(now);
        // A query that fails again and again is not started more often for running in between.
        if now.saturating_duration_since(since) > self.wait(every) {
            self.attempts = 0;
            self.next = None;
        }
    }

    /// Whether it is time to start it again.
    fn may_start(&mut self, every: Duration, now: Instant) -> bool {
        self.running_since = None;
        if self.next.is_some_and(|next| now < next) {
            return false;
        }
        self.attempts = self.attempts.saturating_add(1);
        self.next = Some(now + self.wait(every));
        true
    }
}

impl Watching {
    async fn look(&self) {
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

    async fn group(&self, query_id: &str) -> Result<String, KsqlDbError> {
        let known = {
            let groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
            groups.get(query_id).cloned()
        };
        if let Some(group) = known {
            return Ok(group);
        }
        let group = self.ksqldb.group_of(query_id).await?;
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        groups.insert(query_id.to_owned(), group.clone());
        Ok(group)
    }

    /// How far a query has read, of all its statements the one that is furthest behind. Nothing where that is not told: whoever may start
    /// queries need not be allowed to ask for the offsets of their groups.
    async fn lag(&self, query: &RemoteQuery) -> Option<Vec<Lag>> {
        let mut lag: Vec<Lag> = Vec::new();
        for id in query.ids() {
            let group = self.group(&id).await.ok()?;
            let mut number = 0;
            for topic in &query.reads {
                let offsets = self.log.all_offsets(topic).await.ok()?;
                for (partition, Offsets { start, end, .. }) in (0..).zip(offsets) {
                    let committed = self.log.committed(&group, topic, partition).await.ok()?;
                    let position = committed.unwrap_or(start);
                    match lag.get_mut(number) {
                        Some(known) => known.position = known.position.min(position),
                        None => lag.push(Lag {
                            topic: Arc::from(topic.as_str()),
                            partition,
                            position,
                            target: end,
                            end,
                        }),
                    }
                    number += 1;
                }
            }
        }
        Some(lag)
    }

    async fn wait_for(
        &self,
        query: &RemoteQuery,
        watched: &Watched,
        deadline: Instant,
        limit: Duration,
    ) -> Result<()> {
        let mut ends = Vec::new();
        for topic in &query.reads {
            ends.push((topic.clone(), self.log.all_offsets(topic).await?));
        }
        let mut repartitioned = false;
        loop {
            let id = watched.history().query_id.clone();
            let mut behind = format!("`{}` has no query", watched.sent.sink());
            if let Some(id) = id {
                let group = self.group(&id).await?;
                match self.behind(&group, &ends).await? {
                    Some(place) => behind = format!("{id} has not read {place}"),
                    // What it writes for itself is read by another part of it.
                    None if !repartitioned => {
                        repartitioned = true;
                        let internal = self.log.topics().await?.into_iter().filter(|topic| {
                            let name = topic.name.strip_prefix(group.as_str());
                            name.is_some_and(|name| {
                                name.starts_with('-') && name.ends_with("-repartition")
                            })
                        });
                        for topic in internal {
                            let offsets = self.log.all_offsets(&topic.name).await?;
                            ends.push((topic.name.to_string(), offsets));
                        }
                        continue;
                    }
                    None => return Ok(()),
                }
            }
            let status = query.status();
            let ended = matches!(status.state, State::Error | State::NotRunning);
            if ended || Instant::now() + AGAIN > deadline {
                let told = match ended {
                    true => query.told(&status),
                    false => format!("{}: {behind}", query.told(&status)),
                };
                return Err(Error::Timeout {
                    what: "the end of the topics",
                    limit,
                    missing: told,
                });
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// The first place that a group has not read up to; nothing where it has read everything.
    async fn behind(
        &self,
        group: &str,
        ends: &[(String, Vec<Offsets>)],
    ) -> Result<Option<String>, LogError> {
        for (topic, offsets) in ends {
            for (partition, Offsets { start, end, .. }) in (0..).zip(offsets) {
                if start == end {
                    continue;
                }
                let committed = self.log.committed(group, topic, partition).await?;
                if committed.is_none_or(|committed| committed < *end) {
                    let at = committed.unwrap_or(*start);
                    return Ok(Some(format!(
                        "partition {partition} of `{topic}` beyond {at} of {end}"
                    )));
                }
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_attempt_waits_twice_as_long_as_the_one_before() {
        let every = Duration::from_secs(30);
        let mut history = History::default();
        let mut now = Instant::now();
        for expected in [30, 60, 120, 240, 480, 600, 600] {
            assert!(history.may_start(every, now));
            let almost = now + Duration::from_secs(expected) - Duration::from_millis(1);
            // Running in between does not shorten it.
            history.runs("CSAS_X_1", every, almost);
            assert!(!history.may_start(every, almost));
            now += Duration::from_secs(expected);
        }
    }

    #[test]
    fn a_query_that_ran_for_long_is_started_again_at_once() {
        let every = Duration::from_secs(30);
        let mut history = History::default();
        let mut now = Instant::now();
        for _ in 0..3 {
            assert!(history.may_start(every, now));
            now += LONGEST;
        }
        history.runs("CSAS_X_1", every, now);
        now += history.wait(every) * 2;
        history.runs("CSAS_X_1", every, now);
        assert_eq!(history.attempts, 0);
        assert!(history.may_start(every, now));
        assert_eq!(history.wait(every), every);
    }
}
