//! The stream stands first.

#[path = "../common.rs"]
mod common;

use common::{Customer, Named, Order, Total};
use ksql_runtime::prelude::*;

#[query]
fn named(customers: Table<Customer>, orders: Stream<Order>) -> Stream<Named> {
    customers
        .join(orders, |c, o| o.customer == c.id)
        .map(|c, o| Named { customer: o.customer, name: c.name })
}

#[query]
fn behind_two_tables(
    customers: Table<Customer>,
    totals: Table<Total>,
    orders: Stream<Order>,
) -> Stream<Named> {
    customers
        .join(totals, |c, n| c.id == n.id)
        .join(orders, |c, _, o| c.id == o.customer)
        .map(|c, _, o| Named { customer: o.customer, name: c.name })
}

fn main() {}
