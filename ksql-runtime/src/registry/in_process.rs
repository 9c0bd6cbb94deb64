//! The registry in this process.
//!
//! Invariant: what is in memory is what is stored: entries are written beside the log's records first, the log's writer
//! then takes them into memory whether or not anyone still waits, and one at a time decides on ids and versions. Entries in the log's small column family: `rs`+id the text of a schema, `rv`+subject+0+
//! version the id, `rc`+subject the level (no subject: of all that have none of their own).

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use apache_avro::Schema;

use super::compatibility::{forbidden, parse};
use super::{Compatibility, Incompatible, RegistryError, SubjectSchema, Version};
use crate::log::EmbeddedLog;

const SCHEMA: &[u8] = b"rs";
const VERSION: &[u8] = b"rv";
const LEVEL: &[u8] = b"rc";

/// The registry in this process. Clones share it.
#[derive(Debug, Clone)]
pub struct InProcessRegistry(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    log: EmbeddedLog,
    known: Arc<RwLock<Known>>,
    /// Held while something new is decided, written and taken into memory.
    writing: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct Known {
    schemas: BTreeMap<u32, Arc<str>>,
    /// Ids by normalised text.
    ids: HashMap<String, u32>,
    /// The ids of a subject's versions, oldest first.
    subjects: BTreeMap<String, Vec<u32>>,
    levels: HashMap<String, Compatibility>,
    level: Compatibility,
}

impl Known {
    fn level(&self, subject: Option<&str>) -> Compatibility {
        subject
            .and_then(|subject| self.levels.get(subject))
            .copied()
            .unwrap_or(self.level)
    }

    fn versions(&self, subject: &str) -> Result<&[u32], RegistryError> {
        match self.subjects.get(subject) {
            Some(versions) => Ok(versions),
            None => Err(RegistryError::UnknownSubject {
                subject: subject.to_owned(),
            }),
        }
    }

    fn at(&self, subject: &str, index: usize, id: u32) -> Result<SubjectSchema, RegistryError> {
        let schema = self
            .schemas
            .get(&id)
            .ok_or(RegistryError::UnknownId { id })?;
        let version = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1);
        Ok(SubjectSchema {
            subject: subject.to_owned(),
            version,
            id,
            schema: Arc::clone(schema),
        })
    }

    /// What forbids a schema under a subject at a level.
    fn check(
        &self,
        subject: &str,
        schema: &Schema,
        level: Compatibility,
    ) -> Result<(), RegistryError> {
        if level == Compatibility::None {
            return Ok(());
        }
        let versions = self
            .subjects
            .get(subject)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let compared = versions
            .iter()
            .enumerate()
            .rev()
            .take(if level.is_transitive() {
                versions.len()
            } else {
                1
            });
        for (index, id) in compared {
            let earlier = self.at(subject, index, *id)?;
            let earlier_schema = parse(subject, &earlier.schema)?;
            let found = forbidden(level, schema, &earlier_schema);
            if !found.is_empty() {
                return Err(RegistryError::Incompatible(Box::new(Incompatible {
                    subject: subject.to_owned(),
                    version: earlier.version,
                    level,
                    violations: found,
                    answer: None,
                })));
            }
        }
        Ok(())
    }
}

/// The text without what means nothing: white space and the order of attributes.
fn normalised(schema: &str) -> String {
    fn write(value: &serde_json::Value, out: &mut String) {
        match value {
            serde_json::Value::Object(entries) => {
                let sorted: BTreeMap<&String, &serde_json::Value> = entries.iter().collect();
                out.push('{');
                for (key, value) in sorted {
                    out.push_str(&serde_json::Value::from(key.as_str()).to_string());
                    out.push(':');
                    write(value, out);
                    out.push(',');
                }
                out.push('}');
            }
            serde_json::Value::Array(items) => {
                out.push('[');
                for item in items {
                    write(item, out);
                    out.push(',');
                }
                out.push(']');
            }
            other => out.push_str(&other.to_string()),
        }
    }
    let mut out = String::new();
    // What is no JSON was refused before.
    write(&serde_json::from_str(schema).unwrap_or_default(), &mut out);
    out
}

impl InProcessRegistry {
    /// Opens the registry kept beside the records of this log.
    pub fn open(log: &EmbeddedLog) -> Result<InProcessRegistry, RegistryError> {
        let mut known = Known::default();
        let corrupt = |key: &[u8]| RegistryError::Corrupt {
            entry: String::from_utf8_lossy(key).into_owned(),
        };
        for (key, value) in log.entries(SCHEMA)? {
            let id = key
                .strip_prefix(SCHEMA)
                .and_then(|id| id.try_into().ok())
                .map(u32::from_be_bytes);
            let (Some(id), Ok(text)) = (id, String::from_utf8(value)) else {
                return Err(corrupt(&key));
            };
            known.ids.insert(normalised(&text), id);
            known.schemas.insert(id, text.into());
        }
        for (key, value) in log.entries(VERSION)? {
            let (subject, version) = subject_and_version(&key).ok_or_else(|| corrupt(&key))?;
            let id = value
                .as_slice()
                .try_into()
                .map(u32::from_be_bytes)
                .map_err(|_| corrupt(&key))?;
            let versions = known.subjects.entry(subject).or_default();
            versions.push(id);
            if versions.len() != version as usize || !known.schemas.contains_key(&id) {
                return Err(corrupt(&key));
            }
        }
        for (key, value) in log.entries(LEVEL)? {
            let subject = key
                .strip_prefix(LEVEL)
                .and_then(|subject| std::str::from_utf8(subject).ok());
            let level = std::str::from_utf8(&value)
                .ok()
                .and_then(Compatibility::parse);
            let (Some(subject), Some(level)) = (subject, level) else {
                return Err(corrupt(&key));
            };
            if subject.is_empty() {
                known.level = level;
            } else {
                known.levels.insert(subject.to_owned(), level);
            }
        }
        let inner = Inner {
            log: log.clone(),
            known: Arc::new(RwLock::new(known)),
            writing: Arc::default(),
        };
        Ok(InProcessRegistry(Arc::new(inner)))
    }

    fn known<T>(&self, look: impl FnOnce(&Known) -> T) -> T {
        look(&self.0.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Stores entries and takes them into memory. Whoever waits for this may go: both happen, or neither.
    async fn put(
        &self,
        entries: Vec<(Vec<u8>, Vec<u8>)>,
        deciding: tokio::sync::OwnedMutexGuard<()>,
        take: impl FnOnce(&mut Known) + Send + 'static,
    ) -> Result<(), RegistryError> {
        // Not the log itself: its last owner must not be its own thread.
        let known = Arc::clone(&self.0.known);
        let then = move || {
            take(&mut known.write().unwrap_or_else(PoisonError::into_inner));
            drop(deciding);
        };
        Ok(self.0.log.put_then(entries, then).await?)
    }

    /// See [`Registry::register`](super::Registry::register).
    pub async fn register(&self, subject: &str, schema: &str) -> Result<u32, RegistryError> {
        if subject.is_empty() || subject.contains('\0') {
            let defect = "a subject is not empty and has no NUL character".to_owned();
            return Err(RegistryError::InvalidSchema {
                subject: subject.to_owned(),
                defect,
            });
        }
        let parsed = parse(subject, schema)?;
        let normal = normalised(schema);
        let deciding = Arc::clone(&self.0.writing).lock_owned().await;
        let (id, is_new, version) = {
            let decided = self.known(|known| {
                let versions = known
                    .subjects
                    .get(subject)
                    .map(Vec::as_slice)
                    .unwrap_or_default();
                let id = known.ids.get(&normal).copied();
                if let Some(id) = id.filter(|id| versions.contains(id)) {
                    return Ok(Err(id));
                }
                known.check(subject, &parsed, known.level(Some(subject)))?;
                let next = known
                    .schemas
                    .last_key_value()
                    .map_or(1, |(last, _)| last.saturating_add(1));
                let version = u32::try_from(versions.len())
                    .unwrap_or(u32::MAX)
                    .saturating_add(1);
                Ok(Ok((id.unwrap_or(next), id.is_none(), version)))
            });
            match decided {
                Ok(Ok(new)) => new,
                Ok(Err(id)) => return Ok(id),
                Err(error) => return Err(error),
            }
        };
        let mut entries = vec![(version_key(subject, version), id.to_be_bytes().to_vec())];
        if is_new {
            entries.push((
                [SCHEMA, &id.to_be_bytes()].concat(),
                schema.as_bytes().to_vec(),
            ));
        }
        let (of, text) = (subject.to_owned(), Arc::from(schema));
        self.put(entries, deciding, move |known| {
            if is_new {
                known.schemas.insert(id, text);
                known.ids.insert(normal, id);
            }
            known.subjects.entry(of).or_default().push(id);
        })
        .await?;
        tracing::info!(subject, version, id, "schema registered");
        Ok(id)
    }

    /// See [`Registry::lookup`](super::Registry::lookup).
    pub fn lookup(&self, subject: &str, schema: &str) -> Result<SubjectSchema, RegistryError> {
        parse(subject, schema)?;
        let normal = normalised(schema);
        self.known(|known| {
            let versions = known.versions(subject)?;
            let id = known.ids.get(&normal);
            match versions
                .iter()
                .position(|version| Some(version) == id)
                .zip(id)
            {
                Some((index, id)) => known.at(subject, index, *id),
                None => Err(RegistryError::UnknownSchema {
                    subject: subject.to_owned(),
                }),
            }
        })
    }

    /// The schema with an id.
    pub fn schema_by_id(&self, id: u32) -> Result<Arc<str>, RegistryError> {
        self.known(|known| known.schemas.get(&id).cloned())
            .ok_or(RegistryError::UnknownId { id })
    }

    /// A version of a subject.
    pub fn by_version(
        &self,
        subject: &str,
        version: Version,
    ) -> Result<SubjectSchema, RegistryError> {
        self.known(|known| {
            let versions = known.versions(subject)?;
            let latest = u32::try_from(versions.len()).unwrap_or(u32::MAX);
            let number = match version {
                Version::Latest => latest,
                Version::Number(number) => number,
            };
            let index = (number as usize).checked_sub(1);
            match index.and_then(|index| versions.get(index).map(|id| (index, *id))) {
                Some((index, id)) => known.at(subject, index, id),
                None => Err(RegistryError::UnknownVersion {
                    subject: subject.to_owned(),
                    version: number,
                    latest,
                }),
            }
        })
    }

    /// The versions of a subject, oldest first.
    pub fn versions(&self, subject: &str) -> Result<Vec<u32>, RegistryError> {
        self.known(|known| {
            Ok((1_u32..)
                .zip(known.versions(subject)?)
                .map(|(version, _)| version)
                .collect())
        })
    }

    /// All subjects, by name.
    pub fn subjects(&self) -> Result<Vec<String>, RegistryError> {
        Ok(self.known(|known| known.subjects.keys().cloned().collect()))
    }

    /// See [`Registry::set_compatibility`](super::Registry::set_compatibility).
    pub async fn set_compatibility(
        &self,
        subject: Option<&str>,
        level: Compatibility,
    ) -> Result<(), RegistryError> {
        let deciding = Arc::clone(&self.0.writing).lock_owned().await;
        let key = [LEVEL, subject.unwrap_or_default().as_bytes()].concat();
        let entries = vec![(key, level.as_str().as_bytes().to_vec())];
        let subject = subject.map(str::to_owned);
        self.put(entries, deciding, move |known| match subject {
            Some(subject) => drop(known.levels.insert(subject, level)),
            None => known.level = level,
        })
        .await
    }

    /// See [`Registry::compatibility`](super::Registry::compatibility).
    pub fn compatibility(&self, subject: Option<&str>) -> Result<Compatibility, RegistryError> {
        Ok(self.known(|known| known.level(subject)))
    }

    /// See [`Registry::check`](super::Registry::check).
    pub fn check(&self, subject: &str, schema: &str) -> Result<(), RegistryError> {
        self.check_at(subject, schema, self.compatibility(Some(subject))?)
    }

    /// See [`Registry::check_at`](super::Registry::check_at).
    pub(crate) fn check_at(
        &self,
        subject: &str,
        schema: &str,
        level: Compatibility,
    ) -> Result<(), RegistryError> {
        let parsed = parse(subject, schema)?;
        self.known(|known| known.check(subject, &parsed, level))
    }
}

fn version_key(subject: &str, version: u32) -> Vec<u8> {
    [VERSION, subject.as_bytes(), &[0], &version.to_be_bytes()].concat()
}

fn subject_and_version(key: &[u8]) -> Option<(String, u32)> {
    let (rest, version) = key.strip_prefix(VERSION)?.split_last_chunk::<4>()?;
    let subject = rest.strip_suffix(&[0])?;
    Some((
        String::from_utf8(subject.to_vec()).ok()?,
        u32::from_be_bytes(*version),
    ))
}
