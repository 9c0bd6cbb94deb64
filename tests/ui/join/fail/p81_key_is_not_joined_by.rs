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

#[query]
fn made_of_the_left_one(orders: Stream<Order>, shipments: Stream<Shipment>) -> Stream<Shipped> {
    orders
        .left_join(shipments, |o, s| o.id.abs() == s.order)
        .within("10s")
        .map(|o, s| Shipped { id: o.id, product: o.product, carrier: s.carrier.unwrap_or("") })
}

#[query]
fn made_of_both(orders: Stream<Order>, shipments: Stream<Shipment>) -> Stream<Shipped> {
    orders
        .left_join(shipments, |o, s| o.id.abs() == s.order.abs())
        .within("10s")
        .map(|o, s| Shipped { id: o.id, product: o.product, carrier: s.carrier.unwrap_or("") })
}

fn main() {}
