//! The broker and registry that benchmarks run on - the same for us, the floors and the peers of one run - and a topic of
//! orders there with our tables of it.

use std::path::Path;

use ksql_runtime::log::RecordBatch;
use ksql_runtime::prelude::*;
use ksql_runtime_tests::servers::{Kafka, KafkaOptions, RegistryServer, Skip};

use crate::entities::Order;
use crate::fill::{self, Settings, Workload};

/// Memory and compilation of a broker that is measured, not of one that starts quickly.
pub fn broker() -> KafkaOptions {
    KafkaOptions::new()
        .java("-Xmx1g")
        .java("-XX:TieredStopAtLevel=4")
}

/// Both servers of a run; they end with it.
pub struct Servers {
    kafka: Kafka,
    registry: RegistryServer,
}

impl Servers {
    /// Started, unless this machine cannot.
    pub fn start() -> Result<Servers, Skip> {
        Ok(Servers {
            kafka: Kafka::start_with(broker())?,
            registry: RegistryServer::start()?,
        })
    }

    /// `host:port`.
    pub fn bootstrap(&self) -> &str {
        self.kafka.bootstrap()
    }

    /// A topic of orders of its own, and an empty directory.
    pub fn place(&self, name: &str) -> Place {
        Place {
            settings: [
                ("bootstrap", self.bootstrap()),
                ("registry", self.registry.url()),
                ("topic_prefix", &format!("{name}-")),
            ]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .to_vec(),
            topic: format!("{name}-orders"),
            directory: tempfile::tempdir().expect("temporary directory"),
        }
    }
}

/// A topic of orders on the servers and a directory for our table of it.
pub struct Place {
    /// What a context is told of the servers.
    pub settings: Settings,
    /// The topic's name on the broker.
    pub topic: String,
    directory: tempfile::TempDir,
}

/// Records of a batch that others than us produced: large, so that a filled topic is soon there.
const BATCH: usize = 5000;

impl Place {
    /// Where the table is.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A context whose table is ready.
    pub async fn ready(&self) -> Context {
        fill::ready_with(self.directory(), &self.settings).await
    }

    /// Produces a whole workload through the context's log: tombstones by the thousand, which one by one would each wait
    /// for the broker.
    pub async fn fill(&self, ctx: &Context, workload: Workload) {
        let schema = ctx
            .registry()
            .register(&format!("{}-value", self.topic), Order::VALUE_SCHEMA)
            .await
            .expect("the schema is there already");
        let (mut key, mut value) = (Vec::new(), Vec::new());
        let mut batch = RecordBatch::with_capacity(BATCH, BATCH * 100);
        let mut waiting = 0;
        // Tombstones get the time of the row before: a broker begins a new segment where the times of one lie days apart.
        let mut at = 0;
        for operation in fill::operations(workload) {
            key.clear();
            value.clear();
            match operation {
                Ok(order) => {
                    order.encode_key(0, &mut key).expect("a key");
                    value.push(0);
                    value.extend_from_slice(&schema.to_be_bytes());
                    order.encode_value(&mut value).expect("a value");
                    at = order.ts.timestamp_millis();
                    batch.push(Some(&key), Some(&value), at, &[]);
                }
                Err(id) => {
                    key.extend_from_slice(&id.to_be_bytes());
                    batch.push(Some(&key), None, at, &[]);
                }
            }
            waiting += 1;
            if waiting == BATCH {
                let full = RecordBatch::with_capacity(BATCH, BATCH * 100);
                self.produce(ctx, std::mem::replace(&mut batch, full)).await;
                waiting = 0;
            }
        }
        self.produce(ctx, batch).await;
    }

    async fn produce(&self, ctx: &Context, batch: RecordBatch) {
        ctx.log()
            .produce_batch(&self.topic, batch)
            .await
            .expect("the batch is acknowledged");
    }
}
