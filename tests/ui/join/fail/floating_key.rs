//! A key is an integer or a text.

#[path = "../common.rs"]
mod common;

use common::{Order, Shipment, Shipped};
use ksql_runtime::prelude::*;

#[query]
fn shipped(orders: Stream<Order>, shipments: Stream<Shipment>) -> Stream<Shipped> {
    orders
        .join(shipments, |o, s| o.pieces as f64 == s.parcels as f64)
        .within("1h")
        .map(|o, s| Shipped { id: o.id, product: o.product, carrier: s.carrier })
}

fn main() {}
