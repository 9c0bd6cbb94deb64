// P38
#[path = "../common.rs"]
mod common;

use common::{Account, Order, Total};
use ksql_runtime::prelude::*;

#[query]
fn totals(orders: Stream<Order>) -> Table<Total> {
    orders
        .group_by(|o| o.customer_id)
        .aggregate(|g| Total { customer_id: g.key(), n: g.pieces + g })
}

#[query]
fn of_an_entry(orders: Stream<Order>) -> Table<Total> {
    orders
        .group_by(|o| o.labels["a"])
        .aggregate(|g| Total { customer_id: g.key(), n: g.labels.len() })
}

#[query]
fn parts_of_a_text(orders: Stream<Order>) -> Table<Joined> {
    orders
        .group_by(|o| o.note.unwrap_or("").concat(o.product))
        .aggregate(|g| Joined { text: g.key(), part: g.product, n: g.pieces })
}

#[query]
fn parts_the_other_way_round(orders: Stream<Order>) -> Table<Joined> {
    orders
        .group_by(|o| o.note.unwrap_or("").concat(o.product))
        .aggregate(|g| Joined { text: g.key(), part: g.product.concat(g.note), n: g.count() })
}

#[query]
fn of_a_table(accounts: Table<Account>) -> Table<Total> {
    accounts
        .group_by(|a| a.balance)
        .aggregate(|g| Total { customer_id: g.key(), n: g.id * g.sum(|a| a.balance) })
}

#[query]
fn a_column_of_a_table(accounts: Table<Account>) -> Table<Joined> {
    accounts
        .group_by(|a| a.branch)
        .aggregate(|g| Joined { text: g.key(), part: g.branch, n: g.balance })
}

#[query]
fn the_other_way_round(accounts: Table<Account>) -> Table<Total> {
    accounts
        .group_by(|a| a.id - a.balance)
        .aggregate(|g| Total { customer_id: g.key(), n: g.balance - g.id })
}

#[query]
fn less_of_a_text(orders: Stream<Order>) -> Table<Joined> {
    orders
        .group_by(|o| o.product.substring(0, 2))
        .aggregate(|g| Joined { text: g.key(), part: g.product.substring(0, 1), n: g.count() })
}

#[query]
fn more_of_a_text(orders: Stream<Order>) -> Table<Joined> {
    orders
        .group_by(|o| o.product.substring(0, 2))
        .aggregate(|g| Joined { text: g.key(), part: g.product.substring(0, 3), n: g.count() })
}

#[query]
fn more_of_a_text_of_a_table(accounts: Table<Account>) -> Table<Joined> {
    accounts
        .group_by(|a| a.branch.substring(7, 2))
        .aggregate(|g| Joined { text: g.key(), part: g.branch.substring(7, 3), n: g.count() })
}

#[derive(Debug, Clone, Entity)]
#[topic("joined")]
#[table]
pub struct Joined {
    #[key]
    pub text: String,
    pub part: String,
    pub n: i64,
}

fn main() {}
