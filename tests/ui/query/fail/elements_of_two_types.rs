#[path = "../common.rs"]
mod common;

use std::collections::HashMap;

use common::Order;
use ksql_runtime::prelude::*;

#[derive(Debug, Clone, Entity)]
#[topic("made")]
pub struct Made {
    #[key]
    pub id: i64,
    pub list: Vec<i64>,
    pub texts: Vec<String>,
    pub none: Option<Vec<i64>>,
    pub map: HashMap<String, i64>,
    pub keyed: HashMap<String, i64>,
    pub noted: HashMap<String, i64>,
    pub empty: Vec<i64>,
}

#[query]
fn made(orders: Stream<Order>) -> Stream<Made> {
    orders.map(|o| Made {
        id: o.id,
        list: [o.id, o.product],
        texts: [Some(o.product), o.note],
        none: [None, None],
        map: HashMap::from([("id", o.id), ("paid", "hello")]),
        keyed: HashMap::from([(o.id, o.id)]),
        noted: HashMap::from([(o.note, o.id)]),
        empty: [o.weight],
    })
}

fn main() {}
