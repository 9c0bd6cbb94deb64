//! A side without an input compares nothing.

#[path = "../common.rs"]
mod common;

use common::{Order, Shipment, Shipped};
use ksql_runtime::prelude::*;

#[query]
fn shipped(orders: Stream<Order>, shipments: Stream<Shipment>) -> Stream<Shipped> {
    orders
        .join(shipments, |_, s| 1 == s.order)
        .within("1h")
        .map(|o, s| Shipped { id: o.id, product: o.product, carrier: s.carrier })
}

#[query]
fn left(orders: Stream<Order>, shipments: Stream<Shipment>) -> Stream<Shipped> {
    orders
        .left_join(shipments, |o, _| 0 == o.id)
        .within("1h")
        .map(|o, s| Shipped { id: o.id, product: o.product, carrier: s.carrier.unwrap_or("") })
}

#[query]
fn right(orders: Stream<Order>, shipments: Stream<Shipment>) -> Stream<Shipped> {
    orders
        .right_join(shipments, |o, _| o.id == 0)
        .within("1h")
        .map(|o, s| Shipped { id: s.order, product: o.product.unwrap_or(""), carrier: s.carrier })
}

#[query]
fn right_the_other_way_round(orders: Stream<Order>, shipments: Stream<Shipment>) -> Stream<Shipped> {
    orders
        .right_join(shipments, |o, _| 0 == o.id)
        .within("1h")
        .map(|o, s| Shipped { id: s.order, product: o.product.unwrap_or(""), carrier: s.carrier })
}

fn main() {}
