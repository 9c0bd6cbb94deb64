//! The known answers over real flights that need joins: with airlines, planes and the weather around them. Those of two days
//! stand in the repository; those of the whole year are in the folder beside it, and are skipped without.

#![allow(missing_docs)]

mod counts;
mod weather;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
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

/// A folder of this workspace, from that of the tests' package.
fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn examples() -> PathBuf {
    folder("../../examples/data")
}

fn answers() -> PathBuf {
    folder("data")
}

/// The rows of a file, which may be packed.
fn rows<T: DeserializeOwned>(path: &Path) -> Vec<T> {
    let file = std::fs::File::open(path).expect("the file opens");
    let bytes: Box<dyn std::io::Read> = if path.extension().is_some_and(|end| end == "gz") {
        Box::new(GzDecoder::new(file))
    } else {
        Box::new(file)
    };
    csv::Reader::from_reader(bytes)
        .into_deserialize()
        .map(|row| row.expect("a row"))
        .collect()
}

/// The rows of an answer file, which has these columns and no others.
fn expected(path: &Path, columns: &[&str]) -> Vec<Vec<String>> {
    let rows: Vec<BTreeMap<String, String>> = rows(path);
    sorted(rows.into_iter().map(|row| {
        assert_eq!(row.len(), columns.len(), "{}: {row:?}", path.display());
        columns.iter().map(|column| row[*column].clone()).collect()
    }))
}

fn sorted(rows: impl IntoIterator<Item = Vec<String>>) -> Vec<Vec<String>> {
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort();
    rows
}

/// Adds what a file has; tells how many rows.
async fn add<T: Writable + DeserializeOwned>(test: &Test, path: &Path) -> u64 {
    let added = test.context().set::<T>().add_all(rows::<T>(path)).await;
    let added = added.expect("sent");
    test.settle().await.expect("settled");
    added.records
}

/// A query whose table is filled before the flights come.
async fn flown<By, T: Writable + DeserializeOwned>(query: impl IntoQuery<By>, file: &str) -> Test {
    let test = testing::query(query).latest_changes();
    let test = test.start().await.expect("it starts");
    add::<T>(&test, &examples().join(file)).await;
    add::<Departure>(&test, &examples().join("flights.csv")).await;
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
    let test = flown::<_, Airline>(per_airline, "airlines.csv").await;
    let found = list::<PerAirline>(&test)
        .await
        .into_iter()
        .map(|row| vec![row.name, row.flights.to_string(), row.departed.to_string()]);
    assert_eq!(
        sorted(found),
        expected(
            &answers().join("sample_flights_per_airline_name.csv"),
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
    let test = flown::<_, Plane>(per_manufacturer, "planes.csv").await;
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
            &answers().join("sample_flights_per_manufacturer.csv"),
            &["manufacturer", "flights", "seats"]
        )
    );
    test.end().await.expect("ended");
}
