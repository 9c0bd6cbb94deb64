//! How a record reaches a user's function: directly, with its origin, as a message, or through `map` and `filter`.
//!
//! Invariant: nothing is boxed, and what a handler does not ask for is not made.

use std::marker::PhantomData;
use std::sync::Arc;

use super::message::{About, IntoSettled, Message, Meta, Settlement};
use super::outcome::{HandlerError, IntoOutcome, Outcome};

/// What is called with each record. Made by the methods of [`Records`](super::Records).
pub trait Call<D>: Send + Sync + 'static {
    /// Calls it.
    fn call(&self, item: D, about: About<'_>) -> impl Future<Output = Outcome> + Send;
}

/// A function of the item.
pub(super) struct Plain<F>(pub(super) F);

impl<D, F, R> Call<D> for Plain<F>
where
    D: Send + 'static,
    F: Fn(D) -> R + Send + Sync + 'static,
    R: Future<Output: IntoOutcome> + Send,
{
    fn call(&self, item: D, _about: About<'_>) -> impl Future<Output = Outcome> + Send {
        let made = (self.0)(item);
        async move { made.await.into_outcome() }
    }
}

/// A function of the item and its origin.
pub(super) struct WithMeta<F>(pub(super) F);

impl<D, F, R> Call<D> for WithMeta<F>
where
    D: Send + 'static,
    F: Fn(D, Meta) -> R + Send + Sync + 'static,
    R: Future<Output: IntoOutcome> + Send,
{
    fn call(&self, item: D, about: About<'_>) -> impl Future<Output = Outcome> + Send {
        let made = (self.0)(item, about.meta());
        async move { made.await.into_outcome() }
    }
}

/// A function that settles by hand.
pub(super) struct ByHand<F>(pub(super) F);

impl<D, F, R> Call<D> for ByHand<F>
where
    D: Send + 'static,
    F: Fn(Message<D>) -> R + Send + Sync + 'static,
    R: Future<Output: IntoSettled> + Send,
{
    fn call(&self, item: D, about: About<'_>) -> impl Future<Output = Outcome> + Send {
        let settlement = Arc::new(Settlement::default());
        // One attempt calls once.
        let _ = about.settlement.set(Arc::clone(&settlement));
        let made = (self.0)(Message::new(item, about.meta(), &settlement));
        async move {
            let said = made.await.said();
            settlement.outcome(said)
        }
    }
}

/// What `map` made goes on to what comes behind.
pub(super) struct Mapping<F, H, U> {
    pub(super) map: F,
    pub(super) next: Arc<H>,
    pub(super) made: PhantomData<fn() -> U>,
}

impl<D, F, H, U, E> Call<D> for Mapping<F, H, U>
where
    D: Send + 'static,
    U: Send + 'static,
    E: Into<HandlerError>,
    F: Fn(D) -> Result<U, E> + Send + Sync + 'static,
    H: Call<U>,
{
    fn call(&self, item: D, about: About<'_>) -> impl Future<Output = Outcome> + Send {
        let made = (self.map)(item)
            .map(|made| self.next.call(made, about))
            .map_err(Into::into);
        async move {
            match made {
                Ok(next) => next.await,
                Err(error) => Outcome::Failed(error),
            }
        }
    }
}

/// What `filter` keeps goes on to what comes behind; the others are finished.
pub(super) struct Keeping<F, H> {
    pub(super) keep: F,
    pub(super) next: Arc<H>,
}

impl<D, F, H> Call<D> for Keeping<F, H>
where
    D: Send + 'static,
    F: Fn(&D) -> bool + Send + Sync + 'static,
    H: Call<D>,
{
    fn call(&self, item: D, about: About<'_>) -> impl Future<Output = Outcome> + Send {
        let next = (self.keep)(&item).then(|| self.next.call(item, about));
        async move {
            match next {
                Some(next) => next.await,
                None => Outcome::Done,
            }
        }
    }
}
