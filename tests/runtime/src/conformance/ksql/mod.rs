//! KSQL as far as `CREATE .. AS SELECT` over one source or joined ones goes: read into a tree, and brought to a normal form in which two
//! statements that mean the same are equal.
//!
//! Written for the tests alone, from ksqlDB's grammar: it knows nothing of the code that writes statements.

mod expression;
mod joins;
mod normal;
mod parse;
mod token;
mod tree;

#[cfg(test)]
mod tests;

pub use normal::{Sources, differences};
pub use parse::parse;
pub use tree::{Expr, Item, Join, Kind, Statement, Window, WindowKind};
