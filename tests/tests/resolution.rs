//! What other schemas wrote, read as our entities: evolution pairs with apache-avro as writer and, where its own
//! resolution is right, as oracle for the bytes.

#![allow(missing_docs)]
#![allow(deprecated, reason = "the oracle: its one-call functions are enough")]

use std::collections::BTreeMap;

use apache_avro::types::Value as Avro;
use apache_avro::{Schema, from_avro_datum, to_avro_datum};
use ksql_runtime::codec::resolve::{Part, Plan};
use ksql_runtime::prelude::*;
use proptest::prelude::*;

#[derive(Debug, Clone, PartialEq, Struct)]
pub struct Place {
    pub street: String,
    pub zip: Option<i32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum State {
    Open,
    Paid,
}

/// A writer's schema of one field `v`, unless other fields are given as JSON.
fn schema_of(v: &str) -> String {
    format!(
        r#"{{"type":"record","name":"W","namespace":"w","fields":[{{"name":"v","type":{v}}}]}}"#
    )
}

/// What apache-avro writes.
fn written(schema: &str, fields: Vec<(&str, Avro)>) -> Vec<u8> {
    let schema = Schema::parse_str(schema).expect("the writer's schema parses");
    let fields = fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    to_avro_datum(&schema, Avro::Record(fields)).expect("the writer writes")
}

fn some(branch: u32, value: Avro) -> Avro {
    Avro::Union(branch, Box::new(value))
}

/// The body in the entity's own form, or why not.
fn read<T: Entity>(schema: &str, body: &[u8]) -> Result<Vec<u8>, String> {
    let plan = Plan::build(schema, T::MODEL, Part::Value).map_err(|error| error.to_string())?;
    let mut out = Vec::new();
    plan.transcode(body, &mut out)
        .map_err(|error| error.to_string())?;
    T::check(&out).map_err(|error| error.to_string())?;
    Ok(out)
}

/// apache-avro's own resolution into the entity's schema, written again.
fn oracle<T: Entity>(schema: &str, body: &[u8]) -> Vec<u8> {
    let (writer, reader) = (
        Schema::parse_str(schema).expect("parses"),
        Schema::parse_str(T::VALUE_SCHEMA).expect("parses"),
    );
    let value = from_avro_datum(&writer, &mut { body }, Some(&reader)).expect("the oracle reads");
    to_avro_datum(&reader, value).expect("the oracle writes")
}

/// One evolution pair: the field `v` of the entity, what the writer has, and what is to come out. `oracle` where
/// apache-avro can resolve the pair too.
macro_rules! pair {
    ($name:ident, $(#[$attribute:meta])* $ty:ty, $schema:expr, $value:expr => $expected:expr $(, $oracle:ident)?) => {
        #[test]
        fn $name() {
            #[derive(Debug, Clone, PartialEq, Entity)]
            #[topic("t")]
            #[entity(namespace = "w", name = "W")]
            pub struct E {
                #[key]
                pub id: i64,
                $(#[$attribute])*
                pub v: $ty,
            }
            let schema = schema_of($schema);
            let body = written(&schema, vec![("v", $value)]);
            let own = read::<E>(&schema, &body).expect("it can be read");
            let entity = E::decode(7_i64.into(), &own).expect("it decodes");
            assert_eq!(entity, E { id: 7, v: $expected });
            $(
                let $oracle = oracle::<E>(&schema, &body);
                assert_eq!(own, $oracle, "the oracle's bytes");
            )?
        }
    };
}

/// A pair that cannot be read, and what the error says.
macro_rules! refused {
    ($name:ident, $(#[$attribute:meta])* $ty:ty, $schema:expr, $value:expr => $($text:expr),+) => {
        #[test]
        fn $name() {
            #[derive(Debug, Clone, PartialEq, Entity)]
            #[topic("t")]
            #[entity(namespace = "w", name = "W")]
            pub struct E {
                #[key]
                pub id: i64,
                $(#[$attribute])*
                pub v: $ty,
            }
            let schema = schema_of($schema);
            let body = written(&schema, vec![("v", $value)]);
            let error = read::<E>(&schema, &body).expect_err("it cannot be read");
            $(assert!(error.contains($text), "`{}` is not in: {error}", $text);)+
        }
    };
}

const NULLABLE_STRING: &str = r#"["null","string"]"#;
const DECIMAL: &str = r#"{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}"#;
const FIXED_DECIMAL: &str =
    r#"{"type":"fixed","name":"F","size":8,"logicalType":"decimal","precision":10,"scale":2}"#;
const MICROS: &str = r#"{"type":"long","logicalType":"timestamp-micros"}"#;
const TIME_MICROS: &str = r#"{"type":"long","logicalType":"time-micros"}"#;
const ENUM: &str = r#"{"type":"enum","name":"S","symbols":["Open","Paid"]}"#;
const ENTRIES: &str = r#"{"type":"array","items":{"type":"record","name":"M","fields":[{"name":"key","type":["null","string"],"default":null},{"name":"value","type":["null","long"],"default":null}],"connect.internal.type":"MapEntry"}}"#;
const PLACE_UPPER: &str = r#"["null",{"type":"record","name":"P","fields":[{"name":"STREET","type":["null","string"]},{"name":"ZIP","type":["null","int"]}]}]"#;
const PLACE_MORE: &str = r#"{"type":"record","name":"W_v","fields":[{"name":"zip","type":["null","int"]},{"name":"city","type":"string"},{"name":"street","type":"string"}]}"#;

fn bytes(unscaled: i64) -> Avro {
    Avro::Decimal(apache_avro::Decimal::from(unscaled.to_be_bytes()))
}

fn entry(key: &str, value: Avro) -> Avro {
    Avro::Record(vec![
        ("key".into(), some(1, Avro::String(key.into()))),
        ("value".into(), value),
    ])
}

fn place(fields: Vec<(&str, Avro)>) -> Avro {
    Avro::Record(
        fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

pair!(an_int_becomes_a_long, i64, r#""int""#, Avro::Int(-5) => -5, oracle);
pair!(an_int_becomes_a_double, f64, r#""int""#, Avro::Int(3) => 3.0, oracle);
pair!(a_long_becomes_a_double, f64, r#""long""#, Avro::Long(1 << 40) => (1_i64 << 40) as f64, oracle);
pair!(a_long_becomes_a_float, f32, r#""long""#, Avro::Long(64) => 64.0, oracle);
pair!(a_float_becomes_a_double, f64, r#""float""#, Avro::Float(1.5) => 1.5, oracle);
pair!(a_double_of_ksqldb_becomes_the_float_it_came_from, f32, r#""double""#, Avro::Double(f64::from(0.1_f32)) => 0.1);
pair!(a_long_that_fits_becomes_an_int, i32, r#""long""#, Avro::Long(7) => 7);
pair!(an_int_that_fits_becomes_a_short, i16, r#""int""#, Avro::Int(-32768) => i16::MIN, oracle);
pair!(text_becomes_bytes, Vec<u8>, r#""string""#, Avro::String("hé".into()) => "hé".as_bytes().to_vec(), oracle);
pair!(bytes_of_utf8_become_text, String, r#""bytes""#, Avro::Bytes("hé".as_bytes().to_vec()) => "hé".to_owned(), oracle);
pair!(an_empty_text_stays_empty, Option<String>, NULLABLE_STRING, some(1, Avro::String(String::new())) => Some(String::new()), oracle);
pair!(a_required_field_becomes_optional, Option<i32>, r#""int""#, Avro::Int(4) => Some(4), oracle);
pair!(an_optional_field_with_a_value_becomes_required, String, NULLABLE_STRING, some(1, Avro::String("x".into())) => "x".to_owned(), oracle);
pair!(null_may_stand_second, Option<String>, r#"["string","null"]"#, some(0, Avro::String("x".into())) => Some("x".to_owned()), oracle);
pair!(null_that_stands_second_is_none, Option<String>, r#"["string","null"]"#, some(1, Avro::Null) => None, oracle);
pair!(a_union_of_one_is_its_branch, i32, r#"["int"]"#, some(0, Avro::Int(9)) => 9, oracle);
pair!(a_union_of_numbers_is_promoted_by_branch, f64, r#"["int","double"]"#, some(0, Avro::Int(2)) => 2.0);
pair!(null_becomes_none, Option<i64>, r#""null""#, Avro::Null => None);
pair!(a_fixed_becomes_bytes, Vec<u8>, r#"{"type":"fixed","name":"F","size":3}"#, Avro::Fixed(3, vec![1, 2, 3]) => vec![1, 2, 3]);
pair!(an_enum_becomes_text, String, ENUM, Avro::Enum(1, "Paid".into()) => "Paid".to_owned());
pair!(an_enum_becomes_our_enum, State, ENUM, Avro::Enum(0, "Open".into()) => State::Open);
pair!(text_becomes_our_enum, State, r#""string""#, Avro::String("Paid".into()) => State::Paid);
pair!(a_decimal_gains_scale, #[decimal_precision(12, 4)] Decimal, DECIMAL, bytes(12345) => Decimal::new(1_234_500, 4));
pair!(a_decimal_loses_only_zeros, #[decimal_precision(9, 1)] Decimal, DECIMAL, bytes(-12340) => Decimal::new(-12340, 2));
pair!(a_fixed_decimal_becomes_bytes, #[decimal_precision(10, 2)] Decimal, FIXED_DECIMAL, bytes(-99) => Decimal::new(-99, 2));
pair!(an_optional_decimal_is_rescaled, #[decimal_precision(12, 3)] Option<Decimal>, DECIMAL, bytes(150) => Some(Decimal::new(1500, 3)));
pair!(whole_milliseconds_in_microseconds_are_a_moment, DateTime<Utc>, MICROS, Avro::TimestampMicros(1_500_000) => DateTime::from_timestamp_millis(1500).expect("a moment"));
pair!(a_plain_long_is_a_moment_in_milliseconds, DateTime<Utc>, r#""long""#, Avro::Long(1500) => DateTime::from_timestamp_millis(1500).expect("a moment"));
pair!(a_time_in_microseconds_is_a_time, NaiveTime, TIME_MICROS, Avro::TimeMicros(61_000_000) => NaiveTime::from_hms_opt(0, 1, 1).expect("a time"));
pair!(a_plain_int_is_a_date, NaiveDate, r#""int""#, Avro::Int(1) => NaiveDate::from_ymd_opt(1970, 1, 2).expect("a date"));
pair!(items_that_may_be_null_become_plain, Vec<String>, r#"{"type":"array","items":["null","string"]}"#, Avro::Array(vec![some(1, Avro::String("a".into()))]) => vec!["a".to_owned()], oracle);
pair!(items_are_promoted, Vec<f64>, r#"{"type":"array","items":"int"}"#, Avro::Array(vec![Avro::Int(1), Avro::Int(2)]) => vec![1.0, 2.0], oracle);
pair!(entries_of_ksqldb_become_a_map, BTreeMap<String, i64>, ENTRIES, Avro::Array(vec![entry("a", some(1, Avro::Long(1))), entry("b", some(1, Avro::Long(2)))]) => BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]));
pair!(entries_may_have_no_value, BTreeMap<String, Option<i64>>, ENTRIES, Avro::Array(vec![entry("a", some(0, Avro::Null))]) => BTreeMap::from([("a".to_owned(), None)]));
pair!(map_values_are_promoted, BTreeMap<String, i64>, r#"{"type":"map","values":["null","int"]}"#, Avro::Map([("a".to_owned(), some(1, Avro::Int(1)))].into()) => BTreeMap::from([("a".to_owned(), 1)]), oracle);
pair!(a_struct_of_ksqldb_is_nullable_and_upper_case, Place, PLACE_UPPER, some(1, place(vec![("STREET", some(1, Avro::String("s".into()))), ("ZIP", some(0, Avro::Null))])) => Place { street: "s".to_owned(), zip: None });
pair!(a_struct_in_another_order_with_more_fields, Place, PLACE_MORE, place(vec![("zip", some(1, Avro::Int(1))), ("city", Avro::String("c".into())), ("street", Avro::String("s".into()))]) => Place { street: "s".to_owned(), zip: Some(1) }, oracle);

refused!(a_long_that_does_not_fit_an_int, i32, r#""long""#, Avro::Long(1 << 40) => "field `v`", "1099511627776", "32 bits");
refused!(an_int_that_does_not_fit_a_short, i16, r#""int""#, Avro::Int(40_000) => "field `v`", "40000");
refused!(a_double_with_more_digits_than_a_float, f32, r#""double""#, Avro::Double(0.1) => "field `v`", "f32");
refused!(a_double_too_small_for_a_float, f32, r#""double""#, Avro::Double(1e-300) => "field `v`", "f32");
refused!(a_long_with_more_digits_than_a_float, f32, r#""long""#, Avro::Long((1 << 24) + 1) => "field `v`", "f32");
refused!(a_double_beyond_a_float, f32, r#""double""#, Avro::Double(1e300) => "field `v`", "f32");
refused!(a_null_for_a_required_field, String, NULLABLE_STRING, some(0, Avro::Null) => "field `v`", "null", "Option");
refused!(a_decimal_that_would_lose_digits, #[decimal_precision(9, 1)] Decimal, DECIMAL, bytes(12345) => "field `v`", "decimal(9, 1)", "not exact");
refused!(a_decimal_with_too_many_digits, #[decimal_precision(4, 2)] Decimal, DECIMAL, bytes(123_456) => "field `v`", "4 digits");
refused!(a_moment_finer_than_a_millisecond, DateTime<Utc>, MICROS, Avro::TimestampMicros(1_500_001) => "field `v`", "millisecond");
refused!(bytes_that_are_no_text, String, r#""bytes""#, Avro::Bytes(vec![0xff]) => "field `v`", "UTF-8");
refused!(text_for_a_number, i64, r#""string""#, Avro::String("1".into()) => "`E`", "`W`", "field `v`", "string", "a long");
refused!(an_unknown_variant, State, r#""string""#, Avro::String("Lost".into()) => "field `v`", "Lost", "Open");
refused!(a_null_item_for_plain_items, Vec<String>, r#"{"type":"array","items":["null","string"]}"#, Avro::Array(vec![some(0, Avro::Null)]) => "field `v.[]`", "null");
refused!(records_that_are_no_entries, BTreeMap<String, i64>, r#"{"type":"array","items":{"type":"record","name":"M","fields":[{"name":"a","type":"string"},{"name":"b","type":"long"}]}}"#, Avro::Array(vec![]) => "field `v", "`key` and `value`");

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("orders")]
#[entity(namespace = "w", name = "W")]
pub struct Order {
    #[key]
    pub id: i64,
    pub customer: String,
    #[default_value(5)]
    pub pieces: i32,
    #[default_value("none")]
    pub label: String,
    #[default_value(true)]
    pub open: bool,
    #[default_value(1.5)]
    pub weight: f64,
    pub note: Option<String>,
}

fn order() -> Order {
    Order {
        id: 1,
        customer: "ann".into(),
        pieces: 5,
        label: "none".into(),
        open: true,
        weight: 1.5,
        note: None,
    }
}

#[test]
fn missing_fields_get_their_defaults_and_missing_options_are_none() {
    let schema = r#"{"type":"record","name":"W","namespace":"w","fields":[{"name":"customer","type":"string"}]}"#;
    let body = written(schema, vec![("customer", Avro::String("ann".into()))]);
    let own = read::<Order>(schema, &body).expect("it can be read");
    assert_eq!(own, oracle::<Order>(schema, &body));
    assert_eq!(
        Order::decode(1_i64.into(), &own).expect("it decodes"),
        order()
    );
}

#[test]
fn a_missing_required_field_is_named_with_what_to_do() {
    let schema = r#"{"type":"record","name":"Foreign","fields":[{"name":"note","type":"string"}]}"#;
    let error = Plan::build(schema, Order::MODEL, Part::Value)
        .expect_err("customer is missing")
        .to_string();
    assert_eq!(
        error,
        "what `Foreign` writes cannot be read as `Order`: field `customer`: the writer has no such field, and it has no \
         default: make it an `Option`, or add `#[default_value(..)]`"
    );
}

#[test]
fn a_name_matches_exactly_or_upper_cased_and_exactly_first() {
    let schema = r#"{"type":"record","name":"W","fields":[{"name":"CUSTOMER","type":"string"}]}"#;
    let body = written(schema, vec![("CUSTOMER", Avro::String("ann".into()))]);
    assert_eq!(
        Order::decode(1_i64.into(), &read::<Order>(schema, &body).expect("read")).expect("decodes"),
        order()
    );

    let both = r#"{"type":"record","name":"W","fields":[{"name":"Customer","type":"string"},{"name":"customer","type":"string"}]}"#;
    let body = written(
        both,
        vec![
            ("Customer", Avro::String("bob".into())),
            ("customer", Avro::String("ann".into())),
        ],
    );
    assert_eq!(
        Order::decode(1_i64.into(), &read::<Order>(both, &body).expect("read")).expect("decodes"),
        order()
    );
}

#[test]
fn fields_nobody_wants_are_stepped_over_whatever_they_are() {
    let schema = r#"{"type":"record","name":"W","fields":[
        {"name":"a","type":{"type":"array","items":{"type":"map","values":["null","double"]}}},
        {"name":"tree","type":{"type":"record","name":"Tree","fields":[{"name":"next","type":["null","Tree"]},{"name":"f","type":{"type":"fixed","name":"F","size":2}}]}},
        {"name":"customer","type":"string"},
        {"name":"e","type":{"type":"enum","name":"E","symbols":["X"]}},
        {"name":"b","type":["null","boolean","float","bytes"]}]}"#;
    let leaf = place(vec![
        ("next", some(0, Avro::Null)),
        ("f", Avro::Fixed(2, vec![1, 2])),
    ]);
    let body = written(
        schema,
        vec![
            (
                "a",
                Avro::Array(vec![Avro::Map(
                    [("k".to_owned(), some(1, Avro::Double(1.0)))].into(),
                )]),
            ),
            (
                "tree",
                place(vec![
                    ("next", some(1, leaf)),
                    ("f", Avro::Fixed(2, vec![3, 4])),
                ]),
            ),
            ("customer", Avro::String("ann".into())),
            ("e", Avro::Enum(0, "X".into())),
            ("b", some(3, Avro::Bytes(vec![9]))),
        ],
    );
    assert_eq!(
        Order::decode(1_i64.into(), &read::<Order>(schema, &body).expect("read")).expect("decodes"),
        order()
    );
}

#[test]
fn a_key_of_several_columns_is_read_in_any_order_and_never_null() {
    #[derive(Debug, Clone, PartialEq, Entity)]
    #[topic("legs")]
    #[table]
    struct Leg {
        #[key]
        carrier: String,
        #[key]
        flight: i64,
        delay: i32,
    }
    let schema = r#"{"type":"record","name":"K","fields":[{"name":"flight","type":"int"},{"name":"CARRIER","type":["null","string"]}]}"#;
    let plan = Plan::build(schema, Leg::MODEL, Part::Key).expect("a plan");
    let decode = |body: &[u8]| {
        let mut wire = vec![0, 0, 0, 0, 1];
        plan.transcode(body, &mut wire).expect("transcodes");
        LegKey::decode(&wire)
    };
    let body = written(
        schema,
        vec![
            ("flight", Avro::Int(12)),
            ("CARRIER", some(1, Avro::String("UA".into()))),
        ],
    );
    assert_eq!(
        decode(&body).expect("a key"),
        LegKey {
            carrier: "UA".into(),
            flight: 12
        }
    );
    let body = written(
        schema,
        vec![("flight", Avro::Int(12)), ("CARRIER", some(0, Avro::Null))],
    );
    assert!(
        decode(&body)
            .expect_err("no key")
            .to_string()
            .contains("carrier")
    );
}

#[test]
fn what_is_no_record_or_no_schema_is_refused_in_words() {
    for (schema, text) in [
        ("\"string\"", "a record was expected"),
        ("{", "no JSON"),
        ("{\"type\":\"record\",\"name\":\"W\"}", "no `fields`"),
        (
            "{\"type\":\"record\",\"name\":\"W\",\"fields\":[{\"name\":\"a\",\"type\":\"Missing\"}]}",
            "`Missing`",
        ),
    ] {
        let error = Plan::build(schema, Order::MODEL, Part::Value)
            .expect_err("no plan")
            .to_string();
        assert!(error.contains(text), "`{text}` is not in: {error}");
    }
}

proptest! {
    #[test]
    fn the_entitys_own_schema_changes_no_byte(customer in ".*", pieces: i32, label in ".*", open: bool, weight: f64, note in proptest::option::of(".*")) {
        let order = Order { id: 1, customer, pieces, label, open, weight, note };
        let mut body = Vec::new();
        order.encode_value(&mut body).expect("it encodes");
        prop_assert_eq!(read::<Order>(Order::VALUE_SCHEMA, &body).expect("it can be read"), body);
    }

    #[test]
    fn no_bytes_panic_a_plan_or_make_it_allocate(body in proptest::collection::vec(any::<u8>(), 0..64)) {
        for schema in [schema_of(ENTRIES), schema_of(PLACE_MORE), schema_of(FIXED_DECIMAL), schema_of(ENUM)] {
            #[derive(Debug, Entity)]
            #[topic("t")]
            struct Any { #[key] id: i64, v: Option<BTreeMap<String, i64>>, w: Option<i32> }
            if let Ok(plan) = Plan::build(&schema, Any::MODEL, Part::Value) {
                let mut out = Vec::new();
                let _ = plan.transcode(&body, &mut out);
                prop_assert!(out.capacity() < 64 * 1024);
            }
        }
        let _ = read::<Order>(Order::VALUE_SCHEMA, &body);
    }
}
