// P52
#[path = "../common.rs"]
mod common;

use common::{Account, Order, Small, Total};
use ksql_runtime::prelude::*;

#[query]
fn both(orders: Stream<Order>) -> Table<Total> {
    orders
        .partition_by(|o| o.id)
        .group_by(|o| o.customer_id)
        .aggregate(|g| Total { customer_id: g.key(), n: g.count() })
}

#[query]
fn twice(orders: Stream<Order>) -> Stream<Small> {
    orders
        .partition_by(|o| o.customer_id)
        .partition_by(|o| o.id)
        .map(|o| Small { id: o.customer_id, note: o.product, n: 1 })
}

#[query]
fn not_in_the_output(orders: Stream<Order>) -> Stream<Small> {
    orders
        .partition_by(|o| o.customer_id)
        .map(|o| Small { id: o.id, note: o.product, n: 1 })
}

#[query]
fn twice_in_the_output(orders: Stream<Order>) -> Stream<Small> {
    orders
        .partition_by(|o| o.customer_id)
        .map(|o| Small { id: o.customer_id, note: o.product, n: o.customer_id })
}

#[query]
fn of_a_table(accounts: Table<Account>) -> Table<Small> {
    accounts
        .partition_by(|a| a.balance)
        .map(|a| Small { id: a.balance, note: a.branch, n: 1 })
}

#[query]
fn one_of_two_in_the_output(orders: Stream<Order>) -> Stream<Small> {
    orders
        .partition_by(|o| (o.id, o.customer_id))
        .map(|o| Small { id: o.id, note: o.product, n: 1 })
}

fn main() {}
