//! What a consumer is doing, as data.

use super::counts::Counters;

/// What a consumer is at.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConsumerState {
    /// It joins its group.
    Starting,
    /// It reads and calls handlers.
    Running,
    /// The log does not answer: what is in memory is worked on, and it asks again.
    Reconnecting(String),
    /// It ends: handlers that run are waited for.
    Stopping,
    /// It ended in order.
    Ended,
    /// It ended with an error.
    Failed,
}

impl std::fmt::Display for ConsumerState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ConsumerState::Starting => "STARTING",
            ConsumerState::Running => "RUNNING",
            ConsumerState::Reconnecting(_) => "RECONNECTING",
            ConsumerState::Stopping => "STOPPING",
            ConsumerState::Ended => "ENDED",
            ConsumerState::Failed => "FAILED",
        })
    }
}

/// A consumer: who it is, what it is at, what it has done.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ConsumerStatus {
    /// The entity.
    pub entity: &'static str,
    /// The topic.
    pub topic: String,
    /// The consumer group.
    pub group: String,
    /// What it is at.
    pub state: ConsumerState,
    /// What ended it, where that was an error.
    pub error: Option<String>,
    /// What a record is held for: a dead letter that is not acknowledged, a schema that the registry does not give.
    pub holding: Option<String>,
    /// The partitions it holds.
    pub partitions: Vec<PartitionStatus>,
    /// What it has done since it began.
    pub counters: Counters,
}

impl ConsumerStatus {
    /// Records behind the ends of its partitions, unfinished ones included.
    pub fn lag(&self) -> i64 {
        self.partitions
            .iter()
            .map(|partition| partition.end.saturating_sub(partition.position))
            .sum()
    }
}

/// A partition that a consumer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionStatus {
    /// The partition.
    pub partition: i32,
    /// Everything before it is finished.
    pub position: i64,
    /// What was committed last, by this consumer or before it.
    pub committed: Option<i64>,
    /// The end of the partition, as of the last fetch.
    pub end: i64,
    /// Records in memory that are not finished.
    pub in_flight: usize,
}
