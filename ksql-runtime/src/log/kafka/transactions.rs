//! A producer of transactions: what it sends becomes visible together, or never.
//!
//! Invariant: of those that were begun with one id only the last writes; the others are shut out by the brokers, and what they had not
//! committed is taken back. One transaction at a time, which its user sees to. Blocks; belongs to the election and to
//! whoever has the turn.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::error::KafkaError;
use rdkafka::producer::Producer as _;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::failure::{Doing, Failure};
use super::options::KafkaOptions;
use super::produce::Producer;
use crate::log::error::LogError;

/// How long a call waits before it is asked whether to go on: librdkafka goes on with it when it is called again.
const SLICE: Duration = Duration::from_millis(500);
/// How long it takes about until reports that came are taken.
const REPORTS: Duration = Duration::from_micros(200);

/// The producer, and its id.
#[derive(Debug)]
pub(super) struct Transactions {
    pub(super) producer: Producer,
    id: String,
    bootstrap: String,
}

/// What ended a transaction.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) error: LogError,
    /// Another producer has the id, or the brokers have given ours up.
    pub(super) fenced: bool,
}

impl Transactions {
    /// Shuts out whoever had the id before. Returns when the transaction that one may have left is over.
    pub(super) fn begin(
        options: &KafkaOptions,
        id: &str,
        mut go_on: impl FnMut() -> bool,
    ) -> Result<Transactions, Broken> {
        let producer = Producer::with(options, &options.transactional_config(id));
        let transactions = Transactions {
            producer: producer.map_err(|error| Broken {
                error,
                fenced: false,
            })?,
            id: id.to_owned(),
            bootstrap: options.bootstrap.clone(),
        };
        let client = &transactions.producer.client;
        // A broker answers it as soon as there is a connection. Without one librdkafka, asked for the coordinator, waits for
        // half a second before it looks again: on a broker nearby that was one beginning in six. What fails here is told by
        // what follows.
        drop(client.client().fetch_metadata(Some(id), SLICE));
        transactions.repeat("begin as a producer of transactions", &mut go_on, || {
            client.init_transactions(SLICE)
        })?;
        Ok(transactions)
    }

    /// Opens a transaction. Nothing is asked of a broker.
    pub(super) fn open(&self) -> Result<(), Broken> {
        let opened = self.producer.client.begin_transaction();
        opened.map_err(|error| self.broken("open a transaction", error))
    }

    /// Makes what was sent visible. After an error it may be visible all the same.
    pub(super) fn commit(&self, mut go_on: impl FnMut() -> bool) -> Result<(), Broken> {
        self.settle();
        self.repeat("commit a transaction", &mut go_on, || {
            self.producer.client.commit_transaction(SLICE)
        })
    }

    /// Waits until the last reports are taken. Those who sent have them all, but librdkafka counts a report a moment longer, and
    /// rdkafka, which flushes before it commits, looks only every 100 ms whether none is left.
    fn settle(&self) {
        let client = &self.producer.client;
        let began = Instant::now();
        while client.in_flight_count() > 0 && began.elapsed() < SLICE {
            std::thread::park_timeout(REPORTS);
        }
    }

    /// Takes back what was sent.
    pub(super) fn abort(&self, mut go_on: impl FnMut() -> bool) -> Result<(), Broken> {
        self.repeat("abort a transaction", &mut go_on, || {
            self.producer.client.abort_transaction(SLICE)
        })
    }

    /// Calls again what may go on, as long as it may.
    fn repeat(
        &self,
        action: &'static str,
        go_on: &mut dyn FnMut() -> bool,
        mut call: impl FnMut() -> Result<(), KafkaError>,
    ) -> Result<(), Broken> {
        loop {
            let Err(error) = call() else {
                return Ok(());
            };
            let again = matches!(&error, KafkaError::Transaction(error) if error.is_retriable());
            if !again || !go_on() {
                return Err(self.broken(action, error));
            }
            // What is refused at once is not asked for without a pause.
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// What an error of the producer means.
    pub(super) fn broken(&self, action: &'static str, error: KafkaError) -> Broken {
        let said = match &error {
            KafkaError::Transaction(error) => error.string(),
            other => other.to_string(),
        };
        let mut failure = Failure::from(error);
        failure.text = said;
        if failure.code == Code::Fatal
            && let Some(fatal) = self.producer.fatal()
        {
            failure = fatal;
        }
        self.told(action, failure)
    }

    /// Whether the producer is of no use any more, and why.
    pub(super) fn end(&self) -> Option<Broken> {
        Some(self.told("write in a transaction", self.producer.fatal()?))
    }

    fn told(&self, action: &'static str, failure: Failure) -> Broken {
        if let Code::TransactionalIdAuthorizationFailed | Code::ClusterAuthorizationFailed =
            failure.code
        {
            return Broken {
                error: LogError::Unauthorized {
                    action,
                    resource: format!("transactional id `{}` (Describe, Write)", self.id),
                    source: Arc::new(failure),
                },
                fenced: false,
            };
        }
        let fenced = is_fenced(failure.code);
        let doing = Doing {
            action,
            topic: &self.id,
            group: None,
            bootstrap: &self.bootstrap,
        };
        let error = match doing.failed(failure.clone()) {
            // A new transaction may go well.
            LogError::Refused { .. } => LogError::Unreachable {
                action,
                bootstrap: self.bootstrap.clone(),
                source: Arc::new(failure),
            },
            error => error,
        };
        Broken { error, fenced }
    }
}

/// Whether the brokers shut a producer out that says so.
fn is_fenced(code: Code) -> bool {
    matches!(
        code,
        Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch
    )
}

impl Drop for Transactions {
    fn drop(&mut self) {
        // What is not committed is taken back by whoever begins with the id next, or by the brokers.
        self.producer.close(Duration::ZERO);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::BaseRecord;
    use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

    use super::*;

    fn send(transactions: &Transactions) {
        let record: BaseRecord<'_, [u8], [u8], usize> = BaseRecord {
            topic: "results",
            partition: Some(0),
            payload: Some(b"v"),
            key: Some(b"k"),
            timestamp: None,
            headers: None,
            delivery_opaque: usize::MAX,
        };
        transactions.producer.client.send(record).ok().unwrap();
    }

    #[test]
    fn a_commit_is_not_held_up_by_reports_that_another_thread_takes() {
        const COMMITS: u32 = 20;
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("results", 1, 1).unwrap();
        let options = KafkaOptions::new(cluster.bootstrap_servers());
        let transactions = Transactions::begin(&options, "shop", || true).unwrap();
        let began = Instant::now();
        for _ in 0..COMMITS {
            transactions.open().unwrap();
            send(&transactions);
            transactions.commit(|| true).unwrap();
        }
        // Where rdkafka waits for the reports, which it never sees, each takes 100 ms.
        let each = began.elapsed() / COMMITS;
        assert!(each < Duration::from_millis(50), "{each:?}");
    }

    #[test]
    fn whoever_is_shut_out_is_told_so_and_who_may_try_again_is_not() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("results", 1, 1).unwrap();
        let options = KafkaOptions::new(cluster.bootstrap_servers());
        let ends = |error: RDKafkaRespErr, fenced: bool| {
            let transactions = Transactions::begin(&options, "shop", || true).unwrap();
            transactions.open().unwrap();
            send(&transactions);
            cluster.request_errors(RDKafkaApiKey::EndTxn, &[error]);
            let broken = transactions.commit(|| true).unwrap_err();
            assert_eq!(broken.fenced, fenced, "{broken:?}");
            if !fenced {
                assert!(broken.error.is_transient(), "{broken:?}");
                transactions.abort(|| true).unwrap();
                transactions.open().unwrap();
                send(&transactions);
                transactions.commit(|| true).unwrap();
            }
        };
        ends(
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH,
            true,
        );
        ends(RDKafkaRespErr::RD_KAFKA_RESP_ERR_PRODUCER_FENCED, true);
        ends(
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING,
            false,
        );
    }

    #[test]
    fn a_right_that_is_missing_is_named() {
        let cluster = MockCluster::new(1).unwrap();
        let refused = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
        cluster.request_errors(RDKafkaApiKey::InitProducerId, &[refused; 8]);
        let options = KafkaOptions::new(cluster.bootstrap_servers());
        let Broken { error, fenced } = Transactions::begin(&options, "shop", || true).unwrap_err();
        assert!(!fenced);
        let LogError::Unauthorized { resource, .. } = &error else {
            unreachable!("{error:?}")
        };
        assert_eq!(resource, "transactional id `shop` (Describe, Write)");
    }
}
