//! A join's output has a key: what the rows are joined by.

#[path = "../common.rs"]
mod common;

use common::{Order, Shipment};
use ksql_runtime::prelude::*;

#[derive(Debug, Clone, Entity)]
#[topic("keyless")]
#[stream]
pub struct Keyless {
    pub product: String,
    pub carrier: String,
}

#[query]
fn keyless(orders: Stream<Order>, shipments: Stream<Shipment>) -> Stream<Keyless> {
    orders
        .join(shipments, |o, s| o.id == s.order)
        .within("1h")
        .map(|o, s| Keyless { product: o.product, carrier: s.carrier })
}

/// Of several inputs the key is what the last join compares.
#[query]
fn of_three(
    orders: Stream<Order>,
    shipments: Stream<Shipment>,
    customers: Table<common::Customer>,
) -> Stream<common::Shipped> {
    orders
        .join(shipments, |o, s| o.id == s.order)
        .within("1h")
        .join(customers, |o, _, c| o.customer + 1 == c.id)
        .map(|o, s, _| common::Shipped { id: o.id, product: o.product, carrier: s.carrier })
}

fn main() {}
