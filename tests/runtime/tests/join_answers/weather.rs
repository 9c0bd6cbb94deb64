//! Departures with the readings of their airport's weather at most half an hour away.

use std::collections::BTreeMap;
use std::path::Path;

use ksql_runtime::prelude::*;
use ksql_runtime::query::IntoQuery;
use ksql_runtime::testing::{self, Test};
use serde::Deserialize;

use crate::{Departure, add, answers, examples, expected, list, rows, sorted};

const ANSWERS: &str = "sample_join_weather_within_30m.csv";

#[derive(Debug, Clone, PartialEq, Deserialize, Entity)]
#[topic("weather", partitions = 4)]
#[stream]
struct Weather {
    #[key]
    origin: String,
    #[timestamp]
    observed_at: DateTime<Utc>,
    temp_f: Option<f64>,
}

/// A query whose topics are filled before it starts: it reads them in the order of time.
async fn caught_up<By>(query: impl IntoQuery<By>, directory: &Path) -> Test {
    let filled = testing::builder()
        .directory(directory)
        .entity::<Departure>()
        .entity::<Weather>()
        .start()
        .await
        .expect("it starts");
    add::<Weather>(&filled, &examples().join("weather.csv")).await;
    add::<Departure>(&filled, &examples().join("flights.csv")).await;
    filled.end().await.expect("ended");
    let test = testing::query(query)
        .directory(directory)
        .latest_changes()
        .start()
        .await
        .expect("it starts");
    test.settle().await.expect("settled");
    test
}

/// A departure that has readings near it.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("readings")]
#[table]
struct Readings {
    #[key]
    carrier: String,
    #[key]
    flight: i32,
    #[key]
    scheduled_ms: i64,
    origin: String,
    rows: i64,
}

#[query]
fn near(departures: Stream<Departure>, weather: Stream<Weather>) -> Table<Readings> {
    departures
        .join(weather, |d, w| d.origin == w.origin)
        .within("30m")
        .grace("0s")
        .group_by(|d, _| (d.carrier, d.flight, d.scheduled_dep.timestamp_millis()))
        .aggregate(|g| Readings {
            carrier: g.key().0,
            flight: g.key().1,
            scheduled_ms: g.key().2,
            origin: g.earliest(|d, _| d.origin),
            rows: g.count(),
        })
}

/// A departure, with its readings or with none.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("weathered")]
#[table]
struct Weathered {
    #[key]
    carrier: String,
    #[key]
    flight: i32,
    #[key]
    scheduled_ms: i64,
    origin: String,
    rows: i64,
    readings: i64,
}

#[query]
fn weathered(departures: Stream<Departure>, weather: Stream<Weather>) -> Table<Weathered> {
    departures
        .left_join(weather, |d, w| d.origin == w.origin)
        .within("30m")
        .grace("1h")
        .group_by(|d, _| (d.carrier, d.flight, d.scheduled_dep.timestamp_millis()))
        .aggregate(|g| Weathered {
            carrier: g.key().0,
            flight: g.key().1,
            scheduled_ms: g.key().2,
            origin: g.earliest(|d, _| d.origin),
            rows: g.count(),
            readings: g.count_of(|_, w| w.origin),
        })
}

/// An airport's line of the answer, as far as an inner join tells it.
#[derive(Debug, Default)]
struct Inner {
    rows: i64,
    matched: i64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readings_of_the_weather_near_a_departure_are_the_known_ones() {
    let directory = tempfile::tempdir().expect("a directory");
    let test = caught_up(near, directory.path()).await;
    let mut airports: BTreeMap<String, Inner> = BTreeMap::new();
    for row in list::<Readings>(&test).await {
        let airport = airports.entry(row.origin).or_default();
        airport.rows += row.rows;
        airport.matched += 1;
    }
    let known: Vec<BTreeMap<String, String>> = rows(&answers().join(ANSWERS));
    let known = known
        .iter()
        .map(|row| ["origin", "inner_rows", "flights_matched"].map(|column| row[column].clone()));
    let found = airports
        .into_iter()
        .map(|(origin, found)| [origin, found.rows.to_string(), found.matched.to_string()]);
    assert_eq!(found.collect::<Vec<_>>(), known.collect::<Vec<_>>());
    test.end().await.expect("ended");
}

/// An airport's line of the answer.
#[derive(Debug, Default)]
struct Airport {
    flights: i64,
    inner_rows: i64,
    matched: i64,
    unmatched: i64,
    left_rows: i64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn departures_without_a_reading_come_once_when_no_more_can_come() {
    let directory = tempfile::tempdir().expect("a directory");
    let test = caught_up(weathered, directory.path()).await;
    // Time goes on in every partition that holds an airport.
    let later = rows::<Departure>(&examples().join("flights.csv"))
        .into_iter()
        .map(|flight| flight.scheduled_dep)
        .max()
        .expect("flights")
        + chrono::TimeDelta::days(4);
    for origin in ["EWR", "JFK", "LGA"] {
        let reading = Weather {
            origin: origin.to_owned(),
            observed_at: later,
            temp_f: None,
        };
        test.send(reading).await.expect("sent");
    }
    test.settle().await.expect("settled");
    let mut airports: BTreeMap<String, Airport> = BTreeMap::new();
    for row in list::<Weathered>(&test).await {
        assert_eq!(row.rows, row.readings.max(1), "{row:?}");
        let airport = airports.entry(row.origin).or_default();
        airport.flights += 1;
        airport.inner_rows += row.readings;
        airport.left_rows += row.rows;
        match row.readings {
            0 => airport.unmatched += 1,
            _ => airport.matched += 1,
        }
    }
    let found = airports.into_iter().map(|(origin, found)| {
        let counts = [
            found.flights,
            found.inner_rows,
            found.matched,
            found.unmatched,
            found.left_rows,
        ];
        let counts = counts.map(|count| count.to_string());
        [origin].into_iter().chain(counts).collect()
    });
    let columns = [
        "origin",
        "flights",
        "inner_rows",
        "flights_matched",
        "flights_unmatched",
        "left_rows",
    ];
    assert_eq!(sorted(found), expected(&answers().join(ANSWERS), &columns));
    test.end().await.expect("ended");
}
