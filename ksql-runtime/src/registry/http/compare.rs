//! Whether a schema fits those before it: by our rules, then by the registry's.
//!
//! Ours name the field and look at what the bytes mean, the registry's decide; its words are kept beside ours, or read
//! where ours find nothing.

use reqwest::Method;

use super::HttpRegistry;
use super::answer::{Fits, INVALID_SCHEMA};
use super::candidate::Candidate;
use super::client::Request;
use super::messages;
use crate::registry::compatibility::{forbidden, parse};
use crate::registry::{Compatibility, Incompatible, RegistryError, Version};

impl HttpRegistry {
    /// Compares a schema with those before it: here, then by the registry.
    pub(super) async fn judge(&self, new: &Candidate<'_>) -> Result<(), RegistryError> {
        let level = self.compatibility(Some(new.subject)).await?;
        self.judge_at(new, level, level).await
    }

    /// The same at a level that may be about to be set in place of the existing one.
    pub(super) async fn judge_at(
        &self,
        new: &Candidate<'_>,
        level: Compatibility,
        existing: Compatibility,
    ) -> Result<(), RegistryError> {
        let subject = new.subject;
        // Asked even at the level NONE: some registries say that of a subject to which their own level applies.
        if let Some(why) = self.compare(new, level).await? {
            return Err(RegistryError::Incompatible(Box::new(why)));
        }
        if level != existing {
            // The registry would judge at the level it has. It is heard when the schema is sent.
            return Ok(());
        }
        let mut path = vec!["compatibility", "subjects", subject, "versions"];
        if !level.is_transitive() {
            path.push("latest");
        }
        let action = format!("compare a schema with those of subject `{subject}`");
        let request = Request::send(Method::POST, path, &new.body, &action);
        let answer = self.ask(&request.query(&[("verbose", "true")])).await?;
        if answer.is_not_found() {
            return Ok(());
        }
        if answer.code() == Some(INVALID_SCHEMA) {
            return Err(new.invalid(&answer));
        }
        let fits: Fits = answer.json(&action)?;
        if fits.is_compatible {
            Ok(())
        } else {
            Err(self.explain(new, &fits.text()).await)
        }
    }

    /// What our rules say against a schema at a level.
    async fn compare(
        &self,
        new: &Candidate<'_>,
        level: Compatibility,
    ) -> Result<Option<Incompatible>, RegistryError> {
        let subject = new.subject;
        if level == Compatibility::None {
            return Ok(None);
        }
        let versions = match self.versions(subject).await {
            Ok(versions) => versions,
            Err(RegistryError::UnknownSubject { .. }) => return Ok(None),
            Err(other) => return Err(other),
        };
        let compared = if level.is_transitive() {
            versions.len()
        } else {
            1
        };
        for version in versions.into_iter().rev().take(compared) {
            let earlier = match self.by_version(subject, Version::Number(version)).await {
                Ok(earlier) => earlier,
                // Deleted since they were listed, or nothing to compare with: the registry will say.
                Err(error) if error.is_about_the_schema() => continue,
                Err(other) => return Err(other),
            };
            // Registries store schemas that are Avro only by name.
            let Ok(earlier) = parse(subject, &earlier.schema) else {
                tracing::debug!(subject, version, "left to the registry to compare with");
                continue;
            };
            let violations = forbidden(level, &new.parsed, &earlier);
            if !violations.is_empty() {
                return Ok(Some(Incompatible {
                    subject: subject.to_owned(),
                    version,
                    level,
                    violations,
                    answer: None,
                }));
            }
        }
        Ok(None)
    }

    /// The error for a refusal of the registry: by our rules where they find it too, else in its own words.
    pub(super) async fn explain(&self, new: &Candidate<'_>, said: &str) -> RegistryError {
        let level = match self.compatibility(Some(new.subject)).await {
            // What refuses at that level is the one of all subjects.
            Ok(Compatibility::None) => self.compatibility(None).await,
            other => other,
        };
        let level = match level {
            Ok(level) => level,
            Err(error) => return error,
        };
        let ours = match self.compare(new, level).await {
            Ok(Some(mut why)) => {
                why.answer = Some(said.to_owned());
                Some(why)
            }
            _ => None,
        };
        let why = match ours {
            Some(why) => why,
            None => {
                let latest = self.by_version(new.subject, Version::Latest).await.ok();
                let latest = latest
                    .as_ref()
                    .map(|latest| (latest.version, latest.schema.as_ref()));
                messages::read(new.subject, level, &new.whole, latest, said)
            }
        };
        RegistryError::Incompatible(Box::new(why))
    }
}
