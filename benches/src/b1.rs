//! B1: a filled topic becomes a table, from `start()` on an empty state to the last key's answer.
//!
//! The floor reads the same log through the same reader, decodes, keeps the last value per key, sorts and writes: what the
//! framework adds - and what it saves - is the ratio.

use std::path::Path;
use std::time::Duration;

use crate::data::Keys;
use crate::entities::Order;
use crate::fill::{self, Workload};
use crate::floor::table::{Collected, Table};
use crate::report::{Report, Target, median, timed};
use crate::{process, raw};

const REPORT: Report = Report("B1");
const RUNS: usize = 5;
const RECORDS: usize = 1_000_000;
const KEYS: usize = 100_000;

/// Runs B1.
pub fn run() {
    for (name, draw) in [("zipf", Keys::Zipf), ("uniform", Keys::Uniform)] {
        let workload = Workload {
            records: RECORDS,
            keys: KEYS,
            draw,
            tombstones: 20,
        };
        materialise(name, workload);
    }
}

fn materialise(name: &str, workload: Workload) {
    let runtime = fill::runtime();
    let directory = tempfile::tempdir().expect("temporary directory");
    let records = workload.records as f64;
    let last = last_key(workload);
    let (rows, took) = runtime.block_on(async {
        let ctx = fill::ready(directory.path()).await;
        let started = std::time::Instant::now();
        fill::fill(&ctx, workload).await;
        let took = started.elapsed();
        ctx.wait_caught_up(fill::LIMIT)
            .await
            .expect("the table catches up");
        let rows = ctx.set::<Order>().count().await.expect("a count");
        ctx.shutdown().await.expect("a clean end");
        (rows, took)
    });
    REPORT.figure(
        &format!("{name}_filled"),
        records / took.as_secs_f64(),
        "rec/s",
    );
    REPORT.figure(&format!("{name}_rows"), rows as f64, "rows");

    let (mut ours, mut floors, mut drains, mut cpus) = (vec![], vec![], vec![], vec![]);
    let mut peak = 0.0_f64;
    for _ in 0..RUNS {
        drains.push(
            timed(|| raw::drain(directory.path(), |_, _, _, _| {}))
                .1
                .as_secs_f64(),
        );
        let (found, took) = floor(directory.path());
        assert_eq!(found as u64, rows, "rows of the floor");
        floors.push(took.as_secs_f64());

        raw::forget_tables(directory.path());
        process::reset_peak();
        let cpu = process::cpu();
        let (ctx, took) = timed(|| {
            runtime.block_on(async {
                let ctx = fill::ready(directory.path()).await;
                assert!(
                    ctx.set::<Order>()
                        .get(last)
                        .await
                        .expect("a read")
                        .is_some(),
                    "the last key answers"
                );
                ctx
            })
        });
        ours.push(took.as_secs_f64());
        cpus.push(process::cpu() - cpu);
        peak = peak.max(process::peak());
        let found = runtime
            .block_on(ctx.set::<Order>().count())
            .expect("a count");
        assert_eq!(found, rows, "rows after the restore");
        runtime.block_on(ctx.shutdown()).expect("a clean end");
    }
    let (ours, floor, drain) = (median(&ours), median(&floors), median(&drains));
    REPORT.figure(&format!("{name}_log_drained"), records / drain, "rec/s");
    REPORT.figure(&format!("{name}_ready"), records / ours, "rec/s");
    REPORT.figure(&format!("{name}_floor"), records / floor, "rec/s");
    REPORT.aimed(
        &format!("{name}_to_floor"),
        floor / ours,
        "x",
        Target::AtLeast(0.85),
    );
    REPORT.figure(
        &format!("{name}_cpu"),
        median(&cpus) / records * 1e6,
        "cpu-s/M",
    );
    REPORT.aimed(
        &format!("{name}_peak_rss"),
        peak,
        "MiB",
        Target::AtMost(256.0),
    );
}

/// The key of the last upsert.
pub fn last_key(workload: Workload) -> i64 {
    let mut last = None;
    let mut deleted = std::collections::HashSet::new();
    for operation in fill::operations(workload) {
        match operation {
            Ok(order) => {
                deleted.remove(&order.id);
                last = Some(order.id);
            }
            Err(id) => {
                deleted.insert(id);
            }
        }
    }
    last.filter(|id| !deleted.contains(id))
        .expect("an upsert at the end")
}

/// The floor into a database of its own: rows found, and how long it took until they could be read.
pub fn floor(directory: &Path) -> (usize, Duration) {
    let into = tempfile::tempdir().expect("temporary directory");
    let (table, took) = timed(|| {
        let table = Table::open(into.path());
        let mut collected = Collected::default();
        raw::drain(directory, |partition, offset, key, value| {
            table.record(&mut collected, partition, offset, key, value);
        });
        table.write(&mut collected);
        table
    });
    (table.count(), took)
}
