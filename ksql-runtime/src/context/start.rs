//! Start, step by step. Every step is idempotent, so a start after a crash in any of them ends in the same state.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use ksql_schema::model::{Kind, SubjectStrategy};
use tracing::Instrument;

use super::builder::Registration;
use super::options::{self, Operational};
use super::{Context, ContextBuilder, Inner, Registered};
use crate::config::Config;
use crate::directory::DirectoryLock;
use crate::error::{Chain, Error, Result, Step};
use crate::log::{EmbeddedLog, Log, LogError, TopicDescription};
use crate::registry::{InProcessRegistry, Registry};
use crate::state::{Store, Table};

pub(super) async fn start(builder: ContextBuilder) -> Result<Context> {
    builder.refuse_invalid()?;
    let config = builder.configuration()?;
    let span = tracing::info_span!("start", application = %config.application_id);
    async {
        match open(&builder, config.clone()).await {
            // Damage that is met after the state was opened leaves a mark, at which opening it again rebuilds: once.
            Err(error) if config.rebuild_on_corruption && error.is_corrupt_state() => {
                tracing::warn!(error = %Chain(&error), "the state is damaged: starting again to rebuild it");
                open(&builder, config).await
            }
            other => other,
        }
    }
    .instrument(span)
    .await
}

async fn open(builder: &ContextBuilder, config: Config) -> Result<Context> {
    let clock = builder.clock.clone();
    let at = |step: Step| move |error: Error| error.at(step, None);
    // Whichever log it is, the tables have one owner. Taken first and given back last.
    let directory = config.state_dir.clone();
    let lock = blocking(move || DirectoryLock::acquire(&directory))
        .await?
        .map_err(|error| at(Step::TakeDirectory)(LogError::from(error).into()))?;
    let options = options::log(&config, &clock);
    let embedded = blocking(move || EmbeddedLog::open(options))
        .await?
        .map_err(|error| at(Step::OpenLog)(error.into()))?;
    let registry =
        InProcessRegistry::open(&embedded).map_err(|error| at(Step::OpenLog)(error.into()))?;
    let (log, registry) = (Log::from(embedded), Registry::InProcess(registry));
    // Windowed tables are written by queries, one topic for each window.
    let entities: Vec<Registration> = builder
        .entities
        .iter()
        .filter(|entity| entity.model.window.is_none())
        .copied()
        .collect();

    let mut topics = Vec::new();
    for entity in &entities {
        let created = create_topic(&log, entity, &config).await;
        topics.push(
            created.map_err(|error| {
                Error::from(error).at(Step::CreateTopics, Some(entity.model.name))
            })?,
        );
    }
    let mut schemas = Vec::new();
    for (entity, topic) in entities.iter().zip(&topics) {
        let ids = register(&registry, entity, &topic.name, &config).await;
        schemas
            .push(ids.map_err(|error| error.at(Step::RegisterSchemas, Some(entity.model.name)))?);
    }

    let tables: Vec<bool> = entities
        .iter()
        .map(|entity| {
            entity.model.kind == Kind::Table
                && config.of_entity(entity.model.name).cached.unwrap_or(true)
        })
        .collect();
    let stores: Vec<String> = entities
        .iter()
        .zip(&tables)
        .filter(|(_, kept)| **kept)
        .map(|(entity, _)| options::store_name(entity.model))
        .collect();
    let options = options::stores(&config);
    let names = stores.clone();
    let store = blocking(move || Store::open(&options, &names)).await?;
    let store = Arc::new(store.map_err(|error| at(Step::OpenState)(error.into()))?);

    let mut registered = HashMap::new();
    for (((entity, topic), ids), kept) in entities.iter().zip(&topics).zip(&schemas).zip(&tables) {
        let (value_schema, key_schema) = *ids;
        let table = kept.then(|| {
            Arc::new(Table::new(
                entity.model.name,
                options::table(entity.model, topic, *ids, &config, stores.len()),
                Arc::clone(&store),
                builder.events.clone(),
            ))
        });
        registered.insert(
            entity.id,
            Arc::new(Registered {
                topic: topic.name.to_string(),
                partitions: topic.partitions,
                value_schema,
                key_schema,
                log: log.clone(),
                clock: clock.clone(),
                ready_timeout: config.ready_timeout,
                table,
            }),
        );
    }
    // From here on dropping the context closes what was opened.
    let ctx = Context(Arc::new(Inner {
        config,
        clock,
        log,
        registry,
        store,
        stores,
        entities: registered,
        events: builder.events.clone(),
        flusher: Mutex::new(None),
        lock: Mutex::new(Some(lock)),
    }));
    match run(&ctx, &entities).await {
        Ok(()) => Ok(ctx),
        Err(error) => {
            if let Err(closing) = ctx.shutdown().await {
                tracing::warn!(error = %Chain(&closing), "a context that did not start could not be closed in order");
            }
            Err(error)
        }
    }
}

/// Starts the tables, then waits for them if that is asked for.
async fn run(ctx: &Context, entities: &[Registration]) -> Result<()> {
    for entity in entities {
        let Some(table) = ctx
            .0
            .entities
            .get(&entity.id)
            .and_then(|known| known.table.as_ref())
        else {
            continue;
        };
        let at = |error: Error| error.at(Step::StartTables, Some(entity.model.name));
        // Read once: these are the targets.
        let mut offsets = Vec::new();
        for partition in 0..table.settings.topic.partitions.cast_signed() {
            offsets.push(
                ctx.0
                    .log
                    .offsets(table.topic(), partition)
                    .await
                    .map_err(|error| at(error.into()))?,
            );
        }
        (entity.start)(table, ctx.0.log.clone(), ctx.0.registry.clone(), &offsets)
            .map_err(|error| at(error.into()))?;
    }
    let (store, stores, every) = (
        Arc::clone(&ctx.0.store),
        ctx.0.stores.clone(),
        ctx.0.config.flush_interval,
    );
    let flusher = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(every.max(std::time::Duration::from_millis(1)));
        loop {
            ticks.tick().await;
            let (store, stores) = (Arc::clone(&store), stores.clone());
            let flushed = tokio::task::spawn_blocking(move || store.flush(&stores)).await;
            if let Ok(Err(error)) = flushed {
                tracing::warn!(error = %Chain(&error), "the tables could not be flushed");
            }
        }
    });
    *ctx.0
        .flusher
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner) = Some(flusher);
    if ctx.0.config.wait_for_ready {
        ctx.wait_ready(ctx.0.config.ready_timeout)
            .await
            .map_err(|error| error.at(Step::WaitReady, None))?;
    }
    Ok(())
}

async fn create_topic(
    log: &Log,
    entity: &Registration,
    config: &Config,
) -> Result<TopicDescription, LogError> {
    let operational = Operational::new(entity.model, config);
    tracing::debug!(
        entity = entity.model.name,
        statement = %ksql_schema::ddl::create(entity.model, &operational.as_ddl(config)),
        "generated KSQL"
    );
    let spec = operational.spec(entity.model);
    let created = log.create_topic(&spec).await?;
    let topic = created.topic();
    if created.is_new() {
        tracing::info!(entity = entity.model.name, topic = %topic.name, partitions = topic.partitions, "topic created");
    } else if topic.spec.cleanup != spec.cleanup || topic.spec.retention_ms != spec.retention_ms {
        tracing::warn!(
            entity = entity.model.name,
            topic = %topic.name,
            existing = ?(topic.spec.cleanup, topic.spec.retention_ms),
            defined = ?(spec.cleanup, spec.retention_ms),
            "the topic's settings differ from the definition and are left as they are"
        );
    }
    Ok(topic.clone())
}

/// Registers value and key schema; says their ids, 0 for a key that is no record.
async fn register(
    registry: &Registry,
    entity: &Registration,
    topic: &str,
    config: &Config,
) -> Result<(u32, u32)> {
    let level = config
        .of_entity(entity.model.name)
        .compatibility
        .unwrap_or(config.compatibility);
    let mut ids = [0, 0];
    for (id, (part, schema)) in ids
        .iter_mut()
        .zip([("value", entity.value_schema), ("key", entity.key_schema)])
    {
        if schema.is_empty() {
            continue;
        }
        let subject = subject(entity.model, topic, part);
        if registry.compatibility(Some(&subject)).await? != level {
            registry.set_compatibility(Some(&subject), level).await?;
        }
        *id = registry.register(&subject, schema).await?;
    }
    let [value, key] = ids;
    Ok((value, key))
}

fn subject(model: &ksql_schema::Entity<'_>, topic: &str, part: &str) -> String {
    let namespace = model.namespace.replace("::", ".").replace("r#", "");
    let suffix = if part == "key" { "Key" } else { "" };
    let record = match namespace.as_str() {
        "" => format!("{}{suffix}", model.record_name),
        namespace => format!("{namespace}.{}{suffix}", model.record_name),
    };
    match model.subjects {
        SubjectStrategy::TopicName => format!("{topic}-{part}"),
        SubjectStrategy::RecordName => record,
        SubjectStrategy::TopicRecordName => format!("{topic}-{record}"),
    }
}

async fn blocking<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> Result<R> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(Error::of_task)
}
