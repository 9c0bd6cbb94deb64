//! Decimals, dates and times: as numbers and as formatted text.

use ksql_runtime::prelude::*;

/// A decimal behind an alias: what it is, is seen by the compiler only.
pub type Money = Dec<18, 4>;

/// Decimals of both kinds, from the narrowest to the widest.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("decimals")]
#[table]
#[entity(namespace = "test.all")]
pub struct Decimals {
    #[key]
    pub id: String,
    #[decimal_precision(12, 3)]
    pub price: Decimal,
    #[decimal_precision(9, 2)]
    pub discount: Option<Decimal>,
    #[decimal_precision(28, 0)]
    pub whole: Decimal,
    #[decimal_precision(28, 28)]
    pub part: Decimal,
    pub digit: Dec<1, 0>,
    pub total: Money,
    pub wide: Dec<38, 10>,
    pub narrow: Option<Dec<5, 5>>,
    pub tiny: Option<Dec<38, 38>>,
}

/// Moments, dates and times of day as numbers.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("times")]
#[stream]
#[entity(namespace = "test.all")]
pub struct Times {
    #[key]
    pub id: Uuid,
    #[timestamp]
    pub at: DateTime<Utc>,
    #[avro_timestamp]
    pub there: DateTime<FixedOffset>,
    pub day: NaiveDate,
    pub time: NaiveTime,
    pub at_or_not: Option<DateTime<Utc>>,
    pub there_or_not: Option<DateTime<FixedOffset>>,
    pub day_or_not: Option<NaiveDate>,
    pub time_or_not: Option<NaiveTime>,
}

/// Moments, dates and times of day as text.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("formatted")]
#[stream]
#[entity(namespace = "test.all")]
pub struct Formatted {
    #[key]
    pub id: i32,
    #[datetime_format("yyyy-MM-dd HH:mm:ss.SSS")]
    pub at: DateTime<Utc>,
    #[datetime_format("yyyyMMddHHmmssSSS")]
    pub there: DateTime<FixedOffset>,
    #[datetime_format("dd MMM yyyy")]
    pub day: NaiveDate,
    #[datetime_format("hh:mm:ss.SSSSSSSSS a")]
    pub time: NaiveTime,
    #[timestamp]
    #[datetime_format("yyyy-MM-dd'T'HH:mm:ss")]
    pub text: String,
}

/// The same as `Option`s.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("optional-formatted")]
#[stream]
#[entity(namespace = "test.all")]
pub struct OptionalFormatted {
    #[key]
    pub id: i32,
    #[datetime_format("yyyy-MM-dd HH:mm:ss.SSS")]
    pub at: Option<DateTime<Utc>>,
    #[datetime_format("d.M.yyyy 'at' H:m:s.SSS")]
    pub there: Option<DateTime<FixedOffset>>,
    #[datetime_format("uuuu/MM/dd")]
    pub day: Option<NaiveDate>,
    #[datetime_format("HHmmssSSSSSSSSS")]
    pub time: Option<NaiveTime>,
    #[datetime_format("yyyy-MM-dd")]
    pub text: Option<String>,
}
