//! The child process of the tests of ends: a shop at work, which ends in order when it gets SIGTERM, as a user's program does.
//!
//! `ending_child <work|hang|look> <seed> <base> <first number>` under the directory `KSQL_TEST_DIR`, on the cluster that the environment names,
//! if it does. First it says what it had to read to be ready, where its handlers go on, and whether what it keeps is right. Where it is told to
//! look that is all; else it sells, with handlers of which some are slow, or, where it hangs, never end.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use ksql_runtime::consume::{Meta, Order, Start};
use ksql_runtime::prelude::*;
use ksql_runtime::state::State;
use ksql_runtime_tests::consuming::committed;
use ksql_runtime_tests::ending::{GROUP, Sale, Till, look, runs, sale, shop};
use tokio::signal::unix::{SignalKind, signal};

/// Sales that are sent together.
const TOGETHER: i64 = 50;
/// From one such batch to the next.
const BEAT: Duration = Duration::from_millis(10);
/// One handler in so many is slow.
const SLOW: i64 = 50;
const LIMIT: Duration = Duration::from_secs(240);

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // The parent may be gone; then nobody needs the line.
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => {
            say("ended");
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(&format!("gave up {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    if let Ok(filter) = std::env::var("KSQL_TEST_LOG") {
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(false)
            .with_writer(std::io::stderr)
            .init();
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [mode, seed, base, first] = arguments.as_slice() else {
        return Err("four arguments".into());
    };
    let (seed, base, first) = (seed.parse()?, base.parse()?, first.parse()?);
    let mut terminate = signal(SignalKind::terminate())?;
    let ctx = shop(Context::builder())
        .state_dir(std::env::var("KSQL_TEST_DIR")?)
        .start()
        .await?;
    ctx.wait_ready(LIMIT).await?;
    tell(&ctx).await?;
    let worked = if mode == "look" {
        Ok(())
    } else {
        let mut events = ctx.events();
        tokio::spawn(async move {
            while let Ok(event) = events.recv().await {
                if event.current == State::Disconnected {
                    say("lost");
                }
            }
        });
        tokio::select! {
            _ = terminate.recv() => Ok(()),
            worked = work(&ctx, seed, base, first, mode == "hang") => worked,
        }
    };
    ctx.shutdown().await?;
    worked
}

/// Says what there is, before anything is added.
async fn tell(ctx: &Context) -> Result<(), Box<dyn std::error::Error>> {
    for binding in ctx.overview().bindings {
        say(&format!("restored {} {}", binding.restored, binding.name));
    }
    let topic = ctx.set::<Sale>().topic()?.to_owned();
    for (partition, committed) in committed(ctx, GROUP, &topic).await.iter().enumerate() {
        say(&format!("committed {partition} {}", committed.unwrap_or(0)));
    }
    ctx.wait_caught_up(LIMIT).await?;
    let looked = look(ctx).await;
    for wrong in looked.wrong.iter().take(10) {
        say(&format!("wrong {wrong}"));
    }
    for (first, last) in runs(&looked.numbers) {
        say(&format!("holds {first} {last}"));
    }
    say("looked");
    Ok(())
}

/// Sells and handles until it is ended, or something fails.
async fn work(
    ctx: &Context,
    seed: u64,
    base: i64,
    first: i64,
    hang: bool,
) -> Result<(), Box<dyn std::error::Error>> {
    let handler = move |sale: Sale, meta: Meta| async move {
        let place = format!("{} {}", meta.partition(), meta.offset());
        say(&format!("begun {place}"));
        if sale.number % SLOW == 0 {
            match hang {
                true => {
                    say("hangs");
                    std::future::pending().await
                }
                false => tokio::time::sleep(Duration::from_millis(300)).await,
            }
        }
        say(&format!("handled {place}"));
    };
    let consumer = ctx
        .set::<Sale>()
        .consume()
        .group(GROUP)
        .start(Start::Earliest)
        .concurrency(4, Order::ByKey)
        .commit_interval(Duration::from_millis(20));
    let handling = consumer.for_each_with_meta(handler).start().await?;
    let (sales, tills) = (ctx.set::<Sale>(), ctx.set::<Till>());
    let selling = async {
        let mut beats = tokio::time::interval(BEAT);
        beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        for first in (first..).step_by(TOGETHER as usize) {
            beats.tick().await;
            let end = first + TOGETHER;
            say(&format!("sent {end}"));
            let (sold, told): (Vec<Sale>, Vec<Till>) =
                (first..end).map(|number| sale(seed, base, number)).unzip();
            sales.add_all(sold).await?;
            tills.add_all(told).await?;
            say(&format!("acked {first} {end}"));
        }
        Ok::<_, ksql_runtime::error::Error>(())
    };
    tokio::select! {
        sold = selling => sold?,
        handled = handling.wait() => drop(handled?),
    }
    Ok(())
}
