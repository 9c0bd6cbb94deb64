//! The child process of the crash tests of joins: they run over topics that are filled already, until it is killed.
//!
//! `join_child <all|two|windows> <key=value>..` runs every join, two of them, or every query that reads results with windows, with
//! these settings. It says `begins`, `runs`, `taken` once something more was taken in, and `ready` once everything is.

use std::io::Write;
use std::pin::pin;
use std::time::Duration;

use ksql_runtime::testing::{self, Test};
use ksql_runtime_tests::joins::{with_queries, with_two};
use ksql_runtime_tests::windowed::with_readers;

fn say(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// How far the queries are, over all their partitions.
fn taken(test: &Test) -> i64 {
    let queries = test.context().queries();
    let lags = queries.iter().flat_map(|query| &query.status.lag);
    lags.map(|lag| lag.position).sum()
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = testing::builder()
        .directory(std::env::var("KSQL_TEST_DIR")?)
        .setting("memory", "64MiB");
    let mut arguments = std::env::args().skip(1);
    let mode = arguments.next().ok_or("a mode")?;
    for setting in arguments {
        let (key, value) = setting.split_once('=').ok_or("a setting has a value")?;
        builder = builder.setting(key, value);
    }
    let builder = match mode.as_str() {
        "all" => with_queries(builder),
        "two" => with_two(builder),
        "windows" => with_readers(builder),
        _ => return Err(format!("no mode `{mode}`").into()),
    };
    say("begins")?;
    // Where start does not wait it runs before it is ready, which it is when everything is taken in; it is killed before mostly.
    let test = builder.start().await?;
    say("runs")?;
    let before = taken(&test);
    let mut settled = pin!(test.settle());
    let mut looks = tokio::time::interval(Duration::from_millis(1));
    while taken(&test) == before {
        tokio::select! {
            _ = looks.tick() => {}
            result = &mut settled => {
                result?;
                say("taken")?;
                say("ready")?;
                return std::future::pending().await;
            }
        }
    }
    say("taken")?;
    settled.await?;
    say("ready")?;
    std::future::pending::<()>().await;
    Ok(())
}
