//! What can go wrong between a program and ksqlDB, and what each error code allows next.
//!
//! Errors are told apart by code; the server's text decides only where one code means two things: pull queries on a
//! table that is not ready, and statements the server could not run because it cannot reach its registry.

use std::time::Duration;

use crate::codec::DecodeError;
use crate::http::HttpSetupError;

/// What was asked: it decides what an error code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Something that changes nothing: `/info`, `SHOW`, `DESCRIBE`.
    Read,
    /// A statement that changes something.
    Statement,
    /// A pull query.
    Pull,
    /// A push query.
    Push,
}

/// What an answer of the server allows next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Class {
    /// The request is wrong, and will be wrong again.
    Invalid,
    /// Whoever asks may not.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// A table that cannot be read yet: ask again.
    NotReady,
    /// The table is not kept by any query - or the server that was asked is stopping, which says the same.
    NotQueryable,
    /// The server starts, lags behind its command topic, or limits: ask again.
    Busy,
    /// The server stops: ask another one.
    OtherNode,
    /// The server cannot reach the registry: ask again.
    Dependency,
    /// An `ASSERT` does not hold (yet).
    Assertion,
    /// The server failed at something that changes nothing.
    Fault,
    /// The server failed, and the statement may be applied nevertheless: look before asking again.
    OutcomeUnknown,
}

impl Class {
    /// Whether the same request may be sent again.
    pub fn is_retryable(self) -> bool {
        match self {
            Class::NotReady
            | Class::Busy
            | Class::OtherNode
            | Class::Dependency
            | Class::Assertion
            | Class::Fault => true,
            Class::Invalid
            | Class::Forbidden
            | Class::NotFound
            | Class::NotQueryable
            | Class::OutcomeUnknown => false,
        }
    }

    /// The class of an error code, of the server or made from an HTTP status (`status * 100`).
    pub fn of(code: u32, message: &str, asked: Asked) -> Class {
        match code {
            50301 | 50302 | 40003 | 42900 => Class::Busy,
            50303 | 50304 => Class::OtherNode,
            40100 | 40300 | 40301 => Class::Forbidden,
            40400 => Class::NotFound,
            41700 => Class::Assertion,
            40001 if asked == Asked::Pull && says(message, &NOT_READY) => Class::NotReady,
            40001 if asked == Asked::Pull && says(message, &NOT_QUERYABLE) => Class::NotQueryable,
            40001 if says(message, &DEPENDENCY) => Class::Dependency,
            50000 => match asked {
                Asked::Pull if says(message, &NEVER_READY) => Class::Invalid,
                Asked::Pull | Asked::Push => Class::NotReady,
                Asked::Read => Class::Fault,
                Asked::Statement => Class::OutcomeUnknown,
            },
            // Gateways in front of a node.
            50200 | 50300 | 50400 => match asked {
                Asked::Statement if code != 50300 => Class::OutcomeUnknown,
                _ => Class::Busy,
            },
            40000..50000 => Class::Invalid,
            _ if asked == Asked::Statement => Class::OutcomeUnknown,
            _ => Class::Fault,
        }
    }
}

const NOT_READY: [&str; 4] = [
    "Cannot determine which host contains the required partitions",
    "is not available yet",
    "Failed to get value from materialized table",
    "Failed to scan materialized table",
];
const NOT_QUERYABLE: [&str; 1] = ["isn't queryable"];
const NEVER_READY: [&str; 1] = ["Table scan unsupported"];
const DEPENDENCY: [&str; 4] = [
    "Could not get latest schema for subject",
    "Schema registry fetch for topic",
    "Connection refused",
    "Could not connect to the server",
];

fn says(message: &str, texts: &[&str]) -> bool {
    texts.iter().any(|text| message.contains(text))
}

/// An error the server answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerError {
    /// The address that answered.
    pub url: String,
    /// ksqlDB's code, or the HTTP status with two zeros where something else answered.
    pub code: u32,
    /// What it allows next.
    pub class: Class,
    /// The server's text.
    pub message: String,
    /// The statement that was sent, where one was.
    pub statement: Option<String>,
}

impl ServerError {
    fn advice(&self) -> &'static str {
        match self.class {
            Class::Invalid | Class::NotFound | Class::Assertion => "",
            Class::Forbidden => {
                "; check the name and password for ksqlDB, and its permissions on Kafka"
            }
            Class::NotReady => "; the table is not ready to be read",
            Class::NotQueryable => {
                "; only tables made by a query (`CREATE TABLE .. AS SELECT`) or with `CREATE SOURCE TABLE` can be pulled, and none while their query is terminated or the server stops"
            }
            Class::Busy if self.code == 50301 => {
                "; the server lags behind, or its command topic was made anew: then start the program again"
            }
            Class::Busy | Class::OtherNode => "; ask again later",
            Class::Dependency => {
                "; the Schema Registry that ksqlDB uses cannot be reached: ask again later"
            }
            Class::Fault => "; its log tells more",
            Class::OutcomeUnknown => {
                "; whether it was applied is not known: look with DESCRIBE or SHOW QUERIES"
            }
        }
    }
}

impl std::fmt::Display for ServerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ksqlDB at {} answered ", self.url)?;
        if let Some(statement) = &self.statement {
            write!(f, "`{statement}` ")?;
        }
        write!(
            f,
            "with error {}: {}{}",
            self.code,
            self.message,
            self.advice()
        )
    }
}

impl std::error::Error for ServerError {}

/// Why ksqlDB could not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum KsqlDbError {
    /// No HTTP client can be made.
    #[error("ksqlDB cannot be asked: {0}")]
    Setup(#[from] HttpSetupError),
    /// Addresses that are none.
    #[error("`{url}` is no address of ksqlDB: {reason}; write it as `http://host:8088`")]
    Address {
        /// As configured.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// A text that is not one statement, or one that is not sent this way.
    #[error("`{statement}` is not sent: {reason}")]
    Statement {
        /// The text.
        statement: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// No connection: nothing was sent.
    #[error("ksqlDB cannot be reached: {reason}")]
    Unreachable {
        /// Each address and what it said.
        reason: String,
    },
    /// The connection broke after the request was sent.
    #[error("the connection to ksqlDB at {url} was lost before `{asked}` was answered: {reason}")]
    Lost {
        /// The address.
        url: String,
        /// The statement, or the path.
        asked: String,
        /// What happened.
        reason: String,
    },
    /// No answer in time, or none that went on.
    #[error("ksqlDB at {url} did not answer `{asked}` within {limit:?}")]
    TimedOut {
        /// The address.
        url: String,
        /// The statement, or the path.
        asked: String,
        /// How long was waited.
        limit: Duration,
    },
    /// An answer that is not ksqlDB's.
    #[error(
        "{url} answered `{asked}` with what ksqlDB does not answer: {reason}; is it ksqlDB's address, and does a proxy change its answers?"
    )]
    Garbled {
        /// The address.
        url: String,
        /// The statement, or the path.
        asked: String,
        /// What is wrong, with the beginning of the answer.
        reason: String,
    },
    /// The server's own error.
    #[error(transparent)]
    Server(Box<ServerError>),
    /// The server accepted a statement, and could not apply it.
    #[error("ksqlDB accepted `{statement}` and could not apply it: {message}")]
    Failed {
        /// The statement.
        statement: String,
        /// The server's text.
        message: String,
    },
    /// Something that was not reached in time.
    #[error("{what} was not reached within {limit:?}: {last}")]
    Deadline {
        /// What was waited for.
        what: String,
        /// How long.
        limit: Duration,
        /// What was seen last.
        last: String,
    },
    /// A table that could not be read in time.
    #[error("`{source_name}` cannot be read yet, after {limit:?}: {cause}")]
    NotReady {
        /// The table.
        source_name: String,
        /// How long was waited.
        limit: Duration,
        /// What the server said last.
        cause: Box<KsqlDbError>,
    },
    /// A statement that was sent, got no answer, and left no trace that can be seen.
    #[error(
        "whether `{statement}` was applied is not known: {cause}; it is not sent again, since that could run it twice: look with SHOW QUERIES, then start again"
    )]
    OutcomeUnknown {
        /// The statement.
        statement: String,
        /// Why there was no answer.
        cause: Box<KsqlDbError>,
    },
    /// A query that runs, with errors.
    #[error("query {id} is {state}{}", if errors.is_empty() { String::new() } else { format!(": {}", errors.join("; ")) })]
    QueryFailed {
        /// The query.
        id: String,
        /// Its state.
        state: String,
        /// Its errors, as the server tells them.
        errors: Vec<String>,
    },
    /// A source that others use.
    #[error("`{name}` is not dropped: {} need it; drop and terminate them first, or ask for it with all its dependants", used_by.join(", "))]
    InUse {
        /// The source.
        name: String,
        /// Sources and queries that use it.
        used_by: Vec<String>,
    },
    /// A source that differs from its definition.
    #[error("`{name}` differs from its definition: {}", differences.join("; "))]
    Drift {
        /// The source.
        name: String,
        /// Every difference, with what can be done.
        differences: Vec<String>,
    },
    /// Columns that are not what the entity has.
    #[error("`{source_name}` cannot be read as `{entity}`: {reason}")]
    Schema {
        /// The source.
        source_name: String,
        /// The entity.
        entity: &'static str,
        /// Which column, and what to do.
        reason: String,
    },
    /// A value that is none of its column.
    #[error("a row of `{query}` cannot be read: {error}")]
    Value {
        /// The query.
        query: String,
        /// What is wrong, naming the column.
        error: DecodeError,
    },
    /// A row that is no value of the entity.
    #[error("a row of `{source_name}` cannot be read as `{entity}`: {error}")]
    Row {
        /// The source.
        source_name: String,
        /// The entity.
        entity: &'static str,
        /// What is wrong, naming the field.
        error: DecodeError,
    },
}

impl KsqlDbError {
    /// The class of the server's answer, where there was one.
    pub fn class(&self) -> Option<Class> {
        match self {
            KsqlDbError::Server(error) => Some(error.class),
            _ => None,
        }
    }

    /// Whether the same request may be sent again without looking first.
    pub fn is_retryable(&self) -> bool {
        match self {
            KsqlDbError::Server(error) => error.class.is_retryable(),
            KsqlDbError::Unreachable { .. } => true,
            _ => false,
        }
    }

    /// Whether the request may have been carried out although there is no answer.
    pub fn is_outcome_unknown(&self) -> bool {
        match self {
            KsqlDbError::Server(error) => error.class == Class::OutcomeUnknown,
            KsqlDbError::Lost { .. }
            | KsqlDbError::TimedOut { .. }
            | KsqlDbError::Garbled { .. }
            | KsqlDbError::OutcomeUnknown { .. } => true,
            _ => false,
        }
    }
}
