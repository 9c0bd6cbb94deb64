//! The stream stands first.

#[path = "../common.rs"]
mod common;

use common::{Customer, Named, Order};
use ksql_runtime::prelude::*;

#[query]
fn named(customers: Table<Customer>, orders: Stream<Order>) -> Stream<Named> {
    customers
        .join(orders, |c, o| o.customer == c.id)
        .map(|c, o| Named { customer: o.customer, name: c.name })
}

fn main() {}
