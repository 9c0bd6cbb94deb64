//! A lane: works on its records one after the other, and lets those wait that have to.
//!
//! Invariants: of records that stand in an order to each other, none begins before the one before it is finished, retries
//! included; a record that waits holds up only those. A task of the runtime.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::{Duration, Instant};

use super::call::Call;
use super::chunk::{Chunk, Item};
use super::counts::Counts;
use super::dealer::{Group, Inbox, Work, group};
use super::delivered::Delivered;
use super::message::About;
use super::outcome::{ErrorClass, Outcome};
use super::read::{Opened, Opener};
use super::settle::{Failure, Settle, Step};
use super::shared::Shared;
use super::waiting::{Later, Waiting};
use crate::dlq::Stage;
use crate::entity::Entity;
use crate::error::panic_text;
use crate::log::{Place, RecordRef};

/// Works on what its inbox gives.
pub(super) struct Lane<T: Entity, D, H> {
    shared: Arc<Shared>,
    handler: Arc<H>,
    opener: Opener<T, D>,
    counts: Arc<Counts>,
    settle: Settle,
    waiting: Waiting<Item>,
    /// How many partitions had been given back, lost or left by a seek when it last looked.
    closings: u64,
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
            settle: Settle {
                shared: Arc::clone(shared),
                counts: Arc::clone(counts),
            },
            waiting: Waiting::new(),
            closings: 0,
        }
    }

    /// Works until the reading thread has ended, or the consumer ends.
    pub(super) async fn run(mut self, mut inbox: Inbox) {
        while !self.shared.is_stopping() {
            let work = match self.waiting.next() {
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
            let item = Item {
                chunk: Arc::clone(chunk),
                place,
                number,
            };
            if self.waiting.put_behind(group, item).is_ok() {
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
        let closings = self.shared.bell.closings();
        if self.closings != closings {
            // What waits of a partition that is not held any more holds nobody up.
            self.closings = closings;
            self.waiting
                .hurry(now, |item| item.chunk.tracker.is_closed());
        }
        while !self.shared.is_stopping() {
            let Some(Later {
                item,
                attempt,
                group,
                ..
            }) = self.waiting.take(now)
            else {
                return;
            };
            self.one(&item.chunk, item.place, item.number, attempt)
                .await;
            let Some(group) = group else {
                continue;
            };
            // Those behind it, up to one that waits in its turn.
            while !self.shared.is_stopping()
                && let Some(item) = self.waiting.follow(group)
            {
                self.one(&item.chunk, item.place, item.number, 1).await;
            }
        }
    }

    /// One attempt at a record.
    async fn one(&mut self, chunk: &Arc<Chunk>, place: Place, number: u64, attempt: u32) {
        if !chunk.tracker.begin() {
            return;
        }
        let settlement = OnceLock::new();
        let step = match chunk.fetched.read(place) {
            None => Step::Finished,
            Some((record, _)) => {
                let about = About {
                    chunk,
                    place,
                    number,
                    attempt,
                    settlement: &settlement,
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
                self.waiting.add(Later {
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
                        .settle
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
                    return self.settle.bad(record, about, failure).await;
                }
                // Known from then on.
                Opened::Unknown(id) => match self.schema(id, about).await {
                    Ok(true) => {}
                    Ok(false) => return Step::Left,
                    Err(message) => {
                        let stage = Stage::ValueDecode;
                        let failure = Failure::new(stage, "avro.unknown-schema", message);
                        return self.settle.bad(record, about, failure).await;
                    }
                },
            }
        };
        if about.attempt > 1 {
            self.counts.retried.add();
        }
        let policies = &self.shared.options.policies;
        let next = about.attempt.saturating_add(1);
        let called = self.call(given, about).await;
        let asked = match self.stays_settled(called, record, about) {
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
                return self.settle.letter(record, about, &failure).await;
            }
            Called::Said(Outcome::RetryAfter(wait)) => policies.asked_again(next).map(|_| wait),
            Called::Said(Outcome::Retry) => policies.asked_again(next),
            Called::Said(Outcome::Failed(error)) => {
                self.counts.failed.add();
                let failure = Failure::new(Stage::Handler, error.code(), error.message());
                return self
                    .settle
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
                    .settle
                    .failed(record, about, failure, policies.on_panic, "on_panic")
                    .await;
            }
            Called::TimedOut(limit) => {
                self.counts.timed_out.add();
                let message = format!("the handler took longer than {limit:?}");
                let failure = Failure::new(Stage::Handler, "handler.timeout", message);
                return self
                    .settle
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
            Some(wait) => self.settle.again(wait),
            None => {
                let message = "the handler asked for one attempt more than there are".to_owned();
                let failure = Failure::new(Stage::Handler, "handler.retries-exhausted", message);
                let on_error = policies.of(ErrorClass::Transient);
                self.settle
                    .given_up(record, about, failure, on_error, "on_error")
                    .await
            }
        }
    }

    /// What a handler settled by hand stays settled, however it ended.
    fn stays_settled(&self, called: Called, record: &RecordRef<'_>, about: About<'_>) -> Called {
        let (counter, error) = match &called {
            Called::Said(_) => return called,
            Called::Panicked(text) => (&self.counts.panicked, text.clone()),
            Called::TimedOut(limit) => {
                let error = format!("it took longer than {limit:?}");
                (&self.counts.timed_out, error)
            }
        };
        let Some(settled) = about.settled() else {
            return called;
        };
        counter.add();
        tracing::warn!(
            entity = self.shared.entity, topic = %self.shared.topic, group = %self.shared.group,
            partition = about.chunk.partition(), offset = record.offset, error,
            "a handler failed that had settled its message: it stays settled"
        );
        Called::Said(settled)
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
        let mut hold = self.shared.hold();
        let mut attempt = 1_u32;
        loop {
            let error = match self.opener.registry().schema_by_id(id).await {
                Ok(_) => return Ok(true),
                Err(error) if error.is_about_the_schema() => return Err(error.to_string()),
                Err(error) => error,
            };
            attempt = attempt.saturating_add(1);
            let what = format!("schema {id} is not to be had from the registry: {error}");
            if !self.settle.hold(about, attempt, &what, &mut hold).await {
                return Ok(false);
            }
        }
    }
}

/// What the call of a handler gave.
enum Called {
    Said(Outcome),
    Panicked(String),
    TimedOut(Duration),
}
