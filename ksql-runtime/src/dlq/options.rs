//! What a program chooses about its dead letters beyond the settings: what is kept of a record's headers, what is sent.
//!
//! Invariant: what is not chosen changes nothing: every record is sent, with all of its headers.

use std::collections::BTreeSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::failed::Candidate;
use crate::log::partition::partition_for_key;

/// The most bytes of a failure's text that a letter holds, where nothing else was chosen.
const MESSAGE_BYTES: usize = 1024;

/// The finest share that can be sampled.
const SHARES: u32 = 1_000_000;

/// Decides about one record.
type Hook = Arc<dyn Fn(&Candidate<'_>) -> bool + Send + Sync>;

/// What is kept of records that become dead letters, and which do.
///
/// Keys and values are kept whole or not at all: a letter whose bytes were cut could not be replayed.
///
/// ```
/// use ksql_runtime::dlq::DeadLetterOptions;
/// use ksql_runtime::prelude::*;
///
/// let options = DeadLetterOptions::default()
///     .keep_headers(["trace-id"])                       // of a record's own headers only this one
///     .longest_message(200)                             // bytes of the error's text
///     .should_send(|record| record.entity != "Secret"); // these are skipped instead
/// let builder = Context::builder().dead_letters(options);
/// ```
#[derive(Clone)]
#[must_use = "options do nothing until a context is built with them"]
pub struct DeadLetterOptions {
    kept: Option<BTreeSet<String>>,
    longest_header: Option<usize>,
    longest_message: usize,
    should_send: Option<Hook>,
    /// Of so many [`SHARES`] one is sent.
    sampled: u32,
    source: Option<String>,
}

impl Default for DeadLetterOptions {
    fn default() -> DeadLetterOptions {
        DeadLetterOptions {
            kept: None,
            longest_header: None,
            longest_message: MESSAGE_BYTES,
            should_send: None,
            sampled: SHARES,
            source: None,
        }
    }
}

impl DeadLetterOptions {
    /// Keeps only these of a record's own headers; how many were left out stands in the letter. Default: all.
    pub fn keep_headers<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.kept = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Leaves out headers of a record whose values are longer than so many bytes. Default: none is left out.
    pub fn longest_header(mut self, bytes: usize) -> Self {
        self.longest_header = Some(bytes);
        self
    }

    /// Cuts the failure's text to so many bytes; 0 leaves it out. Default and most: 1024.
    pub fn longest_message(mut self, bytes: usize) -> Self {
        self.longest_message = bytes.min(MESSAGE_BYTES);
        self
    }

    /// Asks before a record becomes a dead letter; where the answer is no, it is skipped, and nothing of it is kept. A hook
    /// that panics has not said no. It runs on the reading task and must be short. Default: every record is sent.
    pub fn should_send(
        mut self,
        hook: impl Fn(&Candidate<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.should_send = Some(Arc::new(hook));
        self
    }

    /// Sends only this share of the records, between 0 and 1, and skips the others: **they are lost**. The same record is
    /// always decided alike. Default: 1, every record.
    pub fn sample(mut self, share: f64) -> Self {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and the number of shares"
        )]
        let shares = (share.clamp(0.0, 1.0) * f64::from(SHARES)).round() as u32;
        self.sampled = shares;
        self
    }

    /// Who wrote a letter, in its header `__dlq.errors.source`. Default: `{application id}/{version of this library}@{host}`.
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(super) fn own_source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// Whether a record becomes a dead letter.
    pub(super) fn wants(&self, candidate: &Candidate<'_>) -> bool {
        self.sampled(candidate)
            && self.should_send.as_ref().is_none_or(|hook| {
                catch_unwind(AssertUnwindSafe(|| hook(candidate))).unwrap_or_else(|_| {
                    tracing::warn!(
                        entity = candidate.entity,
                        topic = candidate.topic,
                        partition = candidate.partition,
                        offset = candidate.offset,
                        "the hook `should_send` panicked: the record is kept as a dead letter"
                    );
                    true
                })
            })
    }

    fn sampled(&self, candidate: &Candidate<'_>) -> bool {
        if self.sampled >= SHARES {
            return true;
        }
        let place = format!(
            "{}/{}/{}/{}",
            candidate.topic, candidate.partition, candidate.offset, candidate.timestamp
        );
        let share = partition_for_key(place.as_bytes(), SHARES);
        u32::try_from(share).is_ok_and(|share| share < self.sampled)
    }

    /// Whether a header of the record itself goes into the letter.
    pub(super) fn keeps(&self, name: &str, value: Option<&[u8]>) -> bool {
        let short = self
            .longest_header
            .is_none_or(|most| value.is_none_or(|value| value.len() <= most));
        short && self.kept.as_ref().is_none_or(|kept| kept.contains(name))
    }

    /// As much of a text as a letter may hold, whole characters.
    pub(super) fn cut<'a>(&self, message: &'a str) -> &'a str {
        let end = message.floor_char_boundary(self.longest_message);
        message.get(..end).unwrap_or_default()
    }
}

impl fmt::Debug for DeadLetterOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetterOptions")
            .field("kept", &self.kept)
            .field("longest_header", &self.longest_header)
            .field("longest_message", &self.longest_message)
            .field("should_send", &self.should_send.is_some())
            .field("sampled", &self.sampled)
            .field("source", &self.source)
            .finish()
    }
}
