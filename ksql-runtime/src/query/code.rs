//! What the code that `#[query]` generates calls: the way from a node to a Rust type, and from one value to another.
//!
//! An operator's result is a `Result<T, Failed>` of the node's type: a failure ends the expression and a `NULL` does not, so
//! that both have to be told apart until the value goes into a row. The compiler removes what cannot be.
//!
//! Not part of the public API.

pub use ksql_schema::query as s;
pub use ksql_schema::query::plan;
pub use ksql_schema::{Column, Entity as Model, Kind};

pub use super::capture::{ComparesWith, Held, Says};
pub use super::parameter::{Param, SizedDecimal};
pub use super::predicate::{Condition, Predicate, condition};
pub use super::{
    Aggregate, At, Groups, Host, Join, Overflow, ParameterError, Project, Query, Row, Scratch,
    Side, Stream, Table, group,
};
pub use crate::__private::Bytes;
pub use crate::codec::{DecodeError, Reader, Value};
pub use crate::entity::{Entity, Window};
pub use crate::ops::aggregate::{self, Accumulator, Merge, Nest, Undo};
pub use crate::ops::{
    Any, Failed, Operand, Output, arith, call, cast, collections, compare, lambda, lenient, like,
    logic,
};
use crate::ops::{Native, Shape, Ty, native};
pub use crate::ops::{expressions as f, temporal::Unit};
pub use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
pub use rust_decimal::Decimal;

/// A node as the Rust type of its values.
pub type Typed<'a, const CODE: u8, const P: u32, const S: u32, const NULLABLE: bool> =
    <Ty<CODE, P, S, NULLABLE> as Native<'a>>::T;

/// The result of an operator.
pub type Made<'a, const CODE: u8, const P: u32, const S: u32, const NULLABLE: bool> =
    Result<Typed<'a, CODE, P, S, NULLABLE>, Failed>;

/// The result of a condition's parts.
pub type Truth = Result<bool, Failed>;

/// The values of parameters as they fill a statement.
pub type Literals = Vec<(&'static str, String)>;

/// A parameter's literal.
///
/// # Errors
/// Where the value has none.
pub fn literal<P: Param>(
    query: &'static str,
    name: &'static str,
    value: &P,
) -> Result<String, ParameterError> {
    value.literal().map_err(|defect| ParameterError {
        query,
        name,
        defect,
    })
}

/// What an accumulator keeps of a node's values; `N` names the type of one that is nested.
pub type Kept<N, const CODE: u8, const P: u32, const S: u32> =
    <Ty<CODE, P, S, false> as aggregate::Keep<N>>::S;

/// The code of a node's Rust type: what has none of its own goes through as it is.
pub const fn code(node: s::Node) -> u8 {
    match native::code(node.code(), node.precision()) {
        s::node::code::STRUCT => native::UNKNOWN,
        code => code,
    }
}

/// The code of the type an accumulator keeps; what none keeps is refused by a check.
pub const fn kept(node: s::Node) -> u8 {
    match native::code(node.code(), node.precision()) {
        native::WIDE => native::UNKNOWN,
        code => code,
    }
}

/// Precision and scale of a decimal that is one; else what fits everywhere.
pub const fn precision(node: s::Node) -> u32 {
    node.precision()
}

/// See [`precision`].
pub const fn scale(node: s::Node) -> u32 {
    node.scale()
}

/// Whether an entity's windows are sessions.
pub const fn sessions(entity: &Model<'_>) -> bool {
    match &entity.window {
        Some(window) => matches!(window.kind, ksql_schema::WindowKind::Session),
        None => false,
    }
}

/// Whether a value of one node is written with a CAST to be of another's type.
pub const fn converts(from: s::Node, to: s::Node) -> bool {
    s::text::converts(from.ty, to.ty)
}

/// A value for a function.
#[inline]
pub fn any<'a, A: Operand<'a>>(scratch: &'a Scratch, value: A) -> Any<'a> {
    value.any_in(scratch)
}

/// A value as one of another type that holds it: a branch as its `if`, a value as the row's field.
#[inline]
pub fn give<'a, T: Output<'a>, A: Operand<'a>>(scratch: &'a Scratch, value: A) -> T {
    T::from_any_in(value.any_in(scratch), scratch)
}

/// A value where another type is asked for: `CONVERTS` where a CAST is written. What is in a collection is of the type that its
/// node says.
#[inline]
pub fn convert<'a, T: Output<'a>, A: Operand<'a>, const CONVERTS: bool>(
    scratch: &'a Scratch,
    value: A,
    to: s::Sql,
) -> T {
    if CONVERTS && matches!(T::SHAPE, Shape::Array | Shape::Map | Shape::Unknown) {
        let any = value.any_in(scratch);
        T::from_any_in(cast::deep(scratch, any, to), scratch)
    } else if CONVERTS {
        cast::cast(scratch, value)
    } else {
        give(scratch, value)
    }
}

/// A field of a struct, `->`: of what is none it is `NULL`.
#[inline]
pub fn field<'a>(of: Any<'a>, name: &str) -> Any<'a> {
    match of {
        Any::Struct(fields) => fields
            .iter()
            .find(|(field, _)| field.eq_ignore_ascii_case(name))
            .map_or(Any::Null, |(_, value)| *value),
        _ => Any::Null,
    }
}

/// `if`: a condition that fails is no `else`.
#[inline]
pub fn case<'a, T: Output<'a>, C: Operand<'a>, A: Operand<'a>, B: Operand<'a>>(
    scratch: &'a Scratch,
    condition: C,
    then: impl FnOnce() -> A,
    otherwise: impl FnOnce() -> B,
) -> T {
    match logic::condition(condition) {
        Ok(true) => give(scratch, then()),
        Ok(false) => give(scratch, otherwise()),
        Err(Failed) => T::from_any(Any::Failed),
    }
}

/// A window's bound in a row's field: a time, or milliseconds.
#[inline]
pub fn bound<'a, T: Output<'a>>(millis: i64) -> T {
    T::from_any(match T::SHAPE {
        Shape::Timestamp => Any::Timestamp(millis),
        _ => Any::Bigint(millis),
    })
}

/// Stands in a function that is never called: only the compiler reads it.
pub fn never<T>() -> T {
    unreachable!("only the compiler reads this")
}

/// The names of an enum's variants.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no enum of variants",
    label = "no enum",
    note = "a column of an enum compares with its variants: put `#[derive(Enum)]` on it, or make the value a parameter of the query"
)]
pub trait Variants {
    /// The names.
    const VARIANTS: &'static [&'static str];
}

#[diagnostic::do_not_recommend]
impl<T: Value> Variants for T {
    const VARIANTS: &'static [&'static str] = T::VARIANTS;
}

/// Assumed of the output of a query with errors.
pub trait AssumedEntity<'a>: Entity {}
impl<'a, T: Entity> AssumedEntity<'a> for T {}

/// Assumed of the type of a parameter.
pub trait AssumedParam<'a>: Param {}
impl<'a, T: Param> AssumedParam<'a> for T {}

/// The plan of a query with errors.
pub const STUB: &plan::Query<'static> = &plan::Query {
    name: "",
    inputs: &[],
    steps: &[],
    output: &crate::__private::STUB,
    kind: Kind::Table,
    because: "",
    writes: plan::Writes::Creates,
    parameters: &[],
};
