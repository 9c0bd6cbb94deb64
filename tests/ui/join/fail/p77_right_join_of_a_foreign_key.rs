//! Rows of the other table have no key here.

#[path = "../common.rs"]
mod common;

use common::{City, Customer, Living};
use ksql_runtime::prelude::*;

#[query]
fn living(customers: Table<Customer>, cities: Table<City>) -> Table<Living> {
    customers
        .right_join(cities, |c, t| c.city == t.id)
        .map(|c, t| Living { id: c.id.unwrap_or(0), name: c.name.unwrap_or(""), city: t.name })
}

fn main() {}
