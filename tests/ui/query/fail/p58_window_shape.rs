// P58
#[path = "../common.rs"]
mod common;

use common::{Account, Order, Windowed};
use ksql_runtime::prelude::*;

#[query]
fn ungrouped(orders: Stream<Order>) -> Table<Windowed> {
    orders.map(|o| Windowed { customer_id: o.customer_id, from: o.at, n: 1 })
}

#[query]
fn a_stream_of_windows(orders: Stream<Order>) -> Stream<Windowed> {
    orders.map(|o| Windowed { customer_id: o.customer_id, from: o.at, n: 1 })
}

#[query]
fn of_a_table(accounts: Table<Account>) -> Table<Windowed> {
    accounts
        .group_by(|a| a.balance)
        .aggregate(|g| Windowed { customer_id: g.key(), from: g.window_start(), n: g.count() })
}

#[query]
fn wrong_bound(orders: Stream<Order>) -> Table<Windowed> {
    orders
        .group_by(|o| o.customer_id)
        .aggregate(|g| Windowed { customer_id: g.key(), from: g.window_end(), n: g.count() })
}

fn main() {}
