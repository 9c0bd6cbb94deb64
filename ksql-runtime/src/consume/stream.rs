//! Records as a stream, for whoever would rather pull.
//!
//! Invariant: the consumer waits with the next record until the one before is settled, so nothing is read into nowhere: what
//! the stream was dropped with comes again.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use tokio::sync::{mpsc, oneshot};

use super::consumer::Consumer;
use super::delivered::Delivered;
use super::message::{Message, Settled};
use super::outcome::Outcome;
use super::records::{ForEach, Records};
use super::subscription::Subscription;
use crate::entity::Entity;
use crate::error::Result;

/// Records one after the other: a [`Stream`], and [`next`](Entities::next) for whoever needs nothing more. It ends when its
/// consumer does; why, [`Entities::end`] says.
#[derive(Debug)]
pub struct Entities<I> {
    given: mpsc::Receiver<(I, Option<oneshot::Sender<()>>)>,
    /// What finishes the one given last.
    last: Option<oneshot::Sender<()>>,
    subscription: Subscription,
}

impl<I> Entities<I> {
    /// The next record; none when the consumer has ended. The one before is finished by asking.
    pub async fn next(&mut self) -> Option<I> {
        std::future::poll_fn(|context| self.poll_given(context)).await
    }

    fn poll_given(&mut self, context: &mut Context<'_>) -> Poll<Option<I>> {
        if let Some(last) = self.last.take() {
            // Its consumer may have ended.
            let _ = last.send(());
        }
        self.given.poll_recv(context).map(|given| {
            let (item, finished) = given?;
            self.last = finished;
            Some(item)
        })
    }

    /// The consumer behind it: its state, seeking.
    pub fn subscription(&self) -> &Subscription {
        &self.subscription
    }

    /// Finishes the record given last, and ends the consumer.
    ///
    /// # Errors
    /// What the consumer ended with, where it had.
    pub async fn end(mut self) -> Result<super::Ended> {
        if let Some(last) = self.last.take() {
            let _ = last.send(());
        }
        self.given.close();
        self.subscription.stop().await
    }
}

impl<I: Unpin> Stream for Entities<I> {
    type Item = I;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<I>> {
        self.get_mut().poll_given(context)
    }
}

impl<I> Drop for Entities<I> {
    fn drop(&mut self) {
        self.subscription.ask_to_stop();
    }
}

/// Each finished by asking for the next.
pub(super) async fn entities<R: Records>(records: R) -> Result<Entities<R::Item>> {
    let (give, given) = mpsc::channel(1);
    let handler = move |item: R::Item| {
        let give = give.clone();
        async move {
            let (finish, finished) = oneshot::channel();
            if give.send((item, Some(finish))).await.is_err() {
                return Outcome::retry();
            }
            match finished.await {
                Ok(()) => Outcome::done(),
                // Dropped with the stream: it comes again at the next start.
                Err(_) => Outcome::retry(),
            }
        }
    };
    let subscription = ForEach::of(records, super::call::Plain(handler))
        .start()
        .await?;
    Ok(Entities {
        given,
        last: None,
        subscription,
    })
}

/// Each settled by its own.
pub(super) async fn messages<T: Entity, D: Delivered<T>>(
    consumer: Consumer<T, D>,
) -> Result<Entities<Message<D>>> {
    let (give, given) = mpsc::channel(1);
    let handler = move |message: Message<D>| {
        let give = give.clone();
        async move {
            let settling = message.settling();
            let _ = give.send((message, None)).await;
            settling.await;
            Settled::seen()
        }
    };
    let subscription = consumer
        .with_manual_commit()
        .for_each(handler)
        .start()
        .await?;
    Ok(Entities {
        given,
        last: None,
        subscription,
    })
}
