#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn small(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.product.explode(), n: o.labels.explode() })
}

#[query]
fn padded(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.tags.explode(), n: o.labels.values().explode() })
}

fn main() {}
