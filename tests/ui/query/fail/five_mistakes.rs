// Five mistakes are five errors.
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn small(orders: Stream<Order>) -> Stream<Small> {
    orders
        .filter(|o| o.note > 5)
        .filter(|o| o.amuont > 5)
        .map(|o| Small {
            id: o.id,
            note: o.note,
            n: if o.paid { o.pieces } else { o.id } + (o.product + 1),
        })
}

fn main() {}
