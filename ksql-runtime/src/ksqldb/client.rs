//! The client: where ksqlDB is, what all requests share, and what a node tells of itself.
//!
//! Cheap to clone, and every clone shares the highest command sequence number: what one task did is seen by the next request
//! of another. Callable from any task; statements queue up behind one another, since ksqlDB applies them one at a time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::answers::nullable;
use super::error::KsqlDbError;
use super::execute::CommandStatus;
use super::options::KsqlDbOptions;
use super::transport::{Reply, Request, garbled};

/// ksqlDB.
///
/// ```
/// use ksql_runtime::http::HttpOptions;
/// use ksql_runtime::ksqldb::{KsqlDb, KsqlDbOptions};
///
/// let ksql = KsqlDb::new(KsqlDbOptions::new(HttpOptions::new(["http://ksqldb-1:8088", "http://ksqldb-2:8088"])))?;
/// # let _ = ksql;
/// # Ok::<(), ksql_runtime::ksqldb::KsqlDbError>(())
/// ```
#[derive(Clone)]
pub struct KsqlDb {
    shared: Arc<Shared>,
}

struct Shared {
    http: reqwest::Client,
    urls: Vec<Url>,
    /// The address that answered last.
    preferred: AtomicUsize,
    options: KsqlDbOptions,
    /// The highest command sequence number seen; -1 for none.
    sequence: AtomicI64,
    /// Held while a statement is applied.
    statements: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for KsqlDb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KsqlDb")
            .field("options", &self.shared.options)
            .finish_non_exhaustive()
    }
}

/// `/info`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ServerInfo {
    /// The version: `7.4.15-0`.
    #[serde(deserialize_with = "nullable")]
    pub version: String,
    /// The id of the Kafka cluster.
    #[serde(deserialize_with = "nullable")]
    pub kafka_cluster_id: String,
    /// What the names of internal topics begin with.
    #[serde(deserialize_with = "nullable")]
    pub ksql_service_id: String,
    /// `RUNNING`; empty where an old server does not say.
    #[serde(deserialize_with = "nullable")]
    pub server_status: String,
}

/// A version as numbers, for comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerVersion {
    /// 7 of `7.4.15-0`.
    pub major: u32,
    /// 4 of it.
    pub minor: u32,
    /// 15 of it.
    pub patch: u32,
}

impl ServerInfo {
    /// The version as numbers, where it is some: Confluent's (`7.4.15-0`) or ksqlDB's own (`0.29.0`, with or without `v`).
    pub fn parsed_version(&self) -> Option<ServerVersion> {
        let text = self.version.trim_start_matches('v');
        let mut numbers = text.split(['.', '-', '+']).map(str::parse::<u32>);
        Some(ServerVersion {
            major: numbers.next()?.ok()?,
            minor: numbers.next()?.ok()?,
            patch: numbers.next().and_then(Result::ok).unwrap_or(0),
        })
    }
}

/// `/healthcheck`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Health {
    /// Whether the node is healthy. A query whose topic is gone does not make it unhealthy.
    pub is_healthy: bool,
    /// Each part: `metastore`, `kafka`, `commandRunner`.
    pub parts: BTreeMap<String, bool>,
}

impl KsqlDb {
    /// A client; nothing is asked yet.
    ///
    /// # Errors
    /// Where an address is none, or a certificate cannot be read.
    pub fn new(options: KsqlDbOptions) -> Result<KsqlDb, KsqlDbError> {
        let urls = options
            .http
            .urls
            .iter()
            .map(|url| address(url))
            .collect::<Result<Vec<_>, _>>()?;
        if urls.is_empty() {
            return Err(KsqlDbError::Address {
                url: String::new(),
                reason: "there is none".to_owned(),
            });
        }
        Ok(KsqlDb {
            shared: Arc::new(Shared {
                http: options.http.client()?,
                urls,
                preferred: AtomicUsize::new(0),
                options,
                sequence: AtomicI64::new(-1),
                statements: tokio::sync::Mutex::new(()),
            }),
        })
    }

    /// The settings.
    pub fn options(&self) -> &KsqlDbOptions {
        &self.shared.options
    }

    pub(super) fn http(&self) -> &reqwest::Client {
        &self.shared.http
    }

    /// Every address, the one that answered last first.
    pub(super) fn addresses(&self) -> impl Iterator<Item = (usize, &Url)> {
        let first = self.shared.preferred.load(Ordering::Relaxed);
        let (before, after) = self.shared.urls.split_at(first.min(self.shared.urls.len()));
        (first..).zip(after).chain((0..).zip(before))
    }

    pub(super) fn prefer(&self, at: usize) {
        self.shared.preferred.store(at, Ordering::Relaxed);
    }

    /// The highest command sequence number, where there is one.
    pub(super) fn sequence(&self) -> Option<i64> {
        let sequence = self.shared.sequence.load(Ordering::Acquire);
        (sequence >= 0).then_some(sequence)
    }

    pub(super) fn saw(&self, sequence: i64) {
        self.shared.sequence.fetch_max(sequence, Ordering::AcqRel);
    }

    /// Held while a statement is applied: in parallel they only time out.
    pub(super) async fn one_at_a_time(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.shared.statements.lock().await
    }

    /// `/info`: the version, and which cluster this is.
    ///
    /// # Errors
    /// Where no address answers, or not with this.
    pub async fn info(&self) -> Result<ServerInfo, KsqlDbError> {
        #[derive(Deserialize)]
        struct Wrapped {
            #[serde(rename = "KsqlServerInfo")]
            info: ServerInfo,
        }
        let wrapped: Wrapped = self.get(&["info"]).await?;
        Ok(wrapped.info)
    }

    /// `/healthcheck`. An unhealthy node is an answer, no error.
    ///
    /// # Errors
    /// Where no address answers, or not with this.
    pub async fn healthcheck(&self) -> Result<Health, KsqlDbError> {
        let answer: Value = self.get(&["healthcheck"]).await?;
        let healthy = |part: &Value| part.get("isHealthy").and_then(Value::as_bool);
        let details = answer.get("details").and_then(Value::as_object);
        let parts = details.into_iter().flatten();
        Ok(Health {
            is_healthy: healthy(&answer).unwrap_or(false),
            parts: parts
                .map(|(name, part)| (name.clone(), healthy(part).unwrap_or(false)))
                .collect(),
        })
    }

    /// `/clusterStatus`: whether each node is alive. Answered only where the servers exchange heartbeats
    /// (`ksql.heartbeat.enable`).
    ///
    /// # Errors
    /// Where no address answers, or not with this.
    pub async fn cluster_status(&self) -> Result<BTreeMap<String, bool>, KsqlDbError> {
        let answer: Value = self.get(&["clusterStatus"]).await?;
        let nodes = answer.get("clusterStatus").and_then(Value::as_object);
        let alive = |node: &Value| {
            node.get("hostAlive")
                .and_then(Value::as_bool)
                .unwrap_or(false)
        };
        Ok(nodes
            .into_iter()
            .flatten()
            .map(|(name, node)| (name.clone(), alive(node)))
            .collect())
    }

    /// `/is_valid_property`: whether a program may set a property. Unknown names are valid for the server.
    ///
    /// # Errors
    /// Where the server forbids it, with its reason; where no address answers.
    pub async fn is_valid_property(&self, name: &str) -> Result<bool, KsqlDbError> {
        self.get(&["is_valid_property", name]).await
    }

    /// `/status`: how far a statement is.
    ///
    /// # Errors
    /// Where the node does not know the command, or no address answers.
    pub async fn status(&self, command_id: &str) -> Result<CommandStatus, KsqlDbError> {
        let segments: Vec<&str> = std::iter::once("status")
            .chain(command_id.split('/'))
            .collect();
        self.get(&segments).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, KsqlDbError> {
        let request = Request::get(path);
        let Reply { url, body } = self.ask(&request).await?;
        serde_json::from_str(&body)
            .map_err(|error| garbled(&url, &request.shown, &error.to_string(), &body))
    }
}

fn address(text: &str) -> Result<Url, KsqlDbError> {
    let refuse = |shown: &str, reason: String| KsqlDbError::Address {
        url: shown.to_owned(),
        reason,
    };
    let url = Url::parse(text).map_err(|error| refuse(text, error.to_string()))?;
    // Secrets are told apart from addresses, because addresses are printed.
    if !url.username().is_empty() || url.password().is_some() {
        let mut shown = url.clone();
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        return Err(refuse(
            shown.as_str(),
            "name and password belong into the settings of authentication".to_owned(),
        ));
    }
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(refuse(text, "it is no http or https address".to_owned()));
    }
    Ok(url)
}
