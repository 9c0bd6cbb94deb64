//! Nodes: what is known of an expression before it runs - its SQL type and why it may be NULL.
//!
//! Invariant: a node is only ever made by the typing functions beside this module, which are ksqlDB's rules. What is wrong
//! is [`Sql::Unknown`], which silences whatever uses it: one mistake is one message, given by a `check_` of its own.

use super::column::is_key;
use crate::model::Column;
use crate::types::{Item, Struct, Type};

/// An expression: its type, why it may be NULL, and what else the checks ask.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Node {
    /// The type ksqlDB gives it.
    pub ty: Sql,
    /// Why it may be NULL.
    pub why: Why,
    /// Whether it may fail rather than be NULL: a failure ends the whole expression, a comparison around it included.
    pub fails: bool,
    /// Whether it is a bare literal, which takes the type of what stands beside it.
    pub bare: Bare,
    /// The model's type of the column whose values these are unchanged: what SQL has no type for (`i16`, `f32`, `Uuid`,
    /// enums) fits into such a field only if it came out of one.
    pub origin: Option<&'static Type<'static>>,
}

/// A type of ksqlDB's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sql {
    /// Wrong, or made of what is wrong: no check says anything of it.
    Unknown,
    /// A bare `NULL`, which has no type of its own.
    Null,
    /// `BOOLEAN`.
    Boolean,
    /// `INTEGER`: 32 bits.
    Integer,
    /// `BIGINT`: 64 bits.
    Bigint,
    /// `DOUBLE`.
    Double,
    /// `DECIMAL(p, s)`; of an intermediate result to [`Sql::MOST_DIGITS`] digits.
    Decimal {
        /// All digits.
        precision: u32,
        /// Digits after the point.
        scale: u32,
    },
    /// `STRING`.
    String,
    /// `BYTES`.
    Bytes,
    /// `DATE`.
    Date,
    /// `TIME`.
    Time,
    /// `TIMESTAMP`.
    Timestamp,
    /// `ARRAY<T>`.
    Array(Elem),
    /// `MAP<STRING, T>`.
    Map(Elem),
    /// `STRUCT<..>`.
    Struct(&'static Struct<'static>),
}

/// What a list or a map holds.
///
/// The keys of maps are always strings, so every type is some `ARRAY` and `MAP` around one scalar or struct: the layers are
/// three bits each, innermost highest, and a list of a computed type needs no place in memory of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Elem {
    layers: u32,
    base: Base,
    nullable: bool,
}

/// The innermost of an [`Elem`].
#[derive(Debug, Clone, Copy, PartialEq)]
enum Base {
    Unknown,
    Boolean,
    Integer,
    Bigint,
    Double,
    Decimal { precision: u32, scale: u32 },
    String,
    Bytes,
    Date,
    Time,
    Timestamp,
    Struct(&'static Struct<'static>),
}

/// Why an expression may be NULL. The first reason met in it stands for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It never is.
    Never,
    /// A NULL is written.
    Null,
    /// It reads a column that is an `Option`: the entity's and the field's Rust name.
    Column(&'static str, &'static str),
    /// A division of whole numbers, or its rest: by zero it is NULL.
    Division,
    /// A division of decimals: by zero or without an exact result it is NULL.
    DecimalDivision,
    /// A row of the optional side of an outer join.
    OuterJoin,
    /// A function that has no result for some arguments, by the name written.
    Function(&'static str),
    /// An aggregate without a value where all it saw was NULL or nothing.
    Aggregate(&'static str),
    /// A conversion that does not fit every value.
    Cast,
    /// An element that is out of range, missing, or NULL itself.
    Element,
    /// One of several arrays that become rows, where another is longer.
    Padded,
    /// A condition that is NULL, on which `if` has no branch.
    Case,
    /// A parameter that is an `Option`.
    Parameter(&'static str),
}

/// Whether an expression is a literal without a type of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bare {
    /// It is none.
    No,
    /// A whole number or a decimal with so many digits before the point.
    Number(u32),
    /// A text.
    Text,
}

/// The numbers [`Sql::code`] gives the kinds of types.
pub mod code {
    /// Wrong, or a bare NULL.
    pub const UNKNOWN: u8 = 0;
    /// `BOOLEAN`.
    pub const BOOLEAN: u8 = 1;
    /// `INTEGER`.
    pub const INTEGER: u8 = 2;
    /// `BIGINT`.
    pub const BIGINT: u8 = 3;
    /// `DOUBLE`.
    pub const DOUBLE: u8 = 4;
    /// `DECIMAL`.
    pub const DECIMAL: u8 = 5;
    /// `STRING`.
    pub const STRING: u8 = 6;
    /// `BYTES`.
    pub const BYTES: u8 = 7;
    /// `DATE`.
    pub const DATE: u8 = 8;
    /// `TIME`.
    pub const TIME: u8 = 9;
    /// `TIMESTAMP`.
    pub const TIMESTAMP: u8 = 10;
    /// `ARRAY`.
    pub const ARRAY: u8 = 11;
    /// `MAP`.
    pub const MAP: u8 = 12;
    /// `STRUCT`.
    pub const STRUCT: u8 = 13;
}

const ARRAY_LAYER: u32 = 1;
const MAP_LAYER: u32 = 2;
const NULLABLE_LAYER: u32 = 4;
const LAYER_BITS: u32 = 3;
const LAYER: u32 = 7;
/// Deeper than this a type is [`Sql::Unknown`].
const MOST_LAYERS: u32 = 10;

impl Elem {
    /// What holds values of a type; `nullable` if some of them may be NULL. A list deeper than ten levels is unknown.
    pub const fn new(ty: Sql, nullable: bool) -> Elem {
        let base = match ty {
            Sql::Unknown | Sql::Null => Base::Unknown,
            Sql::Boolean => Base::Boolean,
            Sql::Integer => Base::Integer,
            Sql::Bigint => Base::Bigint,
            Sql::Double => Base::Double,
            Sql::Decimal { precision, scale } => Base::Decimal { precision, scale },
            Sql::String => Base::String,
            Sql::Bytes => Base::Bytes,
            Sql::Date => Base::Date,
            Sql::Time => Base::Time,
            Sql::Timestamp => Base::Timestamp,
            Sql::Struct(record) => Base::Struct(record),
            Sql::Array(inner) => return inner.wrapped(ARRAY_LAYER, nullable),
            Sql::Map(inner) => return inner.wrapped(MAP_LAYER, nullable),
        };
        Elem {
            layers: 0,
            base,
            nullable,
        }
    }

    const fn wrapped(self, layer: u32, nullable: bool) -> Elem {
        if self.layers >> (LAYER_BITS * (MOST_LAYERS - 1)) != 0 {
            return Elem::new(Sql::Unknown, nullable);
        }
        let inner = if self.nullable { NULLABLE_LAYER } else { 0 };
        Elem {
            layers: self.layers << LAYER_BITS | layer | inner,
            base: self.base,
            nullable,
        }
    }

    /// The type of what is held.
    pub const fn ty(self) -> Sql {
        if self.layers != 0 {
            let inner = Elem {
                layers: self.layers >> LAYER_BITS,
                base: self.base,
                nullable: self.layers & NULLABLE_LAYER != 0,
            };
            return if self.layers & LAYER & !NULLABLE_LAYER == ARRAY_LAYER {
                Sql::Array(inner)
            } else {
                Sql::Map(inner)
            };
        }
        match self.base {
            Base::Unknown => Sql::Unknown,
            Base::Boolean => Sql::Boolean,
            Base::Integer => Sql::Integer,
            Base::Bigint => Sql::Bigint,
            Base::Double => Sql::Double,
            Base::Decimal { precision, scale } => Sql::Decimal { precision, scale },
            Base::String => Sql::String,
            Base::Bytes => Sql::Bytes,
            Base::Date => Sql::Date,
            Base::Time => Sql::Time,
            Base::Timestamp => Sql::Timestamp,
            Base::Struct(record) => Sql::Struct(record),
        }
    }

    /// Whether some of what is held may be NULL.
    pub const fn nullable(self) -> bool {
        self.nullable
    }
}

impl Sql {
    /// The most digits a decimal has anywhere in an expression: what 256 bits hold.
    pub const MOST_DIGITS: u32 = 76;

    /// The type of a model's type, as ksqlDB declares it.
    pub const fn of(ty: &Type<'static>) -> Sql {
        match ty {
            Type::Boolean => Sql::Boolean,
            Type::Int16 | Type::Int32 => Sql::Integer,
            Type::Int64 => Sql::Bigint,
            Type::Float32 | Type::Float64 => Sql::Double,
            Type::String | Type::Uuid | Type::Enum => Sql::String,
            Type::Bytes => Sql::Bytes,
            // Not stated yet: the derive has complained.
            Type::Decimal { precision: 0, .. } => Sql::Unknown,
            Type::Decimal { precision, scale } => Sql::Decimal {
                precision: *precision,
                scale: *scale,
            },
            Type::DateTime => Sql::Timestamp,
            Type::Date => Sql::Date,
            Type::Time => Sql::Time,
            Type::Array(Item { ty, nullable }) => Sql::Array(Elem::new(Sql::of(ty), *nullable)),
            Type::Map(Item { ty, nullable }) => Sql::Map(Elem::new(Sql::of(ty), *nullable)),
            Type::Struct(record) => Sql::Struct(record),
            Type::Unknown => Sql::Unknown,
        }
    }

    /// The kind as a number of [`code`].
    pub const fn code(self) -> u8 {
        match self {
            Sql::Unknown | Sql::Null => code::UNKNOWN,
            Sql::Boolean => code::BOOLEAN,
            Sql::Integer => code::INTEGER,
            Sql::Bigint => code::BIGINT,
            Sql::Double => code::DOUBLE,
            Sql::Decimal { .. } => code::DECIMAL,
            Sql::String => code::STRING,
            Sql::Bytes => code::BYTES,
            Sql::Date => code::DATE,
            Sql::Time => code::TIME,
            Sql::Timestamp => code::TIMESTAMP,
            Sql::Array(_) => code::ARRAY,
            Sql::Map(_) => code::MAP,
            Sql::Struct(_) => code::STRUCT,
        }
    }

    /// All digits of a decimal, else 0.
    pub const fn precision(self) -> u32 {
        match self {
            Sql::Decimal { precision, .. } => precision,
            _ => 0,
        }
    }

    /// The digits after a decimal's point, else 0.
    pub const fn scale(self) -> u32 {
        match self {
            Sql::Decimal { scale, .. } => scale,
            _ => 0,
        }
    }

    /// Whether nothing is said of it.
    pub const fn is_unknown(self) -> bool {
        matches!(self, Sql::Unknown)
    }

    /// Whether it is a number.
    pub const fn is_number(self) -> bool {
        matches!(
            self,
            Sql::Integer | Sql::Bigint | Sql::Double | Sql::Decimal { .. }
        )
    }

    /// Precision and scale of a number that is no double, as ksqlDB counts: INTEGER is (10, 0), BIGINT (19, 0).
    pub const fn digits(self) -> Option<(u32, u32)> {
        match self {
            Sql::Integer => Some((10, 0)),
            Sql::Bigint => Some((19, 0)),
            Sql::Decimal { precision, scale } => Some((precision, scale)),
            _ => None,
        }
    }

    /// Whether two types are one; whether elements may be NULL does not count, for SQL does not know. Unknown is like all.
    pub const fn same(self, other: Sql) -> bool {
        match (self, other) {
            (Sql::Unknown, _) | (_, Sql::Unknown) => true,
            (
                Sql::Decimal { precision, scale },
                Sql::Decimal {
                    precision: other_precision,
                    scale: other_scale,
                },
            ) => precision == other_precision && scale == other_scale,
            (Sql::Array(one), Sql::Array(two)) | (Sql::Map(one), Sql::Map(two)) => {
                one.ty().same(two.ty())
            }
            (Sql::Struct(one), Sql::Struct(two)) => same_fields(one, two),
            (Sql::Null, Sql::Null) => true,
            _ => self.code() == other.code() && self.code() != code::UNKNOWN,
        }
    }
}

const fn same_fields(one: &Struct<'static>, two: &Struct<'static>) -> bool {
    let (mut one, mut two) = (one.fields, two.fields);
    while let ([a, a_rest @ ..], [b, b_rest @ ..]) = (one, two) {
        if crate::names::hash(a.sql_name) != crate::names::hash(b.sql_name)
            || !Sql::of(&a.ty).same(Sql::of(&b.ty))
        {
            return false;
        }
        (one, two) = (a_rest, b_rest);
    }
    one.is_empty() && two.is_empty()
}

/// One of several nodes; unknown where there are fewer.
pub const fn at(nodes: &[Node], index: usize) -> Node {
    let mut rest = nodes;
    let mut before = index;
    while let [node, more @ ..] = rest {
        if before == 0 {
            return *node;
        }
        rest = more;
        before -= 1;
    }
    Node::UNKNOWN
}

impl Why {
    /// Whether there is a reason.
    pub const fn is_nullable(self) -> bool {
        !matches!(self, Why::Never)
    }

    /// This reason, or the other one where there is none.
    pub const fn or(self, other: Why) -> Why {
        match self {
            Why::Never => other,
            why => why,
        }
    }
}

impl Node {
    /// What is wrong, of which nothing more is said.
    pub const UNKNOWN: Node = Node::new(Sql::Unknown, Why::Never);

    /// A value of a type.
    pub const fn new(ty: Sql, why: Why) -> Node {
        Node {
            ty,
            why,
            fails: false,
            bare: Bare::No,
            origin: None,
        }
    }

    /// The same value, which fails where it would be NULL: an operator's result, which needs a value of each operand.
    pub const fn failing(self) -> Node {
        Node {
            fails: self.nullable(),
            ..self
        }
    }

    /// The same value where a failure is a NULL in its place.
    pub const fn lenient(self) -> Node {
        Node {
            fails: false,
            ..self
        }
    }

    /// Why it may fail, if it may.
    pub const fn failure(self) -> Why {
        if self.fails { self.why } else { Why::Never }
    }

    /// A model's type of its values; unknown of a list or a map that is no column's.
    pub const fn model(self) -> Type<'static> {
        match (self.ty, self.origin) {
            (Sql::Boolean, _) => Type::Boolean,
            (Sql::Integer, _) => Type::Int32,
            (Sql::Bigint, _) => Type::Int64,
            (Sql::Double, _) => Type::Float64,
            (Sql::Decimal { precision, scale }, _) => Type::Decimal { precision, scale },
            (Sql::String, _) => Type::String,
            (Sql::Bytes, _) => Type::Bytes,
            (Sql::Date, _) => Type::Date,
            (Sql::Time, _) => Type::Time,
            (Sql::Timestamp, _) => Type::DateTime,
            (Sql::Struct(record), _) => Type::Struct(record),
            (Sql::Array(_) | Sql::Map(_), Some(ty)) => *ty,
            (Sql::Array(_) | Sql::Map(_) | Sql::Unknown | Sql::Null, _) => Type::Unknown,
        }
    }

    /// The kind as a number of [`code`].
    pub const fn code(self) -> u8 {
        self.ty.code()
    }

    /// All digits of a decimal, else 0.
    pub const fn precision(self) -> u32 {
        self.ty.precision()
    }

    /// The digits after a decimal's point, else 0.
    pub const fn scale(self) -> u32 {
        self.ty.scale()
    }

    /// Whether it may be NULL.
    pub const fn nullable(self) -> bool {
        self.why.is_nullable()
    }

    /// Whether nothing is said of it.
    pub const fn is_unknown(self) -> bool {
        self.ty.is_unknown()
    }

    /// What a record's key is given: where it is NULL the record has none.
    #[must_use]
    pub const fn unless_key(self, columns: &[Column<'_>], hash: u64) -> Node {
        match is_key(columns, hash) {
            true => self.not_null(),
            false => self,
        }
    }

    /// The same value where it is known not to be NULL: a part of a grouping key.
    pub const fn not_null(self) -> Node {
        Node {
            why: Why::Never,
            fails: false,
            ..self
        }
    }

    /// The same value as a part of a group's key, where it is never NULL; of a type that no key has it is unknown, for the
    /// grouping was refused.
    pub const fn key(self) -> Node {
        match self.ty {
            Sql::Integer | Sql::Bigint | Sql::String => self.not_null(),
            _ => Node::UNKNOWN,
        }
    }

    /// The same value with one more reason to be NULL.
    pub const fn or_null(self, why: Why) -> Node {
        Node {
            why: self.why.or(why),
            ..self
        }
    }

    /// The same value read from the optional side of an outer join.
    pub const fn outer(self) -> Node {
        self.or_null(Why::OuterJoin)
    }

    /// The same value as an expression of its own: no literal, no column.
    pub const fn plain(self) -> Node {
        Node {
            fails: self.fails,
            ..Node::new(self.ty, self.why)
        }
    }

    /// What a list or map of this type holds, as a node; unknown if it holds nothing.
    pub const fn element(self) -> Node {
        match self.ty {
            Sql::Array(elem) | Sql::Map(elem) => Node::new(
                elem.ty(),
                if elem.nullable() {
                    Why::Element
                } else {
                    Why::Never
                },
            ),
            _ => Node::UNKNOWN,
        }
    }
}

#[cfg(test)]
mod tests;
