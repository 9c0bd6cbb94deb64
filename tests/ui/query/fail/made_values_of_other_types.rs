#[path = "../common.rs"]
mod common;

use std::collections::HashMap;

use common::{Address, Order, Small};
use ksql_runtime::prelude::*;

#[derive(Debug, Clone, Struct)]
pub struct Place {
    pub city: Option<i64>,
}

#[query]
fn small(orders: Stream<Order>) -> Stream<Small> {
    orders
        .filter(|o| [o.tags, [o.paid]].contains(&o.tags))
        .filter(|o| [o.labels, HashMap::from([("a", o.paid)])].contains(&o.labels))
        .filter(|o| [Address { city: o.product }, Place { city: o.id }].contains(&o.to))
        .map(|o| Small { id: o.id, note: o.product, n: HashMap::from([(None, o.id)]).keys().len() })
}

fn main() {}
