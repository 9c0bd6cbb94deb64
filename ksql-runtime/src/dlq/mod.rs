//! Dead letters: records that could not be handled, kept whole in one topic of the application.
//!
//! A letter is the record as it was - key, value and headers, byte for byte - with headers behind them that say where it
//! comes from and why it is here. A reader's picture of the parts: `failed` (what went wrong) → `writer` (acknowledged, or
//! held) → `headers` (what a letter says of itself) → `scan` and `tally` (what is in the topic), `marker` (what was done
//! with it) → `topic` (listed), `letter`, `shown` (decoded), `replay`, `purge`.
//!
//! Invariant: nothing here changes a byte of a record, and nobody is told that a letter is there before it is durable.
//! Knows bytes, topics and names of entities, and no entity.

mod error;
mod failed;
mod filter;
mod headers;
mod letter;
mod marker;
mod options;
mod purge;
mod replay;
mod scan;
mod shown;
mod tally;
mod topic;
mod writer;

pub use error::{DeadLetterError, LetterId};
#[doc(hidden)]
pub use failed::Failed;
pub(crate) use failed::WriteError;
pub use failed::{Candidate, Stage, Written};
pub use filter::LetterFilter;
pub use letter::{DeadLetter, LetterDefect, OwnedHeader, Replayed};
pub use options::DeadLetterOptions;
pub use purge::Purged;
pub use replay::{ReplayOptions, ReplayReport};
pub use shown::{Shown, ShownLetter};
pub(crate) use topic::KeyForm;
pub use topic::{DeadLetterStatus, DeadLetterTopic, WrittenLetters};
pub(crate) use writer::DeadLetters;
