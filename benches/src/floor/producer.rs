//! Records produced to Kafka by hand: rdkafka's idempotent producer with the settings that ours has, a counter of delivery
//! reports and no receipts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};

const LIMIT: Duration = Duration::from_secs(60);

/// Counts reports.
struct Reports(Arc<AtomicU64>);

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        assert!(result.is_ok());
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A producer, and the thread that serves its reports.
pub struct Producer {
    producer: Arc<BaseProducer<Reports>>,
    reported: Arc<AtomicU64>,
    sent: u64,
    done: Arc<AtomicBool>,
    polling: JoinHandle<()>,
}

impl Producer {
    /// Connects.
    pub fn new(bootstrap: &str) -> Producer {
        let reported = Arc::new(AtomicU64::new(0));
        let producer: BaseProducer<Reports> = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("enable.idempotence", "true")
            .set("partitioner", "murmur2_random")
            .set("compression.type", "lz4")
            .set("linger.ms", "2")
            .set("batch.num.messages", "100000")
            .create_with_context(Reports(Arc::clone(&reported)))
            .expect("a producer");
        let producer = Arc::new(producer);
        let done = Arc::new(AtomicBool::new(false));
        let polling = {
            let (producer, done) = (Arc::clone(&producer), Arc::clone(&done));
            std::thread::spawn(move || {
                while !done.load(Ordering::Acquire) {
                    producer.poll(Duration::from_millis(10));
                }
            })
        };
        Producer {
            producer,
            reported,
            sent: 0,
            done,
            polling,
        }
    }

    /// Sends one record, to this partition or to its key's; waits where there is no room.
    pub fn send(
        &mut self,
        topic: &str,
        partition: Option<i32>,
        (key, value): (&[u8], &[u8]),
        timestamp: i64,
    ) {
        let mut record = BaseRecord::to(topic)
            .key(key)
            .payload(value)
            .timestamp(timestamp);
        record.partition = partition;
        while let Err((error, back)) = self.producer.send(record) {
            let full = KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull);
            assert_eq!(error, full);
            std::thread::sleep(Duration::from_micros(200));
            record = back;
        }
        self.sent += 1;
    }

    /// Waits until all is acknowledged, and says how many were sent.
    pub fn finish(self) -> u64 {
        self.producer.flush(LIMIT).expect("flushed");
        assert_eq!(self.reported.load(Ordering::Relaxed), self.sent);
        self.done.store(true, Ordering::Release);
        self.polling.join().expect("the thread");
        self.sent
    }
}
