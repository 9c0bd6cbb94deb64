//! What a context stands on: a log and a registry, and ksqlDB where there is one. Embedded, or a cluster's as soon as a
//! bootstrap address is configured.
//!
//! Invariant: what is opened here is reached: a server that is away is asked again until `reach_timeout` is over, one that
//! refuses is an error at once.

use super::builder::Registration;
use super::options;
use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Error, Result, Step};
#[cfg(feature = "kafka")]
use crate::ksqldb::KsqlDb;
use crate::log::{EmbeddedLog, Log};
use crate::registry::{InProcessRegistry, Registry};

/// Log, registry, ksqlDB.
#[derive(Debug, Clone)]
pub(super) struct Services {
    pub(super) log: Log,
    pub(super) registry: Registry,
    #[cfg(feature = "kafka")]
    pub(super) ksqldb: Option<KsqlDb>,
}

/// Opens what the configuration names, and waits until it answers.
pub(super) async fn open(
    config: &Config,
    clock: &Clock,
    entities: &[Registration],
    queries: usize,
) -> Result<Services> {
    #[cfg(feature = "kafka")]
    if let Some(bootstrap) = &config.cluster.bootstrap {
        return cluster::open(config, bootstrap, entities, queries).await;
    }
    #[cfg(not(feature = "kafka"))]
    let _ = (entities, queries);
    embedded(config, clock).await
}

/// Holds what is set for clients of Kafka against what librdkafka takes, and asks no broker.
#[cfg(all(feature = "cli", feature = "kafka"))]
pub(super) fn check(config: &Config) -> std::result::Result<(), crate::log::LogError> {
    match &config.cluster.bootstrap {
        Some(bootstrap) => cluster::kafka_options(config, bootstrap, &[], 0).validate(),
        None => Ok(()),
    }
}

async fn embedded(config: &Config, clock: &Clock) -> Result<Services> {
    let failed = |error: Error| error.at(Step::OpenLog, None);
    let options = options::log(config, clock);
    let embedded = tokio::task::spawn_blocking(move || EmbeddedLog::open(options))
        .await
        .map_err(Error::of_task)?
        .map_err(|error| failed(error.into()))?;
    let registry = InProcessRegistry::open(&embedded).map_err(|error| failed(error.into()))?;
    Ok(Services {
        log: embedded.into(),
        registry: Registry::InProcess(registry),
        #[cfg(feature = "kafka")]
        ksqldb: None,
    })
}

/// Kafka, a Schema Registry and ksqlDB.
#[cfg(feature = "kafka")]
mod cluster {
    use std::time::Duration;

    use ksql_schema::model::Kind;

    use super::{Registration, Services};
    use crate::config::{Cluster, Config, Credentials};
    use crate::context::options::{Operational, kafka_memory};
    use crate::error::{Chain, Error, Result, Step};
    use crate::http::{Auth, HttpOptions};
    use crate::ksqldb::{KsqlDb, KsqlDbOptions};
    use crate::log::{KafkaLog, KafkaOptions, Log, LogError};
    use crate::registry::{HttpRegistry, Patience, Registry, RegistryError};

    /// The first wait before a server that is away is asked again, and the longest.
    const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
    /// The least a Kafka client waits for an answer.
    const LEAST: Duration = Duration::from_secs(1);

    pub(super) async fn open(
        config: &Config,
        bootstrap: &str,
        entities: &[Registration],
        queries: usize,
    ) -> Result<Services> {
        Ok(Services {
            log: kafka(config, bootstrap, entities, queries).await?,
            registry: registry(&config.cluster).await?,
            ksqldb: ksqldb(&config.cluster).await?,
        })
    }

    /// One attempt takes no longer than all of them may: a server that is silent would hold the error back otherwise.
    fn of_one_attempt(cluster: &Cluster) -> Duration {
        cluster.request_timeout.min(cluster.reach_timeout)
    }

    async fn kafka(
        config: &Config,
        bootstrap: &str,
        entities: &[Registration],
        queries: usize,
    ) -> Result<Log> {
        let cluster = &config.cluster;
        let opened = |options: KafkaOptions| {
            KafkaLog::open(options)
                .map(Log::from)
                .map_err(|error| Error::from(error).at(Step::ReachKafka, None))
        };
        let log = opened(kafka_options(config, bootstrap, entities, queries))?;
        let limit = of_one_attempt(cluster).max(LEAST);
        let asked = if limit < cluster.request_timeout {
            let mut options = kafka_options(config, bootstrap, entities, queries);
            options.request_timeout = limit;
            opened(options)?
        } else {
            log.clone()
        };
        // What is asked for will be needed, so nobody needs a right for this that he does not need anyway.
        let topic = entities.first().map_or_else(
            || "__consumer_offsets".to_owned(),
            |entity| Operational::of(entity, config).spec(entity.model).name,
        );
        reach(Step::ReachKafka, cluster.reach_timeout, async || {
            match asked.describe(&topic).await {
                // It answered; what is missing is told by the step that needs it, for its entity.
                Ok(_) | Err(LogError::UnknownTopic { .. } | LogError::Unauthorized { .. }) => {
                    Ok(())
                }
                Err(error) => Err(error.into()),
            }
        })
        .await?;
        Ok(log)
    }

    async fn registry(cluster: &Cluster) -> Result<Registry> {
        let options = http_options(cluster, &cluster.registry, &cluster.registry_auth);
        let failed = |error: RegistryError| Error::from(error).at(Step::ReachRegistry, None);
        let registry = HttpRegistry::new(&options).map_err(failed)?;
        let once = Patience {
            limit: Duration::ZERO,
            ..Patience::default()
        };
        let asked =
            HttpRegistry::with_patience(&attempt(cluster, options), once).map_err(failed)?;
        reach(Step::ReachRegistry, cluster.reach_timeout, async || {
            Ok(asked.compatibility(None).await.map(drop)?)
        })
        .await?;
        Ok(Registry::Http(registry))
    }

    async fn ksqldb(cluster: &Cluster) -> Result<Option<KsqlDb>> {
        if cluster.ksqldb.is_empty() {
            return Ok(None);
        }
        let options = http_options(cluster, &cluster.ksqldb, &cluster.ksqldb_auth);
        let client = |options| {
            KsqlDb::new(KsqlDbOptions::new(options))
                .map_err(|error| Error::from(error).at(Step::ReachKsqlDb, None))
        };
        let ksqldb = client(options.clone())?;
        let asked = client(attempt(cluster, options))?;
        reach(
            Step::ReachKsqlDb,
            cluster.reach_timeout,
            async || match asked.info().await {
                Ok(_) => Ok(()),
                Err(error) => Err(error.into()),
            },
        )
        .await?;
        Ok(Some(ksqldb))
    }

    fn attempt(cluster: &Cluster, mut options: HttpOptions) -> HttpOptions {
        options.request_timeout = of_one_attempt(cluster);
        options.connect_timeout = options.connect_timeout.min(options.request_timeout);
        options
    }

    /// Asks until there is an answer; a refusal ends it at once.
    async fn reach(
        step: Step,
        patience: Duration,
        ask: impl AsyncFn() -> Result<()>,
    ) -> Result<()> {
        let deadline = tokio::time::Instant::now() + patience;
        let (mut wait, longest) = WAITS;
        loop {
            let error = match ask().await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if !error.is_transient() || tokio::time::Instant::now() + wait >= deadline {
                return Err(error.at(step, None));
            }
            tracing::warn!(error = %Chain(&error), again_in = ?wait, "a server is away: asking again");
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(longest);
        }
    }

    pub(super) fn kafka_options(
        config: &Config,
        bootstrap: &str,
        entities: &[Registration],
        queries: usize,
    ) -> KafkaOptions {
        let cluster = &config.cluster;
        let mut options = KafkaOptions::new(bootstrap);
        options.client = cluster.kafka.to_map();
        options
            .client
            .entry("client.id".to_owned())
            .or_insert_with(|| config.application_id.clone());
        // Where Kafka is reached without TLS it is none of librdkafka's, which refuses it in a build without TLS.
        if let Some(path) = &cluster.ca_certificate
            && is_encrypted(cluster)
        {
            options
                .client
                .entry("ssl.ca.location".to_owned())
                .or_insert_with(|| path.display().to_string());
        }
        options.producer = cluster.producer.to_map();
        options.consumer = cluster.consumer.to_map();
        options.reader_group = format!("{}_reader", config.application_id);
        options.request_timeout = cluster.request_timeout;
        options.delivery_timeout = cluster.delivery_timeout;
        let tables = entities
            .iter()
            .filter(|entity| entity.model.kind == Kind::Table)
            .count()
            .saturating_add(queries);
        (options.memory_bytes, options.reader_bytes) = kafka_memory(config, tables);
        options.close_timeout = crate::context::LAST_SENT;
        options
    }

    /// Whether any client of Kafka speaks TLS.
    fn is_encrypted(cluster: &Cluster) -> bool {
        let settings = [&cluster.kafka, &cluster.producer, &cluster.consumer];
        settings.iter().any(|settings| {
            settings.get("security.protocol").is_some_and(|protocol| {
                ["ssl", "sasl_ssl"]
                    .iter()
                    .any(|with| protocol.eq_ignore_ascii_case(with))
            })
        })
    }

    fn http_options(cluster: &Cluster, urls: &[String], credentials: &Credentials) -> HttpOptions {
        let mut options = HttpOptions::new(urls);
        options.auth = match credentials {
            Credentials {
                user: Some(user),
                password: Some(password),
                ..
            } => Auth::Basic {
                user: user.clone(),
                password: password.clone(),
            },
            Credentials {
                token: Some(token), ..
            } => Auth::Bearer(token.clone()),
            _ => Auth::None,
        };
        options.ca_certificate.clone_from(&cluster.ca_certificate);
        options
            .client_certificate
            .clone_from(&cluster.client_certificate);
        options.request_timeout = cluster.request_timeout;
        options
    }

    #[cfg(test)]
    mod tests {
        #![allow(clippy::unwrap_used, reason = "tests")]
        use super::*;

        #[test]
        fn settings_reach_kafkas_clients() {
            let mut config = Config::default();
            for (key, value) in [
                ("application_id", "shop"),
                ("memory", "80MiB"),
                ("request_timeout", "7s"),
                ("delivery_timeout", "9s"),
                ("kafka.client.rack", "r"),
                ("kafka.producer.linger.ms", "3"),
                ("kafka.consumer.fetch.min.bytes", "5"),
            ] {
                config.set(key, value).unwrap();
            }
            let options = kafka_options(&config, "a:1", &[], 0);
            assert_eq!(options.bootstrap, "a:1");
            let get = |settings: &std::collections::BTreeMap<String, String>, name| {
                settings.get(name).cloned()
            };
            assert_eq!(get(&options.client, "client.id").as_deref(), Some("shop"));
            assert_eq!(get(&options.client, "client.rack").as_deref(), Some("r"));
            assert_eq!(get(&options.producer, "linger.ms").as_deref(), Some("3"));
            assert_eq!(
                get(&options.consumer, "fetch.min.bytes").as_deref(),
                Some("5")
            );
            assert_eq!(options.reader_group, "shop_reader");
            assert_eq!(options.request_timeout, Duration::from_secs(7));
            assert_eq!(options.delivery_timeout, Duration::from_secs(9));
            assert_eq!(options.memory_bytes, 10 << 20);
            config.set("kafka.client.id", "other").unwrap();
            let options = kafka_options(&config, "a:1", &[], 0);
            assert_eq!(get(&options.client, "client.id").as_deref(), Some("other"));
        }

        #[test]
        fn settings_reach_the_clients_of_registry_and_ksqldb() {
            let mut config = Config::default();
            config.set("request_timeout", "7s").unwrap();
            config.set("reach_timeout", "5s").unwrap();
            let cluster = &config.cluster;
            let options = http_options(cluster, &[], &cluster.registry_auth);
            assert_eq!(options.request_timeout, Duration::from_secs(7));
            let limit = attempt(cluster, options).request_timeout;
            assert_eq!(limit, Duration::from_secs(5), "no longer than all of them");
        }

        fn options(settings: &[(&str, &str)]) -> KafkaOptions {
            let mut config = Config {
                memory: 64 << 20,
                ..Config::default()
            };
            config.cluster.ca_certificate = Some("ca.pem".into());
            for (name, value) in settings {
                config.cluster.kafka.insert(*name, *value);
            }
            kafka_options(&config, "kafka:9092", &[], 0)
        }

        #[test]
        fn the_authority_reaches_kafkas_clients_where_they_speak_tls() {
            for protocol in ["SSL", "sasl_ssl"] {
                let options = options(&[("security.protocol", protocol)]);
                let told = options.client.get("ssl.ca.location").map(String::as_str);
                assert_eq!(told, Some("ca.pem"), "{protocol}");
            }
            let own = options(&[("security.protocol", "ssl"), ("ssl.ca.location", "own.pem")]);
            assert_eq!(
                own.client.get("ssl.ca.location").map(String::as_str),
                Some("own.pem")
            );
            for settings in [&[][..], &[("security.protocol", "sasl_plaintext")][..]] {
                assert_eq!(options(settings).client.get("ssl.ca.location"), None);
            }
        }

        #[test]
        fn the_memory_of_the_log_is_shared_by_what_is_sent_and_what_is_fetched() {
            let options = options(&[]);
            assert_eq!(options.memory_bytes, 8 << 20);
            assert_eq!(options.reader_bytes, 8 << 20);
        }
    }
}
