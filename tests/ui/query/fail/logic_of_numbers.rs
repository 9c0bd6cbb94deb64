// `&&`, `||` and `!` are for conditions.
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn small(orders: Stream<Order>) -> Stream<Small> {
    orders
        .filter(|o| o.paid && o.pieces || !o.note)
        .map(|o| Small { id: o.id, note: o.product, n: 1 })
}

fn main() {}
