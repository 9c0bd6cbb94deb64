//! ksqlDB catches the failure of a call that is an argument. `ends_with` is an operator there, which fails with all around it.

#[path = "../common.rs"]
mod common;

use common::Order;
use ksql_runtime::prelude::*;

#[derive(Debug, Clone, Entity)]
#[topic("marked")]
pub struct Marked {
    #[key]
    pub id: i64,
    pub marked: bool,
}

#[query]
fn marked(orders: Stream<Order>) -> Stream<Marked> {
    orders.map(|o| Marked { id: o.id, marked: o.product.ends_with(o.note).unwrap_or(false) })
}

fn main() {}
