//! Operating a context: what it is doing as data, as metrics and over HTTP.
//!
//! `overview` gathers everything from what the parts keep of themselves anyway, `metrics` names and flattens it, `prometheus`
//! writes it; `server` answers with it, `page` and `picture` are what a browser shows. Invariant: all is computed when somebody
//! looks, so that nobody looking costs nothing.

mod metrics;
mod overview;
#[cfg(feature = "http")]
mod page;
#[cfg(feature = "http")]
mod picture;
#[cfg(feature = "metrics")]
mod prometheus;
#[cfg(feature = "http")]
pub(crate) mod server;

use std::time::Instant;

use ksql_schema::query::Explanation;

pub use metrics::{METRICS, Metric, MetricKind, Sample};
pub use overview::{
    Binding, Client, Consumer, ConsumerPartition, Letters, MetError, Overview, Partition,
    StateDatabase, StoreSize,
};

/// What a context keeps for whoever looks at it.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) started: Instant,
    /// By the query's name.
    #[cfg_attr(
        not(feature = "http"),
        allow(dead_code, reason = "the page alone shows them")
    )]
    pub(crate) explanations: Vec<(&'static str, Explanation<'static>)>,
    pub(crate) stopping: std::sync::atomic::AtomicBool,
    #[cfg(feature = "http")]
    pub(crate) server: std::sync::Mutex<Option<server::Server>>,
}

impl Operation {
    /// Of a context that begins.
    pub(crate) fn new(explanations: Vec<(&'static str, Explanation<'static>)>) -> Operation {
        Operation {
            started: Instant::now(),
            explanations,
            stopping: std::sync::atomic::AtomicBool::new(false),
            #[cfg(feature = "http")]
            server: std::sync::Mutex::new(None),
        }
    }

    /// Keeps the server as long as the context runs.
    #[cfg(feature = "http")]
    pub(crate) fn keep_server(&self, server: server::Server) {
        let place = self.server.lock();
        *place.unwrap_or_else(std::sync::PoisonError::into_inner) = Some(server);
    }

    /// Ends the server, if there is one: its port is free afterwards.
    #[cfg(feature = "http")]
    pub(crate) async fn end_server(&self) {
        if let Some(server) = self.take_server() {
            server.end().await;
        }
    }

    /// The same where nothing can be waited for.
    #[cfg(feature = "http")]
    pub(crate) fn abort_server(&self) {
        if let Some(server) = self.take_server() {
            server.abort();
        }
    }

    #[cfg(feature = "http")]
    fn take_server(&self) -> Option<server::Server> {
        let server = self.server.lock();
        server
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take()
    }
}
