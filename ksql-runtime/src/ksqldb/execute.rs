//! Statements: one a request, waited for until it is applied.
//!
//! ksqlDB writes a statement to its command topic and answers when its own node has applied it - or earlier. So a status that
//! is not final is polled, the highest command sequence number goes with every request, and a request whose outcome is not
//! known (error 50000, a lost connection) is looked up before anything is sent again. Statements run one behind another.

use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use super::answers::{Answer, nullable};
use super::backoff::Backoff;
use super::client::KsqlDb;
use super::error::{Asked, Class, KsqlDbError};
use super::outcome::{Before, Seen};
use super::statement::{Effect, Statement};
use super::transport::{Reply, Request, garbled};

/// How far a statement is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommandState {
    /// In the command topic.
    Queued,
    /// Being read.
    Parsing,
    /// Being applied.
    Executing,
    /// Its query runs. Old servers end with this where new ones say SUCCESS.
    Running,
    /// Its query was terminated since.
    Terminated,
    /// Applied, on the node that says so.
    Success,
    /// Not applied.
    Error,
    /// Something newer.
    Other(String),
}

impl CommandState {
    /// Whether it stays so.
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            CommandState::Terminated | CommandState::Success | CommandState::Error
        )
    }
}

impl fmt::Display for CommandState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CommandState::Queued => "QUEUED",
            CommandState::Parsing => "PARSING",
            CommandState::Executing => "EXECUTING",
            CommandState::Running => "RUNNING",
            CommandState::Terminated => "TERMINATED",
            CommandState::Success => "SUCCESS",
            CommandState::Error => "ERROR",
            CommandState::Other(text) => text,
        })
    }
}

impl<'de> Deserialize<'de> for CommandState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match String::deserialize(deserializer)?.as_str() {
            "QUEUED" => CommandState::Queued,
            "PARSING" => CommandState::Parsing,
            "EXECUTING" => CommandState::Executing,
            "RUNNING" => CommandState::Running,
            "TERMINATED" => CommandState::Terminated,
            "SUCCESS" => CommandState::Success,
            "ERROR" => CommandState::Error,
            other => CommandState::Other(other.to_owned()),
        })
    }
}

/// The answer of `/status`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CommandStatus {
    /// How far it is.
    pub status: CommandState,
    /// The server's words for it.
    #[serde(default, deserialize_with = "nullable")]
    pub message: String,
    /// The query it started, where it started one.
    #[serde(default)]
    pub query_id: Option<String>,
}

/// A statement that was carried out.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Executed {
    /// What the server answered. Empty where there was no answer, and a look showed that it is applied.
    pub answers: Vec<Answer>,
    /// The query it started, where it started one.
    pub query_id: Option<String>,
    /// Whether nothing was done, since it was there already, and why. ksqlDB compares only the name then.
    pub skipped: Option<String>,
}

impl Executed {
    /// Without an answer, but applied.
    fn found(query_id: Option<String>) -> Executed {
        Executed {
            answers: Vec::new(),
            query_id,
            skipped: None,
        }
    }
}

impl KsqlDb {
    /// Carries out one statement and waits until it is applied.
    ///
    /// # Errors
    /// Where it is refused, fails, is not applied in time, or its outcome cannot be told.
    pub async fn execute(&self, statement: &str) -> Result<Executed, KsqlDbError> {
        self.execute_parsed(&Statement::parse(statement)?).await
    }

    /// As [`KsqlDb::execute`], for a statement that was read already.
    ///
    /// # Errors
    /// As [`KsqlDb::execute`].
    pub async fn execute_parsed(&self, statement: &Statement) -> Result<Executed, KsqlDbError> {
        if *statement.effect() == Effect::Read {
            let answers = self.read(statement.text()).await?;
            return Ok(Executed {
                answers,
                query_id: None,
                skipped: None,
            });
        }
        let _turn = self.one_at_a_time().await;
        let limit = self.options().statement_timeout;
        let mut backoff = Backoff::within(self.options(), limit);
        let before = self.look_before(statement.effect()).await?;
        let mut sent_before = false;
        loop {
            let error = match self.send(statement.text(), Asked::Statement).await {
                Ok(answers) => return self.finish(statement, answers, &mut backoff).await,
                Err(error) => error,
            };
            if error.is_outcome_unknown() {
                match self.look_until_seen(statement, &before, &mut backoff).await {
                    None => return Err(unknown(statement, error)),
                    Some(Seen::Applied { query_id }) => return Ok(Executed::found(query_id)),
                    Some(Seen::NotYet) if !may_come(&error) => return Err(error),
                    // The command may wait in the topic behind another: sent again it would be two queries.
                    Some(Seen::NotYet)
                        if matches!(statement.effect(), Effect::InsertInto { .. }) =>
                    {
                        return self.look_on(statement, &before, &mut backoff, error).await;
                    }
                    Some(Seen::NotYet) => sent_before = true,
                }
            } else if !error.is_retryable() {
                // Refused because it is there: what was sent before came late.
                if sent_before
                    && let Ok(Seen::Applied { query_id }) =
                        self.look_after(statement, &before).await
                {
                    return Ok(Executed::found(query_id));
                }
                return Err(error);
            }
            if !backoff.pause().await {
                return Err(error);
            }
        }
    }

    /// Sends something that changes nothing, again while there is nobody who can answer: a server that starts, stops, or is
    /// away for a moment.
    pub(super) async fn read(&self, statement: &str) -> Result<Vec<Answer>, KsqlDbError> {
        let mut backoff = Backoff::within(self.options(), self.options().ready_timeout);
        loop {
            let error = match self.send(statement, Asked::Read).await {
                Ok(answers) => return Ok(answers),
                Err(error) => error,
            };
            let passes = match &error {
                KsqlDbError::Unreachable { .. } | KsqlDbError::Lost { .. } => true,
                other => matches!(other.class(), Some(Class::Busy | Class::OtherNode)),
            };
            if !passes || !backoff.pause().await {
                return Err(error);
            }
            tracing::debug!(statement, %error, "asked again");
        }
    }

    /// Looks until there is something to see: a server that lost a connection may be away for longer.
    async fn look_until_seen(
        &self,
        statement: &Statement,
        before: &Before,
        backoff: &mut Backoff,
    ) -> Option<Seen> {
        loop {
            match self.look_after(statement, before).await {
                Ok(seen) => return Some(seen),
                Err(error) => {
                    tracing::debug!(statement = statement.text(), %error, "its outcome cannot be seen yet");
                    if !backoff.pause().await {
                        return None;
                    }
                }
            }
        }
    }

    /// Looks until it is applied, and sends nothing.
    async fn look_on(
        &self,
        statement: &Statement,
        before: &Before,
        backoff: &mut Backoff,
        error: KsqlDbError,
    ) -> Result<Executed, KsqlDbError> {
        while backoff.pause().await {
            match self.look_until_seen(statement, before, backoff).await {
                Some(Seen::Applied { query_id }) => return Ok(Executed::found(query_id)),
                Some(Seen::NotYet) => {}
                None => break,
            }
        }
        Err(unknown(statement, error))
    }

    /// One request to `/ksql`.
    pub(super) async fn send(
        &self,
        statement: &str,
        asked: Asked,
    ) -> Result<Vec<Answer>, KsqlDbError> {
        let properties: Map<String, Value> = self
            .options()
            .properties
            .iter()
            .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
            .collect();
        let mut body = json!({ "ksql": statement, "streamsProperties": properties });
        if let (Some(sequence), Some(body)) = (self.sequence(), body.as_object_mut()) {
            body.insert("commandSequenceNumber".to_owned(), Value::from(sequence));
        }
        let request = Request::post("ksql", body, asked, statement);
        tracing::debug!(statement, "sent to ksqlDB");
        let Reply { url, body } = self.ask(&request).await?;
        let answers =
            Answer::read_all(&body).map_err(|reason| garbled(&url, statement, &reason, &body))?;
        for answer in &answers {
            if let Answer::Command { sequence, .. } = answer {
                self.saw(*sequence);
            }
        }
        Ok(answers)
    }

    /// Waits until what the server accepted is applied.
    async fn finish(
        &self,
        statement: &Statement,
        answers: Vec<Answer>,
        backoff: &mut Backoff,
    ) -> Result<Executed, KsqlDbError> {
        let mut executed = Executed {
            answers,
            query_id: None,
            skipped: None,
        };
        let mut command = None;
        for answer in &executed.answers {
            match answer {
                Answer::Command { id, status, .. } => command = Some((id.clone(), status.clone())),
                Answer::Warning(message) => executed.skipped = Some(message.clone()),
                _ => {}
            }
        }
        let Some((id, mut status)) = command else {
            return Ok(executed);
        };
        while !status.status.is_final() {
            if !backoff.pause().await {
                return Err(KsqlDbError::Deadline {
                    what: format!("the end of `{}`", statement.text()),
                    limit: self.options().statement_timeout,
                    last: format!("it is {} ({})", status.status, status.message),
                });
            }
            match self.status(&id).await {
                Ok(next) => status = next,
                // Another node answered, which has not read the command yet; or the connection is bad for a while.
                Err(error) if error.class() == Some(Class::NotFound) || error.is_retryable() => {}
                Err(KsqlDbError::Lost { .. } | KsqlDbError::TimedOut { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        if status.status == CommandState::Error {
            return Err(KsqlDbError::Failed {
                statement: statement.text().to_owned(),
                message: status.message,
            });
        }
        executed.query_id = status.query_id;
        Ok(executed)
    }
}

/// Whether a statement without an answer may still be applied: it waits in the command topic, or nobody knows. Any other
/// error 50000 is the server's refusal, known by its text alone.
fn may_come(error: &KsqlDbError) -> bool {
    match error {
        KsqlDbError::Server(server) => {
            server.code != 50000
                || server.message.contains("into the command topic")
                || server.message.contains("command topic consumer")
        }
        _ => true,
    }
}

fn unknown(statement: &Statement, cause: KsqlDbError) -> KsqlDbError {
    KsqlDbError::OutcomeUnknown {
        statement: statement.text().to_owned(),
        cause: Box::new(cause),
    }
}
