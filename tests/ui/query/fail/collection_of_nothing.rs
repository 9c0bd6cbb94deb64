#[path = "../common.rs"]
mod common;

use std::collections::HashMap;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn small(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small {
        id: [].len(),
        note: HashMap::from([]).keys().join(),
        n: HashMap::from(o.labels)["a"] + [1; 3].len() + HashMap::from([1])["a"],
    })
}

fn main() {}
