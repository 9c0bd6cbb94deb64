//! What the operators and functions of a query mean when they run here: as ksqlDB computes them, bit for bit.
//!
//! Every operation is a total function over [`Any`]: it takes every operand and never panics. Types were checked when the
//! query was compiled; an operand of a type that ksqlDB would refuse makes [`Any::Failed`].
//!
//! Two things are no value. `NULL` is a value that is absent. A *failure* is what throws in ksqlDB - a division by zero, an
//! inexact decimal, a `NULL` where a boolean is needed - and ends the whole expression: a column is `NULL`, a row of a
//! `WHERE` is left out. A cast that fails is `NULL` where it stands, and so is a failed function call that is itself the
//! argument of a function ([`lenient`]). Results are taken as `Result<T, Failed>` where that difference is wanted; a plain
//! `Option<T>` makes a failure `None`.
//!
//! Called by the code that `#[query]` generates, on the thread that drives a partition.

pub mod aggregate;
pub mod any;
pub mod arith;
pub(crate) mod cache;
pub mod call;
pub mod cast;
pub mod code;
pub mod collections;
pub mod compare;
pub mod conditional;
pub mod decimal;
pub mod double;
pub mod encode;
pub mod expressions;
pub mod json;
pub mod lambda;
pub mod like;
#[cfg(feature = "cli")]
pub(crate) use like::is_like;
pub mod list;
pub mod logic;
pub mod math;
pub mod native;
pub mod pattern;
pub mod scratch;
pub mod string;
pub mod temporal;
pub mod text;

pub use any::{Any, Failed, Operand, Output, Scalar, Shape, column, lenient};
pub use call::{Function, call};
pub use ksql_schema::instant;
pub use list::{List, Map};
pub use native::{Native, Ty, Wide};
pub use scratch::Scratch;
