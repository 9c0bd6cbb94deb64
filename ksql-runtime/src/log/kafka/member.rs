//! A member of a consumer group on a Kafka cluster: a consumer that subscribes, its rebalances answered by hand.
//!
//! What the group decides comes through the consumer's queue, in order with the records before it, and is answered here:
//! partitions are taken at offsets looked up beforehand, and given back when the caller has released all of them. While
//! an answer is owed, librdkafka fetches nothing, and no other decision comes.
//!
//! Invariants: the partitions read are those taken and not wanted back; an offset is committed under this member's
//! generation, which the coordinator checks. Belongs to one thread. Taking events from the queue counts as polling for
//! `max.poll.interval.ms`; a poll takes some at least ten times a second.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::failure::Failure;
use super::native::Told;
use super::reading::{Reading, patience};
use super::{KafkaLog, Shared};
use crate::log::error::LogError;
use crate::log::group::{Assigned, Finished, Membership, Polled, Start};
use crate::log::reader::ReaderWaker;

/// A member of a group.
#[derive(Debug)]
pub(crate) struct KafkaMember {
    reading: Reading,
    membership: Membership,
    owed: Owed,
    /// The name the group had for this member when it last assigned something; empty before.
    id: String,
    /// Where partitions go on whose offset was gone.
    astray: BTreeMap<i32, i64>,
    /// The offsets that were gone of partitions for which somebody has to decide.
    stuck: BTreeMap<i32, LogError>,
    /// Of partitions that were lost.
    finished: BTreeMap<i32, Finished>,
}

/// The answer the group waits for.
#[derive(Debug)]
enum Owed {
    Nothing,
    /// Takes these, as soon as it is known from where.
    Taking(Vec<i32>),
    /// Gives back all of these, when those left are released.
    GivingBack {
        all: Vec<i32>,
        left: BTreeSet<i32>,
    },
}

impl KafkaLog {
    pub(crate) fn join(&self, membership: &Membership) -> Result<KafkaMember, LogError> {
        self.open_still()?;
        let Membership { group, topic, .. } = membership;
        let reading = Reading::new(Arc::clone(&self.0), topic, Some(group))?;
        reading
            .consumer
            .subscribe()
            .map_err(|error| reading.doing("join the group").failed(Failure::from(error)))?;
        Ok(KafkaMember {
            reading,
            membership: membership.clone(),
            owed: Owed::Nothing,
            id: String::new(),
            astray: BTreeMap::new(),
            stuck: BTreeMap::new(),
            finished: BTreeMap::new(),
        })
    }

    /// See [`Log::offset_at`](crate::log::Log::offset_at).
    pub async fn offset_at(
        &self,
        topic: &str,
        partition: i32,
        timestamp_ms: i64,
    ) -> Result<Option<i64>, LogError> {
        let known = self.topic(topic).await?;
        let known = self.with_partition(known, partition).await?;
        self.ask(move |shared| {
            let timeout = shared.options.request_timeout;
            let found = shared.offsets_of_time(&known.name, &[partition], timestamp_ms, timeout)?;
            Ok(found.get(&partition).copied().flatten())
        })
        .await
    }
}

impl KafkaMember {
    fn shared(&self) -> &Shared {
        &self.reading.shared
    }

    pub(crate) fn poll(
        &mut self,
        timeout: Duration,
        wants: impl Fn(i32) -> bool,
    ) -> Result<Polled, LogError> {
        let looking = |member: &mut KafkaMember| member.look(&wants);
        let found = Reading::wait_for(self, timeout, |member| &mut member.reading, looking)?;
        Ok(found.unwrap_or(Polled::Nothing))
    }

    /// What there is without waiting, but for questions to the cluster after the group has decided.
    fn look(&mut self, wants: &impl Fn(i32) -> bool) -> Result<Option<Polled>, LogError> {
        loop {
            if let Some(polled) = self.answer()? {
                return Ok(Some(polled));
            }
            self.find_back()?;
            match self.reading.look(wants) {
                Ok(Some(fetched)) => return Ok(Some(Polled::Records(fetched))),
                // What was decided comes before records, and answers are owed one by one.
                Ok(None) if self.reading.told.is_some() => {}
                Ok(None) => return self.stuck.values().next().cloned().map_or(Ok(None), Err),
                Err(error) => self.gone(error)?,
            }
        }
    }

    /// Decides where to go on if the error is that an offset is gone.
    fn gone(&mut self, error: LogError) -> Result<(), LogError> {
        let LogError::OffsetOutOfRange {
            partition,
            offset,
            start,
            end,
            ..
        } = error
        else {
            return Err(error);
        };
        if self.position(partition).is_none() {
            return Ok(());
        }
        match self.instead(partition, offset, start, end) {
            Ok(offset) => drop(self.astray.insert(partition, offset)),
            Err(error) => drop(self.stuck.insert(partition, error)),
        }
        Ok(())
    }

    /// Moves partitions whose offset was gone. Where that fails the next poll tries again.
    fn find_back(&mut self) -> Result<(), LogError> {
        if !matches!(self.owed, Owed::Nothing) {
            return Ok(());
        }
        while let Some((&partition, &offset)) = self.astray.first_key_value() {
            match self.seek(partition, offset) {
                Ok(()) => drop(self.astray.remove(&partition)),
                Err(error @ LogError::OffsetOutOfRange { .. }) => self.gone(error)?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Deals with what the group decided.
    fn answer(&mut self) -> Result<Option<Polled>, LogError> {
        match self.reading.told.take() {
            None => {}
            Some(Told::Assign(partitions)) => {
                if let Some(lost) = self.assigned(partitions)? {
                    return Ok(Some(Polled::Lost(lost)));
                }
            }
            Some(Told::Revoke(all)) => {
                let held: Vec<i32> = all
                    .iter()
                    .copied()
                    .filter(|partition| self.position(*partition).is_some())
                    .collect();
                for partition in &all {
                    self.forget(*partition);
                }
                let left: BTreeSet<i32> = held.iter().copied().collect();
                self.owed = Owed::GivingBack { all, left };
                if !held.is_empty() && !self.is_out() {
                    return Ok(Some(Polled::Revoked(held)));
                }
            }
        }
        match &self.owed {
            Owed::Nothing => Ok(None),
            Owed::Taking(_) => self.take(),
            Owed::GivingBack { left, .. } => {
                let lost: Vec<i32> = left.iter().copied().collect();
                if !lost.is_empty() && !self.is_out() {
                    return Ok(None);
                }
                self.give_back()?;
                Ok((!lost.is_empty()).then_some(Polled::Lost(lost)))
            }
        }
    }

    /// Whether the group has given up this member since it assigned what is held: others may have it.
    fn is_out(&self) -> bool {
        let consumer = &self.reading.consumer;
        consumer.is_lost() || !self.id.is_empty() && consumer.member_id() != self.id
    }

    /// What the group assigns is owed. Says what is lost with that: a member that was given up and is one again may have
    /// been given what it held before, without a word; others may have read on meanwhile, so it begins anew.
    fn assigned(&mut self, mut partitions: Vec<i32>) -> Result<Option<Vec<i32>>, LogError> {
        let id = self.reading.consumer.member_id();
        let held = self.reading.positions().map(|(partition, _)| partition);
        let kept: Vec<i32> = held.filter(|one| !partitions.contains(one)).collect();
        let again = !self.id.is_empty() && !id.is_empty() && id != self.id;
        if !id.is_empty() {
            self.id = id;
        }
        if !again || kept.is_empty() {
            self.owed = Owed::Taking(partitions);
            return Ok(None);
        }
        partitions.extend(&kept);
        self.owed = Owed::Taking(partitions);
        for partition in &kept {
            self.forget(*partition);
        }
        // An assignment is owed, so that this does not answer a revocation.
        self.reading
            .consumer
            .give_back(&kept)
            .map_err(|error| self.failed("begin anew", error))?;
        Ok(Some(kept))
    }

    fn forget(&mut self, partition: i32) {
        self.reading.forget(partition);
        self.astray.remove(&partition);
        self.stuck.remove(&partition);
    }

    fn failed(&self, action: &'static str, error: KafkaError) -> LogError {
        self.reading.doing(action).failed(Failure::from(error))
    }

    /// Takes what the group assigned. Where it cannot be found out from where, the next poll tries again.
    fn take(&mut self) -> Result<Option<Polled>, LogError> {
        let Owed::Taking(partitions) = &self.owed else {
            return Ok(None);
        };
        let places = self.places(partitions)?;
        let from: Vec<(i32, i64)> = places
            .iter()
            .map(|place| (place.partition, place.from))
            .collect();
        self.reading
            .consumer
            .take(&from)
            .map_err(|error| self.failed("take the partitions the group assigned", error))?;
        self.owed = Owed::Nothing;
        for place in &places {
            self.finished.remove(&place.partition);
            self.reading.begin(place.partition, place.from, place.end);
        }
        Ok((!places.is_empty()).then_some(Polled::Assigned(places)))
    }

    /// Where partitions are read from.
    fn places(&self, partitions: &[i32]) -> Result<Vec<Assigned>, LogError> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let (shared, topic) = (self.shared(), &self.membership.topic);
        let patience = patience(shared);
        let committed = self
            .reading
            .consumer
            .committed(partitions, patience)
            .map_err(|error| self.failed("read committed offsets", error))?;
        // Asked first: a record that comes meanwhile lies behind the end, and is read.
        let edges = shared.offsets_within(topic, partitions, patience)?;
        let times = match self.membership.start {
            Start::Time(time) => {
                let new: Vec<i32> = partitions
                    .iter()
                    .copied()
                    .filter(|partition| !committed.contains_key(partition))
                    .collect();
                shared.offsets_of_time(topic, &new, time, patience)?
            }
            Start::Earliest | Start::Latest => BTreeMap::new(),
        };
        let place = |partition: &i32| {
            let (start, end) = edges.get(partition).copied().unwrap_or((0, 0));
            let committed = committed.get(partition).copied();
            let from = match (committed, self.membership.start) {
                (Some(offset), _) if offset < start || offset > end => {
                    self.instead(*partition, offset, start, end)?
                }
                (Some(offset), _) => offset,
                (None, Start::Earliest) => start,
                (None, Start::Latest) => end,
                (None, Start::Time(_)) => times.get(partition).copied().flatten().unwrap_or(end),
            };
            let finished = self.finished.get(partition);
            Ok(Assigned {
                partition: *partition,
                from: finished.map_or(from, |one| one.goes_on_at(committed, from, end)),
                committed,
                end,
            })
        };
        partitions.iter().map(place).collect()
    }

    /// See [`GroupReader::has_finished`](crate::log::GroupReader::has_finished).
    pub(crate) fn has_finished(&mut self, partition: i32, committed: Option<i64>, position: i64) {
        let finished = Finished {
            committed,
            position,
        };
        self.finished.insert(partition, finished);
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

    /// Gives back what the group wanted back, if it does.
    fn give_back(&mut self) -> Result<(), LogError> {
        let Owed::GivingBack { all, .. } = &self.owed else {
            return Ok(());
        };
        self.reading
            .consumer
            .give_back(all)
            .map_err(|error| self.failed("give partitions back to the group", error))?;
        self.owed = Owed::Nothing;
        Ok(())
    }

    pub(crate) fn release(&mut self, partitions: &[i32]) -> Result<(), LogError> {
        let Owed::GivingBack { left, .. } = &mut self.owed else {
            return Ok(());
        };
        for partition in partitions {
            left.remove(partition);
        }
        if left.is_empty() {
            return self.give_back();
        }
        Ok(())
    }

    pub(crate) fn commit(&mut self, offsets: &[(i32, i64)]) -> Result<(), LogError> {
        if self.shared().is_closed() {
            return Err(LogError::Closed);
        }
        // The coordinator knows topics by name: it would keep the offset for another one.
        if self.reading.topic.is_gone() {
            return Err(self.reading.gone());
        }
        let lost = self.is_out();
        for (partition, offset) in offsets {
            if lost || !self.may_commit(*partition) {
                return Err(self.not_held(*partition));
            }
            if *offset < 0 {
                return Err(self.impossible(*partition, *offset));
            }
        }
        let Some((first, _)) = offsets.first() else {
            return Ok(());
        };
        match self.reading.consumer.commit(offsets) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.not_committed(*first, error)),
        }
    }

    fn may_commit(&self, partition: i32) -> bool {
        let leaving = match &self.owed {
            Owed::GivingBack { left, .. } => left.contains(&partition),
            Owed::Nothing | Owed::Taking(_) => false,
        };
        leaving || self.position(partition).is_some()
    }

    fn not_committed(&self, partition: i32, error: KafkaError) -> LogError {
        let failure = Failure::from(error);
        match failure.code {
            Code::UnknownMemberId | Code::FencedInstanceId | Code::AssignmentLost => {
                self.not_held(partition)
            }
            Code::IllegalGeneration if self.is_out() => self.not_held(partition),
            // Of a rebalance that this member takes part in.
            Code::IllegalGeneration => LogError::Refused {
                action: "commit offsets",
                topic: self.membership.topic.clone(),
                transient: true,
                source: Arc::new(failure),
            },
            _ => self.reading.doing("commit offsets").failed(failure),
        }
    }

    /// An offset no record has.
    fn impossible(&self, partition: i32, offset: i64) -> LogError {
        let topic = &self.membership.topic;
        match self
            .shared()
            .offsets_within(topic, &[partition], patience(self.shared()))
        {
            Ok(edges) => {
                let (start, end) = edges.get(&partition).copied().unwrap_or((0, 0));
                LogError::OffsetOutOfRange {
                    topic: topic.clone(),
                    partition,
                    offset,
                    start,
                    end,
                }
            }
            Err(error) => error,
        }
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
        let free = matches!(self.owed, Owed::Nothing) && self.reading.told.is_none();
        self.reading.seek(partition, offset, free)?;
        self.astray.remove(&partition);
        self.stuck.remove(&partition);
        Ok(())
    }

    pub(crate) fn position(&self, partition: i32) -> Option<i64> {
        let mut positions = self.reading.positions();
        positions
            .find(|(one, _)| *one == partition)
            .map(|(_, position)| position)
    }

    pub(crate) fn waker(&self) -> ReaderWaker {
        self.reading.waker()
    }
}

impl Drop for KafkaMember {
    /// Leaves the group. That waits for what is owed, so it is answered first; librdkafka leaves when the consumer ends.
    fn drop(&mut self) {
        let consumer = &self.reading.consumer;
        let revoked = match (&self.owed, &self.reading.told) {
            (Owed::GivingBack { all, .. }, _) => Some(all),
            (_, Some(Told::Revoke(all))) => Some(all),
            (Owed::Taking(_), _) | (_, Some(Told::Assign(_))) => None,
            (Owed::Nothing, None) => return,
        };
        let answered = match revoked {
            Some(all) => consumer.give_back(all),
            // What is taken now would be given back at once.
            None => consumer.take(&[]),
        };
        if let Err(error) = answered {
            tracing::debug!(group = self.membership.group, %error, "leaving the group");
        }
    }
}
