//! Whole explanations, letter by letter.

use super::*;
use crate::model::{
    Cleanup, Column, Entity, GapPolicy, KindFrom, Mode, Role, SubjectStrategy, Topic, ValueFormat,
    Window, WindowKind,
};
use crate::query::column::samples::sample;
use crate::query::plan::{Input, Parameter, Step, Writes};
use crate::types::Type;

pub(super) const fn column(
    name: &'static str,
    sql_name: &'static str,
    quoted: &'static str,
    ty: Type<'static>,
    role: Role,
) -> Column<'static> {
    Column {
        sql_name,
        quoted,
        role,
        ..sample(name, ty)
    }
}

const PRICE: Type<'static> = Type::Decimal {
    precision: 18,
    scale: 4,
};

const fn entity(
    names: [&'static str; 3],
    kind: Kind,
    columns: &'static [Column<'static>],
) -> Entity<'static> {
    let [name, sql_name, topic] = names;
    Entity {
        name,
        namespace: "shop",
        record_name: name,
        sql_name,
        kind,
        kind_from: KindFrom::Inferred,
        topic: Topic {
            name: topic,
            declared: true,
            partitions: None,
            replication: None,
            retention_ms: None,
            cleanup: None,
        },
        value_format: ValueFormat::Avro,
        subjects: SubjectStrategy::TopicName,
        columns,
        window: None,
        mode: Mode::Strict,
    }
}

static RATE: Entity<'static> = {
    let mut rate = entity(
        ["Rate", "RATE", "rates"],
        Kind::Stream,
        &[
            column("symbol", "SYMBOL", "`SYMBOL`", Type::String, Role::Key),
            column("price", "PRICE", "`PRICE`", PRICE, Role::Value),
            column("size", "SIZE", "`SIZE`", Type::Int64, Role::Value),
            column("note", "NOTE", "`NOTE`", Type::String, Role::Value),
        ],
    );
    rate.topic.partitions = Some(4);
    rate
};

static CANDLE: Entity<'static> = {
    let mut candle = entity(
        ["Candle", "CANDLE", "candles"],
        Kind::Table,
        &[
            column("symbol", "SYMBOL", "`SYMBOL`", Type::String, Role::Key),
            column("high", "HIGH", "`HIGH`", PRICE, Role::Value),
            column("turnover", "TURNOVER", "`TURNOVER`", PRICE, Role::Value),
        ],
    );
    candle.window = Some(Window {
        kind: WindowKind::Tumbling,
        sizes_ms: &[60_000, 3_600_000],
        advance_ms: None,
        grace_ms: Some(10_000),
        retention_ms: None,
        gaps: GapPolicy::None,
        gap_horizon: None,
    });
    candle
};

static BIG: Entity<'static> = entity(
    ["Big", "BIG", "big_rates"],
    Kind::Stream,
    &[
        column("note", "NOTE", "`NOTE`", Type::String, Role::Key),
        column("size", "SIZE", "`SIZE`", Type::Int64, Role::Value),
    ],
);

const BY_STREAM: Input<'static> = Input {
    name: "rates",
    entity: &RATE,
    kind: Kind::Stream,
};
const RATES: &[Input<'static>] = &[BY_STREAM];

static CANDLES: Query<'static> = Query {
    name: "candles",
    inputs: RATES,
    steps: &[
        Step::Filter("r.size > 0"),
        Step::GroupBy(&["r.symbol"]),
        Step::Aggregate(&[
            ("symbol", "g.key()"),
            ("high", "g.max(|r| r.price)"),
            ("turnover", "g.sum(|r| r.price)"),
        ]),
        Step::Having("g.count() > 1"),
    ],
    output: &CANDLE,
    kind: Kind::Table,
    because: "grouped and aggregated",
    writes: Writes::Creates,
    parameters: &[],
};

fn candles() -> Explanation<'static> {
    let statement = |label: &str, topic: &str, size: &str| {
        format!(
            "CREATE TABLE IF NOT EXISTS `CANDLE_{label}` WITH (KAFKA_TOPIC='candles_{topic}', PARTITIONS=4) AS SELECT \
             `SYMBOL` AS `SYMBOL`, MAX(`PRICE`) AS `HIGH`, SUM(`PRICE`) AS `TURNOVER` FROM `RATE` WINDOW TUMBLING (SIZE {size}, \
             RETENTION 7 DAYS, GRACE PERIOD 10 SECONDS) WHERE (`SIZE` > 0) GROUP BY `SYMBOL` HAVING (COUNT(*) > 1) EMIT CHANGES"
        )
    };
    // One ends with `;` already.
    let texts = [
        statement("1MIN", "1min", "1 MINUTES") + ";",
        statement("60MIN", "60min", "1 HOURS"),
    ];
    Explanation::new(&CANDLES, &texts)
}

#[test]
fn an_aggregate_over_windows_is_told_from_source_to_sinks() {
    let expected = r#"query `candles`: table `Candle` of stream `Rate`

decision
  table: grouped and aggregated

topology
  source     stream `RATE`, topic rates
  filter     r.size > 0
  columns    SYMBOL, PRICE, SIZE, ROWTIME
  group      by r.symbol, the key it has: nothing is repartitioned
  window     tumbling, 1 minute, 1 hour; grace 10 seconds
  aggregate  KSQL_AGG_VARIABLE_0 = MAX(`PRICE`)
             KSQL_AGG_VARIABLE_1 = SUM(`PRICE`)
             KSQL_AGG_VARIABLE_2 = COUNT(*)
  having     g.count() > 1
  project    symbol = g.key()
             high = g.max(|r| r.price)
             turnover = g.sum(|r| r.price)
  sink       table `CANDLE_1MIN`, topic candles_1min
             table `CANDLE_60MIN`, topic candles_60min

topics
  rates          read     4 partitions  delete          kept for ever
  candles_1min   written  4 partitions  compact,delete  kept for 7 days
  candles_60min  written  4 partitions  compact,delete  kept for 7 days

stores
  candles_Query       what is kept of groups, and how far it has read
  Candle_1min_Store   rows of candles_1min
  Candle_60min_Store  rows of candles_60min

schemas
  candles_1min-value
    SCHEMA
  candles_60min-value
    SCHEMA

notes
  `turnover` sums decimals: a sum with more digits than they have stops the query; widen inside the sum, for example `as Decimal<30, 4>`
  a row that comes when its window has ended and the grace after it is over is left out; time is the latest timestamp seen

statements
CREATE TABLE IF NOT EXISTS `CANDLE_1MIN` WITH (KAFKA_TOPIC='candles_1min', PARTITIONS=4) AS SELECT `SYMBOL` AS `SYMBOL`, MAX(`PRICE`) AS `HIGH`, SUM(`PRICE`) AS `TURNOVER` FROM `RATE` WINDOW TUMBLING (SIZE 1 MINUTES, RETENTION 7 DAYS, GRACE PERIOD 10 SECONDS) WHERE (`SIZE` > 0) GROUP BY `SYMBOL` HAVING (COUNT(*) > 1) EMIT CHANGES;
CREATE TABLE IF NOT EXISTS `CANDLE_60MIN` WITH (KAFKA_TOPIC='candles_60min', PARTITIONS=4) AS SELECT `SYMBOL` AS `SYMBOL`, MAX(`PRICE`) AS `HIGH`, SUM(`PRICE`) AS `TURNOVER` FROM `RATE` WINDOW TUMBLING (SIZE 1 HOURS, RETENTION 7 DAYS, GRACE PERIOD 10 SECONDS) WHERE (`SIZE` > 0) GROUP BY `SYMBOL` HAVING (COUNT(*) > 1) EMIT CHANGES;
"#;
    let schema = avro::result_schema(&CANDLE);
    assert_eq!(candles().to_string(), expected.replace("SCHEMA", &schema));
}

#[test]
fn the_same_is_a_flowchart_that_ends_in_a_sink_for_each_window() {
    let expected = r##"flowchart TD
    source0_0[("stream RATE<br/>topic rates")]
    step0["filter<br/>r.size #gt; 0"]
    source0_0 --> step0
    step1["columns<br/>SYMBOL, PRICE, SIZE, ROWTIME"]
    step0 --> step1
    step2["group<br/>by r.symbol, the key it has: nothing is repartitioned"]
    step1 --> step2
    step3["window<br/>tumbling, 1 minute, 1 hour; grace 10 seconds"]
    step2 --> step3
    step4["aggregate<br/>KSQL_AGG_VARIABLE_0 = MAX(#96;PRICE#96;)<br/>KSQL_AGG_VARIABLE_1 = SUM(#96;PRICE#96;)<br/>KSQL_AGG_VARIABLE_2 = COUNT(*)"]
    step3 --> step4
    step5["having<br/>g.count() #gt; 1"]
    step4 --> step5
    step6["project<br/>symbol = g.key()<br/>high = g.max(|r| r.price)<br/>turnover = g.sum(|r| r.price)"]
    step5 --> step6
    sink0[("table CANDLE_1MIN<br/>topic candles_1min")]
    step6 --> sink0
    sink1[("table CANDLE_60MIN<br/>topic candles_60min")]
    step6 --> sink1
"##;
    assert_eq!(candles().mermaid(), expected);
}

const BIG_RATES: Query<'static> = Query {
    name: "big_rates",
    inputs: RATES,
    steps: &[
        Step::Filter("r.size > limit"),
        Step::Map(&[("note", "r.note"), ("size", "r.size * 2")]),
        Step::PartitionBy(&["r.note"]),
    ],
    output: &BIG,
    kind: Kind::Stream,
    because: "rows become rows",
    writes: Writes::Creates,
    parameters: &[Parameter {
        name: "limit",
        ty: "i64",
    }],
};
const BIG_TEXT: &str = "CREATE STREAM IF NOT EXISTS `BIG` WITH (KAFKA_TOPIC='big_rates', PARTITIONS=4) AS SELECT `NOTE` AS `NOTE`, \
    (`SIZE` * 2) AS `SIZE` FROM `RATE` WHERE (`SIZE` > :limit) PARTITION BY `NOTE` EMIT CHANGES;";

#[test]
fn rows_of_rows_are_told_with_the_values_of_parameters() {
    let explanation =
        Explanation::new(&BIG_RATES, &[BIG_TEXT]).parameter("limit", "CAST(5 AS BIGINT)");
    let expected = r#"query `big_rates`: stream `Big` of stream `Rate`

decision
  stream: rows become rows

parameters
  limit: i64 = CAST(5 AS BIGINT)

topology
  source     stream `RATE`, topic rates
  filter     r.size > limit
  map        note = r.note
             size = r.size * 2
  partition  by r.note: ksqlDB repartitions
  sink       stream `BIG`, topic big_rates

topics
  rates      read     4 partitions  delete  kept for ever
  big_rates  written  4 partitions  delete  kept for 7 days

stores
  big_rates_Query  how far it has read

schemas
  big_rates-value
    SCHEMA

statements
TEXT
"#;
    let expected = expected
        .replace("SCHEMA", &avro::result_schema(&BIG))
        .replace("TEXT", BIG_TEXT);
    assert_eq!(explanation.to_string(), expected);
    assert_eq!(explanation.decision(), "stream: rows become rows");
}

#[test]
fn a_query_without_a_text_is_told_as_far_as_its_plan_goes() {
    let none: [&str; 0] = [];
    let explanation = Explanation::new(&CANDLES, &none);
    let names: Vec<_> = explanation
        .stages()
        .iter()
        .map(|stage| stage.name)
        .collect();
    assert_eq!(
        names,
        [
            "source", "filter", "columns", "group", "window", "having", "project", "sink"
        ]
    );
    assert!(explanation.statements().is_empty());
}

#[test]
fn result_topics_are_told_as_the_statements_say_them() {
    let mut big = BIG;
    big.topic.partitions = Some(2);
    let topics = |output, retention_ms| {
        let input = Entity {
            topic: Topic {
                retention_ms,
                ..RATE.topic
            },
            ..RATE
        };
        let inputs = [Input {
            entity: &input,
            ..BY_STREAM
        }];
        let query = Query {
            inputs: &inputs,
            output,
            ..BIG_RATES
        };
        let topics = Explanation::new(&query, &[BIG_TEXT]).topics();
        topics
            .into_iter()
            .next_back()
            .map(|topic| (topic.partitions, topic.retention_ms))
    };
    assert_eq!(topics(&big, Some(-1)), Some((2, None)));
    assert_eq!(topics(&BIG, Some(5)), Some((4, Some(5))));
    assert_eq!(output_cleanup(&CANDLES), Cleanup::CompactDelete);
    assert_eq!(output_cleanup(&BIG_RATES), Cleanup::Delete);
    let states = Entity {
        window: None,
        ..CANDLE
    };
    let query = Query {
        output: &states,
        ..CANDLES
    };
    assert_eq!(output_cleanup(&query), Cleanup::Compact);
}

#[test]
fn rows_of_a_table_move_even_when_grouped_by_their_key() {
    let inputs = [Input {
        kind: Kind::Table,
        ..BY_STREAM
    }];
    let query = Query {
        inputs: &inputs,
        ..CANDLES
    };
    let explanation = Explanation::new(&query, candles().statements());
    let group = explanation
        .stages()
        .iter()
        .find(|stage| stage.name == "group");
    assert_eq!(
        group.map(|stage| stage.lines.as_slice()),
        Some(["by r.symbol: ksqlDB repartitions".to_owned()].as_slice())
    );
}

#[test]
fn durations_are_told_in_their_largest_whole_unit() {
    let table = [
        (0, "0 seconds"),
        (1, "1 millisecond"),
        (1500, "1500 milliseconds"),
        (10_000, "10 seconds"),
        (5_400_000, "90 minutes"),
        (3_600_000, "1 hour"),
        (604_800_000, "7 days"),
    ];
    for (millis, expected) in table {
        assert_eq!(duration_text(millis), expected);
    }
}
