//! What can go wrong with a context and its sets: one type, from validation to reading.

use std::time::Duration;

use crate::codec::{DecodeError, Defect};
use crate::config::ConfigError;
use crate::consume::Stopped;
use crate::dlq::DeadLetterError;
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
    /// Becoming the one owner of the state directory.
    TakeDirectory,
    /// Listening for HTTP.
    Listen,
    /// Opening the log.
    OpenLog,
    /// Reaching Kafka.
    ReachKafka,
    /// Reaching the Schema Registry.
    ReachRegistry,
    /// Reaching ksqlDB.
    ReachKsqlDb,
    /// Creating topics.
    CreateTopics,
    /// Registering schemas.
    RegisterSchemas,
    /// Creating ksqlDB's sources.
    CreateSources,
    /// Opening the tables' state.
    OpenState,
    /// Starting the tables.
    StartTables,
    /// Starting the queries.
    StartQueries,
    /// Waiting until they are ready.
    WaitReady,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Step::TakeDirectory => "take the state directory",
            Step::Listen => "listen for http",
            Step::OpenLog => "open the log",
            Step::ReachKafka => "reach kafka",
            Step::ReachRegistry => "reach the schema registry",
            Step::ReachKsqlDb => "reach ksqldb",
            Step::CreateTopics => "create topics",
            Step::RegisterSchemas => "register schemas",
            Step::CreateSources => "create sources",
            Step::OpenState => "open the state",
            Step::StartTables => "start tables",
            Step::StartQueries => "start queries",
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
    #[error("start failed at the step `{step}`{}: {}", entity.map(|entity| format!(" for `{entity}`")).unwrap_or_default(), Chain(&**cause))]
    Start {
        /// The step.
        step: Step,
        /// The entity, where it is about one.
        entity: Option<&'static str>,
        /// What was answered. The text of this error holds it with all its causes.
        #[source]
        cause: Box<Error>,
    },
    /// An entity the context was not built with.
    #[error("the context does not know `{entity}`: add `.entity::<{entity}>()` to its builder")]
    Unregistered {
        /// The entity.
        entity: &'static str,
    },
    /// A windowed table: it has a topic for each of its windows, which queries fill.
    #[error(
        "`{entity}` has a topic for each of its windows and none of its own: they are filled by queries, and this context runs none"
    )]
    Windowed {
        /// The entity.
        entity: &'static str,
    },
    /// A query that cannot be run.
    #[error("the query `{query}` cannot be run: {reason}")]
    Query {
        /// The query.
        query: &'static str,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// A window that the entity has not.
    #[error("`{entity}` has no window of {asked}: it has {known}")]
    NoWindow {
        /// The entity.
        entity: &'static str,
        /// The window asked for.
        asked: String,
        /// The windows there are.
        known: String,
    },
    /// A table that is not kept, and so cannot be read.
    #[error("the table of `{entity}` is not kept in this context: its setting `cached` is false")]
    NotCached {
        /// The entity.
        entity: &'static str,
    },
    /// A read before the table is ready, or after it stopped.
    #[error("`{entity}` cannot be read: its table of topic `{topic}` is {state}, lag {lag}{}", reason.as_ref().map(|reason| format!(": {}", Chain(&**reason))).unwrap_or_default())]
    NotReady {
        /// The entity.
        entity: &'static str,
        /// The topic.
        topic: String,
        /// The table's state.
        state: State,
        /// Records still to read.
        lag: i64,
        /// Why it stopped, if it did. The text of this error holds it with all its causes.
        #[source]
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
    /// A record that no policy of its consumer let pass.
    #[error(transparent)]
    Consumer(Box<Stopped>),
    /// A consumer that cannot start.
    #[error("`{entity}` cannot be consumed from topic `{topic}`: {reason}")]
    Consume {
        /// The entity.
        entity: &'static str,
        /// The topic.
        topic: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// A dead letter that is not there.
    #[error(transparent)]
    DeadLetter(#[from] DeadLetterError),
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// ksqlDB.
    #[cfg(feature = "kafka")]
    #[error(transparent)]
    KsqlDb(std::sync::Arc<crate::ksqldb::KsqlDbError>),
    /// The tables' state.
    #[error(transparent)]
    State(#[from] StateError),
    /// The context was shut down.
    #[error("the context was shut down")]
    Closed,
    /// A task ended by a defect of this library.
    #[error("a task ended unexpectedly: {reason}; please report it")]
    Defect {
        /// What it said.
        reason: String,
    },
}

#[cfg(feature = "kafka")]
impl From<crate::ksqldb::KsqlDbError> for Error {
    fn from(error: crate::ksqldb::KsqlDbError) -> Error {
        Error::KsqlDb(std::sync::Arc::new(error))
    }
}

impl Error {
    pub(crate) fn at(self, step: Step, entity: Option<&'static str>) -> Error {
        Error::Start {
            step,
            entity,
            cause: Box::new(self),
        }
    }

    /// Why a task gave no result: it panicked, or its runtime ended before it did.
    pub(crate) fn of_task(error: tokio::task::JoinError) -> Error {
        match error.try_into_panic() {
            Ok(payload) => Error::Defect {
                reason: panic_text(&*payload),
            },
            Err(_) => Error::Closed,
        }
    }

    /// Whether waiting can cure it: a server that is away, or says that it cannot for now.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Log(error) => error.is_transient(),
            Error::Registry(error) => error.is_transient(),
            #[cfg(feature = "kafka")]
            Error::KsqlDb(error) => error.is_retryable(),
            Error::Start { cause, .. } => cause.is_transient(),
            _ => false,
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

/// An error with all its causes: `what: why: why that`.
///
/// [`Error::Start`] and [`Error::NotReady`] tell their causes themselves, so that whoever prints only the outermost error
/// still sees what the operating system said; here they end the chain, so that nothing is told twice.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn std::error::Error + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut error = self.0;
        loop {
            std::fmt::Display::fmt(error, f)?;
            let told = matches!(
                error.downcast_ref(),
                Some(Error::Start { .. } | Error::NotReady { .. })
            );
            match error.source().filter(|_| !told) {
                None => return Ok(()),
                Some(source) => error = source,
            }
            f.write_str(": ")?;
        }
    }
}

/// What a panic said.
pub(crate) fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without a text").to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use std::sync::Arc;

    use super::*;

    fn full_disk() -> StateError {
        StateError::Storage {
            path: "data".into(),
            action: "be created",
            source: Arc::new(std::io::Error::other("no space left on device")),
        }
    }

    #[test]
    fn a_start_that_fails_tells_every_cause_once_and_hands_them_on() {
        let not_ready = Error::NotReady {
            entity: "Stock",
            topic: "stock".to_owned(),
            state: State::Error,
            lag: 3,
            reason: Some(Box::new(full_disk())),
        };
        for cause in [Error::from(full_disk()), not_ready] {
            let error = cause.at(Step::OpenState, None);
            let text = error.to_string();
            for part in ["open the state", "be created", "no space left"] {
                assert_eq!(text.matches(part).count(), 1, "`{part}` once in: {text}");
            }
            let mut deepest: &dyn std::error::Error = &error;
            while let Some(source) = deepest.source() {
                deepest = source;
            }
            assert_eq!(deepest.to_string(), "no space left on device");
        }
    }

    #[tokio::test]
    async fn a_panic_of_a_task_is_a_defect_with_its_text_and_no_closed_context() {
        let task: tokio::task::JoinHandle<()> = tokio::spawn(async { panic!("seven is no key") });
        let error = Error::of_task(task.await.unwrap_err());
        assert!(
            matches!(&error, Error::Defect { reason } if reason == "seven is no key"),
            "{error}"
        );
        let endless = tokio::spawn(std::future::pending::<()>());
        endless.abort();
        let error = Error::of_task(endless.await.unwrap_err());
        assert!(matches!(error, Error::Closed), "{error}");
    }
}
