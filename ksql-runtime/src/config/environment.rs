//! The environment as a source of settings: which variable is which setting, and which is none.
//!
//! Invariant: a value is never told where its key holds a secret, and of a variable that is no setting nothing but its
//! name is.

use std::ffi::OsString;

use super::keys::{ENTITY_KEYS, KEYS, shown};
use super::librdkafka::NAMES;
use super::{Config, ConfigError};

/// What environment variables begin with.
const PREFIX: &str = "KSQL_";

/// What a variable of the prefix is.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    /// The setting with this key, which may be misspelt in its last part.
    Setting(String),
    /// No setting, and too near to this one to be anything else.
    Misspelt(String),
    /// Someone else's, as far as can be known; this setting is the nearest.
    Foreign(Option<String>),
}

impl Config {
    /// Changes what variables like `KSQL_READY_TIMEOUT=5s` or `KSQL_ENTITY__FLIGHT__PARTITIONS=4` say. A variable of the
    /// prefix that is near no setting is someone else's, of ksqlDB's own containers for one: it is ignored with a warning.
    ///
    /// # Errors
    /// Where a setting is misspelt or impossible.
    pub fn apply_env(
        &mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(), ConfigError> {
        variables
            .into_iter()
            .try_for_each(|(name, value)| self.apply_variable(&name, value.into()))
    }

    /// Changes what the variables of this process say.
    pub(super) fn apply_process_env(&mut self) -> Result<(), ConfigError> {
        for (name, value) in std::env::vars_os() {
            // Variables whose names are no text belong to someone else: the names of settings are.
            if let Some(name) = name.to_str() {
                self.apply_variable(name, value)?;
            }
        }
        Ok(())
    }

    fn apply_variable(&mut self, variable: &str, value: OsString) -> Result<(), ConfigError> {
        let Some(rest) = variable.strip_prefix(PREFIX) else {
            return Ok(());
        };
        let key = match meaning(&rest.to_lowercase()) {
            Meaning::Setting(key) => key,
            Meaning::Misspelt(nearest) => {
                return Err(ConfigError::UnknownKey {
                    key: variable.to_owned(),
                    nearest: Some(named(&nearest)),
                });
            }
            Meaning::Foreign(nearest) => {
                match nearest.as_deref().map(named) {
                    Some(nearest) => tracing::warn!(
                        variable,
                        nearest,
                        "there is no setting of this variable's name: it is ignored"
                    ),
                    None => tracing::warn!(
                        variable,
                        "there is no setting of this variable's name: it is ignored"
                    ),
                }
                return Ok(());
            }
        };
        let value = value
            .into_string()
            .map_err(|value| ConfigError::InvalidValue {
                key: variable.to_owned(),
                value: shown(&key, &value.to_string_lossy()),
                expected: "it is text in UTF-8".to_owned(),
            })?;
        // Whoever set a variable looks for a variable.
        self.set(&key, &value).map_err(|error| match error {
            ConfigError::InvalidValue {
                value, expected, ..
            } => ConfigError::InvalidValue {
                key: variable.to_owned(),
                value,
                expected,
            },
            ConfigError::UnknownKey { nearest, .. } => ConfigError::UnknownKey {
                key: variable.to_owned(),
                nearest: nearest.as_deref().map(named),
            },
            ConfigError::Owned { reason, .. } => ConfigError::Owned {
                key: variable.to_owned(),
                reason,
            },
            other => other,
        })
    }
}

/// The variable of a key.
fn named(key: &str) -> String {
    let parts = match key.split_once('.') {
        Some(("entity", rest)) => format!("entity__{}", rest.replace('.', "__")),
        Some(("kafka", rest)) => {
            let (kind, name) = kind_of(rest, '.');
            let kind = kind.map(|kind| format!("{kind}__")).unwrap_or_default();
            format!("kafka__{kind}{}", name.replace('.', "_"))
        }
        _ => key.to_owned(),
    };
    format!("{PREFIX}{}", parts.to_uppercase())
}

/// What a variable is; `name` is what comes after the prefix, in lower case.
fn meaning(name: &str) -> Meaning {
    if KEYS.iter().any(|(known, _)| *known == name) {
        return Meaning::Setting(name.to_owned());
    }
    // Variables are upper case; the context finds the entity whatever the case.
    if let Some(rest) = name.strip_prefix("entity__") {
        return match rest.split_once("__") {
            Some((entity, key)) => Meaning::Setting(format!("entity.{entity}.{key}")),
            None => Meaning::Misspelt(format!("entity.{rest}.partitions")),
        };
    }
    if let Some(rest) = name.strip_prefix("kafka__") {
        // A name that is nobody's is told as it would be, with the nearest one.
        let rest = rest.replace("__", "_");
        return Meaning::Setting(
            client_setting(&rest).unwrap_or_else(|| format!("kafka.{}", rest.replace('_', "."))),
        );
    }
    let with_one_underscore = match name.split_once('_') {
        Some(("kafka", rest)) => client_setting(rest),
        Some(("entity", rest)) => ENTITY_KEYS.iter().find_map(|(key, _)| {
            let entity = rest.strip_suffix(key)?.strip_suffix('_')?;
            (!entity.is_empty()).then(|| format!("entity.{entity}.{key}"))
        }),
        _ => None,
    };
    if let Some(key) = with_one_underscore {
        return Meaning::Misspelt(key);
    }
    let near = KEYS
        .iter()
        .map(|(known, _)| (strsim::damerau_levenshtein(known, name), *known))
        .min()
        .filter(|(distance, _)| *distance <= 2);
    match near {
        Some((_, known)) => Meaning::Misspelt(known.to_owned()),
        None => Meaning::Foreign(like(name).map(str::to_owned)),
    }
}

/// `producer` or `consumer` where a setting of Kafka's clients is of one of them, and its name.
fn kind_of(name: &str, separator: char) -> (Option<&'static str>, &str) {
    for kind in ["producer", "consumer"] {
        if let Some(rest) = name
            .strip_prefix(kind)
            .and_then(|rest| rest.strip_prefix(separator))
        {
            return (Some(kind), rest);
        }
    }
    (None, name)
}

/// The key of a setting of Kafka's clients; the names of librdkafka have dots where variables cannot, some underscores too.
fn client_setting(name: &str) -> Option<String> {
    let (kind, name) = kind_of(name, '_');
    let known = NAMES.iter().find(|known| known.replace('.', "_") == name)?;
    let kind = kind.map(|kind| format!("{kind}.")).unwrap_or_default();
    Some(format!("kafka.{kind}{known}"))
}

/// The key most like a name: one that stands in it, or one that reads alike.
fn like(name: &str) -> Option<&'static str> {
    let words = format!("_{name}_");
    let within = KEYS
        .iter()
        .map(|(known, _)| *known)
        .filter(|known| words.contains(&format!("_{known}_")))
        .max_by_key(|known| known.len());
    within.or_else(|| {
        KEYS.iter()
            .map(|(known, _)| (strsim::jaro_winkler(known, name), *known))
            .filter(|(likeness, _)| *likeness >= 0.9)
            .max_by(|(one, _), (other, _)| one.total_cmp(other))
            .map(|(_, known)| known)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn error(name: &str, value: &str) -> String {
        Config::default()
            .apply_env([(name.to_owned(), value.to_owned())])
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn one_underscore_where_two_belong_is_an_error_that_writes_them() {
        for (name, instead) in [
            ("KSQL_KAFKA_SASL_PASSWORD", "KSQL_KAFKA__SASL_PASSWORD"),
            (
                "KSQL_KAFKA_PRODUCER_LINGER_MS",
                "KSQL_KAFKA__PRODUCER__LINGER_MS",
            ),
            (
                "KSQL_KAFKA_CONSUMER_FETCH_MIN_BYTES",
                "KSQL_KAFKA__CONSUMER__FETCH_MIN_BYTES",
            ),
            (
                "KSQL_ENTITY_FLIGHT_CACHE_ROWS",
                "KSQL_ENTITY__FLIGHT__CACHE_ROWS",
            ),
            ("KSQL_ENTITY__FLIGHT", "KSQL_ENTITY__FLIGHT__PARTITIONS"),
        ] {
            assert_eq!(
                error(name, "hunter2"),
                format!("there is no setting `{name}`: did you mean `{instead}`?")
            );
        }
    }

    #[test]
    fn errors_about_variables_name_variables() {
        assert_eq!(
            error("KSQL_KAFKA__PRODUCER__LIGER_MS", "5"),
            "there is no setting `KSQL_KAFKA__PRODUCER__LIGER_MS`: did you mean `KSQL_KAFKA__PRODUCER__LINGER_MS`?"
        );
        assert_eq!(
            error("KSQL_ENTITY__FLIGHT__RETENTON", "7d"),
            "there is no setting `KSQL_ENTITY__FLIGHT__RETENTON`: did you mean `KSQL_ENTITY__FLIGHT__RETENTION`?"
        );
        assert!(error("KSQL_KAFKA__ACKS", "1").starts_with("setting `KSQL_KAFKA__ACKS` cannot"));
        assert!(error("KSQL_PARTITIONS", "0").contains("`KSQL_PARTITIONS`"));
    }

    #[test]
    fn every_setting_of_kafkas_clients_can_be_a_variable() {
        for name in NAMES {
            for kind in ["", "producer.", "consumer."] {
                let key = format!("kafka.{kind}{name}");
                let variable = named(&key);
                let rest = variable.strip_prefix(PREFIX).unwrap().to_lowercase();
                assert_eq!(meaning(&rest), Meaning::Setting(key), "{variable}");
            }
        }
    }

    #[test]
    fn what_others_set_is_ignored_with_the_nearest_setting_to_name() {
        for (name, nearest) in [
            ("KSQL_SCHEMA_REGISTRY_URL", Some("registry")),
            ("KSQL_BOOTSTRAP_SERVERS", Some("bootstrap")),
            ("KSQL_STATE_DIRECTORY", Some("state_dir")),
            ("KSQL_LISTENERS", None),
            ("KSQL_HEAP_OPTS", None),
            ("KSQL_KSQL_SERVICE_ID", None),
            ("KSQL_TEST_DIR", None),
        ] {
            let rest = name.strip_prefix(PREFIX).unwrap().to_lowercase();
            let nearest = nearest.map(str::to_owned);
            assert_eq!(meaning(&rest), Meaning::Foreign(nearest), "{name}");
            let mut config = Config::default();
            config
                .apply_env([(name.to_owned(), "x".to_owned())])
                .unwrap();
            assert_eq!(config, Config::default());
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_text_is_an_error_of_a_setting_only_and_shows_no_secret() {
        use std::os::unix::ffi::OsStringExt;
        let apply = |name: &str| {
            let value = OsString::from_vec(b"hunter2\xff".to_vec());
            Config::default().apply_variable(name, value)
        };
        for name in [
            "KSQL_REGISTRY_PASSWORD",
            "KSQL_KAFKA__SASL_PASSWORD",
            "KSQL_KAFKA__SSL_KEY_PEM",
            "KSQL_KAFKA__CONSUMER__CLIENT_RACK",
            "KSQL_RETRIES",
        ] {
            let error = apply(name).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("UTF-8"), "{error}");
            let secret = name.contains("PASSWORD") || name.contains("PEM");
            assert_eq!(error.contains("hunter2"), !secret, "{error}");
        }
        apply("KSQL_SOMEONE_ELSES").unwrap();
        apply("OTHER").unwrap();
    }
}
