//! The known answers over real flights that need queries: hours, overlapping hours, sessions, candles, statistics and the
//! worst three, in event-time order and in the order in which the flights left, each cell as the answer files have it.

#![allow(missing_docs)]

use std::collections::BTreeMap;

use ksql_runtime::prelude::*;
use ksql_runtime::testing::{self, Test};
use serde::Deserialize;

/// What every query reads: in one partition, as the answers were computed.
#[derive(Debug, Clone, PartialEq, Deserialize, Entity)]
#[topic("departures", partitions = 1)]
struct Departure {
    #[key]
    carrier: String,
    flight: i32,
    tailnum: Option<String>,
    origin: String,
    dest: String,
    #[timestamp]
    scheduled_dep: DateTime<Utc>,
    dep_delay_min: Option<i32>,
    distance_miles: i32,
}

/// The rows of a file of answers or data.
fn file(name: &str) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_path(path(name))
        .expect("the file opens")
        .deserialize()
        .map(|row| row.expect("the file reads"))
        .collect()
}

fn path(name: &str) -> std::path::PathBuf {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    match name {
        "flights.csv" => root.join("../../examples/data").join(name),
        other => root.join("data").join(other),
    }
}

fn departures(name: &str) -> Vec<Departure> {
    csv::Reader::from_path(path(name))
        .expect("the file opens")
        .deserialize()
        .map(|row| row.expect("a departure"))
        .collect()
}

/// A test into which a file of flights went.
async fn flown<By>(query: impl ksql_runtime::query::IntoQuery<By>, name: &str) -> Test {
    let test = testing::query(query)
        .latest_changes()
        .start()
        .await
        .expect("it starts");
    let set = test.context().set::<Departure>();
    set.add_all(departures(name)).await.expect("sent");
    test.settle().await.expect("settled");
    test
}

fn shown(moment: DateTime<Utc>) -> String {
    moment.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn text(value: impl ToString) -> String {
    value.to_string()
}

fn optional(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, text)
}

/// Rows of an answer file, cut to these columns, in one order.
fn expected(
    name: &str,
    columns: &[&str],
    wanted: impl Fn(&BTreeMap<String, String>) -> bool,
) -> Vec<Vec<String>> {
    let rows = file(name).into_iter().filter(wanted);
    sorted(rows.map(|row| columns.iter().map(|column| row[*column].clone()).collect()))
}

fn sorted(rows: impl IntoIterator<Item = Vec<String>>) -> Vec<Vec<String>> {
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort();
    rows
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("hourly")]
#[table]
#[window(tumbling, hours = [1], grace = "24h", retention = "90d")]
struct Hourly {
    #[key]
    origin: String,
    #[window_start]
    from: DateTime<Utc>,
    #[window_end]
    to: DateTime<Utc>,
    flights: i64,
    departed: i64,
    sum_dep_delay: i32,
    max_dep_delay: Option<i32>,
}

#[query]
fn hourly(departures: Stream<Departure>) -> Table<Hourly> {
    departures.group_by(|d| d.origin).aggregate(|g| Hourly {
        origin: g.key(),
        from: g.window_start(),
        to: g.window_end(),
        flights: g.count(),
        departed: g.count_of(|d| d.dep_delay_min),
        sum_dep_delay: g.sum(|d| d.dep_delay_min),
        max_dep_delay: g.max(|d| d.dep_delay_min),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hours_of_airports_are_the_known_ones() {
    let test = flown(hourly, "flights.csv").await;
    let rows = test.context().set::<Hourly>().window(60).to_list().await;
    let found = rows.expect("rows").into_iter().map(|row| {
        vec![
            row.origin,
            shown(row.from),
            shown(row.to),
            text(row.flights),
            text(row.departed),
            text(row.sum_dep_delay),
            optional(row.max_dep_delay),
        ]
    });
    let columns = [
        "origin",
        "window_start",
        "window_end",
        "flights",
        "departed",
        "sum_dep_delay",
        "max_dep_delay",
    ];
    assert_eq!(
        sorted(found),
        expected("sample_flights_per_origin_60m.csv", &columns, |_| true)
    );
    test.end().await.expect("a clean end");
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("rolling")]
#[table]
#[window(hopping, hours = [1], advance = "15m", grace = "24h", retention = "90d")]
struct Rolling {
    #[key]
    origin: String,
    #[window_start]
    from: DateTime<Utc>,
    #[window_end]
    to: DateTime<Utc>,
    flights: i64,
}

#[query]
fn rolling(departures: Stream<Departure>) -> Table<Rolling> {
    departures.group_by(|d| d.origin).aggregate(|g| Rolling {
        origin: g.key(),
        from: g.window_start(),
        to: g.window_end(),
        flights: g.count(),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hours_that_overlap_are_the_known_ones() {
    let test = flown(rolling, "flights.csv").await;
    let rows = test.context().set::<Rolling>().window(60).to_list().await;
    let found = rows.expect("rows").into_iter().map(|row| {
        vec![
            row.origin,
            shown(row.from),
            shown(row.to),
            text(row.flights),
        ]
    });
    let columns = ["origin", "window_start", "window_end", "flights"];
    assert_eq!(
        sorted(found),
        expected(
            "sample_flights_per_origin_hop_60m_15m.csv",
            &columns,
            |_| { true }
        )
    );
    test.end().await.expect("a clean end");
}

macro_rules! sessions {
    ($name:ident, $query:ident, $test:ident, $gap:literal, $minutes:literal, $file:literal) => {
        #[derive(Debug, Clone, PartialEq, Entity)]
        #[topic("sessions")]
        #[table]
        #[window(session, gap = $gap, grace = "24h", retention = "90d")]
        struct $name {
            #[key]
            tailnum: String,
            #[window_start]
            from: DateTime<Utc>,
            #[window_end]
            to: DateTime<Utc>,
            flights: i64,
            departed: i64,
            sum_dep_delay: i32,
        }

        #[query]
        fn $query(departures: Stream<Departure>) -> Table<$name> {
            departures.group_by(|d| d.tailnum).aggregate(|g| $name {
                tailnum: g.key(),
                from: g.window_start(),
                to: g.window_end(),
                flights: g.count(),
                departed: g.count_of(|d| d.dep_delay_min),
                sum_dep_delay: g.sum(|d| d.dep_delay_min),
            })
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            let columns = [
                "tailnum",
                "session_start",
                "session_end",
                "flights",
                "departed",
                "sum_dep_delay",
            ];
            // Sessions do not depend on the order in which their events come, where none is too late.
            for data in ["flights.csv", "out_of_order.csv"] {
                let test = flown($query, data).await;
                let set = test.context().set::<$name>().window($minutes);
                let found = set.to_list().await.expect("rows").into_iter().map(|row| {
                    vec![
                        row.tailnum,
                        shown(row.from),
                        shown(row.to),
                        text(row.flights),
                        text(row.departed),
                        text(row.sum_dep_delay),
                    ]
                });
                assert_eq!(sorted(found), expected($file, &columns, |_| true), "{data}");
                test.end().await.expect("a clean end");
            }
        }
    };
}

sessions!(
    Short,
    short,
    sessions_of_aircraft_with_half_an_hour_between_are_the_known_ones,
    "30m",
    30,
    "sample_sessions_tailnum_30m.csv"
);
sessions!(
    Long,
    long,
    sessions_of_aircraft_with_eight_hours_between_are_the_known_ones,
    "8h",
    480,
    "sample_sessions_tailnum_8h.csv"
);

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("carriers_at_origins")]
#[table]
#[window(session, gap = "30m", grace = "24h", retention = "90d")]
struct CarrierAtOrigin {
    #[key]
    carrier: String,
    #[key]
    origin: String,
    #[window_start]
    from: DateTime<Utc>,
    #[window_end]
    to: DateTime<Utc>,
    flights: i64,
    departed: i64,
    sum_dep_delay: i32,
}

#[query]
fn carriers_at_origins(departures: Stream<Departure>) -> Table<CarrierAtOrigin> {
    departures
        .group_by(|d| (d.carrier, d.origin))
        .aggregate(|g| CarrierAtOrigin {
            carrier: g.key().0,
            origin: g.key().1,
            from: g.window_start(),
            to: g.window_end(),
            flights: g.count(),
            departed: g.count_of(|d| d.dep_delay_min),
            sum_dep_delay: g.sum(|d| d.dep_delay_min),
        })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_of_a_key_of_two_columns_are_the_known_ones() {
    let test = flown(carriers_at_origins, "flights.csv").await;
    let set = test.context().set::<CarrierAtOrigin>().window(30);
    let found = set.to_list().await.expect("rows").into_iter().map(|row| {
        vec![
            row.carrier,
            row.origin,
            shown(row.from),
            shown(row.to),
            text(row.flights),
            text(row.departed),
            text(row.sum_dep_delay),
        ]
    });
    let columns = [
        "carrier",
        "origin",
        "session_start",
        "session_end",
        "flights",
        "departed",
        "sum_dep_delay",
    ];
    assert_eq!(
        sorted(found),
        expected("sample_sessions_carrier_origin_30m.csv", &columns, |_| true)
    );
    test.end().await.expect("a clean end");
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("delays")]
#[table]
#[window(tumbling, minutes = [1, 5, 60], grace = "900m", retention = "90d")]
struct Delay {
    #[key]
    origin: String,
    #[window_start]
    from: DateTime<Utc>,
    #[window_end]
    to: DateTime<Utc>,
    open: Option<i32>,
    high: Option<i32>,
    low: Option<i32>,
    close: Option<i32>,
    flights: i64,
}

#[query]
fn delays(departures: Stream<Departure>) -> Table<Delay> {
    departures
        .filter(|d| d.dep_delay_min.is_some())
        .group_by(|d| d.origin)
        .aggregate(|g| Delay {
            origin: g.key(),
            from: g.window_start(),
            to: g.window_end(),
            open: g.earliest(|d| d.dep_delay_min),
            high: g.max(|d| d.dep_delay_min),
            low: g.min(|d| d.dep_delay_min),
            close: g.latest(|d| d.dep_delay_min),
            flights: g.count(),
        })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn candles_of_delays_are_the_known_ones_in_either_order() {
    let columns = [
        "origin",
        "window_start",
        "window_end",
        "open",
        "high",
        "low",
        "close",
        "flights",
    ];
    for (data, answers, sizes) in [
        (
            "flights.csv",
            "sample_delay_candles_per_origin.csv",
            &[1, 5, 60][..],
        ),
        (
            "out_of_order.csv",
            "out_of_order_delay_candles_per_origin.csv",
            &[60],
        ),
    ] {
        let test = flown(delays, data).await;
        for minutes in sizes {
            let set = test.context().set::<Delay>().window(*minutes);
            let found = set.to_list().await.expect("rows").into_iter().map(|row| {
                vec![
                    row.origin,
                    shown(row.from),
                    shown(row.to),
                    optional(row.open),
                    optional(row.high),
                    optional(row.low),
                    optional(row.close),
                    text(row.flights),
                ]
            });
            let right = expected(answers, &columns, |row| {
                row["window_minutes"] == minutes.to_string()
            });
            assert_eq!(sorted(found), right, "{data}, {minutes} minutes");
        }
        test.end().await.expect("a clean end");
    }
}

macro_rules! late {
    ($name:ident, $query:ident, $test:ident, $grace:literal, $minutes:literal, $counted:literal) => {
        #[derive(Debug, Clone, PartialEq, Entity)]
        #[topic("late")]
        #[table]
        #[window(tumbling, hours = [1], grace = $grace, retention = "90d")]
        struct $name {
            #[key]
            origin: String,
            #[window_start]
            from: DateTime<Utc>,
            #[window_end]
            to: DateTime<Utc>,
            flights: i64,
        }

        #[query]
        fn $query(departures: Stream<Departure>) -> Table<$name> {
            departures.group_by(|d| d.origin).aggregate(|g| $name {
                origin: g.key(),
                from: g.window_start(),
                to: g.window_end(),
                flights: g.count(),
            })
        }

        /// In the answers stream time is that of the whole file: one group's partition.
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            let test = flown($query, "out_of_order.csv").await;
            let set = test.context().set::<$name>().window(60);
            let rows = set.to_list().await.expect("rows");
            assert_eq!(rows.iter().map(|row| row.flights).sum::<i64>(), $counted);
            let found = rows.into_iter().map(|row| {
                vec![
                    row.origin,
                    shown(row.from),
                    shown(row.to),
                    text(row.flights),
                ]
            });
            let columns = ["origin", "window_start", "window_end", "flights"];
            let right = expected("out_of_order_flights_per_origin_60m.csv", &columns, |row| {
                row["grace_minutes"] == $minutes
            });
            assert_eq!(sorted(found), right);
            test.end().await.expect("a clean end");
        }
    };
}

late!(
    WithoutGrace,
    without_grace,
    without_grace_a_flight_behind_its_hour_is_left_out,
    "0s",
    "0",
    1420
);
late!(
    QuarterOfGrace,
    quarter_of_grace,
    a_quarter_of_an_hour_of_grace_counts_the_known_flights,
    "15m",
    "15",
    1581
);
late!(
    HourOfGrace,
    hour_of_grace,
    an_hour_of_grace_counts_the_known_flights,
    "60m",
    "60",
    1709
);

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("carriers")]
#[table]
struct Carrier {
    #[key]
    carrier: String,
    flights: i64,
    departed: i64,
    sum_dep_delay: i32,
    avg_dep_delay: f64,
    min_dep_delay: Option<i32>,
    max_dep_delay: Option<i32>,
    sum_distance: i32,
    worst: Vec<i32>,
}

#[query]
fn carriers(departures: Stream<Departure>) -> Table<Carrier> {
    departures.group_by(|d| d.carrier).aggregate(|g| Carrier {
        carrier: g.key(),
        flights: g.count(),
        departed: g.count_of(|d| d.dep_delay_min),
        sum_dep_delay: g.sum(|d| d.dep_delay_min),
        avg_dep_delay: g.avg(|d| d.dep_delay_min),
        min_dep_delay: g.min(|d| d.dep_delay_min),
        max_dep_delay: g.max(|d| d.dep_delay_min),
        sum_distance: g.sum(|d| d.distance_miles),
        worst: g.top_k(|d| d.dep_delay_min, 3),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statistics_and_the_worst_three_of_carriers_are_the_known_ones_in_either_order() {
    for data in ["flights.csv", "out_of_order.csv"] {
        let test = flown(carriers, data).await;
        let rows = test.context().set::<Carrier>().to_list().await;
        let rows = rows.expect("rows");
        let found = rows.iter().map(|row| {
            vec![
                row.carrier.clone(),
                text(row.flights),
                text(row.departed),
                text(row.sum_dep_delay),
                format!("{:?}", row.avg_dep_delay),
                optional(row.min_dep_delay),
                optional(row.max_dep_delay),
                text(row.sum_distance),
            ]
        });
        let columns = [
            "carrier",
            "flights",
            "departed",
            "sum_dep_delay",
            "avg_dep_delay",
            "min_dep_delay",
            "max_dep_delay",
            "sum_distance",
        ];
        let right = expected("sample_dep_delay_by_carrier.csv", &columns, |_| true);
        assert_eq!(sorted(found), right, "{data}");
        let worst = rows.iter().map(|row| {
            let worst: Vec<String> = row.worst.iter().map(ToString::to_string).collect();
            vec![row.carrier.clone(), worst.join(" ")]
        });
        let right = expected(
            "sample_top3_by_carrier.csv",
            &["carrier", "top3_dep_delay"],
            |_| true,
        );
        assert_eq!(sorted(worst), right, "{data}");
        test.end().await.expect("a clean end");
    }
}
