//! Departures: real flights in event time - by the hour, in windows that overlap, in one session per aircraft, and joined with the
//! weather, their airlines and their aircraft.
//!
//! ```text
//! cargo run --example departures               sends the flights (once), prints what the queries made of them
//! cargo run --example departures -- explain    prints decisions, statements, topologies (the picture in Mermaid) and schemas, starting nothing
//! ```
//!
//! Nothing needs to be installed or configured: log, registry and tables live under `rocksdb/departures`.

use std::process::ExitCode;
use std::time::Duration;

use comfy_table::{Table as Shown, presets::UTF8_BORDERS_ONLY};
use ksql_runtime::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A flight that left, or should have left, one of the airports of New York City.
#[derive(Debug, Clone, PartialEq, Deserialize, Entity)]
#[topic("departures", partitions = 4)]
#[entity(namespace = "nycflights")]
pub struct Departure {
    /// Carrier code.
    #[key]
    pub carrier: String,
    /// Line number, used again every day.
    pub flight: i32,
    /// The aircraft; none where the airline reported none.
    pub tailnum: Option<String>,
    /// Airport of departure.
    pub origin: String,
    /// Airport of destination.
    pub dest: String,
    /// Planned departure.
    #[timestamp]
    pub scheduled_dep: DateTime<Utc>,
    /// Minutes late at departure, negative if early, none if it never left.
    pub dep_delay_min: Option<i32>,
    /// Distance in miles.
    pub distance_miles: i32,
}

/// An airline.
#[derive(Debug, Clone, PartialEq, Deserialize, Entity)]
#[topic("airlines", partitions = 4)]
#[table]
#[entity(namespace = "nycflights")]
pub struct Airline {
    /// Carrier code.
    #[key]
    pub carrier: String,
    /// What it calls itself.
    pub name: String,
}

/// An aircraft.
#[derive(Debug, Clone, PartialEq, Deserialize, Entity)]
#[topic("planes", partitions = 4)]
#[table]
#[entity(namespace = "nycflights")]
pub struct Plane {
    /// Tail number.
    #[key]
    pub tailnum: String,
    /// Who built it.
    pub manufacturer: String,
    /// How many it carries.
    pub seats: i32,
}

/// A reading of the weather at an airport, once an hour.
#[derive(Debug, Clone, PartialEq, Deserialize, Entity)]
#[topic("weather", partitions = 4)]
#[stream]
#[entity(namespace = "nycflights")]
pub struct Weather {
    /// The airport.
    #[key]
    pub origin: String,
    /// When it was read.
    #[timestamp]
    pub observed_at: DateTime<Utc>,
    /// Degrees Fahrenheit; none where it was not read.
    pub temp_f: Option<f64>,
}

/// Departures of an airport in an hour.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("hourly")]
#[table]
#[window(tumbling, hours = [1], grace = "24h", retention = "30d")]
#[entity(namespace = "nycflights")]
pub struct Hourly {
    /// Airport of departure.
    #[key]
    pub origin: String,
    /// Where the hour begins.
    #[window_start]
    pub from: DateTime<Utc>,
    /// Flights planned.
    pub flights: i64,
    /// Flights that left.
    pub departed: i64,
    /// Minutes late, of all of them together.
    pub late_min: i32,
    /// Minutes late on average; none where nothing left.
    pub mean_delay_min: Option<f64>,
    /// The most minutes late.
    pub worst_min: Option<i32>,
}

/// Departures of an airport in an hour, every quarter of an hour.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("rolling")]
#[table]
#[window(hopping, hours = [1], advance = "15m", grace = "24h", retention = "30d")]
#[entity(namespace = "nycflights")]
pub struct Rolling {
    /// Airport of departure.
    #[key]
    pub origin: String,
    /// Where the window begins.
    #[window_start]
    pub from: DateTime<Utc>,
    /// Flights planned.
    pub flights: i64,
}

/// Flights of one aircraft with no more than eight hours between them.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("rotations")]
#[table]
#[window(session, gap = "8h", grace = "24h", retention = "30d")]
#[entity(namespace = "nycflights")]
pub struct Rotation {
    /// The aircraft.
    #[key]
    pub tailnum: String,
    /// Its first departure.
    #[window_start]
    pub from: DateTime<Utc>,
    /// Its last.
    #[window_end]
    pub to: DateTime<Utc>,
    /// How many flights.
    pub flights: i64,
    /// Miles flown.
    pub miles: i32,
    /// Where the first one went.
    pub first_dest: String,
}

/// What an airline flew, and in which weather.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("flown")]
#[table]
#[entity(namespace = "nycflights")]
pub struct Flown {
    /// The airline's name.
    #[key]
    pub airline: String,
    /// Departures with a reading of the weather; one between two readings counts with each.
    pub departures: i64,
    /// Those with an aircraft that is known.
    pub known: i64,
    /// Its seats.
    pub seats: i32,
    /// The coldest, in degrees Fahrenheit.
    pub coldest_f: Option<f64>,
    /// The warmest.
    pub warmest_f: Option<f64>,
}

/// Departures and delays of each airport, hour by hour.
#[query]
fn hourly(departures: Stream<Departure>) -> Table<Hourly> {
    departures.group_by(|d| d.origin).aggregate(|g| Hourly {
        origin: g.key(),
        from: g.window_start(),
        flights: g.count(),
        departed: g.count_of(|d| d.dep_delay_min),
        late_min: g.sum(|d| d.dep_delay_min),
        mean_delay_min: if g.count_of(|d| d.dep_delay_min) > 0 {
            g.avg(|d| d.dep_delay_min)
        } else {
            None
        },
        worst_min: g.max(|d| d.dep_delay_min),
    })
}

/// Departures of each airport, in hours that overlap.
#[query]
fn rolling(departures: Stream<Departure>) -> Table<Rolling> {
    departures.group_by(|d| d.origin).aggregate(|g| Rolling {
        origin: g.key(),
        from: g.window_start(),
        flights: g.count(),
    })
}

/// What each aircraft did in one go; a flight without an aircraft is in none.
#[query]
fn rotations(departures: Stream<Departure>) -> Table<Rotation> {
    departures.group_by(|d| d.tailnum).aggregate(|g| Rotation {
        tailnum: g.key(),
        from: g.window_start(),
        to: g.window_end(),
        flights: g.count(),
        miles: g.sum(|d| d.distance_miles),
        first_dest: g.earliest(|d| d.dest),
    })
}

/// Departures with the weather within half an hour, their airline, and their aircraft where it is known; a flight without a tail
/// number has nothing to be looked up by, and is in none. Readings come first, so flights may be days behind them.
#[query]
fn flown(
    departures: Stream<Departure>,
    weather: Stream<Weather>,
    airlines: Table<Airline>,
    planes: Table<Plane>,
) -> Table<Flown> {
    departures
        .join(weather, |d, w| d.origin == w.origin)
        .within("30m")
        .grace("7d")
        .join(airlines, |d, _, a| d.carrier == a.carrier)
        .left_join(planes, |d, _, _, p| d.tailnum == p.tailnum)
        .group_by(|_, _, a, _| a.name)
        .aggregate(|g| Flown {
            airline: g.key(),
            departures: g.count(),
            known: g.count_of(|_, _, _, p| p.seats),
            seats: g.sum(|_, _, _, p| p.seats),
            coldest_f: g.min(|_, w, _, _| w.temp_f),
            warmest_f: g.max(|_, w, _, _| w.temp_f),
        })
}

const FLIGHTS: &str = include_str!("data/flights.csv");
const AIRLINES: &str = include_str!("data/airlines.csv");
const PLANES: &str = include_str!("data/planes.csv");
const WEATHER: &str = include_str!("data/weather.csv");

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .init();
    let done = match std::env::args().nth(1).as_deref() {
        None => run().await,
        Some("explain") => {
            for explanation in [
                hourly.explain(),
                rolling.explain(),
                rotations.explain(),
                flown.explain(),
            ] {
                println!("{explanation}\n{}", explanation.mermaid());
            }
            Ok(())
        }
        Some(other) => {
            Err(format!("unknown argument `{other}`: write `explain` or nothing").into())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The rows of a file.
fn rows<T: DeserializeOwned>(file: &str) -> Result<Vec<T>, csv::Error> {
    csv::Reader::from_reader(file.as_bytes())
        .deserialize()
        .collect()
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let ctx = Context::builder()
        .query(hourly)
        .query(rolling)
        .query(rotations)
        .query(flown)
        .state_dir("rocksdb/departures")
        .start()
        .await?;
    ctx.wait_ready(Duration::from_secs(60)).await?;
    let departures = ctx.set::<Departure>();
    if departures.end_offset().await? == 0 {
        // A flight looks up what its tables hold when it comes, so they are filled before.
        ctx.set::<Airline>().add_all(rows(AIRLINES)?).await?;
        ctx.set::<Plane>().add_all(rows(PLANES)?).await?;
        ctx.set::<Weather>().add_all(rows(WEATHER)?).await?;
        ctx.wait_caught_up(Duration::from_secs(60)).await?;
        let flights: Vec<Departure> = rows(FLIGHTS)?;
        println!(
            "{} flights sent",
            departures.add_all(flights).await?.records
        );
    } else {
        println!("found the flights of an earlier run");
    }
    ctx.wait_caught_up(Duration::from_secs(60)).await?;

    let hours = ctx.set::<Hourly>().window(60);
    println!(
        "\n{} hours of airports with departures; Newark on the first morning:",
        hours.count().await?
    );
    let mut table = Shown::new();
    table.load_preset(UTF8_BORDERS_ONLY);
    table.set_header(["from (UTC)", "flights", "left", "mean delay", "worst"]);
    for hour in hours.of("EWR").to_list().await?.into_iter().take(6) {
        table.add_row([
            hour.from.format("%d %b %H:%M").to_string(),
            hour.flights.to_string(),
            hour.departed.to_string(),
            hour.mean_delay_min
                .map_or_else(String::new, |minutes| format!("{minutes:.1} min")),
            hour.worst_min
                .map_or_else(String::new, |minutes| format!("{minutes} min")),
        ]);
    }
    println!("{table}");

    let busiest = ctx.set::<Rolling>().window(60).to_list().await?;
    if let Some(window) = busiest.iter().max_by_key(|window| window.flights) {
        println!(
            "\nThe busiest hour: {} flights from {} after {}",
            window.flights,
            window.origin,
            window.from.format("%d %b %H:%M")
        );
    }

    println!("\nThe longest rotations:");
    let mut longest = ctx
        .set::<Rotation>()
        .window_of(Duration::from_secs(8 * 3600))
        .to_list()
        .await?;
    longest.sort_by_key(|rotation| -rotation.flights);
    let mut table = Shown::new();
    table.load_preset(UTF8_BORDERS_ONLY);
    table.set_header([
        "aircraft",
        "flights",
        "miles",
        "from (UTC)",
        "to",
        "first to",
    ]);
    for rotation in longest.into_iter().take(5) {
        table.add_row([
            rotation.tailnum,
            rotation.flights.to_string(),
            rotation.miles.to_string(),
            rotation.from.format("%d %b %H:%M").to_string(),
            rotation.to.format("%d %b %H:%M").to_string(),
            rotation.first_dest,
        ]);
    }
    println!("{table}");

    println!("\nThe airlines, with their aircraft and their weather:");
    let mut airlines = ctx.set::<Flown>().to_list().await?;
    airlines.sort_by_key(|airline| -airline.departures);
    let mut table = Shown::new();
    table.load_preset(UTF8_BORDERS_ONLY);
    table.set_header([
        "airline",
        "departures",
        "aircraft known",
        "seats",
        "coldest",
        "warmest",
    ]);
    let degrees = |read: Option<f64>| read.map_or_else(String::new, |read| format!("{read:.1} F"));
    for airline in airlines {
        table.add_row([
            airline.airline,
            airline.departures.to_string(),
            airline.known.to_string(),
            airline.seats.to_string(),
            degrees(airline.coldest_f),
            degrees(airline.warmest_f),
        ]);
    }
    println!("{table}");
    ctx.shutdown().await?;
    Ok(())
}
