//! The registry in this process.

use std::sync::Arc;

use super::{Compatibility, RegistryError, SubjectSchema, Version};
use crate::log::{EmbeddedLog, LogError};

/// The registry in this process. Clones share it.
#[derive(Debug, Clone)]
pub struct InProcessRegistry {}

impl InProcessRegistry {
    /// Opens the registry kept beside the records of this log.
    pub fn open(log: &EmbeddedLog) -> Result<InProcessRegistry, RegistryError> {
        let _ = log;
        Err(LogError::Closed.into())
    }

    /// See [`Registry::register`](super::Registry::register).
    pub async fn register(&self, subject: &str, schema: &str) -> Result<u32, RegistryError> {
        let _ = (subject, schema);
        Err(LogError::Closed.into())
    }

    /// See [`Registry::lookup`](super::Registry::lookup).
    pub fn lookup(&self, subject: &str, schema: &str) -> Result<SubjectSchema, RegistryError> {
        let _ = (subject, schema);
        Err(LogError::Closed.into())
    }

    /// The schema with an id.
    pub fn schema_by_id(&self, id: u32) -> Result<Arc<str>, RegistryError> {
        let _ = id;
        Err(LogError::Closed.into())
    }

    /// A version of a subject.
    pub fn by_version(
        &self,
        subject: &str,
        version: Version,
    ) -> Result<SubjectSchema, RegistryError> {
        let _ = (subject, version);
        Err(LogError::Closed.into())
    }

    /// The versions of a subject, oldest first.
    pub fn versions(&self, subject: &str) -> Result<Vec<u32>, RegistryError> {
        let _ = subject;
        Err(LogError::Closed.into())
    }

    /// All subjects, by name.
    pub fn subjects(&self) -> Result<Vec<String>, RegistryError> {
        Err(LogError::Closed.into())
    }

    /// See [`Registry::set_compatibility`](super::Registry::set_compatibility).
    pub async fn set_compatibility(
        &self,
        subject: Option<&str>,
        level: Compatibility,
    ) -> Result<(), RegistryError> {
        let _ = (subject, level);
        Err(LogError::Closed.into())
    }

    /// See [`Registry::compatibility`](super::Registry::compatibility).
    pub fn compatibility(&self, subject: Option<&str>) -> Result<Compatibility, RegistryError> {
        let _ = subject;
        Err(LogError::Closed.into())
    }

    /// See [`Registry::check`](super::Registry::check).
    pub fn check(&self, subject: &str, schema: &str) -> Result<(), RegistryError> {
        let _ = (subject, schema);
        Err(LogError::Closed.into())
    }
}
