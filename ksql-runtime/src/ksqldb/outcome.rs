//! Whether a statement without an answer was applied: seen from outside, before anything is sent again.

use super::answers::{Answer, QueryListing};
use super::canonical::same_query;
use super::client::KsqlDb;
use super::describe::SourceDescription;
use super::error::{Asked, Class, KsqlDbError};
use super::statement::{Effect, Statement};

/// What was there before a statement was sent, as far as that matters.
#[derive(Debug, Clone, Default)]
pub(super) struct Before {
    /// Queries that write to the sink of an `INSERT INTO`.
    queries: Vec<String>,
}

/// What is seen afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// It is applied.
    Applied {
        /// The query it started.
        query_id: Option<String>,
    },
    /// No trace of it.
    NotYet,
}

impl Seen {
    fn when(applied: bool) -> Seen {
        if applied {
            Seen::Applied { query_id: None }
        } else {
            Seen::NotYet
        }
    }
}

impl KsqlDb {
    /// What `DESCRIBE` tells of a source, where there is one of that name.
    ///
    /// # Errors
    /// Where the server cannot be asked, or answers with something else.
    pub async fn describe(&self, name: &str) -> Result<Option<SourceDescription>, KsqlDbError> {
        let statement = describe_text(name);
        described(&statement, self.read(&statement).await)
    }

    /// The same, asked once.
    pub(super) async fn describe_now(
        &self,
        name: &str,
    ) -> Result<Option<SourceDescription>, KsqlDbError> {
        let statement = describe_text(name);
        described(&statement, self.send(&statement, Asked::Read).await)
    }

    /// `SHOW QUERIES`.
    ///
    /// # Errors
    /// Where the server cannot be asked, or answers with something else.
    pub async fn queries(&self) -> Result<Vec<QueryListing>, KsqlDbError> {
        let statement = "SHOW QUERIES;";
        let answers = self.read(statement).await?;
        let found = answers.into_iter().find_map(|answer| match answer {
            Answer::Queries(queries) => Some(queries),
            _ => None,
        });
        found.ok_or_else(|| nothing_in(statement, "a list of queries"))
    }

    pub(super) async fn look_before(&self, effect: &Effect) -> Result<Before, KsqlDbError> {
        match effect {
            Effect::InsertInto { name, .. } => {
                let queries = self.queries().await?;
                let writing = queries
                    .into_iter()
                    .filter(|query| query.sinks.contains(name));
                Ok(Before {
                    queries: writing.map(|query| query.id).collect(),
                })
            }
            _ => Ok(Before::default()),
        }
    }

    pub(super) async fn look_after(
        &self,
        statement: &Statement,
        before: &Before,
    ) -> Result<Seen, KsqlDbError> {
        Ok(match statement.effect() {
            // Sent twice these do the same as once.
            Effect::Read | Effect::Repeatable => Seen::NotYet,
            Effect::Create { name, replace, .. } => {
                let found = self.describe(name).await?;
                Seen::when(found.is_some_and(|found| {
                    has_columns(&found, statement) && (!replace || says(&found, statement))
                }))
            }
            Effect::CreateAs { name, .. } => match self.describe(name).await? {
                Some(found) => found
                    .write_queries
                    .iter()
                    .find(|query| same_query(&query.query_string, statement.text()))
                    .map_or(Seen::NotYet, |query| Seen::Applied {
                        query_id: Some(query.id.clone()),
                    }),
                None => Seen::NotYet,
            },
            Effect::InsertInto { name, query_id } => self
                .queries()
                .await?
                .into_iter()
                .find(|query| {
                    query.sinks.contains(name)
                        && !before.queries.contains(&query.id)
                        && query_id.as_ref().is_none_or(|id| *id == query.id)
                        && same_query(&query.query_string, statement.text())
                })
                .map_or(Seen::NotYet, |query| Seen::Applied {
                    query_id: Some(query.id),
                }),
            Effect::Alter { name } => {
                let found = self.describe(name).await?;
                Seen::when(found.is_some_and(|found| says(&found, statement)))
            }
            Effect::Drop { name } => Seen::when(self.describe(name).await?.is_none()),
            Effect::CreateType { name } => Seen::when(self.has_type(name).await?),
            Effect::DropType { name } => Seen::when(!self.has_type(name).await?),
            Effect::Terminate { id } => {
                let queries = self.queries().await?;
                Seen::when(
                    !queries
                        .iter()
                        .any(|query| query.id.eq_ignore_ascii_case(id)),
                )
            }
        })
    }

    async fn has_type(&self, name: &str) -> Result<bool, KsqlDbError> {
        let answers = self.read("SHOW TYPES;").await?;
        Ok(answers
            .iter()
            .any(|answer| matches!(answer, Answer::Types(types) if types.contains_key(name))))
    }
}

fn describe_text(name: &str) -> String {
    format!("DESCRIBE {};", ksql_schema::names::quoted(name))
}

fn described(
    statement: &str,
    answers: Result<Vec<Answer>, KsqlDbError>,
) -> Result<Option<SourceDescription>, KsqlDbError> {
    let answers = match answers {
        Ok(answers) => answers,
        Err(KsqlDbError::Server(error))
            if error.code == 40001 && error.message.contains("Could not find STREAM/TABLE") =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let found = answers.into_iter().find_map(|answer| match answer {
        Answer::Descriptions(descriptions) => descriptions.into_iter().next(),
        _ => None,
    });
    found
        .map(Some)
        .ok_or_else(|| nothing_in(statement, "a description"))
}

/// Whether a source has the columns of a `CREATE`.
fn has_columns(found: &SourceDescription, statement: &Statement) -> bool {
    let Ok((columns, _)) = statement.definition() else {
        return false;
    };
    columns.iter().all(|column| {
        found
            .columns()
            .any(|field| field.name == column.name && field.ty.as_ref() == Some(&column.ty))
    })
}

/// Whether a statement is among those that made a source.
fn says(found: &SourceDescription, statement: &Statement) -> bool {
    Statement::split(&found.statement)
        .unwrap_or_default()
        .iter()
        .any(|made| same_query(made.text(), statement.text()))
}

pub(super) fn nothing_in(statement: &str, what: &str) -> KsqlDbError {
    KsqlDbError::Garbled {
        url: "ksqlDB".to_owned(),
        asked: statement.to_owned(),
        reason: format!("{what} is missing in the answer"),
    }
}

/// Whether an error says that something is not there.
pub(super) fn is_absent(error: &KsqlDbError) -> bool {
    match error {
        KsqlDbError::Server(error) => {
            error.class == Class::NotFound
                || (error.code == 40001
                    && [
                        "Unknown queryId",
                        "does not exist",
                        "Could not find STREAM/TABLE",
                    ]
                    .iter()
                    .any(|text| error.message.contains(text)))
        }
        _ => false,
    }
}
