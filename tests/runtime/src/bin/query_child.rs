//! The child process of the query crash tests: one query runs while records are sent, until it is killed.
//!
//! `query_child <query> <seed> <from>` under the directory `KSQL_TEST_DIR`. It says how many records were acknowledged.

use std::io::Write;

use ksql_runtime::testing::{self, TestBuilder};
use ksql_runtime_tests::queries::*;

/// Records between two acknowledgements.
const BATCH: u64 = 400;

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // The parent may be gone; then nobody needs the line.
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let name = arguments.first().map_or("", String::as_str);
    let number = |at: usize| -> Result<u64, Box<dyn std::error::Error>> {
        Ok(arguments.get(at).ok_or("three arguments")?.parse()?)
    };
    let (seed, mut next) = (number(1)?, number(2)?);
    let builder: TestBuilder = testing::builder()
        .directory(std::env::var("KSQL_TEST_DIR")?)
        .setting("memory", "64MiB")
        .latest_changes();
    let test = with_query(builder, name).start().await?;
    say("ready");
    loop {
        let numbers = next..next + BATCH;
        next += BATCH;
        if reads_places(name) {
            test.send_all_at(numbers.map(|n| nth_place(seed, n)))
                .await?;
            let (timestamp, id) = nth_deletion(seed, next);
            test.delete_at::<Place>(timestamp, id).await?;
        } else {
            test.send_all_at(numbers.map(|n| nth_reading(seed, n)))
                .await?;
        }
        say(&format!("acked {next}"));
    }
}
