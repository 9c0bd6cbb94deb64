// An argument of the wrong type is underlined, not the whole call.
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn small(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small {
        id: o.id,
        note: o.product.concat(o.note.unwrap_or(""), o.pieces, o.paid),
        n: if o.tags.contains(o.pieces) { 1 } else { o.product.instr(5) },
    })
}

fn main() {}
