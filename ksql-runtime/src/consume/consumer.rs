//! A consumer before it runs: group, place, order, policies. A value; nothing is read before a handler is given.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use super::backoff::{Backoff, Budget};
use super::call::{ByHand, Call};
use super::dealer::Order;
use super::delivered::{Change, Delivered};
use super::message::{IntoSettled, Message};
use super::outcome::ErrorClass;
use super::policy::{OnDecodeError, OnError, Retry};
use super::read::Filter;
use super::records::{ForEach, Launch, Records};
use super::shared::{Options, Shared};
use super::site::group_of;
use super::stream::{self, Entities};
use super::subscription;
use crate::context::Registered;
use crate::entity::Entity;
use crate::error::{Error, Result};
use crate::query::{Condition, Predicate, Row};
use crate::state::Origin;

pub use crate::log::{Start, WhenOffsetGone};

/// A consumer of the records of an entity: how it reads, and what it does with those that fail.
///
/// Made by [`EntitySet::consume`](crate::set::EntitySet::consume), which reads a stream or a table; it runs when a handler is
/// given with [`for_each`](Records::for_each).
///
/// ```
/// use std::time::Duration;
/// use ksql_runtime::prelude::*;
/// use ksql_runtime::consume::{Backoff, OnDecodeError, OnError, Order, Subscription};
///
/// #[derive(Debug, Clone, PartialEq, Entity)]
/// #[topic("payments")]
/// #[stream]
/// pub struct Payment {
///     #[key]
///     pub account: i64,
///     pub cents: i64,
/// }
///
/// async fn book(payment: Payment) -> Result<(), std::io::Error> {
///     # let _ = payment;
///     Ok(())
/// }
///
/// async fn consume(ctx: &Context) -> ksql_runtime::error::Result<Subscription> {
///     ctx.set::<Payment>()
///         .consume()
///         .group("booking")
///         .concurrency(8, Order::ByKey)
///         .with_retry(5, Backoff::default())
///         .on_error(OnError::Dlq)
///         .on_decode_error(OnDecodeError::Dlq)
///         .timeout(Duration::from_secs(10))
///         .for_each(book)
///         .start()
///         .await
/// }
/// ```
#[derive(Debug)]
#[must_use = "it reads nothing before a handler is given with `for_each`"]
pub struct Consumer<T: Entity, D = T> {
    registered: Result<Arc<Registered>>,
    options: Options,
    filter: Filter<T>,
    given: PhantomData<fn() -> D>,
}

impl<T: Entity, D> Clone for Consumer<T, D> {
    fn clone(&self) -> Self {
        Consumer {
            registered: self.registered.clone(),
            options: self.options.clone(),
            filter: self.filter.clone(),
            given: PhantomData,
        }
    }
}

impl<T: Entity> Consumer<T> {
    pub(crate) fn new(registered: Result<Arc<Registered>>) -> Consumer<T> {
        let mut options = Options::default();
        if let Ok(registered) = &registered {
            options.start = registered.consume_from;
        }
        Consumer {
            registered,
            options,
            filter: Filter::new(),
            given: PhantomData,
        }
    }

    /// Gives handlers tombstones too: each gets a [`Change`]. Without it tombstones are counted and finished.
    pub fn with_deletions(self) -> Consumer<T, Change<T>> {
        Consumer {
            registered: self.registered,
            options: self.options,
            filter: self.filter,
            given: PhantomData,
        }
    }
}

impl<T: Entity, D: Delivered<T>> Consumer<T, D> {
    fn with(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.options);
        self
    }

    /// The consumer group: consumers of one group share the partitions, those of different groups each see everything. Default:
    /// `<application_id>_<Entity>`, of a window `<application_id>_<Entity>_<label>`.
    pub fn group(self, group: impl Into<String>) -> Self {
        self.with(|options| options.group = Some(group.into()))
    }

    /// Where a partition begins for which the group has committed nothing. Default: the setting `consume_from`, which is `latest`
    /// as of Kafka's consumers: only what comes from then on. That place is committed before anything is handled, so that a group
    /// that was there once misses nothing.
    pub fn start(self, start: Start) -> Self {
        self.with(|options| options.start = start)
    }

    /// What happens where the committed offset is gone, for records are removed after their retention. Default: an error.
    pub fn when_offset_gone(self, then: WhenOffsetGone) -> Self {
        self.with(|options| options.when_offset_gone = then)
    }

    /// How many handlers run at a time, and which records they see one after the other. Default: one, by partition.
    pub fn concurrency(self, handlers: usize, order: Order) -> Self {
        self.with(|options| (options.lanes, options.order) = (handlers.max(1), order))
    }

    /// What happens to a record whose handler fails. Default: [`OnError::Stop`].
    pub fn on_error(self, on_error: OnError) -> Self {
        self.with(|options| options.policies.set_error(on_error))
    }

    /// The same for errors of one class, whatever [`on_error`](Consumer::on_error) says of the others.
    pub fn on_error_of(self, class: ErrorClass, on_error: OnError) -> Self {
        self.with(|options| options.policies.set_class(class, on_error))
    }

    /// What happens to a record whose handler panics. Default: [`OnError::Stop`].
    pub fn on_panic(self, on_error: OnError) -> Self {
        self.with(|options| options.policies.on_panic = on_error)
    }

    /// What happens to a record that is none of the entity. Default: [`OnDecodeError::Stop`].
    pub fn on_decode_error(self, on_decode_error: OnDecodeError) -> Self {
        self.with(|options| options.policies.on_decode_error = on_decode_error)
    }

    /// A record whose handler fails, panics or takes too long comes again, `attempts` times in all with the first; then its
    /// policy decides. A time alone is a fixed wait.
    pub fn with_retry(self, attempts: u32, backoff: impl Into<Backoff>) -> Self {
        let retry = Retry {
            attempts: Some(attempts.max(1)),
            backoff: backoff.into(),
        };
        self.with(|options| options.policies.retry = Some(retry))
    }

    /// The same without an end.
    pub fn with_endless_retry(self, backoff: impl Into<Backoff>) -> Self {
        let retry = Retry {
            attempts: None,
            backoff: backoff.into(),
        };
        self.with(|options| options.policies.retry = Some(retry))
    }

    /// How many retries there may be in a second, of all records together: what is over it waits longer.
    pub fn retry_budget(self, per_second: u32) -> Self {
        self.with(|options| options.policies.budget = Some(Budget::per_second(per_second)))
    }

    /// How long a handler may take for a record; then its attempt is dropped where it waits, and fails as
    /// [`ErrorClass::Transient`] with the code `handler.timeout`. Default: as long as it likes.
    pub fn timeout(self, limit: Duration) -> Self {
        self.with(|options| options.timeout = Some(limit))
    }

    /// How often offsets are committed. Default: 500 ms. They are committed too when partitions are given back and at the end.
    pub fn commit_interval(self, every: Duration) -> Self {
        self.with(|options| options.commit_every = every)
    }

    /// How long handlers that run are waited for when the consumer ends or a partition is given back. Default: 5 s. What is
    /// unfinished then comes again.
    pub fn stop_timeout(self, limit: Duration) -> Self {
        self.with(|options| options.stop_timeout = limit)
    }

    /// Bytes of records that are read ahead and not finished, shared by the partitions. Default: 16 MiB; at least 256 KiB a
    /// partition.
    pub fn buffer(self, bytes: usize) -> Self {
        self.with(|options| options.buffer = bytes)
    }

    /// Only records whose rows fulfil a condition of `ksql!` reach the handler; of the others nothing is built. A tombstone has
    /// no row and passes.
    pub fn matching<C>(self, condition: Predicate<T, C>) -> Self
    where
        C: Condition<T> + Send + Sync + 'static,
    {
        self.kept_by(condition)
    }

    /// The same with a closure over borrowed rows.
    pub fn matching_rows(
        self,
        keep: impl for<'a> Fn(Row<'a, T>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.kept_by(keep)
    }

    fn kept_by(mut self, condition: impl Condition<T> + Send + Sync + 'static) -> Self {
        self.filter.push(condition);
        self
    }

    /// Handlers settle each record themselves: see [`Message`].
    pub fn with_manual_commit(self) -> Manual<T, D> {
        Manual(self)
    }

    fn prepare(self) -> Result<(Arc<Registered>, Shared, Filter<T>)> {
        let registered = self.registered?;
        let entity = T::MODEL.name;
        let site = &registered.consumers;
        let group = match self.options.group.clone() {
            Some(group) => group,
            None => {
                let label = registered.label.as_deref();
                group_of(&site.application_id, entity, label)
            }
        };
        let refused = |reason: &str| {
            Err(Error::Consume {
                entity,
                topic: registered.topic.clone(),
                reason: reason.to_owned(),
            })
        };
        if group.is_empty() {
            return refused("a group has a name");
        }
        let letters = site.letters.clone();
        if letters.topic() == registered.topic && self.options.policies.writes_letters() {
            return refused(
                "its topic is where dead letters go: a dead letter that fails cannot become one there; choose `skip` or `stop`",
            );
        }
        let shared = Shared::new(entity, &registered.topic, group, self.options, letters);
        Ok((registered, shared, self.filter))
    }
}

impl<T: Entity, D: Delivered<T>> Records for Consumer<T, D> {
    type Item = D;

    fn launch<H: Call<D>>(self, handler: Arc<H>, launch: &mut Launch) {
        launch.add(async move {
            let (registered, shared, filter) = self.prepare()?;
            let site = Arc::clone(&registered.consumers);
            site.refuse_closed()?;
            if shared.options.policies.writes_letters() {
                shared.letters.ready().await?;
            }
            let origin = Origin {
                topic: Arc::from(registered.topic.as_str()),
                value_schema: registered.own_form,
                key_schema: registered.key_schema,
                window: registered.window,
            };
            let running = subscription::launch::<T, D, H>(
                Arc::new(shared),
                registered.log.clone(),
                &site.registry,
                &origin,
                &filter,
                &handler,
            )?;
            site.add(&running);
            Ok(running)
        });
    }
}

/// A consumer whose handler settles each record itself.
#[derive(Debug)]
#[must_use = "it reads nothing before a handler is given with `for_each`"]
pub struct Manual<T: Entity, D = T>(Consumer<T, D>);

impl<T: Entity, D: Delivered<T>> Manual<T, D> {
    /// Calls a handler with each record as a [`Message`]. It ends with `commit()` or `negative_ack()`: one that does neither does
    /// not compile.
    ///
    /// ```
    /// # use ksql_runtime::prelude::*;
    /// # use ksql_runtime::consume::Subscription;
    /// # #[derive(Debug, Clone, PartialEq, Entity)]
    /// # #[topic("payments")]
    /// # #[stream]
    /// # pub struct Payment { #[key] pub account: i64, pub cents: i64 }
    /// # async fn book(_: &Payment) -> bool { true }
    /// # async fn consume(ctx: &Context) -> ksql_runtime::error::Result<Subscription> {
    /// ctx.set::<Payment>()
    ///     .with_manual_commit()
    ///     .for_each(|message| async move {
    ///         if book(&message).await {
    ///             message.commit()
    ///         } else {
    ///             message.negative_ack() // it comes again
    ///         }
    ///     })
    ///     .start()
    ///     .await
    /// # }
    /// ```
    ///
    /// ```compile_fail,E0277
    /// # use ksql_runtime::prelude::*;
    /// # #[derive(Debug, Clone, PartialEq, Entity)]
    /// # #[topic("payments")]
    /// # #[stream]
    /// # pub struct Payment { #[key] pub account: i64, pub cents: i64 }
    /// # fn consume(ctx: &Context) {
    /// let _ = ctx.set::<Payment>().with_manual_commit().for_each(|message| async move {
    ///     println!("{}", message.cents); // a handler with manual commit cannot return `()`
    /// });
    /// # }
    /// ```
    pub fn for_each<F, R>(self, handler: F) -> ForEach
    where
        F: Fn(Message<D>) -> R + Send + Sync + 'static,
        R: Future<Output: IntoSettled> + Send + 'static,
    {
        ForEach::of(self.0, ByHand(handler))
    }

    /// The messages one after the other, each to be settled by whoever takes it.
    ///
    /// # Errors
    /// Where the consumer cannot start.
    pub async fn stream(self) -> Result<Entities<Message<D>>> {
        stream::messages(self.0).await
    }
}
