//! Several entities as one model: what a test, CI and the start of a context check, and the texts it all leads to.
//!
//! Nothing is opened or connected, and no feature is needed: a crate that holds a program's entities checks them in a test
//! of its own. A context's builder holds a model and asks it.

use std::any::TypeId;
use std::fmt;

use ksql_schema::finding::Severity;
use ksql_schema::rules::{ModelFinding, validate_model};
use ksql_schema::{avro, ddl};

use crate::entity::Entity;

/// The entities of a program.
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
    entities: Vec<(TypeId, &'static ksql_schema::Entity<'static>)>,
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

    /// The same in place; whether the entity is new.
    pub(crate) fn add<T: Entity>(&mut self) -> bool {
        let id = TypeId::of::<T>();
        let new = self.entities.iter().all(|(known, _)| *known != id);
        if new {
            self.entities.push((id, T::MODEL));
        }
        new
    }

    /// The entities as data, in the order in which they were added.
    pub fn entities(&self) -> impl Iterator<Item = &'static ksql_schema::Entity<'static>> {
        self.entities.iter().map(|(_, entity)| *entity)
    }

    /// Everything doubtful: about each entity, and about several together, such as two with one topic. Errors and warnings.
    pub fn findings(&self) -> Vec<ModelFinding> {
        let entities: Vec<_> = self.entities().collect();
        validate_model(&entities)
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

    /// The `CREATE` statement of every entity, each ended by `;`, one a line.
    ///
    /// # Errors
    /// As [`Model::validate`].
    pub fn ddl(&self) -> Result<String, Invalid> {
        self.validate()?;
        Ok(self.ddl_by(|entity| ddl::create(entity, &ddl::Operational::of(entity))))
    }

    /// The statements with operational values from elsewhere, without a check.
    pub(crate) fn ddl_by(&self, create: impl Fn(&ksql_schema::Entity<'_>) -> String) -> String {
        self.entities()
            .map(|entity| create(entity) + "\n")
            .collect()
    }

    /// The Avro schemas of every entity, key schemas first where keys are records, one a line.
    ///
    /// # Errors
    /// As [`Model::validate`].
    pub fn avro(&self) -> Result<String, Invalid> {
        self.validate()?;
        Ok(self
            .entities()
            .flat_map(|entity| [avro::key_schema(entity), avro::value_schema(entity)])
            .filter(|schema| !schema.is_empty())
            .map(|schema| schema + "\n")
            .collect())
    }

    /// Checks the whole model and says all it leads to: warnings, and every statement and schema with the entity's name.
    ///
    /// # Errors
    /// As [`Model::validate`].
    pub fn check(&self) -> Result<String, Invalid> {
        let mut report: String = self
            .validate()?
            .iter()
            .map(|warning| format!("-- warning: {warning}\n"))
            .collect();
        for entity in self.entities() {
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
        Ok(report)
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
