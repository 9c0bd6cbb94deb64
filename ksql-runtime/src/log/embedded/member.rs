//! A member of a consumer group on the log in this process: a reader whose partitions the coordinator chooses.
//!
//! Invariant: the reader reads exactly the partitions that are held and not wanted back. Nothing here expires: a member
//! that lives holds what it has until it releases it. Belongs to one thread.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::catalog::Topic;
use super::fetch::{self, EmbeddedReader};
use super::groups::{Key, MemberId, News};
use super::queue::{Command, Then};
use super::{EmbeddedLog, Shared, queue};
use crate::log::error::LogError;
use crate::log::group::{Assigned, Membership, Polled, Start};
use crate::log::reader::ReaderWaker;

/// A member of a group.
#[derive(Debug)]
pub(crate) struct EmbeddedMember {
    shared: Arc<Shared>,
    topic: Arc<Topic>,
    membership: Membership,
    runtime: Handle,
    key: Key,
    id: MemberId,
    /// There may be something the coordinator has to say.
    news: Arc<AtomicBool>,
    reader: EmbeddedReader,
    /// Wanted back, and not released yet.
    leaving: BTreeSet<i32>,
}

impl EmbeddedLog {
    pub(crate) fn join(
        &self,
        membership: &Membership,
        runtime: &Handle,
    ) -> Result<EmbeddedMember, LogError> {
        self.open_still()?;
        let shared = Arc::clone(&self.0.shared);
        let topic = shared.catalog.get(&membership.topic)?;
        let reader = EmbeddedReader::new(Arc::clone(&shared), Arc::clone(&topic), &[])?;
        let key: Key = (Arc::from(membership.group.as_str()), topic.number);
        let news = Arc::new(AtomicBool::new(false));
        let id = shared.groups.join(&key, topic.count, &news);
        topic.signal.raise();
        Ok(EmbeddedMember {
            shared,
            topic,
            membership: membership.clone(),
            runtime: runtime.clone(),
            key,
            id,
            news,
            reader,
            leaving: BTreeSet::new(),
        })
    }
}

impl EmbeddedMember {
    pub(crate) fn poll(
        &mut self,
        timeout: Duration,
        wants: impl Fn(i32) -> bool,
    ) -> Result<Polled, LogError> {
        let (topic, woken) = (Arc::clone(&self.topic), self.reader.woken());
        let found = fetch::until(&topic, &woken, timeout, || self.look(&wants))?;
        Ok(found.unwrap_or(Polled::Nothing))
    }

    /// What there is without waiting.
    fn look(&mut self, wants: &impl Fn(i32) -> bool) -> Result<Option<Polled>, LogError> {
        if self.news.swap(false, Ordering::AcqRel) {
            let told = self.told();
            if !matches!(told, Ok(None)) {
                // There may be more, or it was not told for an error.
                self.news.store(true, Ordering::Release);
                return told;
            }
        }
        loop {
            match self.reader.look(wants) {
                Ok(fetched) => return Ok(fetched.map(Polled::Records)),
                Err(LogError::OffsetOutOfRange {
                    partition,
                    offset,
                    start,
                    end,
                    ..
                }) => {
                    let offset = self.instead(partition, offset, start, end)?;
                    self.reader.seek(partition, offset)?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// What the coordinator has to say.
    fn told(&mut self) -> Result<Option<Polled>, LogError> {
        match self.shared.groups.news(&self.key, self.id) {
            None => Ok(None),
            Some(News::Wanted(partitions)) => {
                for partition in &partitions {
                    self.reader.forget(*partition);
                }
                self.leaving.extend(&partitions);
                Ok(Some(Polled::Revoked(partitions)))
            }
            Some(News::Promised(partitions)) => {
                let places = partitions
                    .iter()
                    .map(|partition| self.place(*partition))
                    .collect::<Result<Vec<Assigned>, LogError>>()?;
                let accepted = self.shared.groups.accept(&self.key, self.id, &partitions);
                let mut held = Vec::with_capacity(accepted.len());
                for place in places {
                    if accepted.contains(&place.partition) {
                        self.reader.start(place.partition, place.from);
                        held.push(place);
                    }
                }
                Ok((!held.is_empty()).then_some(Polled::Assigned(held)))
            }
        }
    }

    /// Where a partition is read from.
    fn place(&self, partition: i32) -> Result<Assigned, LogError> {
        let Membership { group, start, .. } = &self.membership;
        let committed = self.shared.committed(&self.topic, partition, group)?;
        // Asked first: a record that comes meanwhile lies behind it.
        let state = self.topic.state(partition)?;
        let from = match committed {
            Some(offset) if offset < state.start || offset > state.end => {
                self.instead(partition, offset, state.start, state.end)?
            }
            Some(offset) => offset,
            None => match start {
                Start::Earliest => state.start,
                Start::Latest => state.end,
                Start::Time(time) => self
                    .shared
                    .offset_at(&self.topic, partition, *time)?
                    .unwrap_or(state.end),
            },
        };
        Ok(Assigned {
            partition,
            from,
            committed,
            end: state.end,
        })
    }

    /// Where to go on when an offset is gone.
    fn instead(&self, partition: i32, offset: i64, start: i64, end: i64) -> Result<i64, LogError> {
        let Membership {
            group,
            topic,
            when_offset_gone,
            ..
        } = &self.membership;
        when_offset_gone.instead(group, topic, partition, offset, start, end)
    }

    pub(crate) fn release(&mut self, partitions: &[i32]) -> Result<(), LogError> {
        for partition in partitions {
            self.leaving.remove(partition);
        }
        self.shared.groups.release(&self.key, self.id, partitions);
        self.topic.signal.raise();
        Ok(())
    }

    pub(crate) fn commit(&mut self, offsets: &[(i32, i64)]) -> Result<(), LogError> {
        if self.topic.is_deleted() {
            return Err(self.shared.catalog.gone(&self.topic));
        }
        for (partition, _) in offsets {
            if self.position(*partition).is_none() && !self.leaving.contains(partition) {
                return Err(self.not_held(*partition));
            }
        }
        let entries = Shared::commits(&self.topic, &self.membership.group, offsets)?;
        if entries.is_empty() {
            return Ok(());
        }
        let (done, answer) = oneshot::channel();
        self.shared.queue.push(Command::Put {
            entries,
            then: Then(Box::new(|| ())),
            done,
        })?;
        // By a task of the runtime, so that this may be called where blocking on a future is not allowed.
        let (tell, told) = std::sync::mpsc::channel();
        self.runtime.spawn(async move {
            let kept = answer.await.unwrap_or_else(|_| Err(queue::defect()));
            // Somebody waits below.
            let _ = tell.send(kept);
        });
        told.recv().unwrap_or(Err(LogError::Closed))
    }

    fn not_held(&self, partition: i32) -> LogError {
        LogError::NotHeld {
            group: self.membership.group.clone(),
            topic: self.membership.topic.clone(),
            partition,
        }
    }

    pub(crate) fn seek(&mut self, partition: i32, offset: i64) -> Result<(), LogError> {
        if self.position(partition).is_none() {
            return Err(self.not_held(partition));
        }
        self.reader.seek(partition, offset)
    }

    pub(crate) fn position(&self, partition: i32) -> Option<i64> {
        self.reader.position(partition)
    }

    pub(crate) fn waker(&self) -> ReaderWaker {
        self.reader.waker()
    }
}

impl Drop for EmbeddedMember {
    fn drop(&mut self) {
        self.shared.groups.leave(&self.key, self.id);
        self.topic.signal.raise();
    }
}
