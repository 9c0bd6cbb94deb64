//! What is sent on the way, and what an error leaves of it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]
use std::ops::Range;
use std::time::Duration;

use super::*;
use crate::log::TopicSpec;
use crate::prelude::{Config, Context, Entity};

/// So many keys fill a batch.
const FILLING: usize = 64;
const LONG: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("kept")]
#[table]
struct Kept {
    #[key]
    id: i64,
    name: String,
}

/// A context with a table.
pub(in crate::engine) async fn with_table() -> (tempfile::TempDir, Context, Arc<Table>) {
    let directory = tempfile::tempdir().unwrap();
    let ctx = Context::builder()
        .config(Config::default())
        .state_dir(directory.path())
        .entity::<Kept>();
    let ctx = ctx.start().await.unwrap();
    let kept = ctx.set::<Kept>();
    let table = kept.registered().unwrap().table.clone().unwrap();
    (directory, ctx, table)
}

/// A context with a table, and the outputs of a query that writes to these topics, of which only `there` is.
async fn place(topics: &[&str]) -> (tempfile::TempDir, Context, Outputs) {
    let (directory, ctx, table) = with_table().await;
    let spec = TopicSpec::new("there", 1);
    ctx.log().create_topic(&spec).await.unwrap();
    let target = |topic: &&str| Target {
        topic: (*topic).to_owned(),
        partitions: 1,
        value_schema: 0,
        key_schema: 0,
        record_key: false,
    };
    let targets = topics.iter().map(target).collect();
    let runtime = tokio::runtime::Handle::current();
    let outputs = Outputs::new::<Kept>(&table, ctx.log().clone(), &runtime, targets);
    (directory, ctx, outputs)
}

/// Deletions of keys that begin with their number.
fn fill(outputs: &mut Outputs, target: usize, numbers: Range<usize>) {
    let mut key = vec![0; BATCH_BYTES / FILLING];
    for number in numbers {
        key[..8].copy_from_slice(&number.to_be_bytes());
        outputs.group::<Kept>(target, &key, None, None, &Scratch::new(), 7);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_on_the_way_comes_in_order_and_is_acknowledged_with_the_rest() {
    let (_directory, ctx, mut outputs) = place(&["there"]).await;
    let mut all = 0;
    // What is waited for, what is not, and what is not worth it.
    for count in [FILLING, FILLING, 8, 8, 1, 8, FILLING, 1] {
        fill(&mut outputs, 0, all..all + count);
        all += count;
        outputs.send_on().unwrap();
        assert!(!outputs.is_full());
    }
    outputs.send().unwrap();
    let [offsets] = ctx.log().all_offsets("there").await.unwrap()[..] else {
        panic!("one partition")
    };
    assert_eq!(offsets.end as usize, all);
    let mut reader = ctx.log().reader("there", &[(0, 0)]).unwrap();
    let (mut next, mut numbers) = (0, 0..all);
    while next < offsets.end {
        let fetched = reader.poll(LONG).unwrap().unwrap();
        for record in fetched.records() {
            let number = numbers.next().unwrap();
            assert_eq!(record.key.unwrap()[..8], number.to_be_bytes());
        }
        next = fetched.next_offset();
    }
    assert_eq!(numbers.next(), None);
    ctx.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_worth_it_is_sent_before_all_is_made_and_nothing_less_is() {
    let (_directory, ctx, mut outputs) = place(&["there"]).await;
    fill(&mut outputs, 0, 0..1);
    outputs.send_on().unwrap();
    assert!(outputs.sending.sent[0].is_none());
    fill(&mut outputs, 0, 1..8);
    outputs.send_on().unwrap();
    assert!(outputs.sending.sent[0].is_some() && outputs.sending.batches[0].is_empty());
    outputs.send().unwrap();
    assert_eq!(ctx.log().all_offsets("there").await.unwrap()[0].end, 8);
    ctx.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_leaves_nothing_on_its_way_and_nothing_gathered() {
    let (_directory, ctx, mut outputs) = place(&["there", "away"]).await;
    let mut failed = None;
    // What is sent on the way may fail as soon as the next is, or with the last.
    for batch in 0..3 {
        for target in 0..2 {
            fill(&mut outputs, target, batch * FILLING..(batch + 1) * FILLING);
        }
        if let Err(error) = outputs.send_on() {
            failed = Some(error);
            break;
        }
    }
    let failed = failed.unwrap_or_else(|| outputs.send().unwrap_err());
    let StateError::Output { topic, .. } = failed else {
        panic!("{failed}")
    };
    assert_eq!(topic, "away");
    assert!(outputs.sending.sent.iter().all(Option::is_none));
    assert!(outputs.sending.batches.iter().all(RecordBatch::is_empty));
    // Nothing comes later.
    let end = || async { ctx.log().all_offsets("there").await.unwrap()[0].end };
    let before = end().await;
    assert!(before > 0);
    outputs.send().unwrap();
    assert_eq!(end().await, before);
    ctx.shutdown().await.unwrap();
}
