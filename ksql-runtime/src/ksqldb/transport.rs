//! One request to one of several addresses: which errors allow the next address, and how long an answer is waited for.
//!
//! Invariant: what may have been carried out is not sent again from here. Only where nothing was sent (no connection), where
//! the server says that it did nothing (starting, stopping), or where a request changes nothing, the next address is asked.

use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::client::KsqlDb;
use super::error::{Asked, Class, KsqlDbError, ServerError};

/// The form of rows that shows deletions and never hangs.
pub(super) const ROWS: &str = "application/vnd.ksql.v1+json";

/// A request, for any address.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) path: Vec<String>,
    /// What is posted; nothing for GET.
    pub(super) body: Option<Value>,
    pub(super) asked: Asked,
    /// What errors show: the statement, or the path.
    pub(super) shown: String,
    /// Whether `shown` is a statement.
    pub(super) is_statement: bool,
}

impl Request {
    pub(super) fn get(path: &[&str]) -> Request {
        Request {
            path: path.iter().map(|&segment| segment.to_owned()).collect(),
            body: None,
            asked: Asked::Read,
            shown: format!("/{}", path.join("/")),
            is_statement: false,
        }
    }

    pub(super) fn post(path: &str, body: Value, asked: Asked, statement: &str) -> Request {
        Request {
            path: vec![path.to_owned()],
            body: Some(body),
            asked,
            shown: statement.to_owned(),
            is_statement: true,
        }
    }

    /// Whether it may be carried out twice.
    fn is_repeatable(&self) -> bool {
        self.asked != Asked::Statement
    }
}

/// An answer, begun or whole.
#[derive(Debug)]
pub(super) struct Reply<B> {
    /// The address that answered.
    pub(super) url: Url,
    pub(super) body: B,
}

impl KsqlDb {
    /// The whole answer, as text.
    pub(super) async fn ask(&self, request: &Request) -> Result<Reply<String>, KsqlDbError> {
        let mut failed = Failed::default();
        for (at, url) in self.addresses() {
            match self.ask_one(url, request).await {
                Ok(body) => {
                    self.prefer(at);
                    return Ok(Reply {
                        url: url.clone(),
                        body,
                    });
                }
                Err(error) => failed.add(request, error)?,
            }
        }
        Err(failed.told())
    }

    /// An answer whose body is read by whoever asked.
    pub(super) async fn open(
        &self,
        request: &Request,
    ) -> Result<Reply<reqwest::Response>, KsqlDbError> {
        let mut failed = Failed::default();
        for (at, url) in self.addresses() {
            let limit = self.options().http.request_timeout;
            let opened = async {
                let response = self.begin(url, request).await?;
                let status = response.status().as_u16();
                if status == 200 {
                    return Ok(response);
                }
                let body = self.whole(url, request, response).await?;
                Err(refusal(url, request, status, &body))
            };
            match tokio::time::timeout(limit, opened)
                .await
                .unwrap_or_else(|_| Err(timed_out(url, request, limit)))
            {
                Ok(body) => {
                    self.prefer(at);
                    return Ok(Reply {
                        url: url.clone(),
                        body,
                    });
                }
                Err(error) => failed.add(request, error)?,
            }
        }
        Err(failed.told())
    }

    /// The whole answer of one address.
    pub(super) async fn ask_one(
        &self,
        url: &Url,
        request: &Request,
    ) -> Result<String, KsqlDbError> {
        let limit = self.options().http.request_timeout;
        let asked = async {
            let response = self.begin(url, request).await?;
            let status = response.status().as_u16();
            let body = self.whole(url, request, response).await?;
            if status == 200 {
                Ok(body)
            } else {
                Err(refusal(url, request, status, &body))
            }
        };
        tokio::time::timeout(limit, asked)
            .await
            .unwrap_or_else(|_| Err(timed_out(url, request, limit)))
    }

    async fn begin(&self, url: &Url, request: &Request) -> Result<reqwest::Response, KsqlDbError> {
        let mut target = url.clone();
        if let Ok(mut segments) = target.path_segments_mut() {
            // Back quotes of command ids are escaped here.
            segments.pop_if_empty().extend(&request.path);
        }
        let builder = match &request.body {
            None => self.http().get(target),
            Some(body) => self.http().post(target).json(body),
        };
        let builder = self.options().http.auth.apply(builder);
        // Without this header rows come in a form that hides deletions and can hang for ever.
        let builder = builder.header(reqwest::header::ACCEPT, ROWS);
        builder
            .send()
            .await
            .map_err(|error| broken(url, request, error))
    }

    async fn whole(
        &self,
        url: &Url,
        request: &Request,
        response: reqwest::Response,
    ) -> Result<String, KsqlDbError> {
        response
            .text()
            .await
            .map_err(|error| broken(url, request, error))
    }
}

/// What earlier addresses said.
#[derive(Default)]
struct Failed {
    unreachable: Vec<String>,
    told: Option<KsqlDbError>,
}

impl Failed {
    /// Keeps an error that allows the next address; gives back one that does not.
    fn add(&mut self, request: &Request, error: KsqlDbError) -> Result<(), KsqlDbError> {
        match error {
            KsqlDbError::Unreachable { reason } => self.unreachable.push(reason),
            KsqlDbError::Server(server) if next_address(server.class) => {
                self.told = Some(KsqlDbError::Server(server));
            }
            error @ (KsqlDbError::Lost { .. }
            | KsqlDbError::TimedOut { .. }
            | KsqlDbError::Garbled { .. })
                if request.is_repeatable() =>
            {
                self.told.get_or_insert(error);
            }
            error => return Err(error),
        }
        Ok(())
    }

    /// An answer says more than a connection that was not made.
    fn told(self) -> KsqlDbError {
        self.told.unwrap_or_else(|| KsqlDbError::Unreachable {
            reason: self.unreachable.join("; "),
        })
    }
}

/// Whether another node may answer otherwise.
fn next_address(class: Class) -> bool {
    match class {
        Class::Busy | Class::OtherNode | Class::NotReady | Class::NotQueryable => true,
        Class::Invalid
        | Class::Forbidden
        | Class::NotFound
        | Class::Dependency
        | Class::Assertion
        | Class::Fault
        | Class::OutcomeUnknown => false,
    }
}

pub(super) fn timed_out(url: &Url, request: &Request, limit: Duration) -> KsqlDbError {
    KsqlDbError::TimedOut {
        url: url.to_string(),
        asked: request.shown.clone(),
        limit,
    }
}

/// An error of the connection.
pub(super) fn broken(url: &Url, request: &Request, error: reqwest::Error) -> KsqlDbError {
    let never_sent = error.is_connect() || error.is_builder();
    // The address is told by us; the innermost cause is what says something.
    let reason = crate::http::cause(&error.without_url());
    if never_sent {
        KsqlDbError::Unreachable {
            reason: format!("{url}: {reason}"),
        }
    } else {
        KsqlDbError::Lost {
            url: url.to_string(),
            asked: request.shown.clone(),
            reason,
        }
    }
}

/// An answer that is not what was asked for.
pub(super) fn garbled(url: &Url, shown: &str, reason: &str, body: &str) -> KsqlDbError {
    KsqlDbError::Garbled {
        url: url.to_string(),
        asked: shown.to_owned(),
        reason: format!("{reason}: {}", excerpt(body)),
    }
}

/// An error answer.
fn refusal(url: &Url, request: &Request, status: u16, body: &str) -> KsqlDbError {
    let json: Option<Value> = serde_json::from_str(body).ok();
    let part = |name: &str| json.as_ref().and_then(|json| json.get(name));
    let code = part("error_code")
        .and_then(Value::as_u64)
        .and_then(|code| u32::try_from(code).ok());
    let message = part("message").and_then(Value::as_str);
    let (code, message) = match (code, message) {
        (Some(code), message) => (code, message.unwrap_or_default().to_owned()),
        // Something between us and ksqlDB, or a path it does not have.
        (None, _) => (
            u32::from(status) * 100,
            format!("HTTP status {status}: {}", excerpt(body)),
        ),
    };
    server_error(url, request, code, message)
}

/// An error the server told, in whichever place.
pub(super) fn server_error(
    url: &Url,
    request: &Request,
    code: u32,
    message: String,
) -> KsqlDbError {
    KsqlDbError::Server(Box::new(ServerError {
        url: url.to_string(),
        code,
        class: Class::of(code, &message, request.asked),
        message,
        statement: request.is_statement.then(|| request.shown.clone()),
    }))
}

fn excerpt(body: &str) -> String {
    let mut short: String = body.chars().take(200).collect();
    if short.is_empty() {
        return "an empty body".to_owned();
    }
    if short.len() < body.len() {
        short.push_str("..");
    }
    short
}
