// A later step reads what the one before made.
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[derive(Debug, Clone, Entity)]
#[topic("between")]
pub struct Between {
    #[key]
    pub id: i64,
    pub double: i64,
}

#[query]
fn small(orders: Stream<Order>) -> Stream<Small> {
    orders
        .map(|o| Between { id: o.id, double: o.pieces * 2 })
        .map(|b| Small { id: b.id, note: b.product, n: b.duble })
}

#[query]
fn incomplete(orders: Stream<Order>) -> Stream<Small> {
    orders
        .map(|o| Between { id: o.id })
        .map(|b| Small { id: b.id, note: "x", n: 1 })
}

fn main() {}
