// What a query reads and writes is an entity.
#[path = "../common.rs"]
mod common;

use common::{Order, Plain, Small};
use ksql_runtime::prelude::*;

#[query]
fn reads(plain: Stream<Plain>) -> Stream<Small> {
    plain.map(|p| Small { id: p.id, note: "x", n: 1 })
}

#[query]
fn writes(orders: Stream<Order>) -> Stream<Plain> {
    orders.map(|o| Plain { id: o.id })
}

fn main() {}
