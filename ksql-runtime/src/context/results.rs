//! Which topics there are: those of the entities, and those that queries write, one for each window. Of an entity with windows that
//! queries only read, the topics are another program's, in the form in which a query writes them.
//!
//! Invariant: a query comes behind the queries that write what it reads. Pure; called by start and by who shows a plan.

use std::any::TypeId;
use std::borrow::Cow;
use std::sync::Arc;

use ksql_schema::avro;
use ksql_schema::query::{plan, with};

use super::builder::{Registration, ResultTopic};
use super::options::Operational;
use crate::config::Config;
use crate::engine::Runner;

/// The entities that have a topic of their own, and each window of those that queries write. A windowed entity that no query
/// writes or reads has none.
pub(super) fn topics(
    entities: &[Registration],
    queries: &[Arc<dyn Runner>],
    config: &Config,
) -> Vec<Registration> {
    let mut topics = Vec::new();
    for entity in entities {
        if !queries.iter().any(|query| query.output() == entity.id) {
            let read = queries
                .iter()
                .any(|query| query.inputs().contains(&entity.id));
            match entity.model.window.is_none() {
                true => topics.push(entity.clone()),
                false if !read => {}
                false => {
                    let own = Operational::new(entity.model, config).inherited(entity.model.kind);
                    topics.extend(results(entity, own, false, queries));
                }
            }
            continue;
        }
        let maker = maker(queries, entity.id);
        let created = maker.is_some();
        let operation = match maker {
            Some(query) => of_source(entities, queries, first(query), config),
            // What queries only add to is what its own statement says.
            None => Operational::new(entity.model, config).inherited(entity.model.kind),
        };
        topics.extend(results(entity, operation, created, queries));
    }
    topics
}

/// A statement of a query as the configuration makes it, from its constant text; `topics` are those of all entities.
pub(super) fn statement(
    query: &plan::Query<'_>,
    number: usize,
    text: &str,
    topics: &[Registration],
    config: &Config,
) -> String {
    // The one topic of a statement: its windows stand in the order of its sizes.
    let mut written = topics
        .iter()
        .filter(|topic| topic.result.is_some() && topic.model == query.output);
    let operational = written
        .nth(number)
        .map(|topic| Operational::of(topic, config));
    match (operational, query.inputs.first()) {
        (Some(operational), Some(input)) if query.creates() => with::overridden(
            text,
            query.output,
            input.entity,
            &operational.as_ddl(config),
            number,
        ),
        _ => text.to_owned(),
    }
}

/// The topic of a query's results, or one for each window.
fn results(
    entity: &Registration,
    (partitions, retention_ms): (u32, Option<i64>),
    created: bool,
    queries: &[Arc<dyn Runner>],
) -> Vec<Registration> {
    // Whether a query reads the records of a window.
    let read = |window: Option<u64>| {
        let mut queries = queries.iter();
        queries.any(|query| {
            query.inputs().contains(&entity.id)
                && window.is_some()
                && read_window(entity, query.plan().output) == window
        })
    };
    let result = |window| Registration {
        value_schema: Cow::Owned(avro::result_schema(entity.model)),
        result: Some(ResultTopic {
            window,
            partitions,
            retention_ms,
            created,
            read: read(window),
        }),
        ..entity.clone()
    };
    match &entity.model.window {
        None => vec![result(None)],
        Some(window) => window
            .sizes_ms
            .iter()
            .map(|size| result(Some(*size)))
            .collect(),
    }
}

/// The window of an entity that a query reads: that of its output, where the entity has windows.
pub(super) fn read_window(source: &Registration, output: &ksql_schema::Entity<'_>) -> Option<u64> {
    source.model.window?;
    output.window?.sizes_ms.first().copied()
}

/// The query by which an entity is there.
fn maker(queries: &[Arc<dyn Runner>], id: TypeId) -> Option<&dyn Runner> {
    let mut queries = queries.iter().map(|query| &**query);
    queries.find(|query| query.output() == id && query.plan().creates())
}

/// The source whose partitions and retention a query's results take: the first one, which the others are joined to.
fn first(query: &dyn Runner) -> Option<TypeId> {
    query.inputs().first().copied()
}

/// Partitions and retention that a query takes from its source, which may be a result itself.
fn of_source(
    entities: &[Registration],
    queries: &[Arc<dyn Runner>],
    source: Option<TypeId>,
    config: &Config,
) -> (u32, Option<i64>) {
    // From the source up to what no query writes; no longer than there are queries, should they go in a circle.
    let mut way = Vec::new();
    let mut next = source;
    while let Some(id) = next.filter(|_| way.len() <= queries.len()) {
        way.push(id);
        next = maker(queries, id).and_then(first);
    }
    let mut inherited = None;
    for id in way.into_iter().rev() {
        let Some(entity) = entities.iter().find(|entity| entity.id == id) else {
            continue;
        };
        let result = inherited.map(|(partitions, retention_ms)| ResultTopic {
            window: None,
            partitions,
            retention_ms,
            created: true,
            read: false,
        });
        let entity = Registration {
            result,
            ..entity.clone()
        };
        inherited = Some(Operational::of(&entity, config).inherited(entity.model.kind));
    }
    inherited.unwrap_or((1, None))
}

/// The queries, each behind those whose results it reads, and one that adds to a result behind the one that makes it. Those in a
/// circle come last, as they were added.
pub(super) fn in_order(queries: &[Arc<dyn Runner>]) -> Vec<Arc<dyn Runner>> {
    let mut left: Vec<_> = queries.to_vec();
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let outputs: Vec<TypeId> = left.iter().map(|query| query.output()).collect();
        let makers = left.iter().filter(|query| query.plan().creates());
        let made: Vec<TypeId> = makers.map(|query| query.output()).collect();
        let (ready, later): (Vec<_>, Vec<_>) = left.into_iter().partition(|query| {
            let adds = !query.plan().creates() && made.contains(&query.output());
            !adds && !query.inputs().iter().any(|id| outputs.contains(id))
        });
        if ready.is_empty() {
            ordered.extend(later);
            break;
        }
        ordered.extend(ready);
        left = later;
    }
    ordered
}
