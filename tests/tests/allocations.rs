//! Encoding into buffers that are used again allocates nothing, and splitting an entity moves what it holds.

#![allow(
    missing_docs,
    unsafe_code,
    reason = "an allocator that counts cannot be written without"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::HashMap;
use std::hint::black_box;

use ksql_runtime::prelude::*;
use ksql_tests::entities::*;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is forwarded unchanged to `System`, whose contract is the same.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that is ending has no counter left; nobody reads it then.
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise, passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations<R>(work: impl FnOnce() -> R) -> (u64, R) {
    let before = COUNT.with(Cell::get);
    let result = work();
    (COUNT.with(Cell::get) - before, result)
}

/// The allocations of the second encoding into the same buffers.
fn again<E: Entity>(entity: &E) -> u64 {
    let (mut key, mut value) = (Vec::new(), Vec::new());
    let mut encode = || {
        key.clear();
        value.clear();
        entity.encode_key(7, &mut key).expect("a key");
        entity.encode_value(&mut value).expect("a value");
        black_box((&key, &value));
    };
    encode();
    let (count, ()) = allocations(encode);
    count
}

fn text(length: usize) -> String {
    "a".repeat(length)
}

fn moment() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_700_000_000_123).expect("a moment")
}

fn composite() -> Composite {
    Composite {
        region: text(20),
        shelf: 3,
        name: text(30),
        batch: Uuid::nil(),
        at: 4,
        note: Some(text(10)),
        part: text(40),
    }
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| black_box(text(9))).0, 1);
}

#[test]
fn keys_of_text_are_encoded_where_they_stand() {
    let by_text = ByText {
        id: text(100),
        note: text(100),
    };
    assert_eq!(again(&by_text), 0);
    assert_eq!(again(&composite()), 0);
    let candle = Tumbling {
        symbol: text(50),
        start: moment(),
        end: moment(),
        open: Decimal::ONE,
        close: Decimal::ONE,
        volume: 1,
    };
    assert_eq!(again(&candle), 0);
}

#[test]
fn formatted_times_are_written_where_they_go() {
    let formatted = Formatted {
        id: 1,
        at: moment(),
        there: moment().fixed_offset(),
        day: moment().date_naive(),
        time: moment().time(),
        text: "2023-11-14T22:13:20".into(),
    };
    assert_eq!(again(&formatted), 0);
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("maps")]
#[table]
struct Weights {
    #[key]
    id: String,
    weights: HashMap<String, f64>,
}

#[test]
fn small_hash_maps_are_sorted_without_memory_of_their_own() {
    let with = |entries: usize| Weights {
        id: text(9),
        weights: (0..entries).map(|n| (format!("{n:03}"), 0.5)).collect(),
    };
    for entries in [0, 1, 16] {
        assert_eq!(again(&with(entries)), 0, "{entries} entries");
    }
    for entries in [15, 16, 17, 40] {
        let (mut one, mut other) = (Vec::new(), Vec::new());
        let weights = with(entries);
        weights.encode_value(&mut one).expect("a value");
        let sorted: std::collections::BTreeMap<String, f64> = weights.weights.into_iter().collect();
        ksql_runtime::codec::Value::encode(&sorted, &mut other).expect("a value");
        assert_eq!(one, other, "{entries} entries");
    }
}

#[test]
fn splitting_moves() {
    let composite = composite();
    let (count, (key, value)) = allocations(|| composite.split());
    assert_eq!(count, 0);
    assert_eq!((key.region, value.note), (text(20), Some(text(10))));
}
