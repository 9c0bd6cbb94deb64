//! Tests of this module's rules.

use super::*;
use crate::model::{Cleanup, GapPolicy, Kind, KindFrom, Mode, SubjectStrategy, Topic, ValueFormat};
use crate::names::hash;
use crate::query::column::samples::{COLUMNS, key, sample};
use crate::query::node::Elem;
use crate::types::Type;

const OUT: &[Column<'static>] = &[
    key("symbol", Type::String),
    Column {
        role: Role::WindowStart,
        ..sample("opened_at", Type::DateTime)
    },
    sample(
        "high",
        Type::Decimal {
            precision: 30,
            scale: 4,
        },
    ),
    sample("volume", Type::Int64),
];

const fn entity(window: Option<Window<'static>>) -> Entity<'static> {
    Entity {
        name: "Candle",
        namespace: "shop",
        record_name: "Candle",
        sql_name: "CANDLE",
        kind: Kind::Table,
        kind_from: KindFrom::Inferred,
        topic: Topic {
            name: "candles",
            declared: true,
            partitions: None,
            replication: None,
            retention_ms: None,
            cleanup: Some(Cleanup::Compact),
        },
        value_format: ValueFormat::Avro,
        subjects: SubjectStrategy::TopicName,
        columns: OUT,
        window,
        mode: Mode::Strict,
    }
}

const fn window(
    kind: WindowKind,
    sizes_ms: &'static [u64],
    advance_ms: Option<u64>,
) -> Window<'static> {
    Window {
        kind,
        sizes_ms,
        advance_ms,
        grace_ms: Some(10_000),
        retention_ms: None,
        gaps: GapPolicy::None,
        gap_horizon: None,
    }
}

const PLAIN: Entity<'static> = entity(None);
const TUMBLING: Entity<'static> = entity(Some(window(
    WindowKind::Tumbling,
    &[60_000, 300_000, 3_600_000],
    None,
)));
const HOPPING: Entity<'static> = entity(Some(window(
    WindowKind::Hopping,
    &[3_600_000],
    Some(900_000),
)));
const SESSION: Entity<'static> = entity(Some(window(WindowKind::Session, &[1_800_000], None)));

const NARROW: Sql = Sql::Decimal {
    precision: 29,
    scale: 4,
};
const WIDE: Sql = Sql::Decimal {
    precision: 30,
    scale: 4,
};

const PIECES: &[Piece<'static>] = &[
    Piece::Text("CREATE TABLE IF NOT EXISTS "),
    Piece::Source(&TUMBLING),
    Piece::Text(" WITH (KAFKA_TOPIC='"),
    Piece::Topic(&TUMBLING),
    Piece::Text("') AS SELECT "),
    Piece::Select(
        OUT,
        &[
            (
                hash("volume"),
                &[
                    Piece::Open(Sql::Bigint, Sql::Bigint),
                    Piece::Text("SUM("),
                    Piece::Column(COLUMNS, hash("id")),
                    Piece::Text(")"),
                    Piece::Close(Sql::Bigint, Sql::Bigint),
                ],
            ),
            (hash("opened_at"), &[Piece::Text("WINDOWSTART")]),
            (hash("symbol"), &[Piece::Column(COLUMNS, hash("name"))]),
            (
                hash("high"),
                &[
                    Piece::Open(NARROW, WIDE),
                    Piece::Text("MAX("),
                    Piece::Column(COLUMNS, hash("price")),
                    Piece::Text(")"),
                    Piece::Close(NARROW, WIDE),
                ],
            ),
        ],
    ),
    Piece::Text(" FROM `RATE` "),
    Piece::Window(&TUMBLING),
    Piece::Text("WHERE ("),
    Piece::Column(COLUMNS, hash("count")),
    Piece::Text(" > "),
    Piece::Hole("limit"),
    Piece::Text(") EMIT CHANGES;"),
];
const COUNT: usize = statements(&TUMBLING);
const SEGMENTS: &[Segment<'static>; segments(PIECES)] = &flatten(PIECES);
const BYTES: &[u8; total(SEGMENTS, COUNT)] = &join(SEGMENTS, COUNT);
const TEXTS: [&str; COUNT] = split(BYTES, SEGMENTS);

/// One statement at run time.
fn joined<'a>(pieces: &'a [Piece<'a>], window: usize) -> String {
    let segments = flatten::<64>(pieces);
    let mut out = vec![0; 4096];
    let mut text = Text {
        rest: &mut out,
        len: 0,
    };
    for segment in &segments {
        text.segment(segment, window);
    }
    let len = text.len;
    String::from_utf8_lossy(out.get(..len).unwrap_or_default()).into_owned()
}

#[test]
fn a_statement_a_window_is_joined_in_a_constant() {
    let table = [
        ("CANDLE_1MIN", "candles_1min", "1 MINUTES"),
        ("CANDLE_5MIN", "candles_5min", "5 MINUTES"),
        ("CANDLE_60MIN", "candles_60min", "1 HOURS"),
    ];
    for (at, (text, (source, topic, size))) in TEXTS.into_iter().zip(table).enumerate() {
        let expected = format!(
            "CREATE TABLE IF NOT EXISTS `{source}` WITH (KAFKA_TOPIC='{topic}') AS SELECT name AS symbol, \
             CAST(MAX(price) AS DECIMAL(30, 4)) AS high, SUM(id) AS volume FROM `RATE` \
             WINDOW TUMBLING (SIZE {size}, RETENTION 7 DAYS, GRACE PERIOD 10 SECONDS) WHERE (count > :limit) EMIT CHANGES;"
        );
        assert_eq!(text, expected);
        assert_eq!(joined(PIECES, at), expected);
    }
}

#[test]
fn windows_are_written_in_the_order_of_the_grammar() {
    assert_eq!(
        joined(&[Piece::Window(&HOPPING)], 0),
        "WINDOW HOPPING (SIZE 1 HOURS, ADVANCE BY 15 MINUTES, RETENTION 7 DAYS, GRACE PERIOD 10 SECONDS) "
    );
    assert_eq!(
        joined(&[Piece::Window(&SESSION)], 0),
        "WINDOW SESSION (30 MINUTES, RETENTION 7 DAYS, GRACE PERIOD 10 SECONDS) "
    );
    assert_eq!(joined(&[Piece::Window(&PLAIN)], 0), "");
    assert_eq!(
        joined(
            &[
                Piece::Source(&HOPPING),
                Piece::Text(" "),
                Piece::Topic(&SESSION)
            ],
            0
        ),
        "`CANDLE_60MIN_BY_15MIN` candles_30min_session"
    );
    assert_eq!(
        joined(&[Piece::Source(&PLAIN), Piece::Topic(&PLAIN)], 0),
        "`CANDLE`candles"
    );
    assert_eq!(statements(&PLAIN), 1);
}

#[test]
fn a_cast_is_written_where_types_differ_only() {
    let list = Sql::Array(Elem::new(Sql::Date, true));
    let table = [
        (Sql::Integer, Sql::Bigint, "CAST(x AS BIGINT)"),
        (Sql::Bigint, Sql::Bigint, "x"),
        (Sql::Null, Sql::Date, "CAST(x AS DATE)"),
        (Sql::Null, list, "CAST(x AS ARRAY<DATE>)"),
        (Sql::Unknown, Sql::Date, "x"),
        (list, Sql::Array(Elem::new(Sql::Date, false)), "x"),
        (Sql::Null, Sql::Null, "x"),
    ];
    for (from, to, text) in table {
        let pieces = [
            Piece::Open(from, to),
            Piece::Text("x"),
            Piece::Close(from, to),
        ];
        assert_eq!(joined(&pieces, 0), text);
    }
}

#[test]
fn names_are_qualified_and_chosen() {
    let pieces = [
        Piece::Name(Function::Contains, Sql::String),
        Piece::Text("("),
        Piece::Qualified("ORDERS", COLUMNS, hash("name")),
        Piece::Text(", 'x')"),
        Piece::Tail(Function::Contains, Sql::String),
        Piece::Text(" "),
        Piece::Type(Sql::Timestamp),
    ];
    assert_eq!(
        joined(&pieces, 0),
        "INSTR(`ORDERS`.name, 'x') > 0 TIMESTAMP"
    );
}

#[test]
fn every_length_is_copied_whole() {
    let long = "abcdefghijklmnopqrstuvwxyz äöü";
    for end in (0..=long.len()).filter(|end| long.is_char_boundary(*end)) {
        let (text, _) = long.split_at(end);
        let pieces = [Piece::Text(text), Piece::Text("|"), Piece::Text(text)];
        assert_eq!(joined(&pieces, 0), format!("{text}|{text}"));
        assert_eq!(total(&flatten::<3>(&pieces), 2), 2 * (2 * text.len() + 1));
    }
}
