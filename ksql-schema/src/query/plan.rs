//! A query as data: what it reads, what it does and what it writes, in the words of its author.
//!
//! `#[query]` emits one [`Query`] as a constant. Pictures, explanations, the checks across queries and the order of start go
//! by it; the texts and the code of a query are made apart from it, from the same tree.

use crate::model::{Entity, Kind};

/// A query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Query<'a> {
    /// The function's name (`candles`).
    pub name: &'a str,
    /// What it reads, in the order of the parameters.
    pub inputs: &'a [Input<'a>],
    /// What it does, in order.
    pub steps: &'a [Step<'a>],
    /// What it writes.
    pub output: &'a Entity<'a>,
    /// Stream or table.
    pub kind: Kind,
    /// Why it is a stream or a table: `grouped and aggregated`.
    pub because: &'a str,
    /// The parameters whose values come from the program.
    pub parameters: &'a [Parameter<'a>],
}

/// A source of a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Input<'a> {
    /// The parameter's name (`rates`).
    pub name: &'a str,
    /// What is read.
    pub entity: &'a Entity<'a>,
    /// Read as a stream of records, or as a table of rows.
    pub kind: Kind,
}

/// A value from the program.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter<'a> {
    /// Its name, and that of the hole in the text.
    pub name: &'a str,
    /// Its Rust type as written.
    pub ty: &'a str,
}

/// One step; texts are Rust as it was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step<'a> {
    /// Rows that do not satisfy this are left out.
    Filter(&'a str),
    /// Rows are made anew: fields and what they hold.
    Map(&'a [(&'a str, &'a str)]),
    /// Records get another key.
    PartitionBy(&'a [&'a str]),
    /// Rows are put together by these.
    GroupBy(&'a [&'a str]),
    /// One row a group: fields and what they hold.
    Aggregate(&'a [(&'a str, &'a str)]),
    /// Groups that do not satisfy this are left out.
    Having(&'a str),
}

impl Query<'_> {
    /// How many statements the query is: one a window of the output.
    pub const fn statements(&self) -> usize {
        super::text::statements(self.output)
    }

    /// Whether rows are aggregated.
    pub fn aggregates(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step, Step::Aggregate(_)))
    }
}
