//! What a registry refuses, and why.

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
}

/// A schema does not fit an earlier one of its subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the schema for `{subject}` is not {level} compatible with version {version}: {}",
    violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
)]
pub struct Incompatible {
    /// The subject.
    pub subject: String,
    /// The version it does not fit.
    pub version: u32,
    /// The level that was checked.
    pub level: Compatibility,
    /// Everything found, in the order of the fields.
    pub violations: Vec<Violation>,
}
