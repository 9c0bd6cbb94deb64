// P45
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn small(orders: Stream<Order>) -> Stream<Small> {
    orders
        .filter(|o| o.tags < o.tags && o.labels > o.labels && o.to <= o.to && true + 1.5)
        .map(|o| Small { id: o.id, note: o.product, n: 1 })
}

fn main() {}
