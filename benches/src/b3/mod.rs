//! B3: reads of a table beside RocksDB alone with the same rows, at rest and while records come in.

mod lists;
mod points;

use std::time::Duration;

use crate::entities::Order;
use crate::fill;
use crate::floor::table::{Collected, Table};
use crate::report::{Report, quantile_us};

const REPORT: Report = Report("B3");
const KEYS: usize = 1_000_000;
const CUSTOMER: usize = 12;

/// Runs B3.
pub fn run() {
    let runtime = fill::runtime();
    let directory = tempfile::tempdir().expect("temporary directory");
    let ctx = runtime.block_on(async {
        let ctx = fill::ready(directory.path()).await;
        fill::all_keys(&ctx, KEYS, CUSTOMER).await;
        ctx.wait_caught_up(fill::LIMIT)
            .await
            .expect("the table catches up");
        ctx.shutdown().await.expect("a clean end");
        fill::ready(directory.path()).await
    });
    let floor_directory = tempfile::tempdir().expect("temporary directory");
    let floor = Table::open(floor_directory.path());
    fill_floor(&floor, &fill::every_key(KEYS, CUSTOMER));
    REPORT.figure("keys", KEYS as f64, "rows");

    points::run(&runtime, &ctx, &floor);
    lists::scans(&runtime, &ctx, &floor);
    runtime.block_on(ctx.shutdown()).expect("a clean end");
    lists::run(&runtime);
}

/// The same rows by hand; the partition does not matter for what is measured.
fn fill_floor(floor: &Table, orders: &[Order]) {
    let mut collected = Collected::default();
    let mut value = Vec::new();
    for (offset, order) in orders.iter().enumerate() {
        value.clear();
        value.extend_from_slice(&[0; 5]);
        crate::floor::order::encode(order, &mut value).expect("encodes");
        let key = order.id.to_be_bytes();
        floor.record(
            &mut collected,
            partition(order.id),
            offset as i64,
            &key,
            Some(&value),
        );
    }
    floor.write(&mut collected);
    floor.flush();
}

fn partition(id: i64) -> i32 {
    (id & 3) as i32
}

/// Prints quantiles, and returns the median and the 99th percentile.
fn latencies(name: &str, mut nanos: Vec<u64>) -> (f64, f64) {
    nanos.sort_unstable();
    let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|q| quantile_us(&nanos, q));
    REPORT.figure(&format!("{name}_p50"), p50, "us");
    REPORT.figure(&format!("{name}_p99"), p99, "us");
    REPORT.figure(&format!("{name}_p999"), p999, "us");
    (p50, p99)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
