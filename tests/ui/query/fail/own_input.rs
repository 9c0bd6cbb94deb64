//! A query does not write what it reads.

#[path = "../common.rs"]
mod common;

use common::Account;
use ksql_runtime::prelude::*;

#[query]
fn accounts(accounts: Table<Account>) -> Table<Account> {
    accounts.map(|a| Account { id: a.id, branch: a.branch.trim(), balance: a.balance })
}

fn main() {}
