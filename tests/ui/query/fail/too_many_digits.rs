// At most 76 digits can be computed.
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn small(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: "x", n: (o.amount / o.amount / o.amount / o.amount) as i64 })
}

fn main() {}
