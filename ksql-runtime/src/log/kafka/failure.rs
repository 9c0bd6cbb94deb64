//! What librdkafka or a broker said, and what it means to a caller of the log.
//!
//! Pure functions: code and text in, [`LogError`] out, with the text kept as the source.

use std::fmt;
use std::sync::Arc;

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::log::error::LogError;

/// A failure in the words of the broker or of librdkafka.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) code: Code,
    pub(super) text: String,
}

impl Failure {
    pub(super) fn new(code: Code, text: impl Into<String>) -> Failure {
        Failure {
            code,
            text: text.into(),
        }
    }

    /// No failure where the code is none.
    pub(super) fn check(code: Code, text: impl FnOnce() -> String) -> Result<(), Failure> {
        match code {
            Code::NoError => Ok(()),
            code => Err(Failure::new(code, text())),
        }
    }

    /// Whether the cluster does not believe who we are: waiting does not help.
    pub(super) fn is_authentication(&self) -> bool {
        matches!(
            self.code,
            Code::Authentication
                | Code::SaslAuthenticationFailed
                | Code::UnsupportedSASLMechanism
                | Code::IllegalSASLState
        )
    }

    /// Whether no answer came.
    pub(super) fn is_silence(&self) -> bool {
        matches!(
            self.code,
            Code::OperationTimedOut | Code::RequestTimedOut | Code::TimedOutQueue
        )
    }

    pub(super) fn out_of_memory() -> Failure {
        Failure::new(Code::Fail, "the client gave nothing")
    }

    pub(super) fn wrong_answer() -> Failure {
        Failure::new(Code::Fail, "the client gave the answer to another question")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { code, text } = self;
        if text.is_empty() {
            write!(f, "{code}")
        } else {
            write!(f, "{text} ({code:?})")
        }
    }
}

impl std::error::Error for Failure {}

impl From<KafkaError> for Failure {
    fn from(error: KafkaError) -> Failure {
        let code = match &error {
            // Left out by `rdkafka_error_code`.
            KafkaError::AdminOp(code) => Some(*code),
            other => other.rdkafka_error_code(),
        };
        // A configuration error would print the value of the setting, which may be a secret.
        let text = match error {
            KafkaError::ClientConfig(_, _, setting, _) => format!("the setting `{setting}`"),
            KafkaError::ClientCreation(text) | KafkaError::Subscription(text) => text,
            _ => String::new(),
        };
        Failure::new(code.unwrap_or(Code::Fail), text)
    }
}

/// What was being done, to be told with a failure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Doing<'a> {
    /// As in "could not `create the topic`".
    pub(super) action: &'static str,
    /// The topic.
    pub(super) topic: &'a str,
    /// The consumer group, where one is named.
    pub(super) group: Option<&'a str>,
    /// The addresses.
    pub(super) bootstrap: &'a str,
}

impl Doing<'_> {
    /// The failure as an error of the log.
    pub(super) fn failed(self, failure: Failure) -> LogError {
        let Doing {
            action,
            topic,
            group,
            bootstrap,
        } = self;
        let unauthorized = |resource: String, failure: Failure| LogError::Unauthorized {
            action,
            resource,
            source: Arc::new(failure),
        };
        match failure.code {
            Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownTopicId => {
                LogError::UnknownTopic {
                    topic: topic.to_owned(),
                }
            }
            Code::TopicAuthorizationFailed => unauthorized(format!("topic `{topic}`"), failure),
            Code::GroupAuthorizationFailed => {
                unauthorized(format!("group `{}`", group.unwrap_or_default()), failure)
            }
            Code::ClusterAuthorizationFailed => unauthorized("the cluster".to_owned(), failure),
            Code::Authentication
            | Code::SaslAuthenticationFailed
            | Code::UnsupportedSASLMechanism
            | Code::IllegalSASLState => LogError::Unauthenticated {
                bootstrap: bootstrap.to_owned(),
                source: Arc::new(failure),
            },
            Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::Resolve
            | Code::SSL
            | Code::OperationTimedOut
            | Code::RequestTimedOut
            | Code::TimedOutQueue
            | Code::NetworkException
            | Code::WaitingForCoordinator
            | Code::BrokerNotAvailable
            | Code::BrokerDestroy => LogError::Unreachable {
                action,
                bootstrap: bootstrap.to_owned(),
                source: Arc::new(failure),
            },
            code => LogError::Refused {
                action,
                topic: topic.to_owned(),
                transient: passes(code),
                source: Arc::new(failure),
            },
        }
    }
}

/// Whether the cluster may answer otherwise a little later.
fn passes(code: Code) -> bool {
    matches!(
        code,
        Code::LeaderNotAvailable
            | Code::NotLeaderForPartition
            | Code::ReplicaNotAvailable
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::NotCoordinator
            | Code::NotController
            | Code::NotEnoughReplicas
            | Code::NotEnoughReplicasAfterAppend
            | Code::RebalanceInProgress
            | Code::KafkaStorageError
            | Code::FencedLeaderEpoch
            | Code::UnknownLeaderEpoch
            | Code::OffsetNotAvailable
            | Code::PreferredLeaderNotAvailable
            | Code::UnstableOffsetCommit
            | Code::ThrottlingQuotaExceeded
            | Code::ConcurrentTransactions
            | Code::Retry
            | Code::InProgress
            | Code::PreviousInProgress
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(code: Code) -> LogError {
        Doing {
            action: "create the topic",
            topic: "t",
            group: None,
            bootstrap: "kafka:9092",
        }
        .failed(Failure::new(code, "the broker's words"))
    }

    #[test]
    fn what_may_pass_is_told_from_what_does_not() {
        for (code, transient) in [
            (Code::BrokerTransportFailure, true),
            (Code::OperationTimedOut, true),
            (Code::NotLeaderForPartition, true),
            (Code::TopicAuthorizationFailed, false),
            (Code::SaslAuthenticationFailed, false),
            (Code::PolicyViolation, false),
            (Code::UnknownTopicOrPartition, false),
        ] {
            assert_eq!(failed(code).is_transient(), transient, "{code:?}");
        }
    }

    #[test]
    fn the_broker_is_quoted_as_the_source() {
        let error = failed(Code::PolicyViolation);
        let source = std::error::Error::source(&error).map(ToString::to_string);
        assert_eq!(
            source.as_deref(),
            Some("the broker's words (PolicyViolation)")
        );
    }

    #[test]
    fn a_configuration_error_does_not_print_the_value() {
        let error = KafkaError::ClientConfig(
            rdkafka::types::RDKafkaConfRes::RD_KAFKA_CONF_INVALID,
            "wrong: hunter2".to_owned(),
            "sasl.password".to_owned(),
            "hunter2".to_owned(),
        );
        let failure = Failure::from(error);
        assert!(!format!("{failure} {failure:?}").contains("hunter2"));
    }
}
