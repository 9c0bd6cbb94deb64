//! The child process of the soak tests: a program at work. It adds records at a steady rate, keeps a table, runs a query with three sizes of windows, handles every
//! record and writes some to the dead letters; and says each second what it takes of the machine.
//!
//! `soak_child <seconds> <records a second>` under the directory `KSQL_TEST_DIR`, on the cluster that the environment names, if it does. A line is
//! `second rss fds threads lag disk`: bytes, numbers, records, bytes.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use ksql_runtime::consume::{OnError, Order};
use ksql_runtime::prelude::*;

/// What `docs/operation.md` advises to programs that work for long.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// What is sent, in event time a thousand times as fast as the clock, so that windows close.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("ticks", partitions = 4, retention = "10s")]
#[stream]
#[entity(namespace = "soak")]
struct Tick {
    #[key]
    sensor: i64,
    number: i64,
    value: f64,
    note: String,
}

/// The last of each sensor.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("last", partitions = 4)]
#[table]
#[entity(namespace = "soak")]
struct Last {
    #[key]
    sensor: i64,
    number: i64,
    note: String,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("levels")]
#[table]
#[window(tumbling, seconds = [1, 5, 10], grace = "1s", retention = "20s")]
#[entity(namespace = "soak")]
struct Level {
    #[key]
    sensor: i64,
    ticks: i64,
    highest: f64,
}

#[query]
fn levels(ticks: Stream<Tick>) -> Table<Level> {
    ticks.group_by(|t| t.sensor).aggregate(|g| Level {
        sensor: g.key(),
        ticks: g.count(),
        highest: g.max(|t| t.value),
    })
}

/// Sensors there are.
const SENSORS: i64 = 500;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::var("KSQL_TEST_DIR")?;
    let number = |at: usize| {
        let argument = std::env::args().nth(at).unwrap_or_default();
        argument.parse::<u64>()
    };
    let (seconds, rate) = (number(1)?, number(2)?);
    let ctx = Context::builder()
        .entity::<Last>()
        .query(levels)
        .setting("memory", "64MiB")
        .setting("flush_interval", "1s")
        .setting("maintenance_interval", "1s")
        .setting("dlq_retention", "10s")
        .setting("consume_from", "earliest")
        .state_dir(&directory)
        .start()
        .await?;
    let handling = ctx
        .set::<Tick>()
        .consume()
        .concurrency(4, Order::ByKey)
        .on_error(OnError::Dlq)
        .for_each(|tick: Tick| async move {
            match tick.number % 1000 {
                0 => Err(std::io::Error::other("one in a thousand")),
                _ => Ok(()),
            }
        })
        .start()
        .await?;
    let (ticks, lasts) = (ctx.set::<Tick>(), ctx.set::<Last>());
    let mut beats = tokio::time::interval(Duration::from_millis(100));
    beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut sent = 0_i64;
    for beat in 1..=seconds * 10 {
        beats.tick().await;
        let some = i64::try_from(rate / 10)?;
        let numbers = sent..sent + some;
        sent += some;
        let all = numbers.clone().map(|number| Tick {
            sensor: number % SENSORS,
            number,
            value: (number * 31 % 1009) as f64,
            note: format!("tick {number:012}"),
        });
        let added = ticks.add_all(all).await?;
        lasts
            .add_all(numbers.map(|number| Last {
                sensor: number % SENSORS,
                number,
                note: format!("tick {number:012}"),
            }))
            .await?;
        if added.records != some as u64 {
            return Err("records are missing".into());
        }
        if beat % 10 == 0 {
            let overview = ctx.overview();
            if !overview.ready {
                return Err(format!("not ready: {overview:?}").into());
            }
            let bindings: i64 = overview.bindings.iter().map(|one| one.lag).sum();
            let consumers: i64 = overview.consumers.iter().map(|one| one.lag).sum();
            let disk: u64 = overview.stores.iter().map(|one| one.disk_bytes).sum();
            let line = format!(
                "{} {} {} {} {} {}",
                beat / 10,
                resident()?,
                entries(Path::new("/proc/self/fd"))?,
                entries(Path::new("/proc/self/task"))?,
                bindings + consumers,
                disk
            );
            writeln!(std::io::stdout(), "{line}")?;
        }
    }
    ctx.wait_caught_up(Duration::from_secs(60)).await?;
    let status = handling.status();
    let letters: u64 = status.iter().map(|one| one.counters.dead_lettered).sum();
    let handled: u64 = status.iter().map(|one| one.counters.handled).sum();
    handling.stop().await?;
    let last = lasts.get((sent - 1) % SENSORS).await?;
    if last.map(|last| last.number) != Some(sent - 1) {
        return Err("the table does not hold the last record".into());
    }
    ctx.shutdown().await?;
    writeln!(std::io::stdout(), "done {sent} {handled} {letters}")?;
    Ok(())
}

/// Bytes of memory that are resident.
fn resident() -> Result<u64, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 = line
        .and_then(|line| line.split_whitespace().next())
        .ok_or("no VmRSS")?
        .parse()?;
    Ok(kib * 1024)
}

fn entries(path: &Path) -> std::io::Result<usize> {
    Ok(std::fs::read_dir(path)?.count())
}
