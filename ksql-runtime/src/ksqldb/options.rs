//! How ksqlDB is reached and how long it is waited for. Each setting says its default and its effect.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::http::HttpOptions;

/// Settings of the client.
#[derive(Debug, Clone, PartialEq)]
pub struct KsqlDbOptions {
    /// Addresses, who asks, and how long one answer may take. Every address must be a node of one cluster.
    pub http: HttpOptions,
    /// How long a statement may take until it is applied or refused, all retries included. A `DROP` was seen to take 38 s.
    /// Default: 2 min.
    pub statement_timeout: Duration,
    /// How long a query waits for a source that is not ready, or for a server that is starting. Default: 60 s.
    pub ready_timeout: Duration,
    /// How long a push query may be silent before it is taken for dead and asked again. A push query over a quiet topic
    /// is silent for as long as nothing happens, so there is none by default.
    pub idle_timeout: Option<Duration>,
    /// The first pause before a retry; each further one is twice as long. Default: 100 ms.
    pub retry_from: Duration,
    /// The longest pause before a retry. Default: 2 s.
    pub retry_to: Duration,
    /// The most bytes one row may have. Default: 16 MiB.
    pub max_row_bytes: usize,
    /// Properties sent with every statement and query. Default: `auto.offset.reset` is `earliest`; ksqlDB's own default
    /// is the end of the topic, where a new query finds no data.
    pub properties: BTreeMap<String, String>,
}

impl KsqlDbOptions {
    /// The defaults for some addresses.
    pub fn new(http: HttpOptions) -> KsqlDbOptions {
        KsqlDbOptions {
            http,
            statement_timeout: Duration::from_secs(120),
            ready_timeout: Duration::from_secs(60),
            idle_timeout: None,
            retry_from: Duration::from_millis(100),
            retry_to: Duration::from_secs(2),
            max_row_bytes: 16 * 1024 * 1024,
            properties: BTreeMap::from([("auto.offset.reset".to_owned(), "earliest".to_owned())]),
        }
    }
}
