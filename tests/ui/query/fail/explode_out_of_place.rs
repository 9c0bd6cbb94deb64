#[path = "../common.rs"]
mod common;

use common::{Order, Small, Total};
use ksql_runtime::prelude::*;

#[query]
fn in_a_condition(orders: Stream<Order>) -> Stream<Small> {
    orders
        .map(|o| Small { id: o.id, note: o.tags.explode(), n: 1 })
        .filter(|s| s.note != "a")
}

#[query]
fn in_a_key(orders: Stream<Order>) -> Stream<Small> {
    orders
        .map(|o| Small { id: o.tags.explode(), note: o.product, n: 1 })
        .partition_by(|s| s.id)
}

#[query]
fn beside_aggregates(orders: Stream<Order>) -> Table<Total> {
    orders
        .group_by(|o| o.customer_id)
        .aggregate(|g| Total { customer_id: g.key(), n: g.count_of(|o| o.tags.explode()) })
}

#[query]
fn of_a_table(orders: Table<Order>) -> Table<Small> {
    orders.map(|o| Small { id: o.id, note: o.tags.explode(), n: 1 })
}

#[query]
fn inside_of_others(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small {
        id: o.id,
        note: if o.paid { o.tags.explode() } else { "unpaid" },
        n: [o.labels.keys().explode()].cube_explode().len() + o.tags.filter(|t| t == o.tags.slice(1, 2).explode()).len(),
    })
}

#[query]
fn lost_on_the_way(orders: Stream<Order>) -> Stream<Small> {
    orders
        .map(|o| Small { id: o.id, note: o.tags.explode(), n: 1 })
        .map(|s| Small { id: s.id, note: "tag", n: s.n })
}

fn main() {
    let _ = ksql!(|o: &Order| o.tags.explode() == "a");
}
