//! The table of keys: each with the function that takes its text. Pure.

use std::time::Duration;

use super::{
    Compatibility, Config, ConfigError, Durability, Engine, EntityConfig, OnDrift, OnPoison, Start,
    StateDurability, WarmUp,
};
use crate::log::client_settings::is_secret;
use crate::secret::Secret;

type Set<T> = fn(&mut T, &str) -> Result<(), String>;

/// The keys of a configuration.
pub(super) const KEYS: &[(&str, Set<Config>)] = &[
    ("application_id", |c, v| {
        text(v).map(|v| c.application_id = v)
    }),
    ("state_dir", |c, v| text(v).map(|v| c.state_dir = v.into())),
    ("memory", |c, v| bytes(v).map(|v| c.memory = v)),
    ("log_durability", |c, v| {
        log_durability(v).map(|v| c.log_durability = v)
    }),
    ("state_durability", |c, v| {
        state_durability(v).map(|v| c.state_durability = v)
    }),
    ("flush_interval", |c, v| {
        duration(v).map(|v| c.flush_interval = v)
    }),
    ("maintenance_interval", |c, v| {
        duration(v).map(|v| c.maintenance_interval = v)
    }),
    ("wait_for_ready", |c, v| {
        flag(v).map(|v| c.wait_for_ready = v)
    }),
    ("ready_timeout", |c, v| {
        duration(v).map(|v| c.ready_timeout = v)
    }),
    ("topic_prefix", |c, v| {
        c.topic_prefix = v.to_owned();
        Ok(())
    }),
    ("partitions", |c, v| number(v, 1).map(|v| c.partitions = v)),
    ("replication", |c, v| {
        number(v, 1).map(|v| c.replication = v)
    }),
    ("compatibility", |c, v| {
        compatibility(v).map(|v| c.compatibility = v)
    }),
    ("dlq_topic", |c, v| topic(v).map(|v| c.dlq_topic = v)),
    ("dlq_partitions", |c, v| {
        number(v, 1).map(|v| c.dlq_partitions = v)
    }),
    ("dlq_retention", |c, v| {
        c.dlq_retention = if v == "unlimited" {
            None
        } else {
            Some(duration(v)?)
        };
        Ok(())
    }),
    ("on_poison", |c, v| on_poison(v).map(|v| c.on_poison = v)),
    ("consume_from", |c, v| {
        consume_from(v).map(|v| c.consume_from = v)
    }),
    ("rebuild_on_corruption", |c, v| {
        flag(v).map(|v| c.rebuild_on_corruption = v)
    }),
    ("rebuild_on_truncation", |c, v| {
        flag(v).map(|v| c.rebuild_on_truncation = v)
    }),
    ("retry_first", |c, v| duration(v).map(|v| c.retry_first = v)),
    ("retry_longest", |c, v| {
        duration(v).map(|v| c.retry_longest = v)
    }),
    ("retries", |c, v| {
        c.retries = if v == "unlimited" {
            None
        } else {
            Some(number(v, 0)?)
        };
        Ok(())
    }),
    ("cache_rows", |c, v| number(v, 0).map(|v| c.cache_rows = v)),
    ("cached_results", |c, v| {
        number(v, 0).map(|v| c.cached_results = v)
    }),
    ("http_listen", |c, v| {
        listen(v).map(|v| c.http_listen = Some(v))
    }),
    ("http_public", |c, v| flag(v).map(|v| c.http_public = v)),
    ("bootstrap", |c, v| {
        addresses(v).map(|v| c.cluster.bootstrap = Some(v.join(",")))
    }),
    ("registry", |c, v| urls(v).map(|v| c.cluster.registry = v)),
    ("registry_user", |c, v| {
        text(v).map(|v| c.cluster.registry_auth.user = Some(v))
    }),
    ("registry_password", |c, v| {
        text(v).map(|v| c.cluster.registry_auth.password = Some(Secret::new(v)))
    }),
    ("registry_token", |c, v| {
        text(v).map(|v| c.cluster.registry_auth.token = Some(Secret::new(v)))
    }),
    ("ksqldb", |c, v| urls(v).map(|v| c.cluster.ksqldb = v)),
    ("ksqldb_user", |c, v| {
        text(v).map(|v| c.cluster.ksqldb_auth.user = Some(v))
    }),
    ("ksqldb_password", |c, v| {
        text(v).map(|v| c.cluster.ksqldb_auth.password = Some(Secret::new(v)))
    }),
    ("ksqldb_token", |c, v| {
        text(v).map(|v| c.cluster.ksqldb_auth.token = Some(Secret::new(v)))
    }),
    ("ca_certificate", |c, v| {
        text(v).map(|v| c.cluster.ca_certificate = Some(v.into()))
    }),
    ("client_certificate", |c, v| {
        text(v).map(|v| c.cluster.client_certificate = Some(v.into()))
    }),
    ("request_timeout", |c, v| {
        patience(v).map(|v| c.cluster.request_timeout = v)
    }),
    ("delivery_timeout", |c, v| {
        patience(v).map(|v| c.cluster.delivery_timeout = v)
    }),
    ("reach_timeout", |c, v| {
        duration(v).map(|v| c.cluster.reach_timeout = v)
    }),
    ("engine", |c, v| engine(v).map(|v| c.cluster.engine = v)),
    ("watch_interval", |c, v| {
        interval(v).map(|v| c.cluster.watch_interval = v)
    }),
    ("warm_up", |c, v| warm_up(v).map(|v| c.cluster.warm_up = v)),
    ("on_drift", |c, v| {
        on_drift(v).map(|v| c.cluster.on_drift = v)
    }),
];

/// The keys of one entity.
pub(super) const ENTITY_KEYS: &[(&str, Set<EntityConfig>)] = &[
    ("partitions", |c, v| {
        number(v, 1).map(|v| c.partitions = Some(v))
    }),
    ("replication", |c, v| {
        number(v, 1).map(|v| c.replication = Some(v))
    }),
    ("retention", |c, v| {
        let millis = match v {
            "unlimited" | "-1" => -1,
            other => i64::try_from(duration(other)?.as_millis()).unwrap_or(i64::MAX),
        };
        c.retention_ms = Some(millis);
        Ok(())
    }),
    ("compatibility", |c, v| {
        compatibility(v).map(|v| c.compatibility = Some(v))
    }),
    ("cached", |c, v| flag(v).map(|v| c.cached = Some(v))),
    ("cache_rows", |c, v| {
        number(v, 0).map(|v| c.cache_rows = Some(v))
    }),
    ("on_poison", |c, v| {
        on_poison(v).map(|v| c.on_poison = Some(v))
    }),
    ("consume_from", |c, v| {
        consume_from(v).map(|v| c.consume_from = Some(v))
    }),
];

impl Config {
    /// Sets one key from its text: `partitions`, or `entity.Flight.partitions` for one entity.
    ///
    /// # Errors
    /// Where there is no such key, naming the nearest one, or no such value, saying what is allowed.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), ConfigError> {
        let failed = |expected| ConfigError::InvalidValue {
            key: key.to_owned(),
            value: shown(key, value),
            expected,
        };
        if let Some(rest) = key.strip_prefix("entity.") {
            let (entity, name) = rest
                .split_once('.')
                .ok_or_else(|| ConfigError::UnknownKey {
                    key: key.to_owned(),
                    nearest: Some(format!("entity.{rest}.partitions")),
                })?;
            let set = find(ENTITY_KEYS, name).map_err(|nearest| ConfigError::UnknownKey {
                key: key.to_owned(),
                nearest: nearest.map(|nearest| format!("entity.{entity}.{nearest}")),
            })?;
            return set(self.entry(entity), value).map_err(failed);
        }
        if let Some(name) = key.strip_prefix("kafka.") {
            let cluster = &mut self.cluster;
            let (settings, name) = match name.split_once('.') {
                Some(("producer", name)) => (&mut cluster.producer, name),
                Some(("consumer", name)) => (&mut cluster.consumer, name),
                _ => (&mut cluster.kafka, name),
            };
            return settings.set(key, name, value);
        }
        let set = find(KEYS, key).map_err(|nearest| ConfigError::UnknownKey {
            key: key.to_owned(),
            nearest: nearest.map(str::to_owned),
        })?;
        set(self, value).map_err(failed)
    }
}

/// A value as it may be told. An address may hold credentials where it should not.
pub(super) fn shown(key: &str, value: &str) -> String {
    if is_secret(key) || value.contains('@') {
        "***".to_owned()
    } else {
        value.to_owned()
    }
}

/// The function of a key, or the nearest key.
pub(super) fn find<T>(
    keys: &'static [(&'static str, Set<T>)],
    wanted: &str,
) -> Result<Set<T>, Option<&'static str>> {
    if let Some((_, set)) = keys.iter().find(|(name, _)| *name == wanted) {
        return Ok(*set);
    }
    let scored = keys
        .iter()
        .map(|(name, _)| (strsim::jaro_winkler(name, wanted), *name));
    let nearest = scored
        .filter(|(score, _)| *score >= 0.7)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    Err(nearest.map(|(_, name)| name))
}

fn text(value: &str) -> Result<String, String> {
    if value.is_empty() {
        Err("it is empty".to_owned())
    } else {
        Ok(value.to_owned())
    }
}

fn topic(value: &str) -> Result<String, String> {
    match ksql_schema::names::topic_defect(value) {
        Some(defect) => Err(defect),
        None => Ok(value.to_owned()),
    }
}

fn flag(value: &str) -> Result<bool, String> {
    value
        .parse()
        .map_err(|_| "it is `true` or `false`".to_owned())
}

fn number<T: std::str::FromStr + PartialOrd + TryFrom<u8>>(
    value: &str,
    least: u8,
) -> Result<T, String> {
    let allowed = || format!("it is a whole number from {least}");
    let number: T = value.parse().map_err(|_| allowed())?;
    match T::try_from(least) {
        Ok(least) if number < least => Err(allowed()),
        _ => Ok(number),
    }
}

fn duration(value: &str) -> Result<Duration, String> {
    ksql_schema::duration::parse(value)
        .map(Duration::from_millis)
        .map_err(|reason| format!("{reason}, like `500ms` or `30s`"))
}

/// How long Kafka's clients wait for something: they count in seconds.
fn patience(value: &str) -> Result<Duration, String> {
    match duration(value)? {
        time if time < Duration::from_secs(1) => Err("it is at least `1s`".to_owned()),
        time => Ok(time),
    }
}

/// How often something is asked for over the network.
fn interval(value: &str) -> Result<Duration, String> {
    match duration(value)? {
        time if time < Duration::from_millis(100) => Err("it is at least `100ms`".to_owned()),
        time => Ok(time),
    }
}

fn bytes(value: &str) -> Result<usize, String> {
    let allowed = || "it is a number of bytes like `256MiB` or `2GiB`, at least `32MiB`".to_owned();
    let units = [
        ("KiB", 1024),
        ("MiB", 1024 * 1024),
        ("GiB", 1024 * 1024 * 1024),
    ];
    let unit = units
        .iter()
        .find_map(|(name, factor)| value.strip_suffix(name).map(|number| (number, *factor)));
    let (number, factor) = unit.unwrap_or((value, 1_usize));
    let bytes = number
        .trim()
        .parse::<usize>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(allowed)?;
    if bytes < 32 * 1024 * 1024 {
        Err(allowed())
    } else {
        Ok(bytes)
    }
}

fn one_of<T: Copy>(value: &str, known: &[(&str, T)]) -> Result<T, String> {
    known
        .iter()
        .find(|(name, _)| *name == value)
        .map(|(_, value)| *value)
        .ok_or_else(|| {
            let names: Vec<String> = known.iter().map(|(name, _)| format!("`{name}`")).collect();
            format!("it is one of {}", names.join(", "))
        })
}

fn log_durability(value: &str) -> Result<Durability, String> {
    one_of(
        value,
        &[
            ("process_crash", Durability::ProcessCrash),
            ("power_loss", Durability::PowerLoss),
        ],
    )
}

fn state_durability(value: &str) -> Result<StateDurability, String> {
    one_of(
        value,
        &[
            ("replay", StateDurability::Replay),
            ("wal", StateDurability::Wal),
        ],
    )
}

fn on_poison(value: &str) -> Result<OnPoison, String> {
    one_of(value, &[("stop", OnPoison::Stop), ("mark", OnPoison::Mark)])
}

fn consume_from(value: &str) -> Result<Start, String> {
    one_of(
        value,
        &[("latest", Start::Latest), ("earliest", Start::Earliest)],
    )
}

fn engine(value: &str) -> Result<Engine, String> {
    one_of(
        value,
        &[("embedded", Engine::Embedded), ("ksqldb", Engine::KsqlDb)],
    )
}

fn warm_up(value: &str) -> Result<WarmUp, String> {
    one_of(
        value,
        &[
            ("wait", WarmUp::Wait),
            ("dummy_records", WarmUp::DummyRecords),
        ],
    )
}

fn on_drift(value: &str) -> Result<OnDrift, String> {
    one_of(
        value,
        &[("report", OnDrift::Report), ("alter", OnDrift::Alter)],
    )
}

/// An address of this machine with a port.
fn listen(value: &str) -> Result<std::net::SocketAddr, String> {
    let numbers = value
        .strip_prefix("localhost:")
        .map(|port| format!("127.0.0.1:{port}"));
    let numbers = numbers.as_deref().unwrap_or(value);
    numbers.parse().map_err(|_| {
        "it is an address of this machine and a port, like `127.0.0.1:9600`; port 0 is any that is free".to_owned()
    })
}

/// `host:port`, several with commas between.
fn addresses(value: &str) -> Result<Vec<String>, String> {
    let allowed = || "it is `host:port`, several with commas between".to_owned();
    let one = |address: &str| {
        let (host, port) = address.rsplit_once(':').ok_or_else(allowed)?;
        match port.parse::<u16>() {
            Ok(1..) if !host.is_empty() && !address.contains('/') => Ok(address.to_owned()),
            _ => Err(allowed()),
        }
    };
    value
        .split(',')
        .map(|address| one(address.trim()))
        .collect()
}

/// `http://host:port`, several with commas between.
fn urls(value: &str) -> Result<Vec<String>, String> {
    let one = |url: &str| {
        let rest = url
            .strip_prefix("http://")
            .or_else(|| url.strip_prefix("https://"));
        match rest {
            Some(rest) if rest.contains('@') => Err(
                "it is an address without credentials: they have settings of their own".to_owned(),
            ),
            Some(rest) if !rest.is_empty() && !rest.starts_with('/') => {
                Ok(url.trim_end_matches('/').to_owned())
            }
            _ => Err(
                "it is `http://host:port` or `https://host`, several with commas between"
                    .to_owned(),
            ),
        }
    };
    value.split(',').map(|url| one(url.trim())).collect()
}

fn compatibility(value: &str) -> Result<Compatibility, String> {
    Compatibility::parse(value).ok_or_else(|| {
        "it is one of `NONE`, `BACKWARD`, `BACKWARD_TRANSITIVE`, `FORWARD`, `FORWARD_TRANSITIVE`, `FULL`, `FULL_TRANSITIVE`"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::{ENTITY_KEYS, KEYS};

    const PAGE: &str = include_str!("../../../docs/configuration.md");

    /// The keys in the tables of a part of the page: what stands in backticks in the first column.
    fn documented(part: &str) -> Vec<&str> {
        part.lines()
            .filter_map(|line| line.strip_prefix("| `")?.split(" |").next())
            .flat_map(|cell| cell.split('`').step_by(2))
            .filter(|text| !text.is_empty() && !text.starts_with(',') && !text.contains('<'))
            .collect()
    }

    #[test]
    fn the_page_about_configuration_lists_every_key_and_no_other() {
        let (general, of_entities) = PAGE
            .split_once("## One entity")
            .unwrap_or_else(|| unreachable!());
        let general = general
            .split_once("## Everywhere")
            .map_or("", |(_, rest)| rest);
        let sorted = |mut names: Vec<&'static str>| {
            names.sort_unstable();
            names
        };
        let of = |part| sorted(documented(part));
        assert_eq!(
            of(general),
            sorted(KEYS.iter().map(|(name, _)| *name).collect())
        );
        assert_eq!(
            of(of_entities),
            sorted(ENTITY_KEYS.iter().map(|(name, _)| *name).collect())
        );
    }
}
