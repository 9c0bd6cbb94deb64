//! Values from around a `ksql!`: cloned into the condition, literals in its text.
//!
//! A constant cannot see the type of a local, so that one that is only compared is compared as it is, and its literal is the plain
//! one: `5`, not `CAST(5 AS BIGINT)`, which a pull query takes beside keys and windows' bounds too. Whether the two compare is
//! asked by a trait. Whatever else is done with one needs its type: `limit as i64`.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use ksql_schema::Type;
use ksql_schema::query::literal_text;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::parameter::{Param, SizedDecimal};
use crate::codec::Dec;
use crate::ops::{Any, native};

/// A value of no stated type, as the code of a condition has its parameters.
#[derive(Debug, Clone)]
pub enum Held {
    /// A truth.
    Boolean(bool),
    /// A whole number of 32 bits.
    Integer(i32),
    /// A whole number of 64 bits.
    Bigint(i64),
    /// A double.
    Double(f64),
    /// A decimal of as many digits as it has.
    Decimal(Decimal),
    /// A decimal to 38 digits: unscaled value, precision, scale.
    Sized(i128, u32, u32),
    /// A text.
    Text(String),
    /// A UUID, which is a text in KSQL.
    Uuid(Uuid),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A moment.
    Timestamp(DateTime<Utc>),
    /// A day.
    Date(NaiveDate),
    /// A time of day.
    Time(NaiveTime),
}

impl Param for Held {
    const TYPE: Type<'static> = Type::Unknown;

    #[inline]
    fn any(&self) -> Any<'_> {
        match self {
            Held::Boolean(value) => value.any(),
            Held::Integer(value) => value.any(),
            Held::Bigint(value) => value.any(),
            Held::Double(value) => value.any(),
            Held::Decimal(value) => Any::Decimal(value.mantissa(), value.scale()),
            Held::Sized(unscaled, _, scale) => Any::Decimal(*unscaled, *scale),
            Held::Text(value) => Any::String(value),
            Held::Uuid(value) => value.any(),
            Held::Bytes(value) => Any::Bytes(value),
            Held::Timestamp(value) => value.any(),
            Held::Date(value) => value.any(),
            Held::Time(value) => value.any(),
        }
    }

    fn literal(&self) -> Result<String, String> {
        match self {
            Held::Boolean(value) => value.literal(),
            Held::Integer(value) => Ok(literal_text::number((*value).into())),
            Held::Bigint(value) => Ok(literal_text::number(*value)),
            Held::Double(value) => value.literal(),
            Held::Decimal(value) => literal_text::decimal(&value.to_string())
                .ok_or_else(|| format!("{value} is no decimal that can be written")),
            Held::Sized(unscaled, precision, scale) => {
                Ok(literal_text::sized_decimal(*unscaled, *precision, *scale))
            }
            Held::Text(value) => value.literal(),
            Held::Uuid(value) => value.literal(),
            Held::Bytes(value) => value.literal(),
            Held::Timestamp(value) => value.literal().map(plain),
            Held::Date(value) => value.literal().map(plain),
            Held::Time(value) => value.literal().map(plain),
        }
    }
}

/// The text of a literal without the CAST that states its type: ksqlDB reads a text beside a time as one.
fn plain(literal: String) -> String {
    literal
        .strip_prefix("CAST(")
        .and_then(|inside| inside.rsplit_once(" AS "))
        .map_or(literal.clone(), |(value, _)| value.to_owned())
}

/// A value that `ksql!` can take from around it, and that compares with what has this code.
#[diagnostic::on_unimplemented(
    message = "ksqlDB cannot compare this with a `{Self}`",
    label = "a value of another kind",
    note = "numbers (i32, i64, f64, Decimal, Dec) compare with numbers; texts (String, &str, Uuid) with texts; DateTime<Utc>, NaiveDate and NaiveTime with times and texts; bool with bool, Vec<u8> with bytes",
    note = "convert the value before, or the column: `.to_string()`, `as i64`; an `Option` is looked into before"
)]
pub trait ComparesWith<const CODE: u8> {
    /// Keeps the value.
    fn held(&self) -> Held;

    /// Asks and does nothing.
    #[inline]
    fn compares(&self) {}
}

macro_rules! captures {
    ($([$($generics:tt)*] $ty:ty, [$($code:ident)*], |$value:ident| $held:expr;)*) => {$(
        captures!(@codes [$($generics)*] $ty, |$value| $held, UNKNOWN $($code)*);
    )*};
    (@codes [$($generics:tt)*] $ty:ty, |$value:ident| $held:expr, ) => {};
    (@codes [$($generics:tt)*] $ty:ty, |$value:ident| $held:expr, $code:ident $($rest:ident)*) => {
        #[diagnostic::do_not_recommend]
        impl<$($generics)*> ComparesWith<{ native::$code }> for $ty {
            fn held(&self) -> Held {
                let $value = self;
                $held
            }
        }
        captures!(@codes [$($generics)*] $ty, |$value| $held, $($rest)*);
    };
}

// Beside what an error was reported of elsewhere, UNKNOWN, everything stands.
captures! {
    [] bool, [BOOLEAN], |value| Held::Boolean(*value);
    [] i32, [INTEGER BIGINT DOUBLE DECIMAL WIDE], |value| Held::Integer(*value);
    [] i64, [INTEGER BIGINT DOUBLE DECIMAL WIDE], |value| Held::Bigint(*value);
    [] f64, [INTEGER BIGINT DOUBLE DECIMAL WIDE], |value| Held::Double(*value);
    [] Decimal, [INTEGER BIGINT DOUBLE DECIMAL WIDE], |value| Held::Decimal(*value);
    [const P: u32, const S: u32] Dec<P, S>, [INTEGER BIGINT DOUBLE DECIMAL WIDE], |value| Held::Sized(value.unscaled(), P, S);
    [] String, [STRING DATE TIME TIMESTAMP], |value| Held::Text(value.clone());
    [] &str, [STRING DATE TIME TIMESTAMP], |value| Held::Text((*value).to_owned());
    [] Uuid, [STRING], |value| Held::Uuid(*value);
    [] Vec<u8>, [BYTES], |value| Held::Bytes(value.clone());
    [] DateTime<Utc>, [TIMESTAMP DATE STRING], |value| Held::Timestamp(*value);
    [] NaiveDate, [TIMESTAMP DATE STRING], |value| Held::Date(*value);
    [] NaiveTime, [TIME STRING], |value| Held::Time(*value);
}

/// That a type said of a captured value holds it, whatever it is.
#[diagnostic::on_unimplemented(
    message = "not every `{Self}` is of the type that is said of this one",
    label = "say a type that holds it",
    note = "`as i64` takes i32 and i64, `as f64` i32 and f64, `as Decimal<18, 4>` a Decimal, `as String` texts, others themselves: convert the value before"
)]
pub trait Says<T> {
    /// The value as one of that type.
    fn say(&self) -> T;
}

macro_rules! says {
    ($([$($generics:tt)*] $from:ty => $to:ty;)*) => {$(
        #[diagnostic::do_not_recommend]
        impl<$($generics)*> Says<$to> for $from {
            fn say(&self) -> $to {
                self.clone().into()
            }
        }
    )*};
}

says! {
    [] bool => bool;
    [] i32 => i32;
    [] i32 => i64;
    [] i64 => i64;
    [] i32 => f64;
    [] f64 => f64;
    [const P: u32, const S: u32] Decimal => SizedDecimal<P, S>;
    [] String => String;
    [] NaiveDate => NaiveDate;
    [] NaiveTime => NaiveTime;
    [] DateTime<Utc> => DateTime<Utc>;
}

#[diagnostic::do_not_recommend]
impl Says<String> for &str {
    fn say(&self) -> String {
        (*self).to_owned()
    }
}
