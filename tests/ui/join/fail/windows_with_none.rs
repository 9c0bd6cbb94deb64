//! A key with a window equals none without.

#[path = "../common.rs"]
mod common;

use common::Order;
use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("counted")]
#[window(tumbling, minutes = [1])]
#[entity(namespace = "shop")]
pub struct Counted {
    #[key]
    pub id: i64,
    pub n: i64,
}

#[derive(Entity)]
#[topic("both")]
#[window(tumbling, minutes = [1])]
#[entity(namespace = "shop")]
pub struct Both {
    #[key]
    pub id: i64,
    pub n: i64,
}

#[query]
fn both(counted: Stream<Counted>, orders: Stream<Order>) -> Stream<Both> {
    counted
        .join(orders, |c, o| c.id == o.id)
        .within("1m")
        .map(|c, o| Both { id: c.id, n: c.n })
}

fn main() {}
