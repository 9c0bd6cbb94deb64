// A query is no method.
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

struct Shop;

impl Shop {
    #[query]
    fn small(&self, orders: Stream<Order>) -> Stream<Small> {
        orders.map(|o| Small { id: o.id, note: o.product, n: 1 })
    }
}

fn main() {}
