// A pattern is checked while the program compiles.
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn small(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.at.format("yyyy-MM-ddTHH:mm"), n: 1 })
}

fn main() {}
