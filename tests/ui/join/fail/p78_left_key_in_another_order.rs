//! The rows keep the key of the first table, column by column.

use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("stays")]
#[table]
struct Stay {
    #[key]
    hotel: i64,
    #[key]
    room: i64,
    city: i64,
}

#[derive(Entity)]
#[topic("cities")]
#[table]
struct City {
    #[key]
    id: i64,
    name: String,
}

#[derive(Entity)]
#[topic("placed")]
#[table]
struct Placed {
    #[key]
    room: i64,
    #[key]
    hotel: i64,
    city: String,
}

#[query]
fn placed(stays: Table<Stay>, cities: Table<City>) -> Table<Placed> {
    stays
        .join(cities, |s, c| s.city == c.id)
        .map(|s, c| Placed { room: s.room, hotel: s.hotel, city: c.name })
}

fn main() {}
