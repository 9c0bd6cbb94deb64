#[path = "../common.rs"]
mod common;

use common::{Address, Order};
use ksql_runtime::prelude::*;

#[derive(Debug, Clone, Struct)]
pub struct Parcel {
    pub to: Address,
    pub weight: i32,
    pub note: String,
}

#[derive(Debug, Clone, Entity)]
#[topic("sent")]
pub struct Sent {
    #[key]
    pub id: i64,
    pub one: Parcel,
    pub two: Address,
    pub three: Address,
    pub four: Parcel,
}

#[query]
fn sent(orders: Stream<Order>) -> Stream<Sent> {
    orders.map(|o| Sent {
        id: o.id,
        one: Parcel { to: o.to, weight: o.weight, note: o.note },
        two: Address {},
        three: Address { city: o.product, street: o.product },
        four: Address { city: o.product },
    })
}

fn main() {}
