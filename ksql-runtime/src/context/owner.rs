//! The topic that says which instance owns the queries, and holds what the owner notes.
//!
//! Invariant: it is there exactly where several instances may run a query: on a cluster, with queries that ksqlDB does not run. It has one partition, for there
//! is one owner. Named by start and by who shows a plan; what stands in it is the log's and the engine's.

use super::builder::Registration;
use super::topics::Topic;
use crate::config::{Config, Engine};
use crate::log::{Log, LogError, TopicSpec};

/// How the topic, the group of the election, and the owner's transactional id are called.
fn name(config: &Config) -> String {
    format!(
        "{}system.{}.owner",
        config.topic_prefix, config.application_id
    )
}

/// What is there of it, where it is needed.
pub(super) async fn look(
    log: &Log,
    entities: &[Registration],
    config: &Config,
) -> Result<Option<Topic>, LogError> {
    let has_queries = entities.iter().any(|entity| entity.result.is_some());
    if !log.is_shared() || !has_queries || config.cluster.engine == Engine::KsqlDb {
        return Ok(None);
    }
    let mut spec = TopicSpec::new(name(config), 1).compacted();
    spec.replication = config.replication;
    Topic::sought(log, "", spec).await.map(Some)
}
