#[path = "../common.rs"]
mod common;

use std::collections::HashMap;

use common::Order;
use ksql_runtime::prelude::*;

#[derive(Debug, Clone, Struct)]
pub struct Parcel {
    pub city: String,
    pub weight: f64,
}

pub struct Plain;

#[derive(Debug, Clone, Entity)]
#[topic("made")]
pub struct Made {
    #[key]
    pub id: i64,
    pub numbers: Vec<i64>,
    pub dates: Vec<NaiveDate>,
    pub keyed: HashMap<String, i64>,
    pub bytes: Vec<u8>,
    pub to: Parcel,
}

#[query]
fn made(orders: Stream<Order>) -> Stream<Made> {
    orders.map(|o| Made {
        id: o.id,
        numbers: o.tags as Vec<i64>,
        dates: o.labels.values() as Vec<NaiveDate>,
        keyed: o.labels as Vec<i64>,
        bytes: o.product.parse::<Vec<u8>>(),
        to: o.to as Parcel,
    })
}

#[query]
fn other(orders: Stream<Order>) -> Stream<Made> {
    orders.map(|o| Made {
        id: o.id,
        numbers: o.tags as Vec<u64>,
        dates: [o.ordered],
        keyed: o.labels as HashMap<i64, i64>,
        bytes: o.product.to_bytes("utf8").unwrap_or(None),
        to: Parcel { city: o.product, weight: 1.0 },
    })
}

#[query]
fn scalars(orders: Stream<Order>) -> Stream<Made> {
    orders.map(|o| Made {
        id: o.id,
        numbers: [o.id],
        dates: o.ordered as Vec<NaiveDate>,
        keyed: o.labels,
        bytes: o.pieces as Vec<u8>,
        to: Parcel { city: o.product, weight: 1.0 },
    })
}

#[query]
fn no_struct(orders: Stream<Order>) -> Stream<Made> {
    orders.map(|o| Made {
        id: o.id,
        numbers: [o.id],
        dates: [o.ordered],
        keyed: o.labels,
        bytes: Some(o.product.to_bytes("utf8")).unwrap_or("".to_bytes("utf8")),
        to: o.to as Plain,
    })
}

fn main() {}
