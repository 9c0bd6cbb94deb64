//! What a context stands on: a log and a registry, and ksqlDB where there is one. Embedded, or a cluster's as soon as a
//! bootstrap address is configured.
//!
//! Invariant: what is opened here is reached: a server that is away is asked again until `reach_timeout` is over, one that
//! refuses is an error at once.

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
pub(super) async fn open(config: &Config, clock: &Clock) -> Result<Services> {
    #[cfg(feature = "kafka")]
    if let Some(bootstrap) = &config.cluster.bootstrap {
        return cluster::open(config, bootstrap).await;
    }
    embedded(config, clock).await
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

    use super::Services;
    use crate::config::{Cluster, Config, Credentials};
    use crate::error::{Chain, Error, Result, Step};
    use crate::http::{Auth, HttpOptions};
    use crate::ksqldb::{KsqlDb, KsqlDbOptions};
    use crate::log::Log;
    use crate::log::kafka::{KafkaLog, KafkaOptions};
    use crate::registry::{HttpRegistry, Registry};

    /// The first wait before a server that is away is asked again, and the longest.
    const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

    pub(super) async fn open(config: &Config, bootstrap: &str) -> Result<Services> {
        let cluster = &config.cluster;
        let patience = cluster.reach_timeout;
        let log = KafkaLog::open(kafka_options(config, bootstrap))
            .map_err(|error| Error::from(error).at(Step::ReachKafka, None))?;
        let log = Log::from(log);
        reach(Step::ReachKafka, patience, async || {
            Ok(log.topics().await.map(drop)?)
        })
        .await?;

        let registry = HttpRegistry::new(&http_options(
            cluster,
            &cluster.registry,
            &cluster.registry_auth,
        ))
        .map_err(|error| Error::from(error).at(Step::ReachRegistry, None))?;
        let registry = Registry::Http(registry);
        reach(Step::ReachRegistry, patience, async || {
            Ok(registry.compatibility(None).await.map(drop)?)
        })
        .await?;

        let ksqldb = match cluster.ksqldb.as_slice() {
            [] => None,
            urls => {
                let http = http_options(cluster, urls, &cluster.ksqldb_auth);
                let ksqldb = KsqlDb::new(KsqlDbOptions::new(http))
                    .map_err(|error| Error::from(error).at(Step::ReachKsqlDb, None))?;
                reach(Step::ReachKsqlDb, patience, async || {
                    Ok(ksqldb.info().await.map(drop)?)
                })
                .await?;
                Some(ksqldb)
            }
        };
        Ok(Services {
            log,
            registry,
            ksqldb,
        })
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

    fn kafka_options(config: &Config, bootstrap: &str) -> KafkaOptions {
        let cluster = &config.cluster;
        let mut options = KafkaOptions::new(bootstrap);
        options.client = cluster.kafka.to_map();
        options
            .client
            .entry("client.id".to_owned())
            .or_insert_with(|| config.application_id.clone());
        if let Some(path) = &cluster.ca_certificate {
            options
                .client
                .entry("ssl.ca.location".to_owned())
                .or_insert_with(|| path.display().to_string());
        }
        options.producer = cluster.producer.to_map();
        options.consumer = cluster.consumer.to_map();
        options.reader_group = format!("{}_reader", config.application_id);
        options.request_timeout = cluster.request_timeout;
        options.memory_bytes = config.memory / 4;
        options
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
}
