//! The known answers over real flights that need joins: with airlines, planes and the weather around them.

#![allow(missing_docs)]

use std::collections::{BTreeMap, BTreeSet};

use ksql_runtime::prelude::*;
use ksql_runtime::query::IntoQuery;
use ksql_runtime::testing::{self, Test};
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Debug, Clone, PartialEq, Deserialize, Entity)]
#[topic("departures", partitions = 4)]
#[stream]
struct Departure {
    #[key]
    carrier: String,
    flight: i32,
    tailnum: Option<String>,
    origin: String,
    #[timestamp]
    scheduled_dep: DateTime<Utc>,
    dep_delay_min: Option<i32>,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Entity)]
#[topic("airlines", partitions = 4)]
#[table]
struct Airline {
    #[key]
    carrier: String,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize, Entity)]
#[topic("planes", partitions = 4)]
#[table]
struct Plane {
    #[key]
    tailnum: String,
    manufacturer: String,
    seats: i32,
}

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

fn rows<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = match name {
        "flights.csv" | "planes.csv" | "airlines.csv" | "weather.csv" => {
            root.join("../../examples/data").join(name)
        }
        other => root.join("data").join(other),
    };
    csv::Reader::from_path(path)
        .expect("the file opens")
        .deserialize()
        .map(|row| row.expect("a row"))
        .collect()
}

/// The rows of an answer file, cut to these columns.
fn expected(name: &str, columns: &[&str]) -> Vec<Vec<String>> {
    let rows: Vec<BTreeMap<String, String>> = rows(name);
    sorted(
        rows.into_iter()
            .map(|row| columns.iter().map(|column| row[*column].clone()).collect()),
    )
}

fn sorted(rows: impl IntoIterator<Item = Vec<String>>) -> Vec<Vec<String>> {
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort();
    rows
}

/// A query whose tables are filled before the flights come.
async fn started<By, T: Writable + DeserializeOwned>(
    query: impl IntoQuery<By>,
    file: &str,
) -> Test {
    let test = testing::query(query)
        .latest_changes()
        .start()
        .await
        .expect("it starts");
    test.context()
        .set::<T>()
        .add_all(rows::<T>(file))
        .await
        .expect("sent");
    test.settle().await.expect("settled");
    test
}

async fn fly(test: &Test) {
    test.context()
        .set::<Departure>()
        .add_all(rows::<Departure>("flights.csv"))
        .await
        .expect("sent");
    test.settle().await.expect("settled");
}

/// A query whose topics are filled before it starts: it reads them in the order of time.
async fn caught_up<By>(query: impl IntoQuery<By>, directory: &std::path::Path) -> Test {
    let filled = testing::builder()
        .directory(directory)
        .entity::<Departure>()
        .entity::<Weather>()
        .start()
        .await
        .expect("it starts");
    let weather = rows::<Weather>("weather.csv");
    let sent = filled.context().set::<Weather>().add_all(weather).await;
    sent.expect("sent");
    fly(&filled).await;
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

async fn list<T: TableEntity>(test: &Test) -> Vec<T> {
    test.context().set::<T>().to_list().await.expect("rows")
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("per_airline")]
#[table]
struct PerAirline {
    #[key]
    name: String,
    flights: i64,
    departed: i64,
}

#[query]
fn per_airline(departures: Stream<Departure>, airlines: Table<Airline>) -> Table<PerAirline> {
    departures
        .join(airlines, |d, a| d.carrier == a.carrier)
        .group_by(|_, a| a.name)
        .aggregate(|g| PerAirline {
            name: g.key(),
            flights: g.count(),
            departed: g.count_of(|d, _| d.dep_delay_min),
        })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flights_per_name_of_their_airline_are_the_known_ones() {
    let test = started::<_, Airline>(per_airline, "airlines.csv").await;
    fly(&test).await;
    let found = list::<PerAirline>(&test)
        .await
        .into_iter()
        .map(|row| vec![row.name, row.flights.to_string(), row.departed.to_string()]);
    assert_eq!(
        sorted(found),
        expected(
            "sample_flights_per_airline_name.csv",
            &["name", "flights", "departed"]
        )
    );
    test.end().await.expect("ended");
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("per_manufacturer")]
#[table]
struct PerManufacturer {
    #[key]
    manufacturer: String,
    flights: i64,
    seats: i32,
}

#[query]
fn per_manufacturer(departures: Stream<Departure>, planes: Table<Plane>) -> Table<PerManufacturer> {
    departures
        .join(planes, |d, p| d.tailnum == p.tailnum)
        .group_by(|_, p| p.manufacturer)
        .aggregate(|g| PerManufacturer {
            manufacturer: g.key(),
            flights: g.count(),
            seats: g.sum(|_, p| p.seats),
        })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flights_and_seats_per_manufacturer_are_the_known_ones() {
    let test = started::<_, Plane>(per_manufacturer, "planes.csv").await;
    fly(&test).await;
    let found = list::<PerManufacturer>(&test).await.into_iter().map(|row| {
        vec![
            row.manufacturer,
            row.flights.to_string(),
            row.seats.to_string(),
        ]
    });
    assert_eq!(
        sorted(found),
        expected(
            "sample_flights_per_manufacturer.csv",
            &["manufacturer", "flights", "seats"]
        )
    );
    test.end().await.expect("ended");
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("matches")]
#[table]
struct Matches {
    #[key]
    carrier: String,
    flights: i64,
    matched: i64,
    unmatched: i64,
}

/// A flight without a tail number has nothing to be looked up by, and is in no row.
#[query]
fn matches(departures: Stream<Departure>, planes: Table<Plane>) -> Table<Matches> {
    departures
        .left_join(planes, |d, p| d.tailnum == p.tailnum)
        .group_by(|d, _| d.carrier)
        .aggregate(|g| Matches {
            carrier: g.key(),
            flights: g.count(),
            matched: g.count_of(|_, p| p.tailnum),
            unmatched: g.sum(|_, p| if p.tailnum.is_none() { 1i64 } else { 0i64 }),
        })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flights_whose_aircraft_is_not_known_are_counted_and_those_without_one_are_not() {
    let test = started::<_, Plane>(matches, "planes.csv").await;
    fly(&test).await;
    let found = list::<Matches>(&test).await.into_iter().map(|row| {
        assert_eq!(row.flights, row.matched + row.unmatched, "{row:?}");
        vec![
            row.carrier,
            row.matched.to_string(),
            row.unmatched.to_string(),
        ]
    });
    assert_eq!(
        sorted(found),
        expected(
            "sample_unmatched_planes_by_carrier.csv",
            &["carrier", "matched", "unmatched"]
        )
    );
    test.end().await.expect("ended");
}

/// Departures joined with a table by a key, and a column of the row that is found.
macro_rules! with {
    ($entity:ident, $query:ident, $topic:literal, $join:ident, $table:ident, $key:ident, $column:ident: $($type:tt)+) => {
        #[derive(Debug, Clone, PartialEq, Entity)]
        #[topic($topic)]
        #[stream]
        struct $entity {
            #[key]
            $key: String,
            $column: $($type)+,
        }

        #[query]
        fn $query(departures: Stream<Departure>, found: Table<$table>) -> Stream<$entity> {
            departures.$join(found, |d, f| d.$key == f.$key).map(|d, f| $entity {
                $key: d.$key,
                $column: f.$column,
            })
        }
    };
}

with!(WithAirline, with_airline, "with_airline", join, Airline, carrier, name: String);
with!(WithAnyAirline, with_any_airline, "with_any_airline", left_join, Airline, carrier, name: Option<String>);
with!(WithPlane, with_plane, "with_plane", join, Plane, tailnum, seats: i32);
with!(WithAnyPlane, with_any_plane, "with_any_plane", left_join, Plane, tailnum, seats: Option<i32>);

async fn told<T: Entity>(test: &Test) -> Vec<T> {
    let records = test.records::<T>().await.expect("records");
    let rows = records.into_iter().map(|record| record.row);
    rows.map(|row| row.expect("a row")).collect()
}

/// A line of the answer: of the keys of the flights, the rows of an inner join, and those of a left one with whether they have
/// found anything.
fn counted(
    (table, key): (&str, &str),
    keys: &[Option<String>],
    inner: usize,
    left: &[(String, bool)],
) -> Vec<String> {
    let without = keys.iter().filter(|key| key.is_none()).count();
    let (found, missing): (Vec<_>, Vec<_>) = left.iter().partition(|(_, found)| *found);
    let distinct: BTreeSet<&String> = missing.iter().map(|(key, _)| key).collect();
    let counts = [
        keys.len(),
        without,
        found.len(),
        missing.len(),
        distinct.len(),
        inner,
        left.len(),
        // As many as SQL's own join has.
        left.len() + without,
    ];
    let names = ["sample", table, key].map(str::to_owned);
    names
        .into_iter()
        .chain(counts.map(|count| count.to_string()))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inner_and_left_joins_have_as_many_rows_as_the_known_ones() {
    let test = testing::query(with_airline)
        .query(with_any_airline)
        .query(with_plane)
        .query(with_any_plane);
    let test = test.start().await.expect("it starts");
    let (airlines, planes) = (rows::<Airline>("airlines.csv"), rows::<Plane>("planes.csv"));
    let sent = test.context().set::<Airline>().add_all(airlines).await;
    sent.expect("sent");
    let sent = test.context().set::<Plane>().add_all(planes).await;
    sent.expect("sent");
    test.settle().await.expect("settled");
    fly(&test).await;

    let flights = rows::<Departure>("flights.csv").into_iter();
    let (carriers, aircraft): (Vec<_>, Vec<_>) = flights
        .map(|flight| (Some(flight.carrier), flight.tailnum))
        .unzip();
    let left = told::<WithAnyAirline>(&test).await.into_iter();
    let left: Vec<_> = left.map(|row| (row.carrier, row.name.is_some())).collect();
    let inner = told::<WithAirline>(&test).await.len();
    let of_airlines = counted(("airlines", "carrier"), &carriers, inner, &left);
    let left = told::<WithAnyPlane>(&test).await.into_iter();
    let left: Vec<_> = left.map(|row| (row.tailnum, row.seats.is_some())).collect();
    let inner = told::<WithPlane>(&test).await.len();
    let of_planes = counted(("planes", "tailnum"), &aircraft, inner, &left);

    let mut known = expected(
        "join_counts.csv",
        &[
            "scope",
            "table",
            "key",
            "flights",
            "null_key",
            "matched",
            "unmatched",
            "unmatched_distinct_keys",
            "inner_rows",
            "left_rows_null_key_dropped",
            "left_rows_sql",
        ],
    );
    // The others are of the whole year.
    known.retain(|line| line[0] == "sample");
    assert_eq!([of_airlines, of_planes].as_slice(), known);
    test.end().await.expect("ended");
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("readings")]
#[table]
struct Readings {
    #[key]
    origin: String,
    rows: i64,
}

#[query]
fn near(departures: Stream<Departure>, weather: Stream<Weather>) -> Table<Readings> {
    departures
        .join(weather, |d, w| d.origin == w.origin)
        .within("30m")
        .grace("0s")
        .group_by(|d, _| d.origin)
        .aggregate(|g| Readings {
            origin: g.key(),
            rows: g.count(),
        })
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("weathered")]
#[table]
struct Weathered {
    #[key]
    origin: String,
    rows: i64,
    without: i64,
}

#[query]
fn weathered(departures: Stream<Departure>, weather: Stream<Weather>) -> Table<Weathered> {
    departures
        .left_join(weather, |d, w| d.origin == w.origin)
        .within("30m")
        .grace("1h")
        .group_by(|d, _| d.origin)
        .aggregate(|g| Weathered {
            origin: g.key(),
            rows: g.count(),
            without: g.sum(|_, w| if w.origin.is_none() { 1i64 } else { 0i64 }),
        })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readings_of_the_weather_near_a_departure_are_the_known_ones() {
    let directory = tempfile::tempdir().expect("a directory");
    let test = caught_up(near, directory.path()).await;
    let found = list::<Readings>(&test)
        .await
        .into_iter()
        .map(|row| vec![row.origin, row.rows.to_string()]);
    assert_eq!(
        sorted(found),
        expected(
            "sample_join_weather_within_30m.csv",
            &["origin", "inner_rows"]
        )
    );
    test.end().await.expect("ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn departures_without_a_reading_come_once_when_no_more_can_come() {
    let directory = tempfile::tempdir().expect("a directory");
    let test = caught_up(weathered, directory.path()).await;
    // Time goes on in every partition that holds an airport.
    let later = rows::<Departure>("flights.csv")
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
    let found = list::<Weathered>(&test)
        .await
        .into_iter()
        .map(|row| vec![row.origin, row.rows.to_string(), row.without.to_string()]);
    assert_eq!(
        sorted(found),
        expected(
            "sample_join_weather_within_30m.csv",
            &["origin", "left_rows", "flights_unmatched"]
        )
    );
    test.end().await.expect("ended");
}
