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

#[derive(Debug, Clone, Entity)]
#[topic("movers")]
#[table]
pub struct Mover {
    #[key]
    pub id: i64,
    pub from: i64,
    pub to: i64,
}

#[query]
fn two_of_them(movers: Table<Mover>, cities: Table<City>, totals: Table<Total>) -> Table<Living> {
    movers
        .join(cities, |m, t| m.from == t.id)
        .join(totals, |m, _, n| m.to == n.id)
        .map(|m, t, _| Living { id: m.id, name: t.name, city: t.name })
}

fn main() {}
