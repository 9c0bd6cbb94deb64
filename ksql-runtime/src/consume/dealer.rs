//! Which lane a record goes to: by its partition, by its key, or to whichever is free.
//!
//! Invariant: of records that stand in an order to each other, each goes to the same lane, in that order. The dealer belongs
//! to the reading thread, an inbox to its lane.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::fast::FixedState;
use tokio::sync::{Notify, mpsc};

use super::chunk::{Chunk, Item, Walk};

/// Which records a consumer's handlers see one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Order {
    /// Those of one partition. The default.
    #[default]
    ByPartition,
    /// Those of one key.
    ByKey,
    /// None: whichever comes goes to a handler that is free.
    Unordered,
}

/// What records of a lane hold up each other.
pub(super) type Group = u64;

/// The order that one record holds to others: none where nothing waits for it.
pub(super) fn group(order: Order, partition: i32, key: Option<&[u8]>) -> Option<Group> {
    match order {
        Order::ByPartition => Some(u64::from(partition.cast_unsigned())),
        // Without a key it has no order to any.
        Order::ByKey => key.map(hash),
        Order::Unordered => None,
    }
}

fn hash(key: &[u8]) -> u64 {
    FixedState::default().hash_one(key)
}

/// What a lane gets.
#[derive(Debug)]
pub(super) enum Work {
    /// All records of a chunk.
    All(Arc<Chunk>),
    /// Some of them, in their order.
    Some(Vec<Item>),
    /// One.
    One(Item),
}

/// Gives chunks to lanes.
#[derive(Debug)]
pub(super) struct Dealer {
    order: Order,
    lanes: Vec<mpsc::UnboundedSender<Work>>,
    pool: Arc<Pool>,
}

/// Chunks for whoever is free.
#[derive(Debug, Default)]
struct Pool {
    state: Mutex<Waiting>,
    some: Notify,
}

#[derive(Default)]
struct Waiting {
    chunks: VecDeque<Walk>,
    closed: bool,
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waiting")
            .field("chunks", &self.chunks.len())
            .field("closed", &self.closed)
            .finish()
    }
}

/// What a lane takes its work from.
#[derive(Debug)]
pub(super) enum Inbox {
    Own(mpsc::UnboundedReceiver<Work>),
    Shared(SharedInbox),
}

/// The pool's end in a lane.
#[derive(Debug)]
pub(super) struct SharedInbox(Arc<Pool>);

impl Dealer {
    /// A dealer and the inboxes of so many lanes. What is in them is bounded by what the reading thread gives.
    pub(super) fn new(order: Order, lanes: usize) -> (Dealer, Vec<Inbox>) {
        let pool = Arc::new(Pool::default());
        let mut senders = Vec::new();
        let mut inboxes = Vec::new();
        for _ in 0..lanes.max(1) {
            if order == Order::Unordered {
                inboxes.push(Inbox::Shared(SharedInbox(Arc::clone(&pool))));
            } else {
                let (sender, receiver) = mpsc::unbounded_channel();
                senders.push(sender);
                inboxes.push(Inbox::Own(receiver));
            }
        }
        let dealer = Dealer {
            order,
            lanes: senders,
            pool,
        };
        (dealer, inboxes)
    }

    pub(super) fn deal(&self, chunk: Chunk) {
        let chunk = Arc::new(chunk);
        match self.order {
            Order::Unordered => self.pool.add(chunk),
            Order::ByKey if self.lanes.len() > 1 => self.by_key(&chunk),
            Order::ByPartition | Order::ByKey => {
                let lane = chunk.partition().cast_unsigned() as usize;
                self.send(lane, Work::All(chunk));
            }
        }
    }

    fn by_key(&self, chunk: &Arc<Chunk>) {
        let mut shares: Vec<Vec<Item>> = self.lanes.iter().map(|_| Vec::new()).collect();
        let lanes = self.lanes.len() as u64;
        for item in Walk::new(Arc::clone(chunk)) {
            let key = item.record().and_then(|record| record.key);
            // The low bits; a lane's own map uses the whole.
            let lane = key
                .map_or(item.number, hash)
                .checked_rem(lanes)
                .unwrap_or(0);
            if let Some(share) = shares.get_mut(lane as usize) {
                share.push(item);
            }
        }
        for (lane, share) in shares.into_iter().enumerate() {
            if !share.is_empty() {
                self.send(lane, Work::Some(share));
            }
        }
    }

    fn send(&self, lane: usize, work: Work) {
        let lane = lane.checked_rem(self.lanes.len()).unwrap_or(0);
        if let Some(lane) = self.lanes.get(lane) {
            // A lane that is gone has ended the consumer, and its record stays unfinished.
            let _ = lane.send(work);
        }
    }
}

impl Drop for Dealer {
    fn drop(&mut self) {
        self.pool.lock().closed = true;
        self.pool.some.notify_waiters();
    }
}

impl Pool {
    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, chunk: Arc<Chunk>) {
        self.lock().chunks.push_back(Walk::new(chunk));
        self.some.notify_waiters();
    }
}

impl SharedInbox {
    fn take(&self) -> Option<Option<Item>> {
        let mut waiting = self.0.lock();
        while let Some(walk) = waiting.chunks.front_mut() {
            match walk.next() {
                Some(item) => return Some(Some(item)),
                None => drop(waiting.chunks.pop_front()),
            }
        }
        waiting.closed.then_some(None)
    }

    async fn next(&mut self) -> Option<Work> {
        loop {
            let mut told = std::pin::pin!(self.0.some.notified());
            // Registered before looking, so that nothing is missed in between.
            told.as_mut().enable();
            if let Some(item) = self.take() {
                return item.map(Work::One);
            }
            told.await;
        }
    }
}

impl Inbox {
    /// The next work; none when the reading thread has ended. Nothing is lost when the wait is given up.
    pub(super) async fn next(&mut self) -> Option<Work> {
        match self {
            Inbox::Own(receiver) => receiver.recv().await,
            Inbox::Shared(pool) => pool.next().await,
        }
    }
}
