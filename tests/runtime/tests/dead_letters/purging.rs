//! Purged letters are never shown again, and their bytes go as soon as nothing before them stays.

use ksql_runtime::dlq::{DeadLetterError, LetterFilter, LetterId, Purged, ReplayOptions};
use ksql_runtime::prelude::*;

use crate::{Case, Given, fail, id, started};

/// Letters of the first partition, by their offsets.
async fn some(ctx: &Context, case: &Case, count: usize) -> Vec<LetterId> {
    let mut ids = Vec::new();
    for n in 0..count {
        let value = n.to_string();
        let given = Given::new(Some(b"k"), Some(value.as_bytes())).at(0);
        let (_, letter) = fail(ctx, case, &given, "c").await;
        ids.push(id(&letter));
    }
    ids
}

async fn listed(ctx: &Context) -> Vec<LetterId> {
    let letters = ctx.dead_letters();
    let listed = letters.list(&LetterFilter::default().by_offset()).await;
    let listed = listed.expect("a list");
    listed.iter().map(|letter| letter.id).collect()
}

async fn start_of(ctx: &Context, case: &Case, partition: i32) -> i64 {
    let offsets = ctx.log().offsets(&case.letters(), partition).await;
    offsets.expect("offsets").start
}

crate::on_each_log! {
    async fn purged_letters_are_gone_also_after_a_restart(case: Case) {
        let ctx = case.start().await;
        let ids = some(&ctx, &case, 6).await;
        let letters = ctx.dead_letters();
        assert_eq!(listed(&ctx).await, ids);
        // In the middle: the mark alone, as the log lets go of nothing behind what stays.
        let purged = letters.purge([ids[3], ids[2], ids[3]]).await.expect("purged");
        assert_eq!(purged, Purged { letters: 2, held: 2, unknown: Vec::new() });
        assert_eq!(listed(&ctx).await, [ids[0], ids[1], ids[4], ids[5]]);
        assert_eq!(start_of(&ctx, &case, 0).await, 0);
        // Up to them: they go too.
        let purged = letters.purge([ids[0], ids[1]]).await.expect("purged");
        assert_eq!(purged, Purged { letters: 2, held: 0, unknown: Vec::new() });
        assert_eq!(start_of(&ctx, &case, 0).await, 4);
        assert_eq!(listed(&ctx).await, ids[4..]);
        assert_eq!(letters.status().await.expect("a status").letters, 2);
        ctx.shutdown().await.expect("it ends");

        let ctx = case.start().await;
        assert_eq!(listed(&ctx).await, ids[4..]);
        assert_eq!(start_of(&ctx, &case, 0).await, 4);
        let letters = ctx.dead_letters();
        for gone in &ids[..4] {
            let error = letters.get(*gone).await.expect_err("no letter");
            assert!(error.to_string().contains("purged"), "{error}");
        }
        let report = letters.replay([ids[2]], &ReplayOptions::default().force()).await.expect("a report");
        assert!(matches!(report.refused[..], [(_, DeadLetterError::NotThere { .. })]), "{report:?}");
        ctx.shutdown().await.expect("it ends");
    }

    async fn what_is_no_letter_is_told_and_nothing_else_goes(case: Case) {
        let ctx = case.start().await;
        let ids = some(&ctx, &case, 2).await;
        let letters = ctx.dead_letters();
        let report = letters.replay([ids[0]], &ReplayOptions::default()).await.expect("a report");
        assert_eq!(report.replayed.len(), 1);
        // The mark of the replay, beyond the end, and a partition that is not there.
        let strange: [LetterId; 3] = [(0, 2).into(), (0, 99).into(), (5, 0).into()];
        let purged = letters.purge(strange).await.expect("purged");
        assert_eq!(purged, Purged { letters: 0, held: 0, unknown: strange.to_vec() });
        assert_eq!(listed(&ctx).await, ids);
        ctx.shutdown().await.expect("it ends");
    }

    async fn all_letters_of_all_partitions_go_at_once_and_new_ones_are_seen(case: Case) {
        let ctx = started(case.builder().setting("dlq_partitions", "3")).await;
        for n in 0..7 {
            fail(&ctx, &case, &Given::new(None, Some(b"x")).at(n % 4), "c").await;
        }
        let letters = ctx.dead_letters();
        let before = ctx.log().all_offsets(&case.letters()).await.expect("offsets");
        let purged = letters.purge_all().await.expect("purged");
        assert_eq!(purged, Purged { letters: 7, held: 0, unknown: Vec::new() });
        assert_eq!(listed(&ctx).await, []);
        let after = ctx.log().all_offsets(&case.letters()).await.expect("offsets");
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(after.start, before.end, "their bytes are gone");
        }
        let status = letters.status().await.expect("a status");
        assert_eq!((status.letters, status.last), (0, None));
        assert_eq!(letters.purge_all().await.expect("purged"), Purged::default());
        let (_, letter) = fail(&ctx, &case, &Given::new(None, Some(b"y")), "c").await;
        assert_eq!(listed(&ctx).await, [id(&letter)]);
        ctx.shutdown().await.expect("it ends");
    }
}

/// Stored together, letters go one by one all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_batch_that_begins_before_the_first_letter_is_read_from_there() {
    use ksql_runtime::log::{Record, RecordBatch};
    let case = Case::embedded();
    let ctx = case.start().await;
    let mut batch = RecordBatch::new();
    for n in 0..100_u8 {
        batch.push(None, Some(&[n]), 1_000, &[]);
    }
    let topic = case.letters();
    let log = ctx.log();
    log.produce_batch(&topic, batch).await.expect("produced");
    let letters = ctx.dead_letters();
    for n in (0..90).step_by(30) {
        let purged = letters.purge((n..n + 30).map(|offset| (0, offset))).await;
        assert_eq!(purged.expect("purged").held, 0);
        let left = listed(&ctx).await;
        assert_eq!((left.len(), left[0].offset), (70 - n as usize, n + 30));
        let first = letters.get(left[0]).await.expect("the letter");
        assert_eq!(first.value, Some(vec![n as u8 + 30]));
    }
    let purged = letters.purge_all().await.expect("purged");
    assert_eq!(purged.letters, 10);
    log.produce(&topic, Record::new(None, Some(b"x"), 1_000))
        .await
        .expect("produced");
    assert_eq!(listed(&ctx).await.len(), 1);
    ctx.shutdown().await.expect("it ends");
    let ctx = case.start().await;
    assert_eq!(listed(&ctx).await.len(), 1);
    ctx.shutdown().await.expect("it ends");
}

/// Retention goes on where a purge ended inside of what is stored together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letters_left_of_a_stored_batch_expire_as_all_do() {
    use ksql_runtime::log::{Log, RecordBatch};
    let case = Case::embedded();
    let ctx = case.start().await;
    let mut batch = RecordBatch::new();
    for n in 0..100_u8 {
        batch.push(None, Some(&[n]), 1_000, &[]);
    }
    let topic = case.letters();
    let produced = ctx.log().produce_batch(&topic, batch).await;
    produced.expect("produced");
    let letters = ctx.dead_letters();
    let purged = letters.purge((0..30).map(|offset| (0, offset)));
    assert_eq!(purged.await.expect("purged").letters, 30);
    let Log::Embedded(log) = ctx.log() else {
        panic!("it is embedded");
    };
    log.maintain(1_000).await.expect("maintained");
    assert_eq!(listed(&ctx).await.len(), 70, "they are young");
    log.maintain(case.clock.now_ms()).await.expect("maintained");
    assert_eq!(listed(&ctx).await, []);
    assert_eq!(start_of(&ctx, &case, 0).await, 100);
    let ids = some(&ctx, &case, 1).await;
    assert_eq!(listed(&ctx).await, ids);
    ctx.shutdown().await.expect("it ends");
}
