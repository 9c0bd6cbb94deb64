//! What happens to a record that fails: policies of one consumer, never of the set it came from.
//!
//! Invariant: nothing is retried, skipped or dead-lettered unless asked. Plain data.

use super::backoff::{Backoff, Budget};
use super::outcome::ErrorClass;

/// What happens to a record whose handler failed, panicked or took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnError {
    /// The consumer ends with the error, and nothing from the record on is committed. The default.
    #[default]
    Stop,
    /// It comes again: as often as `with_retry` says, then the consumer ends; without it until it works.
    Retry,
    /// It goes to the dead letters, after the attempts of `with_retry`.
    Dlq,
    /// It is passed over and counted, after the attempts of `with_retry`.
    Skip,
}

/// What happens to a record that is none of the entity: it cannot be decoded, has no key, breaks a rule. It would fail
/// again, so it is never retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnDecodeError {
    /// The consumer ends with the error, and nothing from the record on is committed. The default.
    #[default]
    Stop,
    /// It goes to the dead letters with its bytes.
    Dlq,
    /// It is passed over and counted.
    Skip,
}

/// How often a record is given to a handler, and how long it waits in between.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Retry {
    /// Attempts in all, the first included; none is without end.
    pub(super) attempts: Option<u32>,
    pub(super) backoff: Backoff,
}

/// The policies of one consumer.
#[derive(Debug, Clone, Default)]
pub(super) struct Policies {
    on_error: OnError,
    by_class: Vec<(ErrorClass, OnError)>,
    pub(super) on_panic: OnError,
    pub(super) on_decode_error: OnDecodeError,
    pub(super) retry: Option<Retry>,
    pub(super) budget: Option<Budget>,
}

impl Policies {
    pub(super) fn set_error(&mut self, on_error: OnError) {
        self.on_error = on_error;
    }

    pub(super) fn set_class(&mut self, class: ErrorClass, on_error: OnError) {
        self.by_class.retain(|(known, _)| *known != class);
        self.by_class.push((class, on_error));
    }

    /// What holds for an error of this class.
    pub(super) fn of(&self, class: ErrorClass) -> OnError {
        let own = self.by_class.iter().find(|(known, _)| *known == class);
        own.map_or(self.on_error, |(_, on_error)| *on_error)
    }

    /// Whether a record may become a dead letter without its handler saying so.
    pub(super) fn writes_letters(&self) -> bool {
        self.on_error == OnError::Dlq
            || self.on_panic == OnError::Dlq
            || self.on_decode_error == OnDecodeError::Dlq
            || self
                .by_class
                .iter()
                .any(|(_, on_error)| *on_error == OnError::Dlq)
    }

    /// The wait before attempt number `next` of a record, if there is to be one under this policy.
    pub(super) fn again(&self, on_error: OnError, next: u32) -> Option<std::time::Duration> {
        match &self.retry {
            Some(retry) => {
                let left = retry.attempts.is_none_or(|most| next <= most);
                left.then(|| retry.backoff.wait(next))
            }
            None if on_error == OnError::Retry => Some(Backoff::default().wait(next)),
            None => None,
        }
    }

    /// The wait before attempt number `next` of a record whose handler asks for it, if it may have one.
    pub(super) fn asked_again(&self, next: u32) -> Option<std::time::Duration> {
        self.again(OnError::Retry, next)
    }
}
