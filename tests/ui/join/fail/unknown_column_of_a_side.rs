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

fn main() {}
