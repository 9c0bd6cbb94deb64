//! Scalar functions: under which names they are called, what they take and give, how they are written in KSQL.
//!
//! A user says them as methods with the names Rust has; ksqlDB's own names are accepted as well. What Rust has and ksqlDB
//! has not is written with others, by a template.

mod check;
mod names;
mod result;
mod table;

pub use check::{check_argument, check_function};
pub use names::{Slot, UNITS, closest_names, lookup, refused, slots};
pub use result::{call, element, entry, explode, ksql_name, ksql_tail, parameter};
pub use table::Function;

use super::node::Sql;

/// What a function takes in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument {
    /// Any number.
    Number,
    /// A DOUBLE or a decimal.
    Fraction,
    /// An INTEGER.
    Integer,
    /// An INTEGER or a BIGINT.
    Long,
    /// A STRING.
    Text,
    /// BYTES.
    Bytes,
    /// A STRING or BYTES.
    Stringy,
    /// A STRING or BYTES, as the first is.
    Same,
    /// The same, or a NULL that is left out.
    SameOrNull,
    /// An INTEGER or a BIGINT, as the first is.
    SameWhole,
    /// An INTEGER or a STRING.
    Code,
    /// A BOOLEAN.
    Boolean,
    /// What has a length: STRING, BYTES, ARRAY.
    Sized,
    /// What something is looked for in: STRING, ARRAY.
    Searchable,
    /// What is looked for: a text in a text, an element in an array.
    Item,
    /// A DATE.
    Date,
    /// A TIME.
    Time,
    /// A TIMESTAMP.
    Timestamp,
    /// A DATE or a TIMESTAMP.
    Moment,
    /// A TIME or a TIMESTAMP.
    Clock,
    /// A DATE, a TIME or a TIMESTAMP.
    Temporal,
    /// An array.
    Array,
    /// An array of STRING.
    Texts,
    /// An array of what is written as text by itself: numbers, STRING, BOOLEAN.
    Scalars,
    /// An array of what has an order: numbers, STRING, BOOLEAN.
    Ordered,
    /// A map.
    Map,
    /// A map of what ksqlDB lists the entries of: INTEGER, BIGINT, DOUBLE, BOOLEAN, STRING.
    Entries,
    /// Anything.
    Any,
    /// All arguments of one type; a bare number literal takes it.
    Alike,
    /// All arguments of one kind with an order; numbers widen.
    Widest,
}

/// What type a function gives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Gives {
    /// Always the same.
    Fixed(Sql),
    /// That of its first argument.
    First,
    /// The one type of all arguments.
    Common,
    /// A BIGINT; of a decimal its digits before the point.
    Whole,
    /// That of the first argument's elements.
    Element,
    /// An array of STRING.
    Texts,
    /// An array of the map's values.
    Values,
    /// A map of the second argument's elements.
    MapOfSecond,
    /// An array of what the first is.
    ListOfFirst,
    /// An array of structs of the map's keys `k` and values `v`.
    Entries,
}

/// When a function's result is NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// If an argument is.
    Strict,
    /// If an argument is, or where there is no result.
    MayFail,
    /// As `MayFail`, unless all texts behind the first argument are literals, which the macro has checked.
    UnlessLiteral,
    /// If all arguments are.
    AllNull,
    /// If the first argument is.
    First,
    /// Never.
    Never,
}

/// How a call is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The name and the arguments in their order.
    Call,
    /// A text with holes; see [`slots`].
    Template(&'static str),
}

/// One function's row in the table.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// ksqlDB's name; empty if it is written with other functions.
    pub ksql: &'static str,
    /// The names a user may write, the preferred one first.
    pub names: &'static [&'static str],
    /// What it takes, the receiver first.
    pub arguments: &'static [Argument],
    /// How many of them must be there.
    pub required: usize,
    /// Whether the last may be repeated.
    pub rest: bool,
    /// What it gives.
    pub result: Gives,
    /// When it is NULL.
    pub nulls: Nulls,
    /// How it is written.
    pub form: Form,
    /// What it means, in a sentence.
    pub meaning: &'static str,
}

impl Function {
    /// The function's row.
    #[allow(
        clippy::indexing_slicing,
        reason = "the enum and the table are made of the same rows by one macro"
    )]
    pub const fn spec(self) -> &'static Spec {
        &table::SPECS[self as usize]
    }

    /// The name a user writes.
    pub const fn name(self) -> &'static str {
        match self.spec().names {
            [name, ..] => name,
            [] => self.spec().ksql,
        }
    }

    /// Whether it is written as a call in KSQL, and not with an operator.
    pub fn is_called(self) -> bool {
        match self.spec().form {
            Form::Call => true,
            Form::Template(template) => !template.starts_with('('),
        }
    }

    /// Whether it takes so many arguments, the receiver counted.
    pub const fn takes(self, arguments: usize) -> bool {
        let spec = self.spec();
        let most = spec.arguments.len();
        match self {
            // Either the usual masks, or one for each kind of character.
            Function::Mask => arguments == spec.required || arguments == most,
            _ => arguments >= spec.required && (spec.rest || arguments <= most),
        }
    }

    /// Whether a unit of time (`Unit::Hours`) stands before the other arguments in Rust.
    pub const fn takes_unit(self) -> bool {
        matches!(
            self,
            Function::TimestampAdd
                | Function::TimestampSub
                | Function::DateAdd
                | Function::DateSub
                | Function::TimeAdd
                | Function::TimeSub
        )
    }
}

#[cfg(test)]
mod tests;
