//! A time has a unit.

#[path = "../common.rs"]
mod common;

use common::{Order, Shipment, Shipped};
use ksql_runtime::prelude::*;

#[query]
fn shipped(orders: Stream<Order>, shipments: Stream<Shipment>) -> Stream<Shipped> {
    orders
        .join(shipments, |o, s| o.id == s.order)
        .within("60")
        .grace(10)
        .map(|o, s| Shipped { id: o.id, product: o.product, carrier: s.carrier })
}

fn main() {}
