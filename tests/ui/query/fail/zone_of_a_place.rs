// A zone of a place has rules that change.
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn small(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.at.format_timestamp("HH:mm", "Europe/Zurich"), n: 1 })
}

fn main() {}
