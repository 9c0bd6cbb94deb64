// A match without a last arm takes every variant, and NULL where there may be one.
#[path = "../common.rs"]
mod common;

use common::{Order, Side, Small};
use ksql_runtime::prelude::*;

#[derive(Debug, Clone, Entity)]
#[topic("maybe")]
struct Maybe {
    #[key]
    id: i64,
    side: Option<Side>,
    paid: Option<bool>,
}

#[query]
fn a_variant(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: "x", n: match o.side { Side::Buy => 1 } })
}

#[query]
fn one_behind_a_condition(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small {
        id: o.id,
        note: "x",
        n: match o.side {
            Side::Buy => 1,
            Side::Sell if o.paid => 2,
        },
    })
}

#[query]
fn the_null_of_an_enum(all: Stream<Maybe>) -> Stream<Small> {
    all.map(|m| Small { id: m.id, note: "x", n: match m.side { Some(Side::Buy) => 1, Some(Side::Sell) => 2 } })
}

#[query]
fn the_null_of_a_bool(all: Stream<Maybe>) -> Stream<Small> {
    all.map(|m| Small { id: m.id, note: "x", n: match m.paid { true => 1, false => 2 } })
}

fn main() {}
