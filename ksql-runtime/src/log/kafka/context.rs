//! What librdkafka tells a client: log lines, errors of connections, delivery reports.
//!
//! Called by the thread that polls the client, so nothing here waits.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::producer::ProducerContext;
use rdkafka::types::RDKafkaErrorCode;

use super::failure::Failure;
use super::pending::{Delivered, Pending};
use super::statistics::Statistics;

/// How long a refused password counts as the reason of connections that break.
const REFUSAL_STANDS: Duration = Duration::from_secs(10);

/// Passes log lines of a consumer on to `tracing`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Logging;

impl ClientContext for Logging {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log_line(level as i32, facility, line);
    }

    // librdkafka reconnects by itself; who waits for an answer is told by that answer.
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, "{reason}");
    }

    fn stats_raw(&self, _statistics: &[u8]) {}
}

impl ConsumerContext for Logging {}

/// What the producer is told: the same, the fate of each record, and why connections fail.
#[derive(Debug)]
pub(super) struct Deliveries {
    pending: Arc<Pending>,
    pub(super) statistics: Statistics,
    connection: Mutex<Option<(Instant, Failure)>>,
}

impl Deliveries {
    pub(super) fn new(pending: Arc<Pending>) -> Deliveries {
        Deliveries {
            pending,
            statistics: Statistics::default(),
            connection: Mutex::new(None),
        }
    }

    /// The last failure of a connection since then: why a request that got no answer got none.
    pub(super) fn connection_failure(&self, since: Instant) -> Option<Failure> {
        let last = self.connection.lock();
        let last = last.unwrap_or_else(PoisonError::into_inner);
        let (at, failure) = last.as_ref()?;
        (*at >= since).then(|| failure.clone())
    }
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log_line(level as i32, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, "{reason}");
        let mut failure = Failure::from(error);
        // Says only that all others failed; what they said is worth more.
        if failure.code == RDKafkaErrorCode::AllBrokersDown {
            return;
        }
        reason.trim().clone_into(&mut failure.text);
        let mut last = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Called for a refused password with every attempt, mixed with broken connections: it explains those.
        let explained = last.as_ref().is_some_and(|(at, known)| {
            known.is_authentication()
                && !failure.is_authentication()
                && at.elapsed() < REFUSAL_STANDS
        });
        if !explained {
            *last = Some((Instant::now(), failure));
        }
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.statistics.keep(statistics);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: usize) {
        let told = match result {
            Ok(message) => Ok(Delivered {
                partition: message.partition(),
                offset: message.offset(),
                timestamp: message.timestamp().to_millis(),
            }),
            Err((error, _)) => Err(Failure::from(error.clone())),
        };
        self.pending.report(ticket, told);
    }
}

/// A line of librdkafka's log, with syslog's levels.
pub(super) fn log_line(level: i32, facility: &str, line: &str) {
    let (facility, line) = (facility.trim(), line.trim());
    match level {
        ..=3 => tracing::error!(target: "librdkafka", facility, "{line}"),
        4 => tracing::warn!(target: "librdkafka", facility, "{line}"),
        5 | 6 => tracing::info!(target: "librdkafka", facility, "{line}"),
        _ => tracing::debug!(target: "librdkafka", facility, "{line}"),
    }
}

/// The level librdkafka shall log at, from what `tracing` wants.
pub(super) fn log_level() -> RDKafkaLogLevel {
    use tracing::Level;
    if tracing::enabled!(target: "librdkafka", Level::DEBUG) {
        RDKafkaLogLevel::Debug
    } else if tracing::enabled!(target: "librdkafka", Level::INFO) {
        RDKafkaLogLevel::Info
    } else if tracing::enabled!(target: "librdkafka", Level::WARN) {
        RDKafkaLogLevel::Warning
    } else {
        RDKafkaLogLevel::Error
    }
}
