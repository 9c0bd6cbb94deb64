//! Queries that group: keys, every aggregate, having, undo, windows.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop"
)]

mod queries_common;

use ksql_runtime::entity::Window;
use ksql_runtime::prelude::*;
use ksql_runtime::query::{Aggregate, At, Groups as _, Scratch};
use queries_common::{aggregated, at, between};

const WINDOW: Window = Window {
    start: 0,
    end: 60_000,
};

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("flights", partitions = 6, retention = "1d")]
pub struct Flight {
    #[key]
    pub id: i64,
    pub origin: String,
    pub carrier: String,
    pub delay: Option<i32>,
    pub distance: i64,
    pub speed: f64,
    #[decimal_precision(9, 2)]
    pub fare: Decimal,
    pub hops: Vec<i32>,
}

fn flight(origin: &str, carrier: &str, delay: Option<i32>, distance: i64) -> Flight {
    Flight {
        id: distance,
        origin: origin.into(),
        carrier: carrier.into(),
        delay,
        distance,
        speed: distance as f64 / 2.0,
        fare: Decimal::new(distance * 100, 2),
        hops: vec![delay.unwrap_or(0), 1],
    }
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("stats")]
#[table]
pub struct Stats {
    #[key]
    pub origin: String,
    #[key]
    pub carrier: String,
    pub flights: i64,
    pub delayed: i64,
    pub delay: i32,
    pub mean: f64,
    pub least: Option<i32>,
    pub most: i64,
    pub first: i64,
    pub last: i64,
    pub last_two: Vec<i64>,
    pub first_two: Vec<i64>,
    pub top: Vec<i64>,
    pub top_distinct: Vec<i64>,
    pub delays: Vec<Option<i32>>,
    pub set: Vec<i64>,
    pub carriers: std::collections::BTreeMap<String, i64>,
    pub deviation: f64,
    pub variance: f64,
    pub correlation: f64,
    pub hops: i32,
    pub only: Option<String>,
    #[decimal_precision(9, 2)]
    pub fares: Decimal,
    pub per_flight: Option<f64>,
    pub share: f64,
    pub long: bool,
}

#[query]
fn stats(flights: Stream<Flight>) -> Table<Stats> {
    flights
        .group_by(|f| (f.origin, f.carrier.to_uppercase()))
        .having(|g| g.count() > 1 && g.key().0 != "none")
        .aggregate(|g| Stats {
            origin: g.key().0,
            carrier: g.key().1,
            flights: g.count(),
            delayed: g.count(|f| f.delay),
            delay: g.sum(|f| f.delay),
            mean: g.avg(|f| f.delay),
            least: g.min(|f| f.delay),
            most: g.max(|f| f.distance),
            first: g.earliest(|f| f.distance),
            last: g.latest(|f| f.distance),
            last_two: g.latest_n(|f| f.distance, 2),
            first_two: g.earliest_n(|f| f.distance, 2),
            top: g.top_k(|f| f.distance, 2),
            top_distinct: g.top_k_distinct(|f| f.distance, 2),
            delays: g.collect_list(|f| f.delay),
            set: g.collect_set(|f| f.distance),
            carriers: g.histogram(|f| f.carrier),
            deviation: g.stddev_sample(|f| f.distance),
            variance: g.stddev_samp(|f| f.distance),
            correlation: g.correlation(|f| f.distance, |f| f.speed),
            hops: g.sum_list(|f| f.hops),
            only: g.attr(|f| f.carrier),
            fares: g.sum(|f| f.fare),
            per_flight: g.sum(|f| f.distance) as f64 / g.count(),
            share: g.count(|f| f.delay) as f64 / (g.count() as f64),
            long: g.max(|f| f.distance) >= 300,
        })
}

#[test]
fn every_aggregate_has_its_text_and_equal_ones_are_kept_once() {
    let text = stats::KSQL[0];
    assert_eq!(stats::KSQL.len(), 1);
    assert!(
        text.starts_with("CREATE TABLE IF NOT EXISTS `STATS` WITH (KAFKA_TOPIC='stats', PARTITIONS=6, REPLICAS=1, KEY_FORMAT='AVRO', VALUE_FORMAT='AVRO', KEY_SCHEMA_FULL_NAME='query_aggregates.StatsKey', VALUE_SCHEMA_FULL_NAME='query_aggregates.Stats') AS SELECT `ORIGIN` AS `ORIGIN`, UCASE(`CARRIER`) AS `CARRIER`, COUNT(*) AS `FLIGHTS`, COUNT(`DELAY`) AS `DELAYED`, SUM(`DELAY`) AS `DELAY`, AVG(`DELAY`) AS `MEAN`, "),
        "{text}"
    );
    for expected in [
        "LATEST_BY_OFFSET(`DISTANCE`, 2) AS `LAST_TWO`",
        "TOPK(`DISTANCE`, 2) AS `TOP`",
        "TOPKDISTINCT(`DISTANCE`, 2)",
        "COLLECT_LIST(`DELAY`)",
        "COLLECT_SET(`DISTANCE`)",
        "HISTOGRAM(`CARRIER`)",
        "STDDEV_SAMPLE(`DISTANCE`) AS `DEVIATION`",
        "STDDEV_SAMP(`DISTANCE`) AS `VARIANCE`",
        "CORRELATION(CAST(`DISTANCE` AS DOUBLE), `SPEED`)",
        "SUM_LIST(`HOPS`)",
        "ATTR(`CARRIER`)",
        "(CAST(SUM(`DISTANCE`) AS DOUBLE) / COUNT(*)) AS `PER_FLIGHT`",
        "(CAST(COUNT(`DELAY`) AS DOUBLE) / CAST(COUNT(*) AS DOUBLE)) AS `SHARE`",
        "(MAX(`DISTANCE`) >= 300) AS `LONG`",
        " FROM `FLIGHT` GROUP BY `ORIGIN`, UCASE(`CARRIER`) HAVING ((COUNT(*) > 1) AND (`ORIGIN` <> 'none')) EMIT CHANGES;",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    // 22 different ones; more are written.
    let kept = format!("{:?}", first(&stats(), &flight("a", "x", None, 1)));
    assert!(kept.contains("a21:") && !kept.contains("a22:"), "{kept}");
}

fn first<E: Entity, Q: Aggregate<Input = E>>(query: &Q, row: &E) -> Q::Groups {
    let scratch = Scratch::new();
    query.first(&at(&scratch, 0), row.row()).unwrap()
}

#[test]
fn every_aggregate_has_the_value_of_its_rows() {
    let rows = [
        flight("aal", "x", Some(5), 100),
        flight("none", "x", Some(1), 1),
        flight("bbl", "x", None, 7),
        flight("aal", "X", None, 300),
        flight("none", "x", Some(1), 1),
        flight("aal", "x", Some(-2), 100),
    ];
    let shown = aggregated(&stats(), &rows, WINDOW);
    assert_eq!(
        shown.len(),
        1,
        "one row is no group to show, and one is named out"
    );
    assert_eq!(
        shown[0],
        Stats {
            origin: "aal".into(),
            carrier: "X".into(),
            flights: 3,
            delayed: 2,
            delay: 3,
            mean: 1.5,
            least: Some(-2),
            most: 300,
            first: 100,
            last: 100,
            last_two: vec![300, 100],
            first_two: vec![100, 300],
            top: vec![300, 100],
            top_distinct: vec![300, 100],
            delays: vec![Some(5), None, Some(-2)],
            set: vec![100, 300],
            carriers: [("x".to_owned(), 2), ("X".to_owned(), 1)].into(),
            deviation: shown[0].deviation,
            variance: shown[0].variance,
            correlation: shown[0].correlation,
            hops: 6,
            only: None,
            fares: Decimal::new(50000, 2),
            per_flight: Some(500.0 / 3.0),
            share: 2.0 / 3.0,
            long: true,
        }
    );
    assert!((shown[0].variance - 40_000.0 / 3.0).abs() < 1e-9);
    assert!((shown[0].deviation - (40_000.0_f64 / 3.0).sqrt()).abs() < 1e-9);
    assert!((shown[0].correlation - 1.0).abs() < 1e-9);
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("accounts")]
#[table]
pub struct Account {
    #[key]
    pub id: i64,
    pub branch: Option<String>,
    pub balance: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("branches")]
#[table]
pub struct Branch {
    #[key]
    pub branch: String,
    pub accounts: i64,
    pub balance: i64,
}

#[query]
fn branches(accounts: Table<Account>) -> Table<Branch> {
    accounts
        .filter(|a| a.balance != 0)
        .group_by(|a| a.branch)
        .aggregate(|g| Branch {
            branch: g.key(),
            accounts: g.count(),
            balance: g.sum(|a| a.balance),
        })
}

#[test]
fn over_a_table_a_row_is_taken_back() {
    let account = |balance| Account {
        id: 1,
        branch: Some("b".into()),
        balance,
    };
    let scratch = Scratch::new();
    let at: At<'_> = at(&scratch, 0);
    let (old, new) = (account(5), account(8));
    let mut kept = branches().first(&at, account(100).row()).unwrap();
    branches().update(&at, old.row(), &mut kept).unwrap();
    branches().undo(&at, old.row(), &mut kept).unwrap();
    branches().update(&at, new.row(), &mut kept).unwrap();
    let mut key = Vec::new();
    assert!(branches().key(&at, new.row(), &mut key));
    let shown = Branch::from_row(branches().finish(&scratch, &key, WINDOW, &kept)).unwrap();
    assert_eq!((shown.accounts, shown.balance), (2, 108));
    let none = Account {
        branch: None,
        ..account(1)
    };
    assert!(
        !branches().key(&at, none.row(), &mut key),
        "a NULL is in no group"
    );
    assert!(
        branches::KSQL[0]
            .contains("FROM `ACCOUNT` WHERE (`BALANCE` <> 0) GROUP BY `BRANCH` EMIT CHANGES;")
    );
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("sessions")]
#[window(session, gap = "30min")]
pub struct Session {
    #[key]
    pub carrier: String,
    #[window_start]
    pub from: DateTime<Utc>,
    #[window_end]
    pub until: i64,
    pub last: String,
    pub text: String,
    pub opened: i64,
}

#[query]
fn sessions(flights: Stream<Flight>) -> Table<Session> {
    flights.group_by(|f| f.carrier).aggregate(|g| Session {
        carrier: g.key(),
        from: g.window_start(),
        until: g.window_end(),
        last: g.latest(|f| f.origin),
        text: g.key().concat("@", g.window_start().to_string()),
        opened: g.window_start(),
    })
}

#[test]
fn bounds_of_the_window_are_in_the_row() {
    let text = sessions::KSQL[0];
    assert_eq!(
        between(text, " AS SELECT ", " GROUP BY"),
        "`CARRIER` AS `CARRIER`, LATEST_BY_OFFSET(`ORIGIN`) AS `LAST`, CONCAT(`CARRIER`, '@', CAST(WINDOWSTART AS STRING)) AS `TEXT`, WINDOWSTART AS `OPENED` FROM `FLIGHT` WINDOW SESSION (30 MINUTES, RETENTION 7 DAYS, GRACE PERIOD 10 SECONDS)"
    );
    let shown = aggregated(
        &sessions(),
        &[flight("a", "x", None, 1)],
        Window { start: 5, end: 9 },
    );
    assert_eq!(
        (
            shown[0].from.timestamp_millis(),
            shown[0].until,
            shown[0].opened
        ),
        (5, 9, 5)
    );
    assert_eq!(shown[0].text, "x@5");
}

#[test]
fn sessions_that_meet_show_what_came_last() {
    let scratch = Scratch::new();
    let (early, late) = (flight("early", "x", None, 1), flight("late", "x", None, 1));
    let mut one = sessions().first(&at(&scratch, 9), late.row()).unwrap();
    let other = sessions().first(&at(&scratch, 4), early.row()).unwrap();
    one.merge(other).unwrap();
    let shown = Session::from_row(sessions().finish(&scratch, b"x", WINDOW, &one)).unwrap();
    assert_eq!(shown.last, "late");
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("legs")]
pub struct Leg {
    #[key]
    pub origin: String,
    pub distance: i64,
    pub half: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("far")]
#[table]
pub struct Far {
    #[key]
    pub origin: String,
    pub total: i64,
}

#[query]
fn far(flights: Stream<Flight>) -> Table<Far> {
    flights
        .map(|f| Leg {
            origin: f.origin.trim(),
            distance: f.delay.unwrap_or(0),
            half: f.distance / 2,
        })
        .filter(|l| l.half > 10)
        .group_by(|l| l.origin)
        .aggregate(|g| Far {
            origin: g.key(),
            total: g.sum(|l| l.distance + l.half.unwrap_or(0)),
        })
}

#[test]
fn what_map_made_is_read_by_the_steps_behind_it() {
    assert_eq!(
        between(far::KSQL[0], " AS SELECT ", ";"),
        "TRIM(`ORIGIN`) AS `ORIGIN`, SUM((CAST(COALESCE(`DELAY`, 0) AS BIGINT) + COALESCE((`DISTANCE` / 2), CAST(0 AS BIGINT)))) AS `TOTAL` FROM `FLIGHT` WHERE ((`DISTANCE` / 2) > 10) GROUP BY TRIM(`ORIGIN`) EMIT CHANGES"
    );
    let rows = [
        flight(" a ", "x", Some(1), 40),
        flight("a", "x", None, 22),
        flight("a", "x", Some(9), 20),
    ];
    let shown = aggregated(&far(), &rows, WINDOW);
    assert_eq!(
        shown,
        [Far {
            origin: "a".into(),
            total: 1 + 20 + 11
        }]
    );
}
