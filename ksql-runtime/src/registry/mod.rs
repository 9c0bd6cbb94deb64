//! Schemas by id and by subject and version, and whether a new one fits those before it.
//!
//! Two of them: a Schema Registry asked over HTTP, and one that lives in this process, durable beside the records of the
//! embedded log. Ids are global: the same text has the same id under every subject, and an id never changes its text. May
//! be called from any task.

pub mod compatibility;
mod error;
#[cfg(feature = "kafka")]
mod http;
mod in_process;

use std::sync::Arc;

pub use compatibility::{Direction, Rule, Violation};
pub use error::{Incompatible, RegistryError};
#[cfg(feature = "kafka")]
pub use http::{HttpRegistry, Patience, Reference};
pub use in_process::InProcessRegistry;

/// A schema registry. Clones share it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Registry {
    /// Kept in this process, beside the embedded log.
    InProcess(InProcessRegistry),
    /// A server, asked over HTTP.
    #[cfg(feature = "kafka")]
    Http(HttpRegistry),
}

/// Which schemas of a subject a new one is compared with, and who must be able to read whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Compatibility {
    /// Nothing is checked.
    None,
    /// The new schema reads what the latest one wrote. The default.
    #[default]
    Backward,
    /// The new schema reads what any earlier one wrote.
    BackwardTransitive,
    /// The latest schema reads what the new one writes.
    Forward,
    /// Every earlier schema reads what the new one writes.
    ForwardTransitive,
    /// The new schema and the latest one read each other.
    Full,
    /// The new schema and every earlier one read each other.
    FullTransitive,
}

impl Compatibility {
    /// The registry's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Compatibility::None => "NONE",
            Compatibility::Backward => "BACKWARD",
            Compatibility::BackwardTransitive => "BACKWARD_TRANSITIVE",
            Compatibility::Forward => "FORWARD",
            Compatibility::ForwardTransitive => "FORWARD_TRANSITIVE",
            Compatibility::Full => "FULL",
            Compatibility::FullTransitive => "FULL_TRANSITIVE",
        }
    }

    /// Whether every earlier version is compared, not the latest alone.
    pub fn is_transitive(self) -> bool {
        match self {
            Compatibility::BackwardTransitive
            | Compatibility::ForwardTransitive
            | Compatibility::FullTransitive => true,
            Compatibility::None
            | Compatibility::Backward
            | Compatibility::Forward
            | Compatibility::Full => false,
        }
    }

    /// The level with this word.
    pub fn parse(word: &str) -> Option<Compatibility> {
        use Compatibility::{
            Backward, BackwardTransitive, Forward, ForwardTransitive, Full, FullTransitive,
            None as Nothing,
        };
        [
            Nothing,
            Backward,
            BackwardTransitive,
            Forward,
            ForwardTransitive,
            Full,
            FullTransitive,
        ]
        .into_iter()
        .find(|level| level.as_str() == word)
    }
}

impl std::fmt::Display for Compatibility {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which version of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// The one registered last.
    Latest,
    /// This one; the first is 1.
    Number(u32),
}

/// A schema under a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectSchema {
    /// The subject.
    pub subject: String,
    /// Its version there.
    pub version: u32,
    /// The id that stands before encoded bytes.
    pub id: u32,
    /// The text.
    pub schema: Arc<str>,
}

impl Registry {
    /// Registers a schema under a subject and gives its id. A schema the subject has already keeps id and version; a
    /// new one must fit the subject's compatibility.
    #[tracing::instrument(level = "debug", skip(self, schema))]
    pub async fn register(&self, subject: &str, schema: &str) -> Result<u32, RegistryError> {
        match self {
            Registry::InProcess(registry) => registry.register(subject, schema).await,
            #[cfg(feature = "kafka")]
            Registry::Http(registry) => registry.register(subject, schema).await,
        }
    }

    /// The version and id a schema has under a subject.
    pub async fn lookup(
        &self,
        subject: &str,
        schema: &str,
    ) -> Result<SubjectSchema, RegistryError> {
        match self {
            Registry::InProcess(registry) => registry.lookup(subject, schema),
            #[cfg(feature = "kafka")]
            Registry::Http(registry) => registry.lookup(subject, schema).await,
        }
    }

    /// The schema with an id.
    #[tracing::instrument(level = "debug", skip(self))]
    pub async fn schema_by_id(&self, id: u32) -> Result<Arc<str>, RegistryError> {
        match self {
            Registry::InProcess(registry) => registry.schema_by_id(id),
            #[cfg(feature = "kafka")]
            Registry::Http(registry) => registry.schema_by_id(id).await,
        }
    }

    /// The schema with an id where it is known without asking anybody.
    pub(crate) fn known_schema(&self, id: u32) -> Option<Arc<str>> {
        match self {
            Registry::InProcess(registry) => registry.schema_by_id(id).ok(),
            #[cfg(feature = "kafka")]
            Registry::Http(registry) => registry.known_schema(id),
        }
    }

    /// A version of a subject.
    pub async fn by_version(
        &self,
        subject: &str,
        version: Version,
    ) -> Result<SubjectSchema, RegistryError> {
        match self {
            Registry::InProcess(registry) => registry.by_version(subject, version),
            #[cfg(feature = "kafka")]
            Registry::Http(registry) => registry.by_version(subject, version).await,
        }
    }

    /// The versions of a subject, oldest first.
    pub async fn versions(&self, subject: &str) -> Result<Vec<u32>, RegistryError> {
        match self {
            Registry::InProcess(registry) => registry.versions(subject),
            #[cfg(feature = "kafka")]
            Registry::Http(registry) => registry.versions(subject).await,
        }
    }

    /// All subjects, by name.
    pub async fn subjects(&self) -> Result<Vec<String>, RegistryError> {
        match self {
            Registry::InProcess(registry) => registry.subjects(),
            #[cfg(feature = "kafka")]
            Registry::Http(registry) => registry.subjects().await,
        }
    }

    /// Sets the compatibility of one subject, or of all that have none of their own.
    pub async fn set_compatibility(
        &self,
        subject: Option<&str>,
        level: Compatibility,
    ) -> Result<(), RegistryError> {
        match self {
            Registry::InProcess(registry) => registry.set_compatibility(subject, level).await,
            #[cfg(feature = "kafka")]
            Registry::Http(registry) => registry.set_compatibility(subject, level).await,
        }
    }

    /// The compatibility that holds for a subject, or the one of all that have none of their own.
    pub async fn compatibility(
        &self,
        subject: Option<&str>,
    ) -> Result<Compatibility, RegistryError> {
        match self {
            Registry::InProcess(registry) => registry.compatibility(subject),
            #[cfg(feature = "kafka")]
            Registry::Http(registry) => registry.compatibility(subject).await,
        }
    }

    /// Whether a schema could be registered under a subject of the level `existing` once `level` is set; what forbids it
    /// otherwise, field by field. Who may register and not ask is told that it fits: the registry compares once more.
    pub(crate) async fn check_at(
        &self,
        subject: &str,
        schema: &str,
        level: Compatibility,
        existing: Compatibility,
    ) -> Result<(), RegistryError> {
        #[cfg(not(feature = "kafka"))]
        let _ = existing;
        match self {
            Registry::InProcess(registry) => registry.check_at(subject, schema, level),
            #[cfg(feature = "kafka")]
            Registry::Http(registry) => registry.check_at(subject, schema, level, existing).await,
        }
    }

    /// As [`Registry::register`], for a schema that was just found to fit: nothing is compared again on this side.
    #[tracing::instrument(name = "register", level = "debug", skip(self, schema))]
    pub(crate) async fn register_compared(
        &self,
        subject: &str,
        schema: &str,
    ) -> Result<u32, RegistryError> {
        match self {
            Registry::InProcess(registry) => registry.register(subject, schema).await,
            #[cfg(feature = "kafka")]
            Registry::Http(registry) => registry.register_compared(subject, schema).await,
        }
    }

    /// Whether a schema could be registered under a subject; what forbids it otherwise, field by field.
    #[tracing::instrument(level = "debug", skip(self, schema))]
    pub async fn check(&self, subject: &str, schema: &str) -> Result<(), RegistryError> {
        match self {
            Registry::InProcess(registry) => registry.check(subject, schema),
            #[cfg(feature = "kafka")]
            Registry::Http(registry) => registry.check(subject, schema).await,
        }
    }
}
