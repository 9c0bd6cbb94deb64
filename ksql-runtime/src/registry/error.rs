//! What a registry refuses, and why; and what of it waiting may cure.

use std::sync::Arc;

use super::Compatibility;
use super::compatibility::Violation;
use crate::log::LogError;

/// Why a registry could not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// There is no such subject.
    #[error(
        "there is no subject `{subject}` in the schema registry: register a schema for it first"
    )]
    UnknownSubject {
        /// The subject.
        subject: String,
    },
    /// The subject has no such version.
    #[error("subject `{subject}` has no version {version}: its latest is {latest}")]
    UnknownVersion {
        /// The subject.
        subject: String,
        /// The version asked for.
        version: u32,
        /// The latest it has.
        latest: u32,
    },
    /// No schema has this id.
    #[error(
        "no schema has the id {id}: the record was written with another registry, or is not framed Avro"
    )]
    UnknownId {
        /// The id.
        id: u32,
    },
    /// The schema is not registered under the subject.
    #[error("this schema is not registered under `{subject}`: register it first")]
    UnknownSchema {
        /// The subject.
        subject: String,
    },
    /// The text is not an Avro schema.
    #[error("the schema for `{subject}` is not Avro: {defect}")]
    InvalidSchema {
        /// The subject.
        subject: String,
        /// What is wrong.
        defect: String,
    },
    /// The schema does not fit those before it.
    #[error(transparent)]
    Incompatible(Box<Incompatible>),
    /// What the registry stored is damaged.
    #[error(
        "the schema registry's entry `{entry}` is damaged: restore the log's directory from a copy"
    )]
    Corrupt {
        /// The entry.
        entry: String,
    },
    /// The log beside which the registry is kept failed.
    #[error("the schema registry could not be read or written")]
    Log(#[from] LogError),
    /// A schema of another kind.
    #[error("schema {id} is {format}, not Avro: records written with it cannot be read here")]
    OtherFormat {
        /// Its id.
        id: u32,
        /// The kind, in the registry's word.
        format: String,
    },
    /// A schema refers to another one that cannot be had.
    #[error(
        "a schema refers to `{name}`, version {version} of subject `{subject}`, which cannot be read: {cause}"
    )]
    Reference {
        /// The type referred to.
        name: String,
        /// The subject it should be under.
        subject: String,
        /// Its version there.
        version: i64,
        /// What was answered.
        #[source]
        cause: Box<RegistryError>,
    },
    /// The settings do not make a client.
    #[error("the schema registry cannot be used: {defect}")]
    Setup {
        /// What is wrong with them.
        defect: String,
    },
    /// No address answers.
    #[error(
        "the schema registry cannot be reached: {reason}; check its address ({url}), and that it is running"
    )]
    Unreachable {
        /// The addresses tried.
        url: String,
        /// What happened at the last one.
        reason: String,
        /// What the client said.
        #[source]
        source: Option<Arc<dyn std::error::Error + Send + Sync>>,
    },
    /// It says that it cannot for now.
    #[error("the schema registry at {url} could not {action} (HTTP {status}): {answer}")]
    Unavailable {
        /// Its address.
        url: String,
        /// What it was asked for.
        action: String,
        /// The HTTP status.
        status: u16,
        /// What it said.
        answer: String,
    },
    /// It does not know who asks.
    #[error(
        "the schema registry at {url} does not accept the credentials (HTTP 401): {answer}; check user and password, \
         or the token, in its settings"
    )]
    Unauthorized {
        /// Its address.
        url: String,
        /// What it said.
        answer: String,
    },
    /// It knows who asks, and refuses.
    #[error(
        "the schema registry at {url} does not let this user {action} (HTTP 403): {answer}; the user needs that permission"
    )]
    Forbidden {
        /// Its address.
        url: String,
        /// What it was asked for.
        action: String,
        /// What it said.
        answer: String,
    },
    /// A server that knows nothing of schemas.
    #[error(
        "there is no schema registry at {url} (HTTP 404 when asked to {action}): the address may need a path, such as \
         `/apis/ccompat/v7`"
    )]
    NoRegistry {
        /// The address.
        url: String,
        /// What it was asked for.
        action: String,
    },
    /// It refuses for a reason of its own.
    #[error("the schema registry at {url} refuses to {action} (HTTP {status}): {answer}")]
    Refused {
        /// Its address.
        url: String,
        /// What it was asked for.
        action: String,
        /// The HTTP status.
        status: u16,
        /// What it said.
        answer: String,
    },
    /// An answer that is none.
    #[error(
        "what {url} answered when asked to {action} is not understood ({defect}): is it a schema registry with \
         Confluent's API"
    )]
    Malformed {
        /// The address.
        url: String,
        /// What it was asked for.
        action: String,
        /// What is wrong with the answer.
        defect: String,
    },
}

impl RegistryError {
    /// Whether waiting can cure it: the registry is away, or says that it cannot for now.
    pub fn is_transient(&self) -> bool {
        match self {
            RegistryError::Unreachable { .. } | RegistryError::Unavailable { .. } => true,
            RegistryError::Reference { cause, .. } => cause.is_transient(),
            _ => false,
        }
    }

    /// Whether it says something of the schema asked for, not of the registry.
    pub(crate) fn is_about_the_schema(&self) -> bool {
        match self {
            RegistryError::UnknownSubject { .. }
            | RegistryError::UnknownVersion { .. }
            | RegistryError::UnknownId { .. }
            | RegistryError::UnknownSchema { .. }
            | RegistryError::InvalidSchema { .. }
            | RegistryError::Incompatible(_)
            | RegistryError::OtherFormat { .. } => true,
            RegistryError::Reference { cause, .. } => cause.is_about_the_schema(),
            RegistryError::Corrupt { .. }
            | RegistryError::Log(_)
            | RegistryError::Setup { .. }
            | RegistryError::Unreachable { .. }
            | RegistryError::Unavailable { .. }
            | RegistryError::Unauthorized { .. }
            | RegistryError::Forbidden { .. }
            | RegistryError::NoRegistry { .. }
            | RegistryError::Refused { .. }
            | RegistryError::Malformed { .. } => false,
        }
    }
}

/// How the version that a schema does not fit is called.
struct Earlier(u32);

impl std::fmt::Display for Earlier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            0 => f.write_str("what the registry asks for"),
            version => write!(f, "version {version}"),
        }
    }
}

/// A schema does not fit an earlier one of its subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the schema for `{subject}` is not {level} compatible with {}: {}",
    Earlier(*version),
    violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
)]
pub struct Incompatible {
    /// The subject.
    pub subject: String,
    /// The version it does not fit; 0 where the registry refused it and named none, and has none.
    pub version: u32,
    /// The level that was checked.
    pub level: Compatibility,
    /// Everything found, in the order of the fields.
    pub violations: Vec<Violation>,
    /// What the registry itself said, where it was the one to refuse.
    pub answer: Option<String>,
}
