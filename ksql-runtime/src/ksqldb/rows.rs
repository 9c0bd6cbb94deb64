//! The rows of one query, as they come.
//!
//! Invariant: an answer is whole only when its `]` was read. Whatever ends before - a killed server, a proxy, a chunk that
//! never comes - is an error, never a short result. The body is read only when somebody asks for the next row.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};
use url::Url;

use super::client::KsqlDb;
use super::elements::{Element, Elements};
use super::error::{Asked, KsqlDbError};
use super::sql_type::SchemaColumn;
use super::transport::{Reply, Request, broken, garbled, server_error, timed_out};
use super::value::SqlValue;

/// A row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// A value for each column.
    pub values: Vec<SqlValue>,
    /// Whether it tells that the row of this key is gone.
    pub tombstone: bool,
}

/// Why there are no more rows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// All rows were sent.
    Complete,
    /// As many as `LIMIT` says were sent.
    LimitReached,
    /// The query was ended: by `/close-query`, by TERMINATE, or because the server stops - all say this. So does a pull
    /// query over a stream.
    Completed,
    /// Something newer.
    Other(String),
}

/// The rows of a query.
#[derive(Debug)]
pub struct RowStream {
    url: Url,
    request: Request,
    response: reqwest::Response,
    elements: Elements,
    query_id: String,
    columns: Vec<SchemaColumn>,
    last_word: Option<String>,
    end: Option<End>,
    /// How long the next bytes are waited for.
    patience: Option<Duration>,
}

impl KsqlDb {
    /// Asks a query, pull or push, and waits for its header.
    ///
    /// # Errors
    /// Where it is refused, or no address answers in time. What is not ready is an error here; `pull` and `push` try again.
    pub async fn rows(
        &self,
        query: &str,
        properties: &BTreeMap<String, String>,
    ) -> Result<RowStream, KsqlDbError> {
        let push = super::token::tokens(query)
            .map_err(|reason| KsqlDbError::Statement {
                statement: query.to_owned(),
                reason,
            })?
            .iter()
            .any(|lexed| lexed.token.is("EMIT"));
        let all = self.options().properties.iter().chain(properties);
        let properties: Map<String, Value> = all
            .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
            .collect();
        let body = json!({ "sql": query, "properties": properties });
        let asked = if push { Asked::Push } else { Asked::Pull };
        let request = Request::post("query-stream", body, asked, query);
        let limit = self.options().http.request_timeout;
        tracing::debug!(statement = query, "sent to ksqlDB");
        let Reply { url, body } = self.open(&request).await?;
        let mut rows = RowStream {
            url,
            request,
            response: body,
            elements: Elements::new(self.options().max_row_bytes),
            query_id: String::new(),
            columns: Vec::new(),
            last_word: None,
            end: None,
            patience: Some(limit),
        };
        rows.read_header().await?;
        if push {
            rows.patience = self.options().idle_timeout;
        }
        Ok(rows)
    }

    /// Ends a push query, on the node that runs it.
    ///
    /// # Errors
    /// Where the node cannot be asked. That it does not know the query is no error: then it has ended.
    pub(super) async fn close_query(&self, url: &Url, query_id: &str) -> Result<(), KsqlDbError> {
        let mut request = Request::post(
            "close-query",
            json!({ "queryId": query_id }),
            Asked::Read,
            query_id,
        );
        request.is_statement = false;
        match self.ask_one(url, &request).await {
            Ok(_) => Ok(()),
            Err(KsqlDbError::Server(error)) if error.code == 40000 => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl RowStream {
    /// The query's id.
    pub fn query_id(&self) -> &str {
        &self.query_id
    }

    /// The columns.
    pub fn columns(&self) -> &[SchemaColumn] {
        &self.columns
    }

    /// Why there are no more rows, once there are none.
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// The address that answers.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    async fn read_header(&mut self) -> Result<(), KsqlDbError> {
        let Some(text) = self.next_element().await? else {
            return Err(self.garbled("the answer has no header", ""));
        };
        match Element::read(&text) {
            Ok(Element::Header { query_id, schema }) => {
                self.query_id = query_id;
                self.columns = SchemaColumn::parse_all(&schema)
                    .map_err(|reason| self.garbled(&reason, &text))?;
                Ok(())
            }
            Ok(Element::Error { code, message }) => {
                Err(server_error(&self.url, &self.request, code, message))
            }
            Ok(_) => Err(self.garbled("the answer does not begin with a header", &text)),
            Err(reason) => Err(self.garbled(&reason, &text)),
        }
    }

    /// The next row; nothing when there are no more.
    ///
    /// # Errors
    /// Where the server tells one, the answer breaks off, or nothing came for too long.
    pub async fn next(&mut self) -> Result<Option<Row>, KsqlDbError> {
        while self.end.is_none() {
            let Some(text) = self.next_element().await? else {
                self.end = Some(match self.last_word.take() {
                    None => End::Complete,
                    Some(word) => match word.as_str() {
                        "Limit Reached" => End::LimitReached,
                        "Query Completed" => End::Completed,
                        _ => End::Other(word),
                    },
                });
                break;
            };
            match Element::read(&text).map_err(|reason| self.garbled(&reason, &text))? {
                Element::Row { columns, tombstone } => {
                    return self.row(&columns, tombstone, &text).map(Some);
                }
                Element::Final(word) => self.last_word = Some(word),
                Element::Error { code, message } => {
                    return Err(server_error(&self.url, &self.request, code, message));
                }
                Element::Header { .. } | Element::Other => {}
            }
        }
        Ok(None)
    }

    fn row(
        &self,
        json: &[&serde_json::value::RawValue],
        tombstone: bool,
        text: &str,
    ) -> Result<Row, KsqlDbError> {
        if json.len() != self.columns.len() {
            let reason = format!(
                "a row has {} values for {} columns",
                json.len(),
                self.columns.len()
            );
            return Err(self.garbled(&reason, text));
        }
        let values = self.columns.iter().zip(json).map(|(column, json)| {
            SqlValue::read(&column.ty, json).map_err(|error| KsqlDbError::Value {
                query: self.request.shown.clone(),
                error: error.at(&column.name),
            })
        });
        Ok(Row {
            values: values.collect::<Result<_, _>>()?,
            tombstone,
        })
    }

    /// The next element's text; nothing behind the `]`.
    async fn next_element(&mut self) -> Result<Option<String>, KsqlDbError> {
        loop {
            match self.elements.next() {
                Ok(Some(text)) => return Ok(Some(text)),
                Ok(None) if self.elements.is_complete() => return Ok(None),
                Ok(None) => {}
                Err(reason) => return Err(self.garbled(&reason, "")),
            }
            let chunk = self.response.chunk();
            let chunk = match self.patience {
                None => chunk.await,
                Some(limit) => tokio::time::timeout(limit, chunk)
                    .await
                    .map_err(|_| timed_out(&self.url, &self.request, limit))?,
            };
            match chunk {
                Ok(Some(bytes)) => self.elements.push(&bytes),
                Ok(None) => {
                    return Err(KsqlDbError::Lost {
                        url: self.url.to_string(),
                        asked: self.request.shown.clone(),
                        reason: "the answer ends without its `]`".to_owned(),
                    });
                }
                Err(error) => return Err(broken(&self.url, &self.request, error)),
            }
        }
    }

    fn garbled(&self, reason: &str, text: &str) -> KsqlDbError {
        garbled(&self.url, &self.request.shown, reason, text)
    }
}
