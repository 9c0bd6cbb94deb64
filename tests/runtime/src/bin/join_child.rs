//! The child process of the crash tests of joins: they run over topics that are filled already, until it is killed.
//!
//! `join_child` runs every join in a process of its own; `join_child <key=value>..` two of them, with these settings;
//! `join_child windows <key=value>..` every query that reads results with windows. It says `begins`, `runs` and `ready`.

use std::io::Write;

use ksql_runtime::testing;
use ksql_runtime_tests::joins::{with_queries, with_two};
use ksql_runtime_tests::windowed::with_readers;

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
    let mut arguments = std::env::args().skip(1).peekable();
    let windows = arguments.next_if(|first| first == "windows").is_some();
    let mut all = true;
    for setting in arguments {
        let (key, value) = setting.split_once('=').unwrap_or((&setting, ""));
        builder = builder.setting(key, value);
        all = false;
    }
    let builder = match all {
        _ if windows => with_readers(builder),
        true => with_queries(builder.setting("wait_for_ready", "false")),
        false => with_two(builder),
    };
    say("begins")?;
    // Where start does not wait it runs before it is ready, which it is when everything is taken in; it is killed before mostly.
    let test = builder.start().await?;
    say("runs")?;
    test.settle().await?;
    say("ready")?;
    std::future::pending::<()>().await;
    Ok(())
}
