//! What is asked of a source: all of it, some of it, one key.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use ksql_schema::names::{quoted, window_label};

use super::literal::key_condition;
use crate::codec::DecodeError;
use crate::entity::Entity;
use crate::query::{ParameterError, Predicate};

/// A query for entities of one source.
///
/// ```
/// use ksql_runtime::prelude::*;
/// use ksql_runtime::ksqldb::Select;
///
/// #[derive(Debug, Clone, PartialEq, Entity)]
/// #[topic("rates")]
/// #[table]
/// struct Rate {
///     #[key]
///     symbol: String,
///     size: i64,
/// }
///
/// let select = Select::<Rate>::all().filter("`SIZE` > 10").limit(3);
/// assert_eq!(select.pull_text(), "SELECT * FROM `RATE` WHERE (`SIZE` > 10) LIMIT 3;");
/// assert_eq!(select.push_text(), "SELECT * FROM `RATE` WHERE (`SIZE` > 10) EMIT CHANGES LIMIT 3;");
/// ```
pub struct Select<T> {
    source: String,
    conditions: Vec<String>,
    limit: Option<u64>,
    pub(super) properties: BTreeMap<String, String>,
    entity: PhantomData<fn() -> T>,
}

impl<T: Entity> Select<T> {
    /// Everything of the entity's own source; of the first window, where it has windows.
    pub fn all() -> Select<T> {
        let model = T::MODEL;
        let source = match model
            .window
            .as_ref()
            .and_then(|window| Some((window, window.sizes_ms.first()?)))
        {
            Some((window, size)) => labelled::<T>(window, *size),
            None => model.sql_name.to_owned(),
        };
        Select::from_source(source)
    }

    /// Everything of one of the entity's windows; nothing where it has none of this size.
    pub fn window(size_ms: u64) -> Option<Select<T>> {
        let window = T::MODEL.window.as_ref()?;
        window
            .sizes_ms
            .contains(&size_ms)
            .then(|| Select::from_source(labelled::<T>(window, size_ms)))
    }

    /// Everything of another source with the entity's columns.
    pub fn from_source(name: impl Into<String>) -> Select<T> {
        Select {
            source: name.into(),
            conditions: Vec::new(),
            limit: None,
            properties: BTreeMap::new(),
            entity: PhantomData,
        }
    }

    /// Only rows for which a KSQL condition holds. Several must hold together.
    #[must_use]
    pub fn filter(mut self, condition: impl Into<String>) -> Select<T> {
        self.conditions.push(format!("({})", condition.into()));
        self
    }

    /// Only rows for which a condition of `ksql!` holds.
    ///
    /// # Errors
    /// Where a value of the condition has no literal.
    pub fn matching<C>(self, condition: &Predicate<T, C>) -> Result<Select<T>, ParameterError> {
        Ok(self.filter(condition.ksql()?))
    }

    /// Only the row of a key.
    ///
    /// # Errors
    /// Where the entity has no key.
    pub fn key(mut self, key: &T::Key) -> Result<Select<T>, DecodeError> {
        self.conditions.push(key_condition::<T>(key)?);
        Ok(self)
    }

    /// At most so many rows.
    #[must_use]
    pub fn limit(mut self, rows: u64) -> Select<T> {
        self.limit = Some(rows);
        self
    }

    /// A property of this query, beside those of the client.
    #[must_use]
    pub fn property(mut self, name: impl Into<String>, value: impl Into<String>) -> Select<T> {
        self.properties.insert(name.into(), value.into());
        self
    }

    /// The source.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The text of the pull query.
    pub fn pull_text(&self) -> String {
        self.text("")
    }

    /// The text of the push query.
    pub fn push_text(&self) -> String {
        self.text(" EMIT CHANGES")
    }

    /// All columns: a deletion can only be told with every key column.
    fn text(&self, emit: &str) -> String {
        let mut text = format!("SELECT * FROM {}", quoted(&self.source));
        if !self.conditions.is_empty() {
            text.push_str(" WHERE ");
            text.push_str(&self.conditions.join(" AND "));
        }
        text.push_str(emit);
        if let Some(limit) = self.limit {
            text.push_str(&format!(" LIMIT {limit}"));
        }
        text.push(';');
        text
    }
}

fn labelled<T: Entity>(window: &ksql_schema::Window<'_>, size_ms: u64) -> String {
    format!(
        "{}_{}",
        T::MODEL.sql_name,
        window_label(window, size_ms).to_uppercase()
    )
}

impl<T> Clone for Select<T> {
    fn clone(&self) -> Self {
        Select {
            source: self.source.clone(),
            conditions: self.conditions.clone(),
            limit: self.limit,
            properties: self.properties.clone(),
            entity: PhantomData,
        }
    }
}

impl<T> fmt::Debug for Select<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Select")
            .field("source", &self.source)
            .field("conditions", &self.conditions)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
