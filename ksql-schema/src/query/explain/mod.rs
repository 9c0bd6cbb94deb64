//! What a query comes to, told before anything runs: stream or table and why, its topology, topics, stores, schemas and
//! statements, as text and as a Mermaid flowchart.
//!
//! Pure: made of the plan and the statements alone. The topology has the shape of ksqlDB's own plans. What `explain()` shows,
//! what `-- explain` of an example prints, and what tests hold queries to.

mod clauses;
mod facts;
mod mermaid;
mod stages;

use core::fmt;

pub use facts::{Sink, TopicFacts, cleanup_text, duration_text, operation, output_cleanup, sinks};
pub use stages::Stage;

use super::plan::Query;
use crate::avro;
use crate::model::Kind;
use clauses::Clauses;

/// What a query comes to. `Display` is the whole text.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation<'a> {
    query: Query<'a>,
    statements: Vec<String>,
    stages: Vec<Stage>,
    parameters: Vec<(String, String)>,
    notes: Vec<String>,
}

impl<'a> Explanation<'a> {
    /// Explains a query by its plan and its statements, one a window of its output. Holes may stand in them.
    pub fn new<S: AsRef<str>>(query: &Query<'a>, statements: &[S]) -> Explanation<'a> {
        let statements: Vec<String> = statements
            .iter()
            .map(|statement| ended(statement.as_ref()))
            .collect();
        let clauses = Clauses::of(statements.first().map_or("", String::as_str));
        Explanation {
            query: *query,
            stages: stages::stages(query, &clauses),
            notes: stages::notes(query, &clauses),
            parameters: Vec::new(),
            statements,
        }
    }

    /// Adds a value of a parameter, or why there is none, to be shown.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push((name.into(), value.into()));
        self
    }

    /// Stream or table, and why.
    pub fn decision(&self) -> String {
        format!(
            "{}: {}",
            kind_text(self.query.kind),
            if self.query.because.is_empty() {
                "the shape says so"
            } else {
                self.query.because
            }
        )
    }

    /// The statements, each ended by `;`.
    pub fn statements(&self) -> &[String] {
        &self.statements
    }

    /// What happens to a row between its source and its sinks, in order.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// The topics it reads and writes.
    pub fn topics(&self) -> Vec<TopicFacts> {
        facts::topics(&self.query)
    }

    /// The stores of the embedded engine, each with what lies in it: the query's own, and those results are read from.
    pub fn stores(&self) -> Vec<(String, String)> {
        facts::stores(&self.query)
    }

    /// The schemas it registers: subject and text.
    pub fn schemas(&self) -> Vec<(String, String)> {
        facts::schemas(&self.query)
    }

    /// The topology as a Mermaid flowchart.
    pub fn mermaid(&self) -> String {
        mermaid::flowchart(&self.query, &self.stages)
    }
}

/// A statement that ends with one `;`.
fn ended(statement: &str) -> String {
    format!("{};", statement.trim().trim_end_matches(';').trim_end())
}

pub(crate) const fn kind_text(kind: Kind) -> &'static str {
    match kind {
        Kind::Stream => "stream",
        Kind::Table => "table",
    }
}

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let query = &self.query;
        write!(
            f,
            "query `{}`: {} `{}` of ",
            query.name,
            kind_text(query.kind),
            query.output.name
        )?;
        for (at, input) in query.inputs.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(
                f,
                "{comma}{} `{}`",
                kind_text(input.kind),
                input.entity.name
            )?;
        }
        write!(f, "\n\ndecision\n  {}\n", self.decision())?;
        if !query.parameters.is_empty() {
            f.write_str("\nparameters\n")?;
            for parameter in query.parameters {
                let value = self
                    .parameters
                    .iter()
                    .find(|(name, _)| name == parameter.name)
                    .map_or_else(String::new, |(_, value)| format!(" = {value}"));
                writeln!(f, "  {}: {}{value}", parameter.name, parameter.ty)?;
            }
        }
        f.write_str("\ntopology\n")?;
        table(
            f,
            self.stages.iter().flat_map(|stage| {
                let names = core::iter::once(stage.name).chain(core::iter::repeat(""));
                names
                    .zip(&stage.lines)
                    .map(|(name, line)| [name.to_owned(), line.clone()])
            }),
        )?;
        f.write_str("\ntopics\n")?;
        let topics = self.topics();
        table(
            f,
            topics.iter().map(|topic| {
                [
                    topic.name.clone(),
                    if topic.written { "written" } else { "read" }.to_owned(),
                    topic.partitions_text(),
                    cleanup_text(topic.cleanup).to_owned(),
                    topic.retention_text(),
                ]
            }),
        )?;
        f.write_str("\nstores\n")?;
        let stores = self.stores();
        table(
            f,
            stores
                .iter()
                .map(|(store, kept)| [store.clone(), kept.clone()]),
        )?;
        f.write_str("\nschemas\n")?;
        for (subject, schema) in self.schemas() {
            writeln!(f, "  {subject}\n    {schema}")?;
        }
        if !self.notes.is_empty() {
            f.write_str("\nnotes\n")?;
            for note in &self.notes {
                writeln!(f, "  {note}")?;
            }
        }
        f.write_str("\nstatements\n")?;
        for statement in &self.statements {
            writeln!(f, "{statement}")?;
        }
        Ok(())
    }
}

/// Rows of cells below each other, two blanks in front.
fn table<const N: usize>(
    f: &mut fmt::Formatter<'_>,
    rows: impl Iterator<Item = [String; N]>,
) -> fmt::Result {
    let rows: Vec<[String; N]> = rows.collect();
    let mut widths = [0_usize; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in &rows {
        let cells: Vec<String> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        writeln!(f, "  {}", cells.join("  ").trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
