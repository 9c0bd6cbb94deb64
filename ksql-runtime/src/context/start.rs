//! Start, step by step. Every step is idempotent, so a start after a crash in any of them ends in the same state.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use ksql_schema::model::Kind;
use tracing::Instrument;

use super::builder::Registration;
use super::home::Home;
use super::needs::{self, Needs};
use super::plan::Plan;
#[cfg(feature = "kafka")]
use super::remote::Remote;
use super::services::Services;
use super::{
    Context, ContextBuilder, Inner, Registered, Running, copartition, inspect, options, results,
    services,
};
use crate::clock::Clock;
use crate::config::{Config, Engine};
use crate::consume::Consumers;
use crate::directory::DirectoryLock;
use crate::dlq::DeadLetters;
use crate::engine::{Duty, Runner, Site, Target};
use crate::error::{Chain, Error, Result, Step};
use crate::log::{Log, LogError, TopicDescription};
use crate::operation::Operation;
#[cfg(feature = "http")]
use crate::operation::server::Port;
use crate::set::Results;
use crate::state::{Expiry, Store, Table};

pub(super) async fn start(builder: ContextBuilder) -> Result<Context> {
    builder.refuse_invalid()?;
    let config = builder.configuration()?;
    let span = tracing::info_span!("start", application = %config.application_id);
    async {
        config.log_doubtful();
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

/// What start would do.
pub(super) async fn plan(builder: &ContextBuilder) -> Result<Plan> {
    builder.refuse_invalid()?;
    let config = builder.configuration()?;
    let entities = results::topics(&builder.entities, &builder.queries, &config);
    if config.cluster.bootstrap.is_none() && !config.state_dir.join("log").exists() {
        return Ok(inspect::plan_from_nothing(&entities, &config));
    }
    // A cluster's log is nobody's directory: a plan can be made beside a program that runs.
    let lock = match config.cluster.bootstrap {
        Some(_) => None,
        None => Some(own(&config).await?),
    };
    let services =
        services::open(&config, &builder.clock, &entities, builder.queries.len()).await?;
    let plan = inspect::plan(&services, &entities, &builder.queries, &config).await;
    services.log.close().await?;
    drop(lock);
    plan
}

/// Takes the directory: whichever log it is, the tables have one owner.
pub(super) async fn own(config: &Config) -> Result<DirectoryLock> {
    let directory = config.state_dir.clone();
    blocking(move || DirectoryLock::acquire(&directory))
        .await?
        .map_err(|error| Error::from(LogError::from(error)).at(Step::TakeDirectory, None))
}

async fn open(builder: &ContextBuilder, config: Config) -> Result<Context> {
    let clock = builder.clock.clone();
    let at = |step: Step| move |error: Error| error.at(step, None);
    // Taken first and given back last.
    let lock = own(&config).await?;
    #[cfg(feature = "http")]
    let port = Port::take(&config)?;
    let entities = results::topics(&builder.entities, &builder.queries, &config);
    let mut queries = results::in_order(&builder.queries);
    let mut names = HashSet::new();
    for query in &queries {
        if !names.insert(query.plan().name) {
            return Err(Error::Query {
                query: query.plan().name,
                reason: "there are two of this name: give one another name".to_owned(),
            });
        }
    }
    if config.cluster.engine == Engine::KsqlDb {
        // ksqlDB runs them; here is nothing of them.
        queries.clear();
    }
    let services = services::open(&config, &clock, &entities, queries.len()).await?;
    let home = Home::of(&services.log)
        .await
        .map_err(|error| at(Step::ReachKafka)(error.into()))?;
    home.tell_of_others(&config.state_dir);
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
        .map(|(entity, _)| options::store_name(entity))
        .chain(
            queries
                .iter()
                .map(|query| options::query_store_name(query.plan().name)),
        )
        .collect();
    // While servers answer, the state is opened: neither asks for the other.
    let expiring: HashMap<String, Arc<Expiry>> = entities
        .iter()
        .filter_map(|entity| {
            let expiry = options::expiry(entity, &config)?;
            Some((options::store_name(entity), Arc::new(expiry)))
        })
        .collect();
    let options = options::stores(&config, &home, &expiring);
    let names = stores.clone();
    let opening = tokio::spawn(blocking(move || Store::open(&options, &names)));
    let needs = fulfil(&services, &entities, &builder.queries, &config, &clock).await;
    // Whatever the servers answered: nobody else can open it before this is done.
    let store = opening.await.map_err(Error::of_task)??;
    let Needs {
        topics,
        schemas,
        owner,
        #[cfg(feature = "kafka")]
            made: remote,
        ..
    } = needs?;
    let store = Arc::new(store.map_err(|error| at(Step::OpenState)(error.into()))?);

    let results = Arc::new(Results::new(config.cached_results));
    let dead_letters = DeadLetters::new(
        services.log.clone(),
        options::dead_letters(&config),
        clock.clone(),
        &config.application_id,
        builder.dead_letters.clone(),
    );
    let application: Arc<str> = Arc::from(config.application_id.as_str());
    let consumers = Arc::new(Consumers::new(
        &config.application_id,
        &services.registry,
        dead_letters.clone(),
    ));
    let mut registered = HashMap::new();
    for (((entity, topic), ids), kept) in entities.iter().zip(&topics).zip(&schemas).zip(&tables) {
        let (value_schema, key_schema) = *ids;
        let table = kept.then(|| {
            Arc::new(Table::new(
                entity.model.name,
                options::table(
                    entity,
                    topic,
                    *ids,
                    &config,
                    stores.len(),
                    expiring.get(&options::store_name(entity)).cloned(),
                ),
                Arc::clone(&store),
                builder.events.clone(),
            ))
        });
        registered.insert(
            (entity.id, entity.result.and_then(|result| result.window)),
            Arc::new(Registered {
                topic: topic.name.to_string(),
                partitions: topic.partitions,
                value_schema,
                own_form: options::own_form(entity, value_schema),
                key_schema,
                window: options::window_size(entity),
                label: options::label(entity),
                result: entity.result.is_some(),
                log: services.log.clone(),
                clock: clock.clone(),
                ready_timeout: config.ready_timeout,
                table,
                results: Arc::clone(&results),
                consumers: Arc::clone(&consumers),
                consume_from: options::consume_from(entity, &config),
                dead_letters: dead_letters.clone(),
                application: Arc::clone(&application),
            }),
        );
    }
    let duty = match owner {
        Some(topic) => {
            duty(&services.log, &topic).map_err(|error| at(Step::StartQueries)(error.into()))?
        }
        None => None,
    };
    let made: Vec<_> = entities.iter().zip(&topics).zip(&schemas).collect();
    let mut running = Vec::new();
    for query in queries {
        let name = query.plan().name;
        let failed = |reason: String| Error::Query {
            query: name,
            reason,
        };
        if let Some(reason) = query.refusal() {
            return Err(failed(reason));
        }
        let mut sources = Vec::new();
        for input in query.inputs() {
            let source = made.iter().find(|((entity, _), _)| {
                let window = entity.result.and_then(|result| result.window);
                entity.id == input && window == results::read_window(entity, query.plan().output)
            });
            sources.push(
                source
                    .ok_or_else(|| failed("it reads no window that its output has".to_owned()))?,
            );
        }
        let read: Vec<&TopicDescription> = sources.iter().map(|((_, topic), _)| *topic).collect();
        copartition::check(query.plan(), &read).map_err(failed)?;
        let Some((((source, topic), ids), joined)) = sources.split_first() else {
            return Err(failed("a query reads at least one entity".to_owned()));
        };
        let mut settings = options::query(name, source, topic, **ids, &config, stores.len());
        settings.joined = joined
            .iter()
            .map(|((_, topic), _)| (*topic).clone())
            .collect();
        let forms = sources
            .iter()
            .map(|((entity, _), (value, key))| (options::own_form(entity, *value), *key))
            .collect();
        let targets = made
            .iter()
            .filter(|((entity, _), _)| entity.id == query.output())
            .map(|((entity, topic), (value_schema, key_schema))| Target {
                topic: topic.name.to_string(),
                partitions: topic.partitions,
                value_schema: *value_schema,
                key_schema: *key_schema,
                record_key: entity.model.key_columns() > 1,
            })
            .collect();
        let site = Site {
            log: services.log.clone(),
            registry: services.registry.clone(),
            clock: clock.clone(),
            targets,
            forms,
            emit: builder.emit,
            duty: duty.clone(),
            shape: query.shape().map_err(|error| failed(error.to_string()))?,
        };
        let table = Table::new(name, settings, Arc::clone(&store), builder.events.clone());
        // Until the election says otherwise.
        table.set_behind(site.duty.as_ref().map(|_| 0));
        running.push(Running {
            table: Arc::new(table),
            runner: query,
            site,
        });
    }
    let key_forms = Arc::new(options::key_forms(&entities, &config));
    // Both are in the order in which queries were added.
    let names = builder.queries.iter().map(|query| query.plan().name);
    let explanations = names.zip(builder.explanations().cloned()).collect();
    #[cfg(feature = "kafka")]
    let remote = services
        .ksqldb
        .as_ref()
        .filter(|_| !remote.is_empty())
        .map(|ksqldb| {
            Remote::watch(
                &remote,
                ksqldb.clone(),
                services.log.clone(),
                config.cluster.watch_interval,
                builder.events.clone(),
            )
        });
    // From here on dropping the context closes what was opened.
    let ctx = Context(Arc::new(Inner {
        config,
        clock,
        services,
        store,
        stores,
        entities: registered,
        queries: running,
        defined: builder.queries.clone(),
        #[cfg(feature = "kafka")]
        remote,
        ownership: duty.map(|duty| duty.ownership),
        registrations: entities.clone(),
        dead_letters,
        key_forms,
        operation: Operation::new(explanations),
        events: builder.events.clone(),
        consumers,
        flusher: Mutex::new(None),
        lock: Mutex::new(Some(lock)),
    }));
    // Before the tables start, so that it is seen how they restore.
    #[cfg(feature = "http")]
    if let Some(port) = port {
        ctx.0
            .operation
            .keep_server(port.serve(Arc::downgrade(&ctx.0))?);
    }
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

/// Stands for election where a cluster has one.
#[cfg_attr(
    not(feature = "kafka"),
    allow(unused_variables, reason = "only a cluster has elections")
)]
fn duty(log: &Log, topic: &TopicDescription) -> std::result::Result<Option<Duty>, LogError> {
    match log {
        Log::Embedded(_) => Ok(None),
        #[cfg(feature = "kafka")]
        Log::Kafka(log) => Ok(Some(Duty {
            ownership: crate::log::Ownership::stand(log, &topic.name)?,
            topic: topic.id,
        })),
    }
}

/// Everything the servers must have.
async fn fulfil(
    services: &Services,
    entities: &[Registration],
    queries: &[Arc<dyn Runner>],
    config: &Config,
    clock: &Clock,
) -> Result<Needs> {
    #[cfg_attr(
        not(feature = "kafka"),
        allow(unused_mut, reason = "only ksqlDB is told afterwards")
    )]
    let mut needs = needs::fulfil(services, entities, queries, config).await?;
    #[cfg(feature = "kafka")]
    needs
        .tell_ksqldb(services, entities, config, clock.now_ms())
        .await?;
    #[cfg(not(feature = "kafka"))]
    let _ = clock;
    Ok(needs)
}

/// Starts the tables, then waits for them if that is asked for.
async fn run(ctx: &Context, entities: &[Registration]) -> Result<()> {
    for entity in entities {
        let Some(table) = ctx
            .0
            .entities
            .get(&(entity.id, entity.result.and_then(|result| result.window)))
            .and_then(|known| known.table.as_ref())
        else {
            continue;
        };
        let at = |error: Error| error.at(Step::StartTables, Some(entity.model.name));
        // Read once: these are the targets.
        let offsets = ctx.0.services.log.all_offsets(table.topic()).await;
        let mut offsets = offsets.map_err(|error| at(error.into()))?;
        // Partitions added in this moment are met by the table itself, and refused there.
        offsets.truncate(table.settings.topic.partitions as usize);
        (entity.start)(
            table,
            ctx.0.services.log.clone(),
            ctx.0.services.registry.clone(),
            &offsets,
        )
        .map_err(|error| at(error.into()))?;
    }
    for query in &ctx.0.queries {
        let name = query.table.entity;
        let at = |error: Error| error.at(Step::StartQueries, Some(name));
        let topics = query.table.topics();
        let offsets = topics
            .offsets(&ctx.0.services.log)
            .await
            .map_err(|(_, error)| at(error.into()))?;
        // On a cluster it first reads what owners have noted.
        query.table.set_following(ctx.0.services.log.is_shared());
        query
            .runner
            .start(&query.table, query.site.clone(), &offsets)
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
        if let Some(ownership) = &ctx.0.ownership {
            // Whoever is ready knows whether he writes results. That it takes too long is no reason not to go on.
            let limit = ctx.0.config.ready_timeout;
            if let Ok(settled) = tokio::time::timeout(limit, ownership.settled()).await {
                settled.map_err(|error| Error::from(error).at(Step::StartQueries, None))?;
            }
        }
        ctx.wait_ready(ctx.0.config.ready_timeout)
            .await
            .map_err(|error| error.at(Step::WaitReady, None))?;
    }
    Ok(())
}

async fn blocking<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> Result<R> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(Error::of_task)
}
