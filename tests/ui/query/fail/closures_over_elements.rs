#[path = "../common.rs"]
mod common;

use common::Order;
use ksql_runtime::prelude::*;

#[derive(Debug, Clone, Entity)]
#[topic("made")]
pub struct Made {
    #[key]
    pub id: i64,
    pub note: Option<String>,
    pub pair: Vec<String>,
    pub labels: std::collections::BTreeMap<String, i64>,
    pub kept: Vec<String>,
    pub all: i64,
    pub nulls: Option<std::collections::BTreeMap<String, i64>>,
    pub sum: i64,
    pub last: String,
    pub maybe: Option<String>,
}

#[query]
fn made(orders: Stream<Order>) -> Stream<Made> {
    orders.map(|o| Made {
        id: o.id,
        note: o.note.map(|n| n.to_uppercase()),
        pair: o.tags.transform(|k, v| (k, v)),
        labels: o.labels.filter(|v| v > 1),
        kept: o.tags.filter(|t| t.len()),
        all: o.labels.reduce(0, |s, _, v| s + v),
        nulls: o.labels.transform(|k, v| (k, o.labels["a"])),
        sum: o.tags.reduce(None, |s, t| s + t.len()),
        maybe: o.tags.reduce("", |s, t| if t == "" { None } else { s }),
        last: o.tags.reduce("", |_, t| t.nullif("x")),
    })
}

fn main() {}
