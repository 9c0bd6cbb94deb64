// P35
#[path = "../common.rs"]
mod common;

use common::{Order};
use ksql_runtime::prelude::*;

#[derive(Debug, Clone, Entity)]
#[topic("priced")]
pub struct Priced {
    #[key]
    pub id: i64,
    #[decimal_precision(18, 4)]
    pub amount: Decimal,
}

#[query]
fn priced(orders: Stream<Order>) -> Stream<Priced> {
    orders.map(|o| Priced { id: o.id, amount: o.amount * o.amount })
}

fn main() {}
