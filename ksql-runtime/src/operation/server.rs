//! The HTTP server of a context: health, readiness, metrics and a page, for people and machines that watch it.
//!
//! Invariant: it only reads, asks no other server, and keeps no context alive; it is bound before anything of a start is
//! touched, and its port is free when the context has ended. A task of the runtime that the context was started on.

use std::net::{SocketAddr, TcpListener};
use std::sync::Weak;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Overview, page, prometheus};
use crate::config::{Config, ConfigError};
use crate::context::Inner;
use crate::error::{Error, Result, Step};

/// How long requests that are being answered may take when the context ends.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// What a browser may do with the page: nothing but show it, with what this server sends.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'",
);

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const STYLE: HeaderValue = HeaderValue::from_static("text/css; charset=utf-8");
const SCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");

/// A port that is taken and not served yet.
#[derive(Debug)]
pub(crate) struct Port(TcpListener, SocketAddr);

/// A server that runs.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Port {
    /// Takes the port that the configuration names, if it names one.
    pub(crate) fn take(config: &Config) -> Result<Option<Port>> {
        let Some(wanted) = config.http_listen else {
            return Ok(None);
        };
        let taken = TcpListener::bind(wanted).and_then(|listener| {
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            Ok(Port(listener, address))
        });
        let taken = taken.map_err(|error| {
            Error::Config(ConfigError::InvalidValue {
                key: "http_listen".to_owned(),
                value: wanted.to_string(),
                expected: format!(
                    "it cannot be listened on ({error}): choose another port, or 0 for one that is free"
                ),
            })
            .at(Step::Listen, None)
        })?;
        Ok(Some(taken))
    }

    /// Answers on it until it is told to end.
    pub(crate) fn serve(self, context: Weak<Inner>) -> Result<Server> {
        let Port(listener, address) = self;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(|error| {
            let reason = format!("the HTTP port {address} cannot be served: {error}");
            Error::Defect { reason }.at(Step::Listen, None)
        })?;
        let (end, told) = oneshot::channel::<()>();
        let served = axum::serve(listener, router(context)).with_graceful_shutdown(async {
            // Dropped is told, too.
            let _ = told.await;
        });
        let task = tokio::spawn(async move {
            if let Err(error) = served.await {
                tracing::error!(%address, %error, "the HTTP server ended");
            }
        });
        tracing::info!(%address, "listening for HTTP");
        Ok(Server { address, end, task })
    }
}

impl Server {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more requests, and ends those that do not end by themselves.
    pub(crate) async fn end(self) {
        let Server { end, mut task, .. } = self;
        // It has ended where nobody listens.
        let _ = end.send(());
        if tokio::time::timeout(LAST_ANSWERS, &mut task).await.is_err() {
            task.abort();
            let _ = task.await;
        }
    }

    /// The same at once, where nothing can be waited for.
    pub(crate) fn abort(&self) {
        self.task.abort();
    }
}

fn router(context: Weak<Inner>) -> Router {
    Router::new()
        .route("/", get(status_page))
        .route("/status.json", get(status_json))
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .route(
            "/status.css",
            get(|| async { answer(StatusCode::OK, STYLE, page::STYLE) }),
        )
        .route(
            "/status.js",
            get(|| async { answer(StatusCode::OK, SCRIPT, page::SCRIPT) }),
        )
        .fallback(|| async {
            let paths = "there is nothing here: /, /status.json, /health, /ready, /metrics\n";
            answer(StatusCode::NOT_FOUND, TEXT, paths)
        })
        .with_state(context)
}

fn answer(status: StatusCode, kind: HeaderValue, body: impl Into<Body>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        (
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    (status, headers, body.into()).into_response()
}

fn as_json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => answer(status, JSON, text + "\n"),
        Err(error) => answer(StatusCode::INTERNAL_SERVER_ERROR, TEXT, error.to_string()),
    }
}

/// What a context that has ended answers.
fn gone() -> Response {
    let reasons = ["the context has ended"];
    as_json(
        StatusCode::SERVICE_UNAVAILABLE,
        &json!({ "ready": false, "status": "ended", "reasons": reasons }),
    )
}

fn look(context: &Weak<Inner>, answer: impl FnOnce(&Inner, Overview) -> Response) -> Response {
    match context.upgrade() {
        Some(inner) => answer(&inner, inner.overview()),
        None => gone(),
    }
}

async fn status_page(State(context): State<Weak<Inner>>) -> Response {
    look(&context, |inner, overview| {
        let html = page::render(&overview, &inner.operation.explanations);
        answer(StatusCode::OK, HTML, html)
    })
}

async fn status_json(State(context): State<Weak<Inner>>) -> Response {
    look(&context, |_, overview| as_json(StatusCode::OK, &overview))
}

async fn metrics(State(context): State<Weak<Inner>>) -> Response {
    look(&context, |_, overview| {
        let kind = HeaderValue::from_static(prometheus::CONTENT_TYPE);
        answer(StatusCode::OK, kind, overview.prometheus())
    })
}

/// 200 while nothing ended by an error; what waits for its log is told, and is not a failure.
async fn health(State(context): State<Weak<Inner>>) -> Response {
    look(&context, |_, overview| {
        let failed: Vec<_> = overview.failed().collect();
        let ended: Vec<_> = overview.failed_consumers().collect();
        let sound = failed.is_empty() && ended.is_empty();
        let waiting = overview
            .bindings
            .iter()
            .filter(|b| b.state == "DISCONNECTED");
        let status = match sound {
            true => StatusCode::OK,
            false => StatusCode::SERVICE_UNAVAILABLE,
        };
        let told = |binding: &super::Binding| {
            json!({
                "name": binding.name, "kind": binding.kind, "topic": binding.topic,
                "state": binding.state, "error": binding.error,
            })
        };
        let consumer = |consumer: &super::Consumer| {
            json!({
                "name": consumer.entity, "kind": "consumer", "topic": consumer.topic,
                "group": consumer.group, "state": consumer.state, "error": consumer.error,
            })
        };
        let failed = failed.into_iter().map(told);
        let failed = failed.chain(ended.into_iter().map(consumer));
        as_json(
            status,
            &json!({
                "status": if sound { "ok" } else { "failed" },
                "failed": failed.collect::<Vec<_>>(),
                "waiting": waiting.map(told).collect::<Vec<_>>(),
            }),
        )
    })
}

/// 200 where every table and query is RUNNING.
async fn ready(State(context): State<Weak<Inner>>) -> Response {
    look(&context, |_, overview| {
        let status = match overview.ready {
            true => StatusCode::OK,
            false => StatusCode::SERVICE_UNAVAILABLE,
        };
        let value = json!({ "ready": overview.ready, "reasons": overview.reasons() });
        as_json(status, &value)
    })
}
