//! Behind a foreign key the rows have the first table's key alone.

#[path = "../common.rs"]
mod common;

use common::{City, Customer, Living, Total};
use ksql_runtime::prelude::*;

#[query]
fn living(customers: Table<Customer>, cities: Table<City>, totals: Table<Total>) -> Table<Living> {
    customers
        .join(cities, |c, t| c.city == t.id)
        .join(totals, |_, t, n| t.id == n.id)
        .map(|c, t, _| Living { id: c.id, name: c.name, city: t.name })
}

fn main() {}
