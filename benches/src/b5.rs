//! B5: how long until a table answers again, after its state was lost, after a clean stop, and after `kill -9`.
//!
//! The last one kills a real child process in the middle of ingest. Everything is in the page cache, as after a restart of the
//! process, not of the machine.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::entities::Order;
use crate::report::{Report, Target, median, timed};
use crate::{b1, fill, process, raw};

const REPORT: Report = Report("B5");
/// The argument that makes this program the child.
pub const CHILD: &str = "ingest-for-ever";
/// Rows of the table.
pub const KEYS: usize = 1_000_000;
/// Makes a value of about 100 bytes.
pub const CUSTOMER: usize = 84;
/// How often each start is measured.
pub const RUNS: usize = 3;
/// Records the child has had acknowledged when it is killed.
const ACKNOWLEDGED: u64 = 500_000;
const CHUNK: usize = 1000;

/// Runs B5.
pub fn run() {
    let runtime = fill::runtime();
    let directory = tempfile::tempdir().expect("temporary directory");
    runtime.block_on(async {
        let ctx = fill::ready(directory.path()).await;
        fill::all_keys(&ctx, KEYS, CUSTOMER).await;
        ctx.wait_caught_up(fill::LIMIT)
            .await
            .expect("the table catches up");
        ctx.shutdown().await.expect("a clean end");
    });
    REPORT.figure("keys", KEYS as f64, "rows");

    let (mut empty, mut floors, mut drains, mut clean) = (vec![], vec![], vec![], vec![]);
    for _ in 0..RUNS {
        drains.push(
            timed(|| raw::drain(directory.path(), |_, _, _, _| {}))
                .1
                .as_secs_f64(),
        );
        let (rows, took) = b1::floor(directory.path());
        assert_eq!(rows, KEYS, "rows of the floor");
        floors.push(took.as_secs_f64());
        raw::forget_tables(directory.path());
        process::reset_peak();
        empty.push(start(&runtime, directory.path(), Some(KEYS as u64)));
        clean.push(start(&runtime, directory.path(), Some(KEYS as u64)));
    }
    let keys = KEYS as f64;
    let (ours, floor) = (median(&empty), median(&floors));
    REPORT.figure("empty_log_drained", keys / median(&drains), "rec/s");
    REPORT.aimed("empty", keys / ours, "rec/s", Target::AtLeast(1e6));
    REPORT.figure("empty_floor", keys / floor, "rec/s");
    REPORT.ratio("empty_to_floor", floor / ours);
    REPORT.figure("empty_peak_rss", process::peak(), "MiB");
    REPORT.aimed("clean_stop", median(&clean), "s", Target::AtMost(1.0));

    let killed: Vec<f64> = (0..RUNS)
        .map(|_| {
            kill_in_the_middle(directory.path(), &[]);
            start(&runtime, directory.path(), None)
        })
        .collect();
    REPORT.aimed("killed", median(&killed), "s", Target::AtMost(2.0));
}

/// Seconds from start to ready; the stop afterwards is not counted.
fn start(runtime: &tokio::runtime::Runtime, directory: &Path, rows: Option<u64>) -> f64 {
    let (ctx, took) = timed(|| runtime.block_on(fill::ready(directory)));
    let found = runtime
        .block_on(ctx.set::<Order>().count())
        .expect("a count");
    match rows {
        Some(rows) => assert_eq!(found, rows, "rows"),
        None => assert!(
            found >= KEYS as u64,
            "{found} rows are fewer than there were"
        ),
    }
    runtime.block_on(ctx.shutdown()).expect("a clean end");
    took.as_secs_f64()
}

/// Starts this program as a child, lets it add records, and kills it (SIGKILL) while it does.
pub fn kill_in_the_middle(directory: &Path, settings: &[(String, String)]) {
    let program = std::env::current_exe().expect("this program");
    let mut child = Command::new(program)
        .arg(CHILD)
        .arg(directory)
        .args(fill::arguments(settings))
        .stdout(Stdio::piped())
        .spawn()
        .expect("the child starts");
    let output = child.stdout.take().expect("its output");
    let mut acknowledged = 0;
    for line in BufReader::new(output).lines() {
        acknowledged = line
            .ok()
            .and_then(|line| line.parse().ok())
            .unwrap_or(acknowledged);
        if acknowledged >= ACKNOWLEDGED {
            break;
        }
    }
    child.kill().expect("the child is killed");
    child.wait().expect("the child ends");
    assert!(
        acknowledged >= ACKNOWLEDGED,
        "the child ended by itself at {acknowledged}"
    );
}

/// The child: adds records and says how many were acknowledged, until it is killed. Settings are `key=value`.
pub fn ingest_for_ever(directory: &Path, settings: &[String]) -> ! {
    let settings = fill::settings(settings);
    fill::runtime().block_on(async {
        let ctx = fill::ready_with(directory, &settings).await;
        let set = ctx.set::<Order>();
        let orders = fill::every_key(KEYS, CUSTOMER);
        let mut acknowledged = 0;
        // Another child's orders are other ones: a row that was not read shows.
        let mut qty = std::process::id() as i32 % 5000;
        loop {
            for chunk in orders.chunks(CHUNK) {
                qty = (qty + 1) % 5000;
                let changed = chunk.iter().cloned().map(|order| Order { qty, ..order });
                set.add_all(changed).await.expect("orders are added");
                acknowledged += chunk.len();
                let mut out = std::io::stdout().lock();
                writeln!(out, "{acknowledged}")
                    .and_then(|()| out.flush())
                    .expect("the parent listens");
            }
        }
    })
}
