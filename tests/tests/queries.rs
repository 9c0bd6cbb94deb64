//! Queries as their macro makes them: the text is what ksqlDB is sent, the native code means the same.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop"
)]

mod queries_common;

use ksql_runtime::entity::Window;
use ksql_runtime::prelude::*;
use ksql_runtime::query::Query;
use queries_common::{aggregated, between, projected};

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("rates", partitions = 4)]
pub struct Rate {
    #[key]
    pub symbol: String,
    #[timestamp]
    pub quoted_at: DateTime<Utc>,
    #[decimal_precision(18, 4)]
    pub price: Decimal,
    pub size: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("candles")]
#[table]
#[window(tumbling, minutes = [1, 5, 60], grace = "10s")]
pub struct Candle {
    #[key]
    pub symbol: String,
    #[window_start]
    pub opened_at: DateTime<Utc>,
    #[decimal_precision(18, 4)]
    pub open: Decimal,
    #[decimal_precision(18, 4)]
    pub high: Decimal,
    #[decimal_precision(18, 4)]
    pub low: Decimal,
    #[decimal_precision(18, 4)]
    pub close: Decimal,
    pub volume: i64,
}

#[query]
fn candles(rates: Stream<Rate>) -> Table<Candle> {
    rates
        .filter(|r| r.size > 0)
        .group_by(|r| r.symbol)
        .aggregate(|g| Candle {
            symbol: g.key(),
            opened_at: g.window_start(),
            open: g.earliest(|r| r.price),
            high: g.max(|r| r.price),
            low: g.min(|r| r.price),
            close: g.latest(|r| r.price),
            volume: g.sum(|r| r.size),
        })
}

fn rate(symbol: &str, price: i64, size: i64) -> Rate {
    Rate {
        symbol: symbol.into(),
        quoted_at: DateTime::UNIX_EPOCH,
        price: Decimal::new(price, 2),
        size,
    }
}

#[test]
fn candles_are_one_statement_a_window() {
    assert_eq!(candles::KSQL.len(), 3);
    assert_eq!(
        candles::KSQL[1],
        "CREATE TABLE IF NOT EXISTS `CANDLE_5MIN` WITH (KAFKA_TOPIC='candles_5min', PARTITIONS=4, REPLICAS=1, RETENTION_MS=604800000, KEY_FORMAT='KAFKA', VALUE_FORMAT='AVRO', VALUE_SCHEMA_FULL_NAME='queries.Candle') AS SELECT `SYMBOL` AS `SYMBOL`, EARLIEST_BY_OFFSET(`PRICE`) AS `OPEN`, MAX(`PRICE`) AS `HIGH`, MIN(`PRICE`) AS `LOW`, LATEST_BY_OFFSET(`PRICE`) AS `CLOSE`, SUM(`SIZE`) AS `VOLUME` FROM `RATE` WINDOW TUMBLING (SIZE 5 MINUTES, RETENTION 7 DAYS, GRACE PERIOD 10 SECONDS) WHERE (`SIZE` > 0) GROUP BY `SYMBOL` EMIT CHANGES;"
    );
    assert!(candles::KSQL[0].contains("`CANDLE_1MIN`"));
    assert!(candles::KSQL[2].contains("SIZE 1 HOURS"));
}

#[test]
fn candles_of_rows_are_what_the_text_says() {
    let rows = [
        rate("a", 150, 2),
        rate("b", 100, 1),
        rate("a", 90, 0),
        rate("a", 300, 3),
        rate("a", 120, 5),
    ];
    let window = Window {
        start: 60_000,
        end: 120_000,
    };
    let candle = |symbol: &str, [open, high, low, close]: [i64; 4], volume| Candle {
        symbol: symbol.into(),
        opened_at: DateTime::from_timestamp_millis(60_000).unwrap(),
        open: Decimal::new(open, 2),
        high: Decimal::new(high, 2),
        low: Decimal::new(low, 2),
        close: Decimal::new(close, 2),
        volume,
    };
    assert_eq!(
        aggregated(&candles(), &rows, window),
        [
            candle("a", [150, 300, 120, 120], 10),
            candle("b", [100; 4], 1)
        ]
    );
}

#[test]
fn the_plan_says_what_its_author_wrote() {
    let plan = <candles as Query>::PLAN;
    assert_eq!(
        (plan.name, plan.because, plan.statements()),
        ("candles", "grouped and aggregated", 3)
    );
    let shown: Vec<String> = plan.steps.iter().map(|step| format!("{step:?}")).collect();
    assert_eq!(shown[0], "Filter(\"r.size > 0\")");
    assert_eq!(shown[1], "GroupBy([\"symbol\"])");
    assert!(
        shown[2].contains("(\"high\", \"g.max(|r| r.price)\")"),
        "{}",
        shown[2]
    );
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum Side {
    Buy,
    Sell,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("orders")]
pub struct Order {
    #[key]
    pub id: i64,
    pub customer: String,
    pub note: Option<String>,
    pub pieces: i32,
    pub weight: Option<f64>,
    #[decimal_precision(9, 2)]
    pub price: Decimal,
    pub side: Side,
    pub paid: Option<bool>,
    pub ordered: NaiveDate,
    pub at: DateTime<Utc>,
    pub tags: Vec<String>,
    pub labels: std::collections::BTreeMap<String, i64>,
}

fn order(id: i64) -> Order {
    Order {
        id,
        customer: "ann".into(),
        note: None,
        pieces: 3,
        weight: Some(1.5),
        price: Decimal::new(1050, 2),
        side: Side::Buy,
        paid: None,
        ordered: NaiveDate::from_ymd_opt(2024, 2, 29).unwrap(),
        at: DateTime::from_timestamp_millis(1_700_000_000_123).unwrap(),
        tags: vec!["new".into(), "red".into()],
        labels: [("a".to_owned(), 5)].into(),
    }
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("summaries")]
pub struct Summary {
    #[key]
    pub id: i64,
    #[decimal_precision(22, 2)]
    pub total: Decimal,
    pub class: String,
    pub note: String,
    pub heavy: bool,
    pub name: String,
    pub per_piece: Option<f64>,
    pub first_tag: Option<String>,
    pub label: i64,
    pub year: i32,
    pub day: String,
    pub copy: i64,
    pub stamp: i64,
    pub wide: i64,
    pub side: String,
}

#[query]
fn summaries(orders: Stream<Order>, least: i32, tag: Option<String>) -> Stream<Summary> {
    orders
        .filter(|o| o.pieces >= least && !matches!(o.side, Side::Sell))
        .filter(|o| o.note.is_none() || o.note == tag)
        .map(|o| Summary {
            total: o.price * o.pieces,
            id: o.id,
            class: if o.pieces > 100 {
                "large"
            } else if (10..=100).contains(&o.pieces) {
                "middle"
            } else {
                "small"
            },
            note: o.note.unwrap_or("it's none"),
            heavy: match o.weight {
                Some(w) if w > 1.0 => true,
                _ => false,
            },
            name: o.customer.to_uppercase().concat(":", o.pieces.to_string()),
            per_piece: o.weight / o.pieces,
            first_tag: o.tags[0],
            label: o.labels["a"].unwrap_or(0),
            year: o.ordered.year(),
            day: o.at.format_timestamp("yyyy-MM-dd"),
            copy: o.id.as_value(),
            stamp: o.rowtime(),
            wide: o.pieces,
            side: o.side,
        })
}

#[test]
fn expressions_are_written_as_ksql_has_them() {
    let text = summaries::KSQL[0];
    assert_eq!(
        between(text, " WHERE ", " EMIT"),
        "((`PIECES` >= :least) AND (NOT (`SIDE` = 'Sell'))) AND ((`NOTE` IS NULL) OR (`NOTE` = :tag))"
    );
    let selected: Vec<&str> = between(text, " AS SELECT ", " FROM ")
        .split(", `")
        .collect();
    let select = between(text, " AS SELECT ", " FROM ");
    for expected in [
        "`ID` AS `ID`, ",
        "CAST((`PRICE` * `PIECES`) AS DECIMAL(22, 2)) AS `TOTAL`, ",
        "(CASE WHEN (`PIECES` > 100) THEN 'large' WHEN (`PIECES` BETWEEN 10 AND 100) THEN 'middle' ELSE 'small' END) AS `CLASS`, ",
        "COALESCE(`NOTE`, 'it''s none') AS `NOTE`, ",
        "(CASE WHEN ((`WEIGHT` IS NOT NULL) AND (`WEIGHT` > 1.0E0)) THEN true ELSE false END) AS `HEAVY`, ",
        "CONCAT(UCASE(`CUSTOMER`), ':', CAST(`PIECES` AS STRING)) AS `NAME`, ",
        "(`WEIGHT` / `PIECES`) AS `PER_PIECE`, ",
        "`TAGS`[1] AS `FIRST_TAG`, ",
        "COALESCE(`LABELS`['a'], CAST(0 AS BIGINT)) AS `LABEL`, ",
        "CAST(FORMAT_TIMESTAMP(CAST(`ORDERED` AS TIMESTAMP), 'yyyy') AS INTEGER) AS `YEAR`, ",
        "FORMAT_TIMESTAMP(`AT`, 'yyyy-MM-dd') AS `DAY`, ",
        "AS_VALUE(`ID`) AS `COPY`, ",
        "ROWTIME AS `STAMP`, ",
        "CAST(`PIECES` AS BIGINT) AS `WIDE`, ",
    ] {
        assert!(select.contains(expected), "{expected} in {selected:#?}");
    }
    assert!(select.ends_with("`SIDE` AS `SIDE`"), "{select}");
}

#[test]
fn rows_are_made_as_the_text_says() {
    let query = summaries(2, Some("x".into()));
    let made = projected(&query, &order(9)).unwrap();
    assert_eq!(
        made,
        Summary {
            id: 9,
            total: Decimal::new(3150, 2),
            class: "small".into(),
            note: "it's none".into(),
            heavy: true,
            name: "ANN:3".into(),
            per_piece: Some(0.5),
            first_tag: Some("new".into()),
            label: 5,
            year: 2024,
            day: "2023-11-14".into(),
            copy: 9,
            stamp: 1_000,
            wide: 3,
            side: "Buy".into(),
        }
    );
    let sold = Order {
        side: Side::Sell,
        ..order(1)
    };
    assert_eq!(projected(&query, &sold), None);
    let noted = |note: &str| Order {
        note: Some(note.into()),
        ..order(1)
    };
    assert_eq!(projected(&query, &noted("y")), None);
    assert_eq!(projected(&query, &noted("x")).unwrap().note, "x");
    // A comparison with a NULL is false, whatever the operator.
    assert_eq!(projected(&summaries(2, None), &noted("x")), None);
    let bare = Order {
        weight: None,
        tags: vec![],
        labels: Default::default(),
        ..order(1)
    };
    let made = projected(&query, &bare).unwrap();
    assert_eq!(
        (made.heavy, made.per_piece, made.first_tag, made.label),
        (false, None, None, 0)
    );
}

#[test]
fn parameters_fill_their_holes() {
    let query = summaries(2, None);
    let values = query.parameters().unwrap();
    assert_eq!(
        values,
        [
            ("least", "2".to_owned()),
            ("tag", "CAST(NULL AS STRING)".to_owned())
        ]
    );
    let values: Vec<(&str, &str)> = values
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let text = ksql_schema::query::holes::fill(summaries::KSQL[0], &values).unwrap();
    assert!(text.contains("(`PIECES` >= 2)"), "{text}");
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("signs")]
pub struct Signed {
    #[key]
    pub id: i64,
    pub sign: i32,
    pub word: String,
    pub paid: String,
}

#[query]
fn signs(orders: Stream<Order>) -> Stream<Signed> {
    orders.map(|o| Signed {
        id: o.id,
        sign: match o.side {
            Side::Buy => 1,
            Side::Sell => -1,
        },
        word: match o.side {
            Side::Sell if o.pieces > 3 => "much",
            Side::Sell | Side::Buy => "any",
        },
        paid: match o.paid {
            Some(true) => "yes",
            None => "unknown",
            Some(false) => "no",
        },
    })
}

#[test]
fn arms_that_leave_nothing_else_need_no_last_one() {
    let select = between(signs::KSQL[0], " AS SELECT ", " FROM ");
    for expected in [
        "(CASE WHEN (`SIDE` = 'Buy') THEN 1 ELSE -1 END) AS `SIGN`",
        "(CASE WHEN ((`SIDE` = 'Sell') AND (`PIECES` > 3)) THEN 'much' ELSE 'any' END) AS `WORD`",
    ] {
        assert!(select.contains(expected), "{expected} in {select}");
    }
    for side in [Side::Buy, Side::Sell] {
        for pieces in [3, 4] {
            for paid in [None, Some(false), Some(true)] {
                let of = Order {
                    side,
                    pieces,
                    paid,
                    ..order(1)
                };
                let made = projected(&signs {}, &of).unwrap();
                let sign = match side {
                    Side::Buy => 1,
                    Side::Sell => -1,
                };
                let word = match side {
                    Side::Sell if pieces > 3 => "much",
                    Side::Sell | Side::Buy => "any",
                };
                let paid = match paid {
                    Some(true) => "yes",
                    None => "unknown",
                    Some(false) => "no",
                };
                let expected = Signed {
                    id: 1,
                    sign,
                    word: word.into(),
                    paid: paid.into(),
                };
                assert_eq!(made, expected, "{of:?}");
            }
        }
    }
}
