//! The child process of the settings tests, with a directory under `KSQL_TEST_DIR`.
//!
//! `settings_child show <file> <key=value>..` says the configuration that defaults, file, environment and code make, and
//! the KSQL that follows from it; what it logs goes to its standard error. `settings_child hold <rows> <key=value>..`
//! starts, adds rows, waits until its table has them, says `ready <replayed>`, and stays until it is killed.

use std::io::Write;
use std::time::Duration;

use ksql_runtime::prelude::*;
use ksql_runtime_tests::workload::{Row, row};

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // The parent may be gone; then nobody needs the line.
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (command, argument) = (arguments.next(), arguments.next().unwrap_or_default());
    let mut builder = Context::builder()
        .entity::<Row>()
        .state_dir(std::env::var("KSQL_TEST_DIR")?);
    for setting in arguments {
        let (key, value) = setting.split_once('=').unwrap_or((&setting, ""));
        builder = builder.setting(key, value);
    }
    if command.as_deref() == Some("show") {
        tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(std::io::stderr)
            .init();
        if !argument.is_empty() {
            builder = builder.config_file(argument);
        }
        say(&format!("config {:?}", builder.configuration()?));
        say(&format!("ddl {}", builder.ddl()?.trim_end()));
        return Ok(());
    }
    let ctx = builder.start().await?;
    let set = ctx.set::<Row>();
    let rows: u64 = argument.parse()?;
    set.add_all((0..rows).map(|n| row(n as i64, n))).await?;
    ctx.wait_caught_up(Duration::from_secs(600)).await?;
    say(&format!("ready {}", set.replayed()?));
    std::future::pending::<()>().await;
    Ok(())
}
