#[path = "../common.rs"]
mod common;

use common::{Address, Order};
use ksql_runtime::prelude::*;

#[derive(Debug, Clone, Entity)]
#[topic("sent")]
pub struct Sent {
    #[key]
    pub id: i64,
    pub to: Address,
    pub from: Address,
}

#[query]
fn sent(orders: Stream<Order>) -> Stream<Sent> {
    orders.map(|o| Sent {
        id: o.id,
        to: Address { ..o.to },
        from: Address { city: o.product, city: o.product },
    })
}

fn main() {}
