//! Real flights: what a pull and a push query give is what the embedded table of the same records holds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ksql_runtime::ksqldb::{
    Change, Changes, Ensured, KsqlDb, KsqlDbError, Select, SourceDefinition,
};
use ksql_runtime::prelude::*;
use ksql_tests::entities::Flight;
use ksql_tests::entities::flights::FlightKey;

use crate::server::{LONG, Place, insert};

/// The flights of a test, by their aircraft.
pub(crate) type ByAircraft = BTreeMap<String, Flight>;

/// How many records: several of one aircraft are among them.
pub(crate) const RECORDS: usize = 300;

/// A table that a query of these tests keeps.
pub(crate) const KEPT: &str = "LIVE_FLIGHT_KEPT";

pub(crate) fn records() -> Vec<Flight> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data/flights.csv");
    let rows = csv::Reader::from_path(path)
        .expect("the data")
        .into_deserialize::<BTreeMap<String, String>>();
    let flights = rows.map(|row| {
        let row = row.expect("a row");
        let minutes = |name: &str| row[name].parse().ok();
        Flight {
            tailnum: row["tailnum"].clone(),
            carrier: row["carrier"].clone(),
            flight: row["flight"].parse().expect("a number"),
            origin: row["origin"].clone(),
            dest: row["dest"].clone(),
            scheduled_dep: row["scheduled_dep"].parse().expect("a time"),
            dep_delay_min: minutes("dep_delay_min"),
            arr_delay_min: minutes("arr_delay_min"),
            air_time_min: minutes("air_time_min"),
            distance_miles: row["distance_miles"].parse().expect("a number"),
        }
    });
    flights
        .filter(|flight| !flight.tailnum.is_empty())
        .take(RECORDS)
        .collect()
}

fn literals(flight: &Flight) -> String {
    let number =
        |number: Option<i32>| number.map_or_else(|| "NULL".to_owned(), |number| number.to_string());
    format!(
        "'{}', '{}', {}, '{}', '{}', '{}', {}, {}, {}, {}",
        flight.tailnum,
        flight.carrier,
        flight.flight,
        flight.origin,
        flight.dest,
        flight.scheduled_dep.format("%Y-%m-%dT%H:%M:%S%.3f"),
        number(flight.dep_delay_min),
        number(flight.arr_delay_min),
        number(flight.air_time_min),
        flight.distance_miles
    )
}

/// The same records in a table of this process.
pub(crate) async fn embedded(records: &[Flight]) -> ByAircraft {
    let dir = tempfile::tempdir().expect("a directory");
    let ctx = ksql_runtime_tests::context()
        .entity::<Flight>()
        .state_dir(dir.path())
        .start()
        .await
        .expect("the context starts");
    ctx.set::<Flight>()
        .add_all(records.to_vec())
        .await
        .expect("the flights are added");
    ctx.wait_caught_up(LONG)
        .await
        .expect("the table catches up");
    let rows = ctx.set::<Flight>().to_list().await.expect("the rows");
    ctx.shutdown().await.expect("the context ends");
    by_key(rows)
}

pub(crate) fn by_key(rows: Vec<Flight>) -> ByAircraft {
    let count = rows.len();
    let rows: ByAircraft = rows
        .into_iter()
        .map(|row| (row.tailnum.clone(), row))
        .collect();
    assert_eq!(rows.len(), count, "a row a key");
    rows
}

/// Pulls until all records have arrived: a table that answers may still be reading.
pub(crate) async fn pulled(ksql: &KsqlDb, source: &str, expected: &ByAircraft) {
    let select = Select::<Flight>::from_source(source);
    let arrived = async {
        let mut pause = tokio::time::interval(std::time::Duration::from_millis(200));
        loop {
            pause.tick().await;
            let rows = by_key(
                ksql.pull(&select)
                    .await
                    .unwrap_or_else(|error| panic!("{source}: {error}")),
            );
            if rows == *expected {
                return;
            }
        }
    };
    tokio::time::timeout(LONG, arrived)
        .await
        .unwrap_or_else(|_| panic!("{source} holds what the embedded table holds"));

    let mut stream = ksql.pull_stream(select);
    let mut rows = Vec::new();
    while let Some(row) = stream.next().await {
        rows.push(row.expect("a row"));
    }
    assert_eq!(by_key(rows), *expected, "{source}, as a stream");

    for flight in expected.values().take(5) {
        let key = FlightKey::from(flight.tailnum.as_str());
        let select = Select::<Flight>::from_source(source)
            .key(&key)
            .expect("a key");
        assert_eq!(
            ksql.pull(&select).await.expect("the row"),
            std::slice::from_ref(flight)
        );
    }
    let none = Select::<Flight>::from_source(source)
        .key(&"it's none".into())
        .expect("a key");
    assert_eq!(ksql.pull(&none).await.expect("an answer"), []);
    let late = expected
        .values()
        .filter(|flight| flight.dep_delay_min.is_some_and(|minutes| minutes > 60))
        .count();
    let select = Select::<Flight>::from_source(source).filter("`DEP_DELAY_MIN` > 60");
    assert_eq!(ksql.pull(&select).await.expect("the late ones").len(), late);
}

/// Reads a push query on until the table is what is expected. Gives the keys of rows that went.
pub(crate) async fn followed(
    changes: &mut Changes<Flight>,
    rows: &mut ByAircraft,
    expected: &ByAircraft,
) -> BTreeSet<String> {
    let mut gone = BTreeSet::new();
    let arrived = async {
        while rows != expected {
            match changes.next().await.expect("it goes on").expect("a change") {
                Change::Upsert(flight) => {
                    rows.insert(flight.tailnum.clone(), flight);
                }
                Change::Delete(key) => {
                    rows.remove(&key.tailnum);
                    gone.insert(key.tailnum);
                }
                other => panic!("nothing restarts: {other:?}"),
            }
        }
    };
    tokio::time::timeout(LONG, arrived)
        .await
        .expect("the push query gives what the embedded table holds");
    gone
}

/// Follows a table from its beginning until it is what is expected.
pub(crate) async fn pushed(ksql: &KsqlDb, source: &str, expected: &ByAircraft) {
    let mut changes = ksql.push(Select::<Flight>::from_source(source));
    followed(&mut changes, &mut ByAircraft::new(), expected).await;
    changes.close().await.expect("closed");
}

/// The query that keeps a copy of the flights, so that it can be pulled.
pub(crate) fn copy(place: &Place, sink: &str) -> String {
    let columns: Vec<String> = Flight::COLUMNS
        .iter()
        .map(|column| format!("{0} AS {0}", column.quoted))
        .collect();
    format!(
        "CREATE TABLE IF NOT EXISTS `{sink}` WITH (KAFKA_TOPIC='{}flight_kept', PARTITIONS=4, REPLICAS=1, KEY_FORMAT='KAFKA', VALUE_FORMAT='AVRO', VALUE_SCHEMA_FULL_NAME='nycflights.FlightKept') AS SELECT {} FROM `FLIGHT` EMIT CHANGES;",
        place.prefix,
        columns.join(", ")
    )
}

/// The entity's statement under another name, as a source that the server keeps itself.
fn read_only(place: &Place, name: &str) -> SourceDefinition {
    let columns = Flight::COLUMNS.iter().map(|column| {
        let key = if column.role == ksql_runtime::schema::Role::Key {
            " PRIMARY KEY"
        } else {
            ""
        };
        format!(
            "{} {}{key}",
            column.quoted,
            ksql_runtime::schema::ddl::ksql_type(&column.ty)
        )
    });
    let columns: Vec<String> = columns.collect();
    SourceDefinition::parse(&format!(
        "CREATE SOURCE TABLE IF NOT EXISTS `{name}` ({}) WITH (KAFKA_TOPIC='{}flights', KEY_FORMAT='KAFKA', VALUE_FORMAT='AVRO', VALUE_SCHEMA_FULL_NAME='nycflights.Flight');",
        columns.join(", "),
        place.prefix
    ))
    .expect("a definition")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a ksqlDB: KSQLDB_URL"]
async fn flights_are_what_the_embedded_table_holds() {
    let place = Place::new().await;
    let ksql = &place.ksql;
    let sources = ["LIVE_FLIGHT_READ", KEPT, "FLIGHT"];
    place.clear(&sources).await;
    let records = records();
    assert_eq!(records.len(), RECORDS);

    let definitions = place.definitions::<Flight>();
    let kept = copy(&place, KEPT);
    let read = read_only(&place, "LIVE_FLIGHT_READ");
    // As a program that is started twice.
    let mut query_id = None;
    for start in 0..2 {
        for definition in &definitions {
            let ensured = ksql
                .ensure_source(definition)
                .await
                .unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(
                matches!(ensured, Ensured::Created { .. }),
                start == 0,
                "{ensured:?}"
            );
        }
        match ksql
            .ensure_query(&kept)
            .await
            .unwrap_or_else(|error| panic!("{error}"))
        {
            Ensured::Created { query_id: id } if start == 0 => query_id = id,
            Ensured::Unchanged { query_id: id } if start == 1 => assert_eq!(id, query_id),
            other => panic!("start {start}: {other:?}"),
        }
        let ensured = ksql
            .ensure_source(&read)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            matches!(ensured, Ensured::Created { .. }),
            start == 0,
            "{ensured:?}"
        );
    }
    let query_id = query_id.expect("the query's id");
    ksql.wait_running(&query_id, LONG).await.expect("it runs");

    let columns: Vec<&str> = Flight::COLUMNS.iter().map(|column| column.quoted).collect();
    let rows: Vec<String> = records.iter().map(literals).collect();
    insert("FLIGHT", &columns.join(", "), &rows);

    let expected = embedded(&records).await;
    pulled(ksql, KEPT, &expected).await;
    pulled(ksql, "LIVE_FLIGHT_READ", &expected).await;
    pushed(ksql, "FLIGHT", &expected).await;
    pushed(ksql, KEPT, &expected).await;

    let error = ksql
        .pull(&Select::<Flight>::all())
        .await
        .expect_err("no query keeps it");
    assert!(
        error.to_string().contains("only tables made by a query"),
        "{error}"
    );
    let in_use = ksql
        .drop_source("FLIGHT", Default::default())
        .await
        .expect_err("others need it");
    assert!(matches!(in_use, KsqlDbError::InUse { .. }), "{in_use}");

    let ksql = ksql.clone();
    place.leave(&sources).await;
    assert!(
        ksql.explain(&query_id).await.is_err(),
        "the query ended with its table"
    );
}
