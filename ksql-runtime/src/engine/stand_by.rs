//! Standing by: following what the owner of the queries notes until this instance is the owner itself.
//!
//! Invariant: it ends as the owner only behind everything that any owner has written, which the journal shows once the office is
//! taken: nobody else commits from then on. Where another query of the same name wrote in between, nothing of before counts: it begins
//! anew behind that. Belongs to a query's thread.

use std::sync::Arc;
use std::time::Duration;

use super::duty::Office;
use super::journal::{Entry, Journal};
use super::replay::Replay;
use super::store::QueryStore;
use crate::log::{Log, LogError};
use crate::state::{StateError, Table, Topics, Work};

/// How long a wait for the owner's next note takes before it is asked who the owner is.
const POLL: Duration = Duration::from_millis(100);

/// Takes again what the owner took.
pub(super) trait Again: Work {
    /// What a note says, and where the journal is read on behind it. The state is written with both.
    fn again(
        &mut self,
        entry: &Entry,
        next: i64,
        replay: &mut Replay<'_>,
    ) -> Result<(), StateError>;
}

/// Follows the journal until this instance is the owner and has come to its end; gives the term.
pub(super) fn until_owner(
    office: &Office,
    table: &Arc<Table>,
    (log, topics): (&Log, &Topics),
    work: &mut impl Again,
) -> Result<u64, StateError> {
    table.set_behind(Some(0));
    let store = QueryStore::new(table);
    let (start, end) = office.edges()?;
    let from = store.journal(office.journal_id())?;
    let from = from.filter(|from| (start..=end).contains(from));
    let query = (table.entity, office.mark(topics));
    let told = |error| office.told(error);
    let mut journal =
        Journal::open(log, &office.journal_name(), query, from.unwrap_or(start)).map_err(told)?;
    table.keep_waker(journal.waker());
    // Or the office would be seen only behind a poll.
    let _waking = office.wakes();
    let mut replay = Replay::new(log, topics, table);
    let mut elected: Option<(u64, i64)> = None;
    table.set_following(true);
    loop {
        if table.stopping() {
            return Err(office.told(LogError::Closed));
        }
        elected = match (office.now()?, elected) {
            (Some(term), Some(known)) if known.0 == term => Some(known),
            // Asked behind the taking of office.
            (Some(term), _) => Some((term, office.edges()?.1)),
            (None, _) => None,
        };
        if let Some((term, end)) = elected
            && journal.position() >= end
        {
            table.set_behind(None);
            table.set_following(false);
            return Ok(term);
        }
        journal.poll(POLL).map_err(told)?;
        table.update(|status| status.answered());
        if let Some(next) = journal.superseded() {
            if office.begin_anew(log, topics)? {
                work.forget()?;
                replay = Replay::new(log, topics, table);
            }
            store.set_journal((office.journal_id(), next))?;
        }
        while let Some((entry, next)) = journal.next() {
            let last = journal.last().unwrap_or(&entry);
            table.set_behind(Some(behind(table, last)));
            work.again(&entry, next, &mut replay)?;
        }
        table.set_behind(Some(0));
        if journal.position() >= end {
            table.set_following(false);
        }
    }
}

/// How many offsets lie between where a query stands and what a note says.
fn behind(table: &Table, entry: &Entry) -> i64 {
    let lag = table.status().lag;
    (0_i32..)
        .zip(&lag)
        .filter_map(|(number, lag)| {
            let runs = entry.runs().filter(|run| run.partition == number);
            let to = runs.map(|run| run.to).max()?;
            Some(to.saturating_sub(lag.position).max(0))
        })
        .sum()
}
