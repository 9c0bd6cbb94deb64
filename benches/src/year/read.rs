//! The year's files as entities.

use std::fs::File;
use std::path::Path;

use flate2::read::GzDecoder;
use ksql_runtime::prelude::*;

use super::Flight;

/// All twelve months, one after another: one stream in event time.
pub fn flights(data: &Path) -> Vec<Flight> {
    let mut flights = Vec::with_capacity(340_000);
    for month in 1..=12 {
        let file = File::open(data.join(format!("flights/2013-{month:02}.csv.gz")))
            .expect("a month's file");
        let mut reader = csv::Reader::from_reader(GzDecoder::new(file));
        let mut row = csv::StringRecord::new();
        while reader.read_record(&mut row).expect("a row") {
            flights.push(flight(&row));
        }
    }
    flights
}

fn flight(row: &csv::StringRecord) -> Flight {
    let text = |at: usize| row.get(at).expect("ten columns");
    let number = |at: usize| -> i32 { text(at).parse().expect("a number") };
    let some = |at: usize| (!text(at).is_empty()).then(|| number(at));
    let scheduled_dep: DateTime<Utc> = text(5).parse().expect("a time");
    Flight {
        carrier: text(0).to_owned(),
        flight: number(1),
        scheduled_ms: scheduled_dep.timestamp_millis(),
        tailnum: Some(text(2))
            .filter(|text| !text.is_empty())
            .map(str::to_owned),
        origin: text(3).to_owned(),
        dest: text(4).to_owned(),
        scheduled_dep,
        dep_delay_min: some(6),
        arr_delay_min: some(7),
        air_time_min: some(8),
        distance_miles: number(9),
    }
}
