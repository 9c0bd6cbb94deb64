//! How far the queries of ksqlDB have read: what their consumer groups have committed. A query commits what it has made results of.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::RemoteQuery;
use super::watching::{Watched, Watching};
use crate::error::{Error, Result};
use crate::ksqldb::KsqlDbError;
use crate::log::{LogError, Offsets};
use crate::state::{Lag, State};

/// The wait before it is looked again how far a query is.
const AGAIN: Duration = Duration::from_millis(100);

impl Watching {
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
    pub(super) async fn lag(&self, query: &RemoteQuery) -> Option<Vec<Lag>> {
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

    pub(super) async fn wait_for(
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
        let read = ends.len();
        let mut passes = 0;
        loop {
            let id = watched.history().query_id.clone();
            let mut behind = format!("`{}` has no query", watched.sent.sink());
            if let Some(id) = id {
                let group = self.group(&id).await?;
                match self.behind(&group, &ends).await? {
                    Some(place) => behind = format!("{id} has not read {place}"),
                    // What it writes for itself is read by another part of it, which may write for a third one. With each pass one
                    // part more has all that came of what was there at the call; what came since makes them grow, too.
                    None => {
                        let own = self.own_topics(&group).await?;
                        let known = ends.get(read..).unwrap_or_default();
                        if same_ends(known, &own) || passes > own.len() {
                            return Ok(());
                        }
                        passes = passes.saturating_add(1);
                        ends.truncate(read);
                        ends.extend(own);
                        behind = format!("{id} has not read what it writes for itself");
                    }
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

    /// The topics that a query writes for itself and reads, with their offsets. Its changelogs are read by nobody.
    async fn own_topics(&self, group: &str) -> Result<Vec<(String, Vec<Offsets>)>, LogError> {
        let mut own = Vec::new();
        for topic in self.log.topics().await? {
            let name = topic.name.strip_prefix(group);
            if name.is_some_and(|name| name.starts_with('-') && !name.ends_with("-changelog")) {
                let offsets = self.log.all_offsets(&topic.name).await?;
                own.push((topic.name.to_string(), offsets));
            }
        }
        own.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(own)
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

/// Whether topics are the same ones, and nothing was added to them.
fn same_ends(known: &[(String, Vec<Offsets>)], now: &[(String, Vec<Offsets>)]) -> bool {
    let ends = |topics: &[(String, Vec<Offsets>)]| -> Vec<(String, Vec<i64>)> {
        let end = |offsets: &Vec<Offsets>| offsets.iter().map(|at| at.end).collect();
        let topics = topics.iter();
        topics.map(|(topic, at)| (topic.clone(), end(at))).collect()
    };
    ends(known) == ends(now)
}
