// P03
#[path = "../common.rs"]
mod common;

use common::{Account, Order, Small, Total};
use ksql_runtime::prelude::*;

#[query]
fn into_a_table(orders: Stream<Order>) -> Stream<Total> {
    orders.partition_by(|o| o.customer_id).map(|o| Total { customer_id: o.customer_id, n: 1 })
}

#[query]
fn of_a_table(accounts: Stream<Account>) -> Stream<Small> {
    accounts.map(|a| Small { id: a.id, note: a.branch, n: 1 })
}

#[query]
fn of_a_stream(orders: Table<Order>) -> Table<Small> {
    orders.map(|o| Small { id: o.id, note: o.product, n: 1 })
}

fn main() {}
