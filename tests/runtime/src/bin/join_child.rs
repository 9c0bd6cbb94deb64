//! The child process of the crash tests of joins: every join runs over topics that are filled already, until it is killed.

use std::io::Write;

use ksql_runtime::testing;
use ksql_runtime_tests::joins::with_queries;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let builder = testing::builder()
        .directory(std::env::var("KSQL_TEST_DIR")?)
        .setting("memory", "64MiB");
    {
        let mut out = std::io::stdout().lock();
        writeln!(out, "begins")?;
        out.flush()?;
    }
    // It is ready when everything is taken in, and killed before mostly.
    let _test = with_queries(builder).start().await?;
    std::future::pending::<()>().await;
    Ok(())
}
