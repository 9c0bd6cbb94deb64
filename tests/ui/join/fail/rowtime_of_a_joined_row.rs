//! A joined row has no time of its own.

#[path = "../common.rs"]
mod common;

use common::{Customer, Named, Order};
use ksql_runtime::prelude::*;

#[query]
fn named(orders: Stream<Order>, customers: Table<Customer>) -> Stream<Named> {
    orders
        .join(customers, |o, c| o.customer == c.id)
        .filter(|o, _| o.rowtime() > 0)
        .map(|o, c| Named { customer: o.customer, name: c.name })
}

fn main() {}
