#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn small(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small {
        id: o.tags.reduce(|a, b| a + b),
        note: o.tags.filter(|a, b, c| a == b).join(),
        n: o.tags.any(|t| t == "a") + o.tags.transform(|Some(t)| t).len() + o.tags.filter("a").len()
            + o.labels.transform(|k, v| (k, v, v)).keys().len(),
    })
}

fn main() {}
