//! A foreign key joins the first two tables only.

#[path = "../common.rs"]
mod common;

use common::{City, Customer, Living, Total};
use ksql_runtime::prelude::*;

#[query]
fn living(customers: Table<Customer>, cities: Table<City>, totals: Table<Total>) -> Table<Living> {
    customers
        .join(totals, |c, n| c.id == n.id)
        .join(cities, |c, _, t| c.city == t.id)
        .map(|c, _, t| Living { id: c.id, name: c.name, city: t.name })
}

fn main() {}
