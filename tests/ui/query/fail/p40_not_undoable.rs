// P40
#[path = "../common.rs"]
mod common;

use common::{Account};
use ksql_runtime::prelude::*;

#[derive(Debug, Clone, Entity)]
#[topic("branches")]
#[table]
pub struct Branch {
    #[key]
    pub branch: String,
    pub most: i64,
    pub any: i64,
}

#[query]
fn branches(accounts: Table<Account>) -> Table<Branch> {
    accounts.group_by(|a| a.branch).aggregate(|g| Branch {
        branch: g.key(),
        most: g.max(|a| a.balance),
        any: g.latest(|a| a.balance),
    })
}

fn main() {}
