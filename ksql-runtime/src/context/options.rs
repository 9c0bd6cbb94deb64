//! What the parts of a context are opened with, all from the one configuration. Pure: what a setting does is found here.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ksql_schema::Type;
use ksql_schema::ddl::{self, Operational as Ddl};
use ksql_schema::model::{Cleanup, Kind, Role, WindowKind};
use ksql_schema::query::with;

use super::builder::Registration;
use super::home::Home;
use crate::clock::Clock;
use crate::config::Config;
use crate::dlq::KeyForm;
use crate::log::{EmbeddedOptions, Start, TopicDescription, TopicSpec};
use crate::state::{BindingKind, Expiry, Settings, StoreOptions};

/// How the one number for memory is shared: log, stores, and what tables gather while they restore. On Kafka the log's
/// share is that of records on their way: half for those not acknowledged yet, half for those fetched ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shares {
    log: usize,
    stores: usize,
    /// Of each table.
    gathered: usize,
    #[cfg(feature = "kafka")]
    unacknowledged: usize,
    /// Of each table.
    #[cfg(feature = "kafka")]
    fetched: usize,
}

impl Shares {
    fn new(memory: usize, tables: usize) -> Shares {
        // With less than a quarter to gather in, restores cost noticeably more: benchmark B1.
        let quarter = memory / 4;
        Shares {
            log: quarter,
            stores: quarter.saturating_mul(2),
            gathered: quarter / tables.max(1),
            #[cfg(feature = "kafka")]
            unacknowledged: quarter / 2,
            #[cfg(feature = "kafka")]
            fetched: quarter / 2 / tables.max(1),
        }
    }
}

/// The memory of a Kafka log: of records not acknowledged yet, and of each of so many tables' readers.
#[cfg(feature = "kafka")]
pub(super) fn kafka_memory(config: &Config, tables: usize) -> (usize, usize) {
    let shares = Shares::new(config.memory, tables);
    (shares.unacknowledged, shares.fetched)
}

pub(super) fn log(config: &Config, clock: &Clock) -> EmbeddedOptions {
    let clock = clock.clone();
    EmbeddedOptions {
        directory: config.state_dir.join("log"),
        durability: config.log_durability,
        maintenance: Some((
            config.maintenance_interval,
            Arc::new(move || clock.now_ms()),
        )),
        dirty_ratio: 0.5,
        memory_bytes: Shares::new(config.memory, 1).log,
    }
}

pub(super) fn stores(
    config: &Config,
    home: &Home,
    expiring: &HashMap<String, Arc<Expiry>>,
) -> StoreOptions {
    StoreOptions {
        expiring: expiring.clone(),
        path: home.state(&config.state_dir),
        memory: Shares::new(config.memory, 1).stores,
        durability: config.state_durability,
        rebuild_on_corruption: config.rebuild_on_corruption,
    }
}

/// The settings of one table among so many; the ids are those of its schemas.
pub(super) fn table(
    entity: &Registration,
    topic: &TopicDescription,
    (value_schema, key_schema): (u32, u32),
    config: &Config,
    tables: usize,
    expiry: Option<Arc<Expiry>>,
) -> Settings {
    let own = config.of_entity(entity.model.name);
    Settings {
        kind: BindingKind::Table,
        store: store_name(entity),
        topic: topic.clone(),
        joined: Vec::new(),
        value_schema: own_form(entity, value_schema),
        key_schema,
        on_poison: own.on_poison.unwrap_or(config.on_poison),
        rebuild_on_truncation: config.rebuild_on_truncation,
        retry_first: config.retry_first,
        retry_longest: config.retry_longest,
        retries: config.retries,
        cache_rows: own.cache_rows.unwrap_or(config.cache_rows),
        gather_bytes: Shares::new(config.memory, tables).gathered,
        window: window_size(entity),
        expiry,
    }
}

/// Which windows leave a table: of one without windows, or whose retention nobody stated, none does.
pub(super) fn expiry(entity: &Registration, config: &Config) -> Option<Expiry> {
    let window = entity.model.window.filter(|_| entity.result.is_some())?;
    let stated = window
        .retention_ms
        .map(|millis| i64::try_from(millis).unwrap_or(i64::MAX));
    let own = config.of_entity(entity.model.name).retention_ms;
    // A negative one is for ever.
    let retention = own.or(stated).filter(|millis| *millis >= 0);
    retention.map(Expiry::new)
}

/// The size of the windows the keys of a topic are of, where the keys do not say it: a session's say both ends.
pub(super) fn window_size(entity: &Registration) -> Option<i64> {
    let sized = entity
        .model
        .window
        .is_some_and(|window| window.kind != WindowKind::Session);
    let size = entity.result.and_then(|result| result.window);
    size.filter(|_| sized)
        .and_then(|size| i64::try_from(size).ok())
}

/// The id of no schema: what a query wrote is never in the entity's own form.
pub(super) const OTHER_FORM: u32 = u32::MAX;

/// The id under which values are in the entity's own form.
pub(super) fn own_form(entity: &Registration, value_schema: u32) -> u32 {
    match entity.result {
        Some(_) => OTHER_FORM,
        None => value_schema,
    }
}

/// Where handlers of a group begin that has committed nothing.
pub(super) fn consume_from(entity: &Registration, config: &Config) -> Start {
    let own = config.of_entity(entity.model.name);
    own.consume_from.unwrap_or(config.consume_from)
}

/// The settings of a query's state: it reads a topic as the table of its source would.
pub(super) fn query(
    name: &str,
    source: &Registration,
    topic: &TopicDescription,
    ids: (u32, u32),
    config: &Config,
    tables: usize,
) -> Settings {
    Settings {
        kind: BindingKind::Query,
        store: query_store_name(name),
        cache_rows: 0,
        ..table(source, topic, ids, config, tables, None)
    }
}

/// The store of a query's state.
pub(super) fn query_store_name(query: &str) -> String {
    format!("{query}_Query")
}

/// The store of an entity's table, or of one window of it.
pub(super) fn store_name(entity: &Registration) -> String {
    let name = entity.model.name;
    match label(entity) {
        Some(label) => format!("{name}_{label}_Store"),
        None => format!("{name}_Store"),
    }
}

/// What the name of a window's topic ends with.
pub(super) fn label(entity: &Registration) -> Option<String> {
    let size = entity.result?.window?;
    let window = entity.model.window.as_ref()?;
    Some(ddl::label(window, size))
}

/// The topic of dead letters.
pub(super) fn dead_letters(config: &Config) -> TopicSpec {
    let name = format!("{}{}", config.topic_prefix, config.dlq_topic);
    let mut spec = TopicSpec::new(name, config.dlq_partitions);
    spec.replication = config.replication;
    spec.retention_ms = config
        .dlq_retention
        .map(|retention| u64::try_from(retention.as_millis()).unwrap_or(u64::MAX));
    spec
}

/// How the keys of the topics are written; those of windows, which no program adds to, are left out.
pub(super) fn key_forms(entities: &[Registration], config: &Config) -> BTreeMap<String, KeyForm> {
    let plain = entities
        .iter()
        .filter(|entity| entity.model.window.is_none());
    plain
        .filter_map(|entity| {
            let mut columns = entity
                .model
                .columns
                .iter()
                .filter(|column| column.role == Role::Key);
            let form = match (columns.next(), columns.next()) {
                (None, _) => return None,
                (Some(_), Some(_)) => KeyForm::Record,
                (Some(key), None) => match key.ty {
                    Type::Int32 => KeyForm::Int,
                    Type::Int64 => KeyForm::Long,
                    _ => KeyForm::Text,
                },
            };
            Some((Operational::of(entity, config).topic, form))
        })
        .collect()
}

/// An entity's topic settings: its own configuration, else its definition, else the configuration's defaults.
#[derive(Debug)]
pub(super) struct Operational {
    topic: String,
    partitions: u32,
    replication: u16,
    retention_ms: Option<i64>,
}

impl Operational {
    pub(super) fn new(model: &ksql_schema::Entity<'_>, config: &Config) -> Operational {
        let own = config.of_entity(model.name);
        Operational {
            topic: format!("{}{}", config.topic_prefix, model.topic.name),
            partitions: own
                .partitions
                .or(model.topic.partitions)
                .unwrap_or(config.partitions),
            replication: own
                .replication
                .or(model.topic.replication)
                .unwrap_or(config.replication),
            retention_ms: own.retention_ms.or(model.topic.retention_ms),
        }
    }

    /// The settings of a topic, whether a program writes it or a query: then what is not said is its source's, and its
    /// retention is exactly the one that the query's statement asks ksqlDB for.
    pub(super) fn of(entity: &Registration, config: &Config) -> Operational {
        let mut operational = Operational::new(entity.model, config);
        let Some(result) = entity.result else {
            return operational;
        };
        let own = config.of_entity(entity.model.name);
        operational.partitions = own
            .partitions
            .or(entity.model.topic.partitions)
            .unwrap_or(result.partitions);
        if let Some(label) = label(entity) {
            operational.topic = format!("{}_{label}", operational.topic);
        }
        let inherited = result
            .retention_ms
            .filter(|_| entity.model.kind == Kind::Stream);
        let asked = Ddl {
            retention_ms: operational.retention_ms.or(inherited),
            ..operational.as_ddl(config)
        };
        let sizes = entity
            .model
            .window
            .map_or(&[][..], |window| window.sizes_ms);
        let statement = sizes.iter().position(|size| Some(*size) == result.window);
        operational.retention_ms = with::retention_ms(entity.model, &asked, statement.unwrap_or(0));
        operational
    }

    /// What a query over the topic of a stream or table hands on: partitions, and of a stream retention.
    pub(super) fn inherited(&self, kind: Kind) -> (u32, Option<i64>) {
        (
            self.partitions,
            self.retention_ms.filter(|_| kind == Kind::Stream),
        )
    }

    pub(super) fn as_ddl<'a>(&self, config: &'a Config) -> Ddl<'a> {
        Ddl {
            topic_prefix: &config.topic_prefix,
            partitions: self.partitions,
            replication: self.replication,
            retention_ms: self.retention_ms,
        }
    }

    pub(super) fn spec(&self, model: &ksql_schema::Entity<'_>) -> TopicSpec {
        let by_kind = match (model.kind, &model.window) {
            (Kind::Table, Some(_)) => Cleanup::CompactDelete,
            (Kind::Table, None) => Cleanup::Compact,
            (Kind::Stream, _) => Cleanup::Delete,
        };
        let mut spec = TopicSpec::new(&self.topic, self.partitions);
        spec.replication = self.replication;
        spec.cleanup = model.topic.cleanup.unwrap_or(by_kind);
        // Negative: kept for ever.
        spec.retention_ms = self
            .retention_ms
            .and_then(|millis| u64::try_from(millis).ok());
        spec
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::time::Duration;

    use super::*;
    use crate::config::{Durability, StateDurability};
    use crate::context::Context;
    use crate::prelude::Entity;

    #[test]
    fn the_shares_of_memory_are_never_more_than_all_of_it() {
        for memory in [32 << 20, 256 << 20, usize::MAX] {
            for tables in [0, 1, 3, 1000] {
                let shares = Shares::new(memory, tables);
                let Shares {
                    log,
                    stores,
                    gathered,
                    ..
                } = shares;
                #[cfg(feature = "kafka")]
                assert!(
                    shares.unacknowledged as u128 + shares.fetched as u128 * tables as u128
                        <= log as u128
                );
                assert!(log > 0 && stores > 0 && gathered > 0);
                let sum = log as u128 + stores as u128 + gathered as u128 * tables as u128;
                assert!(sum <= memory as u128, "{memory} for {tables} tables: {sum}");
            }
        }
    }

    #[test]
    fn settings_reach_the_log_and_the_stores() {
        let config = Config {
            state_dir: "data".into(),
            memory: 80 << 20,
            log_durability: Durability::PowerLoss,
            state_durability: StateDurability::Wal,
            maintenance_interval: Duration::from_secs(7),
            rebuild_on_corruption: true,
            ..Config::default()
        };
        let options = log(&config, &Clock::manual(42));
        assert_eq!(options.directory, std::path::Path::new("data/log"));
        assert_eq!(options.durability, Durability::PowerLoss);
        assert_eq!(options.memory_bytes, 20 << 20);
        let (interval, now) = options.maintenance.unwrap_or_else(|| unreachable!());
        assert_eq!((interval, now()), (Duration::from_secs(7), 42));
        let options = stores(&config, &Home::Embedded, &HashMap::new());
        assert_eq!(options.path, std::path::Path::new("data/state"));
        assert_eq!(options.durability, StateDurability::Wal);
        assert_eq!(options.memory, 40 << 20);
        assert!(options.rebuild_on_corruption);
    }

    #[derive(Debug, Clone, PartialEq, Entity)]
    #[topic("articles")]
    #[table]
    #[entity(namespace = "cached")]
    struct Article {
        #[key]
        number: i64,
        pieces: i32,
    }

    #[derive(Debug, Clone, PartialEq, Entity)]
    #[topic("shelves")]
    #[table]
    #[entity(namespace = "cached")]
    struct Shelf {
        #[key]
        number: i64,
        room: i32,
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn as_many_rows_as_are_set_are_kept_in_front_of_each_table() {
        for (setting, articles, shelves) in [
            (None, None, None),
            (Some(("cache_rows", "100")), Some(3), Some(1)),
            (Some(("entity.Article.cache_rows", "100")), Some(3), None),
        ] {
            let directory = tempfile::tempdir().unwrap();
            let mut config = Config::default();
            if let Some((key, value)) = setting {
                config.set(key, value).unwrap();
            }
            let ctx = Context::builder()
                .config(config)
                .entity::<Article>()
                .entity::<Shelf>()
                .state_dir(directory.path())
                .start()
                .await
                .unwrap();
            let set = ctx.set::<Article>();
            let rows = (0..3).map(|number| Article { number, pieces: 1 });
            let set = set.at_least(set.add_all(rows).await.unwrap());
            for number in 0..3 {
                assert!(set.get(number).await.unwrap().is_some());
            }
            let none = ctx.set::<Shelf>().get(1).await.unwrap();
            assert_eq!(none, None, "what is not there is kept too");
            let kept = |topic: &str| {
                let registered = ctx.0.entities.values().find(|one| one.topic == topic);
                let table = registered.unwrap().table.as_ref().unwrap();
                table.cache.as_ref().map(crate::state::RowCache::len)
            };
            assert_eq!(
                (kept("articles"), kept("shelves")),
                (articles, shelves),
                "{setting:?}"
            );
            ctx.shutdown().await.unwrap();
        }
    }
}
