//! What a table says of itself: state, positions, lag, events.
//!
//! Transitions are a pure function without a wildcard arm. Plain data; the table holds it, changes it and tells of it.

use std::sync::Arc;

use std::fmt;

use super::StateError;

/// The state of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Made, not started.
    Created,
    /// Reading up to the offsets frozen at start.
    Rebalancing,
    /// Every partition reached its target: reads answer.
    Running,
    /// Was running, lost the log, comes back by itself.
    Disconnected,
    /// Ended by an error that no waiting cures.
    Error,
    /// Ended in order.
    NotRunning,
}

impl State {
    /// Whether a table may go from this state to `next`.
    pub fn may_become(self, next: State) -> bool {
        match self {
            State::Created => matches!(next, State::Rebalancing | State::Error | State::NotRunning),
            State::Rebalancing => matches!(
                next,
                State::Running | State::Disconnected | State::Error | State::NotRunning
            ),
            State::Running => matches!(
                next,
                State::Rebalancing | State::Disconnected | State::Error | State::NotRunning
            ),
            State::Disconnected => matches!(
                next,
                State::Rebalancing | State::Running | State::Error | State::NotRunning
            ),
            State::Error => matches!(next, State::NotRunning),
            State::NotRunning => false,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            State::Created => "CREATED",
            State::Rebalancing => "REBALANCING",
            State::Running => "RUNNING",
            State::Disconnected => "DISCONNECTED",
            State::Error => "ERROR",
            State::NotRunning => "NOT_RUNNING",
        })
    }
}

/// A transition of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The entity.
    pub entity: &'static str,
    /// Before.
    pub previous: State,
    /// Now.
    pub current: State,
}

/// How far a partition is behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lag {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The next offset the table reads.
    pub position: i64,
    /// The offset that was the end at start: reaching it is ready.
    pub target: i64,
    /// The end as last seen.
    pub end: i64,
}

impl Lag {
    /// Records still to read.
    pub fn records(&self) -> i64 {
        self.end.saturating_sub(self.position).max(0)
    }
}

/// A table's state at a moment.
#[derive(Debug, Clone)]
pub struct Status {
    /// The state.
    pub state: State,
    /// Every partition of every topic that is read.
    pub lag: Vec<Lag>,
    /// Why it ended, in the state ERROR; what it waits for, in DISCONNECTED.
    pub error: Option<StateError>,
    /// Records read since start to reach the target.
    pub replayed: u64,
}

impl Status {
    /// Records still to read, over all partitions.
    pub fn total_lag(&self) -> i64 {
        self.lag.iter().map(Lag::records).sum()
    }

    /// Whether the partitions have reached these offsets, by their numbers over all topics.
    pub(crate) fn reaches(&self, goal: &[(i32, i64)]) -> bool {
        goal.iter().all(|(number, offset)| {
            usize::try_from(*number)
                .ok()
                .and_then(|number| self.lag.get(number))
                .is_some_and(|lag| lag.position >= *offset)
        })
    }

    /// The log answers again, if it did not.
    pub(crate) fn answered(&mut self) {
        if self.state == State::Disconnected {
            self.error = None;
            self.state = if self.reached_target() {
                State::Running
            } else {
                State::Rebalancing
            };
        }
    }

    /// Whether every partition reached the end frozen at start.
    pub fn reached_target(&self) -> bool {
        self.lag.iter().all(|lag| lag.position >= lag.target)
    }
}

#[cfg(test)]
mod tests {
    use super::State;

    #[test]
    fn an_ended_table_never_runs_again() {
        let all = [
            State::Created,
            State::Rebalancing,
            State::Running,
            State::Disconnected,
            State::Error,
            State::NotRunning,
        ];
        for next in all {
            assert!(!State::NotRunning.may_become(next));
            assert!(!State::Error.may_become(next) || next == State::NotRunning);
            assert!(
                !State::Created.may_become(State::Running),
                "ready is reached by restoring"
            );
        }
    }
}
