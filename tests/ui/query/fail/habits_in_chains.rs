// Steps that other libraries have, and shapes that a chain has not.
#[path = "../common.rs"]
mod common;

use common::{Account, Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn filters_and_maps(orders: Stream<Order>) -> Stream<Small> {
    orders.filter_map(|o| Some(Small { id: o.id, note: o.product, n: 1 }))
}

#[query]
fn names_a_topic(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.product, n: 1 }).to("small")
}

#[query]
fn reads_results(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.product, n: 1 }).collect()
}

#[query]
fn counts_rows(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o, at| Small { id: o.id, note: o.product, n: at })
}

#[query]
fn chooses_a_row(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| if o.paid { Small { id: o.id, note: "", n: 1 } } else { Small { id: o.id, note: "", n: 0 } })
}

#[query]
fn throws_away(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.product, n: 1 });
}

#[query]
fn names_a_step(orders: Stream<Order>) -> Stream<Small> {
    let paid = orders.filter(|o| o.paid);
    paid.map(|o| Small { id: o.id, note: o.product, n: 1 })
}

#[query]
fn joins(orders: Stream<Order>, accounts: Table<Account>) -> Stream<Small> {
    orders
        .join(accounts, |o, a| o.customer_id == a.id)
        .map(|o, a| Small { id: o.id, note: a.branch, n: 1 })
}

#[query]
fn may_fail(orders: Stream<Order>) -> Result<Stream<Small>, String> {
    Ok(orders.map(|o| Small { id: o.id, note: o.product, n: 1 }))
}

fn main() {}
