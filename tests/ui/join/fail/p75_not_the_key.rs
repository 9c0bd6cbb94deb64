//! A table is looked up by its key.

#[path = "../common.rs"]
mod common;

use common::{City, Customer, Living, Named, Order};
use ksql_runtime::prelude::*;

#[query]
fn named(orders: Stream<Order>, customers: Table<Customer>) -> Stream<Named> {
    orders
        .join(customers, |o, c| o.customer == c.city)
        .map(|o, c| Named { customer: o.customer, name: c.name })
}

#[query]
fn left_of_a_stream(orders: Stream<Order>, customers: Table<Customer>) -> Stream<Named> {
    orders
        .left_join(customers, |o, c| o.id == c.city)
        .map(|o, c| Named { customer: o.id, name: c.name.unwrap_or("") })
}

#[query]
fn of_tables(cities: Table<City>, customers: Table<Customer>) -> Table<Living> {
    cities
        .join(customers, |t, c| t.id == c.city)
        .map(|t, c| Living { id: t.id, name: c.name, city: t.name })
}

#[query]
fn of_tables_the_other_way_round(cities: Table<City>, customers: Table<Customer>) -> Table<Living> {
    cities
        .join(customers, |t, c| c.city == t.id)
        .map(|t, c| Living { id: t.id, name: c.name, city: t.name })
}

#[query]
fn left_of_tables_the_other_way_round(cities: Table<City>, customers: Table<Customer>) -> Table<Living> {
    cities
        .left_join(customers, |t, c| c.city == t.id)
        .map(|t, c| Living { id: t.id, name: c.name.unwrap_or(""), city: t.name })
}

#[query]
fn full_of_tables(cities: Table<City>, customers: Table<Customer>) -> Table<Living> {
    cities
        .full_join(customers, |t, c| t.id == c.city)
        .map(|t, c| Living { id: t.id.or(c.city), name: c.name.unwrap_or(""), city: t.name.unwrap_or("") })
}

#[query]
fn full_of_tables_the_other_way_round(cities: Table<City>, customers: Table<Customer>) -> Table<Living> {
    cities
        .full_join(customers, |t, c| c.city == t.id)
        .map(|t, c| Living { id: t.id.or(c.city), name: c.name.unwrap_or(""), city: t.name.unwrap_or("") })
}

fn main() {}
