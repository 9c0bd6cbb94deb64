//! What several entities together break, and what the model check says.

use ksql_runtime::prelude::*;
use ksql_schema::finding::Severity;
use ksql_schema::rules::validate_model;

mod orders {
    use ksql_runtime::prelude::*;

    #[derive(Entity)]
    #[topic("orders")]
    #[table]
    pub struct Order {
        #[key]
        pub id: i64,
        pub value: i64,
    }
}

mod others {
    use ksql_runtime::prelude::*;

    #[derive(Entity)]
    #[topic("others")]
    #[table]
    pub struct Order {
        #[key]
        pub id: i64,
        pub value: i64,
    }
}

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Purchase {
    #[key]
    id: i64,
    value: i64,
}

#[derive(Entity)]
#[topic("legs")]
#[table]
struct Leg {
    #[key]
    carrier: String,
    #[key]
    flight: i64,
    delay: i64,
}

#[derive(Entity)]
#[topic("legs")]
#[stream]
struct LegEvent {
    #[key]
    carrier: String,
    #[key]
    flight: i64,
    delay: i64,
}

/// The keys' record is that of `Leg`.
#[derive(Entity)]
#[topic("legs")]
#[stream]
#[entity(name = "Leg")]
struct LegLike {
    #[key]
    carrier: String,
    #[key]
    flight: i64,
    delay: i64,
}

#[derive(Entity)]
#[topic("candles")]
#[window(tumbling, minutes = [1, 5])]
struct Candle {
    #[key]
    symbol: String,
    close: f64,
}

#[derive(Entity)]
#[topic("candles_5min")]
#[table]
struct Five {
    #[key]
    symbol: String,
    close: f64,
}

#[derive(Entity)]
#[topic("candles_1min_final")]
#[table]
struct Closed {
    #[key]
    symbol: String,
    close: f64,
}

/// In KSQL the source of the 5-minute candles.
#[derive(Entity)]
#[topic("elsewhere")]
#[table]
#[allow(non_camel_case_types)]
struct Candle_5min {
    #[key]
    symbol: String,
    close: f64,
}

/// Other windows over other topics.
#[derive(Entity)]
#[topic("quarters")]
#[window(tumbling, minutes = [15])]
struct Quarter {
    #[key]
    symbol: String,
    close: f64,
}

#[derive(Entity)]
#[topic("plain")]
#[table]
#[entity(subjects = "record")]
struct Plain {
    #[key]
    id: i64,
    value: i64,
}

/// The one finding of these entities.
fn only(entities: &[&ksql_schema::Entity<'_>]) -> (&'static str, Severity, String) {
    match validate_model(entities).as_slice() {
        [one] => (one.code, one.severity, one.to_string()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn two_entities_of_one_source_topic_or_window_topic_are_told_with_both_names() {
    for (entities, code, words) in [
        (
            [orders::Order::MODEL, others::Order::MODEL],
            "K0501",
            ["`Order`", "`ORDER`"],
        ),
        (
            [Leg::MODEL, LegEvent::MODEL],
            "K0502",
            ["`model.LegKey`", "`model.LegEventKey`"],
        ),
        (
            [Leg::MODEL, LegLike::MODEL],
            "K0503",
            ["`Leg`", "`LegLike`"],
        ),
        (
            [Candle::MODEL, Candle_5min::MODEL],
            "K0501",
            ["`Candle_5min`", "`CANDLE_5MIN`"],
        ),
        (
            [Closed::MODEL, Candle::MODEL],
            "K0504",
            ["`Closed`", "`candles_1min_final`"],
        ),
        (
            [orders::Order::MODEL, Purchase::MODEL],
            "K0503",
            ["`Order`", "`Purchase`"],
        ),
        (
            [Candle::MODEL, Five::MODEL],
            "K0504",
            ["`Candle`", "`candles_5min`"],
        ),
    ] {
        let (found, severity, text) = only(&entities);
        assert_eq!((found, severity), (code, Severity::Error), "{text}");
        for word in words {
            assert!(text.contains(word), "{word} is not in: {text}");
        }
    }
}

#[test]
fn subjects_by_record_are_a_warning_because_ksqldb_does_not_look_for_them() {
    let (code, severity, text) = only(&[Plain::MODEL]);
    assert_eq!((code, severity), ("K0505", Severity::Warning));
    assert!(text.contains("plain-value"), "{text}");
}

#[test]
fn entities_that_go_together_have_no_findings() {
    assert_eq!(
        validate_model(&[
            orders::Order::MODEL,
            Leg::MODEL,
            Candle::MODEL,
            Quarter::MODEL
        ]),
        []
    );
}

#[test]
fn the_longest_topic_of_a_window_must_fit_the_broker() {
    let longest = "_5min_final".len();
    let long = "t".repeat(249 - longest);
    let with = |name: &str| {
        let topic = ksql_schema::Topic {
            name,
            ..Candle::MODEL.topic
        };
        let candle = ksql_schema::Entity {
            topic,
            ..*Candle::MODEL
        };
        ksql_schema::rules::validate(&candle)
    };
    assert_eq!(with(&long), []);
    let found = with(&format!("{long}t"));
    let [finding] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(finding.code, "K0102");
    assert!(
        finding.message.contains("`_5min_final`") && finding.message.contains("250"),
        "{finding:?}"
    );
    assert!(finding.help.contains("238"), "{finding:?}");
}

#[test]
fn one_call_checks_the_model_and_says_every_statement_and_schema() {
    let model = Model::new()
        .entity::<Leg>()
        .entity::<Candle>()
        .entity::<Plain>()
        .entity::<Leg>();
    let names: Vec<&str> = model.entities().map(|entity| entity.name).collect();
    assert_eq!(names, ["Leg", "Candle", "Plain"]);
    let report = model.check().expect("a valid model");
    for text in [
        Leg::CREATE,
        Leg::KEY_SCHEMA,
        Leg::VALUE_SCHEMA,
        Candle::CREATE,
        Candle::VALUE_SCHEMA,
        Plain::CREATE,
    ] {
        assert!(
            !text.is_empty() && report.contains(text),
            "{text}\nis not in\n{report}"
        );
    }
    assert!(report.contains("warning: K0505"), "{report}");
    assert_eq!(
        model.ddl(),
        Ok([Leg::CREATE, Candle::CREATE, Plain::CREATE]
            .map(|text| format!("{text}\n"))
            .concat())
    );
    let schemas = [
        Leg::KEY_SCHEMA,
        Leg::VALUE_SCHEMA,
        Candle::VALUE_SCHEMA,
        Plain::VALUE_SCHEMA,
    ];
    assert_eq!(
        model.avro(),
        Ok(schemas.map(|text| format!("{text}\n")).concat())
    );
    assert_eq!(model.validate().map(|warnings| warnings.len()), Ok(1));
}

#[test]
fn a_model_with_errors_says_all_of_them_and_nothing_else() {
    let model = Model::new()
        .entity::<orders::Order>()
        .entity::<others::Order>()
        .entity::<Purchase>()
        .entity::<Plain>();
    let invalid = model.check().expect_err("two pairs clash");
    let text = invalid.to_string();
    assert_eq!(
        text,
        "the model is not valid:\n  K0501: `Order` and `Order` are both the KSQL source `ORDER`; rename one of the structs\n  \
         K0503: `Order` and `Purchase` have the same topic `orders`; give each its own topic"
    );
    assert_eq!(format!("{invalid:?}"), text, "what a failing test shows");
    assert_eq!(
        model.ddl().map_err(|error| error.to_string()),
        Err(text.clone())
    );
    assert_eq!(model.avro().map_err(|error| error.to_string()), Err(text));
    assert_eq!(
        model.findings().len(),
        3,
        "the warning is among the findings"
    );
}
