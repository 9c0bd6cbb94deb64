// P45
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn small(orders: Stream<Order>) -> Stream<Small> {
    orders
        .filter(|o| o.note > 5 && o.product == o.pieces && o.paid > true)
        .map(|o| Small { id: o.id, note: o.product, n: 1 })
}

fn main() {}
