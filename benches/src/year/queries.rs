//! YEARQ: all 336,776 flights of 2013 through queries: hours and days of airports, statistics and the worst three of carriers.
//!
//! The data is that of YEAR; a wrong answer is a failure, not a figure.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use flate2::read::GzDecoder;
use ksql_runtime::prelude::*;

use super::{LIMIT, read, shared_data};
use crate::report::Report;

const REPORT: Report = Report("YEARQ");

/// A flight as a record of a stream.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("year.departures", partitions = 4)]
#[stream]
#[entity(namespace = "nycflights")]
pub struct Departure {
    #[key]
    pub carrier: String,
    pub origin: String,
    #[timestamp]
    pub scheduled_dep: DateTime<Utc>,
    pub dep_delay_min: Option<i32>,
    pub distance_miles: i32,
}

/// What left an airport in an hour, and in a day.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("year.origins")]
#[table]
#[window(tumbling, hours = [1, 24], grace = "2d", retention = "9000d")]
#[entity(namespace = "nycflights")]
pub struct Origin {
    #[key]
    pub origin: String,
    #[window_start]
    pub from: DateTime<Utc>,
    pub flights: i64,
    pub departed: i64,
    pub sum_dep_delay: i32,
    pub max_dep_delay: Option<i32>,
}

#[query]
fn origins(departures: Stream<Departure>) -> Table<Origin> {
    departures.group_by(|d| d.origin).aggregate(|g| Origin {
        origin: g.key(),
        from: g.window_start(),
        flights: g.count(),
        departed: g.count_of(|d| d.dep_delay_min),
        sum_dep_delay: g.sum(|d| d.dep_delay_min),
        max_dep_delay: g.max(|d| d.dep_delay_min),
    })
}

/// The year of a carrier.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("year.carriers")]
#[table]
#[entity(namespace = "nycflights")]
pub struct Carrier {
    #[key]
    pub carrier: String,
    pub flights: i64,
    pub departed: i64,
    pub sum_dep_delay: i32,
    pub min_dep_delay: Option<i32>,
    pub max_dep_delay: Option<i32>,
    pub sum_distance: i32,
    pub worst: Vec<i32>,
}

#[query]
fn carriers(departures: Stream<Departure>) -> Table<Carrier> {
    departures.group_by(|d| d.carrier).aggregate(|g| Carrier {
        carrier: g.key(),
        flights: g.count(),
        departed: g.count_of(|d| d.dep_delay_min),
        sum_dep_delay: g.sum(|d| d.dep_delay_min),
        min_dep_delay: g.min(|d| d.dep_delay_min),
        max_dep_delay: g.max(|d| d.dep_delay_min),
        sum_distance: g.sum(|d| d.distance_miles),
        worst: g.top_k(|d| d.dep_delay_min, 3),
    })
}

/// Runs the year through queries.
pub fn run() {
    let Some(data) = shared_data() else {
        REPORT.skipped("no flights under KSQL_SHARED_DATA or ../shared/data");
        return;
    };
    let runtime = tokio::runtime::Runtime::new().expect("tokio");
    runtime.block_on(year(&data));
}

async fn year(data: &Path) {
    let departures: Vec<Departure> = read::flights(data)
        .into_iter()
        .map(|flight| Departure {
            carrier: flight.carrier,
            origin: flight.origin,
            scheduled_dep: flight.scheduled_dep,
            dep_delay_min: flight.dep_delay_min,
            distance_miles: flight.distance_miles,
        })
        .collect();
    let count = departures.len() as f64;
    REPORT.figure("rows", count, "rows");
    let directory = tempfile::tempdir().expect("temporary directory");
    // The records are there before the queries are, so that queries alone are timed.
    let ctx = Context::builder()
        .entity::<Departure>()
        .state_dir(directory.path())
        .start()
        .await
        .expect("the context starts");
    ctx.set::<Departure>()
        .add_all(departures)
        .await
        .expect("the flights are added");
    ctx.shutdown().await.expect("a clean end");
    let began = Instant::now();
    let ctx = Context::builder()
        .query(origins)
        .query(carriers)
        .state_dir(directory.path())
        .start()
        .await
        .expect("the context starts");
    ctx.wait_ready(LIMIT).await.expect("the queries are ready");
    ctx.wait_caught_up(LIMIT)
        .await
        .expect("the results are in tables");
    REPORT.figure(
        "two_queries_from_start_to_tables",
        count / began.elapsed().as_secs_f64(),
        "rows/s",
    );
    for (minutes, file) in [
        (60, "year_flights_per_origin_60m.csv.gz"),
        (1440, "year_flights_per_origin_1d.csv"),
    ] {
        check_origins(&ctx, data, minutes, file).await;
    }
    check_carriers(&ctx, data).await;
    for query in ctx.queries() {
        assert_eq!(query.late, 0, "{}: rows came too late", query.query);
    }
    ctx.shutdown().await.expect("a clean end");
    REPORT.note("every answer was right");
}

type Answer = BTreeMap<String, String>;

fn answers(data: &Path, name: &str) -> Vec<Answer> {
    let file = std::fs::File::open(data.join("expected").join(name)).expect("an answer file");
    let rows: Box<dyn std::io::Read> = if name.ends_with(".gz") {
        Box::new(GzDecoder::new(file))
    } else {
        Box::new(file)
    };
    csv::Reader::from_reader(rows)
        .deserialize()
        .map(|row| row.expect("a row"))
        .collect()
}

fn text(value: Option<i32>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

async fn check_origins(ctx: &Context, data: &Path, minutes: u64, file: &str) {
    let mut rows = ctx
        .set::<Origin>()
        .window(minutes)
        .to_list()
        .await
        .expect("rows");
    rows.sort_by(|one, other| (&one.origin, one.from).cmp(&(&other.origin, other.from)));
    let mut answers = answers(data, file);
    answers.sort_by(|one, other| {
        (&one["origin"], &one["window_start"]).cmp(&(&other["origin"], &other["window_start"]))
    });
    assert_eq!(rows.len(), answers.len(), "windows of {minutes} minutes");
    for (row, answer) in rows.iter().zip(&answers) {
        let found = [
            ("origin", row.origin.clone()),
            (
                "window_start",
                row.from.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            ),
            ("flights", row.flights.to_string()),
            ("departed", row.departed.to_string()),
            ("sum_dep_delay", row.sum_dep_delay.to_string()),
            ("max_dep_delay", text(row.max_dep_delay)),
        ];
        for (column, value) in found {
            if let Some(expected) = answer.get(column) {
                assert_eq!(&value, expected, "{column} of {row:?}");
            }
        }
    }
}

async fn check_carriers(ctx: &Context, data: &Path) {
    let rows = ctx.set::<Carrier>().to_list().await.expect("rows");
    let rows: BTreeMap<&str, &Carrier> =
        rows.iter().map(|row| (row.carrier.as_str(), row)).collect();
    let answers_of = answers(data, "year_dep_delay_by_carrier.csv");
    assert_eq!(rows.len(), answers_of.len(), "carriers");
    for answer in answers_of {
        let row = rows[answer["carrier"].as_str()];
        let found = [
            ("flights", row.flights.to_string()),
            ("departed", row.departed.to_string()),
            ("sum_dep_delay", row.sum_dep_delay.to_string()),
            ("min_dep_delay", text(row.min_dep_delay)),
            ("max_dep_delay", text(row.max_dep_delay)),
            ("sum_distance", row.sum_distance.to_string()),
        ];
        for (column, value) in found {
            assert_eq!(value, answer[column], "{column} of {row:?}");
        }
    }
    for answer in answers(data, "year_top3_by_carrier.csv") {
        let row = rows[answer["carrier"].as_str()];
        let worst: Vec<String> = row.worst.iter().map(ToString::to_string).collect();
        assert_eq!(worst.join(" "), answer["top3_dep_delay"], "{row:?}");
    }
}
