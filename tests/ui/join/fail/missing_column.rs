//! A column that is not there.

#[path = "../common.rs"]
mod common;

use common::{Customer, Named, Order};
use ksql_runtime::prelude::*;

#[query]
fn named(orders: Stream<Order>, customers: Table<Customer>) -> Stream<Named> {
    orders
        .join(customers, |o, c| o.customr == c.id)
        .map(|o, c| Named { customer: o.customer, name: c.nam })
}

fn main() {}
