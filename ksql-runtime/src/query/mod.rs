//! A query as code: what `#[query]` generates, and what whoever runs one stands on.
//!
//! A query has one of two shapes. A [`Project`] makes of a row at most one other: filter, map, partition by. An
//! [`Aggregate`] keeps something for a group of rows and makes a row of it. The functions are pure: they see a row, what
//! is kept, and a place in memory for what they make; where rows come from, where results go, what is durable and which
//! window a row falls into is the business of whoever calls them.
//!
//! Invariant: none of them panics, blocks or keeps anything of a row beyond the call but in the groups.

mod capture;
#[doc(hidden)]
pub mod code;
pub mod explain;
pub mod group;
mod input;
mod parameter;
pub mod predicate;

use std::fmt::Debug;
use std::marker::PhantomData;

use ksql_schema::query::plan;

use crate::codec::{DecodeError, Reader};
use crate::entity::{Entity, Window};
use crate::ops::Any;
pub use crate::ops::Scratch;
pub use crate::ops::aggregate::Overflow;
pub use explain::Explanation;
pub use input::{Input, Inputs, Part, Parts, Visit};
pub use parameter::{Param, SizedDecimal};
pub use predicate::{Condition, Predicate};

/// What a query reads record by record: the type of a parameter of a function under `#[query]`, and of its result.
#[derive(Debug, Clone, Copy)]
pub struct Stream<T>(PhantomData<T>);

/// What a query reads as rows that change: the type of a parameter of a function under `#[query]`, and of its result.
#[derive(Debug, Clone, Copy)]
pub struct Table<T>(PhantomData<T>);

/// A query: what `#[query]` makes of a function.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a query",
    label = "not a query",
    note = "`#[query]` on the function makes one of it, which its call is: `candles()`, `big(limit)`"
)]
pub trait Query: Clone + Debug + Send + Sync + 'static {
    /// What it writes.
    type Output: Entity;
    /// What it reads and does, as data.
    const PLAN: &'static plan::Query<'static>;
    /// Its statements, each ended by `;`, with parameters as holes (`:limit`): one a window of the output.
    const KSQL: &'static [&'static str];

    /// The KSQL literals of its parameters, by name.
    ///
    /// # Errors
    /// Where a value cannot be said in KSQL, such as a decimal with more digits than its type.
    fn parameters(&self) -> Result<Vec<(&'static str, String)>, ParameterError>;

    /// Gives itself to a host, which learns its shape.
    fn accept<H: Host>(self, host: H) -> H::Made;
}

/// What is taken where a query is: the query itself, as `big(1000)`, or the function under `#[query]`, as `candles`, where it has no
/// parameters. `By` is found by the compiler.
///
/// ```
/// use ksql_runtime::prelude::*;
///
/// #[derive(Debug, Clone, Entity)]
/// #[topic("trades")]
/// #[stream]
/// struct Trade {
///     #[key]
///     id: i64,
///     size: i64,
/// }
///
/// #[derive(Debug, Clone, Entity)]
/// #[topic("large")]
/// #[stream]
/// struct Large {
///     #[key]
///     id: i64,
///     size: i64,
/// }
///
/// #[query]
/// fn large(trades: Stream<Trade>) -> Stream<Large> {
///     trades
///         .filter(|t| t.size > 1000)
///         .map(|t| Large { id: t.id, size: t.size })
/// }
///
/// let explanation = large.explain();
/// assert_eq!(explanation.to_string(), large().explain().to_string());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a query",
    label = "not a query",
    note = "`#[query]` on the function makes one of it; one with parameters is given their values: `.query(big(limit))`"
)]
pub trait IntoQuery<By>: Sized {
    /// The query.
    type Query: Query;

    /// The query as a value.
    fn into_query(self) -> Self::Query;

    /// What it comes to: stream or table and why, topology, topics, stores, schemas, statements. `Display` is the text,
    /// [`Explanation::mermaid`] the picture; nothing is opened or connected.
    fn explain(self) -> Explanation<'static> {
        explain::explain(&self.into_query())
    }
}

/// How a query stands for itself in [`IntoQuery`].
#[derive(Debug)]
pub struct Itself(());

/// How the function of a query without parameters stands for it in [`IntoQuery`].
#[derive(Debug)]
pub struct ItsFunction(());

impl<Q: Query> IntoQuery<Itself> for Q {
    type Query = Q;

    fn into_query(self) -> Q {
        self
    }
}

impl<F: FnOnce() -> Q, Q: Query> IntoQuery<ItsFunction> for F {
    type Query = Q;

    fn into_query(self) -> Q {
        self()
    }
}

/// Who runs queries, or makes something of them.
pub trait Host {
    /// What it makes.
    type Made;
    /// Takes a query that makes rows of rows.
    fn project<E: Entity, Q: Project<Input = E>>(self, query: Q) -> Self::Made;
    /// Takes a query that aggregates.
    fn aggregate<E: Entity, Q: Aggregate<Input = E>>(self, query: Q) -> Self::Made;
    /// Takes a query that joins, and makes rows of joined rows.
    fn joined_project<Q: Project<Input = <Q as Join>::Inputs> + Join>(self, query: Q)
    -> Self::Made;
    /// Takes a query that joins, and aggregates joined rows.
    fn joined_aggregate<Q: Aggregate<Input = <Q as Join>::Inputs> + Join>(
        self,
        query: Q,
    ) -> Self::Made;
}

/// A parameter's value that KSQL has no literal for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the parameter `{name}` of the query `{query}` cannot be said in KSQL: {defect}")]
pub struct ParameterError {
    /// The query.
    pub query: &'static str,
    /// The parameter.
    pub name: &'static str,
    /// What is wrong, and what would be right.
    pub defect: String,
}

/// Where a row stands.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    /// Memory for what is made of the row.
    pub scratch: &'a Scratch,
    /// `ROWTIME`: its timestamp in milliseconds.
    pub timestamp: i64,
    /// `ROWPARTITION`
    pub partition: i32,
    /// `ROWOFFSET`
    pub offset: i64,
    /// Grows with every row processed, restarts included: what "latest" and "earliest" go by.
    pub sequence: u64,
    /// Of a row that becomes several: what this one has of each array.
    pub exploded: &'a [Any<'a>],
}

impl<'a> At<'a> {
    /// What `EXPLODE` gives this row, by the number of the call.
    #[inline]
    pub fn exploded(&self, index: usize) -> Any<'a> {
        let value = self.exploded.get(index);
        value.copied().unwrap_or(Any::Null)
    }

    /// The rows that this one becomes: as many as the longest array has elements.
    pub fn of_rows(self, arrays: &'a [&'a [Any<'a>]]) -> impl Iterator<Item = At<'a>> {
        let rows = arrays.iter().map(|array| array.len()).max().unwrap_or(0);
        (0..rows).map(move |row| {
            let values = arrays.iter().map(move |array| array.get(row).copied());
            At {
                exploded: self
                    .scratch
                    .collect(values.map(|value| value.unwrap_or(Any::Null))),
                ..self
            }
        })
    }
}

/// A borrowed row of an entity, or of several that were joined.
pub type Row<'a, T> = <T as Input>::Row<'a>;

/// A query that joins its inputs: the second to the first, the third to what came of that, and so on. How, its plan says.
pub trait Join: Query {
    /// What it reads, in the order in which it is joined.
    type Inputs: Inputs;

    /// Appends the bytes of what a join compares, on one of its sides: equal values have equal bytes, those of the value as a
    /// record's key. `false` where it is `NULL` or fails: such a row has no match. Of the row only the parts are there that the
    /// side has: on the left the inputs joined before, on the right the one that joins.
    fn on<'a>(
        &'a self,
        join: usize,
        side: Side,
        at: &At<'a>,
        row: Row<'a, Self::Inputs>,
        out: &mut Vec<u8>,
    ) -> bool;
}

/// A side of a join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// What was joined before, or the first input.
    Left,
    /// The input that joins.
    Right,
}

/// A query that makes of a row at most one other, or one for each element of an array.
pub trait Project: Query {
    /// What it reads.
    type Input: Input;

    /// Whether the row is wanted (`WHERE`). A condition that fails does not hold.
    fn keep<'a>(&'a self, at: &At<'a>, row: Row<'a, Self::Input>) -> bool;

    /// Whether a row becomes one for each element of an array (`EXPLODE`).
    const EXPLODES: bool = false;

    /// The arrays that a row is exploded into: it becomes as many rows as the longest has elements, and what the others have not
    /// is `NULL`.
    fn explode<'a>(&'a self, at: &At<'a>, row: Row<'a, Self::Input>) -> &'a [&'a [Any<'a>]] {
        let _ = (at, row);
        &[]
    }

    /// The row it makes, key columns included. An expression that fails is `NULL`.
    fn project<'a>(&'a self, at: &At<'a>, row: Row<'a, Self::Input>) -> Row<'a, Self::Output>;

    /// Appends the key of the record it makes (see [`group`]), where the query gives records another key; `Some(false)` where that
    /// is `NULL`, and `None` where the key stays the record's. Without `valued` the record has no value: of the row only key
    /// columns are what they were.
    fn new_key<'a>(
        &'a self,
        at: &At<'a>,
        row: Row<'a, Self::Input>,
        valued: bool,
        out: &mut Vec<u8>,
    ) -> Option<bool> {
        let _ = (at, row, valued, out);
        None
    }
}

/// A query that keeps something for a group of rows.
///
/// A group's key is bytes: the group's part of the output's wire key (see [`group`]).
pub trait Aggregate: Query {
    /// What it reads.
    type Input: Input;
    /// What it keeps for a group, or for a group in a window.
    type Groups: Groups;

    /// Whether the row is wanted (`WHERE`). A condition that fails does not hold.
    fn keep<'a>(&'a self, at: &At<'a>, row: Row<'a, Self::Input>) -> bool;

    /// Appends the group's key; `false` where an expression is `NULL` or fails: the row is in no group.
    fn key<'a>(&'a self, at: &At<'a>, row: Row<'a, Self::Input>, out: &mut Vec<u8>) -> bool;

    /// What is kept after the first row.
    ///
    /// # Errors
    /// Where a decimal sum overflows, which stops the query.
    fn first<'a>(
        &'a self,
        at: &At<'a>,
        row: Row<'a, Self::Input>,
    ) -> Result<Self::Groups, Overflow>;

    /// Takes a row in.
    ///
    /// # Errors
    /// As [`Aggregate::first`].
    fn update<'a>(
        &'a self,
        at: &At<'a>,
        row: Row<'a, Self::Input>,
        groups: &mut Self::Groups,
    ) -> Result<(), Overflow>;

    /// Takes a row out that was taken in before. Generated for tables, whose rows are replaced and removed; over a stream it
    /// is never called and does nothing.
    ///
    /// # Errors
    /// As [`Aggregate::first`].
    fn undo<'a>(
        &'a self,
        at: &At<'a>,
        row: Row<'a, Self::Input>,
        groups: &mut Self::Groups,
    ) -> Result<(), Overflow> {
        let _ = (at, row, groups);
        Ok(())
    }

    /// Whether the group is shown (`HAVING`). Where it was and is not any more it is deleted.
    fn having<'a>(
        &'a self,
        scratch: &'a Scratch,
        key: &'a [u8],
        window: Window,
        groups: &'a Self::Groups,
    ) -> bool {
        let _ = (scratch, key, window, groups);
        true
    }

    /// The group's row, key columns and the window's bounds included.
    fn finish<'a>(
        &'a self,
        scratch: &'a Scratch,
        key: &'a [u8],
        window: Window,
        groups: &'a Self::Groups,
    ) -> Row<'a, Self::Output>;
}

/// What an aggregation keeps: one accumulator an aggregate, generated.
pub trait Groups: Sized + Clone + Debug + Send + 'static {
    /// Appends the binary form, which is stable.
    fn write(&self, out: &mut Vec<u8>);

    /// Reads what [`Groups::write`] wrote.
    ///
    /// # Errors
    /// Where the bytes are nothing of the kind.
    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// The bytes that are held beside its size; asked after every row.
    #[inline]
    fn owned(&self) -> usize {
        0
    }

    /// Joins with what another session kept; this one's rows stand first where that matters.
    ///
    /// # Errors
    /// Where a decimal sum overflows.
    fn merge(&mut self, other: Self) -> Result<(), Overflow>;
}
