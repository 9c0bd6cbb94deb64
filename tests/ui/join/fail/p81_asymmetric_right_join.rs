//! A right join has the same time on both sides.

#[path = "../common.rs"]
mod common;

use common::{Order, Shipment, Shipped};
use ksql_runtime::prelude::*;

#[query]
fn shipped(orders: Stream<Order>, shipments: Stream<Shipment>) -> Stream<Shipped> {
    orders
        .right_join(shipments, |o, s| o.id == s.order)
        .within("1h", "2h")
        .map(|o, s| Shipped { id: s.order, product: o.product.unwrap_or(""), carrier: s.carrier })
}

fn main() {}
