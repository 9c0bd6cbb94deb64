// A pattern that is refused leaves no second error.
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn small(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: match o.to { common::Address { city } => city }, n: 1 })
}

fn main() {}
