//! A join's output has a key: what the rows are joined by.

#[path = "../common.rs"]
mod common;

use common::{Order, Shipment};
use ksql_runtime::prelude::*;

#[derive(Debug, Clone, Entity)]
#[topic("keyless")]
#[stream]
pub struct Keyless {
    pub product: String,
    pub carrier: String,
}

#[query]
fn keyless(orders: Stream<Order>, shipments: Stream<Shipment>) -> Stream<Keyless> {
    orders
        .join(shipments, |o, s| o.id == s.order)
        .within("1h")
        .map(|o, s| Keyless { product: o.product, carrier: s.carrier })
}

/// Of several inputs the key is what the last join compares.
#[query]
fn of_three(
    orders: Stream<Order>,
    shipments: Stream<Shipment>,
    customers: Table<common::Customer>,
) -> Stream<common::Shipped> {
    orders
        .join(shipments, |o, s| o.id == s.order)
        .within("1h")
        .join(customers, |o, _, c| o.customer + 1 == c.id)
        .map(|o, s, _| common::Shipped { id: o.id, product: o.product, carrier: s.carrier })
}

/// What two tables are looked up by, and a table's key behind a foreign one.
#[query]
fn expression_first(
    orders: Stream<Order>,
    customers: Table<common::Customer>,
    cities: Table<common::City>,
) -> Stream<Keyless> {
    orders
        .join(customers, |o, c| o.id + 1 == c.id)
        .join(cities, |o, _, t| o.id == t.id)
        .map(|o, c, _| Keyless { product: o.product, carrier: c.name })
}

#[query]
fn expression_second(
    orders: Stream<Order>,
    customers: Table<common::Customer>,
    cities: Table<common::City>,
) -> Stream<Keyless> {
    orders
        .join(customers, |o, c| o.id == c.id)
        .join(cities, |o, _, t| o.id + 1 == t.id)
        .map(|o, c, _| Keyless { product: o.product, carrier: c.name })
}

#[query]
fn left_left(
    orders: Stream<Order>,
    customers: Table<common::Customer>,
    cities: Table<common::City>,
) -> Stream<Keyless> {
    orders
        .left_join(customers, |o, c| o.id == c.id)
        .left_join(cities, |o, _, t| o.id == t.id)
        .map(|o, c, _| Keyless { product: o.product, carrier: c.name.unwrap_or("") })
}

#[query]
fn left_left_expression_first(
    orders: Stream<Order>,
    customers: Table<common::Customer>,
    cities: Table<common::City>,
) -> Stream<Keyless> {
    orders
        .left_join(customers, |o, c| o.id + 1 == c.id)
        .left_join(cities, |o, _, t| o.id == t.id)
        .map(|o, c, _| Keyless { product: c.name.unwrap_or(""), carrier: o.product })
}

#[query]
fn left_left_expression_second(
    orders: Stream<Order>,
    customers: Table<common::Customer>,
    cities: Table<common::City>,
) -> Stream<Keyless> {
    orders
        .left_join(customers, |o, c| o.id == c.id)
        .left_join(cities, |o, _, t| o.id + 1 == t.id)
        .map(|o, c, _| Keyless { product: o.product, carrier: c.name.unwrap_or("") })
}

#[query]
fn behind_a_foreign_key(
    customers: Table<common::Customer>,
    cities: Table<common::City>,
    totals: Table<common::Total>,
) -> Table<common::Living> {
    customers
        .join(cities, |c, t| c.city == t.id)
        .join(totals, |c, _, n| c.id == n.id)
        .map(|c, t, _| common::Living { id: t.id, name: c.name, city: t.name })
}

fn main() {}
