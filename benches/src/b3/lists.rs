//! Reads of many rows: lists, ranges, and a scan that decodes every row.

use std::hint::black_box;
use std::time::Duration;

use ksql_runtime::prelude::*;

use super::{CUSTOMER, KEYS, REPORT, fill_floor};
use crate::entities::Order;
use crate::fill;
use crate::floor::table::Table;
use crate::report::{Target, median, timed};

const RUNS: usize = 5;

fn seconds(mut work: impl FnMut() -> usize, rows: usize) -> f64 {
    let times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let (found, took): (usize, Duration) = timed(&mut work);
            assert_eq!(found, rows, "rows read");
            took.as_secs_f64()
        })
        .collect();
    median(&times)
}

/// All rows, owned, by hand.
fn floor_list(floor: &Table) -> Vec<Order> {
    let mut rows = Vec::new();
    for partition in 0..4 {
        floor.rows(partition, i64::MIN, |id, row| {
            rows.push(row.owned(id));
            true
        });
    }
    rows
}

/// Scans and ranges of the large table.
pub fn scans(runtime: &tokio::runtime::Runtime, ctx: &Context, floor: &Table) {
    let set = ctx.set::<Order>();
    let ours = seconds(
        || {
            let mut count = 0;
            runtime.block_on(async {
                set.scan(|row| {
                    black_box(row);
                    count += 1;
                })
                .await
                .expect("a scan");
            });
            count
        },
        KEYS,
    );
    let by_hand = seconds(
        || {
            let mut count = 0;
            for partition in 0..4 {
                floor.rows(partition, i64::MIN, |_, row| {
                    black_box(row);
                    count += 1;
                    true
                });
            }
            count
        },
        KEYS,
    );
    REPORT.aimed("scan", KEYS as f64 / ours, "rows/s", Target::AtLeast(3e6));
    REPORT.figure("scan_floor", KEYS as f64 / by_hand, "rows/s");
    REPORT.ratio("scan_to_floor", by_hand / ours);
    let (rows, from) = (1000, 500_000);
    let ours = seconds(
        || {
            runtime
                .block_on(set.range(from..from + rows))
                .expect("a range")
                .len()
        },
        rows as usize,
    );
    let by_hand = seconds(
        || {
            let mut found = Vec::new();
            for partition in 0..4 {
                floor.rows(partition, from, |id, row| {
                    if id < from + rows {
                        found.push(row.owned(id));
                    }
                    id < from + rows
                });
            }
            found.sort_unstable_by_key(|order| order.id);
            black_box(found).len()
        },
        rows as usize,
    );
    REPORT.figure("range_1k", ours * 1e6, "us");
    REPORT.figure("range_1k_floor", by_hand * 1e6, "us");
    REPORT.ratio("range_1k_to_floor", ours / by_hand);
}

/// `to_list` of small and middling tables.
pub fn run(runtime: &tokio::runtime::Runtime) {
    for (name, keys) in [("to_list_1k", 1000), ("to_list_100k", 100_000)] {
        let directory = tempfile::tempdir().expect("temporary directory");
        let ctx = runtime.block_on(async {
            let ctx = fill::ready(directory.path()).await;
            fill::all_keys(&ctx, keys, CUSTOMER).await;
            ctx.wait_caught_up(fill::LIMIT)
                .await
                .expect("the table catches up");
            ctx.shutdown().await.expect("a clean end");
            fill::ready(directory.path()).await
        });
        let floor_directory = tempfile::tempdir().expect("temporary directory");
        let floor = Table::open(floor_directory.path());
        fill_floor(&floor, &fill::every_key(keys, CUSTOMER));
        let set = ctx.set::<Order>();
        let ours = seconds(
            || black_box(runtime.block_on(set.to_list()).expect("a list")).len(),
            keys,
        );
        let by_hand = seconds(|| black_box(floor_list(&floor)).len(), keys);
        REPORT.figure(name, ours * 1e6, "us");
        REPORT.figure(&format!("{name}_floor"), by_hand * 1e6, "us");
        REPORT.ratio(&format!("{name}_to_floor"), ours / by_hand);
        runtime.block_on(ctx.shutdown()).expect("a clean end");
    }
}
