//! Defaults of every type that can have one: in the schema as Avro has them, and in records that lack the field.

#![allow(missing_docs)]
#![allow(deprecated, reason = "the oracle: its one-call functions are enough")]

use apache_avro::types::Value;
use apache_avro::{Schema, from_avro_datum, to_avro_datum};
use ksql_runtime::codec::resolve::{Part, Plan};
use ksql_runtime::prelude::*;

#[derive(Debug, Clone, Copy, PartialEq, Enum)]
enum State {
    New,
    Old,
}

type Price = Dec<38, 2>;

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("every_default")]
#[entity(namespace = "shop")]
struct Every {
    #[key]
    id: i64,
    #[default_value(true)]
    flag: bool,
    #[default_value(-7)]
    short: i16,
    #[default_value(0.5)]
    ratio: f32,
    #[default_value("a \"b\" \u{e4}")]
    text: String,
    #[default_value("a\n")]
    bytes: Vec<u8>,
    #[decimal_precision(9, 2)]
    #[default_value("1.50")]
    money: Decimal,
    #[decimal_precision(9, 2)]
    #[default_value(-1)]
    debt: Decimal,
    #[default_value("123456789012345678901234567890.12")]
    price: Price,
    #[default_value("2024-02-29")]
    day: NaiveDate,
    #[default_value("12:30:00.250")]
    time: NaiveTime,
    #[default_value("2024-02-29T12:30:00.250+02:00")]
    at: DateTime<Utc>,
    #[datetime_format("dd.MM.yyyy")]
    #[default_value("29.02.2024")]
    written: NaiveDate,
    #[default_value("67E55044-10B1-426F-9247-BB680E5FE0C8")]
    user: Uuid,
    #[default_value("Old")]
    state: State,
    #[timestamp]
    #[datetime_format("yyyy-MM-dd")]
    #[default_value("2024-02-29")]
    date: String,
}

fn expected() -> Every {
    let day = NaiveDate::from_ymd_opt(2024, 2, 29).expect("a date");
    let time = NaiveTime::from_hms_milli_opt(12, 30, 0, 250).expect("a time");
    Every {
        id: 1,
        flag: true,
        short: -7,
        ratio: 0.5,
        text: "a \"b\" \u{e4}".to_owned(),
        bytes: b"a\n".to_vec(),
        money: Decimal::new(150, 2),
        debt: Decimal::new(-100, 2),
        price: "123456789012345678901234567890.12"
            .parse()
            .expect("a price"),
        day,
        time,
        at: day.and_time(time).and_utc() - chrono::TimeDelta::hours(2),
        written: day,
        user: Uuid::from_u128(0x67e5_5044_10b1_426f_9247_bb68_0e5f_e0c8),
        state: State::Old,
        date: "2024-02-29".to_owned(),
    }
}

const NOTHING: &str = r#"{"type":"record","name":"Every","namespace":"shop","fields":[]}"#;

#[test]
fn a_record_without_the_fields_is_read_with_their_defaults() {
    let plan = Plan::build(NOTHING, Every::MODEL, Part::Value).expect("a plan");
    let mut body = Vec::new();
    plan.transcode(&[], &mut body).expect("it can be read");
    assert_eq!(
        Every::decode(1_i64.into(), &body).expect("decodes"),
        expected()
    );
    let mut written = Vec::new();
    expected().encode_value(&mut written).expect("encodes");
    assert_eq!(body, written);
}

#[test]
fn apache_avro_reads_the_same_defaults_from_the_schema() {
    let reader = Schema::parse_str(Every::VALUE_SCHEMA).expect("a schema");
    let writer = Schema::parse_str(NOTHING).expect("a schema");
    let read = from_avro_datum(&writer, &mut [].as_slice(), Some(&reader)).expect("defaults");
    let Value::Record(fields) = read else {
        panic!("{read:?} is no record");
    };
    let mut written = Vec::new();
    expected().encode_value(&mut written).expect("encodes");
    let own = from_avro_datum(&reader, &mut written.as_slice(), None).expect("our own bytes");
    let Value::Record(own) = own else {
        panic!("{own:?} is no record");
    };
    for (name, value) in fields {
        let ours = own
            .iter()
            .find(|(other, _)| *other == name)
            .map(|(_, value)| value);
        assert_eq!(Some(&value), ours, "{name}");
    }
    to_avro_datum(&reader, Value::Record(own)).expect("a value of the schema");
}

#[test]
fn the_characters_of_a_decimals_default_are_its_bytes() {
    let schema: serde_json::Value = serde_json::from_str(Every::VALUE_SCHEMA).expect("JSON");
    let default = |name: &str| {
        let fields = schema["fields"].as_array().expect("fields");
        let field = fields.iter().find(|field| field["name"] == name);
        field.expect("the field")["default"].clone()
    };
    let bytes = |name: &str| -> Vec<u8> {
        let text = default(name);
        let text = text.as_str().expect("a string");
        text.chars()
            .map(|byte| u8::try_from(byte).expect("a byte"))
            .collect()
    };
    assert_eq!(bytes("money"), [0, 150]);
    assert_eq!(bytes("debt"), [156]);
    let price = bytes("price");
    let unscaled = price
        .iter()
        .fold(0_i128, |value, byte| (value << 8) | i128::from(*byte));
    assert_eq!(unscaled, 12_345_678_901_234_567_890_123_456_789_012);
    assert_eq!(default("day"), 19782);
    assert_eq!(default("time"), 45_000_250);
    assert_eq!(default("at"), 1_709_202_600_250_i64);
    assert_eq!(default("user"), "67e55044-10b1-426f-9247-bb680e5fe0c8");
    assert_eq!(default("state"), "Old");
    assert_eq!(default("written"), "29.02.2024");
    assert_eq!(State::New as i32, 0, "a variant that is no default");
}
