//! How what the server has differs from what is defined, and what can be done: altered in place, a new version beside the
//! old one, or nothing but by hand.

use std::fmt;

use super::sql_type::SqlType;
use super::statement::SourceKind;

/// What was found, or done.
#[derive(Debug, Clone, PartialEq)]
pub enum Ensured {
    /// There was nothing of that name.
    Created {
        /// The query that was started, where it is one.
        query_id: Option<String>,
    },
    /// It is what is defined; nothing was sent.
    Unchanged {
        /// The query that runs, where it is one.
        query_id: Option<String>,
    },
    /// It is something else; nothing was sent.
    Drift(Vec<Difference>),
}

impl Ensured {
    pub(super) fn compared(differences: Vec<Difference>) -> Ensured {
        if differences.is_empty() {
            Ensured::Unchanged { query_id: None }
        } else {
            Ensured::Drift(differences)
        }
    }
}

/// What can be done about a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// This statement changes it where it is.
    InPlace(String),
    /// ksqlDB cannot change it: a source of another name on a topic of another name, beside the old one.
    NewVersion,
    /// It contradicts what exists: one of the two is wrong.
    Refused,
}

/// One difference.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Difference {
    /// A stream where a table is defined, or a table where a stream is.
    Kind {
        /// As defined.
        expected: SourceKind,
        /// As found.
        found: String,
    },
    /// Another number of partitions.
    Partitions {
        /// The topic.
        topic: String,
        /// As defined.
        expected: u32,
        /// As found.
        found: u32,
    },
    /// Another format, topic, timestamp column, record name, window.
    Property {
        /// Its name in `WITH`.
        name: &'static str,
        /// As defined.
        expected: Option<String>,
        /// As found.
        found: Option<String>,
    },
    /// Other key columns.
    Keys {
        /// As defined.
        expected: Vec<String>,
        /// As found.
        found: Vec<String>,
    },
    /// A column that is defined and not there.
    ColumnMissing {
        /// Its name.
        name: String,
        /// Its type.
        ty: SqlType,
        /// What adds it.
        alter: String,
    },
    /// A column of another type.
    ColumnType {
        /// Its name.
        name: String,
        /// As defined.
        expected: SqlType,
        /// As found; none where it is a type we do not know.
        found: Option<SqlType>,
    },
    /// A column that is there and not defined.
    ColumnUnknown {
        /// Its name.
        name: String,
    },
    /// It is written by a query, and defined as a source.
    MadeByQuery {
        /// The queries.
        queries: Vec<String>,
    },
    /// It is defined as the result of a query, and was created with columns.
    NotMadeByQuery,
    /// Another query than the defined one writes it.
    OtherQuery {
        /// The query.
        id: String,
        /// Its text.
        found: String,
        /// The statement that changes it where it is, where ksqlDB takes one.
        upgrade: Option<String>,
    },
    /// Its query was terminated.
    QueryGone,
}

impl Difference {
    /// What can be done.
    pub fn remedy(&self) -> Remedy {
        match self {
            Difference::ColumnMissing { alter, .. } => Remedy::InPlace(alter.clone()),
            Difference::OtherQuery {
                upgrade: Some(upgrade),
                ..
            } => Remedy::InPlace(upgrade.clone()),
            Difference::Property { .. }
            | Difference::Keys { .. }
            | Difference::ColumnType { .. }
            | Difference::ColumnUnknown { .. }
            | Difference::OtherQuery { .. }
            | Difference::QueryGone => Remedy::NewVersion,
            Difference::Kind { .. }
            | Difference::Partitions { .. }
            | Difference::MadeByQuery { .. }
            | Difference::NotMadeByQuery => Remedy::Refused,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = |value: &Option<String>| {
            value
                .as_ref()
                .map_or_else(|| "nothing".to_owned(), |text| format!("`{text}`"))
        };
        match self {
            Difference::Kind { expected, found } => write!(
                f,
                "it is a {found} and defined as a {expected}: name the entity otherwise, or drop what is there"
            ),
            Difference::Partitions {
                topic,
                expected,
                found,
            } => write!(
                f,
                "topic `{topic}` has {found} partitions and {expected} are defined: write `partitions = {found}`, or use a new topic"
            ),
            Difference::Property {
                name,
                expected,
                found,
            } => write!(
                f,
                "{name} is {} and defined as {}: this needs a new version under another name",
                value(found),
                value(expected)
            ),
            Difference::Keys { expected, found } => write!(
                f,
                "its key is ({}) and defined as ({}): this needs a new version under another name",
                found.join(", "),
                expected.join(", ")
            ),
            Difference::ColumnMissing { name, ty, alter } => {
                write!(f, "column `{name}` {ty} is defined and not there: `{alter}` adds it in place")
            }
            Difference::ColumnType {
                name,
                expected,
                found,
            } => write!(
                f,
                "column `{name}` is {} and defined as {expected}: this needs a new version under another name",
                found.as_ref().map_or_else(|| "of an unknown type".to_owned(), ToString::to_string)
            ),
            Difference::ColumnUnknown { name } => write!(
                f,
                "column `{name}` is there and not defined: add the field to the entity; taking a column away needs a new version under another name"
            ),
            Difference::MadeByQuery { queries } => write!(
                f,
                "it is the result of a query ({}) and defined as a source: define it by its query, or name the entity otherwise",
                if queries.is_empty() { "terminated".to_owned() } else { queries.join(", ") }
            ),
            Difference::NotMadeByQuery => f.write_str(
                "it was created with columns and is defined as the result of a query: name the entity otherwise, or drop what is there",
            ),
            Difference::OtherQuery {
                id,
                found,
                upgrade: Some(_),
            } => write!(
                f,
                "query {id} writes it with another text: `CREATE OR REPLACE` changes it in place, for records from then on; it runs `{}`",
                found.split_whitespace().collect::<Vec<_>>().join(" ")
            ),
            Difference::OtherQuery { id, found, .. } => write!(
                f,
                "query {id} writes it with another text: this needs a new version under another name; it runs `{}`",
                found.split_whitespace().collect::<Vec<_>>().join(" ")
            ),
            Difference::QueryGone => f.write_str(
                "its query was terminated: drop it, so that it is created anew, or use a new version under another name",
            ),
        }
    }
}
