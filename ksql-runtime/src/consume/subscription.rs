//! A running consumer, from outside: its state, seeking, and its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use super::call::Call;
use super::dealer::Dealer;
use super::delivered::Delivered;
use super::failure::Ended;
use super::lane::Lane;
use super::position::{Position, Seek};
use super::read::{Filter, Opener};
use super::reading::Reading;
use super::shared::{End, Shared};
use super::status::{ConsumerState, ConsumerStatus};
use crate::entity::Entity;
use crate::error::{Error, Result};
use crate::log::Log;
use crate::registry::Registry;
use crate::state::Origin;

/// One topic of a subscription.
#[derive(Debug, Clone)]
pub(crate) struct Running {
    shared: Arc<Shared>,
    ended: watch::Receiver<Option<End>>,
}

impl Running {
    pub(crate) fn stop(&self) {
        self.shared.stop();
    }

    /// Waits for its end.
    pub(crate) async fn wait(&self) -> End {
        let mut ended = self.ended.clone();
        match ended.wait_for(Option::is_some).await {
            Ok(end) => end.clone().unwrap_or(Err(Error::Closed)),
            Err(_) => Err(Error::Closed),
        }
    }

    pub(crate) fn status(&self) -> ConsumerStatus {
        self.shared.status()
    }

    /// How long its end takes at most.
    pub(super) fn longest_end(&self) -> Duration {
        longest_end(&self.shared)
    }

    /// Whether it ended, or ends, for another reason than that it was told to.
    pub(super) fn has_failed(&self) -> bool {
        self.shared.failure().is_some()
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.borrow().is_some()
    }
}

/// Starts lanes and the thread that reads for them.
pub(super) fn launch<T: Entity, D: Delivered<T>, H: Call<D>>(
    shared: Arc<Shared>,
    log: Log,
    registry: &Registry,
    origin: &Origin,
    filter: &Filter<T>,
    handler: &Arc<H>,
) -> Result<Running> {
    let runtime = tokio::runtime::Handle::current();
    let (dealer, inboxes) = Dealer::new(shared.options.order, shared.options.lanes);
    let mut lanes = tokio::task::JoinSet::new();
    for (inbox, counts) in inboxes.into_iter().zip(&shared.counts) {
        let opener = Opener::<T, D>::new(origin.clone(), registry.clone(), filter.clone());
        let lane = Lane::new(&shared, handler, opener, counts);
        lanes.spawn(lane.run(inbox));
    }
    let reading = Reading {
        shared: Arc::clone(&shared),
        log,
        runtime,
        dealer,
        committed: Instant::now(),
        attempt: 1,
    };
    let (read, end) = oneshot::channel();
    std::thread::Builder::new()
        .name(format!("ksql-consume-{}", shared.topic))
        .spawn(move || drop(read.send(reading.run())))
        .map_err(|error| Error::Defect {
            reason: format!("a consumer has no thread: {error}"),
        })?;
    let running = Running {
        ended: shared.ended.subscribe(),
        shared: Arc::clone(&shared),
    };
    tokio::spawn(supervise(shared, lanes, end));
    Ok(running)
}

/// How long the log may take with the last commit and with leaving the group, once every handler has ended.
const LAST_ANSWER: Duration = Duration::from_secs(4);
/// The same behind handlers that took all their time.
const LEAST_ANSWER: Duration = Duration::from_secs(1);

fn longest_end(shared: &Shared) -> Duration {
    shared.options.stop_timeout + LEAST_ANSWER
}

/// Waits for lanes and thread, and tells how it ended. A log that does not answer is not waited for longer than that: a
/// client of Kafka waits for the coordinator of its group as long as a session lasts, 45 s. The thread is left to itself then.
async fn supervise(
    shared: Arc<Shared>,
    mut lanes: tokio::task::JoinSet<()>,
    end: oneshot::Receiver<End>,
) {
    let mut end = std::pin::pin!(end);
    let mut stopped = std::pin::pin!(shared.stopped());
    // The latest it may end, once it was told to.
    let mut until: Option<tokio::time::Instant> = None;
    let end = loop {
        let silent = async {
            match until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            end = &mut end => break end,
            () = &mut stopped, if until.is_none() => {
                until = Some(tokio::time::Instant::now() + longest_end(&shared));
            }
            Some(lane) = lanes.join_next() => {
                if let Err(error) = lane && error.is_panic() {
                    shared.fail(Error::of_task(error));
                }
                shared.lane_ended();
            }
            () = silent => {
                let limit = if lanes.is_empty() { LAST_ANSWER } else { longest_end(&shared) };
                break Ok(shared.unanswered(limit));
            }
        }
        if lanes.is_empty() {
            let soon = tokio::time::Instant::now() + LAST_ANSWER;
            until = until.map(|until| until.min(soon));
        }
    };
    // Handlers that had no more time.
    lanes.shutdown().await;
    let end = end.unwrap_or_else(|_| {
        Err(Error::Defect {
            reason: "the thread of a consumer panicked".to_owned(),
        })
    });
    if let Err(error) = &end {
        tracing::error!(entity = shared.entity, topic = %shared.topic, group = %shared.group, %error, "a consumer ended with an error");
    }
    shared.set_state(match &end {
        Ok(_) => ConsumerState::Ended,
        Err(_) => ConsumerState::Failed,
    });
    shared.ended.send_replace(Some(end));
}

/// A running consumer. Dropping it changes nothing: the consumer goes on until it is stopped, fails, or its context is shut
/// down.
#[derive(Debug, Clone)]
pub struct Subscription {
    parts: Vec<Running>,
}

impl Subscription {
    pub(super) fn new(parts: Vec<Running>) -> Subscription {
        Subscription { parts }
    }

    pub(super) fn ask_to_stop(&self) {
        for part in &self.parts {
            part.stop();
        }
    }

    /// Ends it: handlers that run are waited for, their work is committed, the group is left.
    ///
    /// # Errors
    /// What it had ended with before, or the last commit's.
    pub async fn stop(&self) -> Result<Ended> {
        self.ask_to_stop();
        self.wait().await
    }

    /// Waits until it ends.
    ///
    /// # Errors
    /// What it ended with: the record that no policy let pass ([`Error::Consumer`]), or the log.
    pub async fn wait(&self) -> Result<Ended> {
        let mut all = Ended::default();
        let mut failed = None;
        for part in &self.parts {
            match part.wait().await {
                Ok(ended) => all = all.and(ended),
                Err(error) => {
                    failed.get_or_insert(error);
                    // One of several that were merged: the others end with it.
                    self.ask_to_stop();
                }
            }
        }
        failed.map_or(Ok(all), Err)
    }

    /// Waits until it holds partitions or has ended.
    ///
    /// # Errors
    /// What it ended with.
    pub async fn wait_running(&self) -> Result<()> {
        for part in &self.parts {
            let mut state = part.shared.watch_state();
            let reached = state.wait_for(|state| {
                !matches!(
                    state,
                    ConsumerState::Starting | ConsumerState::Reconnecting(_)
                )
            });
            let _ = reached.await.map_err(|_| Error::Closed)?;
            if part.has_ended() {
                part.wait().await?;
            }
        }
        Ok(())
    }

    /// What it is doing: one entry for each topic it reads.
    pub fn status(&self) -> Vec<ConsumerStatus> {
        self.parts.iter().map(Running::status).collect()
    }

    /// Goes on reading somewhere else, in all partitions it holds or in one. Handlers that run end, and what they make of
    /// their records is theirs; offsets are committed from the new place on, also where it lies before.
    ///
    /// # Errors
    /// Where the partition is not held, the offset is not there, or the consumer has ended.
    pub async fn seek(&self, partition: Option<i32>, position: Position) -> Result<()> {
        for part in &self.parts {
            if part.has_ended() {
                return Err(Error::Closed);
            }
            let (done, sought) = oneshot::channel();
            part.shared.seek(Seek {
                partition,
                position,
                done,
            });
            sought.await.map_err(|_| Error::Closed)??;
        }
        Ok(())
    }
}
