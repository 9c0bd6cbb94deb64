//! What is made of joined rows in groups compares as anywhere.

#[path = "../common.rs"]
mod common;

use common::{Order, Shipment, Total};
use ksql_runtime::prelude::*;

#[query]
fn totals(orders: Stream<Order>, shipments: Stream<Shipment>) -> Table<Total> {
    orders
        .join(shipments, |o, s| o.id == s.order)
        .within("1m")
        .group_by(|o, _| o.id)
        .having(|g| g.sum(|o, _| o.pieces) > "100" && g.sum(|_, s| s.parcels) > 20)
        .aggregate(|g| Total { id: g.key(), n: g.count() })
}

fn main() {}
