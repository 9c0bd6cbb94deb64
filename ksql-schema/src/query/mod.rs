//! Queries: ksqlDB's typing rules as `const fn`s, and the texts a query is made of.
//!
//! What the query macro emits are constants: an array of [`Node`]s computed by the functions of [`arith`], [`compare`],
//! [`logic`], [`case`], [`cast`], [`literal`], [`mod@column`], [`functions`] and [`aggregates`]; one [`check`] for each place
//! where something may be wrong; and the statement's text joined from the pieces of [`text`]. The functions that make nodes
//! never fail: what is wrong is poison. The checks stop the compiler with a text that says what can be written instead.

pub mod aggregates;
pub mod arith;
pub mod case;
pub mod cast;
pub mod check;
pub mod collection;
pub mod column;
pub mod compare;
pub mod explain;
pub mod functions;
pub mod holes;
pub mod lambda;
pub mod literal;
pub mod literal_text;
pub mod logic;
pub mod node;
pub mod plan;
pub mod text;
pub mod with;
pub mod words;

pub use aggregates::Aggregate;
pub use arith::Arith;
pub use compare::Compare;
pub use explain::Explanation;
pub use functions::Function;
pub use node::{Bare, Elem, Node, Sql, Why};
pub use text::Piece;
