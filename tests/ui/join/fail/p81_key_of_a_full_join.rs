//! The key of a full join is that of either side.

#[path = "../common.rs"]
mod common;

use common::{Order, Shipment, Shipped};
use ksql_runtime::prelude::*;

#[query]
fn shipped(orders: Stream<Order>, shipments: Stream<Shipment>) -> Stream<Shipped> {
    orders
        .full_join(shipments, |o, s| o.id == s.order)
        .within("1h")
        .map(|o, s| Shipped { id: o.id.unwrap_or(0), product: o.product.unwrap_or(""), carrier: s.carrier.unwrap_or("") })
}

fn main() {}
