// What a query is not.
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
async fn waits(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.product, n: 1 })
}

#[query]
unsafe fn dares(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.product, n: 1 })
}

#[query]
fn any<T: Entity>(orders: Stream<Order>) -> Stream<Small>
where
    T: Clone,
{
    orders.map(|o| Small { id: o.id, note: o.product, n: 1 })
}

#[query]
fn reads_nothing(limit: i64) -> Stream<Small> {
    limit.map(|o| Small { id: o.id, note: o.product, n: 1 })
}

#[query]
fn writes_nothing(orders: Stream<Order>) {
    orders.map(|o| Small { id: o.id, note: o.product, n: 1 })
}

#[query]
fn writes_plain(orders: Stream<Order>) -> Small {
    orders.map(|o| Small { id: o.id, note: o.product, n: 1 })
}

#[query(topic = "small")]
fn with_arguments(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.product, n: 1 })
}

#[query]
struct NoFunction;

fn main() {}
