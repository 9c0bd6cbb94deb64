//! A schema about to be registered, compared or looked up, and types of other schemas put into one.

use std::collections::HashSet;

use apache_avro::Schema;
use serde_json::{Value, json};

use super::answer::{Answer, Reference, SUBJECT_NOT_FOUND, Stored, VERSION_NOT_FOUND};
use super::client::Request;
use super::{HttpRegistry, references, unknown_subject};
use crate::registry::RegistryError;
use crate::registry::compatibility::parse;

/// How many schemas one schema may refer to, over all steps.
const MOST_REFERENCES: usize = 1_000;

/// A schema to be registered, compared or looked up.
pub(super) struct Candidate<'s> {
    pub(super) subject: &'s str,
    /// What is sent.
    pub(super) body: Value,
    /// With the types it refers to.
    pub(super) whole: String,
    pub(super) parsed: Schema,
}

impl Candidate<'_> {
    pub(super) fn invalid(&self, answer: &Answer) -> RegistryError {
        RegistryError::InvalidSchema {
            subject: self.subject.to_owned(),
            defect: answer.text(),
        }
    }
}

impl HttpRegistry {
    /// A schema as it is sent, checked as far as it can be here.
    pub(super) async fn candidate<'s>(
        &self,
        subject: &'s str,
        schema: &str,
        references: &[Reference],
    ) -> Result<Candidate<'s>, RegistryError> {
        checked(subject)?;
        let text = compact(schema);
        let whole = self.whole(&text, references).await?;
        let parsed = parse(subject, &whole)?;
        let mut body = json!({ "schema": text });
        if let (false, Some(body)) = (references.is_empty(), body.as_object_mut()) {
            body.insert("references".to_owned(), json!(references));
        }
        Ok(Candidate {
            subject,
            body,
            whole,
            parsed,
        })
    }

    /// A text with the types it refers to put in.
    pub(super) async fn whole(
        &self,
        schema: &str,
        references: &[Reference],
    ) -> Result<String, RegistryError> {
        if references.is_empty() {
            return Ok(schema.to_owned());
        }
        let mut pending = references.to_vec();
        let mut seen = HashSet::new();
        let mut texts = Vec::new();
        while let Some(reference) = pending.pop() {
            if !seen.insert((reference.subject.clone(), reference.version)) {
                continue;
            }
            let stored = if seen.len() > MOST_REFERENCES {
                Err(RegistryError::InvalidSchema {
                    subject: reference.subject.clone(),
                    defect: format!("it refers to more than {MOST_REFERENCES} schemas"),
                })
            } else {
                self.referred(&reference).await
            };
            let stored = stored.map_err(|cause| RegistryError::Reference {
                name: reference.name,
                subject: reference.subject,
                version: reference.version,
                cause: Box::new(cause),
            })?;
            pending.extend_from_slice(stored.references());
            texts.push(stored.schema);
        }
        references::inline(schema, &texts).map_err(|defect| RegistryError::InvalidSchema {
            subject: references
                .iter()
                .map(|reference| reference.subject.as_str())
                .collect::<Vec<_>>()
                .join("`, `"),
            defect,
        })
    }

    async fn referred(&self, reference: &Reference) -> Result<Stored, RegistryError> {
        let subject = &reference.subject;
        checked(subject)?;
        let version = match reference.version {
            1.. => reference.version.to_string(),
            _ => "latest".to_owned(),
        };
        let action = format!("give version {version} of subject `{subject}`");
        let request = Request::get(["subjects", subject, "versions", &version], &action);
        let answer = self.ask(&request).await?;
        match answer.code() {
            Some(SUBJECT_NOT_FOUND) => Err(unknown_subject(subject)),
            Some(VERSION_NOT_FOUND) => {
                let versions = self.versions(subject).await?;
                Err(RegistryError::UnknownVersion {
                    subject: subject.clone(),
                    version: u32::try_from(reference.version).unwrap_or_default(),
                    latest: versions.last().copied().unwrap_or_default(),
                })
            }
            _ => {
                let stored: Stored = answer.json(&action)?;
                let id = stored.id;
                stored.avro(id)
            }
        }
    }
}

/// Refuses names that cannot stand in an address: `..` would ask for something else.
pub(super) fn checked(subject: &str) -> Result<(), RegistryError> {
    if matches!(subject, "" | "." | "..") || subject.contains('\0') {
        return Err(RegistryError::InvalidSchema {
            subject: subject.to_owned(),
            defect: "a subject is neither empty nor dots alone, and has no NUL character"
                .to_owned(),
        });
    }
    Ok(())
}

/// The text without white space between its tokens: ksqlDB looks schemas up by their exact text, and writes none.
fn compact(schema: &str) -> String {
    let mut out = String::with_capacity(schema.len());
    let (mut in_text, mut escaped) = (false, false);
    for letter in schema.chars() {
        if in_text {
            in_text = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
        } else if letter.is_ascii_whitespace() {
            continue;
        } else {
            in_text = letter == '"';
        }
        out.push(letter);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::compact;

    #[test]
    fn white_space_goes_between_tokens_and_stays_in_texts() {
        assert_eq!(
            compact("{ \"doc\" :\n\t\"a \\\" b\\\\\" , \"n\": [ 1 , -2.50 ] }"),
            r#"{"doc":"a \" b\\","n":[1,-2.50]}"#
        );
    }
}
