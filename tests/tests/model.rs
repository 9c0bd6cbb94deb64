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
            ["`Leg`", "`LegEvent`"],
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
        validate_model(&[orders::Order::MODEL, Leg::MODEL, Candle::MODEL]),
        []
    );
}
