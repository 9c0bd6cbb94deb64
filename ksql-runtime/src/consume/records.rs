//! Records of any origin: of a consumer, mapped, filtered, merged. What can be handled, and nothing that can be written to.

use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use super::call::{Call, Keeping, Mapping, Plain, WithMeta};
use super::failure::Ended;
use super::message::Meta;
use super::outcome::{HandlerError, IntoOutcome};
use super::stream::{self, Entities};
use super::subscription::{Running, Subscription};
use crate::error::{Error, Result};

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What is to be started. Made by [`ForEach`].
#[derive(Default)]
pub struct Launch(Vec<Boxed<Result<Running>>>);

impl Launch {
    pub(super) fn add(&mut self, start: impl Future<Output = Result<Running>> + Send + 'static) {
        self.0.push(Box::pin(start));
    }
}

impl std::fmt::Debug for Launch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Launch").field(&self.0.len()).finish()
    }
}

/// Records that can be given to a handler: those of a [`Consumer`](super::Consumer), and what `map`, `filter` and `merge` make of
/// them. They cannot be written to:
///
/// ```compile_fail,E0599
/// # use ksql_runtime::prelude::*;
/// # #[derive(Debug, Clone, PartialEq, Entity)]
/// # #[topic("payments")]
/// # #[stream]
/// # pub struct Payment { #[key] pub account: i64, pub cents: i64 }
/// # async fn write(ctx: &Context) {
/// let euros = ctx.set::<Payment>().consume().map(|payment| payment.cents / 100);
/// euros.add(17).await; // no method named `add`
/// # }
/// ```
pub trait Records: Sized + Send + 'static {
    /// What handlers get.
    type Item: Send + 'static;

    /// Adds what starts it.
    #[doc(hidden)]
    fn launch<H: Call<Self::Item>>(self, handler: Arc<H>, launch: &mut Launch);

    /// Calls a handler with each record, continuously. A record is finished when its handler has ended well; how often it is
    /// called at a time, and what happens where it fails, the consumer says.
    ///
    /// It runs while it is awaited, or in the background once it is [started](ForEach::start):
    ///
    /// ```
    /// # use ksql_runtime::prelude::*;
    /// # #[derive(Debug, Clone, PartialEq, Entity)]
    /// # #[topic("payments")]
    /// # #[stream]
    /// # pub struct Payment { #[key] pub account: i64, pub cents: i64 }
    /// # async fn ctrl_c() {}
    /// # async fn consume(ctx: &Context) -> ksql_runtime::error::Result<()> {
    /// let ended = ctx
    ///     .set::<Payment>()
    ///     .for_each(|payment| async move { println!("{payment:?}") })
    ///     .until(ctrl_c())
    ///     .await?;
    /// assert!(ended.is_clean());
    /// # Ok(())
    /// # }
    /// ```
    fn for_each<F, R>(self, handler: F) -> ForEach
    where
        F: Fn(Self::Item) -> R + Send + Sync + 'static,
        R: Future<Output: IntoOutcome> + Send + 'static,
    {
        ForEach::of(self, Plain(handler))
    }

    /// The same with where each record came from.
    fn for_each_with_meta<F, R>(self, handler: F) -> ForEach
    where
        F: Fn(Self::Item, Meta) -> R + Send + Sync + 'static,
        R: Future<Output: IntoOutcome> + Send + 'static,
    {
        ForEach::of(self, WithMeta(handler))
    }

    /// The records one after the other, as a stream. One is finished when the next is asked for.
    ///
    /// # Errors
    /// Where the consumer cannot start.
    fn stream(self) -> impl Future<Output = Result<Entities<Self::Item>>> + Send {
        stream::entities(self)
    }

    /// What a function makes of each.
    fn map<F, U>(
        self,
        map: F,
    ) -> Mapped<Self, impl Fn(Self::Item) -> Result<U, HandlerError> + Send + Sync + 'static, U>
    where
        F: Fn(Self::Item) -> U + Send + Sync + 'static,
        U: Send + 'static,
    {
        Mapped {
            records: self,
            map: move |item| Ok(map(item)),
            made: PhantomData,
        }
    }

    /// What a function makes of each, where it can: an error goes to the consumer's policies as a handler's would.
    fn try_map<F, U, E>(
        self,
        map: F,
    ) -> Mapped<Self, impl Fn(Self::Item) -> Result<U, HandlerError> + Send + Sync + 'static, U>
    where
        F: Fn(Self::Item) -> Result<U, E> + Send + Sync + 'static,
        U: Send + 'static,
        E: Into<HandlerError> + 'static,
    {
        Mapped {
            records: self,
            map: move |item| map(item).map_err(Into::into),
            made: PhantomData,
        }
    }

    /// Those for which a condition holds; the others are finished.
    fn filter<F>(self, keep: F) -> Kept<Self, F>
    where
        F: Fn(&Self::Item) -> bool + Send + Sync + 'static,
    {
        Kept {
            records: self,
            keep,
        }
    }

    /// These and others of the same kind: each with the policies of its own consumer. Where one ends with an error, the
    /// other ends too.
    fn merge<O: Records<Item = Self::Item>>(self, other: O) -> Merged<Self, O> {
        Merged(self, other)
    }
}

/// Records made of others.
#[derive(Debug, Clone)]
#[must_use = "it reads nothing before a handler is given with `for_each`"]
pub struct Mapped<R, F, U> {
    records: R,
    map: F,
    made: PhantomData<fn() -> U>,
}

impl<R, F, U> Records for Mapped<R, F, U>
where
    R: Records,
    U: Send + 'static,
    F: Fn(R::Item) -> Result<U, HandlerError> + Send + Sync + 'static,
{
    type Item = U;

    fn launch<H: Call<U>>(self, handler: Arc<H>, launch: &mut Launch) {
        let mapping = Mapping {
            map: self.map,
            next: handler,
            made: PhantomData,
        };
        self.records.launch(Arc::new(mapping), launch);
    }
}

/// Some of other records.
#[derive(Debug, Clone)]
#[must_use = "it reads nothing before a handler is given with `for_each`"]
pub struct Kept<R, F> {
    records: R,
    keep: F,
}

impl<R, F> Records for Kept<R, F>
where
    R: Records,
    F: Fn(&R::Item) -> bool + Send + Sync + 'static,
{
    type Item = R::Item;

    fn launch<H: Call<R::Item>>(self, handler: Arc<H>, launch: &mut Launch) {
        let keeping = Keeping {
            keep: self.keep,
            next: handler,
        };
        self.records.launch(Arc::new(keeping), launch);
    }
}

/// Records of two origins.
#[derive(Debug, Clone)]
#[must_use = "it reads nothing before a handler is given with `for_each`"]
pub struct Merged<A, B>(A, B);

impl<A: Records, B: Records<Item = A::Item>> Records for Merged<A, B> {
    type Item = A::Item;

    fn launch<H: Call<A::Item>>(self, handler: Arc<H>, launch: &mut Launch) {
        self.0.launch(Arc::clone(&handler), launch);
        self.1.launch(handler, launch);
    }
}

/// A consumer with its handler: it runs while it is awaited, or in the background once it is started.
#[must_use = "it does nothing unless awaited or started"]
pub struct ForEach {
    launch: Launch,
    until: Option<Boxed<()>>,
}

impl std::fmt::Debug for ForEach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ForEach")
            .field("launch", &self.launch)
            .finish_non_exhaustive()
    }
}

impl ForEach {
    pub(super) fn of<R: Records, H: Call<R::Item>>(records: R, handler: H) -> ForEach {
        let mut launch = Launch::default();
        records.launch(Arc::new(handler), &mut launch);
        ForEach {
            launch,
            until: None,
        }
    }

    /// Ends in order when this does: a signal, a cancellation token.
    pub fn until(mut self, end: impl Future<Output = ()> + Send + 'static) -> ForEach {
        self.until = Some(Box::pin(end));
        self
    }

    /// Starts it in the background.
    ///
    /// # Errors
    /// Where a group cannot be named so, dead letters have no topic and cannot get one, or the context was shut down.
    pub async fn start(self) -> Result<Subscription> {
        let mut parts: Vec<Running> = Vec::new();
        for start in self.launch.0 {
            match start.await {
                Ok(running) => parts.push(running),
                Err(error) => {
                    parts.iter().for_each(Running::stop);
                    return Err(error);
                }
            }
        }
        let subscription = Subscription::new(parts.clone());
        if parts.len() > 1 {
            for part in parts {
                let all = subscription.clone();
                tokio::spawn(async move {
                    if part.wait().await.is_err() {
                        all.ask_to_stop();
                    }
                });
            }
        }
        if let Some(until) = self.until {
            let ending = subscription.clone();
            tokio::spawn(async move {
                tokio::select! {
                    () = until => ending.ask_to_stop(),
                    _ = ending.wait() => {}
                }
            });
        }
        Ok(subscription)
    }
}

/// Ends a consumer that nobody awaits any more.
struct Awaited(Subscription);

impl Drop for Awaited {
    fn drop(&mut self) {
        self.0.ask_to_stop();
    }
}

impl IntoFuture for ForEach {
    type Output = Result<Ended, Error>;
    type IntoFuture = Boxed<Result<Ended, Error>>;

    /// Runs until it is told to end or a record stops it. Dropping the future ends the consumer in order, in the background.
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let awaited = Awaited(self.start().await?);
            awaited.0.wait().await
        })
    }
}
