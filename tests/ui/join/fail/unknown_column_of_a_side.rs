//! A column that one side has not is an error where it is compared.

#[path = "../common.rs"]
mod common;

use common::{Order, Shipment, Shipped};
use ksql_runtime::prelude::*;

#[query]
fn shipped(orders: Stream<Order>, shipments: Stream<Shipment>) -> Stream<Shipped> {
    orders
        .join(shipments, |o, s| o.idd == s.order)
        .within("1h")
        .map(|o, s| Shipped { id: s.order, product: o.product, carrier: s.carrier })
}

#[query]
fn left_with_none_on_the_right(orders: Stream<Order>, shipments: Stream<Shipment>) -> Stream<Shipped> {
    orders
        .left_join(shipments, |o, s| o.id == s.iid)
        .within("1h")
        .map(|o, s| Shipped { id: o.id, product: o.product, carrier: s.carrier.unwrap_or("") })
}

#[query]
fn right_with_none_on_the_left(orders: Stream<Order>, shipments: Stream<Shipment>) -> Stream<Shipped> {
    orders
        .right_join(shipments, |o, s| o.iid == s.order)
        .within("1h")
        .map(|o, s| Shipped { id: s.order, product: o.product.unwrap_or(""), carrier: s.carrier })
}

#[query]
fn right_with_none_on_the_right(orders: Stream<Order>, shipments: Stream<Shipment>) -> Stream<Shipped> {
    orders
        .right_join(shipments, |o, s| o.id == s.ordr)
        .within("1h")
        .map(|o, s| Shipped { id: s.order, product: o.product.unwrap_or(""), carrier: s.carrier })
}

fn main() {}
