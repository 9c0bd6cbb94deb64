//! What a `CREATE` statement defines, and how it compares with what the server has.
//!
//! `IF NOT EXISTS` compares nothing but the name - not even the kind. So the server is asked first, everything is compared,
//! and a statement is sent only where there is nothing of that name.

use std::collections::BTreeMap;

use ksql_schema::ddl::{Operational, create};
use ksql_schema::names::quoted;

use super::client::KsqlDb;
use super::describe::SourceDescription;
use super::drift::{Difference, Ensured, Remedy};
use super::error::KsqlDbError;
use super::sql_type::SchemaColumn;
use super::statement::{Effect, SourceKind, Statement};
use crate::entity::Entity;

/// A stream or table as a program defines it.
#[derive(Debug, Clone)]
pub struct SourceDefinition {
    statement: Statement,
    name: String,
    kind: SourceKind,
    columns: Vec<SchemaColumn>,
    properties: BTreeMap<String, String>,
}

/// Properties whose value the server keeps only in the text of the statement.
const IN_THE_STATEMENT: [&str; 5] = [
    "TIMESTAMP_FORMAT",
    "KEY_SCHEMA_FULL_NAME",
    "VALUE_SCHEMA_FULL_NAME",
    "WINDOW_SIZE",
    "WRAP_SINGLE_VALUE",
];

impl SourceDefinition {
    /// What an entity's statement defines; several sources where it has several windows.
    ///
    /// # Errors
    /// Where the entity's own statement cannot be read, which is a defect of this crate.
    pub fn of<T: Entity>() -> Result<Vec<SourceDefinition>, KsqlDbError> {
        SourceDefinition::read_all(T::CREATE)
    }

    /// The same with operational values from a configuration.
    ///
    /// # Errors
    /// As [`SourceDefinition::of`].
    pub fn of_model(
        model: &ksql_schema::Entity<'_>,
        operational: &Operational<'_>,
    ) -> Result<Vec<SourceDefinition>, KsqlDbError> {
        SourceDefinition::read_all(&create(model, operational))
    }

    fn read_all(text: &str) -> Result<Vec<SourceDefinition>, KsqlDbError> {
        Statement::split(text)?
            .into_iter()
            .map(SourceDefinition::new)
            .collect()
    }

    /// What a `CREATE STREAM` or `CREATE TABLE` with columns defines.
    ///
    /// # Errors
    /// Where the text is no such statement.
    pub fn parse(statement: &str) -> Result<SourceDefinition, KsqlDbError> {
        SourceDefinition::new(Statement::parse(statement)?)
    }

    fn new(statement: Statement) -> Result<SourceDefinition, KsqlDbError> {
        let refuse = |reason: String| KsqlDbError::Statement {
            statement: statement.text().to_owned(),
            reason,
        };
        let Effect::Create { name, kind, .. } = statement.effect().clone() else {
            return Err(refuse("it creates no source with columns".to_owned()));
        };
        let (columns, properties) = statement.definition().map_err(refuse)?;
        Ok(SourceDefinition {
            statement,
            name,
            kind,
            columns,
            properties,
        })
    }

    /// The source's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The statement.
    pub fn statement(&self) -> &str {
        self.statement.text()
    }

    /// Every difference between the definition and what the server has.
    pub fn compare(&self, found: &SourceDescription) -> Vec<Difference> {
        if !found.kind.eq_ignore_ascii_case(&self.kind.to_string()) {
            // Nothing else can be compared between a stream and a table.
            return vec![Difference::Kind {
                expected: self.kind,
                found: found.kind.clone(),
            }];
        }
        let mut differences = Vec::new();
        let mut property = |name: &'static str, found: &str| {
            if let Some(expected) = self.properties.get(name)
                && !expected.eq_ignore_ascii_case(found)
            {
                differences.push(Difference::Property {
                    name,
                    expected: Some(expected.clone()),
                    found: Some(found.to_owned()).filter(|found| !found.is_empty()),
                });
            }
        };
        property("KEY_FORMAT", &found.key_format);
        property("VALUE_FORMAT", &found.value_format);
        property(
            "WINDOW_TYPE",
            found.window_type.as_deref().unwrap_or_default(),
        );
        self.compare_topic(found, &mut differences);
        self.compare_columns(found, &mut differences);
        self.compare_statement(found, &mut differences);
        differences
    }

    fn compare_topic(&self, found: &SourceDescription, differences: &mut Vec<Difference>) {
        // Topics are told apart by case, unlike formats.
        if let Some(expected) = self.properties.get("KAFKA_TOPIC")
            && *expected != found.topic
        {
            differences.push(Difference::Property {
                name: "KAFKA_TOPIC",
                expected: Some(expected.clone()),
                found: Some(found.topic.clone()),
            });
        }
        if let Some(expected) = self
            .properties
            .get("PARTITIONS")
            .and_then(|count| count.parse().ok())
            && expected != found.partitions
        {
            differences.push(Difference::Partitions {
                topic: found.topic.clone(),
                expected,
                found: found.partitions,
            });
        }
    }

    fn compare_columns(&self, found: &SourceDescription, differences: &mut Vec<Difference>) {
        let ours = |key: bool| self.columns.iter().filter(move |column| column.key == key);
        let theirs = |key: bool| found.columns().filter(move |field| field.key == key);
        let same_keys = ours(true).count() == theirs(true).count()
            && ours(true).zip(theirs(true)).all(|(column, field)| {
                column.name == field.name && field.ty.as_ref() == Some(&column.ty)
            });
        if !same_keys {
            let listed = |name: &str, ty: String| format!("{} {ty}", quoted(name));
            differences.push(Difference::Keys {
                expected: ours(true)
                    .map(|column| listed(&column.name, column.ty.to_string()))
                    .collect(),
                found: theirs(true)
                    .map(|field| {
                        listed(
                            &field.name,
                            field
                                .ty
                                .as_ref()
                                .map_or_else(String::new, ToString::to_string),
                        )
                    })
                    .collect(),
            });
        }
        for column in ours(false) {
            match theirs(false).find(|field| field.name == column.name) {
                None => differences.push(Difference::ColumnMissing {
                    name: column.name.clone(),
                    ty: column.ty.clone(),
                    alter: format!(
                        "ALTER {} {} ADD COLUMN {} {};",
                        self.kind,
                        quoted(&self.name),
                        quoted(&column.name),
                        column.ty
                    ),
                }),
                Some(field) if field.ty.as_ref() != Some(&column.ty) => {
                    differences.push(Difference::ColumnType {
                        name: column.name.clone(),
                        expected: column.ty.clone(),
                        found: field.ty.clone(),
                    })
                }
                Some(_) => {}
            }
        }
        for field in theirs(false) {
            if !ours(false).any(|column| column.name == field.name) {
                differences.push(Difference::ColumnUnknown {
                    name: field.name.clone(),
                });
            }
        }
    }

    fn compare_statement(&self, found: &SourceDescription, differences: &mut Vec<Difference>) {
        let made = Statement::split(&found.statement).unwrap_or_default();
        let Some(made) = made.first() else {
            // Old servers do not tell the statement: what they do not tell is not compared.
            return;
        };
        if matches!(made.effect(), Effect::CreateAs { .. }) {
            differences.push(Difference::MadeByQuery {
                queries: found
                    .write_queries
                    .iter()
                    .map(|query| query.id.clone())
                    .collect(),
            });
            return;
        }
        let Ok((_, theirs)) = made.definition() else {
            return;
        };
        for name in IN_THE_STATEMENT {
            let (expected, found) = (self.properties.get(name), theirs.get(name));
            // A server may write out what it does by default.
            let defaulted = expected.is_none() && name == "WRAP_SINGLE_VALUE";
            if expected != found && !defaulted {
                differences.push(Difference::Property {
                    name,
                    expected: expected.cloned(),
                    found: found.cloned(),
                });
            }
        }
        // Its column may be quoted in one text and not in the other.
        let column = |text: Option<&String>| text.map(|text| text.trim_matches('`').to_uppercase());
        let expected = column(self.properties.get("TIMESTAMP"));
        let stored =
            Some(found.timestamp.trim_matches('`').to_uppercase()).filter(|name| !name.is_empty());
        let stored = stored.or_else(|| column(theirs.get("TIMESTAMP")));
        if expected != stored {
            differences.push(Difference::Property {
                name: "TIMESTAMP",
                expected,
                found: stored,
            });
        }
    }
}

impl KsqlDb {
    /// Creates a source where there is none of its name, and compares it where there is one. Sends nothing in the second
    /// case.
    ///
    /// # Errors
    /// Where the server cannot be asked, or refuses the statement.
    pub async fn ensure_source(
        &self,
        definition: &SourceDefinition,
    ) -> Result<Ensured, KsqlDbError> {
        if let Some(found) = self.describe(&definition.name).await? {
            return Ok(Ensured::compared(definition.compare(&found)));
        }
        self.create_source(definition).await
    }

    /// Creates a source where there was just found to be none of its name.
    ///
    /// # Errors
    /// Where the server refuses the statement.
    pub(crate) async fn create_source(
        &self,
        definition: &SourceDefinition,
    ) -> Result<Ensured, KsqlDbError> {
        let executed = self.execute_parsed(&definition.statement).await?;
        if executed.skipped.is_none() {
            return Ok(Ensured::Created { query_id: None });
        }
        // Another instance was faster: what it created is compared like anything that was there before.
        match self.describe(&definition.name).await? {
            Some(found) => Ok(Ensured::compared(definition.compare(&found))),
            None => Err(KsqlDbError::Failed {
                statement: definition.statement().to_owned(),
                message: executed.skipped.unwrap_or_default(),
            }),
        }
    }

    /// Adds the columns a source lacks. Nothing is done unless that makes it what is defined.
    ///
    /// # Errors
    /// Where there is a difference that cannot be altered in place, or the server refuses.
    pub async fn alter_source(
        &self,
        definition: &SourceDefinition,
    ) -> Result<Ensured, KsqlDbError> {
        let differences = match self.ensure_source(definition).await? {
            Ensured::Drift(differences) => differences,
            done @ (Ensured::Created { .. } | Ensured::Unchanged { .. }) => return Ok(done),
        };
        let mut statements = Vec::new();
        for difference in &differences {
            match difference.remedy() {
                Remedy::InPlace(statement) => statements.push(statement),
                Remedy::NewVersion | Remedy::Refused => {
                    return Err(KsqlDbError::Drift {
                        name: definition.name.clone(),
                        differences: differences.iter().map(ToString::to_string).collect(),
                    });
                }
            }
        }
        for statement in statements {
            self.execute(&statement).await?;
        }
        self.ensure_source(definition).await
    }
}
