//! Resolution: what another schema wrote becomes the entity's own form.
//!
//! A [`Plan`] is built once for a writer's schema and rewrites bodies: fields in the entity's order, defaults put in, types
//! promoted where nothing is lost. What comes out goes through the one generated decoder. Fields are matched by their exact
//! name, else by the incoming name upper-cased, as ksqlDB does. Read from the writer's schema: unions with null on either
//! side, ksqlDB's shapes (every field nullable, maps as arrays of entries), named types, logical types. Pure; any thread.

mod build;
mod run;
mod schema;

use super::DecodeError;
use build::RecordPlan;
use run::Skips;

/// Which part of a record a schema is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The value.
    Value,
    /// The key of several columns.
    Key,
}

/// Why a writer's schema cannot be read as an entity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "what `{writer}` writes cannot be read as `{entity}`: {}{reason}",
    if path.is_empty() { String::new() } else { format!("field `{path}`: ") }
)]
pub struct ResolveError {
    /// The entity.
    pub entity: String,
    /// The writer's record, or `an unnamed schema`.
    pub writer: String,
    /// The field, by its path; empty for the whole schema.
    pub path: String,
    /// What does not fit, and what to do.
    pub reason: String,
}

/// How bodies of one writer schema become the entity's own.
///
/// ```
/// use ksql_runtime::codec::resolve::{Part, Plan};
/// use ksql_runtime::prelude::*;
///
/// #[derive(Debug, PartialEq, Entity)]
/// #[topic("rates")]
/// struct Rate {
///     #[key]
///     symbol: String,
///     size: i64,
///     note: Option<String>,
/// }
///
/// // An earlier version had a narrower size and no note.
/// let earlier = r#"{"type":"record","name":"Rate","fields":[{"name":"size","type":"int"}]}"#;
/// let plan = Plan::build(earlier, Rate::MODEL, Part::Value)?;
/// let mut body = Vec::new();
/// plan.transcode(&[14], &mut body)?;
/// let rate = Rate::decode("EURUSD".into(), &body)?;
/// assert_eq!(rate, Rate { symbol: "EURUSD".into(), size: 7, note: None });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Plan {
    /// Which branch of the writer's union the record is, where its schema is a union.
    branch: Option<usize>,
    root: RecordPlan,
    skips: Skips,
}

impl Plan {
    /// Builds the plan for what `writer_schema` wrote.
    ///
    /// # Errors
    /// Where the text is no Avro schema, a type does not fit, or a required field without a default is missing; the error
    /// names entity, field and both types.
    pub fn build(
        writer_schema: &str,
        entity: &ksql_schema::Entity<'_>,
        part: Part,
    ) -> Result<Plan, ResolveError> {
        build::build(writer_schema, entity, part)
    }

    /// Rewrites a body; neither has a frame.
    ///
    /// # Errors
    /// Where the bytes are not what the writer's schema says, or a value does not fit; the error names the field, and `out`
    /// is as it was.
    pub fn transcode(&self, body: &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
        let before = out.len();
        let done = run::transcode(self.branch, &self.root, &self.skips, body, out);
        if done.is_err() {
            out.truncate(before);
        }
        done
    }
}
