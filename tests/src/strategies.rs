//! Made-up values of every type and entity, with the edges (NaN, extremes, empty and odd text) drawn often.

use std::collections::{BTreeMap, HashMap};

use ksql_runtime::prelude::*;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use crate::entities::*;

/// How many cases a property is tried on; failures leave no files behind.
pub fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// A type whose values can be made up.
pub trait Sample: std::fmt::Debug + Clone + Sized + 'static {
    /// Its values.
    fn sample() -> BoxedStrategy<Self>;
}

macro_rules! samples {
    ($($ty:ty: $strategy:expr;)*) => {
        $(impl Sample for $ty {
            fn sample() -> BoxedStrategy<Self> {
                $strategy.boxed()
            }
        })*
    };
}

samples! {
    bool: any::<bool>();
    u8: Just(0);
    i16: prop_oneof![4 => any::<i16>(), 1 => Just(i16::MIN), 1 => Just(i16::MAX)];
    i32: prop_oneof![4 => any::<i32>(), 1 => -70_i32..70, 1 => Just(i32::MIN), 1 => Just(i32::MAX)];
    i64: prop_oneof![4 => any::<i64>(), 1 => -70_i64..70, 1 => Just(i64::MIN), 1 => Just(i64::MAX)];
    f32: prop_oneof![4 => any::<f32>(), 1 => any::<u32>().prop_map(f32::from_bits), 1 => prop::sample::select(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, f32::MIN_POSITIVE])];
    f64: prop_oneof![4 => any::<f64>(), 1 => any::<u64>().prop_map(f64::from_bits), 1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, f64::MIN_POSITIVE])];
    String: prop_oneof![4 => any::<String>(), 2 => "[a-zé\0 \u{10000}]{0,5}", 1 => Just(String::new())];
    Uuid: any::<u128>().prop_map(Uuid::from_u128);
    Vec<u8>: vec(any::<u8>(), 0..20);
    DateTime<Utc>: prop_oneof![
        4 => -60_000_000_000_000_i64..250_000_000_000_000,
        1 => Just(DateTime::<Utc>::MIN_UTC.timestamp_millis()),
        1 => Just(DateTime::<Utc>::MAX_UTC.timestamp_millis()),
    ].prop_map(|millis| DateTime::from_timestamp_millis(millis).unwrap_or_default());
    // At no offset: it is not kept, and its loss has a test of its own.
    DateTime<FixedOffset>: <DateTime<Utc>>::sample().prop_map(|at| at.fixed_offset());
    NaiveDate: prop_oneof![4 => -700_000_i64..3_000_000, 1 => -90_000_000_i64..90_000_000].prop_map(|days| NaiveDate::default() + chrono::Duration::days(days));
    NaiveTime: (0_i64..86_400_000).prop_map(|millis| NaiveTime::MIN + chrono::Duration::milliseconds(millis));
    State: prop::sample::select(vec![State::Open, State::Paid, State::r#loop]);
}

impl<T: Sample> Sample for Option<T> {
    fn sample() -> BoxedStrategy<Self> {
        prop::option::of(T::sample()).boxed()
    }
}

impl<const P: u32, const S: u32> Sample for Dec<P, S> {
    fn sample() -> BoxedStrategy<Self> {
        let most = 10_i128.pow(P) - 1;
        prop_oneof![4 => -most..=most, 1 => -300_i128..300, 1 => Just(most), 1 => Just(-most)]
            .prop_map(move |unscaled| Dec::new(unscaled.clamp(-most, most)).unwrap_or_default())
            .boxed()
    }
}

/// Vectors of anything but bytes: short ones, since it is their items that differ.
macro_rules! arrays {
    ($($ty:ty),*) => {
        $(impl Sample for Vec<$ty> {
            fn sample() -> BoxedStrategy<Self> {
                vec(<$ty>::sample(), 0..4).boxed()
            }
        })*
    };
}

arrays!(
    i32,
    i64,
    bool,
    Option<bool>,
    Option<String>,
    Vec<u8>,
    Vec<i64>,
    DateTime<Utc>,
    Option<Dec<9, 2>>,
    State,
    Place,
    Option<Line>,
    Values
);

impl<T: Sample> Sample for BTreeMap<String, T> {
    fn sample() -> BoxedStrategy<Self> {
        // One entry at most: apache-avro writes the entries of a map in an order of its own.
        btree_map(String::sample(), T::sample(), 0..2).boxed()
    }
}

impl<T: Sample> Sample for HashMap<String, T> {
    fn sample() -> BoxedStrategy<Self> {
        BTreeMap::<String, T>::sample()
            .prop_map(|map| map.into_iter().collect())
            .boxed()
    }
}

/// The strategy of a field, its type taken from the struct.
fn of<R, T: Sample>(_: fn(&R) -> &T) -> BoxedStrategy<T> {
    T::sample()
}

macro_rules! records {
    ($($name:ident { $($field:ident),* $(,)? })*) => {
        $(impl Sample for $name {
            fn sample() -> BoxedStrategy<Self> {
                ($(of(|record: &$name| &record.$field),)*).prop_map(|($($field,)*)| $name { $($field),* }).boxed()
            }
        })*
    };
}

records! {
    Place { street, zip, at }
    Line { from, to, stops, fares, state }
    Values { group, r#in, not }
    Scalars { id, flag, small, int, long, single, double, text, uuid, raw, cached }
    OptionalScalars { id, flag, small, int, long, single, double, text, uuid, raw }
    Times { id, at, there, day, time, at_or_not, there_or_not, day_or_not, time_or_not }
    Collections { id, numbers, flags, tags, blobs, table, moments, counts, weights, names, prices, states }
    Nested { id, place, home, places, by_name, line, lines, state, before }
    Composite { region, shelf, name, batch, at, note, part }
    Select { from, to, size, values, end, query, r#type, topic, r#where, timestamp, key, _hidden }
}

/// A `Decimal` of so many digits, at its own scale or a shorter one.
fn decimal(precision: u32, scale: u32) -> BoxedStrategy<Decimal> {
    let most = 10_i128.pow(precision) - 1;
    prop_oneof![4 => -most..=most, 1 => -99_i128..99, 1 => Just(most), 1 => Just(-most), 1 => Just(0)]
        .prop_map(move |unscaled| Decimal::from_i128_with_scale(unscaled.clamp(-most, most), scale))
        .boxed()
}

impl Sample for Decimals {
    fn sample() -> BoxedStrategy<Self> {
        (
            (
                String::sample(),
                decimal(12, 3),
                prop::option::of(decimal(9, 2)),
                decimal(28, 0),
                decimal(28, 28),
            ),
            (
                Sample::sample(),
                Sample::sample(),
                Sample::sample(),
                Sample::sample(),
                Sample::sample(),
            ),
        )
            .prop_map(
                |((id, price, discount, whole, part), (digit, total, wide, narrow, tiny))| {
                    Decimals {
                        id,
                        price,
                        discount,
                        whole,
                        part,
                        digit,
                        total,
                        wide,
                        narrow,
                        tiny,
                    }
                },
            )
            .boxed()
    }
}

impl Sample for Limits {
    fn sample() -> BoxedStrategy<Self> {
        (
            "\\PC{0,8}",
            any::<bool>(),
            i16::sample(),
            i32::sample(),
            i64::sample(),
            f32::sample(),
            f64::sample(),
            String::sample(),
            "\\PC{0,4}",
            prop::option::of(vec(any::<u8>(), 0..4)),
        )
            .prop_map(
                |(id, flag, small, int, long, single, double, text, short, raw)| Limits {
                    id,
                    flag,
                    small,
                    int,
                    long,
                    single,
                    double,
                    text,
                    short,
                    raw,
                },
            )
            .boxed()
    }
}

/// Moments that patterns with a year of four digits hold.
pub fn moments() -> impl Strategy<Value = DateTime<Utc>> {
    let most = 253_402_300_799_999_i64;
    prop_oneof![4 => -62_135_596_800_000_i64..=most, 1 => Just(-62_135_596_800_000), 1 => Just(most)]
        .prop_map(|millis| DateTime::from_timestamp_millis(millis).unwrap_or_default())
}

fn times() -> impl Strategy<Value = NaiveTime> {
    (0_u32..86_400, 0_u32..1_000_000_000).prop_map(|(seconds, nanos)| {
        NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanos).unwrap_or_default()
    })
}

impl Sample for Formatted {
    fn sample() -> BoxedStrategy<Self> {
        (
            i32::sample(),
            moments(),
            moments(),
            moments(),
            times(),
            moments(),
        )
            .prop_map(|(id, at, there, day, time, text)| Formatted {
                id,
                at,
                time,
                there: there.fixed_offset(),
                day: day.date_naive(),
                text: text.format("%Y-%m-%dT%H:%M:%S").to_string(),
            })
            .boxed()
    }
}

impl Sample for OptionalFormatted {
    fn sample() -> BoxedStrategy<Self> {
        (Formatted::sample(), any::<[bool; 5]>())
            .prop_map(|(full, [at, there, day, time, text])| OptionalFormatted {
                id: full.id,
                at: at.then_some(full.at),
                there: there.then_some(full.there),
                day: day.then_some(full.day),
                time: time.then_some(full.time),
                text: text.then(|| full.day.format("%Y-%m-%d").to_string()),
            })
            .boxed()
    }
}
