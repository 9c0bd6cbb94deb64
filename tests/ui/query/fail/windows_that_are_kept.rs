//! Records with windows keep them: no other key, no other windows, no record without.
// P54
#[path = "../common.rs"]
mod common;

use common::{Total, Windowed};
use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("longer")]
#[window(tumbling, minutes = [5])]
pub struct Longer {
    #[key]
    pub customer_id: i64,
    pub n: i64,
}

#[derive(Entity)]
#[topic("kept")]
#[window(tumbling, minutes = [1])]
pub struct Kept {
    #[key]
    pub customer_id: i64,
    #[window_end]
    pub to: DateTime<Utc>,
    pub n: i64,
}

#[query]
fn without(windows: Stream<Windowed>) -> Stream<Total> {
    windows.map(|w| Total { customer_id: w.customer_id, n: w.n })
}

#[query]
fn grouped(windows: Stream<Windowed>) -> Table<Total> {
    windows
        .group_by(|w| w.customer_id)
        .aggregate(|g| Total { customer_id: g.key(), n: g.sum(|w| w.n) })
}

#[query]
fn longer(windows: Stream<Windowed>) -> Stream<Longer> {
    windows.map(|w| Longer { customer_id: w.customer_id, n: w.n })
}

#[query]
fn moved(windows: Stream<Windowed>) -> Stream<Kept> {
    windows.map(|w| Kept { customer_id: w.customer_id, to: w.from, n: w.n })
}

fn main() {}
