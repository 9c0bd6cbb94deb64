//! P123: what a function may fail to give; `.unwrap_or(..)` right behind it helps, further out it does not.

#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn small(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small {
        id: o.id,
        note: o.product.regexp_extract("[a-z]+"),
        n: if o.product.regexp_extract("[a-z]+") == "bolt" { 1 } else { 2 },
    })
}

fn main() {}
