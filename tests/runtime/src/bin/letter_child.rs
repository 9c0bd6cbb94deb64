//! The child process of the dead letters' crash test, with a directory under `KSQL_TEST_DIR`.
//!
//! `letter_child write <rows>` writes rows as dead letters, one after the other, and says `wrote <row>` for each that is
//! acknowledged. `letter_child replay` replays every letter that is not noted as replayed, one after the other, and says
//! `replayed <letter's offset>` for each, `done` at the end. Both may be killed at any moment, and wait to be when they have said so many
//! lines, however slow whoever kills them is.

use std::io::Write;

use ksql_runtime::dlq::{LetterFilter, ReplayOptions};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::workload::{Row, row};

/// So many letters are written or replayed by one process at most.
const MOST: usize = 64;

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // The parent may be gone; then nobody needs the line.
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

/// Goes on where so many are not too many.
async fn killed_behind(done: usize) {
    if done == MOST {
        std::future::pending::<()>().await;
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (command, rows) = (arguments.next(), arguments.next());
    let ctx = Context::builder()
        .entity::<Row>()
        .state_dir(std::env::var("KSQL_TEST_DIR")?)
        .start()
        .await?;
    let letters = ctx.dead_letters();
    if command.as_deref() == Some("write") {
        let first = i64::try_from(letters.status().await?.letters)?;
        let rows: i64 = rows.unwrap_or_default().parse()?;
        for (done, n) in (first..rows).enumerate() {
            killed_behind(done).await;
            let row = row(n, 0);
            ctx.set::<Row>().send_to_dlq(&row, "e", "c").await?;
            say(&format!("wrote {n}"));
        }
    } else {
        let filter = LetterFilter::default().not_replayed().by_offset();
        let all = letters.list(&filter.limit(usize::MAX)).await?;
        for (done, letter) in all.into_iter().enumerate() {
            killed_behind(done).await;
            let report = letters.replay([&letter], &ReplayOptions::default()).await?;
            if let Some((_, why)) = report.refused.into_iter().next() {
                return Err(why.into());
            }
            say(&format!("replayed {}", letter.id.offset));
        }
    }
    say("done");
    std::future::pending::<()>().await;
    Ok(())
}
