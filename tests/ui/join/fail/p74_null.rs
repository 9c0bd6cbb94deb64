//! NULL is no column: nothing is equal to it.

#[path = "../common.rs"]
mod common;

use common::{Order, Shipment, Shipped};
use ksql_runtime::prelude::*;

#[query]
fn shipped(orders: Stream<Order>, shipments: Stream<Shipment>) -> Stream<Shipped> {
    orders
        .join(shipments, |o, _| o.id == None)
        .within("1h")
        .map(|o, s| Shipped { id: o.id, product: o.product, carrier: s.carrier })
}

fn main() {}
