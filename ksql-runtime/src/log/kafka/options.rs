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
mod tests {
    use super::*;

    type Part = fn(&mut KafkaOptions) -> &mut BTreeMap<String, String>;

    fn with(part: Part, name: &str, value: &str) -> String {
        let mut options = KafkaOptions::new("localhost:9092");
        part(&mut options).insert(name.to_owned(), value.to_owned());
        match options.validate() {
            Ok(()) => String::new(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_setting_a_promise_rests_on_is_refused_by_name_and_reason() {
        let parts: [Part; 3] = [
            |options| &mut options.client,
            |options| &mut options.producer,
            |options| &mut options.consumer,
        ];
        for part in parts {
            for name in [
                "enable.auto.commit",
                "enable.auto.offset.store",
                "partitioner",
                "enable.idempotence",
                "acks",
                "group.id",
                "bootstrap.servers",
                "isolation.level",
                "auto.offset.reset",
                "transactional.id",
                "queue.buffering.max.messages",
                "message.timeout.ms",
            ] {
                let said = with(part, name, "1");
                assert!(said.contains(&format!("`{name}`")), "{said}");
                assert!(
                    !said.contains("librdkafka"),
                    "{name} is refused before it is tried: {said}"
                );
            }
        }
    }

    #[test]
    fn an_unknown_setting_is_named_with_the_nearest_one() {
        let said = with(|options| &mut options.producer, "linger.mss", "5");
        assert!(
            said.contains("`linger.mss`") && said.contains("`linger.ms`"),
            "{said}"
        );
        let said = with(|options| &mut options.client, "zzzzzz", "5");
        assert!(
            said.contains("`zzzzzz`") && !said.contains("did you mean"),
            "{said}"
        );
    }

    #[test]
    fn an_impossible_value_is_told_without_a_broker() {
        let said = with(|options| &mut options.producer, "linger.ms", "soon");
        assert!(said.contains("`linger.ms`"), "{said}");
        let said = with(
            |options| &mut options.producer,
            "max.in.flight.requests.per.connection",
            "50",
        );
        assert!(
            said.contains("max.in.flight"),
            "a contradiction to idempotence: {said}"
        );
        assert_eq!(
            with(|options| &mut options.consumer, "fetch.min.bytes", "10"),
            ""
        );
    }

    #[test]
    fn what_librdkafka_was_built_without_is_told_with_the_feature_that_builds_it_in() {
        let with = |settings: &[(&str, &str)]| {
            let mut options = KafkaOptions::new("localhost:9092");
            for (name, value) in settings {
                let (name, value) = ((*name).to_owned(), (*value).to_owned());
                options.client.insert(name, value);
            }
            options
                .validate()
                .map_or_else(|error| error.to_string(), |()| String::new())
        };
        let sasl = |mechanism| {
            with(&[
                ("security.protocol", "sasl_plaintext"),
                ("sasl.mechanism", mechanism),
                ("sasl.username", "u"),
                ("sasl.password", "hunter2"),
            ])
        };
        assert_eq!(sasl("PLAIN"), "", "it needs none");
        let mut expected = Vec::new();
        if cfg!(not(feature = "kafka-ssl")) {
            expected.extend([
                (with(&[("security.protocol", "ssl")]), "`kafka-ssl`"),
                (with(&[("ssl.ca.location", "/ca.pem")]), "`kafka-ssl`"),
                (with(&[("ssl.key.pem", "hunter2")]), "`kafka-ssl`"),
                (sasl("SCRAM-SHA-512"), "`kafka-ssl`"),
                (sasl("OAUTHBEARER"), "`kafka-ssl`"),
            ]);
        }
        if cfg!(not(feature = "kafka-gssapi")) {
            expected.push((sasl("GSSAPI"), "`kafka-gssapi`"));
        }
        if cfg!(not(feature = "kafka-zstd")) {
            expected.push((with(&[("compression.type", "zstd")]), "`kafka-zstd`"));
        }
        for (said, feature) in expected {
            let cure = format!("(enable the cargo feature {feature})");
            assert!(said.contains(&cure), "{feature}: {said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
        let said = with(&[("sasl.oauthbearer.method", "oidc")]);
        assert!(said.contains("no cargo feature builds it in"), "{said}");
    }

    #[test]
    fn secrets_are_never_printed() {
        let mut options = KafkaOptions::new("localhost:9092");
        for name in [
            "sasl.password",
            "ssl.key.password",
            "ssl.keystore.password",
            "ssl.key.pem",
            "sasl.oauthbearer.client.secret",
            "sasl.oauthbearer.config",
        ] {
            options.client.insert(name.to_owned(), "hunter2".to_owned());
        }
        options
            .client
            .insert("client.id".to_owned(), "shown".to_owned());
        let printed = format!("{options:?}");
        assert!(
            !printed.contains("hunter2") && printed.contains("shown"),
            "{printed}"
        );
        if let Err(error) = options.validate() {
            let printed = format!("{error} {error:?}");
            assert!(!printed.contains("hunter2"), "{printed}");
        }
    }

    #[test]
    fn security_reaches_every_client() {
        let mut options = KafkaOptions::new("localhost:9092");
        options
            .client
            .insert("sasl.username".to_owned(), "someone".to_owned());
        for config in [
            options.producer_config(),
            options.reader_config(),
            options.group_config("g"),
        ] {
            assert_eq!(config.get("sasl.username"), Some("someone"));
            assert_eq!(config.get("bootstrap.servers"), Some("localhost:9092"));
        }
    }

    #[test]
    fn what_a_reader_fetches_ahead_is_bounded_by_its_memory_unless_it_is_set_by_name() {
        let settings = |change: fn(&mut KafkaOptions)| {
            let mut options = KafkaOptions::new("localhost:9092");
            change(&mut options);
            assert!(options.validate().is_ok(), "{:?}", options.validate());
            let config = options.reader_config();
            [
                "queued.max.messages.kbytes",
                "fetch.max.bytes",
                "fetch.message.max.bytes",
                "max.partition.fetch.bytes",
            ]
            .map(|name| config.get(name).map(str::to_owned).unwrap_or_default())
        };
        assert_eq!(
            settings(|options| options.reader_bytes = 32 << 20),
            ["16384", "16777216", "4194304", ""]
        );
        assert_eq!(
            settings(|options| options.reader_bytes = 6 << 20),
            ["3072", "3145728", "3145728", ""]
        );
        assert_eq!(
            settings(|options| options.reader_bytes = 0),
            ["1024", "1048576", "1048576", ""],
            "never so little that nothing is read"
        );
        let largest = settings(|options| options.reader_bytes = usize::MAX);
        assert_eq!(largest, ["2097151", "2147483135", "4194304", ""]);
        let by_name = settings(|options| {
            options.reader_bytes = 0;
            let given = [
                ("queued.max.messages.kbytes", "77"),
                ("max.partition.fetch.bytes", "99"),
            ];
            options.consumer = given
                .map(|(name, value)| (name.into(), value.into()))
                .into();
            options.client = [("fetch.max.bytes".into(), "1000001".into())].into();
        });
        assert_eq!(by_name, ["77", "1000001", "", "99"]);
        let large = settings(|options| {
            options.reader_bytes = 0;
            options.client = [("message.max.bytes".into(), "20000000".into())].into();
        });
        assert_eq!(large, ["1024", "20000000", "1048576", ""]);
    }
}
