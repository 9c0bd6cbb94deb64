//! The queries of a running context: what runs them, how they stand, and how they end.
//!
//! Invariant: a query ends behind those whose results it reads, and in front of the tables, so that an orderly end leaves
//! nothing half told. Part of the context.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Context, Inner};
use crate::engine::{Runner, Site};
use crate::state::{Status, Table};

/// A query with the thread that runs it.
#[derive(Debug)]
pub(super) struct Running {
    /// Its state and its thread.
    pub(super) table: Arc<Table>,
    pub(super) runner: Arc<dyn Runner>,
    pub(super) site: Site,
}

/// The part of this instance in a query that several instances of the application may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueryDuty {
    /// It writes the results. So it always is with the embedded log.
    Owner,
    /// Another instance writes them; this one follows it, serves reads, and takes over when that one ends.
    StandBy {
        /// How many records it has still to take that the owner is known to have taken.
        behind: u64,
    },
    /// ksqlDB runs it; this program watches it.
    KsqlDb,
}

impl fmt::Display for QueryDuty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QueryDuty::Owner => f.write_str("owner"),
            QueryDuty::StandBy { behind: 0 } => f.write_str("stand-by"),
            QueryDuty::KsqlDb => f.write_str("ksqldb"),
            QueryDuty::StandBy { behind } => write!(f, "stand-by, {behind} records behind"),
        }
    }
}

/// A query's status.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct QueryStatus {
    /// Its name.
    pub query: &'static str,
    /// The topic it reads.
    pub source: String,
    /// The topics it writes: one a window.
    pub results: Vec<String>,
    /// Whether this instance writes the results.
    pub duty: QueryDuty,
    /// State, positions in the source, lag.
    pub status: Status,
    /// How many windows were closed to a record that came too late: behind their end and grace. What ksqlDB runs does not tell.
    pub late: u64,
    /// How many records were left out for want of a key: without one where the source's key columns are no `Option`, or with a NULL in what
    /// is grouped by.
    pub keyless: u64,
    /// How many windows take rows still, as of the last write; of a query of this process with windows.
    pub open_windows: Option<u64>,
    /// How many records were stamped more than an hour ahead of the clock since the start: stream time follows them.
    pub future: u64,
    /// The ids under which ksqlDB runs it: one a statement.
    pub ksqldb_ids: Vec<String>,
    /// How often it was started again in ksqlDB since this program's start.
    pub restarts: u64,
}

impl Context {
    /// Every query with its state and lag, each behind those whose results it reads.
    pub fn queries(&self) -> Vec<QueryStatus> {
        let queries = self.0.queries.iter();
        let queries = queries.map(|query| QueryStatus {
            query: query.table.entity,
            source: query.table.topic().to_owned(),
            results: query
                .site
                .targets
                .iter()
                .map(|target| target.topic.clone())
                .collect(),
            duty: match query.table.behind() {
                Some(behind) => QueryDuty::StandBy { behind },
                None => QueryDuty::Owner,
            },
            status: query.table.status(),
            late: query.table.late(),
            keyless: query.table.keyless(),
            open_windows: query.table.open_windows(),
            future: query.table.counts.future(),
            ksqldb_ids: Vec::new(),
            restarts: 0,
        });
        queries.chain(self.0.remote_queries()).collect()
    }
}

impl Inner {
    #[cfg(feature = "kafka")]
    fn remote_queries(&self) -> impl Iterator<Item = QueryStatus> {
        let queries = self.remote.iter().flat_map(super::remote::Remote::queries);
        queries.map(|query| QueryStatus {
            query: query.name,
            source: query.reads.first().cloned().unwrap_or_default(),
            results: query.writes.clone(),
            duty: QueryDuty::KsqlDb,
            status: query.status(),
            late: 0,
            keyless: 0,
            open_windows: None,
            future: 0,
            ksqldb_ids: query.ids(),
            restarts: query.restarts(),
        })
    }

    #[cfg(not(feature = "kafka"))]
    fn remote_queries(&self) -> impl Iterator<Item = QueryStatus> {
        std::iter::empty()
    }
}

impl Context {
    /// The state of a query.
    #[cfg(test)]
    pub(crate) fn query_table(&self, name: &str) -> Option<Arc<Table>> {
        let mut queries = self.0.queries.iter();
        let query = queries.find(|query| query.table.entity == name)?;
        Some(Arc::clone(&query.table))
    }

    /// Ends as if killed: what queries have not written is lost, what was acknowledged is not.
    pub(crate) async fn abandon(self) -> crate::error::Result<()> {
        self.0.bindings().for_each(|table| table.abandon());
        self.shutdown().await
    }
}

impl Inner {
    /// Ends the queries one behind the other, each where it has read what its source holds by then.
    pub(super) async fn end_queries(&self, until: Instant) {
        for query in &self.queries {
            let table = &query.table;
            let left = until.saturating_duration_since(Instant::now());
            let goal = match table.is_running() && left > Duration::ZERO {
                true => tokio::time::timeout(left, self.ends_of(table)).await,
                false => continue,
            };
            let Ok(Ok(goal)) = goal else {
                tracing::warn!(
                    query = table.entity,
                    topic = table.topic(),
                    "where its source ends was not answered: what the query has not read it reads at the next start"
                );
                continue;
            };
            table.ask_to_stop(goal, until);
            let table = Arc::clone(table);
            // A task that panics has ended, too.
            drop(tokio::task::spawn_blocking(move || table.wait_for_stop()).await);
        }
    }
}
