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
