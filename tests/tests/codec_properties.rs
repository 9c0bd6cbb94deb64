//! Encoding and decoding of every type: held to another implementation, to each other, and to any bytes at all.

#![allow(missing_docs)]
#![allow(deprecated, reason = "the oracle: its one-call function is enough")]

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use ksql_runtime::codec::{Reader, Value, frame, write};
use ksql_runtime::prelude::*;
use ksql_tests::entities::*;
use ksql_tests::oracle::ToAvro;
use ksql_tests::strategies::{Sample, cases};
use proptest::prelude::*;

fn body<E: Entity>(entity: &E) -> Vec<u8> {
    let mut bytes = Vec::new();
    entity
        .encode_value(&mut bytes)
        .expect("a made-up value can be written");
    bytes
}

fn bytes_agree<E: Entity + ToAvro>(entity: &E) -> Result<(), TestCaseError> {
    let schema = apache_avro::Schema::parse_str(E::VALUE_SCHEMA).expect("the schema parses");
    let expected =
        apache_avro::to_avro_datum(&schema, entity.to_avro()).expect("the oracle writes it");
    prop_assert_eq!(body(entity), expected);
    Ok(())
}

/// Texts are compared, so that NaN equals itself and -0.0 is not 0.0.
fn round_trips<E: Entity + Clone + Debug>(entity: &E) -> Result<(), TestCaseError> {
    let (bytes, wanted) = (body(entity), format!("{entity:?}"));
    let key = entity.key();
    prop_assert!(E::check(&bytes).is_ok());
    let owned = E::decode(key.clone(), &bytes).expect("the bytes are read");
    prop_assert_eq!(format!("{owned:?}"), &*wanted);
    prop_assert_eq!(body(&owned), &*bytes);
    let row = E::decode_row(&key, &bytes).expect("the row is read");
    prop_assert_eq!(
        format!("{:?}", E::from_row(row).expect("the row is owned")),
        &*wanted
    );
    prop_assert_eq!(
        format!("{:?}", E::from_row(entity.row()).expect("the row is owned")),
        &*wanted
    );
    let (key, value) = entity.clone().split();
    prop_assert_eq!(format!("{:?}", E::join(key, value)), &*wanted);
    Ok(())
}

/// Owned entity, row and check are one decoder in three shapes: they accept and refuse the same bytes.
fn readers_agree<E: Entity + Debug>(key: E::Key, bytes: &[u8]) -> Result<(), TestCaseError> {
    let owned = E::decode(key.clone(), bytes);
    let row = E::decode_row(&key, bytes).and_then(E::from_row);
    prop_assert_eq!(
        owned.is_ok(),
        E::check(bytes).is_ok(),
        "{:?} {:?}",
        bytes,
        owned
    );
    prop_assert_eq!(format!("{owned:?}"), format!("{row:?}"), "{:?}", bytes);
    Ok(())
}

fn keys_are_total<K: EntityKey>(bytes: &[u8]) {
    let _ = K::decode(bytes);
    let _ = K::decode_ordered(bytes);
    let _ = frame::read(bytes);
}

/// Bytes that lead deeper than random ones do: small numbers are lengths, branches and counts.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![3 => 0_u8..8, 1 => any::<u8>(), 1 => Just(0xff), 1 => Just(0x80)];
    prop::collection::vec(byte, 0..60)
}

macro_rules! properties {
    ($($module:ident: $entity:ty;)*) => {
        $(mod $module {
            use super::*;

            proptest! {
                #![proptest_config(cases(600))]

                #[test]
                fn generated_bytes_equal_those_of_apache_avro(entity in <$entity>::sample()) {
                    bytes_agree(&entity)?;
                }

                #[test]
                fn decoding_inverts_encoding(entity in <$entity>::sample()) {
                    round_trips(&entity)?;
                }

                #[test]
                fn a_truncated_body_is_refused_by_every_reader(entity in <$entity>::sample(), cut in any::<prop::sample::Index>()) {
                    let bytes = body(&entity);
                    let short = &bytes[..cut.index(bytes.len())];
                    prop_assert!(<$entity>::check(short).is_err());
                    readers_agree::<$entity>(entity.key(), short)?;
                }

                #[test]
                fn a_body_with_one_other_byte_never_panics(entity in <$entity>::sample(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
                    let mut bytes = body(&entity);
                    let at = at.index(bytes.len());
                    bytes[at] = byte;
                    readers_agree::<$entity>(entity.key(), &bytes)?;
                }

                #[test]
                fn a_body_with_bytes_behind_it_is_refused(entity in <$entity>::sample(), more in 1_usize..4) {
                    let mut bytes = body(&entity);
                    bytes.resize(bytes.len() + more, 0);
                    prop_assert!(<$entity>::check(&bytes).is_err());
                    readers_agree::<$entity>(entity.key(), &bytes)?;
                }

                #[test]
                fn no_bytes_make_a_reader_panic(entity in <$entity>::sample(), bytes in hostile()) {
                    readers_agree::<$entity>(entity.key(), &bytes)?;
                    keys_are_total::<<$entity as Entity>::Key>(&bytes);
                }
            }
        })*
    };
}

properties! {
    scalars: Scalars;
    optional_scalars: OptionalScalars;
    limits: Limits;
    decimals: Decimals;
    times: Times;
    formatted: Formatted;
    optional_formatted: OptionalFormatted;
    collections: Collections;
    nested: Nested;
    composite: Composite;
    reserved_names: Select;
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn an_offset_date_time_is_its_moment_in_utc_milliseconds(millis in -60_000_000_000_000_i64..250_000_000_000_000, nanos in 0_i64..1_000_000, offset in -86_399_i32..86_400) {
        let utc = DateTime::from_timestamp_millis(millis).expect("in range") + chrono::Duration::nanoseconds(nanos);
        let there = utc.with_timezone(&FixedOffset::east_opt(offset).expect("less than a day"));
        let mut bytes = Vec::new();
        Value::encode(&there, &mut bytes).expect("it is written");
        let mut wanted = Vec::new();
        Value::encode(&millis, &mut wanted).expect("it is written");
        prop_assert_eq!(&bytes, &wanted, "milliseconds, what is finer cut off towards the past");
        let read = <DateTime<FixedOffset> as Value>::decode(&mut Reader::new(&bytes)).expect("it is read");
        prop_assert_eq!((read.timestamp_millis(), read.offset().local_minus_utc()), (millis, 0));
    }

    #[test]
    fn an_i16_is_an_avro_int_and_wider_ints_are_refused_by_field(small in any::<i16>(), wide in any::<i32>()) {
        let (mut bytes, mut int) = (Vec::new(), Vec::new());
        Value::encode(&small, &mut bytes).expect("it is written");
        Value::encode(&i32::from(small), &mut int).expect("it is written");
        prop_assert_eq!(&bytes, &int);
        let mut other = Vec::new();
        Value::encode(&wide, &mut other).expect("it is written");
        prop_assert_eq!(i16::decode(&mut Reader::new(&other)).ok(), i16::try_from(wide).ok());
    }

    #[test]
    fn maps_of_several_entries_round_trip_and_equal_maps_are_equal_bytes(entries in prop::collection::btree_map(any::<String>(), any::<i64>(), 0..20)) {
        let hashed: HashMap<String, i64> = entries.clone().into_iter().collect();
        let (mut sorted, mut unsorted) = (Vec::new(), Vec::new());
        entries.encode(&mut sorted).expect("it is written");
        hashed.encode(&mut unsorted).expect("it is written");
        prop_assert_eq!(&sorted, &unsorted);
        prop_assert_eq!(&BTreeMap::<String, i64>::decode(&mut Reader::new(&sorted)).expect("it is read"), &entries);
        prop_assert_eq!(&HashMap::<String, i64>::decode(&mut Reader::new(&sorted)).expect("it is read"), &hashed);
        let row = BTreeMap::<String, i64>::decode_ref(&mut Reader::new(&sorted)).expect("it is read");
        for (key, value) in &entries {
            prop_assert_eq!(row.get(key), Some(*value));
        }
        prop_assert_eq!(row.len(), entries.len());
    }

    #[test]
    fn arrays_may_come_in_any_blocks(items in prop::collection::vec(any::<i64>(), 0..20), ends in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..4)) {
        let mut cuts: Vec<(usize, bool)> = ends.iter().map(|(at, sized)| (at.index(items.len() + 1), *sized)).collect();
        cuts.push((items.len(), false));
        cuts.sort_unstable();
        let (mut bytes, mut from) = (Vec::new(), 0);
        for (to, sized) in cuts {
            let mut block = Vec::new();
            items[from..to].iter().for_each(|item| write::long(*item, &mut block));
            let count = (to - from) as i64;
            if count > 0 && sized {
                write::long(-count, &mut bytes);
                write::long(block.len() as i64, &mut bytes);
            } else if count > 0 {
                write::long(count, &mut bytes);
            }
            bytes.extend_from_slice(&block);
            from = to;
        }
        bytes.push(0);
        prop_assert_eq!(&Vec::<i64>::decode(&mut Reader::new(&bytes)).expect("it is read"), &items);
        let row = Vec::<i64>::decode_ref(&mut Reader::new(&bytes)).expect("it is read");
        prop_assert_eq!((row.len(), row.iter().collect::<Vec<_>>()), (items.len(), items));
    }

    #[test]
    fn a_frame_is_read_back_and_nothing_else_is_one(id in any::<u32>(), body in any::<Vec<u8>>(), other in any::<Vec<u8>>()) {
        let mut bytes = Vec::new();
        frame::write(id, &mut bytes);
        bytes.extend_from_slice(&body);
        prop_assert_eq!(frame::read(&bytes).expect("it is read"), (id, &*body));
        prop_assert_eq!(frame::read(&other).is_ok(), other.len() >= 5 && other[0] == 0);
    }

    #[test]
    fn a_decimal_is_written_exactly_or_refused(unscaled in any::<i64>(), scale in 0_u32..20) {
        let value = Decimal::new(unscaled, scale);
        let wanted = Dec::<18, 4>::try_from(value).ok();
        let exact = value.round_dp(4) == value && value.abs() < Decimal::new(100_000_000_000_000, 0);
        prop_assert_eq!(wanted.is_some(), exact, "{}", value);
        if let Some(dec) = wanted {
            prop_assert_eq!(Decimal::try_from(dec).expect("18 digits"), value);
            prop_assert_eq!(dec.to_string().parse::<Dec<18, 4>>().expect("its own text"), dec);
        }
    }
}
