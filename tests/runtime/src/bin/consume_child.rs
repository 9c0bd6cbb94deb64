//! The child process of the crash tests of consumers. It handles the payments of its log and says which, until it is killed,
//! told to stop, or has handled all there are.
//!
//! `consume_child <automatic|manual> <seed> [never]` under the directory `KSQL_TEST_DIR`, on the cluster that the environment names, if it
//! does. While it runs it compares what is committed with what its handlers have finished, and says where that is too much; and it
//! says what its consumer takes for committed. With `never` it commits nothing before its end, and a reader beside it says which
//! dead letters there are.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ksql_runtime::consume::{
    ConsumerStatus, HandlerError, Meta, OnDecodeError, OnError, Order, Start, Subscription,
};
use ksql_runtime::dlq::LetterFilter;
use ksql_runtime::log::Log;
use ksql_runtime::prelude::*;
use ksql_runtime_tests::consuming::{Fate, GROUP, Payment, fate};

/// Bytes that are read ahead of each partition: the least there are.
const BUFFER: usize = 256 * 1024;

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // The parent may be gone; then nobody needs the line.
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

type Finished = Arc<Mutex<HashSet<(i32, i64)>>>;

async fn handle(
    seed: u64,
    payment: &Payment,
    meta: &Meta,
    finished: &Finished,
) -> Result<(), HandlerError> {
    match fate(seed, payment.number) {
        Fate::Fails => return Err("it does not work".into()),
        Fate::Panics => panic!("it does not work"),
        Fate::WorksLater if meta.attempt() == 1 => return Err("not yet".into()),
        Fate::Slow => tokio::time::sleep(Duration::from_millis(5)).await,
        Fate::WorksLater | Fate::Works => tokio::task::yield_now().await,
    }
    let place = (meta.partition(), meta.offset());
    say(&format!(
        "handled {} {} {}",
        place.0, place.1, payment.number
    ));
    finished.lock().expect("not poisoned").insert(place);
    Ok(())
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    std::panic::set_hook(Box::new(|_| ()));
    let directory = std::env::var("KSQL_TEST_DIR")?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let manual = arguments.first().is_some_and(|mode| mode == "manual");
    let seed: u64 = arguments
        .get(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or_default();

    let never = arguments.get(2).is_some_and(|commits| commits == "never");

    let ctx = Context::builder()
        .entity::<Payment>()
        .state_dir(&directory)
        .start()
        .await?;
    let topic = ctx.set::<Payment>().topic()?.to_owned();
    // What was finished before is behind what is committed now.
    let log = ctx.log().clone();
    let mut before = Vec::new();
    for partition in 0..4 {
        before.push(log.committed(GROUP, &topic, partition).await?.unwrap_or(0));
    }
    let finished = Finished::default();
    let consumer = ctx
        .set::<Payment>()
        .consume()
        .group(GROUP)
        .start(Start::Earliest)
        .concurrency(6, Order::ByKey)
        .with_retry(2, Duration::from_millis(1))
        .on_error(OnError::Dlq)
        .on_panic(OnError::Dlq)
        .on_decode_error(OnDecodeError::Dlq)
        .buffer(BUFFER)
        .commit_interval(if never {
            Duration::from_secs(3600)
        } else {
            Duration::from_millis(2)
        });
    let noted = Arc::clone(&finished);
    let running = if manual {
        consumer.with_manual_commit().for_each(move |message| {
            let noted = Arc::clone(&noted);
            async move {
                handle(seed, message.entity(), message.meta(), &noted).await?;
                Ok::<_, HandlerError>(message.commit())
            }
        })
    } else {
        consumer.for_each_with_meta(move |payment: Payment, meta| {
            let noted = Arc::clone(&noted);
            async move { handle(seed, &payment, &meta, &noted).await }
        })
    };
    let subscription = running.start().await?;
    say("ready");
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        () = compare(&log, &topic, &before, &finished) => {}
        () = tell(&subscription) => {}
        () = work(&subscription), if !never => {}
        () = read_letters(&ctx), if never => {}
    }
    let ended = ctx.shutdown().await;
    match &ended {
        Ok(()) => say("ended"),
        Err(error) => say(&format!("gave up {error}")),
    }
    // What still waits for an answer of a broker is not waited for.
    std::process::exit(i32::from(ended.is_err()));
}

/// Looks again and again whether what is committed was finished.
async fn compare(log: &Log, topic: &str, before: &[i64], finished: &Finished) {
    let mut ticks = tokio::time::interval(Duration::from_millis(3));
    loop {
        ticks.tick().await;
        for (partition, before) in (0..).zip(before) {
            // Where the log does not answer there is nothing to compare.
            let Ok(committed) = log.committed(GROUP, topic, partition).await else {
                continue;
            };
            // Looked at afterwards: what was committed was finished before.
            let finished = finished.lock().expect("not poisoned").clone();
            for offset in *before..committed.unwrap_or(0) {
                if !finished.contains(&(partition, offset)) {
                    // Dead letters are finished too: the parent knows which those are.
                    say(&format!("unhandled {partition} {offset}"));
                }
            }
        }
    }
}

/// Says again and again what the consumer takes for committed, where that is something else than before.
async fn tell(subscription: &Subscription) {
    let mut ticks = tokio::time::interval(Duration::from_millis(3));
    let mut told = HashMap::new();
    loop {
        ticks.tick().await;
        for partition in subscription.status().iter().flat_map(|one| &one.partitions) {
            let (number, committed) = (partition.partition, partition.committed);
            if let Some(offset) = committed
                && told.insert(number, offset) != Some(offset)
            {
                say(&format!("committed {number} {offset}"));
            }
        }
    }
}

/// Says again and again where the records came from whose dead letters are in their topic.
async fn read_letters(ctx: &Context) {
    let all = LetterFilter::default().limit(usize::MAX);
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    loop {
        ticks.tick().await;
        let letters = ctx.dead_letters().list(&all).await.unwrap_or_default();
        for (partition, offset) in letters
            .iter()
            .filter_map(|one| Some((one.partition?, one.offset?)))
        {
            say(&format!("lettered {partition} {offset}"));
        }
    }
}

/// Works until everything is handled, or it failed.
async fn work(subscription: &Subscription) {
    let mut ticks = tokio::time::interval(Duration::from_millis(3));
    loop {
        ticks.tick().await;
        let status = subscription.status();
        let whole = |one: &ConsumerStatus| one.partitions.len() == 4 && one.lag() == 0;
        if status.iter().all(whole) {
            return say("done");
        }
        if let Some(error) = status.iter().find_map(|one| one.error.clone()) {
            return say(&format!("failed {error}"));
        }
    }
}
