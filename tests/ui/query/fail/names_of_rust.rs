//! What Rust has and KSQL has not: each error says what is written instead.

#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn values(orders: Stream<Order>) -> Stream<Small> {
    orders
        .filter(|o| o.ordered >= NaiveDate::from_ymd_opt(2024, 5, 1) && o.at < Utc::now())
        .filter(|o| o.product.eq("bolt") || o.pieces.between(1, 5) || o.labels.contains_key("a"))
        .map(|o| Small { id: o.id.clone(), note: o.product.to_owned(), n: o.pieces.into() })
}

#[query]
fn closures(orders: Stream<Order>) -> Stream<Small> {
    orders
        .filter(|o| o.note.is_some_and(|n| n == "x") || o.tags.any(|t| t == "x"))
        .map(|o| Small { id: o.id, note: o.note.unwrap_or_else(|| "none"), n: o.note.map(|n| n.len()) })
}

#[query]
fn parts(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.product[0..2], n: o.tags.explode() })
}

fn main() {}
