// Units KSQL has.
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn small(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: "x", n: o.at.timestamp_add(Unit::Weeks, 1).unix_timestamp() })
}

fn main() {}
