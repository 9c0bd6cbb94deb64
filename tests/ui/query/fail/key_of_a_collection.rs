// A key is no map, array or struct.
#[path = "../common.rs"]
mod common;

use std::collections::HashMap;

use common::{Order, Small, Total};
use ksql_runtime::prelude::*;

#[query]
fn totals(orders: Stream<Order>) -> Table<Total> {
    orders
        .group_by(|o| o.tags)
        .aggregate(|g| Total { customer_id: g.key(), n: g.count() })
}

#[query]
fn of_a_map(orders: Stream<Order>) -> Stream<Small> {
    orders
        .partition_by(|o| o.labels)
        .map(|o| Small { id: o.labels, note: o.product, n: 1 })
}

#[query]
fn of_a_struct(orders: Stream<Order>) -> Stream<Small> {
    orders
        .partition_by(|o| o.to)
        .map(|o| Small { id: o.to, note: o.product, n: 1 })
}

#[query]
fn of_an_array_made_here(orders: Stream<Order>) -> Stream<Small> {
    orders
        .partition_by(|o| [o.id])
        .map(|o| Small { id: [o.id], note: o.product, n: 1 })
}

#[derive(Debug, Clone, Struct)]
pub struct Held {
    pub f: HashMap<String, i64>,
}

#[derive(Debug, Clone, Entity)]
#[topic("holders")]
pub struct Holder {
    #[key]
    pub id: i64,
    pub val: Held,
}

#[query]
fn grouped_by_a_map(orders: Stream<Order>) -> Table<Total> {
    orders
        .group_by(|o| o.labels)
        .aggregate(|g| Total { customer_id: g.key(), n: g.count() })
}

#[query]
fn of_a_map_made_here(orders: Stream<Order>) -> Stream<Small> {
    orders
        .partition_by(|o| HashMap::from([(o.product, o.id)]))
        .map(|o| Small { id: HashMap::from([(o.product, o.id)]), note: o.product, n: 1 })
}

#[query]
fn of_a_map_in_a_struct(holders: Stream<Holder>) -> Stream<Small> {
    holders
        .partition_by(|h| h.val)
        .map(|h| Small { id: h.val, note: "x", n: 1 })
}

#[query]
fn of_a_map_in_a_struct_made_here(orders: Stream<Order>) -> Stream<Small> {
    orders
        .partition_by(|o| Held { f: HashMap::from([(o.product, o.id)]) })
        .map(|o| Small { id: Held { f: HashMap::from([(o.product, o.id)]) }, note: o.product, n: 1 })
}

fn main() {}
