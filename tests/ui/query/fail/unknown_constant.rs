// A constant is no parameter.
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

const LIMIT: i32 = 5;

#[query]
fn small(orders: Stream<Order>) -> Stream<Small> {
    orders
        .filter(|o| o.pieces > LIMIT && o.id < i64::MAX)
        .map(|o| Small { id: o.id, note: o.product, n: 1 })
}

fn main() {}
