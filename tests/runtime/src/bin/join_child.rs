//! The child process of the crash tests of joins: they run over topics that are filled already, until it is killed.
//!
//! `join_child` runs every join in a process of its own; `join_child <key=value>..` two of them, with these settings.

use std::io::Write;

use ksql_runtime::testing;
use ksql_runtime_tests::joins::{with_queries, with_two};

fn say(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = testing::builder()
        .directory(std::env::var("KSQL_TEST_DIR")?)
        .setting("memory", "64MiB");
    let mut all = true;
    for setting in std::env::args().skip(1) {
        let (key, value) = setting.split_once('=').unwrap_or((&setting, ""));
        builder = builder.setting(key, value);
        all = false;
    }
    let builder = match all {
        true => with_queries(builder),
        false => with_two(builder),
    };
    say("begins")?;
    // It is ready when everything is taken in, and killed before mostly.
    let _test = builder.start().await?;
    say("ready")?;
    std::future::pending::<()>().await;
    Ok(())
}
