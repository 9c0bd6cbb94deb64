//! From a query's type to a runner without it: where the shape of a query decides how it runs.

use std::any::TypeId;
use std::sync::Arc;

use ksql_schema::query::plan;

use super::aggregate::Grouping;
use super::join::{self, Joining};
use super::project::Projecting;
use super::{Runner, Site};
use crate::context::ContextBuilder;
use crate::entity::Entity;
use crate::log::Offsets;
#[cfg(feature = "kafka")]
use crate::query::explain;
use crate::query::{Aggregate, Host, Inputs, Join, ParameterError, Project, Query, Visit};
use crate::state::{StateError, Table};

/// Grows when the engine computes something else from the same text, so that results are made anew.
const VERSION: &str = "3";

/// Adds a query with its entities to a builder.
pub(crate) fn enlist<Q: Query>(builder: ContextBuilder, query: Q) -> ContextBuilder {
    query.accept(Enlisting(builder))
}

struct Enlisting(ContextBuilder);

impl Host for Enlisting {
    type Made = ContextBuilder;

    fn project<E: Entity, Q: Project<Input = E>>(self, query: Q) -> ContextBuilder {
        self.0
            .register::<E>()
            .register::<Q::Output>()
            .runner(Arc::new(Projection(query)))
    }

    fn aggregate<E: Entity, Q: Aggregate<Input = E>>(self, query: Q) -> ContextBuilder {
        self.0
            .register::<E>()
            .register::<Q::Output>()
            .runner(Arc::new(Aggregation(query)))
    }

    fn joined_project<Q: Project<Input = <Q as Join>::Inputs> + Join>(
        self,
        query: Q,
    ) -> ContextBuilder {
        let (builder, sources) = sources::<Q>(self.0);
        builder
            .register::<Q::Output>()
            .runner(Arc::new(JoinedProjection { query, sources }))
    }

    fn joined_aggregate<Q: Aggregate<Input = <Q as Join>::Inputs> + Join>(
        self,
        query: Q,
    ) -> ContextBuilder {
        let (builder, sources) = sources::<Q>(self.0);
        builder
            .register::<Q::Output>()
            .runner(Arc::new(JoinedAggregation { query, sources }))
    }
}

/// What a join reads.
#[derive(Debug)]
struct Sources {
    ids: Vec<TypeId>,
    fingerprints: Vec<u64>,
}

/// Adds what a join reads to a builder.
fn sources<Q: Join>(builder: ContextBuilder) -> (ContextBuilder, Sources) {
    let sources = Sources {
        ids: Vec::new(),
        fingerprints: Vec::new(),
    };
    let mut registering = Registering { builder, sources };
    Q::Inputs::visit(&mut registering);
    (registering.builder, registering.sources)
}

/// Adds what a join reads, as it is shown.
struct Registering {
    builder: ContextBuilder,
    sources: Sources,
}

impl Visit for Registering {
    fn input<T: Entity>(&mut self) {
        self.builder = std::mem::take(&mut self.builder).register::<T>();
        self.sources.ids.push(TypeId::of::<T>());
        self.sources.fingerprints.push(T::FINGERPRINT);
    }
}

#[derive(Debug)]
struct Projection<Q>(Q);

#[derive(Debug)]
struct JoinedProjection<Q> {
    query: Q,
    sources: Sources,
}

#[derive(Debug)]
struct JoinedAggregation<Q> {
    query: Q,
    sources: Sources,
}

#[derive(Debug)]
struct Aggregation<Q>(Q);

impl<E: Entity, Q: Project<Input = E>> Runner for Projection<Q> {
    fn plan(&self) -> &'static plan::Query<'static> {
        Q::PLAN
    }

    fn inputs(&self) -> Vec<TypeId> {
        vec![TypeId::of::<E>()]
    }

    fn output(&self) -> TypeId {
        TypeId::of::<Q::Output>()
    }

    fn shape(&self) -> Result<u64, ParameterError> {
        shape::<Q>(&self.0, &[E::FINGERPRINT])
    }

    #[cfg(feature = "kafka")]
    fn statements(&self) -> Result<Vec<String>, ParameterError> {
        explain::statements(&self.0)
    }

    fn start(&self, table: &Arc<Table>, site: Site, offsets: &[Offsets]) -> Result<(), StateError> {
        let query = self.0.clone();
        table.start_work(
            site.shape,
            site.log.clone(),
            offsets,
            move |table, runtime| Projecting::new(query, table, site, runtime),
        )
    }
}

impl<E: Entity, Q: Aggregate<Input = E>> Runner for Aggregation<Q> {
    fn plan(&self) -> &'static plan::Query<'static> {
        Q::PLAN
    }

    fn inputs(&self) -> Vec<TypeId> {
        vec![TypeId::of::<E>()]
    }

    fn output(&self) -> TypeId {
        TypeId::of::<Q::Output>()
    }

    fn shape(&self) -> Result<u64, ParameterError> {
        shape::<Q>(&self.0, &[E::FINGERPRINT])
    }

    #[cfg(feature = "kafka")]
    fn statements(&self) -> Result<Vec<String>, ParameterError> {
        explain::statements(&self.0)
    }

    fn start(&self, table: &Arc<Table>, site: Site, offsets: &[Offsets]) -> Result<(), StateError> {
        let query = self.0.clone();
        table.start_work(
            site.shape,
            site.log.clone(),
            offsets,
            move |table, runtime| Grouping::start(query, table, site, runtime),
        )
    }
}

impl<Q: Project<Input = <Q as Join>::Inputs> + Join> Runner for JoinedProjection<Q> {
    fn plan(&self) -> &'static plan::Query<'static> {
        Q::PLAN
    }

    fn inputs(&self) -> Vec<TypeId> {
        self.sources.ids.clone()
    }

    fn output(&self) -> TypeId {
        TypeId::of::<Q::Output>()
    }

    fn refusal(&self) -> Option<String> {
        join::refusal(Q::PLAN)
    }

    fn shape(&self) -> Result<u64, ParameterError> {
        shape(&self.query, &self.sources.fingerprints)
    }

    #[cfg(feature = "kafka")]
    fn statements(&self) -> Result<Vec<String>, ParameterError> {
        explain::statements(&self.query)
    }

    fn start(&self, table: &Arc<Table>, site: Site, offsets: &[Offsets]) -> Result<(), StateError> {
        let query = self.query.clone();
        table.start_work(
            site.shape,
            site.log.clone(),
            offsets,
            move |table, runtime| Joining::projecting(query, table, site, runtime),
        )
    }
}

impl<Q: Aggregate<Input = <Q as Join>::Inputs> + Join> Runner for JoinedAggregation<Q> {
    fn plan(&self) -> &'static plan::Query<'static> {
        Q::PLAN
    }

    fn inputs(&self) -> Vec<TypeId> {
        self.sources.ids.clone()
    }

    fn output(&self) -> TypeId {
        TypeId::of::<Q::Output>()
    }

    fn refusal(&self) -> Option<String> {
        join::refusal(Q::PLAN)
    }

    fn shape(&self) -> Result<u64, ParameterError> {
        shape(&self.query, &self.sources.fingerprints)
    }

    #[cfg(feature = "kafka")]
    fn statements(&self) -> Result<Vec<String>, ParameterError> {
        explain::statements(&self.query)
    }

    fn start(&self, table: &Arc<Table>, site: Site, offsets: &[Offsets]) -> Result<(), StateError> {
        let query = self.query.clone();
        table.start_work(
            site.shape,
            site.log.clone(),
            offsets,
            move |table, runtime| Joining::aggregating(query, table, site, runtime),
        )
    }
}

fn shape<Q: Query>(query: &Q, inputs: &[u64]) -> Result<u64, ParameterError> {
    let mut fingerprints = String::new();
    for input in inputs {
        fingerprints.push_str(&format!("{input:x} "));
    }
    fingerprints.push_str(&format!("{:x} {VERSION}", Q::Output::FINGERPRINT));
    let parameters = query.parameters()?;
    let texts: Vec<&str> = [fingerprints.as_str()]
        .into_iter()
        .chain(Q::KSQL.iter().copied())
        .chain(
            parameters
                .iter()
                .flat_map(|(name, literal)| [*name, literal.as_str()]),
        )
        .collect();
    Ok(ksql_schema::fingerprint::of_all(&texts))
}
