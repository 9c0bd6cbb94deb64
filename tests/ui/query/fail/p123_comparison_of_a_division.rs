// P123: what fails has no comparison either.
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn small(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: "x", n: if o.pieces / o.pieces > 1 { 1 } else { 2 } })
}

fn main() {}
