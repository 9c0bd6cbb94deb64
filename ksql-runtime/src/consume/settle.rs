//! What becomes of a record that fails: another attempt, passed over, a dead letter, or the end of the consumer.
//!
//! Invariant: nothing is retried, skipped or dead-lettered that a policy or its handler did not ask for, and a record whose dead
//! letter is not acknowledged is not finished. Called by a lane.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::counts::Counts;
use super::failure::Stopped;
use super::message::About;
use super::policy::{OnDecodeError, OnError};
use super::shared::{Hold, Shared};
use crate::dlq::{Failed, Stage, WriteError, Written};
use crate::log::{LogError, RecordRef};

/// What became of an attempt.
pub(super) enum Step {
    Finished,
    /// It comes again at this moment.
    Again(Instant),
    /// It stays unfinished: the consumer ends, or the partition was given back.
    Left,
}

/// Why a record failed.
pub(super) struct Failure {
    stage: Stage,
    code: String,
    message: String,
}

/// Settles records of a lane.
pub(super) struct Settle {
    pub(super) shared: Arc<Shared>,
    pub(super) counts: Arc<Counts>,
}

impl Settle {
    /// A record whose handler failed: another attempt, where the policy has one.
    pub(super) async fn failed(
        &self,
        record: &RecordRef<'_>,
        about: About<'_>,
        failure: Failure,
        on_error: OnError,
        policy: &'static str,
    ) -> Step {
        let next = about.attempt.saturating_add(1);
        let Some(wait) = self.shared.options.policies.again(on_error, next) else {
            return self
                .given_up(record, about, failure, on_error, policy)
                .await;
        };
        tracing::debug!(
            entity = self.shared.entity, topic = %self.shared.topic, group = %self.shared.group,
            partition = about.chunk.partition(), offset = record.offset, attempts = about.attempt,
            ?wait, error = failure.message, "a record comes again"
        );
        self.again(wait)
    }

    /// A record for which there is no further attempt.
    pub(super) async fn given_up(
        &self,
        record: &RecordRef<'_>,
        about: About<'_>,
        failure: Failure,
        on_error: OnError,
        policy: &'static str,
    ) -> Step {
        match on_error {
            OnError::Stop | OnError::Retry => self.stop(record, about, failure, policy),
            OnError::Dlq => self.letter(record, about, &failure).await,
            OnError::Skip => {
                self.skip(record, about, &failure);
                Step::Finished
            }
        }
    }

    /// A record that is none: it is never tried again.
    pub(super) async fn bad(
        &self,
        record: &RecordRef<'_>,
        about: About<'_>,
        failure: Failure,
    ) -> Step {
        self.counts.undecodable.add();
        match self.shared.options.policies.on_decode_error {
            OnDecodeError::Stop => self.stop(record, about, failure, "on_decode_error"),
            OnDecodeError::Dlq => self.letter(record, about, &failure).await,
            OnDecodeError::Skip => {
                self.skip(record, about, &failure);
                Step::Finished
            }
        }
    }

    pub(super) fn again(&self, wait: Duration) -> Step {
        let due = Instant::now() + wait;
        let budget = self.shared.options.policies.budget.as_ref();
        Step::Again(budget.map_or(due, |budget| budget.at(due)))
    }

    fn skip(&self, record: &RecordRef<'_>, about: About<'_>, failure: &Failure) {
        self.counts.skipped.add();
        tracing::warn!(
            entity = self.shared.entity, topic = %self.shared.topic, group = %self.shared.group,
            partition = about.chunk.partition(), offset = record.offset, attempts = about.attempt,
            stage = failure.stage.as_str(), code = failure.code, error = failure.message,
            "a record is passed over"
        );
    }

    fn stop(
        &self,
        record: &RecordRef<'_>,
        about: About<'_>,
        failure: Failure,
        policy: &'static str,
    ) -> Step {
        let Failure {
            stage,
            code,
            message,
        } = failure;
        self.shared.fail(
            Stopped {
                entity: self.shared.entity,
                group: self.shared.group.to_string(),
                topic: self.shared.topic.to_string(),
                partition: about.chunk.partition(),
                offset: record.offset,
                attempts: about.attempt,
                stage: stage.as_str(),
                code,
                message,
                policy,
            }
            .into(),
        );
        Step::Left
    }

    /// Writes a dead letter; the record is finished when it is acknowledged, and not before.
    pub(super) async fn letter(
        &self,
        record: &RecordRef<'_>,
        about: About<'_>,
        failure: &Failure,
    ) -> Step {
        let letter = Failed {
            entity: self.shared.entity,
            group: &self.shared.group,
            topic: &self.shared.topic,
            partition: about.chunk.partition(),
            record: *record,
            stage: failure.stage,
            class: &failure.code,
            message: &failure.message,
            attempts: about.attempt,
        };
        let mut hold = self.shared.hold();
        let mut attempt = 1_u32;
        loop {
            let error = match self.shared.letters.write(&letter).await {
                Ok(Written::Acknowledged(_)) => {
                    self.counts.dead_lettered.add();
                    return Step::Finished;
                }
                Ok(Written::Declined) => {
                    self.skip(record, about, failure);
                    return Step::Finished;
                }
                Err(WriteError::Log(error)) if !may_be_cured(&error) => {
                    self.shared.fail(error.into());
                    return Step::Left;
                }
                Err(error) => error,
            };
            attempt = attempt.saturating_add(1);
            let what = format!("its dead letter is not acknowledged: {error}");
            if !self.hold(about, attempt, &what, &mut hold).await {
                return Step::Left;
            }
        }
    }

    /// Waits with a record for what is away; whether to go on with it. It is neither skipped nor given up. The status tells of it as long
    /// as `hold` is there.
    pub(super) async fn hold(
        &self,
        about: About<'_>,
        attempt: u32,
        what: &str,
        hold: &mut Hold<'_>,
    ) -> bool {
        let offset = about.item().record().map_or(0, |record| record.offset);
        tracing::warn!(
            entity = self.shared.entity, topic = %self.shared.topic, group = %self.shared.group,
            partition = about.chunk.partition(), offset, error = what, "a record is held until it can be settled"
        );
        hold.tell(what);
        let wait = super::Backoff::default().wait(attempt);
        let tracker = &about.chunk.tracker;
        // A partition that is given back, or moved by a seek, does not wait for it.
        tokio::select! {
            () = self.shared.pause(wait) => {}
            () = tracker.closed() => {}
        }
        !self.shared.is_stopping() && !tracker.is_closed()
    }
}

/// Whether waiting helps, or whoever runs the cluster can help while a record waits for its dead letter: a right can be given, a
/// topic be changed.
fn may_be_cured(error: &LogError) -> bool {
    error.is_transient()
        || matches!(
            error,
            LogError::Unauthorized { .. }
                | LogError::Refused { .. }
                | LogError::UnknownTopic { .. }
        )
}

impl Failure {
    pub(super) fn new(stage: Stage, code: impl Into<String>, message: String) -> Failure {
        Failure {
            stage,
            code: code.into(),
            message,
        }
    }
}
