//! B4: the generated codec beside a hand-written one and the Avro libraries.
//!
//! Every way to encode must give the same bytes and every way to decode the same values, checked in this run before anything
//! is measured.

mod contest;
mod resolve;

use std::hint::black_box;

use ksql_runtime::prelude::*;

use crate::entities::{Order, Wide};
use crate::report::{Report, Target};
use crate::{data, floor, peer};
use contest::Contest;

const REPORT: Report = Report("B4");
const POOL: usize = 1024;

macro_rules! payload {
    ($run:ident, $what:literal, $Entity:ident, $floor:ident, $make:path, $fast:ident, $FastRef:ident, $value:ident, $ops:literal) => {
        fn $run() {
            let mut rng = data::rng();
            let records: Vec<$Entity> = (0..POOL as i64).map(|id| $make(&mut rng, id)).collect();
            let fast_records: Vec<peer::fast::$fast> = records.iter().map(Into::into).collect();
            let apache_records: Vec<peer::apache::$fast> = records.iter().map(Into::into).collect();
            let bodies: Vec<Vec<u8>> = records
                .iter()
                .map(|record| {
                    let mut body = Vec::new();
                    record.encode_value(&mut body).expect("generated encode");
                    body
                })
                .collect();
            let fast_schema = peer::fast::schema($Entity::VALUE_SCHEMA);
            let apache_schema = peer::apache::schema($Entity::VALUE_SCHEMA);
            let writer = peer::apache::writer(&apache_schema);
            let reader = peer::apache::reader(&apache_schema);
            let mut config = serde_avro_fast::ser::SerializerConfig::new(&fast_schema);

            let mut buffer = Vec::new();
            for (at, body) in bodies.iter().enumerate() {
                let record = &records[at];
                let key = <$Entity as Entity>::Key::from(record.id);
                buffer.clear();
                floor::$floor::encode(record, &mut buffer).expect("floor encode");
                assert_eq!(&buffer, body, "bytes of the floor");
                peer::fast::encode(&fast_records[at], &mut config, &mut buffer);
                assert_eq!(&buffer, body, "bytes of serde_avro_fast");
                peer::apache::encode(&apache_records[at], &writer, &mut buffer);
                assert_eq!(&buffer, body, "bytes of apache-avro by serde");
                peer::apache::encode_value(peer::apache::$value(record), &writer, &mut buffer);
                assert_eq!(&buffer, body, "bytes of apache-avro by value");
                assert_eq!(&$Entity::decode(key.clone(), body).expect("decode"), record);
                $Entity::check(body).expect("check");
                let row = $Entity::decode_row(&key, body).expect("row");
                assert_eq!(&$Entity::from_row(row).expect("from row"), record);
                assert_eq!(
                    &floor::$floor::decode(record.id, body).expect("floor decode"),
                    record
                );
                assert_eq!(
                    peer::fast::decode::<peer::fast::$fast>(body, &fast_schema),
                    fast_records[at]
                );
                assert_eq!(
                    peer::apache::decode::<peer::apache::$fast>(body, &reader),
                    apache_records[at]
                );
            }
            let size = bodies.iter().map(Vec::len).sum::<usize>() as f64 / POOL as f64;
            REPORT.figure(concat!($what, "_body"), size, "B");

            let mut contest = Contest::new(POOL, $ops);
            contest.enter("generated", |at, out| {
                out.clear();
                black_box(records[at].encode_value(out)).expect("encodes");
                black_box(&*out);
            });
            contest.enter("floor", |at, out| {
                out.clear();
                black_box(floor::$floor::encode(&records[at], out)).expect("encodes");
                black_box(&*out);
            });
            contest.enter("serde_avro_fast", |at, out| {
                peer::fast::encode(&fast_records[at], &mut config, out);
                black_box(&*out);
            });
            contest.enter("apache_serde", |at, out| {
                peer::apache::encode(&apache_records[at], &writer, out);
                black_box(&*out);
            });
            contest.enter("apache_value", |at, out| {
                peer::apache::encode_value(peer::apache::$value(&records[at]), &writer, out);
                black_box(&*out);
            });
            let encode = contest.run(REPORT, concat!($what, "_encode"));

            let mut contest = Contest::new(POOL, $ops);
            contest.enter("generated", |at, _| {
                let key = <$Entity as Entity>::Key::from(records[at].id);
                black_box($Entity::decode(key, &bodies[at]).expect("decodes"));
            });
            contest.enter("floor", |at, _| {
                black_box(floor::$floor::decode(records[at].id, &bodies[at]).expect("decodes"));
            });
            contest.enter("serde_avro_fast", |at, _| {
                black_box(peer::fast::decode::<peer::fast::$fast>(
                    &bodies[at],
                    &fast_schema,
                ));
            });
            contest.enter("apache_serde", |at, _| {
                black_box(peer::apache::decode::<peer::apache::$fast>(
                    &bodies[at],
                    &reader,
                ));
            });
            contest.enter("apache_value", |at, _| {
                black_box(peer::apache::decode_value(&bodies[at], &reader));
            });
            let owned = contest.run(REPORT, concat!($what, "_decode"));

            let mut contest = Contest::new(POOL, $ops);
            contest.enter("generated", |at, _| {
                let key = <$Entity as Entity>::Key::from(records[at].id);
                black_box($Entity::decode_row(&key, &bodies[at]).expect("decodes"));
            });
            contest.enter("generated_check", |at, _| {
                black_box($Entity::check(&bodies[at])).expect("decodes");
            });
            contest.enter("floor", |at, _| {
                black_box(floor::$floor::decode_row(&bodies[at]).expect("decodes"));
            });
            contest.enter("serde_avro_fast", |at, _| {
                black_box(peer::fast::decode::<peer::fast::$FastRef<'_>>(
                    &bodies[at],
                    &fast_schema,
                ));
            });
            let row = contest.run(REPORT, concat!($what, "_row"));

            let to_floor = encode.ratio("generated", "floor");
            REPORT.aimed(
                concat!($what, "_encode_to_floor"),
                to_floor,
                "x",
                Target::AtMost(1.3),
            );
            REPORT.ratio(
                concat!($what, "_decode_to_floor"),
                owned.ratio("generated", "floor"),
            );
            REPORT.ratio(
                concat!($what, "_row_to_floor"),
                row.ratio("generated", "floor"),
            );
            let fast = [("encode", &encode), ("decode", &owned), ("row", &row)];
            for (way, results) in fast {
                let name = format!("{}_{way}_serde_avro_fast_to_generated", $what);
                let gain = results.ratio("serde_avro_fast", "generated");
                REPORT.aimed(&name, gain, "x", Target::AtLeast(1.0));
            }
            let allocations = encode.allocations("generated");
            REPORT.aimed(
                concat!($what, "_encode_allocations"),
                allocations,
                "1/op",
                Target::AtMost(0.0),
            );
            REPORT.aimed(
                concat!($what, "_row_allocations"),
                row.allocations("generated"),
                "1/op",
                Target::AtMost(0.0),
            );
        }
    };
}

payload!(
    order,
    "order",
    Order,
    order,
    data::order,
    Order,
    OrderRef,
    order_value,
    1_000_000
);
payload!(
    wide,
    "wide",
    Wide,
    wide,
    data::wide,
    Wide,
    WideRef,
    wide_value,
    200_000
);

/// A table by a text: key and value into buffers that are used again.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("quotes")]
#[table]
#[entity(namespace = "bench")]
struct Quote {
    #[key]
    symbol: String,
    venue: String,
    size: i64,
}

fn text_key() {
    let quotes: Vec<Quote> = (0..POOL as i64)
        .map(|id| Quote {
            symbol: format!("SYMBOL-OF-A-COMMON-LENGTH-{id:06}"),
            venue: format!("venue {}", id % 7),
            size: id,
        })
        .collect();
    let mut value = Vec::new();
    let mut contest = Contest::new(POOL, 1_000_000);
    contest.enter("generated", |at, out| {
        out.clear();
        value.clear();
        black_box(quotes[at].encode_key(7, out)).expect("encodes");
        black_box(quotes[at].encode_value(&mut value)).expect("encodes");
        black_box((&*out, &value));
    });
    let encode = contest.run(REPORT, "text_key_encode");
    let allocations = encode.allocations("generated");
    REPORT.aimed(
        "text_key_encode_allocations",
        allocations,
        "1/op",
        Target::AtMost(0.0),
    );
}

/// Runs all of B4.
pub fn run() {
    text_key();
    order();
    wide();
    resolve::run();
}
