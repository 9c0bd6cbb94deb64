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
    /// What it reads, in the order in which it is joined.
    pub inputs: &'a [Input<'a>],
    /// What it does, in order.
    pub steps: &'a [Step<'a>],
    /// What it writes.
    pub output: &'a Entity<'a>,
    /// Stream or table.
    pub kind: Kind,
    /// Why it is a stream or a table: `grouped and aggregated`.
    pub because: &'a str,
    /// Whether its output is there by it, or by something else.
    pub writes: Writes,
    /// The parameters whose values come from the program.
    pub parameters: &'a [Parameter<'a>],
}

/// What a query's statement does to its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Writes {
    /// It makes it: `CREATE .. AS SELECT`.
    Creates,
    /// It adds records to a stream that another query makes, or that stands by itself: `INSERT INTO .. SELECT`.
    Inserts,
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
    /// Another input is joined to what was read before.
    Join(Join<'a>),
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

/// A join with what was joined before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Join<'a> {
    /// Which input joins, by its place in [`Query::inputs`].
    pub input: usize,
    /// Which rows come out.
    pub kind: JoinKind,
    /// How rows find each other.
    pub form: JoinForm,
    /// What is equal, in Rust as it was written: `o.customer_id == c.id`.
    pub on: &'a str,
}

/// Which rows a join gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JoinKind {
    /// Those with a match.
    Inner,
    /// Those of the left side, with a match or without.
    Left,
    /// Those of the right side, with a match or without.
    Right,
    /// Those of both sides, with a match or without.
    Full,
}

/// How the rows of a join find each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JoinForm {
    /// Two streams: records whose times lie within this.
    Within(Within),
    /// A stream, and the rows that a table has when its record comes.
    Lookup,
    /// Two tables by their keys: a row for each key.
    Keys,
    /// A table, and the rows of another whose keys stand in a column of it.
    ForeignKey,
}

/// Which records of two streams belong together, by their times in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Within {
    /// How much earlier than the left record the right one may be.
    pub before_ms: i64,
    /// How much later than the left record the right one may be.
    pub after_ms: i64,
    /// How long records are taken that come too late; nothing written is a day, as in ksqlDB.
    pub grace_ms: Option<i64>,
}

impl<'a> Query<'a> {
    /// Its joins, in order.
    pub fn joins(&self) -> impl Iterator<Item = Join<'a>> {
        self.steps.iter().filter_map(|step| match step {
            Step::Join(join) => Some(*join),
            _ => None,
        })
    }
}

impl Query<'_> {
    /// How many statements the query is: one a window of the output.
    pub const fn statements(&self) -> usize {
        super::text::statements(self.output)
    }

    /// Whether its output is there by its statement.
    pub fn creates(&self) -> bool {
        match self.writes {
            Writes::Creates => true,
            Writes::Inserts => false,
        }
    }

    /// Whether rows are aggregated.
    pub fn aggregates(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step, Step::Aggregate(_)))
    }
}
