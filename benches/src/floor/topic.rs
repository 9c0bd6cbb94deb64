//! A topic on Kafka read by hand: rdkafka's consumer, all partitions assigned from their start, polled record by record up
//! to the ends there were.

use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

const LIMIT: Duration = Duration::from_secs(60);

/// A consumer with the settings that our reader has.
pub fn consumer(bootstrap: &str) -> BaseConsumer {
    ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "floor")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("fetch.queue.backoff.ms", "5")
        .set("fetch.message.max.bytes", "4194304")
        .create()
        .expect("a consumer")
}

/// A topic, to be read once.
pub struct Topic {
    consumer: BaseConsumer,
    ends: Vec<i64>,
    /// Partitions that are not at their end.
    behind: usize,
}

impl Topic {
    /// Connects and asks where the partitions end.
    pub fn open(bootstrap: &str, name: &str) -> Topic {
        let consumer = consumer(bootstrap);
        let metadata = consumer
            .fetch_metadata(Some(name), LIMIT)
            .expect("metadata");
        let partitions = metadata.topics().first().expect("a topic").partitions();
        let mut list = TopicPartitionList::new();
        let mut ends = vec![0; partitions.len()];
        let mut behind = 0;
        for partition in partitions.iter().map(|partition| partition.id()) {
            let (low, high) = consumer
                .fetch_watermarks(name, partition, LIMIT)
                .expect("watermarks");
            ends[partition as usize] = high;
            behind += usize::from(low < high);
            list.add_partition_offset(name, partition, Offset::Offset(low))
                .expect("an offset");
        }
        consumer.assign(&list).expect("assigned");
        Topic {
            consumer,
            ends,
            behind,
        }
    }

    /// How many there are.
    pub fn partitions(&self) -> i32 {
        self.ends.len() as i32
    }

    /// Gives every record to `each`: partition, offset, key and value.
    pub fn drain(&mut self, mut each: impl FnMut(i32, i64, &[u8], Option<&[u8]>)) {
        while self.behind > 0 {
            let message = self
                .consumer
                .poll(LIMIT)
                .expect("a record")
                .expect("no error");
            let (partition, offset) = (message.partition(), message.offset());
            each(
                partition,
                offset,
                message.key().unwrap_or_default(),
                message.payload(),
            );
            // Nothing else writes meanwhile and nothing is a transaction's: the last offset is a record's.
            self.behind -= usize::from(offset + 1 == self.ends[partition as usize]);
        }
    }
}
