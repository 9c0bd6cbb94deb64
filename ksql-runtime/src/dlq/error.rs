//! What can be wrong with a letter: that it is not there, or why it is not replayed.

use std::fmt;
use std::time::Duration;

use crate::log::LogError;

/// Where a letter is: a partition of the dead letters' topic and an offset there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LetterId {
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
}

impl From<(i32, i64)> for LetterId {
    fn from((partition, offset): (i32, i64)) -> LetterId {
        LetterId { partition, offset }
    }
}

impl fmt::Display for LetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.partition, self.offset)
    }
}

/// What is wrong with a dead letter. Letters are named `partition/offset`.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum DeadLetterError {
    /// There is no such letter.
    #[error(
        "there is no dead letter {letter} in topic `{topic}`: it was purged, its retention is over, or it never was; partition {} holds offsets {start} to {end}",
        letter.partition
    )]
    NotThere {
        /// The dead letters' topic.
        topic: String,
        /// The letter asked for.
        letter: LetterId,
        /// The first offset there.
        start: i64,
        /// The end.
        end: i64,
    },
    /// The letter does not say where its record comes from.
    #[error(
        "the dead letter {letter} does not say which topic its record comes from (`__dlq.errors.topic`): somebody else wrote it; produce its bytes by hand where they belong"
    )]
    NoOrigin {
        /// The letter.
        letter: LetterId,
    },
    /// The topic the record comes from is there no more.
    #[error(
        "the dead letter {letter} comes from topic `{topic}`, which does not exist: create the topic, or purge the letter"
    )]
    OriginGone {
        /// The letter.
        letter: LetterId,
        /// The topic.
        topic: String,
    },
    /// The record comes from the dead letters' topic.
    #[error(
        "the dead letter {letter} names the dead letters' own topic `{topic}` as its origin: nothing is replayed there"
    )]
    OriginIsDeadLetters {
        /// The letter.
        letter: LetterId,
        /// The topic.
        topic: String,
    },
    /// The letter was replayed before.
    #[error(
        "the dead letter {letter} was replayed already, to partition {partition}, offset {offset} of topic `{topic}`: force it to replay it once more"
    )]
    Replayed {
        /// The letter.
        letter: LetterId,
        /// Where it was replayed to.
        topic: String,
        /// The partition there.
        partition: i32,
        /// The offset there.
        offset: i64,
    },
    /// The record was replayed too often and failed each time.
    #[error(
        "the record of the dead letter {letter} was replayed {replays} times and failed each time, and {most} are allowed: cure the cause, then force it"
    )]
    Loop {
        /// The letter.
        letter: LetterId,
        /// How often.
        replays: u32,
        /// How often it may be.
        most: u32,
    },
    /// The topic would remove the record at once.
    #[error(
        "the record of the dead letter {letter} is {age:?} old and topic `{topic}` keeps records for {retention:?}: it would expire at once; force it to replay it with the time of now"
    )]
    Expired {
        /// The letter.
        letter: LetterId,
        /// The topic it comes from.
        topic: String,
        /// How old the record is.
        age: Duration,
        /// How long the topic keeps records.
        retention: Duration,
    },
    /// The log could not write the record, or could not be asked.
    #[error("the dead letter {letter} could not be replayed")]
    Log {
        /// The letter.
        letter: LetterId,
        /// What the log said.
        #[source]
        source: LogError,
    },
    /// A letter before it could not be replayed, and the order is kept.
    #[error(
        "the dead letter {letter} was not replayed, since one before it could not be: replay it again when that is cured"
    )]
    NotTried {
        /// The letter.
        letter: LetterId,
    },
}
