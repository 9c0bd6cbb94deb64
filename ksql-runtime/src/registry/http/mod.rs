//! A Schema Registry with Confluent's API, asked over HTTP.
//!
//! Invariant: what is known of a schema is known for ever: an id never changes its text, and a text keeps its id under a
//! subject. So a registry that is away stops nobody who reads and writes known schemas. A new schema is compared with the
//! earlier ones here before anything is sent, by the rules of the in-process registry, which say more than the server's;
//! the server is asked too, since it decides. Any task; one registration at a time.

mod answer;
mod candidate;
mod client;
mod compare;
mod messages;
mod references;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use reqwest::Method;
use serde_json::json;
use tokio::time::Instant;

use super::{Compatibility, RegistryError, SubjectSchema, Version};
use crate::http::HttpOptions;
pub use answer::Reference;
use answer::{
    Answer, INVALID_SCHEMA, INVALID_VERSION, Level, Registered, SCHEMA_NOT_FOUND,
    SUBJECT_NOT_FOUND, Stored, VERSION_NOT_FOUND,
};
use candidate::{Candidate, checked};
pub use client::Patience;
use client::{Client, Pauses, Request};

/// How often a registration that lost a race with another one is sent again.
const RACES: usize = 3;
/// How many unknown ids are kept in mind.
const MOST_UNKNOWN: usize = 10_000;

/// A registry over HTTP. Clones share it.
#[derive(Clone)]
pub struct HttpRegistry(Arc<Inner>);

struct Inner {
    client: Client,
    known: RwLock<Known>,
    /// Held while a schema is compared and registered: some registries give one text two versions otherwise.
    registering: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    schemas: HashMap<u32, Arc<str>>,
    /// Ids by subject and request body.
    ids: HashMap<(String, String), u32>,
    /// When ids were last found unknown.
    unknown: HashMap<u32, Instant>,
}

impl fmt::Debug for HttpRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRegistry")
            .field("urls", &self.0.client.urls())
            .finish_non_exhaustive()
    }
}

impl HttpRegistry {
    /// A registry at these addresses. Nothing is sent yet.
    ///
    /// # Errors
    /// Where an address is none, or a certificate cannot be read.
    pub fn new(options: &HttpOptions) -> Result<HttpRegistry, RegistryError> {
        HttpRegistry::with_patience(options, Patience::default())
    }

    /// A registry that is waited for so long.
    ///
    /// # Errors
    /// As [`HttpRegistry::new`].
    pub fn with_patience(
        options: &HttpOptions,
        patience: Patience,
    ) -> Result<HttpRegistry, RegistryError> {
        Ok(HttpRegistry(Arc::new(Inner {
            client: Client::new(options, patience)?,
            known: RwLock::default(),
            registering: tokio::sync::Mutex::default(),
        })))
    }

    fn known<T>(&self, look: impl FnOnce(&Known) -> T) -> T {
        look(&self.0.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn learn<T>(&self, change: impl FnOnce(&mut Known) -> T) -> T {
        change(&mut self.0.known.write().unwrap_or_else(PoisonError::into_inner))
    }

    async fn ask(&self, request: &Request<'_>) -> Result<Answer, RegistryError> {
        self.0.client.ask(request).await
    }

    /// See [`Registry::register`](super::Registry::register).
    ///
    /// # Errors
    /// Where the schema is none, does not fit, or the registry does not take it.
    pub async fn register(&self, subject: &str, schema: &str) -> Result<u32, RegistryError> {
        self.register_with(subject, schema, &[]).await
    }

    /// Registers a schema that uses types of other schemas.
    ///
    /// # Errors
    /// As [`HttpRegistry::register`], and where a reference leads nowhere.
    pub async fn register_with(
        &self,
        subject: &str,
        schema: &str,
        references: &[Reference],
    ) -> Result<u32, RegistryError> {
        let new = self.candidate(subject, schema, references).await?;
        self.register_new(&new, false).await
    }

    /// See [`Registry::register_compared`](super::Registry::register_compared).
    pub(crate) async fn register_compared(
        &self,
        subject: &str,
        schema: &str,
    ) -> Result<u32, RegistryError> {
        let new = self.candidate(subject, schema, &[]).await?;
        self.register_new(&new, true).await
    }

    async fn register_new(
        &self,
        new: &Candidate<'_>,
        compared: bool,
    ) -> Result<u32, RegistryError> {
        let subject = new.subject;
        let key = (subject.to_owned(), new.body.to_string());
        if let Some(id) = self.known(|known| known.ids.get(&key).copied()) {
            return Ok(id);
        }
        let _registering = self.0.registering.lock().await;
        let id = match self.find(new).await {
            Ok(found) => found.id,
            Err(RegistryError::UnknownSubject { .. } | RegistryError::UnknownSchema { .. }) => {
                if !compared {
                    may_go_unasked(subject, self.judge(new).await)?;
                }
                self.post(new).await?
            }
            Err(other) => return Err(other),
        };
        self.learn(|known| known.ids.insert(key, id));
        Ok(id)
    }

    /// Sends a new schema.
    async fn post(&self, new: &Candidate<'_>) -> Result<u32, RegistryError> {
        let subject = new.subject;
        let action = format!("register a schema under `{subject}`");
        let path = ["subjects", subject, "versions"];
        let request = Request::send(Method::POST, path, &new.body, &action);
        let mut races = 0;
        loop {
            let answer = self.ask(&request).await?;
            match answer.status {
                409 => {}
                422 if answer.code() == Some(INVALID_SCHEMA) => return Err(new.invalid(&answer)),
                _ => {
                    let registered: Registered = answer.json(&action)?;
                    tracing::info!(subject, id = registered.id, "schema registered");
                    return Ok(registered.id);
                }
            }
            // Somebody may have been faster, with this schema or with another one.
            match self.find(new).await {
                Ok(found) => return Ok(found.id),
                Err(RegistryError::UnknownSubject { .. } | RegistryError::UnknownSchema { .. }) => {
                }
                Err(other) => return Err(other),
            }
            let said = answer.text();
            if said.to_lowercase().contains("incompatible") {
                return Err(match self.explain(new, &said).await {
                    // Who may not ask for the level is told what the registry said.
                    RegistryError::Forbidden { .. } => answer.refused(&action),
                    explained => explained,
                });
            }
            races += 1;
            if races == RACES {
                return Err(answer.refused(&action));
            }
        }
    }

    /// See [`Registry::lookup`](super::Registry::lookup).
    ///
    /// # Errors
    /// Where it is not registered, or the registry does not answer.
    pub async fn lookup(
        &self,
        subject: &str,
        schema: &str,
    ) -> Result<SubjectSchema, RegistryError> {
        self.find(&self.candidate(subject, schema, &[]).await?)
            .await
    }

    async fn find(&self, new: &Candidate<'_>) -> Result<SubjectSchema, RegistryError> {
        let subject = new.subject;
        let action = format!("look up a schema under `{subject}`");
        let path = ["subjects", subject];
        let request = Request::send(Method::POST, path, &new.body, &action);
        let answer = self.ask(&request).await?;
        match answer.code() {
            Some(SUBJECT_NOT_FOUND) => Err(unknown_subject(subject)),
            Some(SCHEMA_NOT_FOUND) => Err(RegistryError::UnknownSchema {
                subject: subject.to_owned(),
            }),
            Some(INVALID_SCHEMA) => Err(new.invalid(&answer)),
            _ => self.whole_version(subject, answer.json(&action)?).await,
        }
    }

    /// The schema with an id, where it is known without asking.
    pub fn known_schema(&self, id: u32) -> Option<Arc<str>> {
        self.known(|known| known.schemas.get(&id).cloned())
    }

    /// The schema with an id; one that refers to others comes with their types put in.
    ///
    /// # Errors
    /// Where no schema has it, or the registry does not answer.
    pub async fn schema_by_id(&self, id: u32) -> Result<Arc<str>, RegistryError> {
        if let Some(known) = self.known_schema(id) {
            return Ok(known);
        }
        let patience = &self.0.client.patience;
        let lately = self.known(|known| known.unknown.get(&id).copied());
        if lately.is_some_and(|then| then.elapsed() < patience.unknown_id_kept) {
            return Err(RegistryError::UnknownId { id });
        }
        let action = format!("give the schema {id}");
        let number = id.to_string();
        let request = Request::get(["schemas", "ids", &number], &action);
        let mut pauses = Pauses::new(patience, patience.unknown_id);
        let answer = loop {
            let answer = self.ask(&request).await?;
            if !answer.is_not_found() {
                break answer;
            }
            if !pauses.pause(None).await {
                self.learn(|known| {
                    // A topic of other bytes than framed Avro has as many ids as records.
                    if known.unknown.len() >= MOST_UNKNOWN {
                        known.unknown.clear();
                    }
                    known.unknown.insert(id, Instant::now());
                });
                return Err(RegistryError::UnknownId { id });
            }
        };
        let stored = answer.json::<Stored>(&action)?.avro(id)?;
        let schema: Arc<str> = self
            .whole(&stored.schema, stored.references())
            .await?
            .into();
        self.learn(|known| {
            known.unknown.remove(&id);
            Ok(Arc::clone(known.schemas.entry(id).or_insert(schema)))
        })
    }

    /// A version of a subject; one that refers to others comes with their types put in.
    ///
    /// # Errors
    /// Where it is not there, or the registry does not answer.
    pub async fn by_version(
        &self,
        subject: &str,
        version: Version,
    ) -> Result<SubjectSchema, RegistryError> {
        checked(subject)?;
        let (name, number) = match version {
            Version::Latest => ("latest".to_owned(), None),
            Version::Number(number) => (number.to_string(), Some(number)),
        };
        let action = format!("give version {name} of subject `{subject}`");
        let request = Request::get(["subjects", subject, "versions", &name], &action);
        let answer = self.ask(&request).await?;
        match (answer.code(), number) {
            (Some(SUBJECT_NOT_FOUND), _) | (Some(VERSION_NOT_FOUND), None) => {
                Err(unknown_subject(subject))
            }
            (Some(VERSION_NOT_FOUND | INVALID_VERSION), Some(version)) => {
                let versions = self.versions(subject).await?;
                Err(RegistryError::UnknownVersion {
                    subject: subject.to_owned(),
                    version,
                    latest: versions.last().copied().unwrap_or_default(),
                })
            }
            _ => self.whole_version(subject, answer.json(&action)?).await,
        }
    }

    /// The versions of a subject, oldest first.
    ///
    /// # Errors
    /// Where there is no such subject, or the registry does not answer.
    pub async fn versions(&self, subject: &str) -> Result<Vec<u32>, RegistryError> {
        checked(subject)?;
        let action = format!("list the versions of subject `{subject}`");
        let request = Request::get(["subjects", subject, "versions"], &action);
        let answer = self.ask(&request).await?;
        if answer.code() == Some(SUBJECT_NOT_FOUND) {
            return Err(unknown_subject(subject));
        }
        let mut versions: Vec<u32> = answer.json(&action)?;
        versions.sort_unstable();
        Ok(versions)
    }

    /// All subjects, by name.
    ///
    /// # Errors
    /// Where the registry does not answer.
    pub async fn subjects(&self) -> Result<Vec<String>, RegistryError> {
        let action = "list the subjects";
        let answer = self.ask(&Request::get(["subjects"], action)).await?;
        let mut subjects: Vec<String> = answer.json(action)?;
        subjects.sort_unstable();
        Ok(subjects)
    }

    /// See [`Registry::set_compatibility`](super::Registry::set_compatibility).
    ///
    /// # Errors
    /// Where the registry does not take it.
    pub async fn set_compatibility(
        &self,
        subject: Option<&str>,
        level: Compatibility,
    ) -> Result<(), RegistryError> {
        let action = match subject {
            Some(subject) => format!("set the compatibility of subject `{subject}`"),
            None => "set the compatibility of all subjects".to_owned(),
        };
        let body = json!({ "compatibility": level.as_str() });
        let path = config(subject)?;
        let request = Request::send(Method::PUT, path, &body, &action);
        let mut answer = self.ask(&request).await?;
        // Apicurio refuses one of two that set a level where none was, at the same instant. Now there is one.
        if answer.status == 409 {
            answer = self.ask(&request).await?;
        }
        if answer.is_success() {
            return Ok(());
        }
        // Apicurio keeps no level NONE, and finds nothing to remove where there is no other one. The level of all
        // subjects holds then.
        let nothing_kept = level == Compatibility::None && answer.status == 404;
        if nothing_kept && self.compatibility(None).await? == Compatibility::None {
            return Ok(());
        }
        Err(answer.refused(&action))
    }

    /// See [`Registry::compatibility`](super::Registry::compatibility).
    ///
    /// # Errors
    /// Where the registry does not answer.
    pub async fn compatibility(
        &self,
        subject: Option<&str>,
    ) -> Result<Compatibility, RegistryError> {
        let action = match subject {
            Some(subject) => format!("give the compatibility of subject `{subject}`"),
            None => "give the compatibility of all subjects".to_owned(),
        };
        let own = Request::get(config(subject)?, &action).query(&[("defaultToGlobal", "true")]);
        let mut answer = self.ask(&own).await?;
        // Some registries do not know that question, and say that the subject has none of its own.
        if subject.is_some() && answer.is_not_found() {
            answer = self.ask(&Request::get(["config"], &action)).await?;
        }
        let level: Level = answer.json(&action)?;
        Compatibility::parse(&level.level).ok_or_else(|| RegistryError::Malformed {
            url: answer.url,
            defect: format!("`{}` is no level known here", level.level),
            action,
        })
    }

    /// See [`Registry::check`](super::Registry::check).
    ///
    /// # Errors
    /// Where it does not fit, or the registry does not answer.
    pub async fn check(&self, subject: &str, schema: &str) -> Result<(), RegistryError> {
        self.judge(&self.candidate(subject, schema, &[]).await?)
            .await
    }

    /// See [`Registry::check_at`](super::Registry::check_at).
    pub(crate) async fn check_at(
        &self,
        subject: &str,
        schema: &str,
        level: Compatibility,
        existing: Compatibility,
    ) -> Result<(), RegistryError> {
        let new = self.candidate(subject, schema, &[]).await?;
        may_go_unasked(subject, self.judge_at(&new, level, existing).await)
    }

    async fn whole_version(
        &self,
        subject: &str,
        stored: Stored,
    ) -> Result<SubjectSchema, RegistryError> {
        let id = stored.id;
        let stored = stored.avro(id)?;
        Ok(SubjectSchema {
            subject: subject.to_owned(),
            version: stored.version,
            id,
            schema: self
                .whole(&stored.schema, stored.references())
                .await?
                .into(),
        })
    }
}

/// Asking may take another permission than registering, and the registry compares once more.
fn may_go_unasked(subject: &str, judged: Result<(), RegistryError>) -> Result<(), RegistryError> {
    match judged {
        Err(RegistryError::Forbidden { answer, .. }) => {
            tracing::debug!(
                subject,
                answer,
                "the schema goes to the registry without having been compared first"
            );
            Ok(())
        }
        other => other,
    }
}

fn unknown_subject(subject: &str) -> RegistryError {
    RegistryError::UnknownSubject {
        subject: subject.to_owned(),
    }
}

/// The path of a subject's settings, or of those of all.
fn config(subject: Option<&str>) -> Result<Vec<&str>, RegistryError> {
    match subject {
        Some(subject) => {
            checked(subject)?;
            Ok(vec!["config", subject])
        }
        None => Ok(vec!["config"]),
    }
}
