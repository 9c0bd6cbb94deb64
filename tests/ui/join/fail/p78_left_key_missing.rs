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

#[derive(Debug, Clone, Entity)]
#[topic("stays")]
#[table]
pub struct Stay {
    #[key]
    pub customer: i64,
    #[key]
    pub year: i64,
    pub city: i64,
}

#[query]
fn one_of_two(stays: Table<Stay>, cities: Table<City>) -> Table<Living> {
    stays
        .join(cities, |s, t| s.city == t.id)
        .map(|s, t| Living { id: s.customer, name: t.name, city: t.name })
}

fn main() {}
