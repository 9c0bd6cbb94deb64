//! Both sides have one type.

#[path = "../common.rs"]
mod common;

use common::{Customer, Living, Order, Shipment, Shipped};
use ksql_runtime::prelude::*;

#[query]
fn shipped(orders: Stream<Order>, shipments: Stream<Shipment>) -> Stream<Shipped> {
    orders
        .join(shipments, |o, s| o.id == s.parcels)
        .within("1h")
        .map(|o, s| Shipped { id: o.id, product: o.product, carrier: s.carrier })
}

#[derive(Debug, Clone, Entity)]
#[topic("levels")]
#[table]
pub struct Level {
    #[key]
    pub id: i32,
    pub level: String,
}

#[query]
fn keys_of_tables(levels: Table<Level>, customers: Table<Customer>) -> Table<Living> {
    levels
        .join(customers, |l, c| l.id == c.id)
        .map(|l, c| Living { id: c.id, name: c.name, city: l.level })
}

fn main() {}
