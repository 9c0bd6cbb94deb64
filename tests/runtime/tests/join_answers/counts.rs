//! How many flights find their airline and their aircraft by an inner and by a left join: of the two days in the repository, and
//! of the whole year.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ksql_runtime::prelude::*;
use ksql_runtime::testing::{self, Test};
use ksql_runtime_tests::recorded::shared_or_skip;
use ksql_runtime_tests::test_name;

use crate::{Airline, Departure, Plane, add, answers, examples, expected, list, sorted};

/// What a carrier flew, with a tail number or without.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("flown")]
#[table]
struct Flown {
    #[key]
    carrier: String,
    flights: i64,
    null_key: i64,
}

#[query]
fn flown(departures: Stream<Departure>) -> Table<Flown> {
    departures.group_by(|d| d.carrier).aggregate(|g| Flown {
        carrier: g.key(),
        flights: g.count(),
        null_key: g.sum(|d| if d.tailnum.is_none() { 1i64 } else { 0i64 }),
    })
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("matches")]
#[table]
struct Matches {
    #[key]
    carrier: String,
    rows: i64,
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
            rows: g.count(),
            matched: g.count_of(|_, p| p.tailnum),
            unmatched: g.sum(|_, p| if p.tailnum.is_none() { 1i64 } else { 0i64 }),
        })
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

/// How many flights this query left out, as they had nothing to be looked up by.
fn keyless(test: &Test, name: &str) -> u64 {
    let queries = test.context().queries().into_iter();
    let mut queries = queries.filter(|query| query.query == name);
    queries.next().expect("the query").keyless
}

/// Flights and tables, and what is known of them.
struct Known {
    scope: &'static str,
    tables: PathBuf,
    flights: Vec<PathBuf>,
    answers: PathBuf,
}

impl Known {
    fn sample() -> Known {
        Known {
            scope: "sample",
            tables: examples(),
            flights: vec![examples().join("flights.csv")],
            answers: answers(),
        }
    }

    fn year(data: &Path) -> Known {
        let months = (1..=12).map(|month| data.join(format!("flights/2013-{month:02}.csv.gz")));
        Known {
            scope: "year",
            tables: data.to_owned(),
            flights: months.collect(),
            answers: data.join("expected"),
        }
    }

    /// Lets all queries join these flights, and compares every cell.
    async fn is_found(&self) {
        let test = testing::query(flown)
            .query(matches)
            .query(with_airline)
            .query(with_any_airline)
            .query(with_plane)
            .query(with_any_plane);
        let test = test.latest_changes().start().await.expect("it starts");
        add::<Airline>(&test, &self.tables.join("airlines.csv")).await;
        add::<Plane>(&test, &self.tables.join("planes.csv")).await;
        // One file at a time: what waits to be taken in stays small.
        let mut flights = 0;
        for file in &self.flights {
            flights += add::<Departure>(&test, file).await;
        }
        let scope = self.scope;
        let counts = self.counts(&test, flights).await;
        assert_eq!(counts, self.known_counts(), "{scope}");
        let carriers = by_carrier(&test).await;
        assert_eq!(carriers, self.known_by_carrier(), "{scope}");
        test.end().await.expect("ended");
    }

    async fn counts(&self, test: &Test, flights: u64) -> Vec<Vec<String>> {
        let left = told::<WithAnyAirline>(test).await.into_iter();
        let left: Vec<_> = left.map(|row| (row.carrier, row.name.is_some())).collect();
        let airlines = [
            flights,
            keyless(test, "with_any_airline"),
            told::<WithAirline>(test).await.len() as u64,
        ];
        let airlines = self.line(["airlines", "carrier"], airlines, &left);
        let left = told::<WithAnyPlane>(test).await.into_iter();
        let left: Vec<_> = left.map(|row| (row.tailnum, row.seats.is_some())).collect();
        let planes = [
            flights,
            keyless(test, "with_any_plane"),
            told::<WithPlane>(test).await.len() as u64,
        ];
        let planes = self.line(["planes", "tailnum"], planes, &left);
        for (inner, left) in [
            ("with_airline", "with_any_airline"),
            ("with_plane", "with_any_plane"),
        ] {
            assert_eq!(keyless(test, inner), keyless(test, left), "{inner}");
        }
        vec![airlines, planes]
    }

    /// A line of the counts: of so many flights, of which some had no key, the rows of an inner join, and those of a left one with
    /// their keys and whether they have found anything.
    fn line(
        &self,
        [table, key]: [&str; 2],
        [flights, null_key, inner]: [u64; 3],
        left: &[(String, bool)],
    ) -> Vec<String> {
        let (found, missing): (Vec<_>, Vec<_>) = left.iter().partition(|(_, found)| *found);
        let distinct: BTreeSet<&String> = missing.iter().map(|(key, _)| key).collect();
        let counts = [
            flights,
            null_key,
            found.len() as u64,
            missing.len() as u64,
            distinct.len() as u64,
            inner,
            left.len() as u64,
            // As many as SQL's own join has.
            left.len() as u64 + null_key,
        ];
        let names = [self.scope, table, key].map(str::to_owned);
        names
            .into_iter()
            .chain(counts.map(|count| count.to_string()))
            .collect()
    }

    fn known_counts(&self) -> Vec<Vec<String>> {
        let columns = [
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
        ];
        let mut known = expected(&self.answers.join("join_counts.csv"), &columns);
        known.retain(|line| line[0] == self.scope);
        known
    }

    fn known_by_carrier(&self) -> Vec<Vec<String>> {
        let file = format!("{}_unmatched_planes_by_carrier.csv", self.scope);
        let columns = ["carrier", "flights", "null_key", "matched", "unmatched"];
        expected(&self.answers.join(file), &columns)
    }
}

/// What the join with planes found for each carrier, beside what that flew.
async fn by_carrier(test: &Test) -> Vec<Vec<String>> {
    let found = list::<Matches>(test).await.into_iter();
    let found: BTreeMap<_, _> = found.map(|row| (row.carrier.clone(), row)).collect();
    let flown = list::<Flown>(test).await;
    assert_eq!(found.len(), flown.len(), "{found:?} of {flown:?}");
    sorted(flown.into_iter().map(|flown| {
        let found = &found[&flown.carrier];
        assert_eq!(found.rows, flown.flights - flown.null_key, "{flown:?}");
        let counts = [
            flown.flights,
            flown.null_key,
            found.matched,
            found.unmatched,
        ];
        [flown.carrier]
            .into_iter()
            .chain(counts.map(|count| count.to_string()))
            .collect()
    }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flights_of_two_days_find_the_airlines_and_planes_that_are_known() {
    Known::sample().is_found().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flights_of_the_year_find_the_airlines_and_planes_that_are_known() {
    let Some(data) = shared_or_skip(test_name!(), "data") else {
        return;
    };
    Known::year(&data).is_found().await;
}
