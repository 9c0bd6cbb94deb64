//! Settings that contradict each other, and those without effect where a program runs.
//!
//! Invariant: the same program with the same file runs embedded and on a cluster, by the addresses alone. So what tunes the
//! other of the two is left alone; what says that there is a cluster, or lets a client in, is an error without one: whoever
//! set it did not mean to write to a directory. Called before anything is touched.

use super::{ClientSettings, Config, ConfigError, Credentials, Engine, WarmUp};

/// What the names of librdkafka's settings begin with that let a client in.
const SECURITY: [&str; 4] = ["security.", "sasl.", "ssl.", "https."];

fn contradiction(what: impl Into<String>, cure: impl Into<String>) -> Result<(), ConfigError> {
    Err(ConfigError::Contradiction {
        what: what.into(),
        cure: cure.into(),
    })
}

impl Credentials {
    /// What is wrong with them.
    fn check(&self, server: &str, addresses: &[String]) -> Result<(), ConfigError> {
        if self.user.is_some() != self.password.is_some() {
            return contradiction(
                format!(
                    "`{server}_user` and `{server}_password` go together, and one of them is missing"
                ),
                "set both or none",
            );
        }
        if self.user.is_some() && self.token.is_some() {
            return contradiction(
                format!("`{server}_user` and `{server}_token` are two ways of saying who asks"),
                "set one of them",
            );
        }
        if *self != Credentials::default() && addresses.is_empty() {
            return contradiction(
                format!("there are credentials for `{server}`, and no address"),
                format!("set `{server}` too"),
            );
        }
        Ok(())
    }
}

impl Config {
    /// Refuses settings that contradict each other.
    ///
    /// # Errors
    /// The first contradiction, with what to do.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.retry_first > self.retry_longest {
            return contradiction(
                "`retry_first` is longer than `retry_longest`",
                "the first wait is the shortest one",
            );
        }
        self.check_http()?;
        let cluster = &self.cluster;
        match &cluster.bootstrap {
            None => self.check_embedded()?,
            Some(_) => {
                if cfg!(not(feature = "kafka")) {
                    return contradiction(
                        "there is a `bootstrap`, and this program was built without Kafka",
                        "build `ksql-runtime` with its feature `kafka`",
                    );
                }
                if cluster.registry.is_empty() {
                    return contradiction(
                        "there is a `bootstrap`, and no `registry`: the values are Avro",
                        "set `registry` to the Schema Registry's address",
                    );
                }
                if cluster.engine == Engine::KsqlDb && cluster.ksqldb.is_empty() {
                    return contradiction(
                        "`engine` is `ksqldb`, and there is no `ksqldb` to run the queries",
                        "set `ksqldb` to its address, or leave `engine` out: this process runs the queries",
                    );
                }
                if cluster.warm_up == WarmUp::DummyRecords && cluster.ksqldb.is_empty() {
                    return contradiction(
                        "`warm_up` is `dummy_records`, and there is no `ksqldb` to warm up",
                        "leave `warm_up` out",
                    );
                }
            }
        }
        cluster.registry_auth.check("registry", &cluster.registry)?;
        cluster.ksqldb_auth.check("ksqldb", &cluster.ksqldb)
    }

    fn check_http(&self) -> Result<(), ConfigError> {
        let Some(address) = self.http_listen else {
            return Ok(());
        };
        if cfg!(not(feature = "http")) {
            return contradiction(
                "there is an `http_listen`, and this program was built without HTTP",
                "build `ksql-runtime` with its feature `http`",
            );
        }
        if !address.ip().is_loopback() && !self.http_public {
            return contradiction(
                format!(
                    "`http_listen` is {address}, which other machines reach, and nothing asks them for a password"
                ),
                "listen on 127.0.0.1, or set `http_public` to true",
            );
        }
        Ok(())
    }

    fn check_embedded(&self) -> Result<(), ConfigError> {
        let cluster = &self.cluster;
        if !cluster.registry.is_empty() {
            return contradiction(
                "there is a `registry`, and no `bootstrap`: without Kafka the registry is in this process",
                "set `bootstrap` too, or leave `registry` out",
            );
        }
        if !cluster.ksqldb.is_empty() {
            return contradiction(
                "there is a `ksqldb`, and no `bootstrap`: ksqlDB reads Kafka's topics",
                "set `bootstrap` and `registry` too, or leave `ksqldb` out",
            );
        }
        if cluster.engine == Engine::KsqlDb {
            return contradiction(
                "`engine` is `ksqldb`, and there is no `bootstrap`: ksqlDB reads Kafka's topics",
                "set `bootstrap`, `registry` and `ksqldb` too, or leave `engine` out",
            );
        }
        for (key, certificate) in [
            ("ca_certificate", &cluster.ca_certificate),
            ("client_certificate", &cluster.client_certificate),
        ] {
            if certificate.is_some() {
                return contradiction(
                    format!("there is a `{key}`, and no `bootstrap`: nothing is connected to"),
                    format!("set `bootstrap` too, or leave `{key}` out"),
                );
            }
        }
        for (key, settings) in [
            ("kafka", &cluster.kafka),
            ("kafka.producer", &cluster.producer),
            ("kafka.consumer", &cluster.consumer),
        ] {
            if let Some(name) = security(settings) {
                return contradiction(
                    format!(
                        "there is a `{key}.{name}`, and no `bootstrap`: nothing is connected to"
                    ),
                    "set `bootstrap` too, or leave it out",
                );
            }
        }
        Ok(())
    }

    /// Says which settings have no effect where this program runs.
    pub(crate) fn log_idle(&self) {
        let idle = self.idle();
        if !idle.is_empty() {
            tracing::info!(
                settings = idle.join(", "),
                "settings without effect {}",
                match self.cluster.bootstrap {
                    Some(_) => "on a cluster",
                    None => "on the embedded log",
                }
            );
        }
    }

    /// Warns of what is allowed and rarely meant.
    pub(crate) fn log_doubtful(&self) {
        if let Some(doubt) = self.nameless() {
            tracing::warn!("{doubt}");
        }
    }

    /// On a cluster programs find each other by their application id: two that have the default share groups and election.
    fn nameless(&self) -> Option<String> {
        let id = &self.application_id;
        (self.cluster.bootstrap.is_some() && *id == Config::default().application_id).then(|| {
            format!(
                "`application_id` is `{id}`, as in every program that does not set it: another one on this cluster would be \
                 taken for an instance of this one, share its consumer groups and wait to own its queries; set `application_id`"
            )
        })
    }

    /// The settings that were changed and have no effect.
    fn idle(&self) -> Vec<&'static str> {
        let (cluster, default) = (&self.cluster, Config::default());
        let elsewhere = match cluster.bootstrap {
            Some(_) => vec![
                (
                    "log_durability",
                    self.log_durability != default.log_durability,
                ),
                (
                    "maintenance_interval",
                    self.maintenance_interval != default.maintenance_interval,
                ),
            ],
            None => vec![
                (
                    "request_timeout",
                    cluster.request_timeout != default.cluster.request_timeout,
                ),
                (
                    "delivery_timeout",
                    cluster.delivery_timeout != default.cluster.delivery_timeout,
                ),
                (
                    "reach_timeout",
                    cluster.reach_timeout != default.cluster.reach_timeout,
                ),
                ("warm_up", cluster.warm_up != default.cluster.warm_up),
                (
                    "watch_interval",
                    cluster.watch_interval != default.cluster.watch_interval,
                ),
                ("kafka", !cluster.kafka.is_empty()),
                ("kafka.producer", !cluster.producer.is_empty()),
                ("kafka.consumer", !cluster.consumer.is_empty()),
            ],
        };
        let changed = elsewhere.into_iter().filter(|(_, changed)| *changed);
        changed.map(|(key, _)| key).collect()
    }
}

/// A setting that lets a client in, if there is one.
fn security(settings: &ClientSettings) -> Option<&str> {
    settings
        .iter()
        .map(|(name, _)| name)
        .find(|name| SECURITY.iter().any(|part| name.starts_with(part)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::super::keys::KEYS;
    use super::super::source::sample;
    use super::*;

    const PAGE: &str = include_str!("../../../docs/configuration.md");

    fn error(result: Result<(), ConfigError>) -> String {
        result.unwrap_err().to_string()
    }

    fn config(toml: &str) -> Config {
        let mut config = Config::default();
        config.apply_toml(toml).unwrap();
        config
    }

    #[test]
    fn contradictions_say_what_to_do() {
        let cases = [
            (
                "registry = \"http://a\"",
                "set `bootstrap` too, or leave `registry` out",
            ),
            (
                "ksqldb = \"http://a\"",
                "set `bootstrap` and `registry` too",
            ),
            (
                "ca_certificate = \"ca.pem\"",
                "set `bootstrap` too, or leave `ca_certificate` out",
            ),
            (
                "client_certificate = \"shop.pem\"",
                "set `bootstrap` too, or leave `client_certificate` out",
            ),
            (
                "[kafka]\nclient.rack = \"r\"\nsasl.username = \"u\"",
                "there is a `kafka.sasl.username`, and no `bootstrap`: nothing is connected to; set `bootstrap` too",
            ),
            (
                "[kafka.consumer]\nsecurity.protocol = \"ssl\"",
                "there is a `kafka.consumer.security.protocol`, and no `bootstrap`",
            ),
            (
                "retry_first = \"5s\"\nretry_longest = \"1s\"",
                "the first wait is the shortest one",
            ),
            ("registry_token = \"t\"", "set `registry` too"),
            (
                "engine = \"ksqldb\"",
                "set `bootstrap`, `registry` and `ksqldb` too, or leave `engine` out",
            ),
        ];
        for (toml, says) in cases {
            let error = error(config(toml).check());
            assert!(error.contains(says), "{toml}: {error}");
        }
        if cfg!(feature = "kafka") {
            let cluster = "bootstrap = \"a:1\"\nregistry = \"http://a\"\n";
            config(cluster).check().unwrap();
            let missing = error(config("bootstrap = \"a:1\"").check());
            assert!(
                missing.contains("set `registry` to the Schema Registry's address"),
                "{missing}"
            );
            for (toml, says) in [
                ("registry_user = \"u\"", "set both or none"),
                (
                    "registry_user = \"u\"\nregistry_password = \"p\"\nregistry_token = \"t\"",
                    "set one of them",
                ),
                ("warm_up = \"dummy_records\"", "leave `warm_up` out"),
                (
                    "engine = \"ksqldb\"",
                    "set `ksqldb` to its address, or leave `engine` out: this process runs the queries",
                ),
            ] {
                let error = error(config(&format!("{cluster}{toml}")).check());
                assert!(error.contains(says), "{toml}: {error}");
            }
        }
        config("").check().unwrap();
    }

    #[test]
    fn a_program_without_a_name_on_a_cluster_is_warned_of() {
        let doubt = |toml: &str| config(toml).nameless();
        assert!(
            doubt("bootstrap = \"a:1\"").is_some_and(|told| told.ends_with("set `application_id`"))
        );
        assert_eq!(
            doubt("bootstrap = \"a:1\"\napplication_id = \"shop\""),
            None
        );
        assert_eq!(doubt(""), None, "an embedded log has one owner");
    }

    /// The key in each row of a part of the page, and the last cell.
    fn rows<'a>(part: &'a str, next: &str) -> Vec<(&'a str, &'a str)> {
        let (_, rest) = PAGE.split_once(part).unwrap();
        let (part, _) = rest.split_once(next).unwrap();
        part.lines()
            .filter(|line| line.starts_with("| `"))
            .flat_map(|line| {
                let mut cells = line.trim_matches('|').split(" | ");
                let (first, last) = (cells.next().unwrap(), cells.last().unwrap());
                let keys = first.split('`').skip(1).step_by(2);
                keys.map(move |key| (key, last.trim()))
            })
            .collect()
    }

    fn with(base: &str, key: &str) -> Config {
        let mut config = config(base);
        match key {
            "kafka.<name>" => config.set("kafka.client.rack", "r").unwrap(),
            "kafka.producer.<name>" => config.set("kafka.producer.linger.ms", "7").unwrap(),
            "kafka.consumer.<name>" => config.set("kafka.consumer.fetch.min.bytes", "7").unwrap(),
            key => config.set(key, sample(key)).unwrap(),
        }
        config
    }

    #[test]
    fn the_page_says_truly_which_settings_have_no_effect_or_are_errors_without_a_cluster() {
        let of_cluster = rows("## Cluster", "### ");
        assert!(of_cluster.len() > 15, "{of_cluster:?}");
        for (key, without) in &of_cluster {
            let config = with("", key);
            match *without {
                "error" => assert!(config.check().is_err(), "{key}"),
                "no effect" => {
                    config.check().unwrap();
                    assert_eq!(config.idle().len(), 1, "{key}");
                }
                "is embedded" => assert_eq!(*key, "bootstrap"),
                other => panic!("{key}: {other}"),
            }
        }
        let everywhere = rows("## Everywhere", "## ");
        for (key, _) in &everywhere {
            let config = with("", key);
            if *key == "http_listen" && cfg!(not(feature = "http")) {
                assert!(error(config.check()).contains("its feature `http`"));
                continue;
            }
            config.check().unwrap();
            assert!(config.idle().is_empty(), "{key}");
        }
        let embedded = rows("## Embedded log", "## ");
        assert_eq!(
            of_cluster.len() + everywhere.len() + embedded.len(),
            KEYS.len() + 3
        );
        for (key, _) in embedded {
            let config = with("bootstrap = \"a:1\"\nregistry = \"http://a\"", key);
            assert_eq!(config.idle(), [key]);
            if cfg!(feature = "kafka") {
                config.check().unwrap();
            }
        }
    }

    #[test]
    fn one_file_serves_the_embedded_log_and_a_cluster() {
        let file = "log_durability = \"power_loss\"\nmaintenance_interval = \"5s\"\nrequest_timeout = \"5s\"\n\
                    delivery_timeout = \"5s\"\nreach_timeout = \"5s\"\non_drift = \"alter\"\nwarm_up = \"dummy_records\"\n\
                    [kafka]\nclient.rack = \"r\"\n[kafka.producer]\nlinger.ms = 5\n[kafka.consumer]\nfetch.min.bytes = 5";
        let mut config = config(file);
        config.check().unwrap();
        for (name, value) in [
            ("KSQL_BOOTSTRAP", "a:1"),
            ("KSQL_REGISTRY", "http://a"),
            ("KSQL_KSQLDB", "http://a"),
        ] {
            let variable = (name.to_owned(), value.to_owned());
            config.apply_env([variable]).unwrap();
        }
        if cfg!(feature = "kafka") {
            config.check().unwrap();
        }
    }
}
