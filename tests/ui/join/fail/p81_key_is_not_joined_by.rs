//! What is joined by is the key of the result.

#[path = "../common.rs"]
mod common;

use common::{Order, Shipment, Shipped};
use ksql_runtime::prelude::*;

#[query]
fn shipped(orders: Stream<Order>, shipments: Stream<Shipment>) -> Stream<Shipped> {
    orders
        .join(shipments, |o, s| o.id == s.order)
        .within("1h")
        .map(|o, s| Shipped { id: s.id, product: o.product, carrier: s.carrier })
}

fn main() {}
