// The key of the input stays.
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

#[query]
fn other(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.customer_id, note: o.product, n: 1 })
}

#[query]
fn copied(orders: Stream<Order>) -> Stream<Small> {
    orders.map(|o| Small { id: o.id, note: o.product, n: o.id })
}

#[derive(Debug, Clone, Entity)]
#[topic("parts")]
pub struct Part {
    #[key]
    pub order: i64,
    #[key]
    pub id: i64,
    pub name: String,
}

#[query]
fn one_of_two(parts: Stream<Part>) -> Stream<Small> {
    parts.map(|p| Small { id: p.order, note: p.name, n: 1 })
}

#[derive(Debug, Clone, Entity)]
#[topic("notes")]
#[stream]
pub struct Note {
    pub note: String,
}

#[query]
fn none(orders: Stream<Order>) -> Stream<Note> {
    orders.map(|o| Note { note: o.product })
}

fn main() {}
