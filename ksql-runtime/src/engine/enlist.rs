//! From a query's type to a runner without it: where the shape of a query decides how it runs.

use std::any::TypeId;
use std::sync::Arc;

use ksql_schema::query::plan;

use super::aggregate::Aggregating;
use super::project::Projecting;
use super::{Runner, Site};
use crate::context::ContextBuilder;
use crate::entity::Entity;
use crate::log::Offsets;
use crate::query::{Aggregate, Host, ParameterError, Project, Query};
use crate::state::{StateError, Table};

/// Grows when the engine computes something else from the same text, so that results are made anew.
const VERSION: &str = "2";

/// Adds a query with its entities to a builder.
pub(crate) fn enlist<Q: Query>(builder: ContextBuilder, query: Q) -> ContextBuilder {
    query.accept(Enlisting(builder))
}

struct Enlisting(ContextBuilder);

impl Host for Enlisting {
    type Made = ContextBuilder;

    fn project<Q: Project>(self, query: Q) -> ContextBuilder {
        self.0
            .register::<Q::Input>()
            .register::<Q::Output>()
            .runner(Arc::new(Projection(query)))
    }

    fn aggregate<Q: Aggregate>(self, query: Q) -> ContextBuilder {
        self.0
            .register::<Q::Input>()
            .register::<Q::Output>()
            .runner(Arc::new(Aggregation(query)))
    }
}

#[derive(Debug)]
struct Projection<Q>(Q);

#[derive(Debug)]
struct Aggregation<Q>(Q);

impl<Q: Project> Runner for Projection<Q> {
    fn plan(&self) -> &'static plan::Query<'static> {
        Q::PLAN
    }

    fn input(&self) -> TypeId {
        TypeId::of::<Q::Input>()
    }

    fn output(&self) -> TypeId {
        TypeId::of::<Q::Output>()
    }

    fn shape(&self) -> Result<u64, ParameterError> {
        shape::<Q>(&self.0, Q::Input::FINGERPRINT)
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

impl<Q: Aggregate> Runner for Aggregation<Q> {
    fn plan(&self) -> &'static plan::Query<'static> {
        Q::PLAN
    }

    fn input(&self) -> TypeId {
        TypeId::of::<Q::Input>()
    }

    fn output(&self) -> TypeId {
        TypeId::of::<Q::Output>()
    }

    fn shape(&self) -> Result<u64, ParameterError> {
        shape::<Q>(&self.0, Q::Input::FINGERPRINT)
    }

    fn start(&self, table: &Arc<Table>, site: Site, offsets: &[Offsets]) -> Result<(), StateError> {
        let query = self.0.clone();
        table.start_work(
            site.shape,
            site.log.clone(),
            offsets,
            move |table, runtime| Aggregating::new(query, table, site, runtime),
        )
    }
}

fn shape<Q: Query>(query: &Q, input: u64) -> Result<u64, ParameterError> {
    let fingerprints = format!("{input:x} {:x} {VERSION}", Q::Output::FINGERPRINT);
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
