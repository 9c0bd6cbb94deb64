//! Departures: real flights in event time - by the hour, in windows that overlap, in one session per aircraft; joined with
//! airlines and aircraft, and with the weather at the airport when they left.
//!
//! ```text
//! cargo run --example departures               sends the flights (once), prints what the queries made of them
//! cargo run --example departures -- explain    prints decisions, statements, topologies and schemas, starting nothing
//! cargo run --example departures -- tail Departure --from beginning -n 3    the first of them; `--help` lists all commands
//! ```
//!
//! The partitions of a topic are read at their own pace, so the grace of windows is longer than the sample, too.
//!
//! A broker removes what is older than its topic keeps, and these flights are of 2013: so the topics keep it.
//!
//! Nothing needs to be installed or configured: log, registry and tables live under `rocksdb/departures`.

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Duration;

use comfy_table::{Table as Shown, presets::UTF8_BORDERS_ONLY};
use ksql_runtime::prelude::*;
use serde::Deserialize;

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
    /// Its name.
    pub name: String,
    /// Since when it is known: a flight looks up what was known when it left.
    #[timestamp]
    #[serde(default = "new_year")]
    pub since: DateTime<Utc>,
}

/// An aircraft.
#[derive(Debug, Clone, PartialEq, Deserialize, Entity)]
#[topic("planes", partitions = 4)]
#[table]
#[entity(namespace = "nycflights")]
pub struct Plane {
    /// Its tail number.
    #[key]
    pub tailnum: String,
    /// Who built it.
    pub manufacturer: String,
    /// Seats.
    pub seats: i32,
    /// Since when it is known.
    #[timestamp]
    #[serde(default = "new_year")]
    pub since: DateTime<Utc>,
}

/// The weather at an airport.
#[derive(Debug, Clone, PartialEq, Deserialize, Entity)]
#[topic("weather", partitions = 4)]
#[entity(namespace = "nycflights")]
pub struct Weather {
    /// The airport.
    #[key]
    pub origin: String,
    /// When it was read.
    #[timestamp]
    pub observed_at: DateTime<Utc>,
    /// Degrees Fahrenheit; none where the reading lacks them.
    pub temp_f: Option<f64>,
}

fn new_year() -> DateTime<Utc> {
    DateTime::from_timestamp(1_356_998_400, 0).unwrap_or_default()
}

/// What the aircraft of one manufacturer flew.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("manufacturers", partitions = 4)]
#[table]
#[entity(namespace = "nycflights")]
pub struct Manufacturer {
    /// Who built them.
    #[key]
    pub name: String,
    /// Flights.
    pub flights: i64,
    /// Seats offered.
    pub seats: i32,
}

/// A departure with everything around it.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("boardings", partitions = 4, retention = "unlimited")]
#[stream]
#[entity(namespace = "nycflights")]
pub struct Boarding {
    /// Airport of departure.
    #[key]
    pub origin: String,
    /// Line number.
    pub flight: i32,
    /// The airline's name.
    pub airline: String,
    /// Who built the aircraft, where it is known.
    pub built_by: Option<String>,
    /// Degrees Fahrenheit at the airport within half an hour, where they were read.
    pub temp_f: Option<f64>,
}

/// The weather that an airline's flights left in.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("climates", partitions = 4)]
#[table]
#[entity(namespace = "nycflights")]
pub struct Climate {
    /// The airline's name.
    #[key]
    pub airline: String,
    /// The coldest departure, in degrees Fahrenheit.
    pub coldest_f: Option<f64>,
    /// The warmest.
    pub warmest_f: Option<f64>,
}

/// Departures of an airport in an hour.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("hourly")]
#[table]
#[window(tumbling, hours = [1], grace = "72h", retention = "36500d")]
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
#[window(hopping, hours = [1], advance = "15m", grace = "72h", retention = "36500d")]
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
#[window(session, gap = "8h", grace = "72h", retention = "36500d")]
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

/// Flights and seats of each manufacturer: a flight without a known aircraft is in none.
#[query]
fn manufacturers(departures: Stream<Departure>, planes: Table<Plane>) -> Table<Manufacturer> {
    departures
        .join(planes, |d, p| d.tailnum == p.tailnum)
        .group_by(|_, p| p.manufacturer)
        .aggregate(|g| Manufacturer {
            name: g.key(),
            flights: g.count(),
            seats: g.sum(|_, p| p.seats),
        })
}

/// Departures with their airline, their aircraft and the weather within half an hour.
///
/// In ksqlDB the flights come here through two topics of its own, and the weather directly: what is sent at once may be a whole sample
/// apart, and the grace is longer than that.
#[query]
fn boardings(
    departures: Stream<Departure>,
    airlines: Table<Airline>,
    planes: Table<Plane>,
    weather: Stream<Weather>,
) -> Stream<Boarding> {
    departures
        .join(airlines, |d, a| d.carrier == a.carrier)
        .left_join(planes, |d, _, p| d.tailnum == p.tailnum)
        .join(weather, |d, _, _, w| d.origin == w.origin)
        .within("30m")
        .grace("72h")
        .map(|d, a, p, w| Boarding {
            origin: d.origin,
            flight: d.flight,
            airline: a.name,
            built_by: p.manufacturer,
            temp_f: w.temp_f,
        })
}

/// The coldest and the warmest departure of each airline.
#[query]
fn climates(boardings: Stream<Boarding>) -> Table<Climate> {
    boardings.group_by(|b| b.airline).aggregate(|g| Climate {
        airline: g.key(),
        coldest_f: g.min(|b| b.temp_f),
        warmest_f: g.max(|b| b.temp_f),
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
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let model = Context::builder()
        .query(hourly)
        .query(rolling)
        .query(rotations)
        .query(manufacturers)
        .query(boardings)
        .query(climates)
        .state_dir("rocksdb/departures");
    ksql_runtime::cli::main(model, run).await
}

async fn run(model: ContextBuilder) -> Result<(), Box<dyn std::error::Error>> {
    let ctx = model.start().await?;
    ctx.wait_ready(Duration::from_secs(60)).await?;
    let departures = ctx.set::<Departure>();
    if departures.end_offset().await? == 0 {
        ctx.set::<Airline>().add_all(rows(AIRLINES)?).await?;
        ctx.set::<Plane>().add_all(rows(PLANES)?).await?;
        // What a flight looks up is there before it.
        ctx.wait_caught_up(Duration::from_secs(60)).await?;
        let flights: Vec<Departure> = rows(FLIGHTS)?;
        let mut weather = rows::<Weather>(WEATHER)?.into_iter().peekable();
        // Hour by hour, as it happened.
        let mut sent = 0;
        for hour in flights.chunk_by(|one, other| hour(one) == hour(other)) {
            let until = hour.last().map(|flight| flight.scheduled_dep);
            let seen = std::iter::from_fn(|| {
                weather.next_if(|reading| Some(reading.observed_at) <= until)
            });
            ctx.set::<Weather>().add_all(seen).await?;
            sent += departures.add_all(hour.to_vec()).await?.records;
        }
        println!("{sent} flights sent");
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

    println!("\nWhose aircraft flew most:");
    let mut manufacturers = ctx.set::<Manufacturer>().to_list().await?;
    manufacturers.sort_by_key(|manufacturer| -manufacturer.flights);
    let mut table = Shown::new();
    table.load_preset(UTF8_BORDERS_ONLY);
    table.set_header(["manufacturer", "flights", "seats"]);
    for manufacturer in manufacturers.into_iter().take(4) {
        table.add_row([
            manufacturer.name,
            manufacturer.flights.to_string(),
            manufacturer.seats.to_string(),
        ]);
    }
    println!("{table}");

    println!("\nIn which weather airlines left:");
    let mut table = Shown::new();
    table.load_preset(UTF8_BORDERS_ONLY);
    table.set_header(["airline", "coldest", "warmest"]);
    for climate in ctx.set::<Climate>().to_list().await? {
        let shown =
            |degrees: Option<f64>| degrees.map_or_else(String::new, |f| format!("{f:.1} F"));
        table.add_row([
            climate.airline,
            shown(climate.coldest_f),
            shown(climate.warmest_f),
        ]);
    }
    println!("{table}");
    ctx.shutdown().await?;
    Ok(())
}

fn rows<T: serde::de::DeserializeOwned>(text: &str) -> csv::Result<Vec<T>> {
    csv::Reader::from_reader(text.as_bytes())
        .deserialize()
        .collect()
}

fn hour(flight: &Departure) -> i64 {
    flight.scheduled_dep.timestamp().div_euclid(3600)
}
