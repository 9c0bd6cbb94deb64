//! Requests to the addresses of a registry.
//!
//! Each address is tried in turn, first the one that answered last; what may pass (no answer, or one that says "not now")
//! is asked again with a growing pause until the patience ends. Everything asked here may be asked twice: registering a
//! schema again gives the same id. Any task.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use tokio::time::Instant;

use super::answer::Answer;
use crate::http::{Endpoint, HttpOptions, cause};
use crate::registry::RegistryError;

const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// How long a registry is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patience {
    /// The pause before an answer is asked for again; it doubles each time. Default: 50 ms.
    pub first_pause: Duration,
    /// The longest such pause. Default: 2 s.
    pub longest_pause: Duration,
    /// How long a registry that does not answer is asked again. The last request may still take its time-out. Default: 10 s.
    pub limit: Duration,
    /// How long a registry that does not know a schema's id is asked again: one of several servers learns of a new schema a
    /// little later than the one it was registered with. Default: 2 s.
    pub unknown_id: Duration,
    /// How long an unknown id is taken for unknown without asking again. Default: 30 s.
    pub unknown_id_kept: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            first_pause: Duration::from_millis(50),
            longest_pause: Duration::from_secs(2),
            limit: Duration::from_secs(10),
            unknown_id: Duration::from_secs(2),
            unknown_id_kept: Duration::from_secs(30),
        }
    }
}

/// Growing pauses that end at a deadline.
#[derive(Debug)]
pub(super) struct Pauses {
    next: Duration,
    longest: Duration,
    end: Instant,
}

impl Pauses {
    pub(super) fn new(patience: &Patience, limit: Duration) -> Pauses {
        Pauses {
            next: patience.first_pause.max(Duration::from_millis(1)),
            longest: patience.longest_pause,
            end: Instant::now() + limit,
        }
    }

    /// Waits, at least so long as the server asked for; says `false` at once where that would pass the deadline.
    pub(super) async fn pause(&mut self, at_least: Option<Duration>) -> bool {
        let wait = self.next.max(at_least.unwrap_or_default());
        if Instant::now() + wait >= self.end {
            return false;
        }
        tokio::time::sleep(wait).await;
        self.next = self.next.saturating_mul(2).min(self.longest.max(self.next));
        true
    }
}

/// One request.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) method: Method,
    pub(super) path: Vec<&'a str>,
    pub(super) query: &'static [(&'static str, &'static str)],
    pub(super) body: Option<&'a serde_json::Value>,
    /// What it is for, as errors say it: "list the subjects".
    pub(super) action: String,
}

impl<'a> Request<'a> {
    pub(super) fn get(path: impl Into<Vec<&'a str>>, action: impl Into<String>) -> Request<'a> {
        Request {
            method: Method::GET,
            path: path.into(),
            query: &[],
            body: None,
            action: action.into(),
        }
    }

    pub(super) fn send(
        method: Method,
        path: impl Into<Vec<&'a str>>,
        body: &'a serde_json::Value,
        action: impl Into<String>,
    ) -> Request<'a> {
        Request {
            method,
            body: Some(body),
            ..Request::get(path, action)
        }
    }

    pub(super) fn query(self, query: &'static [(&'static str, &'static str)]) -> Request<'a> {
        Request { query, ..self }
    }
}

/// Sends requests.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    endpoints: Vec<Endpoint>,
    timeout: Duration,
    pub(super) patience: Patience,
    /// The address that answered last.
    current: AtomicUsize,
}

/// Why one attempt gave nothing that can be used.
struct Failure {
    error: RegistryError,
    /// What the server asked to wait.
    wait: Option<Duration>,
}

impl Client {
    pub(super) fn new(options: &HttpOptions, patience: Patience) -> Result<Client, RegistryError> {
        let defect = |error: crate::http::HttpSetupError| RegistryError::Setup {
            defect: error.to_string(),
        };
        Ok(Client {
            endpoints: options.endpoints().map_err(defect)?,
            http: options.client().map_err(defect)?,
            timeout: options.request_timeout,
            patience,
            current: AtomicUsize::new(0),
        })
    }

    pub(super) fn urls(&self) -> String {
        let urls: Vec<&str> = self.endpoints.iter().map(Endpoint::shown).collect();
        urls.join(", ")
    }

    /// Asks until there is an answer: any that is not "not now".
    pub(super) async fn ask(&self, request: &Request<'_>) -> Result<Answer, RegistryError> {
        let mut pauses = Pauses::new(&self.patience, self.patience.limit);
        let mut told = false;
        loop {
            let failure = match self.round(request).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            if !told {
                tracing::warn!(error = %failure.error, "the schema registry is asked again");
                told = true;
            }
            if !pauses.pause(failure.wait).await {
                return Err(failure.error);
            }
        }
    }

    /// Every address once.
    async fn round(&self, request: &Request<'_>) -> Result<Answer, Failure> {
        let first = self.current.load(Ordering::Relaxed);
        let mut worst: Option<Failure> = None;
        let order = (first..self.endpoints.len()).chain(0..first);
        for (index, endpoint) in order.filter_map(|index| Some((index, self.endpoints.get(index)?)))
        {
            match self.once(endpoint, request).await {
                Ok(answer) => {
                    self.current.store(index, Ordering::Relaxed);
                    return Ok(answer);
                }
                // A server that says why it cannot says more than one that says nothing.
                Err(failure) => match &worst {
                    Some(Failure {
                        error: RegistryError::Unavailable { .. },
                        ..
                    }) => {}
                    _ => worst = Some(failure),
                },
            }
        }
        Err(worst.unwrap_or_else(|| self.unreachable("there is no address".to_owned(), None)))
    }

    async fn once(&self, endpoint: &Endpoint, request: &Request<'_>) -> Result<Answer, Failure> {
        let mut url = endpoint.at(&request.path);
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(request.query);
        }
        let mut builder = self
            .http
            .request(request.method.clone(), url)
            .header(ACCEPT, MEDIA_TYPE)
            .timeout(self.timeout);
        if let Some(body) = request.body {
            builder = builder
                .header(CONTENT_TYPE, MEDIA_TYPE)
                .body(body.to_string());
        }
        let failed = |error: reqwest::Error| {
            let reason = if !error.is_timeout() {
                cause(&error)
            } else if error.is_connect() {
                "no connection within its time-out".to_owned()
            } else {
                format!("no whole answer within {:?}", self.timeout)
            };
            self.unreachable(reason, Some(error))
        };
        let response = endpoint.auth.apply(builder).send().await.map_err(failed)?;
        let status = response.status();
        let wait = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let body = response.bytes().await.map_err(failed)?;
        let answer = Answer {
            url: endpoint.shown().to_owned(),
            status: status.as_u16(),
            body: body.into(),
        };
        let not_now = status.is_server_error()
            || matches!(
                status,
                StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
            );
        if not_now {
            return Err(Failure {
                error: RegistryError::Unavailable {
                    action: request.action.clone(),
                    status: answer.status,
                    answer: answer.text(),
                    url: answer.url,
                },
                wait,
            });
        }
        Ok(answer)
    }

    fn unreachable(&self, reason: String, error: Option<reqwest::Error>) -> Failure {
        Failure {
            error: RegistryError::Unreachable {
                url: self.urls(),
                reason,
                // Its address may hold more than is to be shown.
                source: error.map(|error| Arc::new(error.without_url()) as _),
            },
            wait: None,
        }
    }
}
