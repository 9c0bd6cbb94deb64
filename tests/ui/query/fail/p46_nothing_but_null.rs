// P46
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn branches(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.product, n: if o.paid { None } else { None } })
}

#[query]
fn column(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: None, n: 1 })
}

#[query]
fn arguments(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.product, n: None.min(None, None) })
}

#[query]
fn keys(orders: Stream<Order>) -> Stream<Small> {
    orders
        .partition_by(|o| (None, o.id))
        .map(|o| Small { id: o.id, note: o.product, n: 1 })
}

#[query]
fn keys_that_are_written(orders: Stream<Order>) -> Stream<Keyed> {
    orders
        .partition_by(|o| (None, o.id))
        .map(|o| Keyed { nothing: None, id: o.id, n: 1 })
}

#[derive(Debug, Clone, Entity)]
#[topic("keyed")]
pub struct Keyed {
    #[key]
    pub nothing: String,
    #[key]
    pub id: i64,
    pub n: i64,
}

fn main() {}
