// What stands behind `_` is never asked.
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn small(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: "x", n: match o.pieces { _ => 2, 3 => 4, 5 => 6, _ => 7 } })
}

fn main() {}
