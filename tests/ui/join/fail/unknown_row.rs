//! A name that is none of the closure's rows.

#[path = "../common.rs"]
mod common;

use common::{City, Customer, Living};
use ksql_runtime::prelude::*;

#[query]
fn living(customers: Table<Customer>, cities: Table<City>) -> Table<Living> {
    customers
        .join(cities, |c, _| c.city == unknown.id)
        .map(|c, t| Living { id: c.id, name: c.name, city: t.name })
}

fn main() {}
