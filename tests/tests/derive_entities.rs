//! Entities over every type: constants, round trips, bytes equal to apache-avro's.

#![allow(missing_docs)]
#![allow(deprecated, reason = "the oracle: its one-call function is enough")]

use std::collections::{BTreeMap, HashMap};

use apache_avro::types::Value as Avro;
use ksql_runtime::codec::resolve::{Part, Plan};
use ksql_runtime::codec::result;
use ksql_runtime::ops::Scratch;
use ksql_runtime::prelude::*;
use proptest::prelude::*;

#[derive(Debug, Clone, PartialEq, Struct)]
pub struct Place {
    pub street: String,
    pub zip: Option<i32>,
    pub at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum State {
    Open,
    Paid,
}

type Money = Dec<18, 4>;

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("everything", partitions = 2)]
#[table]
#[entity(namespace = "test")]
pub struct Everything {
    #[key]
    pub id: i64,
    #[key]
    pub code: String,
    pub flag: bool,
    pub small: i16,
    pub int: i32,
    pub long: Option<i64>,
    pub single: f32,
    pub double: f64,
    pub text: String,
    pub raw: Vec<u8>,
    #[decimal_precision(12, 3)]
    pub price: Decimal,
    #[decimal_precision(9, 2)]
    pub discount: Option<Decimal>,
    pub total: Money,
    pub wide: Option<Dec<38, 10>>,
    #[timestamp]
    pub at: DateTime<Utc>,
    pub day: NaiveDate,
    pub time: Option<NaiveTime>,
    pub uuid: Uuid,
    #[datetime_format("yyyy-MM-dd HH:mm:ss")]
    pub shown: DateTime<Utc>,
    pub tags: Vec<Option<String>>,
    pub counts: BTreeMap<String, i64>,
    pub weights: HashMap<String, f64>,
    pub place: Place,
    pub places: Option<Vec<Place>>,
    pub state: State,
    #[kafka_ignore]
    pub cached: u8,
    pub r#type: String,
    pub size: i64,
}

fn value(entity: &Everything) -> Avro {
    fn union<T>(value: Option<T>, make: impl Fn(T) -> Avro) -> Avro {
        match value {
            None => Avro::Union(0, Box::new(Avro::Null)),
            Some(value) => Avro::Union(1, Box::new(make(value))),
        }
    }
    fn decimal(unscaled: i128) -> Avro {
        let bytes = unscaled.to_be_bytes();
        let mut start = 0;
        while start < 15
            && ((bytes[start] == 0 && bytes[start + 1] < 0x80)
                || (bytes[start] == 0xff && bytes[start + 1] >= 0x80))
        {
            start += 1;
        }
        Avro::Bytes(bytes[start..].to_vec())
    }
    fn place(place: &Place) -> Avro {
        Avro::Record(vec![
            ("street".into(), Avro::String(place.street.clone())),
            ("zip".into(), union(place.zip, Avro::Int)),
            (
                "at".into(),
                union(place.at, |at| Avro::TimestampMillis(at.timestamp_millis())),
            ),
        ])
    }
    let scaled = |value: Decimal, scale: u32| {
        let mut value = value;
        value.rescale(scale);
        value.mantissa()
    };
    Avro::Record(vec![
        ("flag".into(), Avro::Boolean(entity.flag)),
        ("small".into(), Avro::Int(entity.small.into())),
        ("int".into(), Avro::Int(entity.int)),
        ("long".into(), union(entity.long, Avro::Long)),
        ("single".into(), Avro::Float(entity.single)),
        ("double".into(), Avro::Double(entity.double)),
        ("text".into(), Avro::String(entity.text.clone())),
        ("raw".into(), Avro::Bytes(entity.raw.clone())),
        ("price".into(), decimal(scaled(entity.price, 3))),
        (
            "discount".into(),
            union(entity.discount, |value| decimal(scaled(value, 2))),
        ),
        ("total".into(), decimal(entity.total.unscaled())),
        (
            "wide".into(),
            union(entity.wide, |value| decimal(value.unscaled())),
        ),
        (
            "at".into(),
            Avro::TimestampMillis(entity.at.timestamp_millis()),
        ),
        (
            "day".into(),
            Avro::Date((entity.day - NaiveDate::default()).num_days() as i32),
        ),
        (
            "time".into(),
            union(entity.time, |time| {
                Avro::TimeMillis((time - NaiveTime::MIN).num_milliseconds() as i32)
            }),
        ),
        ("uuid".into(), Avro::String(entity.uuid.to_string())),
        (
            "shown".into(),
            Avro::String(entity.shown.format("%Y-%m-%d %H:%M:%S").to_string()),
        ),
        (
            "tags".into(),
            Avro::Array(
                entity
                    .tags
                    .iter()
                    .cloned()
                    .map(|tag| union(tag, Avro::String))
                    .collect(),
            ),
        ),
        (
            "counts".into(),
            Avro::Map(
                entity
                    .counts
                    .iter()
                    .map(|(key, value)| (key.clone(), Avro::Long(*value)))
                    .collect(),
            ),
        ),
        (
            "weights".into(),
            Avro::Map(
                entity
                    .weights
                    .iter()
                    .map(|(key, value)| (key.clone(), Avro::Double(*value)))
                    .collect(),
            ),
        ),
        ("place".into(), place(&entity.place)),
        (
            "places".into(),
            union(entity.places.as_ref(), |places| {
                Avro::Array(places.iter().map(place).collect())
            }),
        ),
        ("state".into(), Avro::String(format!("{:?}", entity.state))),
        ("type".into(), Avro::String(entity.r#type.clone())),
        ("size".into(), Avro::Long(entity.size)),
    ])
}

/// The schema as apache-avro encodes it: decimals as the bytes they are, since it would ask for its own decimal type.
fn oracle() -> apache_avro::Schema {
    let text = Everything::VALUE_SCHEMA.replace(r#""logicalType":"decimal","#, "");
    apache_avro::Schema::parse_str(&text).expect("the schema parses")
}

fn moments() -> impl Strategy<Value = DateTime<Utc>> {
    (-60_000_000_000_000_i64..250_000_000_000_000)
        .prop_map(|millis| DateTime::from_timestamp_millis(millis).expect("in range"))
}

fn places() -> impl Strategy<Value = Place> {
    (
        any::<String>(),
        any::<Option<i32>>(),
        proptest::option::of(moments()),
    )
        .prop_map(|(street, zip, at)| Place { street, zip, at })
}

prop_compose! {
    fn everything()(
        (id, code, flag, small, int, long) in any::<(i64, String, bool, i16, i32, Option<i64>)>(),
        (single, double, text, raw) in any::<(f32, f64, String, Vec<u8>)>(),
        price in -999_999_999_999_i64..=999_999_999_999,
        discount in proptest::option::of(-999_999_999_i64..=999_999_999),
        total in -999_999_999_999_999_999_i128..=999_999_999_999_999_999,
        wide in proptest::option::of(-99_999_999_999_999_999_999_999_999_999_999_999_999_i128..=99_999_999_999_999_999_999_999_999_999_999_999_999),
        at in moments(),
        day in -700_000_i32..700_000,
        time in proptest::option::of(0_u32..86_400_000),
        uuid in any::<u128>(),
        shown in 0_i64..4_000_000_000,
        tags in any::<Vec<Option<String>>>(),
        // One entry at most: apache-avro writes the entries of a map in an order of its own.
        counts in proptest::collection::btree_map(any::<String>(), any::<i64>(), 0..2),
        weights in proptest::collection::hash_map(any::<String>(), any::<f64>(), 0..2),
        place in places(),
        places in proptest::option::of(proptest::collection::vec(places(), 0..3)),
        (paid, r#type, size) in any::<(bool, String, i64)>(),
    ) -> Everything {
        Everything {
            id, code, flag, small, int, long, single, double, text, raw,
            price: Decimal::new(price, 3),
            discount: discount.map(|value| Decimal::new(value, 2)),
            total: Dec::new(total).expect("in range"),
            wide: wide.map(|value| Dec::new(value).expect("in range")),
            at,
            day: NaiveDate::default() + chrono::Duration::days(day.into()),
            time: time.map(|millis| NaiveTime::MIN + chrono::Duration::milliseconds(millis.into())),
            uuid: Uuid::from_u128(uuid),
            shown: DateTime::from_timestamp(shown, 0).expect("in range"),
            tags, counts, weights, place, places,
            state: if paid { State::Paid } else { State::Open },
            cached: 0, r#type, size,
        }
    }
}

fn nan_free(entity: &Everything) -> bool {
    !entity.single.is_nan()
        && !entity.double.is_nan()
        && !entity.weights.values().any(|weight| weight.is_nan())
}

proptest! {
    #[test]
    fn generated_bytes_equal_those_of_apache_avro(entity in everything()) {
        let mut bytes = Vec::new();
        entity.encode_value(&mut bytes).expect("it is written");
        let expected = apache_avro::to_avro_datum(&oracle(), value(&entity)).expect("the oracle writes it");
        prop_assert_eq!(bytes, expected);
    }

    #[test]
    fn decoding_inverts_encoding_for_entity_row_and_key(entity in everything().prop_filter("NaN equals nothing", nan_free)) {
        let (mut body, mut wire, mut ordered) = (Vec::new(), Vec::new(), Vec::new());
        entity.encode_value(&mut body).expect("it is written");
        prop_assert!(entity.encode_key(7, &mut wire).expect("it is written"));
        let key = EverythingKey::decode(&wire).expect("the key is read");
        prop_assert_eq!(&key, &entity.key());
        key.encode_ordered(&mut ordered);
        prop_assert_eq!(&EverythingKey::decode_ordered(&ordered).expect("the stored key is read"), &key);
        Everything::check(&body).expect("the bytes are right");
        prop_assert_eq!(&Everything::decode(key.clone(), &body).expect("it is read"), &entity);
        let row = Everything::decode_row(&key, &body).expect("the row is read");
        prop_assert_eq!(&Everything::from_row(row).expect("the row is owned"), &entity);
        prop_assert_eq!(&Everything::from_row(entity.row()).expect("the row is owned"), &entity);
        let (key, value) = entity.clone().split();
        prop_assert_eq!(&Everything::join(key, value), &entity);
    }

    #[test]
    fn what_a_query_writes_is_read_by_apache_avro_and_as_the_entity(entity in everything().prop_filter("NaN equals nothing", nan_free)) {
        let schema = ksql_schema::avro::result_schema(Everything::MODEL);
        let (mut body, mut group, mut own) = (Vec::new(), Vec::new(), Vec::new());
        let scratch = Scratch::new();
        result::value::<Everything>(entity.row(), &scratch, &mut body).unwrap();
        let mut input = body.as_slice();
        let parsed = apache_avro::Schema::parse_str(&schema).expect("it parses");
        let _ = apache_avro::from_avro_datum(&parsed, &mut input, None).expect("it is read");
        prop_assert!(input.is_empty(), "bytes are left over");
        let plan = Plan::build(&schema, Everything::MODEL, Part::Value).expect("a plan");
        plan.transcode(&body, &mut own).expect("it is read");
        prop_assert_eq!(&Everything::decode(entity.key(), &own).expect("it is read"), &entity);
        // The key is that of the wire without its frame.
        prop_assert!(result::key::<Everything>(entity.row(), &scratch, &mut group));
        let mut wire = Vec::new();
        prop_assert!(entity.encode_key(7, &mut wire).expect("it is written"));
        prop_assert_eq!(&wire[5..], &group);
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in any::<Vec<u8>>()) {
        let key = EverythingKey { id: 1, code: String::new() };
        let _ = Everything::decode(key.clone(), &bytes);
        let _ = Everything::decode_row(&key, &bytes).map(|row| format!("{row:?}"));
        prop_assert_eq!(Everything::check(&bytes).is_ok(), Everything::decode_row(&key, &bytes).is_ok());
        let _ = EverythingKey::decode(&bytes);
        let _ = EverythingKey::decode_ordered(&bytes);
    }

    #[test]
    fn mutated_bytes_never_panic_and_rows_agree_with_entities(
        entity in everything(),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
        cut in any::<Option<prop::sample::Index>>(),
    ) {
        let mut bytes = Vec::new();
        entity.encode_value(&mut bytes).expect("it is written");
        let index = at.index(bytes.len());
        bytes[index] ^= 1 << bit;
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let key = entity.key();
        let owned = Everything::decode(key.clone(), &bytes);
        let row = Everything::decode_row(&key, &bytes);
        prop_assert_eq!(owned.is_ok(), row.is_ok(), "{:?} {:?}", owned.err(), row.err());
    }

    #[test]
    fn the_order_of_stored_keys_is_the_order_of_the_keys(a in any::<(i64, String)>(), b in any::<(i64, String)>()) {
        let (a, b) = (EverythingKey::from(a), EverythingKey::from(b));
        let bytes = |key: &EverythingKey| { let mut out = Vec::new(); key.encode_ordered(&mut out); out };
        prop_assert_eq!(bytes(&a).cmp(&bytes(&b)), a.cmp(&b));
    }
}

#[test]
fn a_composite_key_is_the_record_ksqldb_would_write() {
    assert_eq!(
        Everything::KEY_SCHEMA,
        r#"{"type":"record","name":"EverythingKey","namespace":"test","fields":[{"name":"ID","type":["null","long"],"default":null},{"name":"CODE","type":["null","string"],"default":null}],"connect.name":"test.EverythingKey"}"#
    );
    let mut wire = Vec::new();
    EverythingKey {
        id: 1,
        code: "a".into(),
    }
    .encode(258, &mut wire);
    assert_eq!(wire, [0, 0, 0, 1, 2, 2, 2, 2, 2, b'a']);
}

#[test]
fn reserved_and_raw_names_are_quoted_and_stripped() {
    assert!(
        Everything::CREATE.contains("`TYPE` STRING, `SIZE` BIGINT"),
        "{}",
        Everything::CREATE
    );
    assert!(Everything::VALUE_SCHEMA.contains(r#"{"name":"type","type":"string"}"#));
}

#[test]
fn an_alias_is_as_good_as_the_type_behind_it() {
    assert!(
        Everything::CREATE.contains("`TOTAL` DECIMAL(18, 4)"),
        "{}",
        Everything::CREATE
    );
}

#[test]
fn a_value_that_does_not_fit_is_refused_by_field() {
    #[derive(Entity)]
    #[topic("t")]
    struct Small {
        #[key]
        #[max_length(3)]
        id: String,
        #[max_length(2)]
        text: Option<String>,
        #[decimal_precision(4, 2)]
        price: Decimal,
    }
    let refused = |id: &str, text: &str, price: &str| -> String {
        let small = Small {
            id: id.into(),
            text: Some(text.into()),
            price: price.parse().expect("a decimal"),
        };
        let key = small.encode_key(0, &mut Vec::new()).map(|_| ());
        key.and_then(|()| small.encode_value(&mut Vec::new()))
            .map_or_else(|error| error.to_string(), |()| "fits".into())
    };
    assert_eq!(refused("äöü", "äö", "99.99"), "fits");
    assert_eq!(refused("abc", "ab", "1.230"), "fits");
    assert!(refused("abcd", "", "1").contains("field `id`: the length is 4, and at most 3"));
    assert!(refused("a", "abc", "1").contains("field `text`"));
    assert!(refused("a", "a", "100").contains("field `price`: 100 is no exact DECIMAL(4, 2)"));
    assert!(refused("a", "a", "1.234").contains("field `price`"));
}

type Symbol = String;
type Number = i32;

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("by_symbol")]
#[table]
struct BySymbol {
    #[key]
    symbol: Symbol,
    value: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("by_number")]
#[table]
struct ByNumber {
    #[key]
    number: Number,
    value: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("shelves")]
#[table]
struct Shelf {
    #[key]
    number: Number,
    #[key]
    article: String,
    #[key]
    symbol: Symbol,
    #[key]
    id: Uuid,
    value: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("stock")]
#[table]
struct Stock {
    #[key]
    store: i64,
    #[key]
    symbol: Symbol,
    value: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("numbers")]
#[table]
struct Numbers {
    #[key]
    store: i64,
    #[key]
    number: Number,
    value: i64,
}

/// As `get` takes it.
fn key<E: Entity>(key: impl Into<E::Key>) -> E::Key {
    key.into()
}

#[test]
fn keys_are_made_of_their_columns_with_text_borrowed_or_owned_and_aliases_are_no_different() {
    let symbol = BySymbolKey {
        symbol: "IBM".into(),
    };
    assert_eq!(key::<BySymbol>("IBM"), symbol);
    assert_eq!(key::<BySymbol>("IBM".to_owned()), symbol);
    assert_eq!(key::<ByNumber>(7), ByNumberKey { number: 7 });
    let stock = StockKey {
        store: 5_000_000_000,
        symbol: "IBM".into(),
    };
    assert_eq!(key::<Stock>((5_000_000_000, "IBM")), stock);
    assert_eq!(key::<Stock>((5_000_000_000, "IBM".to_owned())), stock);
    assert_eq!(
        key::<Numbers>((5, 7)),
        NumbersKey {
            store: 5,
            number: 7
        }
    );
    let shelf = ShelfKey {
        number: 7,
        article: "bolt".into(),
        symbol: "B".into(),
        id: Uuid::nil(),
    };
    assert_eq!(key::<Shelf>((7, "bolt", "B", Uuid::nil())), shelf);
    assert_eq!(
        key::<Shelf>((7, "bolt".to_owned(), "B".to_owned(), Uuid::nil())),
        shelf
    );
}

#[test]
fn the_schema_of_a_result_is_ksqldbs_own() {
    #[derive(Debug, Clone, PartialEq, Entity)]
    #[topic("small")]
    #[table]
    #[entity(namespace = "shop")]
    struct Small {
        #[key]
        id: i64,
        #[decimal_precision(9, 2)]
        price: Decimal,
        at: Option<DateTime<Utc>>,
        counts: BTreeMap<String, i64>,
        tags: Vec<String>,
        place: Place,
    }
    let nullable = |name: &str, ty: &str| {
        format!(r#"{{"name":"{name}","type":["null",{ty}],"default":null}}"#)
    };
    let timestamp = r#"{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}"#;
    let fields = [
        nullable(
            "PRICE",
            r#"{"type":"bytes","scale":2,"precision":9,"connect.version":1,"connect.parameters":{"scale":"2","connect.decimal.precision":"9"},"connect.name":"org.apache.kafka.connect.data.Decimal","logicalType":"decimal"}"#,
        ),
        nullable("AT", timestamp),
        nullable(
            "COUNTS",
            &format!(
                r#"{{"type":"array","items":{{"type":"record","name":"Small_COUNTS","fields":[{},{}],"connect.internal.type":"MapEntry"}},"connect.name":"shop.Small_COUNTS"}}"#,
                nullable("key", r#""string""#),
                nullable("value", r#""long""#)
            ),
        ),
        nullable("TAGS", r#"{"type":"array","items":["null","string"]}"#),
        nullable(
            "PLACE",
            &format!(
                r#"{{"type":"record","name":"Small_PLACE","fields":[{},{},{}],"connect.name":"shop.Small_PLACE"}}"#,
                nullable("STREET", r#""string""#),
                nullable("ZIP", r#""int""#),
                nullable("AT", timestamp)
            ),
        ),
    ];
    assert_eq!(
        ksql_schema::avro::result_schema(Small::MODEL),
        format!(
            r#"{{"type":"record","name":"Small","namespace":"shop","fields":[{}],"connect.name":"shop.Small"}}"#,
            fields.join(",")
        )
    );
}
