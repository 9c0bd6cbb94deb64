//! The known answers over real flights that need only tables: counts, sums, columns, latest per key. The sample of two
//! days goes through log, codec and RocksDB; what is read back must give every cell of the answer files.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ksql_runtime::prelude::*;
use ksql_runtime_tests::{servers, test_name};

/// One departure: every row of the file is a key of its own.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("departures", partitions = 3)]
#[table]
struct Departure {
    #[key]
    carrier: String,
    #[key]
    flight: i32,
    #[key]
    scheduled_ms: i64,
    #[timestamp]
    scheduled_dep: DateTime<Utc>,
    tailnum: Option<String>,
    origin: String,
    dest: String,
    dep_delay_min: Option<i32>,
    arr_delay_min: Option<i32>,
    air_time_min: Option<i32>,
    distance_miles: i32,
}

/// The latest departure of an aircraft.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("latest", partitions = 4)]
#[table]
struct Latest {
    #[key]
    tailnum: String,
    carrier: String,
    flight: i32,
    #[timestamp]
    scheduled_dep: DateTime<Utc>,
}

/// An aircraft.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("planes", partitions = 2)]
#[table]
struct Plane {
    #[key]
    tailnum: String,
    year_built: Option<i32>,
    model: String,
    seats: i32,
    speed_mph: Option<i32>,
}

fn data(name: &str) -> std::path::PathBuf {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    match name {
        "flights.csv" | "airlines.csv" | "planes.csv" => {
            root.join("../../examples/data").join(name)
        }
        other => root.join("data").join(other),
    }
}

fn records(name: &str) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_path(data(name))
        .expect("the data file opens")
        .deserialize()
        .map(|row| row.expect("the data file reads"))
        .collect()
}

fn number(text: &str) -> Option<i32> {
    (!text.is_empty()).then(|| text.parse().expect("a number"))
}

fn departure(row: &BTreeMap<String, String>) -> Departure {
    let scheduled_dep: DateTime<Utc> = row["scheduled_dep"].parse().expect("a time");
    Departure {
        carrier: row["carrier"].clone(),
        flight: row["flight"].parse().expect("a flight"),
        scheduled_ms: scheduled_dep.timestamp_millis(),
        scheduled_dep,
        tailnum: Some(row["tailnum"].clone()).filter(|text| !text.is_empty()),
        origin: row["origin"].clone(),
        dest: row["dest"].clone(),
        dep_delay_min: number(&row["dep_delay_min"]),
        arr_delay_min: number(&row["arr_delay_min"]),
        air_time_min: number(&row["air_time_min"]),
        distance_miles: row["distance_miles"].parse().expect("a distance"),
    }
}

async fn loaded(builder: ContextBuilder) -> (Context, Vec<Departure>) {
    let ctx = builder
        .entity::<Departure>()
        .entity::<Latest>()
        .entity::<Plane>()
        .start()
        .await
        .expect("the context starts");
    let departures: Vec<Departure> = records("flights.csv").iter().map(departure).collect();
    ctx.set::<Departure>()
        .add_all(departures.clone())
        .await
        .expect("departures are added");
    let latest = departures.iter().filter_map(|row| {
        Some(Latest {
            tailnum: row.tailnum.clone()?,
            carrier: row.carrier.clone(),
            flight: row.flight,
            scheduled_dep: row.scheduled_dep,
        })
    });
    ctx.set::<Latest>()
        .add_all(latest.collect::<Vec<_>>())
        .await
        .expect("aircraft are added");
    let planes = records("planes.csv").into_iter().map(|row| Plane {
        tailnum: row["tailnum"].clone(),
        year_built: number(&row["year_built"]),
        model: row["model"].clone(),
        seats: row["seats"].parse().expect("seats"),
        speed_mph: number(&row["speed_mph"]),
    });
    ctx.set::<Plane>()
        .add_all(planes.collect::<Vec<_>>())
        .await
        .expect("planes are added");
    ctx.wait_caught_up(Duration::from_secs(300))
        .await
        .expect("the tables catch up");
    (ctx, departures)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sample_gives_every_known_answer_that_needs_only_tables() {
    let dir = tempfile::tempdir().expect("a directory");
    gives_every_answer(builder(dir.path())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sample_gives_the_same_answers_on_a_cluster() {
    let Some(kafka) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    let Some(registry) = servers::registry_or_skip(test_name!()) else {
        return;
    };
    let dir = tempfile::tempdir().expect("a directory");
    let builder = builder(dir.path())
        .setting("bootstrap", kafka.bootstrap())
        .setting("registry", registry.url());
    gives_every_answer(builder).await;
}

/// With nothing of this process's environment.
fn builder(state: &std::path::Path) -> ContextBuilder {
    Context::builder()
        .config(Config::default())
        .state_dir(state)
}

async fn gives_every_answer(builder: ContextBuilder) {
    let (ctx, departures) = loaded(builder).await;

    let rows = ctx
        .set::<Departure>()
        .to_list()
        .await
        .expect("departures are read");
    by_carrier(&rows);
    columns(&rows);
    origins(&rows);
    top_delays(&rows);

    // Every row comes back as it went in.
    let sorted = |rows: &[Departure]| -> BTreeSet<String> {
        rows.iter().map(|row| format!("{row:?}")).collect()
    };
    assert_eq!(sorted(&rows), sorted(&departures));

    // The latest of an aircraft is the last in the file, which is ordered by event time.
    let oracle: BTreeMap<String, &Departure> = departures
        .iter()
        .filter_map(|row| Some((row.tailnum.clone()?, row)))
        .collect();
    let set = ctx.set::<Latest>();
    assert_eq!(set.count().await.expect("a count"), oracle.len() as u64);
    for (tailnum, expected) in oracle {
        let row = set
            .get(tailnum.as_str())
            .await
            .expect("a read")
            .expect("a row");
        let found = (row.carrier, row.flight, row.scheduled_dep);
        assert_eq!(
            found,
            (
                expected.carrier.clone(),
                expected.flight,
                expected.scheduled_dep
            )
        );
    }

    let planes = ctx.set::<Plane>().to_list().await.expect("planes are read");
    check(
        "planes.csv",
        "tailnum",
        planes.iter().map(|plane| Some(plane.tailnum.clone())),
    );
    check(
        "planes.csv",
        "year_built",
        planes
            .iter()
            .map(|plane| plane.year_built.map(|year| year.to_string())),
    );
    check(
        "planes.csv",
        "model",
        planes.iter().map(|plane| Some(plane.model.clone())),
    );
    check(
        "planes.csv",
        "seats",
        planes.iter().map(|plane| Some(plane.seats.to_string())),
    );
    check(
        "planes.csv",
        "speed_mph",
        planes
            .iter()
            .map(|plane| plane.speed_mph.map(|speed| speed.to_string())),
    );
    ctx.shutdown().await.expect("a clean end");
}

/// `sample_dep_delay_by_carrier.csv`: COUNT, COUNT(x), SUM, AVG, MIN, MAX of the delay and SUM of the distance.
fn by_carrier(rows: &[Departure]) {
    let answers = records("sample_dep_delay_by_carrier.csv");
    assert_eq!(answers.len(), 14);
    for answer in answers {
        let mine: Vec<&Departure> = rows
            .iter()
            .filter(|row| row.carrier == answer["carrier"])
            .collect();
        let delays: Vec<i64> = mine
            .iter()
            .filter_map(|row| row.dep_delay_min.map(i64::from))
            .collect();
        let sum: i64 = delays.iter().sum();
        let expected = |name: &str| -> i64 { answer[name].parse().expect("a number") };
        assert_eq!(mine.len() as i64, expected("flights"), "{answer:?}");
        assert_eq!(delays.len() as i64, expected("departed"), "{answer:?}");
        assert_eq!(sum, expected("sum_dep_delay"), "{answer:?}");
        assert_eq!(
            delays.iter().min(),
            Some(&expected("min_dep_delay")),
            "{answer:?}"
        );
        assert_eq!(
            delays.iter().max(),
            Some(&expected("max_dep_delay")),
            "{answer:?}"
        );
        let average: f64 = answer["avg_dep_delay"].parse().expect("a double");
        assert!(
            (sum as f64 / delays.len() as f64 - average).abs() < 1e-12,
            "{answer:?}"
        );
        let distance: i64 = mine.iter().map(|row| i64::from(row.distance_miles)).sum();
        assert_eq!(distance, expected("sum_distance"), "{answer:?}");
    }
}

/// `columns.csv`: rows, nulls, distinct values and longest text of every column of the sample.
fn columns(rows: &[Departure]) {
    let file = "flights/sample.csv";
    check(
        file,
        "carrier",
        rows.iter().map(|row| Some(row.carrier.clone())),
    );
    check(
        file,
        "flight",
        rows.iter().map(|row| Some(row.flight.to_string())),
    );
    check(file, "tailnum", rows.iter().map(|row| row.tailnum.clone()));
    check(
        file,
        "origin",
        rows.iter().map(|row| Some(row.origin.clone())),
    );
    check(file, "dest", rows.iter().map(|row| Some(row.dest.clone())));
    let time = |row: &Departure| {
        row.scheduled_dep
            .to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    };
    check(
        file,
        "scheduled_dep",
        rows.iter().map(|row| Some(time(row))),
    );
    check(
        file,
        "dep_delay_min",
        rows.iter()
            .map(|row| row.dep_delay_min.map(|value| value.to_string())),
    );
    check(
        file,
        "arr_delay_min",
        rows.iter()
            .map(|row| row.arr_delay_min.map(|value| value.to_string())),
    );
    check(
        file,
        "air_time_min",
        rows.iter()
            .map(|row| row.air_time_min.map(|value| value.to_string())),
    );
    check(
        file,
        "distance_miles",
        rows.iter().map(|row| Some(row.distance_miles.to_string())),
    );
}

fn check(file: &str, column: &str, values: impl Iterator<Item = Option<String>>) {
    let answers = records("columns.csv");
    let answer = answers
        .iter()
        .find(|row| row["file"] == file && row["column"] == column)
        .unwrap_or_else(|| panic!("columns.csv has no {file} {column}"));
    let values: Vec<Option<String>> = values.collect();
    let set: Vec<&String> = values.iter().flatten().collect();
    let distinct: BTreeSet<&String> = set.iter().copied().collect();
    let longest = set
        .iter()
        .map(|text| text.chars().count())
        .max()
        .unwrap_or(0);
    let found = [
        values.len(),
        values.len() - set.len(),
        distinct.len(),
        longest,
    ]
    .map(|n| n.to_string());
    let expected =
        ["rows", "nulls", "distinct_values", "max_length"].map(|name| answer[name].clone());
    assert_eq!(
        found, expected,
        "{file} {column}: rows, nulls, distinct, longest"
    );
}

/// Flights per origin, as the data's description counts them.
fn origins(rows: &[Departure]) {
    for (origin, flights) in [("EWR", 655), ("JFK", 618), ("LGA", 512)] {
        assert_eq!(
            rows.iter().filter(|row| row.origin == origin).count(),
            flights,
            "{origin}"
        );
    }
}

/// `sample_top_delays.csv`: the 20 largest delays; ties by time, carrier, flight.
fn top_delays(rows: &[Departure]) {
    let mut delayed: Vec<&Departure> = rows
        .iter()
        .filter(|row| row.dep_delay_min.is_some())
        .collect();
    delayed.sort_by_key(|row| {
        (
            std::cmp::Reverse(row.dep_delay_min),
            row.scheduled_dep,
            row.carrier.clone(),
            row.flight,
        )
    });
    let answers = records("sample_top_delays.csv");
    assert_eq!(answers.len(), 20);
    for (row, answer) in delayed.iter().zip(answers) {
        let found = (
            row.carrier.clone(),
            row.flight.to_string(),
            row.dep_delay_min.map(|delay| delay.to_string()),
        );
        let expected = (
            answer["carrier"].clone(),
            answer["flight"].clone(),
            Some(answer["dep_delay_min"].clone()),
        );
        assert_eq!(found, expected);
    }
}
