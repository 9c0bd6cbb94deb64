//! Every input is read.

#[path = "../common.rs"]
mod common;

use common::{Order, Shipment, Shipped};
use ksql_runtime::prelude::*;

#[query]
fn shipped(orders: Stream<Order>, shipments: Stream<Shipment>) -> Stream<Shipped> {
    orders.map(|o| Shipped { id: o.id, product: o.product, carrier: o.product })
}

fn main() {}
