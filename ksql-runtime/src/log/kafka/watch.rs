//! What a reading is told beside records: errors of librdkafka, and whether its topic is still the same.
//!
//! Called by the thread that reads. It waits for the cluster only where an error has to be explained.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::types::RDKafkaErrorCode as Code;

use super::failure::Failure;
use super::native::{self, Call};
use super::reading::{Reading, patience};
use crate::log::error::LogError;

/// The question whether the topic is still the same.
#[derive(Debug)]
pub(super) struct Check {
    asked: Option<Call>,
    due: Instant,
}

impl Check {
    pub(super) fn due(due: Instant) -> Check {
        Check { asked: None, due }
    }
}

impl Reading {
    /// What an error event means. None where librdkafka goes on by itself.
    pub(super) fn judge(
        &self,
        partition: Option<i32>,
        failure: Failure,
        fatal: bool,
    ) -> Option<LogError> {
        tracing::debug!(topic = %self.topic.name, partition, error = %failure, "reading");
        match failure.code {
            Code::AutoOffsetReset | Code::OffsetOutOfRange => Some(self.out_of_range(partition?)),
            Code::UnknownTopicOrPartition
            | Code::UnknownTopic
            | Code::UnknownTopicId
            | Code::UnknownPartition => match self.topic_now() {
                // A broker that does not know yet, or not any more, while it is handed over.
                Ok(now) if Arc::ptr_eq(&now, &self.topic) => None,
                Ok(_) => Some(self.gone()),
                Err(error) => Some(error),
            },
            // Readers need no coordinator.
            Code::GroupAuthorizationFailed if self.group.is_none() => None,
            // Who commits is told when he does; a member joins again by itself.
            Code::CoordinatorNotAvailable
            | Code::NotCoordinator
            | Code::CoordinatorLoadInProgress
            | Code::WaitingForCoordinator
            | Code::PollExceeded
            | Code::UnknownMemberId
            | Code::IllegalGeneration
            | Code::RebalanceInProgress => None,
            // One connection of several; all of them down is an event of its own.
            Code::BrokerTransportFailure
            | Code::Resolve
            | Code::OperationTimedOut
            | Code::NetworkException
            | Code::RequestTimedOut
            | Code::TimedOutQueue
                if !fatal =>
            {
                None
            }
            // A broker failed and does not know at what: what is there to be read may be had a little later, and readers lose
            // nothing by asking again.
            Code::Unknown => Some(LogError::Refused {
                action: "read",
                topic: self.topic.name.to_string(),
                transient: true,
                source: Arc::new(failure),
            }),
            _ => match self.doing("read").failed(failure) {
                LogError::Refused {
                    transient: true, ..
                } if !fatal => None,
                error => Some(error),
            },
        }
    }

    /// The offset we wanted is not there: because records were removed, or because the topic is another one.
    fn out_of_range(&self, partition: i32) -> LogError {
        let topic = &self.topic.name;
        match self.topic_now() {
            Ok(now) if Arc::ptr_eq(&now, &self.topic) => {}
            Ok(_) => return self.gone(),
            Err(error) => return error,
        }
        let offset = self
            .slots
            .iter()
            .find(|slot| slot.partition == partition)
            .map_or(0, |slot| slot.next);
        match self
            .shared
            .offsets_within(topic, &[partition], patience(&self.shared))
        {
            Ok(edges) => {
                let (start, end) = edges.get(&partition).copied().unwrap_or((0, 0));
                LogError::OffsetOutOfRange {
                    topic: topic.to_string(),
                    partition,
                    offset,
                    start,
                    end,
                }
            }
            Err(error) => error,
        }
    }

    /// The topic this reader was made for is there no longer: what is instead.
    pub(super) fn gone(&self) -> LogError {
        match self.topic_now() {
            Ok(now) => LogError::TopicRecreated {
                topic: self.topic.name.to_string(),
                was: self.topic.id,
                now: now.id,
            },
            Err(error) => error,
        }
    }

    /// Asks from time to time whether the topic is the same, and never waits for the answer.
    pub(super) fn check(&mut self) {
        let now = Instant::now();
        match &self.check.asked {
            None if now >= self.check.due => {
                let timeout = self.shared.options.request_timeout;
                let client = &self.shared.producer.client;
                self.check.asked = native::ask_topics(client, &[&self.topic.name], timeout).ok();
                self.check.due = now + self.shared.options.topic_check;
            }
            None => {}
            Some(call) => {
                let Some(answer) = call.poll(Duration::ZERO) else {
                    return;
                };
                let told = native::described(&answer);
                self.check.asked = None;
                self.check.due = now + self.shared.options.topic_check;
                // Another topic of the name marks ours as gone; a failed question is asked again.
                match told.map(|mut told| told.pop()) {
                    Ok(Some(Ok(described))) => {
                        self.shared.catalog.learn(&described);
                    }
                    Ok(Some(Err(failure))) if failure.code == Code::UnknownTopicOrPartition => {
                        self.shared.catalog.forget(&self.topic.name);
                        self.topic.mark_gone();
                    }
                    Ok(_) => {}
                    Err(failure) => {
                        tracing::debug!(topic = %self.topic.name, error = %failure, "asking for the topic")
                    }
                }
            }
        }
    }
}
