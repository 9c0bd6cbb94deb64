//! Entities and queries as one model: what a test, CI and the start of a context check, and the texts it all leads to.
//!
//! Nothing is opened or connected, and no feature is needed: a crate that holds a program's entities checks them in a test
//! of its own. A context's builder holds a model and asks it.

use std::any::TypeId;
use std::fmt;

use ksql_schema::finding::Severity;
use ksql_schema::query::{plan, with};
use ksql_schema::rules::{ModelFinding, parameter_finding, start_order, validate_queries};
use ksql_schema::{avro, ddl};

use crate::entity::Entity;
use crate::query::{
    Aggregate, Explanation, Host, Inputs, IntoQuery, Join, ParameterError, Project, Query, Visit,
    explain,
};

/// The entities and queries of a program.
///
/// ```
/// use ksql_runtime::prelude::*;
///
/// #[derive(Entity)]
/// #[topic("stock")]
/// #[table]
/// struct Stock {
///     #[key]
///     article: String,
///     pieces: i64,
/// }
///
/// let report = Model::new().entity::<Stock>().check()?;
/// assert!(report.contains(Stock::CREATE) && report.contains(Stock::VALUE_SCHEMA));
/// # Ok::<(), ksql_runtime::model::Invalid>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "a model does nothing until it is asked"]
pub struct Model {
    entities: Vec<Known>,
    queries: Vec<Explained>,
}

#[derive(Debug, Clone)]
struct Known {
    id: TypeId,
    entity: &'static ksql_schema::Entity<'static>,
    /// Whether the program added it, not a query.
    by_itself: bool,
}

#[derive(Debug, Clone)]
struct Explained {
    id: TypeId,
    plan: &'static plan::Query<'static>,
    explanation: Explanation<'static>,
    defect: Option<ParameterError>,
}

impl Model {
    /// A model without entities.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an entity. Adding it again changes nothing.
    pub fn entity<T: Entity>(mut self) -> Self {
        self.add::<T>();
        self
    }

    /// Adds a query, what it reads and what it writes. Adding it again with the same parameters changes nothing.
    pub fn query<By>(mut self, query: impl IntoQuery<By>) -> Self {
        self.add_query(&query.into_query());
        self
    }

    /// The same as [`Model::entity`] in place; whether the entity is new.
    pub(crate) fn add<T: Entity>(&mut self) -> bool {
        self.know::<T>(true)
    }

    /// The same as [`Model::query`] in place; whether the query is new.
    pub(crate) fn add_query<Q: Query>(&mut self, query: &Q) -> bool {
        query.clone().accept(Touched(self));
        let explanation = explain::explain(query);
        let id = TypeId::of::<Q>();
        let new = self.queries.iter().all(|known| {
            known.id != id || known.explanation.statements() != explanation.statements()
        });
        if new {
            self.queries.push(Explained {
                id,
                plan: Q::PLAN,
                explanation,
                defect: explain::statements(query).err(),
            });
        }
        new
    }

    fn know<T: Entity>(&mut self, by_itself: bool) -> bool {
        let id = TypeId::of::<T>();
        if let Some(known) = self.entities.iter_mut().find(|known| known.id == id) {
            known.by_itself |= by_itself;
            return false;
        }
        self.entities.push(Known {
            id,
            entity: T::MODEL,
            by_itself,
        });
        true
    }

    /// The entities as data, in the order in which they were added; those that queries read or write are among them.
    pub fn entities(&self) -> impl Iterator<Item = &'static ksql_schema::Entity<'static>> {
        self.entities.iter().map(|known| known.entity)
    }

    /// The queries as data, in the order in which they start: each behind those whose results it reads.
    pub fn queries(&self) -> impl Iterator<Item = &'static plan::Query<'static>> {
        self.started().map(|query| query.plan)
    }

    /// What each query comes to, in the order in which they start.
    pub fn explanations(&self) -> impl Iterator<Item = &Explanation<'static>> {
        self.started().map(|query| &query.explanation)
    }

    /// Queries in the order of start; as they were added where they stand in a circle, which is an error of the model.
    fn started(&self) -> impl Iterator<Item = &Explained> {
        let order = start_order(&self.plans()).unwrap_or((0..self.queries.len()).collect());
        order.into_iter().filter_map(|at| self.queries.get(at))
    }

    fn plans(&self) -> Vec<&'static plan::Query<'static>> {
        self.queries.iter().map(|query| query.plan).collect()
    }

    /// Entities that are there by no query's statement.
    fn sources(&self) -> impl Iterator<Item = &'static ksql_schema::Entity<'static>> {
        let written: Vec<_> = self
            .queries
            .iter()
            .filter(|query| query.plan.creates())
            .map(|query| query.plan.output)
            .collect();
        self.entities()
            .filter(move |entity| written.iter().all(|output| output != entity))
    }

    /// Everything doubtful: about each entity, about several together, such as two with one topic, and about queries, such as
    /// two with one output. Errors and warnings.
    pub fn findings(&self) -> Vec<ModelFinding> {
        let entities: Vec<_> = self.entities().collect();
        let added: Vec<_> = self
            .entities
            .iter()
            .filter(|known| known.by_itself)
            .map(|known| known.entity)
            .collect();
        let mut findings = validate_queries(&entities, &added, &self.plans());
        for query in &self.queries {
            if let Some(defect) = &query.defect {
                findings.push(parameter_finding(query.plan.output, defect.to_string()));
            }
        }
        findings
    }

    /// Refuses a model with errors; says the warnings of one without.
    ///
    /// # Errors
    /// All errors of the model, each with its code, the entities and what to do.
    pub fn validate(&self) -> Result<Vec<ModelFinding>, Invalid> {
        let (errors, warnings): (Vec<_>, Vec<_>) = self
            .findings()
            .into_iter()
            .partition(|finding| finding.severity == Severity::Error);
        if errors.is_empty() {
            Ok(warnings)
        } else {
            Err(Invalid { findings: errors })
        }
    }

    /// The statements of all entities and queries, each ended by `;`, one a line, in an order in which a server takes them.
    ///
    /// # Errors
    /// As [`Model::validate`].
    pub fn ddl(&self) -> Result<String, Invalid> {
        self.validate()?;
        Ok(self.ddl_by(
            |entity| ddl::create(entity, &ddl::Operational::of(entity)),
            |entity, window, size| {
                let maker = self
                    .queries
                    .iter()
                    .find(|query| query.plan.creates() && query.plan.output == entity);
                let source = maker.and_then(|query| query.plan.inputs.first());
                let operational = source.map_or(ddl::Operational::of(entity), |input| {
                    with::operational(entity, input.entity)
                });
                ddl::create_stream_of_window(entity, &operational, window, size)
            },
            |_, _, text| text.to_owned(),
        ))
    }

    /// The statements with operational values from elsewhere, without a check: of an entity, of the stream over a window's topic that
    /// a query reads, and of a query with the statement's number.
    pub(crate) fn ddl_by(
        &self,
        create: impl Fn(&ksql_schema::Entity<'_>) -> String,
        read: impl Fn(&ksql_schema::Entity<'_>, &ksql_schema::model::Window<'_>, u64) -> String,
        made: impl Fn(&plan::Query<'_>, usize, &str) -> String,
    ) -> String {
        let mut out = String::new();
        for entity in self.sources() {
            out.push_str(&create(entity));
            out.push('\n');
        }
        let mut streams: Vec<String> = Vec::new();
        for query in self.started() {
            let size = query
                .plan
                .output
                .window
                .and_then(|window| window.sizes_ms.first());
            for input in query.plan.inputs {
                let (Some(window), Some(size)) = (&input.entity.window, size) else {
                    continue;
                };
                let stream = read(input.entity, window, *size);
                if !streams.contains(&stream) {
                    out.push_str(&stream);
                    out.push('\n');
                    streams.push(stream);
                }
            }
            for (at, statement) in query.explanation.statements().iter().enumerate() {
                out.push_str(&made(query.plan, at, statement));
                out.push('\n');
            }
        }
        out
    }

    /// The Avro schemas of every entity, key schemas first where keys are records, one a line; for what queries write those
    /// that ksqlDB registers.
    ///
    /// # Errors
    /// As [`Model::validate`].
    pub fn avro(&self) -> Result<String, Invalid> {
        self.validate()?;
        let sources = self
            .sources()
            .flat_map(|entity| [avro::key_schema(entity), avro::value_schema(entity)])
            .filter(|schema| !schema.is_empty());
        let queries = self.explanations().flat_map(|query| {
            let mut schemas: Vec<String> = Vec::new();
            // The windows of one output have one schema.
            for (_, schema) in query.schemas() {
                if !schemas.contains(&schema) {
                    schemas.push(schema);
                }
            }
            schemas
        });
        Ok(sources.chain(queries).map(|schema| schema + "\n").collect())
    }

    /// Checks the whole model and says all it leads to: warnings, every statement and schema with the entity's name, and
    /// every query with what it decides.
    ///
    /// # Errors
    /// As [`Model::validate`].
    pub fn check(&self) -> Result<String, Invalid> {
        let mut report: String = self
            .validate()?
            .iter()
            .map(|warning| format!("-- warning: {warning}\n"))
            .collect();
        for entity in self.sources() {
            let create = ddl::create(entity, &ddl::Operational::of(entity));
            report.push_str(&format!("-- {}\n{create}\n", entity.name));
            for (part, schema) in [
                ("key", avro::key_schema(entity)),
                ("value", avro::value_schema(entity)),
            ] {
                if !schema.is_empty() {
                    report.push_str(&format!(
                        "-- {}, Avro schema of the {part}\n{schema}\n",
                        entity.name
                    ));
                }
            }
        }
        for query in self.started() {
            let explanation = &query.explanation;
            report.push_str(&format!(
                "-- {} by the query {}, {}\n",
                query.plan.output.name,
                query.plan.name,
                explanation.decision()
            ));
            for statement in explanation.statements() {
                report.push_str(&format!("{statement}\n"));
            }
            for (subject, schema) in explanation.schemas() {
                report.push_str(&format!("-- {subject}, Avro schema\n{schema}\n"));
            }
        }
        Ok(report)
    }
}

/// Learns what a query reads and writes.
struct Touched<'m>(&'m mut Model);

impl Host for Touched<'_> {
    type Made = ();

    fn project<E: Entity, Q: Project<Input = E>>(self, _query: Q) {
        self.0.know::<E>(false);
        self.0.know::<Q::Output>(false);
    }

    fn aggregate<E: Entity, Q: Aggregate<Input = E>>(self, _query: Q) {
        self.0.know::<E>(false);
        self.0.know::<Q::Output>(false);
    }

    fn joined_project<Q: Project<Input = <Q as Join>::Inputs> + Join>(mut self, _query: Q) {
        Q::Inputs::visit(&mut self);
        self.0.know::<Q::Output>(false);
    }

    fn joined_aggregate<Q: Aggregate<Input = <Q as Join>::Inputs> + Join>(mut self, _query: Q) {
        Q::Inputs::visit(&mut self);
        self.0.know::<Q::Output>(false);
    }
}

impl Visit for Touched<'_> {
    fn input<T: Entity>(&mut self) {
        self.0.know::<T>(false);
    }
}

/// Definitions that do not go together.
///
/// `Debug` is the text too: it is what a test that fails with this error shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Invalid {
    findings: Vec<ModelFinding>,
}

impl Invalid {
    /// Everything found.
    pub fn findings(&self) -> &[ModelFinding] {
        &self.findings
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the model is not valid:")?;
        let between = if self.findings.len() > 1 { "\n  " } else { " " };
        self.findings
            .iter()
            .try_for_each(|finding| write!(formatter, "{between}{finding}"))
    }
}

impl fmt::Debug for Invalid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl std::error::Error for Invalid {}
