// P36
#[path = "../common.rs"]
mod common;

use common::{Order, Pair};
use ksql_runtime::prelude::*;

#[query]
fn pairs(orders: Stream<Order>) -> Table<Pair> {
    orders
        .group_by(|o| (o.customer_id, o.product))
        .aggregate(|g| Pair { product: g.key().1, customer_id: g.key().0, n: g.count() })
}

fn main() {}
