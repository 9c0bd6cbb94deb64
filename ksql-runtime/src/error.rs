//! What can go wrong with a context and its sets: one type, from validation to reading.

use std::time::Duration;

use crate::codec::{DecodeError, Defect};
use crate::config::ConfigError;
use crate::log::LogError;
use crate::model::Invalid;
use crate::registry::RegistryError;
use crate::state::{State, StateError};

/// A result of the runtime.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A step of starting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Opening the log.
    OpenLog,
    /// Creating topics.
    CreateTopics,
    /// Registering schemas.
    RegisterSchemas,
    /// Opening the tables' state.
    OpenState,
    /// Starting the tables.
    StartTables,
    /// Waiting until they are ready.
    WaitReady,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Step::OpenLog => "open the log",
            Step::CreateTopics => "create topics",
            Step::RegisterSchemas => "register schemas",
            Step::OpenState => "open the state",
            Step::StartTables => "start tables",
            Step::WaitReady => "wait until tables are ready",
        })
    }
}

/// Why the runtime could not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Definitions that do not go together; everything found.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// Starting failed.
    #[error("start failed at the step `{step}`{}: {cause}", entity.map(|entity| format!(" for `{entity}`")).unwrap_or_default())]
    Start {
        /// The step.
        step: Step,
        /// The entity, where it is about one.
        entity: Option<&'static str>,
        /// What was answered.
        cause: Box<Error>,
    },
    /// An entity the context was not built with.
    #[error("the context does not know `{entity}`: add `.entity::<{entity}>()` to its builder")]
    Unregistered {
        /// The entity.
        entity: &'static str,
    },
    /// A table that is not kept, and so cannot be read.
    #[error("the table of `{entity}` is not kept in this context: its setting `cached` is false")]
    NotCached {
        /// The entity.
        entity: &'static str,
    },
    /// A read before the table is ready, or after it stopped.
    #[error("`{entity}` cannot be read: its table of topic `{topic}` is {state}, lag {lag}{}", reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default())]
    NotReady {
        /// The entity.
        entity: &'static str,
        /// The topic.
        topic: String,
        /// The table's state.
        state: State,
        /// Records still to read.
        lag: i64,
        /// Why it stopped, if it did.
        reason: Option<Box<StateError>>,
    },
    /// A wait that took too long.
    #[error("{what} was not reached within {limit:?}: {missing}")]
    Timeout {
        /// What was waited for.
        what: &'static str,
        /// How long.
        limit: Duration,
        /// What is missing: entities, topics, lag.
        missing: String,
    },
    /// An entity that cannot be written.
    #[error(
        "this `{entity}` cannot be written to topic `{topic}`: {defect}; {acknowledged} records before it were acknowledged"
    )]
    Value {
        /// The entity.
        entity: &'static str,
        /// The topic.
        topic: String,
        /// What is wrong, naming the field.
        defect: Defect,
        /// Records of the same call that were written before.
        acknowledged: u64,
    },
    /// A stored row that cannot be read: it was written by another definition.
    #[error(
        "a row of `{entity}` (topic `{topic}`, key {key}) cannot be read: {error}; remove the state directory to read the topic again"
    )]
    Row {
        /// The entity.
        entity: &'static str,
        /// The topic.
        topic: String,
        /// The key.
        key: String,
        /// What is wrong, naming the field.
        error: DecodeError,
    },
    /// A key whose latest record is no row.
    #[error(
        "`{entity}` with key {key} cannot be read: its latest record, at offset {offset} of partition {partition} of topic `{topic}`, is no row"
    )]
    PoisonedKey {
        /// The entity.
        entity: &'static str,
        /// The topic.
        topic: String,
        /// The key.
        key: String,
        /// The partition.
        partition: i32,
        /// The offset.
        offset: i64,
    },
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The tables' state.
    #[error(transparent)]
    State(#[from] StateError),
    /// The context was shut down.
    #[error("the context was shut down")]
    Closed,
}

impl Error {
    pub(crate) fn at(self, step: Step, entity: Option<&'static str>) -> Error {
        Error::Start {
            step,
            entity,
            cause: Box::new(self),
        }
    }

    /// Whether the cause, however deep, is damage to the tables' state.
    pub(crate) fn is_corrupt_state(&self) -> bool {
        match self {
            Error::State(StateError::Corrupt { .. }) => true,
            Error::Start { cause, .. } => cause.is_corrupt_state(),
            Error::NotReady { reason, .. } => {
                matches!(reason.as_deref(), Some(StateError::Corrupt { .. }))
            }
            _ => false,
        }
    }
}
