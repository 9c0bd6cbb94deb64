//! The child process of the log's crash test: produces records one by one and in batches from several tasks, compacting
//! beside them, and says what was acknowledged, until it is killed.
//!
//! `log_child <first number>` under the directory `KSQL_TEST_DIR`.

use std::io::Write;

use ksql_runtime::log::{EmbeddedLog, EmbeddedOptions, Record, RecordBatch, TopicSpec};
use ksql_runtime_tests::workload::mix;

/// Says a line; the parent may be gone, then nobody needs it.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

/// The value of a record: its number and what tells a torn one.
fn value(n: u64) -> Vec<u8> {
    [n.to_be_bytes(), mix(n, 1).to_be_bytes()].concat()
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::var("KSQL_TEST_DIR")?;
    let first: u64 = std::env::args().nth(1).unwrap_or_default().parse()?;
    let mut options = EmbeddedOptions::new(directory);
    options.dirty_ratio = 0.0;
    // As little as there may be: so that files are written in the short life of this process.
    options.memory_bytes = 8 * 1024 * 1024;
    let log = EmbeddedLog::open(options)?;
    log.create_topic(&TopicSpec::new("all", 3)).await?;
    log.create_topic(&TopicSpec::new("latest", 1).compacted())
        .await?;
    say("ready");
    let single = {
        let log = log.clone();
        tokio::spawn(async move {
            for n in (first..).step_by(1_000) {
                for n in n..n + 100 {
                    let receipt = log
                        .produce(
                            "all",
                            Record::new(Some(&n.to_be_bytes()), Some(&value(n)), 0),
                        )
                        .await?;
                    say(&format!(
                        "acked {n} {} {}",
                        receipt.partition, receipt.offset
                    ));
                }
            }
            Ok::<(), ksql_runtime::log::LogError>(())
        })
    };
    let compacting = {
        let log = log.clone();
        tokio::spawn(async move {
            for n in first.. {
                let key = (n % 20).to_be_bytes();
                let receipt = log
                    .produce("latest", Record::new(Some(&key), Some(&value(n)), 0))
                    .await?;
                say(&format!("latest {n} {}", receipt.offset));
                if n % 40 == 0 {
                    log.maintain(0).await?;
                }
            }
            Ok::<(), ksql_runtime::log::LogError>(())
        })
    };
    let batches = async {
        for n in (first..).step_by(1_000) {
            let numbers = n + 100..n + 1_000;
            let mut batch = RecordBatch::new();
            for n in numbers.clone() {
                batch.push(Some(&n.to_be_bytes()), Some(&value(n)), 0, &[]);
            }
            let receipt = log.produce_batch("all", batch).await?;
            for (n, (partition, offset)) in numbers.zip(receipt.records()).step_by(50) {
                say(&format!("acked {n} {partition} {offset}"));
            }
        }
        Ok(())
    };
    // None of them ends but by an error, which the parent is told.
    let failed = tokio::select! {
        ended = batches => ended,
        ended = single => ended?,
        ended = compacting => ended?,
    };
    if let Err(error) = &failed {
        say(&format!("failed {error:?}"));
    }
    Ok(failed?)
}
