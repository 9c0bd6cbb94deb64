//! The child process of the table crash tests. It adds operations of a workload and says what it sent and what was
//! acknowledged, until it is killed, told to stop, or done.
//!
//! `table_child <ingest|flushing|impatient> <seed> <keys> <from> <to>` under the directory `KSQL_TEST_DIR`, on the cluster
//! that the environment names, if it does. Where it is `flushing` its tables are flushed all the time, so that a kill
//! meets a flush. Where it is `impatient` the order to stop ends the batch that is on its way, else the batch comes first.

use std::io::Write;
use std::time::Duration;

use ksql_runtime::prelude::*;
use ksql_runtime_tests::workload::{Operation, Row, operation, row};

/// Operations between two acknowledgements.
const BATCH: u64 = 100;

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // The parent may be gone; then nobody needs the line.
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::var("KSQL_TEST_DIR")?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| -> u64 {
        arguments
            .get(at)
            .and_then(|text| text.parse().ok())
            .unwrap_or_default()
    };
    let (seed, keys, from, to) = (number(1), number(2), number(3), number(4));

    let mut builder = Context::builder()
        .entity::<Row>()
        .state_dir(&directory)
        .setting("ready_timeout", "5m");
    if arguments.first().is_some_and(|mode| mode == "flushing") {
        builder = builder
            .setting("flush_interval", "1ms")
            .setting("memory", "32MiB");
    }
    let impatient = arguments.first().is_some_and(|mode| mode == "impatient");
    let ctx = match builder.start().await {
        Ok(ctx) => ctx,
        Err(error) => {
            say(&format!("refused {error}"));
            return Err(error.into());
        }
    };
    ctx.wait_ready(Duration::from_secs(300)).await?;
    say(&format!("replayed {}", ctx.set::<Row>().replayed()?));
    say("ready");

    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let set = ctx.set::<Row>();
    let mut next = from;
    while next < to {
        let end = (next + BATCH).min(to);
        say(&format!("sent {end}"));
        let batch = async {
            let mut upserts = Vec::new();
            for n in next..end {
                match operation(seed, keys, n) {
                    Operation::Upsert(key) => upserts.push(row(key, n)),
                    Operation::Delete(key) => {
                        set.add_all(std::mem::take(&mut upserts)).await?;
                        set.remove(key).await?;
                    }
                }
            }
            set.add_all(upserts).await.map(drop)
        };
        tokio::select! {
            _ = terminate.recv(), if impatient => break,
            added = batch => added?,
        }
        say(&format!("acked {end}"));
        next = end;
        if let Ok(stop) = tokio::time::timeout(Duration::ZERO, terminate.recv()).await {
            debug_assert!(stop.is_some());
            break;
        }
    }
    if let Err(error) = ctx.shutdown().await {
        say(&format!("gave up {error}"));
        return Err(error.into());
    }
    say(&format!("ended {next}"));
    Ok(())
}
