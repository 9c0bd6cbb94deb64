// P45
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn small(orders: Stream<Order>) -> Stream<Small> {
    orders
        .filter(|o| o.product + 1 > 2 && o.product * o.product == o.product)
        .map(|o| Small { id: o.id, note: o.product, n: 1 })
}

fn main() {}
