//! How a Kafka log is opened, and the settings each of its clients gets.
//!
//! Invariant: a setting that a promise of the log rests on is ours; passing it through is refused with the reason,
//! wherever it is given. Values of secret settings are never printed. Pure but for asking librdkafka what it accepts.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::error::KafkaError;

use super::context::log_level;
use super::native;
use crate::log::client_settings::{is_secret, owned};
use crate::log::error::LogError;

/// Milliseconds between two countings of a client, for the metrics of it.
const STATISTICS_INTERVAL: &str = "5000";

/// How a Kafka log is opened.
#[derive(Clone, PartialEq, Eq)]
pub struct KafkaOptions {
    /// Addresses of brokers, separated by commas: `host:9092,other:9092`.
    pub bootstrap: String,
    /// Settings of librdkafka for every client, by its own names: security, client id, time-outs. Default: none.
    pub client: BTreeMap<String, String>,
    /// Settings for the producer alone; they go before `client`. Default: none.
    pub producer: BTreeMap<String, String>,
    /// Settings for consumers alone; they go before `client`. Default: none.
    pub consumer: BTreeMap<String, String>,
    /// The group name under which readers look for a coordinator. They join no group and commit nothing. Default:
    /// `ksql-reader`.
    pub reader_group: String,
    /// How long an answer to anything but producing may take. Default: 30 s. Minimum: 1 s.
    pub request_timeout: Duration,
    /// How long a record may wait for its acknowledgement, all attempts included, before producing it is an error.
    /// Default: 2 min. Minimum: 1 s.
    pub delivery_timeout: Duration,
    /// How long closing waits for acknowledgements; what is not acknowledged then is told. Default: 8 s.
    pub close_timeout: Duration,
    /// How often a reader asks whether its topic is still the same one and how many partitions it has. Default: 5 s.
    pub topic_check: Duration,
    /// Memory for records waiting to be acknowledged; more wait outside. Default: 64 MiB. Minimum: 1 MiB.
    pub memory_bytes: usize,
    /// Memory for what each reader has fetched and not given out: half of it for its queue, half for an answer on its
    /// way, of which there is one a broker. A record larger than that is read all the same. Settings of consumers that are
    /// given by name go before it. Default: 64 MiB. Minimum: 2 MiB, and less is taken as that.
    pub reader_bytes: usize,
}

/// The least half of a reader's memory: librdkafka asks for no smaller answers than the largest message it expects.
const LEAST_FETCH: usize = 1024 * 1024;

/// The most of one partition in an answer, so that partitions take turns.
const PARTITION_FETCH: usize = 4 * 1024 * 1024;

/// How long a transaction may take before the brokers end it. While one is open, nobody reads past it.
const TRANSACTION: Duration = Duration::from_secs(60);

impl KafkaOptions {
    /// The defaults for some brokers.
    pub fn new(bootstrap: impl Into<String>) -> KafkaOptions {
        KafkaOptions {
            bootstrap: bootstrap.into(),
            client: BTreeMap::new(),
            producer: BTreeMap::new(),
            consumer: BTreeMap::new(),
            reader_group: "ksql-reader".to_owned(),
            request_timeout: Duration::from_secs(30),
            delivery_timeout: Duration::from_secs(120),
            close_timeout: Duration::from_secs(8),
            topic_check: Duration::from_secs(5),
            memory_bytes: 64 * 1024 * 1024,
            reader_bytes: 64 * 1024 * 1024,
        }
    }

    /// Checks every setting without a broker, by giving it to librdkafka.
    ///
    /// # Errors
    /// [`LogError::InvalidSetting`] with the setting's name and what is wrong.
    pub fn validate(&self) -> Result<(), LogError> {
        self.check()?;
        let mut producer = self.producer_config();
        without_address(&mut producer);
        // Clients find what the settings contradict; a configuration alone finds only what is wrong by itself.
        let producer = producer
            .create_with_context::<_, rdkafka::producer::BaseProducer<_>>(
                super::context::Deliveries::new(std::sync::Arc::default()),
            )
            .map_err(|error| refused(error, "producer"))?;
        let_go(producer);
        self.validate_consumer()
    }

    /// Checks a reader's settings, as [`KafkaOptions::validate`] does.
    pub(super) fn validate_consumer(&self) -> Result<(), LogError> {
        let mut consumer = self.reader_config();
        without_address(&mut consumer);
        let consumer = consumer
            .create_with_context::<_, rdkafka::consumer::BaseConsumer<_>>(super::context::Logging)
            .map_err(|error| refused(error, "consumer"))?;
        let_go(consumer);
        Ok(())
    }

    /// Checks what is ours to check.
    pub(super) fn check(&self) -> Result<(), LogError> {
        if self.bootstrap.split(',').all(|one| one.trim().is_empty()) {
            return Err(invalid(
                "bootstrap",
                "it names no broker: write host:9092".to_owned(),
            ));
        }
        for (name, value, least) in [
            ("request_timeout", self.request_timeout, 1),
            ("delivery_timeout", self.delivery_timeout, 1),
        ] {
            if value < Duration::from_secs(least) {
                return Err(invalid(name, format!("it is at least {least} s")));
            }
        }
        if self.memory_bytes < 1024 * 1024 {
            return Err(invalid("memory_bytes", "it is at least 1 MiB".to_owned()));
        }
        for settings in [&self.client, &self.producer, &self.consumer] {
            for name in settings.keys() {
                if let Some(reason) = owned(name) {
                    return Err(invalid(name, reason.to_owned()));
                }
            }
        }
        Ok(())
    }

    /// The producer's settings. It serves every request to the cluster too.
    pub(super) fn producer_config(&self) -> ClientConfig {
        let mut config = self.config(&[
            // Calls issued together travel together.
            ("linger.ms", "2"),
            ("compression.type", "lz4"),
            ("batch.num.messages", "100000"),
            // The broker and the topic say what is too large, not the client.
            ("message.max.bytes", "100000000"),
            ("statistics.interval.ms", STATISTICS_INTERVAL),
        ]);
        config.extend(copied(&self.producer));
        for (name, value) in [
            ("enable.idempotence", "true"),
            ("acks", "all"),
            ("partitioner", "murmur2_random"),
            // The room is ours to bound: by bytes, and by waiting instead of an error.
            ("queue.buffering.max.messages", "10000000"),
            ("queue.buffering.max.kbytes", "2097151"),
        ] {
            config.set(name, value);
        }
        config.set("delivery.timeout.ms", milliseconds(self.delivery_timeout));
        config
    }

    /// A reader's settings.
    pub(super) fn reader_config(&self) -> ClientConfig {
        let mut config = self.config(&[
            // A full queue is fetched for again as soon as it is not.
            ("fetch.queue.backoff.ms", "5"),
            ("fetch.error.backoff.ms", "100"),
            // That a reader is at the end, behind the mark of a transaction, is known with the first answer that has nothing.
            ("fetch.wait.max.ms", "100"),
            ("statistics.interval.ms", STATISTICS_INTERVAL),
        ]);
        for (name, value) in self.fetched_ahead() {
            config.set(name, value);
        }
        config.extend(copied(&self.consumer));
        for (name, value) in [
            ("auto.offset.reset", "error"),
            ("isolation.level", "read_committed"),
            ("enable.partition.eof", "true"),
        ] {
            config.set(name, value);
        }
        consumer_promises(&mut config);
        config.set("group.id", &self.reader_group);
        config
    }

    /// The settings of a member of a group: a reader's, but for what the group needs.
    pub(super) fn member_config(&self, group: &str) -> ClientConfig {
        let mut config = self.reader_config();
        // Partitions that were added are found as fast as other changes of the topic.
        let refresh = "topic.metadata.refresh.interval.ms";
        if !self.consumer.contains_key(refresh) && !self.client.contains_key(refresh) {
            let least = Duration::from_millis(10);
            config.set(refresh, milliseconds(self.topic_check.max(least)));
        }
        config.set("group.id", group);
        config.set("partition.assignment.strategy", "cooperative-sticky");
        config
    }

    /// How much a reader fetches ahead, but for what is set by name.
    fn fetched_ahead(&self) -> Vec<(&'static str, String)> {
        let given = |name: &str| self.consumer.get(name).or_else(|| self.client.get(name));
        let half = (self.reader_bytes / 2).max(LEAST_FETCH);
        // No answer may be smaller than the largest message that is expected.
        let largest = given("message.max.bytes").and_then(|value| value.trim().parse().ok());
        let answer = half.max(largest.unwrap_or(0));
        let settings = [
            ("queued.max.messages.kbytes", None, half / 1024, 2_097_151),
            ("fetch.max.bytes", None, answer, 2_147_483_135),
            (
                "fetch.message.max.bytes",
                Some("max.partition.fetch.bytes"),
                half.min(PARTITION_FETCH),
                1_000_000_000,
            ),
        ];
        let left = settings.into_iter().filter(|(name, other, ..)| {
            given(name).is_none() && other.is_none_or(|other| given(other).is_none())
        });
        left.map(|(name, _, value, most)| (name, value.min(most).to_string()))
            .collect()
    }

    /// The settings of a consumer that only keeps a group's offsets.
    pub(super) fn group_config(&self, group: &str) -> ClientConfig {
        let mut config = self.config(&[]);
        config.extend(copied(&self.consumer));
        consumer_promises(&mut config);
        config.set("group.id", group);
        config
    }

    /// The settings of a producer whose records become visible together, and that shuts out whoever had its id before.
    pub(super) fn transactional_config(&self, id: &str) -> ClientConfig {
        let mut config = self.producer_config();
        config.set("transactional.id", id);
        config.set("transaction.timeout.ms", milliseconds(TRANSACTION));
        // No record may outlive its transaction.
        let delivery = self.delivery_timeout.min(TRANSACTION);
        config.set("delivery.timeout.ms", milliseconds(delivery));
        config
    }

    /// The settings of a consumer that is a member of a group, to be one of it and not to read.
    pub(super) fn candidate_config(&self, group: &str) -> ClientConfig {
        let mut config = self.config(&[
            ("session.timeout.ms", "6000"),
            ("heartbeat.interval.ms", "1500"),
        ]);
        config.extend(copied(&self.consumer));
        consumer_promises(&mut config);
        // Whoever has the partition keeps it when another member comes.
        config.set("partition.assignment.strategy", "cooperative-sticky");
        config.set("auto.offset.reset", "latest");
        config.set("group.id", group);
        config
    }

    fn config(&self, defaults: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("client.id", "ksql-runtime");
        // Brokers that are back are found within a second, not ten.
        config.set("reconnect.backoff.ms", "50");
        config.set("reconnect.backoff.max.ms", "1000");
        for (name, value) in defaults {
            config.set(*name, *value);
        }
        config.extend(copied(&self.client));
        config.set("bootstrap.servers", &self.bootstrap);
        config.set_log_level(log_level());
        config
    }
}

fn consumer_promises(config: &mut ClientConfig) {
    config.set("enable.auto.commit", "false");
    config.set("enable.auto.offset.store", "false");
}

fn copied(settings: &BTreeMap<String, String>) -> impl Iterator<Item = (String, String)> {
    settings
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()))
}

fn milliseconds(time: Duration) -> String {
    time.as_millis().min(i32::MAX as u128).to_string()
}

impl fmt::Debug for KafkaOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let KafkaOptions {
            bootstrap,
            client,
            producer,
            consumer,
            reader_group,
            request_timeout,
            delivery_timeout,
            close_timeout,
            topic_check,
            memory_bytes,
            reader_bytes,
        } = self;
        f.debug_struct("KafkaOptions")
            .field("bootstrap", bootstrap)
            .field("client", &Shown(client))
            .field("producer", &Shown(producer))
            .field("consumer", &Shown(consumer))
            .field("reader_group", reader_group)
            .field("request_timeout", request_timeout)
            .field("delivery_timeout", delivery_timeout)
            .field("close_timeout", close_timeout)
            .field("topic_check", topic_check)
            .field("memory_bytes", memory_bytes)
            .field("reader_bytes", reader_bytes)
            .finish()
    }
}

/// Settings with the secret values hidden.
struct Shown<'a>(&'a BTreeMap<String, String>);

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.0.iter().map(|(name, value)| {
                let value = if is_secret(name) { "***" } else { value };
                (name, value)
            }))
            .finish()
    }
}

/// Without an address nothing is connected to.
fn without_address(config: &mut ClientConfig) {
    config.remove("bootstrap.servers");
    config.set_log_level(rdkafka::config::RDKafkaLogLevel::Emerg);
}

/// Ends a client that was only tried out. That takes a tenth of a second, for which nobody needs to wait.
fn let_go(client: impl Send + 'static) {
    // Without a thread it ends here.
    let _ = std::thread::Builder::new()
        .name("ksql-kafka-tried".to_owned())
        .spawn(move || drop(client));
}

fn invalid(setting: &str, defect: String) -> LogError {
    LogError::InvalidSetting {
        setting: setting.to_owned(),
        defect,
    }
}

/// What librdkafka said about a setting, without the value of a secret.
pub(super) fn refused(error: KafkaError, client: &str) -> LogError {
    match error {
        KafkaError::ClientConfig(_, said, setting, value) => {
            let feature = feature(&said);
            let said = if is_secret(&setting) || (!value.is_empty() && is_secret(&said)) {
                "its value is not possible".to_owned()
            } else {
                said
            };
            let mut defect = format!("librdkafka says: {}", said.trim());
            if said.contains("No such configuration property") {
                if let Some(near) = nearest(&setting) {
                    defect = format!("there is no such setting; did you mean `{near}`?");
                } else {
                    defect = "librdkafka has no such setting".to_owned();
                }
            }
            if let Some(feature) = feature {
                defect = format!("librdkafka was built without it{feature}");
            }
            invalid(&setting, defect)
        }
        KafkaError::ClientCreation(said) => {
            let cure = feature(&said).unwrap_or_default();
            invalid(client, format!("librdkafka says: {said}{cure}"))
        }
        other => invalid(client, format!("librdkafka says: {other}")),
    }
}

/// What builds in what librdkafka says it was built without.
fn feature(said: &str) -> Option<&'static str> {
    let without = ["not supported in this build", "not available at build time"];
    if !without.iter().any(|words| said.contains(words))
        && !said.contains("No provider for SASL mechanism")
    {
        return None;
    }
    // What lacks several names OpenSSL beside, so that comes last.
    [
        ("libcurl", " (no cargo feature builds it in)"),
        ("zstd", " (enable the cargo feature `kafka-zstd`)"),
        ("GSSAPI", " (enable the cargo feature `kafka-gssapi`)"),
        ("libsasl2 not", " (enable the cargo feature `kafka-gssapi`)"),
        ("OpenSSL", " (enable the cargo feature `kafka-ssl`)"),
        ("openssl", " (enable the cargo feature `kafka-ssl`)"),
    ]
    .iter()
    .find(|(word, _)| said.contains(word))
    .map(|(_, cure)| *cure)
}

/// Names librdkafka takes and does not list: other names of settings that are listed.
const ALIASES: [&str; 8] = [
    "linger.ms",
    "retries",
    "compression.type",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "max.partition.fetch.bytes",
    "request.timeout.ms",
    "metadata.max.age.ms",
];

/// The known setting most like this one.
fn nearest(setting: &str) -> Option<String> {
    let known = ClientConfig::new().create_native_config().ok()?;
    native::setting_names(&known)
        .into_iter()
        .chain(ALIASES.map(str::to_owned))
        .filter(|name| owned(name).is_none())
        .map(|name| (strsim::jaro_winkler(setting, &name), name))
        .filter(|(likeness, _)| *likeness > 0.85)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests;
