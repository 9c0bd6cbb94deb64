// P54
#[path = "../common.rs"]
mod common;

use common::{Total, Windowed};
use ksql_runtime::prelude::*;

#[query]
fn totals(windows: Table<Windowed>) -> Table<Total> {
    windows
        .group_by(|w| w.customer_id)
        .aggregate(|g| Total { customer_id: g.key(), n: g.sum(|w| w.n) })
}

fn main() {}
