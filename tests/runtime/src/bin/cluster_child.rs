//! The child process of the tests that kill a start: it starts a context on a cluster and halts at a line of its log.
//!
//! `cluster_child <line> <key=value>..` with its state directory under `KSQL_TEST_DIR`. At that line of the log of
//! `ksql_runtime` every thread that logs stops for ever, and `halted <the line>` is said; 0 is no line. Whoever gets through
//! says `started` and stays.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use ksql_runtime::prelude::*;
use ksql_runtime_tests::shop::{Rate, Trade};
use tracing_subscriber::fmt::format::FmtSpan;

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // The parent may be gone; then nobody needs the line.
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

/// Lines logged so far, and the one to halt at.
static LINES: AtomicUsize = AtomicUsize::new(0);

struct Halting(usize);

impl Write for Halting {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let line = LINES.fetch_add(1, Ordering::AcqRel) + 1;
        if line == self.0 {
            say(&format!(
                "halted {}",
                String::from_utf8_lossy(bytes).trim_end()
            ));
        }
        if self.0 != 0 && line >= self.0 {
            loop {
                std::thread::park();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let line: usize = arguments.next().unwrap_or_default().parse()?;
    tracing_subscriber::fmt()
        .with_env_filter("ksql_runtime=debug")
        .without_time()
        .with_ansi(false)
        .with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)
        .with_writer(move || Halting(line))
        .init();
    let mut builder = Context::builder()
        .config(Config::default())
        .entity::<Rate>()
        .entity::<Trade>()
        .state_dir(std::env::var("KSQL_TEST_DIR")?);
    for setting in arguments {
        let (key, value) = setting.split_once('=').unwrap_or((&setting, ""));
        builder = builder.setting(key, value);
    }
    match builder.start().await {
        Ok(ctx) => {
            say("started");
            std::future::pending::<()>().await;
            ctx.shutdown().await?;
        }
        Err(error) => say(&format!("refused {error}")),
    }
    Ok(())
}
