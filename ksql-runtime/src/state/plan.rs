//! Where a table goes on reading: what is stored compared with what the topic and the definition have.
//!
//! Invariant: a table goes on from its stored offset only where its rows are of this topic and of this form; else it is
//! read again from the start, or refused where nobody asked for that. Made by whoever starts a table, and by its binding
//! when the topic is lost under it.

use std::sync::Arc;

use super::status::Lag;
use super::{StateError, Table, Topics};
use crate::log::Offsets;

/// Where each partition starts and when it is ready.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The topics the offsets are of: another one of the same name has another id.
    pub(super) topics: Topics,
    pub(super) lag: Vec<Lag>,
    /// Per partition what compaction had removed of tombstones by then; it only matters where it grows.
    pub(super) resume_from: Vec<i64>,
}

impl Plan {
    /// Compares what is stored with what the topic and the definition have; `shape` is what rows look like now.
    pub(super) fn new(
        table: &Table,
        shape: u64,
        topics: Topics,
        offsets: &[Offsets],
    ) -> Result<Plan, StateError> {
        let stored = table.store.shape(&table.settings.store)?;
        if stored.as_deref() != Some(&shape.to_be_bytes()) {
            if stored.is_some() {
                let (entity, query) = table.named();
                tracing::info!(
                    entity,
                    query,
                    topic = table.topic(),
                    "the definition has changed: the table is read again from its topic"
                );
            }
            return Plan::afresh(table, shape, topics, offsets);
        }
        if missed_deletions(table, &topics, offsets)? {
            let (entity, query) = table.named();
            tracing::info!(
                entity,
                query,
                topic = table.topic(),
                "tombstones were removed from the topic that the table has not read: it is read again from the start"
            );
            return Plan::afresh(table, shape, topics, offsets);
        }
        match Plan::compare(table, topics.clone(), offsets) {
            Err(error) if table.settings.rebuild_on_truncation && error.is_lost_topic() => {
                let (entity, query) = table.named();
                tracing::warn!(entity, query, topic = table.topic(), %error, "the table is rebuilt");
                Plan::afresh(table, shape, topics, offsets)
            }
            other => other,
        }
    }

    /// Removes what is stored and reads the topic from its start.
    pub(super) fn afresh(
        table: &Table,
        shape: u64,
        topics: Topics,
        offsets: &[Offsets],
    ) -> Result<Plan, StateError> {
        table.clear()?;
        table.store.put_shape(&table.settings.store, shape)?;
        Plan::compare(table, topics, offsets)
    }

    fn compare(table: &Table, topics: Topics, offsets: &[Offsets]) -> Result<Plan, StateError> {
        let mut lag = Vec::with_capacity(offsets.len());
        for (number, offsets) in (0_i32..).zip(offsets) {
            let Some((topic, partition)) = topics.place(number) else {
                // Partitions that were added: whoever reads them says what comes of it.
                break;
            };
            let position = match table.store.offset(&table.settings.store, number)? {
                None => offsets.start,
                Some(stored) if stored.topic != topic.id => {
                    return Err(StateError::Recreated {
                        topic: topic.name.to_string(),
                    });
                }
                Some(stored) if stored.next > offsets.end || stored.next < offsets.start => {
                    return Err(StateError::Truncated {
                        topic: topic.name.to_string(),
                        partition,
                        stored: stored.next,
                        start: offsets.start,
                        end: offsets.end,
                    });
                }
                Some(stored) => stored.next,
            };
            lag.push(Lag {
                topic: Arc::clone(&topic.name),
                partition,
                position,
                target: offsets.end,
                end: offsets.end,
            });
        }
        Ok(Plan {
            topics,
            lag,
            resume_from: offsets.iter().map(|offsets| offsets.resume_from).collect(),
        })
    }
}

/// Whether a partition goes on from before a tombstone that compaction has removed: the row it deletes would stay for ever.
fn missed_deletions(
    table: &Table,
    topics: &Topics,
    offsets: &[Offsets],
) -> Result<bool, StateError> {
    for (number, offsets) in (0_i32..).zip(offsets) {
        let stored = table.store.offset(&table.settings.store, number)?;
        let topic = topics.place(number).map(|(topic, _)| topic.id);
        // Another topic, or one that begins later, is for the comparison to tell.
        if stored.is_some_and(|stored| {
            Some(stored.topic) == topic
                && (offsets.start..offsets.resume_from).contains(&stored.next)
        }) {
            return Ok(true);
        }
    }
    Ok(false)
}
