//! A record that failed, and what came of giving it to the dead letters. Plain data.

use std::fmt;

use crate::error::Error;
use crate::log::{Headers, LogError, Receipt, RecordRef};

/// The part of handling a record that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// The key's bytes are no key of the entity.
    KeyDecode,
    /// The value's bytes are no value of the entity.
    ValueDecode,
    /// The entity breaks a rule of its definition.
    Validate,
    /// The program's own code.
    Handler,
    /// The record came after its window was closed.
    Late,
    /// The record's time is in the future.
    Future,
    /// Closing a window.
    Finalize,
    /// Writing what was made of the record.
    Produce,
}

impl Stage {
    const ALL: [Stage; 8] = [
        Stage::KeyDecode,
        Stage::ValueDecode,
        Stage::Validate,
        Stage::Handler,
        Stage::Late,
        Stage::Future,
        Stage::Finalize,
        Stage::Produce,
    ];

    /// The word in a letter's header.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::KeyDecode => "key-decode",
            Stage::ValueDecode => "value-decode",
            Stage::Validate => "validate",
            Stage::Handler => "handler",
            Stage::Late => "late",
            Stage::Future => "future",
            Stage::Finalize => "finalize",
            Stage::Produce => "produce",
        }
    }

    /// The stage with this word.
    pub fn parse(word: &str) -> Option<Stage> {
        Stage::ALL.into_iter().find(|stage| stage.as_str() == word)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One record that failed. Public for tests alone: what reads records gives it here.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Failed<'a> {
    /// The entity, and the window where it is one's.
    pub entity: &'a str,
    /// The consumer group, or the application where there is none.
    pub group: &'a str,
    /// Where it was read.
    pub topic: &'a str,
    /// Where it was read; -1 where it never was in a topic.
    pub partition: i32,
    /// The record; its offset is -1 where it never was in a topic.
    pub record: RecordRef<'a>,
    /// What failed.
    pub stage: Stage,
    /// The stable code of the failure.
    pub class: &'a str,
    /// The failure with its causes, as text.
    pub message: &'a str,
    /// How often it was tried.
    pub attempts: u32,
}

/// A record that is about to become a dead letter: what the hooks of
/// [`DeadLetterOptions`](super::DeadLetterOptions) decide by.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Candidate<'a> {
    /// The entity, and the window where it is one's.
    pub entity: &'a str,
    /// The consumer group.
    pub group: &'a str,
    /// The topic it was read from.
    pub topic: &'a str,
    /// The partition there; -1 for an entity that was given by hand.
    pub partition: i32,
    /// The offset there; -1 for an entity that was given by hand.
    pub offset: i64,
    /// Its timestamp, in milliseconds since 1970.
    pub timestamp: i64,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value.
    pub value: Option<&'a [u8]>,
    /// Its headers.
    pub headers: Headers<'a>,
    /// What failed.
    pub stage: Stage,
    /// The stable code of the failure.
    pub class: &'a str,
    /// The failure with its causes.
    pub message: &'a str,
    /// How often it was tried.
    pub attempts: u32,
}

impl<'a> Failed<'a> {
    pub(super) fn candidate(&self) -> Candidate<'a> {
        Candidate {
            entity: self.entity,
            group: self.group,
            topic: self.topic,
            partition: self.partition,
            offset: self.record.offset,
            timestamp: self.record.timestamp,
            key: self.record.key,
            value: self.record.value,
            headers: self.record.headers,
            stage: self.stage,
            class: self.class,
            message: self.message,
            attempts: self.attempts,
        }
    }
}

/// What came of a record that was given to the dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// It is durable, at this place of the dead letters' topic.
    Acknowledged(Receipt),
    /// A hook of the program said that it is not to be kept.
    Declined,
}

/// Why a dead letter is not there. Whoever reads the record stays before it.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum WriteError {
    /// It is too large for the topic, also without the headers that can be left out.
    #[error(
        "the record at offset {offset} of topic `{topic}`, partition {partition}, is too large for the dead letters: raise `max.message.bytes` of their topic"
    )]
    TooLarge {
        /// Where the record was read.
        topic: String,
        /// Its partition.
        partition: i32,
        /// Its offset.
        offset: i64,
        /// What the log said, which names the dead letters' topic.
        #[source]
        source: LogError,
    },
    /// The log cannot write it.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl From<WriteError> for Error {
    fn from(error: WriteError) -> Error {
        match error {
            WriteError::TooLarge { source, .. } | WriteError::Log(source) => Error::Log(source),
        }
    }
}
