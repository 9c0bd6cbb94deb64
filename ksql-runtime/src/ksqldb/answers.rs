//! What `/ksql` answers: one entity for each statement, told apart by `@type`.
//!
//! Tolerant: an unknown `@type`, a missing field or a shape of another version is never an error of its own. What a caller
//! needs and does not find is that caller's error, with the answer in it.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::describe::{SourceDescription, type_of};
use super::execute::CommandStatus;
use super::sql_type::SqlType;

/// One entity of an answer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Answer {
    /// `currentStatus`: a statement was written to the command topic.
    Command {
        /// Its id, for `/status`.
        id: String,
        /// How far it is.
        status: CommandStatus,
        /// The place to wait for with the next request.
        sequence: i64,
    },
    /// `warning_entity`: nothing was done, and this is why.
    Warning(String),
    /// `streams`, `tables`.
    Sources(Vec<SourceListing>),
    /// `sourceDescription`, `source_descriptions`.
    Descriptions(Vec<SourceDescription>),
    /// `queries`.
    Queries(Vec<QueryListing>),
    /// `queryDescription`, `query_descriptions`.
    QueryDescriptions(Vec<QueryDescription>),
    /// `kafka_topics`, `kafka_topics_extended`.
    Topics(Vec<TopicListing>),
    /// `type_list`.
    Types(BTreeMap<String, Option<SqlType>>),
    /// `properties`, `variables`: names and values.
    Settings(BTreeMap<String, Option<String>>),
    /// `function_names`, `describe_function`: the names.
    Functions(Vec<String>),
    /// `terminate_query`: a push query was ended.
    Terminated {
        /// Its id, upper-case.
        query_id: String,
        /// Whether it was running.
        terminated: bool,
    },
    /// `assert_topic`, `assert_schema`: it holds.
    Asserted {
        /// Whether it was asked for something that exists.
        exists: bool,
    },
    /// Something newer.
    Other {
        /// Its `@type`.
        name: String,
        /// All of it.
        json: String,
    },
}

/// A line of `SHOW STREAMS` or `SHOW TABLES`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct SourceListing {
    /// Its name.
    #[serde(deserialize_with = "nullable")]
    pub name: String,
    /// Its topic.
    #[serde(deserialize_with = "nullable")]
    pub topic: String,
    /// `STREAM` or `TABLE`; empty where an old server does not say.
    #[serde(rename = "type", deserialize_with = "nullable")]
    pub kind: String,
    /// The key's format.
    #[serde(deserialize_with = "nullable")]
    pub key_format: String,
    /// The value's format.
    #[serde(alias = "format", deserialize_with = "nullable")]
    pub value_format: String,
    /// Whether its keys have windows.
    #[serde(deserialize_with = "nullable")]
    pub is_windowed: bool,
}

/// A line of `SHOW QUERIES`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct QueryListing {
    /// Its id.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The statement, in ksqlDB's normal form; an `INSERT INTO` as it was sent.
    #[serde(deserialize_with = "nullable")]
    pub query_string: String,
    /// Where it writes to.
    #[serde(deserialize_with = "nullable")]
    pub sinks: Vec<String>,
    /// The topics of these.
    #[serde(deserialize_with = "nullable")]
    pub sink_kafka_topics: Vec<String>,
    /// `PERSISTENT`, `PUSH`, `CREATE_SOURCE`..; empty where an old server does not say.
    #[serde(deserialize_with = "nullable")]
    pub query_type: String,
    /// Its state, as the server sums it up.
    #[serde(deserialize_with = "nullable")]
    pub state: String,
    /// On how many nodes it is in which state.
    #[serde(deserialize_with = "nullable")]
    pub status_count: BTreeMap<String, i64>,
}

impl QueryListing {
    /// The worst state of all nodes. Versions tell it as `state`, as `statusCount`, or as `state` with counts in it.
    pub fn worst_state(&self) -> &str {
        let from_text = self
            .state
            .split(',')
            .filter_map(|part| part.split(':').next());
        let states = from_text.chain(self.status_count.keys().map(String::as_str));
        worst(states.map(str::trim))
    }
}

/// What `EXPLAIN` of a query tells.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct QueryDescription {
    /// Its id.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The statement.
    #[serde(deserialize_with = "nullable")]
    pub statement_text: String,
    /// What it reads.
    #[serde(deserialize_with = "nullable")]
    pub sources: Vec<String>,
    /// Where it writes to.
    #[serde(deserialize_with = "nullable")]
    pub sinks: Vec<String>,
    /// Its state.
    #[serde(deserialize_with = "nullable")]
    pub state: String,
    /// Its state on each node.
    #[serde(deserialize_with = "nullable")]
    pub ksql_host_query_status: BTreeMap<String, String>,
    /// Its errors, as the server tells them.
    #[serde(rename = "queryErrors", deserialize_with = "messages")]
    pub errors: Vec<String>,
}

impl QueryDescription {
    /// The worst state of all nodes.
    pub fn worst_state(&self) -> &str {
        worst(
            std::iter::once(self.state.as_str())
                .chain(self.ksql_host_query_status.values().map(String::as_str)),
        )
    }
}

/// Of some states the one that says most: anything else than running, an error first.
fn worst<'a>(states: impl Iterator<Item = &'a str>) -> &'a str {
    let mut found = "";
    for state in states.filter(|state| !state.is_empty()) {
        if found.is_empty() || found == "RUNNING" || state == "ERROR" {
            found = state;
        }
    }
    found
}

/// A line of `SHOW TOPICS`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct TopicListing {
    /// Its name.
    #[serde(deserialize_with = "nullable")]
    pub name: String,
    /// The replicas of each partition.
    #[serde(deserialize_with = "nullable")]
    pub replica_info: Vec<u32>,
}

/// Reads `null` as the default.
pub(super) fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// An id as text, or as old servers write it: `{"id": ".."}`.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let id = Value::deserialize(deserializer)?;
    Ok(id
        .as_str()
        .or_else(|| id.get("id")?.as_str())
        .unwrap_or_default()
        .to_owned())
}

/// The texts of errors, however they are wrapped.
fn messages<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let errors = Value::deserialize(deserializer)?;
    let text = |error: &Value| {
        let message = error
            .get("errorMessage")
            .or_else(|| error.get("message"))
            .unwrap_or(error);
        let kind = error
            .get("type")
            .and_then(Value::as_str)
            .map(|kind| format!("{kind}: "))
            .unwrap_or_default();
        // A stack trace below it helps nobody who reads one line.
        let text = message.as_str().map_or_else(
            || message.to_string(),
            |text| text.lines().next().unwrap_or_default().to_owned(),
        );
        format!("{kind}{text}")
    };
    Ok(errors
        .as_array()
        .map(|errors| errors.iter().map(text).collect())
        .unwrap_or_default())
}

impl Answer {
    /// Reads one entity.
    pub fn read(json: Value) -> Answer {
        let name = json
            .get("@type")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        Answer::known(&name, &json).unwrap_or_else(|| Answer::Other {
            name,
            json: json.to_string(),
        })
    }

    /// The entities of a whole answer.
    ///
    /// # Errors
    /// Where it is no list.
    pub fn read_all(body: &str) -> Result<Vec<Answer>, String> {
        let entities: Vec<Value> = serde_json::from_str(body).map_err(|error| error.to_string())?;
        Ok(entities.into_iter().map(Answer::read).collect())
    }

    fn known(name: &str, json: &Value) -> Option<Answer> {
        Some(match name {
            "currentStatus" => Answer::Command {
                id: text(json, "commandId"),
                status: part(json, "commandStatus")?,
                sequence: json
                    .get("commandSequenceNumber")
                    .and_then(Value::as_i64)
                    .unwrap_or(-1),
            },
            "warning_entity" => Answer::Warning(text(json, "message")),
            "streams" | "tables" => Answer::Sources(part(json, name)?),
            "sourceDescription" => Answer::Descriptions(vec![part(json, name)?]),
            "source_descriptions" => Answer::Descriptions(part(json, "sourceDescriptions")?),
            "queries" => Answer::Queries(part(json, name)?),
            "queryDescription" => Answer::QueryDescriptions(vec![part(json, name)?]),
            "query_descriptions" => Answer::QueryDescriptions(part(json, "queryDescriptions")?),
            "kafka_topics" | "kafka_topics_extended" => Answer::Topics(part(json, "topics")?),
            "type_list" => Answer::Types(
                json.get("types")?
                    .as_object()?
                    .iter()
                    .map(|(name, schema)| (name.clone(), type_of(schema)))
                    .collect(),
            ),
            "properties" | "variables" => Answer::Settings(settings(json.get(name)?)?),
            "function_names" => Answer::Functions(names(json.get("functions")?)?),
            "describe_function" => Answer::Functions(vec![text(json, "name")]),
            "terminate_query" => Answer::Terminated {
                query_id: text(json, "queryId"),
                terminated: json
                    .get("wasTerminated")
                    .and_then(Value::as_bool)
                    .unwrap_or(true),
            },
            "assert_topic" | "assert_schema" => Answer::Asserted {
                exists: json.get("exists").and_then(Value::as_bool).unwrap_or(true),
            },
            _ => return None,
        })
    }
}

fn text(json: &Value, name: &str) -> String {
    json.get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn part<T: DeserializeOwned>(json: &Value, name: &str) -> Option<T> {
    T::deserialize(json.get(name)?).ok()
}

/// Names and values: an object, or a list of objects.
fn settings(json: &Value) -> Option<BTreeMap<String, Option<String>>> {
    let value = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    if let Some(object) = json.as_object() {
        return Some(
            object
                .iter()
                .map(|(name, entry)| (name.clone(), value(entry)))
                .collect(),
        );
    }
    Some(
        json.as_array()?
            .iter()
            .map(|entry| (text(entry, "name"), entry.get("value").and_then(value)))
            .collect(),
    )
}

fn names(json: &Value) -> Option<Vec<String>> {
    Some(
        json.as_array()?
            .iter()
            .map(|entry| text(entry, "name"))
            .collect(),
    )
}
