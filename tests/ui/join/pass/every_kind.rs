//! Each kind of join: stream and table, two streams, tables by key and by foreign key, three sources, grouped.
use ksql_runtime::prelude::*;

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("flights")]
#[stream]
struct Flight {
    #[key]
    id: i64,
    tailnum: Option<String>,
    carrier: String,
    dep_delay: Option<i32>,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("planes")]
#[table]
struct Plane {
    #[key]
    tailnum: String,
    manufacturer: String,
    seats: i32,
    maker: i32,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("makers")]
#[table]
struct Maker {
    #[key]
    id: i32,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("owners")]
#[table]
struct Owner {
    #[key]
    tailnum: String,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("airlines")]
#[table]
struct Airline {
    #[key]
    carrier: String,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("landings")]
#[stream]
struct Landing {
    #[key]
    flight: i64,
    runway: String,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("flown")]
#[stream]
struct Flown {
    #[key]
    tailnum: String,
    flight: i64,
    manufacturer: Option<String>,
    seats: i32,
}

#[query]
fn flown(flights: Stream<Flight>, planes: Table<Plane>) -> Stream<Flown> {
    flights
        .left_join(planes, |f, p| p.tailnum == f.tailnum)
        .filter(|f, _| f.dep_delay > 0 && f.tailnum.is_some())
        .map(|flight, plane| Flown {
            tailnum: flight.tailnum,
            flight: flight.id,
            manufacturer: plane.manufacturer,
            seats: plane.seats.unwrap_or(0),
        })
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("landed")]
#[stream]
struct Landed {
    #[key]
    id: i64,
    carrier: Option<String>,
    runway: Option<String>,
}

#[query]
fn landed(flights: Stream<Flight>, landings: Stream<Landing>) -> Stream<Landed> {
    flights
        .full_join(landings, |f, l| f.id == l.flight)
        .within("10m", "6h")
        .grace("1h")
        .map(|f, l| Landed { id: f.id.or(l.flight), carrier: f.carrier, runway: l.runway })
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("owned")]
#[table]
struct Owned {
    #[key]
    tailnum: String,
    owner: String,
    seats: i32,
}

#[query]
fn owned(planes: Table<Plane>, owners: Table<Owner>) -> Table<Owned> {
    planes
        .join(owners, |p, o| p.tailnum == o.tailnum)
        .map(|p, o| Owned { tailnum: p.tailnum, owner: o.name, seats: p.seats })
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("made")]
#[table]
struct Made {
    #[key]
    tailnum: String,
    maker: Option<String>,
}

#[query]
fn made(planes: Table<Plane>, makers: Table<Maker>) -> Table<Made> {
    planes
        .left_join(makers, |p, m| p.maker == m.id)
        .map(|p, m| Made { tailnum: p.tailnum, maker: m.name })
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("seats")]
#[table]
struct Seats {
    #[key]
    airline: String,
    flights: i64,
    seats: Option<i32>,
}

#[query]
fn seats(airlines: Table<Airline>, flights: Stream<Flight>, planes: Table<Plane>) -> Table<Seats> {
    flights
        .join(airlines, |f, a| f.carrier == a.carrier)
        .left_join(planes, |f, _, p| f.tailnum == p.tailnum)
        .group_by(|_, a, _| a.name)
        .aggregate(|g| Seats {
            airline: g.key(),
            flights: g.count(),
            seats: g.sum(|_, _, p| p.seats),
        })
}

fn main() {
    for text in [flown::KSQL, landed::KSQL, owned::KSQL, made::KSQL, seats::KSQL].concat() {
        println!("{text}");
    }
}
