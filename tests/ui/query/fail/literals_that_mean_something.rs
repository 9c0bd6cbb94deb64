//! Literal texts that a function or a comparison reads: a wrong one would be a NULL of every row.

#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn patterns(orders: Stream<Order>) -> Stream<Small> {
    orders
        .filter(|o| o.product.regexp_extract("(?i)bolt").is_some() || o.product.regexp_extract("(a").is_some())
        .filter(|o| o.product.regexp_extract("(x*)*", 1).is_some())
        .map(|o| Small { id: o.id, note: o.product.mask("X", "xx", "n", ""), n: 1 })
}

#[query]
fn paths(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.product.extract_json_field("name.first").unwrap_or(""), n: 1 })
}

#[query]
fn moments(orders: Stream<Order>) -> Stream<Small> {
    orders
        .filter(|o| o.at > "2024-05-01 10:30" && ("2024-01-01".."2024-13-01").contains(&o.ordered))
        .filter(|o| ["2024-05-01", "May"].contains(&o.ordered) || "today" == o.at)
        .map(|o| Small { id: o.id, note: o.ordered.format("yyyy-MM-dd HH:mm"), n: 1 })
}

fn main() {}
