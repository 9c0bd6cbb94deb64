//! Keys: their order in stores, and their bytes on the wire.

#![allow(missing_docs)]

use ksql_runtime::entity::Window;
use ksql_runtime::prelude::*;
use ksql_tests::entities::keys::*;
use ksql_tests::entities::windows::*;
use ksql_tests::strategies::{Sample, cases};
use proptest::prelude::*;

fn ordered<K: EntityKey>(key: &K) -> Vec<u8> {
    let mut out = Vec::new();
    key.encode_ordered(&mut out);
    out
}

fn wire<K: EntityKey>(key: &K, id: u32) -> Vec<u8> {
    let mut out = Vec::new();
    key.encode(id, &mut out);
    out
}

fn order_is_kept<K: EntityKey>(a: &K, b: &K) -> Result<(), TestCaseError> {
    prop_assert_eq!(ordered(a).cmp(&ordered(b)), a.cmp(b), "{:?} {:?}", a, b);
    prop_assert_eq!(&K::decode_ordered(&ordered(a)).expect("its own bytes"), a);
    Ok(())
}

/// Texts with what an order could break on: zero bytes, common prefixes, nothing, letters of several bytes.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![2 => "[\0\u{1}aé\u{7f}\u{80}\u{ffff}\u{10ffff}]{0,4}", 1 => any::<String>(), 1 => Just(String::new())]
}

/// Numbers near each other and near the sign, or any.
fn ints() -> impl Strategy<Value = i32> {
    prop_oneof![-3_i32..3, i32::sample()]
}

fn longs() -> impl Strategy<Value = i64> {
    prop_oneof![-3_i64..3, i64::sample()]
}

fn uuids() -> impl Strategy<Value = Uuid> {
    prop_oneof![0_u128..3, any::<u128>()].prop_map(Uuid::from_u128)
}

fn composites() -> impl Strategy<Value = CompositeKey> {
    (texts(), ints(), texts(), uuids(), longs(), texts()).prop_map(CompositeKey::from)
}

fn windows() -> impl Strategy<Value = Window> {
    (longs(), longs()).prop_map(|(start, end)| Window { start, end })
}

/// A pair that shares a beginning in half of the cases: composites of unrelated parts differ in the first one.
fn alike(mut a: CompositeKey, b: CompositeKey, shared: usize) -> (CompositeKey, CompositeKey) {
    if shared > 0 {
        a.region.clone_from(&b.region);
    }
    if shared > 1 {
        a.shelf = b.shelf;
    }
    if shared > 2 {
        a.name.clone_from(&b.name);
    }
    if shared > 3 {
        a.batch = b.batch;
    }
    if shared > 4 {
        a.at = b.at;
    }
    (a, b)
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn ints_are_stored_in_their_order(a in ints(), b in ints()) {
        order_is_kept(&ByIntKey::from(a), &ByIntKey::from(b))?;
    }

    #[test]
    fn longs_are_stored_in_their_order(a in longs(), b in longs()) {
        order_is_kept(&ByLongKey::from(a), &ByLongKey::from(b))?;
    }

    #[test]
    fn texts_are_stored_in_their_order(a in texts(), b in texts()) {
        order_is_kept(&ByTextKey::from(a), &ByTextKey::from(b))?;
    }

    #[test]
    fn uuids_are_stored_in_their_order(a in uuids(), b in uuids()) {
        order_is_kept(&ByUuidKey::from(a), &ByUuidKey::from(b))?;
    }

    #[test]
    fn composites_are_stored_in_their_order(a in composites(), b in composites(), shared in 0_usize..6) {
        let (a, b) = alike(a, b, shared);
        order_is_kept(&a, &b)?;
    }

    #[test]
    fn windowed_keys_are_stored_by_key_and_then_by_start(a in (texts(), windows()), b in (texts(), windows()), same in any::<bool>()) {
        let first = TumblingKey { symbol: if same { b.0.clone() } else { a.0 }, window: a.1 };
        order_is_kept(&first, &TumblingKey { symbol: b.0, window: b.1 })?;
    }

    #[test]
    fn windowed_composites_are_stored_in_their_order(a in (texts(), ints(), windows()), b in (texts(), ints(), windows()), same in any::<bool>()) {
        let first = HoppingKey { region: if same { b.0.clone() } else { a.0 }, shelf: a.1, window: a.2 };
        order_is_kept(&first, &HoppingKey { region: b.0, shelf: b.1, window: b.2 })?;
    }

    #[test]
    fn stored_bytes_of_different_keys_differ(a in composites(), b in composites()) {
        prop_assert_eq!(ordered(&a) == ordered(&b), a == b);
    }

    #[test]
    fn stored_bytes_that_are_cut_or_random_never_panic(key in composites(), cut in any::<prop::sample::Index>(), bytes in any::<Vec<u8>>()) {
        let stored = ordered(&key);
        let _ = CompositeKey::decode_ordered(&stored[..cut.index(stored.len())]);
        let _ = CompositeKey::decode_ordered(&bytes);
        let _ = TumblingKey::decode_ordered(&bytes);
        let _ = SessionKey::decode_ordered(&bytes);
        prop_assert_eq!(ByIntKey::decode_ordered(&bytes).is_ok(), bytes.len() == 4);
        prop_assert_eq!(ByUuidKey::decode_ordered(&bytes).is_ok(), bytes.len() == 16);
        prop_assert_eq!(ByTextKey::decode_ordered(&bytes).is_ok(), std::str::from_utf8(&bytes).is_ok());
    }

    #[test]
    fn what_stored_bytes_decode_to_is_stored_as_those_bytes(bytes in prop::collection::vec(prop_oneof![0_u8..3, Just(0xff), any::<u8>()], 0..60)) {
        if let Ok(key) = CompositeKey::decode_ordered(&bytes) {
            prop_assert_eq!(ordered(&key), bytes);
        }
    }

    #[test]
    fn one_key_column_is_a_kafka_primitive(int in ints(), long in longs(), text in texts(), uuid in uuids(), id in any::<u32>()) {
        prop_assert_eq!(wire(&ByIntKey::from(int), id), int.to_be_bytes());
        prop_assert_eq!(wire(&ByLongKey::from(long), id), long.to_be_bytes());
        prop_assert_eq!(wire(&ByTextKey::from(text.clone()), id), text.as_bytes());
        prop_assert_eq!(wire(&ByUuidKey::from(uuid), id), uuid.to_string().into_bytes());
        prop_assert_eq!(ByIntKey::decode(&int.to_be_bytes()).expect("4 bytes").id, int);
        prop_assert_eq!(ByLongKey::decode(&long.to_be_bytes()).expect("8 bytes").id, long);
        prop_assert_eq!(ByTextKey::decode(text.as_bytes()).expect("text").id, text);
        prop_assert_eq!(ByUuidKey::decode(uuid.to_string().as_bytes()).expect("a UUID").id, uuid);
    }

    #[test]
    fn several_key_columns_are_a_framed_avro_record(key in composites(), id in any::<u32>()) {
        use apache_avro::types::Value;
        let schema = apache_avro::Schema::parse_str(Composite::KEY_SCHEMA).expect("the schema parses");
        let part = |value| Value::Union(1, Box::new(value));
        let record = Value::Record(vec![
            ("REGION".into(), part(Value::String(key.region.clone()))),
            ("SHELF".into(), part(Value::Int(key.shelf))),
            ("NAME".into(), part(Value::String(key.name.clone()))),
            ("BATCH".into(), part(Value::String(key.batch.to_string()))),
            ("AT".into(), part(Value::Long(key.at))),
            ("PART".into(), part(Value::String(key.part.clone()))),
        ]);
        #[allow(deprecated, reason = "the oracle: its one-call function is enough")]
        let body = apache_avro::to_avro_datum(&schema, record).expect("the oracle writes it");
        let bytes = wire(&key, id);
        prop_assert_eq!(&bytes[..5], [&[0], id.to_be_bytes().as_slice()].concat());
        prop_assert_eq!(&bytes[5..], body);
        prop_assert_eq!(CompositeKey::decode(&bytes).expect("its own bytes"), key);
    }

    #[test]
    fn a_window_stands_behind_the_inner_key(symbol in texts(), region in texts(), shelf in ints(), user in longs(), window in windows()) {
        let start = Window { start: window.start, end: window.start };
        let key = TumblingKey { symbol: symbol.clone(), window };
        let bytes = wire(&key, 7);
        prop_assert_eq!(&bytes, &[symbol.as_bytes(), &window.start.to_be_bytes()].concat());
        prop_assert_eq!(TumblingKey::decode(&bytes).expect("its own bytes"), TumblingKey { symbol, window: start });

        let key = HoppingKey { region, shelf, window };
        prop_assert_eq!(HoppingKey::decode(&wire(&key, 7)).expect("its own bytes"), HoppingKey { window: start, ..key });

        let key = SessionKey { user, window };
        let bytes = wire(&key, 7);
        prop_assert_eq!(&bytes, &[user.to_be_bytes(), window.end.to_be_bytes(), window.start.to_be_bytes()].concat());
        prop_assert_eq!(SessionKey::decode(&bytes).expect("its own bytes"), key);
    }

    #[test]
    fn no_wire_bytes_make_a_key_panic(bytes in any::<Vec<u8>>(), key in composites(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        prop_assert_eq!(ByIntKey::decode(&bytes).is_ok(), bytes.len() == 4);
        prop_assert_eq!(ByLongKey::decode(&bytes).is_ok(), bytes.len() == 8);
        prop_assert_eq!(ByTextKey::decode(&bytes).is_ok(), std::str::from_utf8(&bytes).is_ok());
        let _ = (ByUuidKey::decode(&bytes), TumblingKey::decode(&bytes), HoppingKey::decode(&bytes), SessionKey::decode(&bytes));
        let mut wrong = wire(&key, 1);
        let at = at.index(wrong.len());
        wrong[at] = byte;
        let _ = CompositeKey::decode(&wrong);
        prop_assert!(CompositeKey::decode(&wire(&key, 1)[..at]).is_err());
    }
}

#[test]
fn a_key_column_that_is_null_or_of_another_length_is_refused_by_name() {
    let error = |error: ksql_runtime::codec::DecodeError| error.to_string();
    assert_eq!(
        CompositeKey::decode(&[0, 0, 0, 0, 1, 2, 2, b'a', 0]).map_err(error),
        Err("field `shelf`: a key column cannot be null".into())
    );
    assert_eq!(
        ByIntKey::decode(&[0; 8]).map_err(error),
        Err("field `id`: a key of this type has 4 bytes, not 8".into())
    );
    assert_eq!(
        ByTextKey::decode(&[0xff]).map_err(error),
        Err("field `id`: the key is no UTF-8".into())
    );
    assert_eq!(
        ByUuidKey::decode(b"x").map_err(error),
        Err("field `id`: the key is no UUID".into())
    );
    assert_eq!(
        TumblingKey::decode(&[0; 7]).map_err(error),
        Err("the key is too short for a windowed key".into())
    );
    assert_eq!(
        ByIntKey::decode_ordered(&[0; 5]).map_err(error),
        Err("bytes are left over behind the stored key".into())
    );
}

#[test]
fn a_stream_without_a_key_writes_none() {
    let mut out = Vec::new();
    assert_eq!(
        Unkeyed { note: "a".into() }.encode_key(1, &mut out),
        Ok(false)
    );
    assert!(out.is_empty());
    assert_eq!(Unkeyed::KEY_SCHEMA, "");
}

#[test]
fn the_bounds_of_a_window_come_from_the_key() {
    let mut body = Vec::new();
    ksql_runtime::codec::write::long(3, &mut body);
    let key = SessionKey {
        user: 1,
        window: Window {
            start: 60_000,
            end: 90_000,
        },
    };
    let session = Session::decode(key.clone(), &body).expect("it is read");
    assert_eq!(
        (
            session.start.timestamp_millis(),
            session.end,
            session.clicks
        ),
        (60_000, 90_000, 3)
    );
    assert_eq!(session.key(), key);
    let wrong = SessionKey {
        user: 1,
        window: Window {
            start: i64::MAX,
            end: 0,
        },
    };
    assert!(Session::decode(wrong, &body).is_err_and(|error| error.path() == "start"));
}

/// The bytes an entity writes for its key, and those of the key it makes.
fn both<E: Entity>(entity: &E) -> [Vec<u8>; 2] {
    let mut out = [Vec::new(), Vec::new()];
    let [own, made] = &mut out;
    entity.encode_key(7, own).expect("it is written");
    entity.key().encode(7, made);
    out
}

#[test]
fn an_entity_writes_the_bytes_of_its_key_with_its_window() {
    let moment = |millis| DateTime::from_timestamp_millis(millis).expect("a moment");
    let session = Session {
        user: 9,
        start: moment(1_000),
        end: 91_000,
        clicks: 3,
    };
    let hopping = Hopping {
        region: "north".into(),
        shelf: 4,
        from: 3_600_000,
        count: 5,
    };
    let by_text = ByText {
        id: "a\0ß".into(),
        note: String::new(),
    };
    let [own, made] = both(&session);
    assert_eq!(own, made);
    assert!(own.ends_with(&1_000_i64.to_be_bytes()) && own.len() == 24);
    let [own, made] = both(&hopping);
    assert_eq!(own, made);
    assert!(own.ends_with(&3_600_000_i64.to_be_bytes()));
    let [own, made] = both(&by_text);
    assert_eq!(own, made);
}
