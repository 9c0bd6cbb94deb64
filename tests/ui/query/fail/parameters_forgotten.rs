// A query with parameters is given them.
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn big(orders: Stream<Order>, limit: i64) -> Stream<Small> {
    orders.filter(|o| o.id > limit).map(|o| Small { id: o.id, note: o.product, n: 1 })
}

fn run() {
    let _ = Model::new().query(big);
}

fn main() {}
