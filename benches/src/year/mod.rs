//! YEAR: all 336,776 flights of 2013 through log, codec and tables, and the answers that need only tables.
//!
//! The data lies outside of the repository: `KSQL_SHARED_DATA` names its folder, `../shared/data` beside the workspace is
//! tried otherwise, and without either the benchmark says so and is skipped. A wrong answer is a failure, not a figure.

mod answers;
pub mod queries;
mod read;

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use ksql_runtime::prelude::*;

use crate::report::{Report, timed};

const REPORT: Report = Report("YEAR");
const LIMIT: Duration = Duration::from_secs(120);

/// One flight: every row of the files is a key of its own.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("year.flights", partitions = 4)]
#[table]
#[entity(namespace = "nycflights")]
pub struct Flight {
    #[key]
    pub carrier: String,
    #[key]
    pub flight: i32,
    #[key]
    pub scheduled_ms: i64,
    pub tailnum: Option<String>,
    pub origin: String,
    pub dest: String,
    #[timestamp]
    pub scheduled_dep: DateTime<Utc>,
    pub dep_delay_min: Option<i32>,
    pub arr_delay_min: Option<i32>,
    pub air_time_min: Option<i32>,
    pub distance_miles: i32,
}

/// The latest flight of an aircraft.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("year.aircraft", partitions = 4)]
#[table]
#[entity(namespace = "nycflights")]
pub struct Aircraft {
    #[key]
    pub tailnum: String,
    pub carrier: String,
    pub flight: i32,
    #[timestamp]
    pub scheduled_dep: DateTime<Utc>,
    pub dest: String,
}

/// Runs the year.
pub fn run() {
    let Some(data) = shared_data() else {
        REPORT.skipped("no flights under KSQL_SHARED_DATA or ../shared/data");
        return;
    };
    let runtime = tokio::runtime::Runtime::new().expect("tokio");
    runtime.block_on(year(data));
}

fn shared_data() -> Option<PathBuf> {
    let named = std::env::var_os("KSQL_SHARED_DATA").map(PathBuf::from);
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    [named, Some(beside)]
        .into_iter()
        .flatten()
        .find(|path| path.join("flights/2013-12.csv.gz").exists())
}

async fn year(data: PathBuf) {
    let (flights, took) = timed(|| read::flights(&data));
    REPORT.figure("rows", flights.len() as f64, "rows");
    REPORT.figure(
        "csv_read",
        flights.len() as f64 / took.as_secs_f64(),
        "rows/s",
    );
    let expected = flights.len() as u64;
    let latest = latest(&flights);
    let aircraft: Vec<Aircraft> = flights.iter().filter_map(aircraft).collect();

    let directory = tempfile::tempdir().expect("temporary directory");
    let ctx = start(&directory).await;
    let total = (flights.len() + aircraft.len()) as f64;
    let started = std::time::Instant::now();
    ctx.set::<Flight>()
        .add_all(flights.clone())
        .await
        .expect("flights are added");
    ctx.set::<Aircraft>()
        .add_all(aircraft)
        .await
        .expect("aircraft are added");
    REPORT.figure(
        "produced",
        total / started.elapsed().as_secs_f64(),
        "rows/s",
    );
    ctx.wait_caught_up(LIMIT)
        .await
        .expect("the tables catch up");
    REPORT.figure(
        "produced_and_in_tables",
        total / started.elapsed().as_secs_f64(),
        "rows/s",
    );

    let started = std::time::Instant::now();
    let rows = ctx
        .set::<Flight>()
        .to_list()
        .await
        .expect("flights are read");
    REPORT.figure(
        "to_list",
        rows.len() as f64 / started.elapsed().as_secs_f64(),
        "rows/s",
    );
    answers::check(&data, &rows);
    assert_eq!(
        sorted(rows),
        sorted(flights),
        "every row comes back as it went in"
    );

    let started = std::time::Instant::now();
    let set = ctx.set::<Aircraft>();
    assert_eq!(
        set.count().await.expect("a count"),
        latest.len() as u64,
        "aircraft"
    );
    for (tailnum, expected) in &latest {
        let found = set.get(tailnum.as_str()).await.expect("a read");
        assert_eq!(found.as_ref(), Some(expected), "latest flight of {tailnum}");
    }
    REPORT.figure(
        "get",
        latest.len() as f64 / started.elapsed().as_secs_f64(),
        "rows/s",
    );
    ctx.shutdown().await.expect("a clean end");

    let started = std::time::Instant::now();
    let ctx = start(&directory).await;
    REPORT.figure(
        "second_start",
        started.elapsed().as_secs_f64() * 1000.0,
        "ms",
    );
    let count = ctx.set::<Flight>().count().await.expect("a count");
    assert_eq!(count, expected, "the second start finds every row");
    ctx.shutdown().await.expect("a clean end");
    REPORT.note("every answer was right");
}

async fn start(directory: &tempfile::TempDir) -> Context {
    let ctx = Context::builder()
        .entity::<Flight>()
        .entity::<Aircraft>()
        .state_dir(directory.path())
        .start()
        .await
        .expect("the context starts");
    ctx.wait_ready(LIMIT).await.expect("the tables are ready");
    ctx
}

fn aircraft(flight: &Flight) -> Option<Aircraft> {
    Some(Aircraft {
        tailnum: flight.tailnum.clone()?,
        carrier: flight.carrier.clone(),
        flight: flight.flight,
        scheduled_dep: flight.scheduled_dep,
        dest: flight.dest.clone(),
    })
}

/// The last in the files, which are ordered by event time.
fn latest(flights: &[Flight]) -> HashMap<String, Aircraft> {
    flights
        .iter()
        .filter_map(|flight| Some((flight.tailnum.clone()?, aircraft(flight)?)))
        .collect()
}

fn sorted(mut rows: Vec<Flight>) -> Vec<Flight> {
    rows.sort_by(|a, b| {
        let key = |row: &Flight| (row.scheduled_ms, row.flight);
        key(a).cmp(&key(b)).then_with(|| a.carrier.cmp(&b.carrier))
    });
    rows
}
