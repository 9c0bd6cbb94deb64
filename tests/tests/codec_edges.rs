//! Encoding and decoding at the edges: hostile bytes, extremes, empty text, limits, and the words of every refusal.

#![allow(missing_docs)]

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use ksql_runtime::codec::{Reader, Value, write};
use ksql_runtime::prelude::*;
use ksql_tests::entities::*;

fn body<E: Entity>(entity: &E) -> Vec<u8> {
    let mut bytes = Vec::new();
    entity
        .encode_value(&mut bytes)
        .expect("the value can be written");
    bytes
}

/// What decoding a value of a type says, without its path.
fn refusal<T: Value + Debug>(bytes: &[u8]) -> String {
    let owned = T::decode(&mut Reader::new(bytes)).map(|_| ());
    let row = T::decode_ref(&mut Reader::new(bytes)).map(|_| ());
    assert_eq!(owned, row, "owned and row agree");
    owned.expect_err("it is refused").message().to_owned()
}

fn long(value: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    write::long(value, &mut bytes);
    bytes
}

/// Lengths and counts that no memory holds: an allocation would abort the test.
#[test]
fn hostile_lengths_are_refused_before_anything_is_allocated() {
    for length in [
        i64::MAX,
        i64::MAX - 1,
        1 << 46,
        1 << 40,
        i64::from(u32::MAX),
        1000,
    ] {
        let mut bytes = long(length);
        bytes.extend_from_slice(b"abc");
        assert_eq!(refusal::<String>(&bytes), "the input ends inside a value");
        assert_eq!(refusal::<Vec<u8>>(&bytes), "the input ends inside a value");
        assert_eq!(
            refusal::<Dec<38, 4>>(&bytes),
            "the input ends inside a value"
        );
        assert!(refusal::<Vec<i64>>(&bytes).contains("is longer than the input"));
        assert!(refusal::<Vec<Option<Place>>>(&bytes).contains("is longer than the input"));
        assert!(refusal::<BTreeMap<String, i64>>(&bytes).contains("is longer than the input"));
        assert!(refusal::<HashMap<String, f64>>(&bytes).contains("is longer than the input"));
        let sized = [long(-length), long(1), b"abc".to_vec()].concat();
        assert!(refusal::<Vec<i64>>(&sized).contains("is longer than the input"));
    }
    let least = [long(i64::MIN), long(0)].concat();
    assert!(refusal::<Vec<i64>>(&least).contains("is longer than the input"));
    for length in [-1, i64::MIN] {
        assert_eq!(
            refusal::<String>(&long(length)),
            format!("a length cannot be {length}")
        );
    }
}

#[test]
fn numbers_and_branches_that_cannot_be_are_refused() {
    assert_eq!(
        refusal::<i64>(&[0x80; 12]),
        "a number has more than ten bytes"
    );
    assert_eq!(
        refusal::<i64>(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]),
        "a number has more than ten bytes"
    );
    assert_eq!(refusal::<i64>(&[0x80; 5]), "the input ends inside a value");
    assert_eq!(
        refusal::<i32>(&long(1 << 31)),
        "2147483648 does not fit 32 bits"
    );
    assert_eq!(refusal::<bool>(&[2]), "2 is no boolean");
    assert_eq!(
        refusal::<Option<bool>>(&[4, 0]),
        "a union of two has no branch 2"
    );
    assert_eq!(
        refusal::<Option<bool>>(&[1, 0]),
        "a union of two has no branch -1"
    );
    assert_eq!(refusal::<String>(&[4, 0xc3, 0x28]), "the text is no UTF-8");
    assert_eq!(refusal::<Uuid>(&[4, b'a', b'b']), "`ab` is no UUID");
    assert!(refusal::<State>(&[4, b'a', b'b']).contains("Open, Paid, loop"));
    assert_eq!(
        refusal::<Dec<2, 0>>(&[2, 100]),
        "a decimal of 1 bytes has more than 2 digits"
    );
    assert!(refusal::<Dec<38, 0>>(&[[34].as_slice(), &[1; 17]].concat()).contains("38 digits"));
}

#[test]
fn extreme_numbers_keep_every_bit() {
    fn survives<T: Value + Debug>(value: T) {
        let mut bytes = Vec::new();
        value.encode(&mut bytes).expect("it is written");
        let read = T::decode(&mut Reader::new(&bytes)).expect("it is read");
        assert_eq!(format!("{value:?}"), format!("{read:?}"));
    }
    [i64::MIN, i64::MAX, -1, 0, 63, 64, -64, -65]
        .into_iter()
        .for_each(survives);
    [i32::MIN, i32::MAX].into_iter().for_each(survives);
    [i16::MIN, i16::MAX].into_iter().for_each(survives);
    [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 5e-324]
        .into_iter()
        .for_each(survives);
    [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, 1e-45]
        .into_iter()
        .for_each(survives);
    let most = 10_i128.pow(38) - 1;
    for unscaled in [
        most,
        -most,
        i64::MAX.into(),
        i64::MIN.into(),
        i128::from(i64::MIN) - 1,
        0,
        -1,
        127,
        128,
        -128,
        -129,
    ] {
        survives(Dec::<38, 0>::new(unscaled).expect("38 digits"));
    }
    let mut bytes = Vec::new();
    f64::from_bits(0x7ff0_0000_0000_0001)
        .encode(&mut bytes)
        .expect("it is written");
    assert_eq!(
        bytes,
        0x7ff0_0000_0000_0001_u64.to_le_bytes(),
        "a NaN keeps its payload"
    );
}

#[test]
fn empty_text_stays_empty_and_is_not_null() {
    let mut entity = OptionalScalars {
        id: String::new(),
        flag: None,
        small: None,
        int: None,
        long: None,
        single: None,
        double: None,
        text: Some(String::new()),
        uuid: None,
        raw: Some(Vec::new()),
    };
    let some = body(&entity);
    assert_eq!(some, [0, 0, 0, 0, 0, 0, 2, 0, 0, 2, 0]);
    let read = OptionalScalars::decode(entity.key(), &some).expect("it is read");
    assert_eq!(
        (read.id.as_str(), read.text.as_deref(), read.raw.as_deref()),
        ("", Some(""), Some([].as_slice()))
    );
    entity.text = None;
    entity.raw = None;
    assert_eq!(body(&entity), [0; 9]);
    let mut key = Vec::new();
    assert!(entity.encode_key(1, &mut key).expect("it is written") && key.is_empty());
}

#[test]
fn optional_bytes_are_plain_bytes_and_every_option_defaults_to_null() {
    assert!(
        OptionalScalars::VALUE_SCHEMA
            .contains(r#"{"name":"raw","type":["null","bytes"],"default":null}"#)
    );
    assert!(
        OptionalScalars::VALUE_SCHEMA
            .contains(r#"{"name":"small","type":["null","int"],"default":null}"#)
    );
    assert!(
        Times::VALUE_SCHEMA.contains(
            r#"{"name":"there","type":{"type":"long","logicalType":"timestamp-millis"}}"#
        )
    );
}

/// The error of bytes in which one column of `Times` is a number out of its range.
fn times_error(column: usize, number: i64) -> String {
    let mut numbers = [0_i64; 4];
    numbers[column] = number;
    let mut bytes: Vec<u8> = numbers.into_iter().flat_map(long).collect();
    bytes.extend_from_slice(&[0; 4]);
    let key = Uuid::nil().into();
    let error = Times::decode(key, &bytes)
        .expect_err("out of range")
        .to_string();
    assert_eq!(
        Times::check(&bytes).expect_err("out of range").to_string(),
        error
    );
    error
}

#[test]
fn moments_and_dates_that_do_not_exist_are_refused_by_field() {
    for (column, number, wanted) in [
        (
            0,
            i64::MAX,
            "field `at`: 9223372036854775807 ms is beyond the years a date-time can hold",
        ),
        (
            1,
            i64::MIN,
            "field `there`: -9223372036854775808 ms is beyond the years a date-time can hold",
        ),
        (
            2,
            i32::MAX.into(),
            "field `day`: day 2147483647 is beyond the years a date can hold",
        ),
        (
            2,
            i32::MIN.into(),
            "field `day`: day -2147483648 is beyond the years a date can hold",
        ),
        (
            2,
            1 << 40,
            "field `day`: 1099511627776 does not fit 32 bits",
        ),
        (3, 86_400_000, "field `time`: 86400000 ms is no time of day"),
        (3, -1, "field `time`: -1 ms is no time of day"),
    ] {
        assert_eq!(times_error(column, number), wanted);
    }
}

#[test]
fn an_error_inside_nested_records_names_the_path() {
    let place = Place {
        street: "a".into(),
        zip: None,
        at: None,
    };
    let line = Line {
        from: place.clone(),
        to: Some(place.clone()),
        stops: Vec::new(),
        fares: BTreeMap::new(),
        state: State::Open,
    };
    let entity = Nested {
        id: 1,
        place: place.clone(),
        home: None,
        places: Vec::new(),
        by_name: BTreeMap::new(),
        line,
        lines: None,
        state: State::Paid,
        before: None,
    };
    let bytes = body(&entity);
    // place is 4 bytes, then come home, places, by_name, line.from and the branch of line.to.
    let mut wrong = bytes.clone();
    wrong[4 + 3 + 4 + 1 + 2] = 8;
    let error = Nested::decode(entity.key(), &wrong).expect_err("no branch 4");
    assert_eq!(
        (error.path(), error.message()),
        ("line.to.zip", "a union of two has no branch 4")
    );
}

#[test]
fn of_two_equal_keys_in_a_map_the_last_counts_in_rows_too() {
    let mut bytes = long(2);
    for number in [1, 2] {
        write::bytes(b"a", &mut bytes);
        write::long(number, &mut bytes);
    }
    bytes.push(0);
    let owned = BTreeMap::<String, i64>::decode(&mut Reader::new(&bytes)).expect("it is read");
    let row = BTreeMap::<String, i64>::decode_ref(&mut Reader::new(&bytes)).expect("it is read");
    let hashed = HashMap::<String, i64>::decode_ref(&mut Reader::new(&bytes)).expect("it is read");
    assert_eq!(
        (owned.get("a"), row.get("a"), hashed.get("a")),
        (Some(&2), Some(2), Some(2))
    );
}

#[test]
fn text_and_bytes_longer_than_allowed_are_refused_by_field() {
    let fits = Limits {
        id: "äöüßéè€𝄞".into(),
        flag: false,
        small: 0,
        int: 0,
        long: 0,
        single: 0.0,
        double: 0.0,
        text: String::new(),
        short: "𝄞𝄞𝄞𝄞".into(),
        raw: Some(vec![1, 2, 3]),
    };
    let refused = |entity: &Limits| {
        let key = entity.encode_key(0, &mut Vec::new()).map(|_| ());
        key.and_then(|()| entity.encode_value(&mut Vec::new()))
            .map_or_else(|error| error.to_string(), |()| "fits".into())
    };
    assert_eq!(refused(&fits), "fits");
    assert_eq!(
        refused(&Limits {
            id: "123456789".into(),
            ..fits.clone()
        }),
        "field `id`: the length is 9, and at most 8 is allowed"
    );
    assert_eq!(
        refused(&Limits {
            short: "12345".into(),
            ..fits.clone()
        }),
        "field `short`: the length is 5, and at most 4 is allowed"
    );
    assert_eq!(
        refused(&Limits {
            raw: Some(vec![0; 4]),
            ..fits.clone()
        }),
        "field `raw`: the length is 4, and at most 3 is allowed"
    );
}

#[test]
fn a_year_that_a_pattern_cannot_hold_is_refused_when_written() {
    let year = |year| {
        NaiveDate::from_ymd_opt(year, 3, 4)
            .expect("a date")
            .and_time(NaiveTime::MIN)
            .and_utc()
    };
    let right = Formatted {
        id: 1,
        at: year(1),
        there: year(9999).fixed_offset(),
        day: year(2024).date_naive(),
        time: NaiveTime::MIN,
        text: "2024-03-04T00:00:00".into(),
    };
    let written = |entity: &Formatted| {
        entity
            .encode_value(&mut Vec::new())
            .map_err(|error| error.path().to_owned())
    };
    assert_eq!(written(&right), Ok(()));
    for wrong in [0, -1, 10_000, 262_000, -262_000] {
        assert_eq!(
            written(&Formatted {
                at: year(wrong),
                ..right.clone()
            }),
            Err("at".to_owned()),
            "{wrong}"
        );
        assert_eq!(
            written(&Formatted {
                there: year(wrong).fixed_offset(),
                ..right.clone()
            }),
            Err("there".to_owned()),
            "{wrong}"
        );
        assert_eq!(
            written(&Formatted {
                day: year(wrong).date_naive(),
                ..right.clone()
            }),
            Err("day".to_owned()),
            "{wrong}"
        );
    }
    assert_eq!(
        written(&Formatted {
            text: "2024-03-04 00:00:00".into(),
            ..right.clone()
        }),
        Err("text".to_owned())
    );
}
