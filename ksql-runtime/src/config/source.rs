//! Where settings come from: a TOML file, then the environment; and what holds for one entity.
//!
//! Invariant: nothing told of a file quotes what may be a secret.

use std::path::Path;

use super::keys::shown;
use super::{Config, ConfigError, EntityConfig};

/// Keys that may be an array: one address or several.
const ADDRESSES: [&str; 3] = ["bootstrap", "registry", "ksqldb"];

impl Config {
    /// The defaults, changed by a TOML file and then by the environment.
    ///
    /// # Errors
    /// Where the file cannot be read, or a setting is unknown or impossible.
    pub fn load(file: Option<&Path>) -> Result<Config, ConfigError> {
        let mut config = Config::default();
        if let Some(path) = file {
            let text = std::fs::read_to_string(path).map_err(|error| ConfigError::File {
                path: path.to_owned(),
                reason: error.to_string(),
            })?;
            config.apply_toml(&text).map_err(|error| match error {
                ConfigError::File { reason, .. } => ConfigError::File {
                    path: path.to_owned(),
                    reason,
                },
                other => other,
            })?;
        }
        config.apply_process_env()?;
        Ok(config)
    }

    /// Changes what a TOML text says.
    ///
    /// ```
    /// use ksql_runtime::prelude::*;
    ///
    /// let mut config = Config::default();
    /// config.apply_toml("ready_timeout = \"5s\"\n[entity.Flight]\npartitions = 4\n")?;
    /// assert_eq!(config.entity["Flight"].partitions, Some(4));
    /// # Ok::<(), ksql_runtime::config::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// Where it is no TOML, or a setting is unknown or impossible.
    pub fn apply_toml(&mut self, text: &str) -> Result<(), ConfigError> {
        let table: toml::Table =
            text.parse()
                .map_err(|error: toml::de::Error| ConfigError::File {
                    path: "(text)".into(),
                    reason: no_toml(text, &error),
                })?;
        self.apply_table("", &table)
    }

    fn apply_table(&mut self, prefix: &str, table: &toml::Table) -> Result<(), ConfigError> {
        for (name, value) in table {
            let key = format!("{prefix}{name}");
            match value {
                toml::Value::Table(inner)
                    if ["entity", "kafka"].contains(&key.as_str())
                        || key.starts_with("entity.")
                        || key.starts_with("kafka.") =>
                {
                    self.apply_table(&format!("{key}."), inner)?;
                }
                toml::Value::String(text) => self.set(&key, text)?,
                toml::Value::Integer(_) | toml::Value::Boolean(_) => {
                    self.set(&key, &value.to_string())?
                }
                toml::Value::Float(number) if key.starts_with("kafka.") => {
                    self.set(&key, &number.to_string())?
                }
                toml::Value::Array(several)
                    if ADDRESSES.contains(&key.as_str())
                        && several.iter().all(toml::Value::is_str) =>
                {
                    let addresses: Vec<&str> =
                        several.iter().filter_map(toml::Value::as_str).collect();
                    self.set(&key, &addresses.join(","))?;
                }
                other => {
                    // An unknown key is the first mistake to name.
                    self.clone().set(&key, "").or_else(|error| match error {
                        ConfigError::UnknownKey { .. } => Err(error),
                        _ => Ok(()),
                    })?;
                    // What is in it may be secret, whatever its own key says.
                    let value = match other {
                        toml::Value::Array(_) => "[..]".to_owned(),
                        toml::Value::Table(_) => "{..}".to_owned(),
                        other => shown(&key, &other.to_string()),
                    };
                    let expected = if ADDRESSES.contains(&key.as_str()) {
                        "it is a text, or several in an array"
                    } else {
                        "it is a text, a whole number, or true or false"
                    };
                    return Err(ConfigError::InvalidValue {
                        key,
                        value,
                        expected: expected.to_owned(),
                    });
                }
            }
        }
        Ok(())
    }

    /// What holds for an entity.
    pub(crate) fn of_entity(&self, entity: &str) -> EntityConfig {
        let mut all = self.entity.iter();
        let own = all.find(|(name, _)| name.eq_ignore_ascii_case(entity));
        own.map(|(_, config)| config.clone()).unwrap_or_default()
    }

    /// Where settings of an entity go. Variables of the environment are upper case, so whatever the case it is the same
    /// entity, and which setting wins is decided by the order alone in which they come.
    pub(super) fn entry(&mut self, entity: &str) -> &mut EntityConfig {
        let known = self
            .entity
            .keys()
            .find(|known| known.eq_ignore_ascii_case(entity));
        let name = known.cloned().unwrap_or_else(|| entity.to_owned());
        self.entity.entry(name).or_default()
    }

    /// Refuses settings for entities that are not there, and for one entity under two names.
    pub(crate) fn check_entities(&self, known: &[&str]) -> Result<(), ConfigError> {
        let mut names: Vec<&String> = self.entity.keys().collect();
        names.sort_by_key(|name| name.to_lowercase());
        for (one, other) in names.iter().zip(names.iter().skip(1)) {
            if one.eq_ignore_ascii_case(other) {
                return Err(ConfigError::TwoNames {
                    one: (*one).clone(),
                    other: (*other).clone(),
                });
            }
        }
        let unknown = self
            .entity
            .keys()
            .find(|name| !known.iter().any(|known| known.eq_ignore_ascii_case(name)));
        match unknown {
            None => Ok(()),
            Some(entity) => Err(ConfigError::UnknownEntity {
                entity: entity.clone(),
                known: if known.is_empty() {
                    "none".to_owned()
                } else {
                    known.join(", ")
                },
            }),
        }
    }
}

/// Where a text is no TOML, and why. Never the line itself, which may hold a secret.
fn no_toml(text: &str, error: &toml::de::Error) -> String {
    let at = error.span().map_or(0, |span| span.start);
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    format!("line {line}, column {column}: {}", error.message())
}

/// A value of a key that is not its default.
#[cfg(test)]
pub(super) fn sample(key: &str) -> &'static str {
    match key {
        "application_id" | "state_dir" | "topic_prefix" | "dlq_topic" => "other",
        "memory" => "64MiB",
        "log_durability" => "power_loss",
        "state_durability" => "wal",
        "wait_for_ready" => "false",
        "http_listen" => "127.0.0.1:0",
        "http_public" | "rebuild_on_corruption" | "rebuild_on_truncation" => "true",
        "compatibility" => "FULL",
        "on_poison" => "mark",
        "partitions" | "replication" | "dlq_partitions" | "retries" | "cache_rows"
        | "cached_results" => "7",
        "bootstrap" => "a:9092, b:9092",
        "registry" | "ksqldb" => "http://a:8081/",
        "engine" => "ksqldb",
        "consume_from" => "earliest",
        "warm_up" => "dummy_records",
        "on_drift" => "alter",
        _ => "1234ms",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::super::keys::{ENTITY_KEYS, KEYS};
    use super::*;

    #[test]
    fn every_key_changes_something_from_file_and_environment_alike() {
        for (key, _) in KEYS {
            let mut from_file = Config::default();
            from_file
                .apply_toml(&format!("{key} = \"{}\"", sample(key)))
                .unwrap();
            assert_ne!(from_file, Config::default(), "{key}");
            let mut from_env = Config::default();
            from_env
                .apply_env([(
                    format!("KSQL_{}", key.to_uppercase()),
                    sample(key).to_owned(),
                )])
                .unwrap();
            assert_eq!(from_env, from_file, "{key}");
        }
        for (key, _) in ENTITY_KEYS {
            let value = match *key {
                "cached" => "false",
                other => sample(other),
            };
            let mut from_file = Config::default();
            from_file
                .apply_toml(&format!("[entity.Flight]\n{key} = \"{value}\""))
                .unwrap();
            assert_ne!(
                from_file.of_entity("Flight"),
                super::super::EntityConfig::default(),
                "{key}"
            );
            let mut from_env = Config::default();
            from_env
                .apply_env([(
                    format!("KSQL_ENTITY__FLIGHT__{}", key.to_uppercase()),
                    value.to_owned(),
                )])
                .unwrap();
            assert_eq!(
                from_env.of_entity("Flight"),
                from_file.of_entity("Flight"),
                "{key}"
            );
        }
    }

    #[test]
    fn of_settings_for_one_entity_the_last_said_holds_whatever_the_case() {
        let mut config = Config::default();
        let partitions = |config: &Config| config.of_entity("Flight").partitions;
        let env = |value: &str| {
            [(
                "KSQL_ENTITY__FLIGHT__PARTITIONS".to_owned(),
                value.to_owned(),
            )]
        };
        assert_eq!(partitions(&config), None);
        config
            .apply_toml("[entity.Flight]\npartitions = 2\ncached = false")
            .unwrap();
        assert_eq!(partitions(&config), Some(2));
        config.apply_env(env("3")).unwrap();
        assert_eq!(partitions(&config), Some(3));
        config.set("entity.Flight.partitions", "4").unwrap();
        assert_eq!(
            partitions(&config),
            Some(4),
            "code is above the environment"
        );
        assert_eq!(
            config.of_entity("Flight").cached,
            Some(false),
            "what nobody changed stays"
        );
        let mut config = Config::default();
        config.apply_env(env("3")).unwrap();
        config.set("entity.Flight.partitions", "4").unwrap();
        assert_eq!(partitions(&config), Some(4), "without a file too");
        config.check_entities(&["Flight"]).unwrap();
    }

    #[test]
    fn one_entity_under_two_names_is_refused() {
        let mut config = Config::default();
        for name in ["Flight", "Airline", "flight"] {
            config
                .entity
                .insert(name.to_owned(), EntityConfig::default());
        }
        let error = config
            .check_entities(&["Flight", "Airline"])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("`Flight`") && error.contains("`flight`"),
            "{error}"
        );
    }

    #[test]
    fn a_misspelt_key_names_the_nearest_one_wherever_it_stands() {
        let mut config = Config::default();
        let error = |result: Result<(), ConfigError>| result.unwrap_err().to_string();
        assert_eq!(
            error(config.apply_toml("partitons = 3")),
            "there is no setting `partitons`: did you mean `partitions`?"
        );
        assert_eq!(
            error(config.apply_toml("[entity.Flight]\nretenton = \"7d\"")),
            "there is no setting `entity.Flight.retenton`: did you mean `entity.Flight.retention`?"
        );
        assert_eq!(
            error(config.apply_env([("KSQL_PARTITONS".to_owned(), "3".to_owned())])),
            "there is no setting `KSQL_PARTITONS`: did you mean `KSQL_PARTITIONS`?"
        );
        assert!(error(config.apply_toml("partitions = 0")).contains("a whole number from 1"));
        assert!(error(config.apply_toml("ready_timeout = \"5 weeks\"")).contains("ready_timeout"));
        assert!(error(config.apply_toml("partitions = 1.5")).contains("partitions"));
        assert!(error(config.apply_toml("memory = \"1MiB\"")).contains("32MiB"));
    }

    #[test]
    fn a_text_that_is_no_toml_is_told_by_its_place_and_never_quoted() {
        let error = |text: &str| {
            let error = Config::default().apply_toml(text).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("hunter2"), "{text}: {shown}");
            error.to_string()
        };
        let told = error("partitions = 1\nregistry_password = \"hunter2\nretries = 1\n");
        assert!(told.contains("line 2, column 29: "), "{told}");
        for text in [
            "registry_password = hunter2",
            "registry_password = \"hunter2\\q\"",
            "registry_password = 'hunter2",
            "registry_password \"hunter2\"",
            "registry_password = \"\"\"hunter2",
            "registry_password = \"hunter2\" \"hunter2\"",
            "registry_password = 1\nregistry_password = \"hunter2\"",
            "kafka = { sasl.password = \"hunter2\"",
            "[kafka]\nsasl.password = [\"hunter2\"\n",
        ] {
            assert!(error(text).contains("line "), "{text}");
        }
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("app.toml");
        std::fs::write(&file, "registry_password = \"hunter2").unwrap();
        let told = Config::load(Some(&file)).unwrap_err().to_string();
        assert!(
            told.contains("app.toml cannot be read: line 1, column 29: ")
                && !told.contains("hunter2"),
            "{told}"
        );
    }

    #[test]
    fn a_value_of_the_wrong_kind_shows_no_secret() {
        for (text, says) in [
            (
                "[kafka]\nsasl.password = [\"hunter2\"]",
                "setting `kafka.sasl.password` cannot be `[..]`: it is a text, ",
            ),
            (
                "registry_password = [\"hunter2\"]",
                "setting `registry_password` cannot be `[..]`: ",
            ),
            (
                "registry = { url = \"http://a\", password = \"hunter2\" }",
                "setting `registry` cannot be `{..}`: it is a text, or several in an array",
            ),
            (
                "registry = [\"http://a\", [\"hunter2\"]]",
                "setting `registry` cannot be `[..]`: ",
            ),
            (
                "registry_token = 2024.5",
                "setting `registry_token` cannot be `***`: ",
            ),
            ("partitions = 1.5", "setting `partitions` cannot be `1.5`: "),
            (
                "cluster = { password = \"hunter2\" }",
                "there is no setting `cluster`",
            ),
        ] {
            let error = Config::default().apply_toml(text).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("hunter2"), "{text}: {shown}");
            assert!(shown.starts_with(says), "{text}: {shown}");
        }
    }
}
