//! Only the stream's side may have no match.

#[path = "../common.rs"]
mod common;

use common::{Customer, Named, Order};
use ksql_runtime::prelude::*;

#[query]
fn named(orders: Stream<Order>, customers: Table<Customer>) -> Stream<Named> {
    orders
        .full_join(customers, |o, c| o.customer == c.id)
        .map(|o, c| Named { customer: o.customer, name: c.name.unwrap_or("") })
}

fn main() {}
