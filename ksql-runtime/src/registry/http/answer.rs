//! What a registry answers: the JSON of its API, and its refusals as ours.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::registry::RegistryError;

/// The longest text of a server that is not JSON that is kept.
const LONGEST_TEXT: usize = 300;

pub(super) const SUBJECT_NOT_FOUND: u32 = 40401;
pub(super) const VERSION_NOT_FOUND: u32 = 40402;
pub(super) const SCHEMA_NOT_FOUND: u32 = 40403;
pub(super) const INVALID_SCHEMA: u32 = 42201;
pub(super) const INVALID_VERSION: u32 = 42202;

/// An answer that is not "not now".
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) url: String,
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

#[derive(Deserialize)]
struct Refusal {
    error_code: u32,
    #[serde(default)]
    message: String,
}

impl Answer {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The registry's own code of a refusal.
    pub(super) fn code(&self) -> Option<u32> {
        Some(self.refusal()?.error_code)
    }

    /// Whether a registry, and not any other server, says that something is not there.
    pub(super) fn is_not_found(&self) -> bool {
        self.status == 404 && self.code().is_some_and(|code| code / 100 == 404)
    }

    fn refusal(&self) -> Option<Refusal> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The server's words.
    pub(super) fn text(&self) -> String {
        if let Some(refusal) = self.refusal() {
            let code = refusal.error_code;
            return match refusal.message.trim() {
                "" => format!("error code {code}"),
                message if code == u32::from(self.status) || code == 0 => message.to_owned(),
                message => format!("{message} (error code {code})"),
            };
        }
        let text = String::from_utf8_lossy(&self.body);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        match text.char_indices().nth(LONGEST_TEXT) {
            _ if text.is_empty() => "without a word".to_owned(),
            Some((end, _)) => format!("{}..", text.get(..end).unwrap_or_default()),
            None => text,
        }
    }

    /// What was asked for.
    pub(super) fn json<T: DeserializeOwned>(&self, action: &str) -> Result<T, RegistryError> {
        if !self.is_success() {
            return Err(self.refused(action));
        }
        serde_json::from_slice(&self.body).map_err(|error| RegistryError::Malformed {
            url: self.url.clone(),
            action: action.to_owned(),
            defect: error.to_string(),
        })
    }

    /// The error of an answer that means nothing particular to what was asked.
    pub(super) fn refused(&self, action: &str) -> RegistryError {
        let (url, action) = (self.url.clone(), action.to_owned());
        match self.status {
            401 => RegistryError::Unauthorized {
                url,
                answer: self.text(),
            },
            403 => RegistryError::Forbidden {
                url,
                action,
                answer: self.text(),
            },
            404 if !self.is_not_found() => RegistryError::NoRegistry { url, action },
            status => RegistryError::Refused {
                url,
                action,
                status,
                answer: self.text(),
            },
        }
    }
}

/// A type of another schema that a schema refers to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize, serde::Serialize)]
pub struct Reference {
    /// The type's full name.
    pub name: String,
    /// The subject its schema is registered under.
    pub subject: String,
    /// The version of that subject.
    pub version: i64,
}

/// A schema as the registry gives it; by id it has neither subject nor version.
#[derive(Debug, Deserialize)]
pub(super) struct Stored {
    #[serde(default)]
    pub(super) id: u32,
    #[serde(default)]
    pub(super) version: u32,
    pub(super) schema: String,
    /// Not said of Avro.
    #[serde(default, rename = "schemaType")]
    pub(super) format: Option<String>,
    #[serde(default)]
    references: Option<Vec<Reference>>,
}

impl Stored {
    pub(super) fn references(&self) -> &[Reference] {
        self.references.as_deref().unwrap_or_default()
    }

    /// Refuses what is not Avro.
    pub(super) fn avro(self, id: u32) -> Result<Stored, RegistryError> {
        match &self.format {
            Some(format) if format != "AVRO" => Err(RegistryError::OtherFormat {
                id,
                format: format.clone(),
            }),
            _ => Ok(self),
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Registered {
    pub(super) id: u32,
}

#[derive(Debug, Deserialize)]
pub(super) struct Level {
    #[serde(rename = "compatibilityLevel")]
    pub(super) level: String,
}

/// The answer to "would it fit"; the words stand in one of two places.
#[derive(Debug, Deserialize)]
pub(super) struct Fits {
    pub(super) is_compatible: bool,
    #[serde(default)]
    messages: Option<Vec<String>>,
    #[serde(default)]
    reason: Option<String>,
}

impl Fits {
    pub(super) fn text(&self) -> String {
        let messages = self.messages.as_deref().unwrap_or_default();
        match &self.reason {
            Some(reason) if messages.is_empty() => reason.clone(),
            _ => messages.join(", "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Answer;

    fn text(status: u16, body: &str) -> String {
        let body = body.as_bytes().to_vec();
        let url = String::new();
        Answer { url, status, body }.text()
    }

    #[test]
    fn the_words_of_a_server_are_kept_whatever_their_form() {
        for (status, body, told) in [
            (409, r#"{"error_code":409,"message":"no"}"#, "no"),
            (
                404,
                r#"{"error_code":0,"message":"no such path"}"#,
                "no such path",
            ),
            (
                422,
                r#"{"error_code":42201,"message":"bad"}"#,
                "bad (error code 42201)",
            ),
            (500, r#"{"error_code":50001}"#, "error code 50001"),
            (
                502,
                "<html>\n  Bad   gateway</html>",
                "<html> Bad gateway</html>",
            ),
            (503, "", "without a word"),
        ] {
            assert_eq!(text(status, body), told);
        }
        assert_eq!(
            text(500, &"é".repeat(500)),
            format!("{}..", "é".repeat(300))
        );
    }
}
