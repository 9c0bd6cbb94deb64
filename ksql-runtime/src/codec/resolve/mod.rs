//! Resolution of older and foreign writer schemas.

use super::DecodeError;

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
#[error("{0}")]
pub struct ResolveError(String);

/// How bodies of one writer schema become the entity's own.
#[derive(Debug, Clone)]
pub struct Plan {}

impl Plan {
    /// Builds the plan.
    pub fn build(writer_schema: &str, entity: &ksql_schema::Entity<'_>, part: Part) -> Result<Plan, ResolveError> {
        let _ = (writer_schema, part);
        Err(ResolveError(entity.name.to_owned()))
    }

    /// Rewrites a body.
    pub fn transcode(&self, body: &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
        let _ = (body, out);
        Err(DecodeError::new("not yet"))
    }
}
