//! What becomes the key is selected once, of streams as of tables.

#[path = "../common.rs"]
mod common;

use common::{City, Customer, Order, Shipment};
use ksql_runtime::prelude::*;

#[derive(Debug, Clone, Entity)]
#[topic("twice")]
#[stream]
pub struct Twice {
    #[key]
    pub id: i64,
    pub again: i64,
    pub order: i64,
}

#[query]
fn twice(orders: Stream<Order>, shipments: Stream<Shipment>) -> Stream<Twice> {
    orders
        .join(shipments, |o, s| o.id == s.order)
        .within("1h")
        .map(|o, s| Twice { id: o.id, again: o.id, order: s.order })
}

#[derive(Debug, Clone, Entity)]
#[topic("living_twice")]
#[table]
pub struct LivingTwice {
    #[key]
    pub id: i64,
    pub again: i64,
}

#[query]
fn living(customers: Table<Customer>, cities: Table<City>) -> Table<LivingTwice> {
    customers
        .join(cities, |c, t| c.city == t.id)
        .map(|c, _| LivingTwice { id: c.id, again: c.id })
}

fn main() {}
