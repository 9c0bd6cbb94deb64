//! The rows of a foreign key's join keep the left key.

#[path = "../common.rs"]
mod common;

use common::{City, Customer, Living};
use ksql_runtime::prelude::*;

#[query]
fn living(customers: Table<Customer>, cities: Table<City>) -> Table<Living> {
    customers
        .join(cities, |c, t| c.city == t.id)
        .map(|c, t| Living { id: t.id, name: c.name, city: t.name })
}

fn main() {}
