//! Relaxed mode: columns of types KSQL has not are written as what holds every value, and checked where they are read.

#![allow(
    missing_docs,
    deprecated,
    reason = "the warnings are what relaxed mode gives"
)]

use apache_avro::types::Value as Avro;
use ksql_runtime::codec::write;
use ksql_runtime::prelude::*;
use ksql_tests::strategies::cases;
use proptest::prelude::*;

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("readings")]
#[entity(relaxed, namespace = "test")]
#[table]
struct Reading {
    #[key]
    id: i64,
    letter: char,
    byte: u8,
    small: i8,
    port: u16,
    count: u32,
    initial: Option<char>,
    level: Option<u16>,
    total: Option<u32>,
}

fn readings() -> impl Strategy<Value = Reading> {
    let columns = (
        any::<i64>(),
        any::<char>(),
        any::<u8>(),
        any::<i8>(),
        any::<u16>(),
        any::<u32>(),
        any::<Option<char>>(),
        any::<Option<u16>>(),
        any::<Option<u32>>(),
    );
    columns.prop_map(
        |(id, letter, byte, small, port, count, initial, level, total)| Reading {
            id,
            letter,
            byte,
            small,
            port,
            count,
            initial,
            level,
            total,
        },
    )
}

fn union(value: Option<Avro>) -> Avro {
    match value {
        None => Avro::Union(0, Box::new(Avro::Null)),
        Some(value) => Avro::Union(1, Box::new(value)),
    }
}

fn oracle(reading: &Reading) -> Avro {
    let fields = [
        ("letter", Avro::String(reading.letter.into())),
        ("byte", Avro::Int(reading.byte.into())),
        ("small", Avro::Int(reading.small.into())),
        ("port", Avro::Int(reading.port.into())),
        ("count", Avro::Long(reading.count.into())),
        (
            "initial",
            union(reading.initial.map(|letter| Avro::String(letter.into()))),
        ),
        (
            "level",
            union(reading.level.map(|level| Avro::Int(level.into()))),
        ),
        (
            "total",
            union(reading.total.map(|total| Avro::Long(total.into()))),
        ),
    ];
    Avro::Record(fields.map(|(name, value)| (name.to_owned(), value)).into())
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn converted_columns_are_the_bytes_of_apache_avro_and_are_read_back(reading in readings()) {
        let schema = apache_avro::Schema::parse_str(Reading::VALUE_SCHEMA).expect("a schema");
        let mut body = Vec::new();
        reading.encode_value(&mut body).expect("it is written");
        let expected = apache_avro::to_avro_datum(&schema, oracle(&reading)).expect("the oracle writes it");
        prop_assert_eq!(&body, &expected);
        let key = ReadingKey { id: reading.id };
        prop_assert_eq!(&Reading::decode(key.clone(), &body).expect("it is read"), &reading);
        let row = Reading::decode_row(&key, &body).expect("the row is read");
        prop_assert_eq!((row.letter, row.port, row.total), (reading.letter, reading.port, reading.total));
        prop_assert_eq!(&Reading::from_row(row).expect("the row is owned"), &reading);
        prop_assert_eq!(&Reading::from_row(reading.row()).expect("the row is owned"), &reading);
        Reading::check(&body).expect("the bytes are right");
    }
}

/// The error of a body whose columns are these.
fn refused(letter: &str, byte: i64, small: i64, port: i64, count: i64) -> String {
    let mut body = Vec::new();
    write::bytes(letter.as_bytes(), &mut body);
    for number in [byte, small, port, count] {
        write::long(number, &mut body);
    }
    body.extend([0, 0, 0]);
    let checked = Reading::check(&body).map_err(|error| error.to_string());
    let read = Reading::decode(ReadingKey { id: 1 }, &body);
    let read = read.map(|_| ()).map_err(|error| error.to_string());
    assert_eq!(checked, read);
    read.err().unwrap_or_default()
}

#[test]
fn what_does_not_fit_is_an_error_that_names_field_and_type() {
    assert_eq!(refused("ß", 255, -128, 65_535, 4_294_967_295), "");
    for (letter, byte, small, port, count, field, ty) in [
        ("", 0, 0, 0, 0, "letter", "String"),
        ("ab", 0, 0, 0, 0, "letter", "String"),
        ("a", 256, 0, 0, 0, "byte", "u8"),
        ("a", -1, 0, 0, 0, "byte", "u8"),
        ("a", 0, 128, 0, 0, "small", "i8"),
        ("a", 0, 0, 65_536, 0, "port", "u16"),
        ("a", 0, 0, -1, 0, "port", "u16"),
        ("a", 0, 0, 0, 4_294_967_296, "count", "u32"),
        ("a", 0, 0, 0, -1, "count", "u32"),
    ] {
        let text = refused(letter, byte, small, port, count);
        assert!(
            text.contains(&format!("field `{field}`")) && text.contains(&format!("`{ty}`")),
            "{text}"
        );
    }
}
