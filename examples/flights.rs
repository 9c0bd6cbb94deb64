//! Real flights: three annotated structs become topics, Avro schemas, KSQL and tables that can be read.
//!
//! ```text
//! cargo run --example flights            loads the data (once), waits until the tables are ready, reads them
//! cargo run --example flights -- ddl     prints every KSQL statement, starting nothing
//! cargo run --example flights -- avro    prints every Avro schema, starting nothing
//! ```
//!
//! Nothing needs to be installed or configured: log, registry and tables live under `rocksdb/`. Run it twice: the
//! second run finds its data again.

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use comfy_table::{Table, presets::UTF8_BORDERS_ONLY};
use indicatif::{ProgressBar, ProgressStyle};
use ksql_runtime::prelude::*;
use serde::Deserialize;

/// The latest known flight of an aircraft that left one of the New York City airports.
#[derive(Debug, Clone, PartialEq, Deserialize, Entity)]
#[topic("flights", partitions = 4)]
#[table]
#[entity(namespace = "nycflights")]
pub struct Flight {
    /// The aircraft. Empty where the airline reported none.
    #[key]
    #[serde(default)]
    pub tailnum: String,
    /// Carrier code, see [`Airline`].
    #[max_length(2)]
    pub carrier: String,
    /// Line number, used again every day.
    pub flight: i32,
    /// Airport of departure.
    pub origin: String,
    /// Airport of destination.
    pub dest: String,
    /// Planned departure.
    #[timestamp]
    pub scheduled_dep: DateTime<Utc>,
    /// Minutes late at departure, negative if early, none if it never left.
    pub dep_delay_min: Option<i32>,
    /// Minutes late at arrival.
    pub arr_delay_min: Option<i32>,
    /// Minutes in the air.
    pub air_time_min: Option<i32>,
    /// Distance in miles.
    pub distance_miles: i32,
}

/// An airline by its carrier code.
#[derive(Debug, Clone, PartialEq, Deserialize, Entity)]
#[topic("airlines")]
#[table]
#[entity(namespace = "nycflights")]
pub struct Airline {
    /// Carrier code.
    #[key]
    pub carrier: String,
    /// Full name.
    pub name: String,
}

/// An aircraft by its tail number.
#[derive(Debug, Clone, PartialEq, Deserialize, Entity)]
#[topic("planes", partitions = 4)]
#[table]
#[entity(namespace = "nycflights")]
pub struct Plane {
    /// Tail number.
    #[key]
    pub tailnum: String,
    /// Year it was built.
    pub year_built: Option<i32>,
    /// Kind of aircraft.
    pub aircraft_type: String,
    /// Who built it.
    pub manufacturer: String,
    /// Model.
    pub model: String,
    /// Number of engines.
    pub engines: i32,
    /// Number of seats.
    pub seats: i32,
    /// Cruising speed.
    pub speed_mph: Option<i32>,
    /// Kind of engine.
    pub engine: String,
}

const FLIGHTS: &str = include_str!("data/flights.csv");
const AIRLINES: &str = include_str!("data/airlines.csv");
const PLANES: &str = include_str!("data/planes.csv");

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let model = Context::builder()
        .entity::<Flight>()
        .entity::<Airline>()
        .entity::<Plane>();
    ksql_runtime::cli::main(model, run).await
}

async fn run(model: ContextBuilder) -> Result<(), Box<dyn std::error::Error>> {
    let started = Instant::now();
    let ctx = model.start().await?;
    ctx.wait_ready(Duration::from_secs(60)).await?;
    let ready = started.elapsed();

    let flights: Vec<Flight> = rows(FLIGHTS)?;
    let airlines: Vec<Airline> = rows(AIRLINES)?;
    let planes: Vec<Plane> = rows(PLANES)?;
    let expected = (flights.len() + airlines.len() + planes.len()) as u64;

    let found = ctx.set::<Flight>().end_offset().await?
        + ctx.set::<Airline>().end_offset().await?
        + ctx.set::<Plane>().end_offset().await?;
    if found >= expected {
        println!(
            "found {found} records of an earlier run; the tables were ready after {ready:.1?}"
        );
    } else {
        load(&ctx, flights, airlines, planes).await?;
    }

    let set = ctx.set::<Flight>();
    println!(
        "\n{} aircraft have flown. The latest flight of N14228:",
        set.count().await?
    );
    match set.get("N14228").await? {
        Some(flight) => println!("{flight:#?}"),
        None => println!("none"),
    }

    println!("\nTen of them, with airline and aircraft:");
    let mut table = Table::new();
    table.load_preset(UTF8_BORDERS_ONLY);
    table.set_header([
        "aircraft",
        "built by",
        "airline",
        "flight",
        "from",
        "to",
        "planned (UTC)",
        "delay",
    ]);
    for flight in set.to_list().await?.into_iter().skip(1).take(10) {
        let plane = ctx.set::<Plane>().get(flight.tailnum.as_str()).await?;
        let airline = ctx.set::<Airline>().get(flight.carrier.as_str()).await?;
        table.add_row([
            flight.tailnum,
            plane.map_or_else(String::new, |plane| plane.manufacturer),
            airline.map_or(flight.carrier, |airline| airline.name),
            flight.flight.to_string(),
            flight.origin,
            flight.dest,
            flight.scheduled_dep.format("%d %b %H:%M").to_string(),
            flight
                .dep_delay_min
                .map_or_else(|| "never left".into(), |minutes| format!("{minutes} min")),
        ]);
    }
    println!("{table}");

    println!(
        "\nKSQL of Flight:\n{}\n\nAvro schema of Flight:\n{}",
        Flight::CREATE,
        Flight::VALUE_SCHEMA
    );
    ctx.shutdown().await?;
    Ok(())
}

/// Adds every record, then waits until the tables hold them.
async fn load(
    ctx: &Context,
    flights: Vec<Flight>,
    airlines: Vec<Airline>,
    planes: Vec<Plane>,
) -> Result<(), Box<dyn std::error::Error>> {
    let started = Instant::now();
    let bar = ProgressBar::new((flights.len() + airlines.len() + planes.len()) as u64).with_style(
        ProgressStyle::with_template("{msg:>8} [{bar:40}] {pos}/{len} records")?,
    );
    bar.set_message("airlines");
    ctx.set::<Airline>()
        .add_all(bar.wrap_iter(airlines.into_iter()))
        .await?;
    bar.set_message("planes");
    ctx.set::<Plane>()
        .add_all(bar.wrap_iter(planes.into_iter()))
        .await?;
    bar.set_message("flights");
    let mut last = None;
    for flight in bar.wrap_iter(flights.into_iter()) {
        last = Some(ctx.set::<Flight>().add(flight).await?);
    }
    bar.finish();
    println!(
        "added {} records in {:.1?}",
        bar.length().unwrap_or_default(),
        started.elapsed()
    );

    let waiting = Instant::now();
    ctx.wait_caught_up(Duration::from_secs(60)).await?;
    print!(
        "the tables hold all of them {:.1?} later",
        waiting.elapsed()
    );
    if let Some(receipt) = last {
        print!(
            "; the last is at offset {} of partition {}",
            receipt.offset, receipt.partition
        );
    }
    println!();
    Ok(())
}

fn rows<T: for<'de> Deserialize<'de>>(text: &str) -> Result<Vec<T>, csv::Error> {
    csv::Reader::from_reader(text.as_bytes())
        .deserialize()
        .collect()
}
