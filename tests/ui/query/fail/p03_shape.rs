// P03
#[path = "../common.rs"]
mod common;

use common::{Order, Small, Total};
use ksql_runtime::prelude::*;

#[query]
fn a_table(orders: Stream<Order>) -> Stream<Total> {
    orders.group_by(|o| o.customer_id).aggregate(|g| Total { customer_id: g.key(), n: g.count() })
}

#[query]
fn forced(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.product, n: 1 }).as_table()
}

fn main() {}
