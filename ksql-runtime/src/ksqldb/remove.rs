//! Dropping a source: dependants first, and only what was asked for.
//!
//! ksqlDB refuses to drop what others are made from, even when their queries are terminated, and what `INSERT INTO` queries
//! read or write. What that is, is asked for before anything is sent; without leave for all of it nothing is.

use super::client::KsqlDb;
use super::describe::SourceDescription;
use super::error::KsqlDbError;
use super::outcome::is_absent;
use super::statement::{Effect, SourceKind, Statement};
use ksql_schema::names::quoted;

/// How far a removal may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Removal {
    /// Whether the topic goes too, with its records and subjects. It cannot be brought back.
    pub delete_topic: bool,
    /// Whether everything made from it goes first, each with its topic if `delete_topic` says so.
    pub cascade: bool,
}

/// One step of a removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// End a query.
    Terminate {
        /// The query.
        query_id: String,
    },
    /// Drop a source; the query that made it ends with it.
    Drop {
        /// The source.
        name: String,
        /// Stream or table.
        kind: SourceKind,
        /// Whether its topic goes too.
        delete_topic: bool,
    },
}

impl Step {
    /// The statement.
    pub fn statement(&self) -> String {
        match self {
            Step::Terminate { query_id } => format!("TERMINATE {query_id};"),
            Step::Drop {
                name,
                kind,
                delete_topic,
            } => format!(
                "DROP {kind} IF EXISTS {}{};",
                quoted(name),
                if *delete_topic { " DELETE TOPIC" } else { "" }
            ),
        }
    }
}

impl KsqlDb {
    /// What dropping a source takes, in order; nothing where it is not there.
    ///
    /// # Errors
    /// Where the server cannot be asked.
    pub async fn removal_plan(
        &self,
        name: &str,
        removal: Removal,
    ) -> Result<Vec<Step>, KsqlDbError> {
        let mut steps = Vec::new();
        let mut open = vec![name.to_owned()];
        let mut seen: Vec<String> = Vec::new();
        // What is found later stands nearer to the leaves of the graph, so the steps are turned round at the end. A source
        // that is reached twice belongs before all that reach it.
        while let Some(name) = open.pop() {
            let Some(found) = self.describe(&name).await? else {
                continue;
            };
            if seen.contains(&name) {
                steps.retain(
                    |step| !matches!(step, Step::Drop { name: dropped, .. } if *dropped == name),
                );
            }
            seen.push(name.clone());
            // A graph of sources has no cycle; should a server say otherwise, it is not followed for ever.
            if seen.len() > 10_000 {
                break;
            }
            steps.push(drop_of(&name, &found, removal.delete_topic));
            for query_id in inserting(&found) {
                steps.retain(|step| !matches!(step, Step::Terminate { query_id: known } if *known == query_id));
                steps.push(Step::Terminate { query_id });
            }
            open.extend(made_from(&name, &found));
        }
        steps.reverse();
        Ok(steps)
    }

    /// Drops a source, and what needs it if that is asked for.
    ///
    /// # Errors
    /// Where others need it and `cascade` is not set, or the server refuses; the steps before stay done.
    pub async fn drop_source(
        &self,
        name: &str,
        removal: Removal,
    ) -> Result<Vec<Step>, KsqlDbError> {
        let steps = self.removal_plan(name, removal).await?;
        if !removal.cascade && steps.len() > 1 {
            let used_by = steps.iter().filter_map(|step| match step {
                Step::Terminate { query_id } => Some(format!("query {query_id}")),
                Step::Drop {
                    name: other, kind, ..
                } => (other != name)
                    .then(|| format!("{} `{other}`", kind.to_string().to_lowercase())),
            });
            return Err(KsqlDbError::InUse {
                name: name.to_owned(),
                used_by: used_by.collect(),
            });
        }
        for step in &steps {
            match self.execute(&step.statement()).await {
                Ok(_) => {}
                // Somebody else did it meanwhile.
                Err(error) if is_absent(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(steps)
    }
}

fn drop_of(name: &str, found: &SourceDescription, delete_topic: bool) -> Step {
    Step::Drop {
        name: name.to_owned(),
        kind: if found.kind.eq_ignore_ascii_case("TABLE") {
            SourceKind::Table
        } else {
            SourceKind::Stream
        },
        // The topic of a source that is only read belongs to somebody else, and the server refuses.
        delete_topic: delete_topic && !is_read_only(found),
    }
}

/// `CREATE SOURCE TABLE`, not a table of that name.
fn is_read_only(found: &SourceDescription) -> bool {
    let mut words = found
        .statement
        .split_whitespace()
        .map(str::to_uppercase)
        .skip(1);
    let first = words.next();
    if first.as_deref() == Some("OR") {
        words.nth(1).as_deref() == Some("SOURCE")
    } else {
        first.as_deref() == Some("SOURCE")
    }
}

/// `INSERT INTO` queries that read or write it.
fn inserting(found: &SourceDescription) -> Vec<String> {
    found
        .read_queries
        .iter()
        .chain(&found.write_queries)
        .filter(|query| {
            Statement::parse(&query.query_string)
                .is_ok_and(|made| matches!(made.effect(), Effect::InsertInto { .. }))
        })
        .map(|query| query.id.clone())
        .collect()
}

/// Sources made from it: as the server says, or as its queries say where an old server does not.
fn made_from(name: &str, found: &SourceDescription) -> Vec<String> {
    let mut sources = found.source_constraints.clone();
    for query in &found.read_queries {
        let creates = Statement::parse(&query.query_string)
            .is_ok_and(|made| matches!(made.effect(), Effect::CreateAs { .. }));
        if creates {
            sources.extend(query.sinks.iter().cloned());
        }
    }
    sources.sort();
    sources.dedup();
    sources.retain(|source| source != name);
    sources
}
