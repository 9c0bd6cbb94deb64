//! The child process of the tests of owners: an instance of an application with queries, which does what it is told, line by line.
//!
//! `owner_child <seed>` on the cluster of its environment, with its state directory under `KSQL_TEST_DIR`; `owner_child <seed> pipelines`
//! has those queries instead:
//! * `send <from> <to>` adds the records of these numbers and says `sent <to>`;
//! * `until owner` and `until stand-by` say so once all queries are;
//! * `until caught` says so once every query and table has read everything;
//! * `stop` ends in order and says `ended`.
//!
//! Lines of its log are lines too, where `KSQL_TEST_LOG` asks for them.

use std::io::{BufRead, Write};
use std::time::Duration;

use ksql_runtime::context::QueryDuty;
use ksql_runtime::prelude::*;
use ksql_runtime_tests::owners::{self, Customer, Order, Payment, customer, order, payment};
use ksql_runtime_tests::pipelines;
use ksql_runtime_tests::until;

const LIMIT: Duration = Duration::from_secs(300);

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // The parent may be gone; then nobody needs the line.
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Records that are sent together: results of an earlier part are made while later ones are sent.
const TOGETHER: usize = 100;

async fn send(ctx: &Context, seed: u64, numbers: std::ops::Range<u64>) -> Result<(), Failed> {
    for first in numbers.clone().step_by(TOGETHER) {
        let part = first..(first + TOGETHER as u64).min(numbers.end);
        let customers = part.clone().map(|number| customer(seed, number));
        let orders = part.clone().map(|number| order(seed, number));
        let payments = part.filter_map(|number| payment(seed, number));
        ctx.set::<Customer>().add_all(customers).await?;
        ctx.set::<Order>().add_all(orders).await?;
        ctx.set::<Payment>().add_all(payments).await?;
    }
    Ok(())
}

async fn until(ctx: &Context, owner: bool) {
    let is = |duty: QueryDuty| (duty == QueryDuty::Owner) == owner;
    let all = async || ctx.queries().iter().all(|query| is(query.duty));
    until::until(LIMIT, all, || format!("{:?}", ctx.queries())).await;
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Failed> {
    if let Ok(filter) = std::env::var("KSQL_TEST_LOG") {
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .without_time()
            .with_ansi(false)
            .with_level(false)
            .with_target(false)
            .init();
    }
    let seed: u64 = std::env::args().nth(1).ok_or("an argument")?.parse()?;
    let with_queries = match std::env::args().nth(2).as_deref() {
        None => owners::with_queries,
        Some("pipelines") => pipelines::with_queries,
        Some(other) => return Err(format!("there are no `{other}`").into()),
    };
    let builder = with_queries(Context::builder()).setting("memory", "64MiB");
    let ctx = builder
        .state_dir(std::env::var("KSQL_TEST_DIR")?)
        .start()
        .await?;
    say("started");
    let (lines, mut told) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let _ = lines.send(line);
        }
    });
    while let Some(line) = told.recv().await {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["send", from, to] => {
                let numbers: std::ops::Range<u64> = from.parse()?..to.parse()?;
                send(&ctx, seed, numbers).await?;
                say(&format!("sent {to}"));
            }
            ["until", "caught"] => {
                ctx.wait_caught_up(LIMIT).await?;
                say("caught");
            }
            ["until", what] => {
                until(&ctx, *what == "owner").await;
                say(what);
            }
            ["stop"] => break,
            _ => return Err(format!("`{line}` is nothing to do").into()),
        }
    }
    ctx.shutdown().await?;
    say("ended");
    Ok(())
}
