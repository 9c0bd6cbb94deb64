//! What a program says of its cluster: addresses, credentials, the clients' own settings. Plain data.
//!
//! Invariant: without `bootstrap` everything runs embedded. Addresses and what lets a client in may not be set then (the
//! `check` module says so); what only tunes the clients is left alone, so that one file serves both.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::ConfigError;
use super::librdkafka::NAMES;
use crate::log::client_settings::{is_secret, owned};
use crate::secret::{Secret, without_secrets};

/// A Kafka cluster, the registry beside it and, where there is one, ksqlDB.
#[derive(Clone, PartialEq)]
pub struct Cluster {
    /// Kafka's addresses, `host:port` with commas between. Default: none, the embedded log.
    pub bootstrap: Option<String>,
    /// The Schema Registry's addresses. Needed with `bootstrap`.
    pub registry: Vec<String>,
    /// ksqlDB's addresses. Default: none, no statement is sent.
    pub ksqldb: Vec<String>,
    /// Who asks the registry.
    pub registry_auth: Credentials,
    /// Who asks ksqlDB.
    pub ksqldb_auth: Credentials,
    /// A PEM file of certificates that every client trusts: Kafka's, the registry's and ksqlDB's. Default: the system's.
    pub ca_certificate: Option<PathBuf>,
    /// A PEM file with the certificate and key that the registry's and ksqlDB's clients show.
    pub client_certificate: Option<PathBuf>,
    /// How long one request to any of the servers may take. Default: 30 s. Minimum: 1 s.
    pub request_timeout: Duration,
    /// How long a record may wait for Kafka's acknowledgement, all attempts included, before adding it is an error.
    /// Default: 2 min. Minimum: 1 s.
    pub delivery_timeout: Duration,
    /// How long start goes on trying to reach servers that are away; no attempt takes longer, and the last one is waited
    /// for. Default: 60 s.
    pub reach_timeout: Duration,
    /// Who runs the queries. Default: this process.
    pub engine: Engine,
    /// How often queries that ksqlDB runs are looked at. Default: 30 s.
    pub watch_interval: Duration,
    /// What start does so that ksqlDB knows a new source's columns. Default: it waits until each `CREATE` is carried out.
    pub warm_up: WarmUp,
    /// What start does with what differs from the definition and could be altered in place, on the embedded log too.
    /// Default: it reports it.
    pub on_drift: OnDrift,
    /// Settings of every Kafka client, by librdkafka's names.
    pub kafka: ClientSettings,
    /// Settings of producers only.
    pub producer: ClientSettings,
    /// Settings of consumers only.
    pub consumer: ClientSettings,
}

// By hand, because an address filled in by code may hold a password.
impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |addresses: &[String]| -> Vec<String> {
            addresses
                .iter()
                .map(|address| without_secrets(address))
                .collect()
        };
        let Cluster {
            bootstrap,
            registry,
            ksqldb,
            registry_auth,
            ksqldb_auth,
            ca_certificate,
            client_certificate,
            request_timeout,
            delivery_timeout,
            reach_timeout,
            engine,
            watch_interval,
            warm_up,
            on_drift,
            kafka,
            producer,
            consumer,
        } = self;
        f.debug_struct("Cluster")
            .field("bootstrap", bootstrap)
            .field("registry", &shown(registry))
            .field("ksqldb", &shown(ksqldb))
            .field("registry_auth", registry_auth)
            .field("ksqldb_auth", ksqldb_auth)
            .field("ca_certificate", ca_certificate)
            .field("client_certificate", client_certificate)
            .field("request_timeout", request_timeout)
            .field("delivery_timeout", delivery_timeout)
            .field("reach_timeout", reach_timeout)
            .field("engine", engine)
            .field("watch_interval", watch_interval)
            .field("warm_up", warm_up)
            .field("on_drift", on_drift)
            .field("kafka", kafka)
            .field("producer", producer)
            .field("consumer", consumer)
            .finish()
    }
}

impl Default for Cluster {
    fn default() -> Cluster {
        Cluster {
            bootstrap: None,
            registry: Vec::new(),
            ksqldb: Vec::new(),
            registry_auth: Credentials::default(),
            ksqldb_auth: Credentials::default(),
            ca_certificate: None,
            client_certificate: None,
            request_timeout: Duration::from_secs(30),
            delivery_timeout: Duration::from_secs(120),
            reach_timeout: Duration::from_secs(60),
            engine: Engine::default(),
            watch_interval: Duration::from_secs(30),
            warm_up: WarmUp::default(),
            on_drift: OnDrift::default(),
            kafka: ClientSettings::default(),
            producer: ClientSettings::default(),
            consumer: ClientSettings::default(),
        }
    }
}

/// Who asks a server over HTTP: a name with a password, or a token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The name.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// A bearer token instead.
    pub token: Option<Secret>,
}

/// Who runs the queries of a program. The results are the same, in the same topics and the same form, so that one can take the
/// other's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Engine {
    /// This process: one of the instances of an application, the others stand by.
    #[default]
    Embedded,
    /// ksqlDB: start sends it the queries' statements, and watches what becomes of them.
    KsqlDb,
}

/// What start does so that ksqlDB knows the columns of a new source. Schemas are registered before in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WarmUp {
    /// It waits until ksqlDB has carried out each `CREATE`: statements and push queries know the source then. Sources have
    /// no rows of their own in ksqlDB, so there is nothing else to wait for.
    #[default]
    Wait,
    /// It waits likewise, and then sends a record with the header `is_dummy=true` to each topic that never had a record. Our
    /// readers never show them; a query of ksqlDB does count them.
    DummyRecords,
}

/// What start does with a difference that could be altered in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnDrift {
    /// It says so and leaves it.
    #[default]
    Report,
    /// It alters it: a topic's retention or cleanup policy, columns added at a source's end.
    Alter,
}

/// Settings by their client's own names. Values of secrets are not printed.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ClientSettings(BTreeMap<String, String>);

impl ClientSettings {
    /// Sets one.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), value.into());
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// One of them.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As a map, for the client that is built with them.
    pub fn to_map(&self) -> BTreeMap<String, String> {
        self.0.clone()
    }
}

impl fmt::Debug for ClientSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.iter().map(|(name, value)| {
            let value = if is_secret(name) { "***" } else { value };
            (name, value)
        });
        f.debug_map().entries(shown).finish()
    }
}

impl ClientSettings {
    /// Takes a setting of a client, if there is one of this name and it is not the framework's own.
    pub(super) fn set(&mut self, key: &str, name: &str, value: &str) -> Result<(), ConfigError> {
        if let Some(reason) = owned(name) {
            return Err(ConfigError::Owned {
                key: key.to_owned(),
                reason,
            });
        }
        if !NAMES.contains(&name) {
            let prefix = key.strip_suffix(name).unwrap_or_default();
            let scored = NAMES
                .iter()
                .map(|known| (strsim::damerau_levenshtein(known, name), *known));
            let nearest = scored
                .min_by_key(|(distance, _)| *distance)
                .filter(|(distance, known)| *distance * 3 <= known.len());
            return Err(ConfigError::UnknownKey {
                key: key.to_owned(),
                nearest: nearest.map(|(_, known)| format!("{prefix}{known}")),
            });
        }
        self.insert(name, value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::super::Config;
    use super::*;
    use crate::log::client_settings::owned_names;

    fn error(result: Result<(), ConfigError>) -> String {
        result.unwrap_err().to_string()
    }

    fn config(toml: &str) -> Config {
        let mut config = Config::default();
        config.apply_toml(toml).unwrap();
        config
    }

    #[test]
    fn settings_of_clients_keep_their_own_names_from_everywhere() {
        let mut config = config(
            "bootstrap = [\"a:9092\", \"b:9092\"]\n[kafka]\nsecurity.protocol = \"SASL_SSL\"\n\"sasl.username\" = \"shop\"\n\
             [kafka.producer]\nlinger.ms = 10\nqueue.buffering.backpressure.threshold = 2",
        );
        config
            .apply_env([
                ("KSQL_KAFKA__SASL_USERNAME".to_owned(), "other".to_owned()),
                (
                    "KSQL_KAFKA__CONSUMER__FETCH_MIN_BYTES".to_owned(),
                    "7".to_owned(),
                ),
            ])
            .unwrap();
        config.set("kafka.producer.linger.ms", "20").unwrap();
        let cluster = config.cluster;
        assert_eq!(cluster.bootstrap.as_deref(), Some("a:9092,b:9092"));
        assert_eq!(cluster.kafka.get("security.protocol"), Some("SASL_SSL"));
        assert_eq!(cluster.kafka.get("sasl.username"), Some("other"));
        assert_eq!(cluster.producer.get("linger.ms"), Some("20"));
        assert_eq!(cluster.consumer.get("fetch.min.bytes"), Some("7"));
    }

    #[test]
    fn a_misspelt_setting_of_a_client_names_the_nearest_one() {
        let mut config = Config::default();
        assert_eq!(
            error(config.set("kafka.producer.liger.ms", "5")),
            "there is no setting `kafka.producer.liger.ms`: did you mean `kafka.producer.linger.ms`?"
        );
        assert_eq!(
            error(config.set("kafka.no.such.thing.at.all", "5")),
            "there is no setting `kafka.no.such.thing.at.all`"
        );
    }

    #[test]
    fn what_the_framework_owns_is_refused_with_the_reason_from_everywhere() {
        let mut config = Config::default();
        let expected = "setting `kafka.producer.enable.idempotence` cannot be chosen: without it a retry writes a record \
                        twice or out of order; remove it";
        assert_eq!(
            error(config.set("kafka.producer.enable.idempotence", "false")),
            expected
        );
        assert_eq!(
            error(config.apply_toml("[kafka.producer]\nenable.idempotence = false")),
            expected
        );
        let variable = ("KSQL_KAFKA__PARTITIONER".to_owned(), "random".to_owned());
        assert!(error(config.apply_env([variable])).contains("the JVM's clients"));
        for name in owned_names() {
            assert!(config.set(&format!("kafka.{name}"), "x").is_err(), "{name}");
        }
    }

    #[test]
    fn secrets_are_never_printed() {
        let config = config(
            "registry_user = \"u\"\nregistry_password = \"hunter2\"\nksqldb_token = \"hunter2\"\n\
             [kafka]\nsasl.password = \"hunter2\"\nssl.key.password = \"hunter2\"\nssl.key.pem = \"hunter2\"\n\
             sasl.oauthbearer.assertion.private.key.passphrase = \"hunter2\"\nsasl.oauthbearer.client.secret = \"hunter2\"\nsasl.oauthbearer.config = \"hunter2\"",
        );
        let shown = format!("{config:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("sasl.password"), "{shown}");
        let mut config = Config::default();
        assert!(!error(config.set("registry_password", "")).contains("hunter2"));
        // Filled in by code, where nobody checked it.
        config.cluster.registry = vec!["http://ada:hunter2@registry:8081".to_owned()];
        config.cluster.ksqldb = vec!["https://:hunter2@ksqldb:8088".to_owned()];
        let shown = format!("{config:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("http://***@registry:8081"), "{shown}");
    }

    #[test]
    fn impossible_addresses_say_what_they_look_like() {
        let mut config = Config::default();
        for address in [
            "",
            "kafka",
            "kafka:0",
            "kafka:99999",
            "http://kafka:9092",
            "a:1,,b:2",
        ] {
            let error = error(config.set("bootstrap", address));
            assert!(error.contains("`host:port`"), "{address}: {error}");
        }
        for url in ["", "registry:8081", "ftp://a", "http://"] {
            let error = error(config.set("registry", url));
            assert!(error.contains("`http://host:port`"), "{url}: {error}");
        }
        let error = error(config.set("registry", "http://user:hunter2@registry:8081"));
        assert!(
            error.contains("settings of their own") && !error.contains("hunter2"),
            "{error}"
        );
    }

    #[test]
    fn the_page_about_configuration_lists_what_the_framework_owns_and_nothing_else() {
        let page = include_str!("../../../docs/configuration.md");
        let (_, rest) = page
            .split_once("### Settings that the framework owns")
            .unwrap();
        let (part, _) = rest.split_once("\n## ").unwrap();
        let mut listed: Vec<&str> = part
            .lines()
            .filter_map(|line| line.strip_prefix("* ")?.split_once(':'))
            .flat_map(|(names, _)| names.split('`').skip(1).step_by(2))
            .collect();
        listed.sort_unstable();
        // Callbacks are no settings anybody could write.
        let mut owned: Vec<&str> = owned_names().filter(|name| NAMES.contains(name)).collect();
        owned.sort_unstable();
        assert_eq!(listed, owned);
    }
}
