//! A lane: works on its records one after the other, and lets those wait that have to.
//!
//! Invariants: of records that stand in an order to each other, none begins before the one before it is finished, retries
//! included; a record that waits holds up only those. Nothing is retried, skipped or dead-lettered that a policy or its
//! handler did not ask for. A task of the runtime.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use super::call::Call;
use super::chunk::{Chunk, Item};
use super::counts::Counts;
use super::dealer::{Group, Inbox, Work, group};
use super::delivered::Delivered;
use super::failure::Stopped;
use super::message::About;
use super::outcome::{ErrorClass, Outcome};
use super::policy::{OnDecodeError, OnError};
use super::read::{Opened, Opener};
use super::shared::Shared;
use crate::dlq::{Failed, Stage, WriteError, Written};
use crate::entity::Entity;
use crate::error::panic_text;
use crate::log::{Place, RecordRef};

/// A record that comes again.
#[derive(Debug)]
struct Later {
    at: Instant,
    item: Item,
    /// The attempt it will be.
    attempt: u32,
    group: Option<Group>,
}

/// What became of an attempt.
enum Step {
    Finished,
    /// It comes again at this moment.
    Again(Instant),
    /// It stays unfinished: the consumer ends, or the partition was given back.
    Left,
}

/// Why a record failed.
struct Failure {
    stage: Stage,
    code: String,
    message: String,
}

/// Works on what its inbox gives.
pub(super) struct Lane<T: Entity, D, H> {
    pub(super) shared: Arc<Shared>,
    pub(super) handler: Arc<H>,
    pub(super) opener: Opener<T, D>,
    pub(super) counts: Arc<Counts>,
    waiting: Vec<Later>,
    /// Behind records that wait, in their order.
    blocked: HashMap<Group, VecDeque<Item>>,
}

impl<T: Entity, D: Delivered<T>, H: Call<D>> Lane<T, D, H> {
    pub(super) fn new(
        shared: &Arc<Shared>,
        handler: &Arc<H>,
        opener: Opener<T, D>,
        counts: &Arc<Counts>,
    ) -> Self {
        Lane {
            shared: Arc::clone(shared),
            handler: Arc::clone(handler),
            opener,
            counts: Arc::clone(counts),
            waiting: Vec::new(),
            blocked: HashMap::new(),
        }
    }

    /// Works until the reading thread has ended, or the consumer ends.
    pub(super) async fn run(mut self, mut inbox: Inbox) {
        while !self.shared.is_stopping() {
            let next = self.waiting.iter().map(|later| later.at).min();
            let work = match next {
                None => inbox.next().await,
                Some(at) if at <= Instant::now() => {
                    self.due().await;
                    continue;
                }
                Some(at) => match tokio::time::timeout_at(at.into(), inbox.next()).await {
                    Ok(work) => work,
                    Err(_) => continue,
                },
            };
            match work {
                // What waits is left to the next start.
                None => return,
                Some(Work::All(chunk)) => self.all(&chunk).await,
                Some(Work::Some(items)) => {
                    for item in items {
                        self.in_turn(&item.chunk, item.place, item.number).await;
                    }
                }
                Some(Work::One(item)) => self.in_turn(&item.chunk, item.place, item.number).await,
            }
        }
    }

    async fn all(&mut self, chunk: &Arc<Chunk>) {
        let (mut place, mut number) = (Place::default(), chunk.first);
        while let Some((_, behind)) = chunk.fetched.read(place) {
            if self.shared.is_stopping() || chunk.tracker.is_closed() {
                return;
            }
            self.in_turn(chunk, place, number).await;
            (place, number) = (behind, number.wrapping_add(1));
        }
    }

    /// Works on a record, unless one it stands behind waits.
    async fn in_turn(&mut self, chunk: &Arc<Chunk>, place: Place, number: u64) {
        if !self.waiting.is_empty() {
            // A lane that always has work comes to what is due here.
            self.due().await;
            let record = chunk.fetched.read(place).map(|(record, _)| record);
            let group = record.and_then(|record| self.group(chunk, &record));
            if let Some(behind) = group.and_then(|group| self.blocked.get_mut(&group)) {
                behind.push_back(Item {
                    chunk: Arc::clone(chunk),
                    place,
                    number,
                });
                return;
            }
        }
        self.one(chunk, place, number, 1).await;
        tokio::task::consume_budget().await;
    }

    fn group(&self, chunk: &Chunk, record: &RecordRef<'_>) -> Option<Group> {
        group(self.shared.options.order, chunk.partition(), record.key)
    }

    /// Works on what waited until now, and on what stood behind it.
    async fn due(&mut self) {
        let now = Instant::now();
        while !self.shared.is_stopping() {
            // What waits of a partition that was given back, or left by a seek, holds nobody up any more.
            let due = |later: &Later| later.at <= now || later.item.chunk.tracker.is_closed();
            let Some(at) = self.waiting.iter().position(due) else {
                return;
            };
            let later = self.waiting.swap_remove(at);
            let item = later.item;
            self.one(&item.chunk, item.place, item.number, later.attempt)
                .await;
            let Some(group) = later.group else {
                continue;
            };
            // Those behind it, up to one that waits in its turn.
            while !self.waits(group) && !self.shared.is_stopping() {
                let Some(item) = self.blocked.get_mut(&group).and_then(VecDeque::pop_front) else {
                    self.blocked.remove(&group);
                    break;
                };
                self.one(&item.chunk, item.place, item.number, 1).await;
            }
        }
    }

    fn waits(&self, group: Group) -> bool {
        self.waiting.iter().any(|later| later.group == Some(group))
    }

    /// One attempt at a record.
    async fn one(&mut self, chunk: &Arc<Chunk>, place: Place, number: u64, attempt: u32) {
        if !chunk.tracker.begin() {
            return;
        }
        let step = match chunk.fetched.read(place) {
            None => Step::Finished,
            Some((record, _)) => {
                let about = About {
                    chunk,
                    place,
                    number,
                    attempt,
                };
                self.attempt(&record, about).await
            }
        };
        match step {
            Step::Finished => chunk.tracker.finish(number),
            Step::Left => {}
            Step::Again(at) => {
                let item = Item {
                    chunk: Arc::clone(chunk),
                    place,
                    number,
                };
                let group = item.record().and_then(|record| self.group(chunk, &record));
                if let Some(group) = group {
                    self.blocked.entry(group).or_default();
                }
                self.waiting.push(Later {
                    at,
                    item,
                    attempt: attempt.saturating_add(1),
                    group,
                });
            }
        }
        chunk.tracker.end();
    }

    async fn attempt(&mut self, record: &RecordRef<'_>, about: About<'_>) -> Step {
        let given = loop {
            // Conditions are the user's.
            let opened = catch_unwind(AssertUnwindSafe(|| self.opener.open(record)));
            let opened = match opened {
                Ok(opened) => opened,
                Err(payload) => {
                    self.counts.panicked.add();
                    let message = format!("a filter panicked: {}", panic_text(&*payload));
                    let failure = Failure::new(Stage::Handler, "handler.panic", message);
                    let on_panic = self.shared.options.policies.on_panic;
                    return self
                        .failed(record, about, failure, on_panic, "on_panic")
                        .await;
                }
            };
            match opened {
                Opened::Given(given) => break given,
                Opened::Filtered => {
                    self.counts.filtered.add();
                    return Step::Finished;
                }
                Opened::Deleted => {
                    self.counts.deleted.add();
                    return Step::Finished;
                }
                Opened::Marker => return Step::Finished,
                Opened::Bad(stage, code, message) => {
                    let failure = Failure::new(stage, code, message);
                    return self.bad(record, about, failure).await;
                }
                // Known from then on.
                Opened::Unknown(id) => match self.schema(id, about).await {
                    Ok(true) => {}
                    Ok(false) => return Step::Left,
                    Err(message) => {
                        let stage = Stage::ValueDecode;
                        let failure = Failure::new(stage, "avro.unknown-schema", message);
                        return self.bad(record, about, failure).await;
                    }
                },
            }
        };
        if about.attempt > 1 {
            self.counts.retried.add();
        }
        let policies = &self.shared.options.policies;
        let next = about.attempt.saturating_add(1);
        let asked = match self.call(given, about).await {
            Called::Said(Outcome::Done) => {
                self.counts.handled.add();
                return Step::Finished;
            }
            Called::Said(Outcome::Skip) => {
                self.counts.skipped.add();
                return Step::Finished;
            }
            Called::Said(Outcome::Dlq(reason)) => {
                let failure = Failure::new(Stage::Handler, "handler.rejected", reason);
                return self.letter(record, about, &failure).await;
            }
            Called::Said(Outcome::RetryAfter(wait)) => policies.asked_again(next).map(|_| wait),
            Called::Said(Outcome::Retry) => policies.asked_again(next),
            Called::Said(Outcome::Failed(error)) => {
                self.counts.failed.add();
                let failure = Failure::new(Stage::Handler, error.code(), error.message());
                return self
                    .failed(
                        record,
                        about,
                        failure,
                        policies.of(error.class()),
                        "on_error",
                    )
                    .await;
            }
            Called::Panicked(text) => {
                self.counts.panicked.add();
                let message = format!("the handler panicked: {text}");
                let failure = Failure::new(Stage::Handler, "handler.panic", message);
                return self
                    .failed(record, about, failure, policies.on_panic, "on_panic")
                    .await;
            }
            Called::TimedOut(limit) => {
                self.counts.timed_out.add();
                let message = format!("the handler took longer than {limit:?}");
                let failure = Failure::new(Stage::Handler, "handler.timeout", message);
                return self
                    .failed(
                        record,
                        about,
                        failure,
                        policies.of(ErrorClass::Transient),
                        "on_error",
                    )
                    .await;
            }
        };
        match asked {
            Some(wait) => self.again(wait),
            None => {
                let message = "the handler asked for one attempt more than there are".to_owned();
                let failure = Failure::new(Stage::Handler, "handler.retries-exhausted", message);
                let on_error = policies.of(ErrorClass::Transient);
                self.given_up(record, about, failure, on_error, "on_error")
                    .await
            }
        }
    }

    /// A record whose handler failed: another attempt, where the policy has one.
    async fn failed(
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
            entity = self.shared.entity, topic = %self.shared.topic, partition = about.chunk.partition(),
            offset = record.offset, attempt = about.attempt, ?wait, error = failure.message, "a record comes again"
        );
        self.again(wait)
    }

    /// A record for which there is no further attempt.
    async fn given_up(
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
    async fn bad(&mut self, record: &RecordRef<'_>, about: About<'_>, failure: Failure) -> Step {
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

    fn again(&self, wait: Duration) -> Step {
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

    /// Calls the handler, and catches what it throws.
    async fn call(&self, given: D, about: About<'_>) -> Called {
        let made = catch_unwind(AssertUnwindSafe(|| self.handler.call(given, about)));
        let made = match made {
            Ok(made) => made,
            Err(payload) => return Called::Panicked(panic_text(&*payload)),
        };
        let mut made = pin!(made);
        let caught = std::future::poll_fn(move |context| {
            match catch_unwind(AssertUnwindSafe(|| made.as_mut().poll(context))) {
                Ok(Poll::Pending) => Poll::Pending,
                Ok(Poll::Ready(outcome)) => Poll::Ready(Called::Said(outcome)),
                Err(payload) => Poll::Ready(Called::Panicked(panic_text(&*payload))),
            }
        });
        match self.shared.options.timeout {
            None => caught.await,
            Some(limit) => tokio::time::timeout(limit, caught)
                .await
                .unwrap_or(Called::TimedOut(limit)),
        }
    }

    /// Asks the registry for a schema until it answers; whether to go on. An answer about the schema itself is an error.
    async fn schema(&self, id: u32, about: About<'_>) -> Result<bool, String> {
        let mut attempt = 1_u32;
        loop {
            let error = match self.opener.registry().schema_by_id(id).await {
                Ok(_) => return Ok(true),
                Err(error) if error.is_about_the_schema() => return Err(error.to_string()),
                Err(error) => error,
            };
            attempt = attempt.saturating_add(1);
            let what = format!("schema {id} is not to be had from the registry: {error}");
            if !self.hold(about, attempt, &what).await {
                return Ok(false);
            }
        }
    }

    /// Writes a dead letter; the record is finished when it is acknowledged, and not before.
    async fn letter(&self, record: &RecordRef<'_>, about: About<'_>, failure: &Failure) -> Step {
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
        let mut attempt = 1_u32;
        loop {
            let error = match self.shared.letters.write(&letter).await {
                Ok(Written::Acknowledged(_)) => {
                    self.counts.dead_lettered.add();
                    self.shared.holding(None);
                    return Step::Finished;
                }
                Ok(Written::Declined) => {
                    self.skip(record, about, failure);
                    return Step::Finished;
                }
                Err(WriteError::Log(error)) if !error.is_transient() => {
                    self.shared.fail(error.into());
                    return Step::Left;
                }
                Err(error) => error,
            };
            attempt = attempt.saturating_add(1);
            let what = format!("its dead letter is not acknowledged: {error}");
            if !self.hold(about, attempt, &what).await {
                return Step::Left;
            }
        }
    }

    /// Waits with a record for what is away; whether to go on with it. It is neither skipped nor given up.
    async fn hold(&self, about: About<'_>, attempt: u32, what: &str) -> bool {
        let offset = about.item().record().map_or(0, |record| record.offset);
        tracing::warn!(
            entity = self.shared.entity, topic = %self.shared.topic, partition = about.chunk.partition(),
            offset, error = what, "a record is held until it can be settled"
        );
        self.shared.holding(Some(what));
        let wait = super::Backoff::default().wait(attempt);
        self.shared.pause(wait).await;
        !self.shared.is_stopping() && !about.chunk.tracker.is_closed()
    }
}

/// What the call of a handler gave.
enum Called {
    Said(Outcome),
    Panicked(String),
    TimedOut(Duration),
}

impl Failure {
    fn new(stage: Stage, code: impl Into<String>, message: String) -> Failure {
        Failure {
            stage,
            code: code.into(),
            message,
        }
    }
}
