//! Parameters of a query: values that the program gives when it registers one.
//!
//! Invariant: a parameter's SQL type is that of its Rust type, never that of its value, so that the same query has one plan.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Timelike, Utc};
use ksql_schema::Type;
use ksql_schema::query::node::Sql;
use ksql_schema::query::{literal_text, words};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::codec::{Date, Dec, Time};
use crate::ops::{Any, Operand, decimal};

/// A type a query's parameter can have.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of a query",
    label = "no KSQL literal for this type",
    note = "parameters are bool, i32, i64, f64, String, Vec<u8>, Uuid, Dec<P, S>, Decimal with `#[decimal_precision]`, DateTime<Utc>, NaiveDate, NaiveTime, and Option of these"
)]
pub trait Param: Clone + std::fmt::Debug + Send + Sync + 'static {
    /// Its type.
    const TYPE: Type<'static>;
    /// Whether it is an `Option`.
    const OPTIONAL: bool = false;

    /// The value.
    fn any(&self) -> Any<'_>;

    /// Its KSQL literal.
    ///
    /// # Errors
    /// Where there is none, with what is wrong.
    fn literal(&self) -> Result<String, String>;
}

macro_rules! parameters {
    ($([$($generics:tt)*] $ty:ty, $column:expr, |$value:ident| $any:expr, $literal:expr;)*) => {$(
        #[diagnostic::do_not_recommend]
        impl<$($generics)*> Param for $ty {
            const TYPE: Type<'static> = $column;

            #[inline]
            fn any(&self) -> Any<'_> {
                let $value = self;
                $any
            }

            fn literal(&self) -> Result<String, String> {
                let $value = self;
                $literal
            }
        }
    )*};
}

const FAR: &str = "only the years 0 to 9999 can be written";

parameters! {
    [] bool, Type::Boolean, |value| Any::Boolean(*value), Ok(literal_text::boolean(*value));
    [] i32, Type::Int32, |value| Any::Integer(*value), Ok(literal_text::integer(*value));
    [] i64, Type::Int64, |value| Any::Bigint(*value), Ok(literal_text::bigint(*value));
    [] f64, Type::Float64, |value| Any::Double(*value),
        literal_text::double(*value).ok_or_else(|| format!("{value} is no number that can be written, only finite ones are"));
    [] String, Type::String, |value| Any::String(value), Ok(literal_text::string(value));
    [] Uuid, Type::String, |value| Any::Uuid(*value), Ok(literal_text::string(&value.hyphenated().to_string()));
    [] Vec<u8>, Type::Bytes, |value| Any::Bytes(value), Ok(literal_text::bytes(value));
    [const P: u32, const S: u32] Dec<P, S>, Type::Decimal { precision: P, scale: S }, |value| Operand::any(*value),
        Ok(literal_text::sized_decimal(value.unscaled(), P, S));
    [] DateTime<Utc>, Type::DateTime, |value| Any::Timestamp(value.timestamp_millis()),
        literal_text::timestamp(value.timestamp_millis()).ok_or_else(|| FAR.to_owned());
    [] NaiveDate, Type::Date, |value| Any::Date(days(*value).0), literal_text::date(days(*value).0).ok_or_else(|| FAR.to_owned());
    [] NaiveTime, Type::Time, |value| Any::Time(millis(*value).0),
        literal_text::time(millis(*value).0).ok_or_else(|| "no time of day".to_owned());
}

fn days(date: NaiveDate) -> Date {
    Date(date.num_days_from_ce() - EPOCH)
}

/// 1970-01-01, counted from the year 1.
const EPOCH: i32 = 719_163;

fn millis(time: NaiveTime) -> Time {
    let millis = time.num_seconds_from_midnight() * 1000 + time.nanosecond() / 1_000_000;
    // A leap second has up to 1999 of them: the last one of the day is what there is.
    Time(i32::try_from(millis.min(86_399_999)).unwrap_or_default())
}

#[diagnostic::do_not_recommend]
impl<T: Param> Param for Option<T> {
    const TYPE: Type<'static> = T::TYPE;
    const OPTIONAL: bool = true;

    #[inline]
    fn any(&self) -> Any<'_> {
        self.as_ref().map_or(Any::Null, T::any)
    }

    fn literal(&self) -> Result<String, String> {
        match self {
            Some(value) => value.literal(),
            None => Ok(literal_text::null(Sql::of(&T::TYPE))),
        }
    }
}

/// A `Decimal` with the size its attribute states.
#[derive(Debug, Clone, PartialEq)]
pub struct SizedDecimal<const P: u32, const S: u32> {
    given: Decimal,
    /// Nothing where the value does not fit, which stops the query before it runs.
    held: Option<Dec<P, S>>,
}

impl<const P: u32, const S: u32> From<Decimal> for SizedDecimal<P, S> {
    fn from(given: Decimal) -> Self {
        let held =
            decimal::rescale(given.mantissa(), given.scale(), S).and_then(Dec::from_unscaled);
        SizedDecimal { given, held }
    }
}

#[diagnostic::do_not_recommend]
impl<const P: u32, const S: u32> Param for SizedDecimal<P, S> {
    const TYPE: Type<'static> = Type::Decimal {
        precision: P,
        scale: S,
    };

    #[inline]
    fn any(&self) -> Any<'_> {
        self.held.any()
    }

    fn literal(&self) -> Result<String, String> {
        match self.held {
            Some(held) => Ok(literal_text::sized_decimal(held.unscaled(), P, S)),
            None => Err(format!(
                "{} is no {}: round it, or state more digits",
                self.given,
                words::sql_text(Sql::Decimal {
                    precision: P,
                    scale: S
                })
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;

    #[test]
    fn a_literal_states_the_type_and_not_the_value() {
        assert_eq!(5_i64.literal().unwrap(), "CAST(5 AS BIGINT)");
        assert_eq!(5_i32.literal().unwrap(), "5");
        assert_eq!("it's".to_owned().literal().unwrap(), "'it''s'");
        assert_eq!(None::<i64>.literal().unwrap(), "CAST(NULL AS BIGINT)");
        assert_eq!(1.5_f64.literal().unwrap(), "1.5E0");
        assert!(f64::NAN.literal().is_err());
        let limit = SizedDecimal::<18, 4>::from(Decimal::new(15, 1));
        assert_eq!(limit.literal().unwrap(), "CAST(1.5000 AS DECIMAL(18, 4))");
    }

    #[test]
    fn a_surplus_digit_is_an_error_and_not_cut() {
        let limit = SizedDecimal::<4, 2>::from(Decimal::new(1005, 3));
        assert_eq!(
            limit.literal().unwrap_err(),
            "1.005 is no DECIMAL(4, 2): round it, or state more digits"
        );
        assert!(
            SizedDecimal::<4, 2>::from(Decimal::new(100, 0))
                .literal()
                .is_err()
        );
    }

    #[test]
    fn days_and_times_are_those_of_columns() {
        let day = NaiveDate::from_ymd_opt(1970, 1, 2).unwrap();
        assert!(matches!(Param::any(&day), Any::Date(1)));
        assert_eq!(day.literal().unwrap(), "CAST('1970-01-02' AS DATE)");
        let time = NaiveTime::from_hms_milli_opt(1, 0, 0, 5).unwrap();
        assert!(matches!(Param::any(&time), Any::Time(3_600_005)));
    }
}
