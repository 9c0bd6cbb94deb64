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

use super::parameter::Param;
use crate::codec::Dec;
use crate::ops::{Any, native};

/// A value that `ksql!` can take from around it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand in a `ksql!`",
    label = "no KSQL literal for this type",
    note = "values from around a condition are bool, i32, i64, f64, String, &str, Uuid, Decimal, Dec<P, S>, DateTime<Utc>, NaiveDate, NaiveTime and Vec<u8>; an `Option` is looked into before"
)]
pub trait Capture {
    /// What is kept of it.
    type Held: Clone + std::fmt::Debug + Send + Sync + 'static;

    /// Keeps it.
    fn hold(&self) -> Self::Held;

    /// The value.
    fn any(held: &Self::Held) -> Any<'_>;

    /// Its KSQL literal, of no stated type.
    ///
    /// # Errors
    /// Where there is none, with what is wrong.
    fn literal(held: &Self::Held) -> Result<String, String>;
}

/// That a captured value compares with what has this code.
#[diagnostic::on_unimplemented(
    message = "ksqlDB cannot compare this column with a `{Self}`",
    label = "a value of another kind",
    note = "numbers compare with numbers, texts with texts and times, times with times of their kind: convert one side, for example `limit as i64`"
)]
pub trait ComparesWith<const CODE: u8> {}

/// Stands where generated code asks whether a captured value compares with a column.
pub const fn compares<const CODE: u8, C: ComparesWith<CODE>>(_: &C) {}

/// A captured value of no stated type, as the code of a condition has its parameters.
#[derive(Debug)]
pub struct Bare<C: Capture>(C::Held);

impl<C: Capture> Clone for Bare<C> {
    fn clone(&self) -> Self {
        Bare(self.0.clone())
    }
}

impl<C: Capture> Bare<C> {
    /// Keeps a value.
    pub fn of(value: &C) -> Bare<C> {
        Bare(value.hold())
    }
}

impl<C: Capture + std::fmt::Debug + 'static> Param for Bare<C> {
    const TYPE: Type<'static> = Type::Unknown;

    #[inline]
    fn any(&self) -> Any<'_> {
        C::any(&self.0)
    }

    fn literal(&self) -> Result<String, String> {
        C::literal(&self.0)
    }
}

/// The text of a literal without the CAST that states its type.
fn plain(literal: Option<String>) -> Result<String, String> {
    let literal = literal.ok_or("only the years 0 to 9999 can be written")?;
    let inside = literal
        .strip_prefix("CAST(")
        .and_then(|inside| inside.rsplit_once(" AS "))
        .map(|(value, _)| value.to_owned());
    Ok(inside.unwrap_or(literal))
}

macro_rules! captures {
    ($([$($generics:tt)*] $ty:ty, $held:ty, [$($code:ident)*], |$value:ident| $hold:expr, $any:expr, $literal:expr;)*) => {$(
        impl<$($generics)*> Capture for $ty {
            type Held = $held;

            fn hold(&self) -> $held {
                let $value = self;
                $hold
            }

            #[inline]
            fn any($value: &$held) -> Any<'_> {
                $any
            }

            fn literal($value: &$held) -> Result<String, String> {
                $literal
            }
        }

        // What an error was reported of elsewhere compares with everything.
        impl<$($generics)*> ComparesWith<{ native::UNKNOWN }> for $ty {}
        captures!(@codes [$($generics)*] $ty, $($code)*);
    )*};
    (@codes [$($generics:tt)*] $ty:ty, ) => {};
    (@codes [$($generics:tt)*] $ty:ty, $code:ident $($rest:ident)*) => {
        impl<$($generics)*> ComparesWith<{ native::$code }> for $ty {}
        captures!(@codes [$($generics)*] $ty, $($rest)*);
    };
}

captures! {
    [] bool, bool, [BOOLEAN], |value| *value, Param::any(value), Param::literal(value);
    [] i32, i32, [INTEGER BIGINT DOUBLE DECIMAL WIDE], |value| *value, Param::any(value), Ok(literal_text::number(i64::from(*value)));
    [] i64, i64, [INTEGER BIGINT DOUBLE DECIMAL WIDE], |value| *value, Param::any(value), Ok(literal_text::number(*value));
    [] f64, f64, [INTEGER BIGINT DOUBLE DECIMAL WIDE], |value| *value, Param::any(value), Param::literal(value);
    [] Decimal, Decimal, [INTEGER BIGINT DOUBLE DECIMAL WIDE], |value| *value,
        Any::Decimal(value.mantissa(), value.scale()),
        literal_text::decimal(&value.to_string()).ok_or_else(|| format!("{value} is no decimal that can be written"));
    [const P: u32, const S: u32] Dec<P, S>, Dec<P, S>, [INTEGER BIGINT DOUBLE DECIMAL WIDE], |value| *value, Param::any(value),
        Param::literal(value);
    [] String, String, [STRING DATE TIME TIMESTAMP], |value| value.clone(), Any::String(value), Param::literal(value);
    [] &str, String, [STRING DATE TIME TIMESTAMP], |value| (*value).to_owned(), Any::String(value), Param::literal(value);
    [] Uuid, Uuid, [STRING], |value| *value, Param::any(value), Param::literal(value);
    [] Vec<u8>, Vec<u8>, [BYTES], |value| value.clone(), Any::Bytes(value), Param::literal(value);
    [] DateTime<Utc>, DateTime<Utc>, [TIMESTAMP DATE STRING], |value| *value, Param::any(value),
        plain(literal_text::timestamp(value.timestamp_millis()));
    [] NaiveDate, NaiveDate, [TIMESTAMP DATE STRING], |value| *value, Param::any(value), plain(Param::literal(value).ok());
    [] NaiveTime, NaiveTime, [TIME STRING], |value| *value, Param::any(value), plain(Param::literal(value).ok());
}
