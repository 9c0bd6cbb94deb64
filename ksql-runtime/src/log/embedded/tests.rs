//! What cannot be reached from outside: stored batches that no longer hold what they say, a maintenance cut short, a
//! writer that ends by a defect, requests whose callers are gone, whether a write was synced.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

use std::future::Future;
use std::path::Path;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::*;
use crate::registry::{InProcessRegistry, Version};

fn open(directory: &Path) -> EmbeddedLog {
    let mut options = EmbeddedOptions::new(directory);
    options.dirty_ratio = 0.0;
    EmbeddedLog::open(options).unwrap()
}

/// Ready at once, or not.
fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

async fn produce(log: &EmbeddedLog, topic: &str, key: &[u8], value: Option<&[u8]>) {
    log.produce(topic, Record::new(Some(key), value, 0))
        .await
        .unwrap();
}

/// Offsets, keys and values of partition 0.
fn read(log: &EmbeddedLog, topic: &str) -> Vec<(i64, Vec<u8>, Option<Vec<u8>>)> {
    let Offsets { start, end, .. } = log.offsets(topic, 0).unwrap();
    let mut reader = log.reader(topic, &[(0, start)]).unwrap();
    let (mut next, mut found) = (start, Vec::new());
    while next < end {
        let fetched = reader.poll(Duration::from_secs(60)).unwrap().unwrap();
        next = fetched.next_offset();
        found.extend(fetched.records().map(|record| {
            (
                record.offset,
                record.key.unwrap().to_vec(),
                record.value.map(<[u8]>::to_vec),
            )
        }));
    }
    found
}

/// Every stored batch of partition 0, as bytes.
fn stored(log: &EmbeddedLog, topic: &str) -> Vec<Vec<u8>> {
    let number = log.shared().catalog.get(topic).unwrap().number;
    let from = layout::batch_key(number, 0, 0);
    let to = layout::batch_key(number, 1, 0);
    log.shared()
        .store
        .with(|families| {
            let mut read = rocksdb::ReadOptions::default();
            read.set_iterate_range(from.to_vec()..to.to_vec());
            let mode = rocksdb::IteratorMode::Start;
            Ok(families
                .db
                .iterator_cf_opt(&families.log, read, mode)
                .map(|entry| entry.unwrap().1.into_vec())
                .collect())
        })
        .unwrap()
}

/// Shortens the stored batch of partition 0 at `base`, as a damage that no checksum notices.
fn damage(log: &EmbeddedLog, topic: &str, base: i64) {
    let number = log.shared().catalog.get(topic).unwrap().number;
    let key = layout::batch_key(number, 0, base);
    log.shared()
        .store
        .with(|families| {
            let mut value = families.db.get_cf(&families.log, key).unwrap().unwrap();
            value.truncate(value.len() - 1);
            families.db.put_cf(&families.log, key, value).unwrap();
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_damaged_batch_is_reported_by_compaction_and_copied_by_none() {
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let log = open(directory.path());
        log.create_topic(&TopicSpec::new("t", 1).compacted())
            .await
            .unwrap();
        for key in [b"a", b"b", b"a", b"a"] {
            produce(&log, "t", key, Some(b"v")).await;
        }
        damage(&log, "t", 1);
        let before = stored(&log, "t");
        for _ in 0..2 {
            match log.maintain(0).await {
                Err(LogError::CorruptRecords { offset: 1, .. }) => {}
                other => panic!("{other:?}"),
            }
            assert_eq!(
                stored(&log, "t"),
                before,
                "nothing is rewritten over damage"
            );
        }
    });
}

#[test]
fn a_missing_batch_at_the_end_is_reported_by_compaction() {
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let log = open(directory.path());
        log.create_topic(&TopicSpec::new("t", 1).compacted())
            .await
            .unwrap();
        produce(&log, "t", b"a", Some(b"v")).await;
        produce(&log, "t", b"a", Some(b"v")).await;
        let number = log.shared().catalog.get("t").unwrap().number;
        log.shared()
            .store
            .with(|families| {
                let key = layout::batch_key(number, 0, 1);
                families.db.delete_cf(&families.log, key).unwrap();
                Ok(())
            })
            .unwrap();
        match log.maintain(0).await {
            Err(LogError::CorruptRecords { offset: 1, .. }) => {}
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn a_damaged_partition_keeps_no_other_from_its_maintenance() {
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let log = open(directory.path());
        for topic in ["a", "b"] {
            log.create_topic(&TopicSpec::new(topic, 1).compacted())
                .await
                .unwrap();
            produce(&log, topic, b"k", Some(b"1")).await;
            produce(&log, topic, b"k", Some(b"2")).await;
        }
        damage(&log, "a", 0);
        match log.maintain(0).await {
            Err(LogError::CorruptRecords { topic, .. }) => assert_eq!(topic, "a"),
            other => panic!("{other:?}"),
        }
        assert_eq!(read(&log, "b"), [(1, b"k".to_vec(), Some(b"2".to_vec()))]);
    });
}

#[test]
fn closing_ends_a_maintenance_that_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let log = open(directory.path());
        log.create_topic(&TopicSpec::new("t", 1)).await.unwrap();
        for _ in 0..3 {
            produce(&log, "t", b"k", Some(b"v")).await;
        }
        let shared = log.shared();
        let topic = shared.catalog.get("t").unwrap();
        let mut seen = 0;
        let ended = maintenance::each_batch(shared, &topic, 0, 0, 3, |_| {
            seen += 1;
            shared.requests.close();
            Ok(true)
        });
        assert!(matches!(ended, Err(LogError::Closed)), "{ended:?}");
        assert_eq!(seen, 1);
        assert!(matches!(log.maintain(0).await, Err(LogError::Closed)));
    });
}

#[test]
fn a_compaction_cut_short_before_it_noted_its_end_is_taken_up_again() {
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let log = open(directory.path());
        log.create_topic(&TopicSpec::new("t", 1).compacted())
            .await
            .unwrap();
        produce(&log, "t", b"a", Some(b"1")).await;
        produce(&log, "t", b"a", Some(b"2")).await;
        log.maintain(0).await.unwrap();
        let noted = log.shared().catalog.get("t").unwrap().state(0).unwrap();
        produce(&log, "t", b"a", Some(b"3")).await;
        log.maintain(0).await.unwrap();
        assert_eq!(stored(&log, "t").len(), 1, "joined across what was noted");
        // As it is after a kill between the last batch that was joined and the note.
        let topic = log.shared().catalog.get("t").unwrap();
        let done = topic.state(0).unwrap();
        topic.publish(
            0,
            PartitionState {
                cleaned_to: noted.cleaned_to,
                ..done
            },
        );
        assert!(noted.cleaned_to > 0 && noted.cleaned_to < done.end);
        produce(&log, "t", b"b", Some(b"4")).await;
        log.maintain(0).await.unwrap();
        assert_eq!(
            read(&log, "t"),
            [
                (2, b"a".to_vec(), Some(b"3".to_vec())),
                (3, b"b".to_vec(), Some(b"4".to_vec()))
            ]
        );
    });
}

#[test]
fn removed_tombstones_are_noted_where_reading_on_would_miss_them() {
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let log = open(directory.path());
        let mut spec = TopicSpec::new("t", 1).compacted();
        spec.delete_retention_ms = 10;
        log.create_topic(&spec).await.unwrap();
        produce(&log, "t", b"a", Some(b"1")).await;
        produce(&log, "t", b"a", None).await;
        produce(&log, "t", b"b", None).await;
        produce(&log, "t", b"b", Some(b"2")).await;
        let resume = |log: &EmbeddedLog| log.offsets("t", 0).unwrap().resume_from;
        log.maintain(0).await.unwrap();
        assert_eq!(
            resume(&log),
            0,
            "the tombstone of `a` is there, a later record tells of `b`"
        );
        log.maintain(10).await.unwrap();
        assert_eq!(read(&log, "t"), [(3, b"b".to_vec(), Some(b"2".to_vec()))]);
        assert_eq!(resume(&log), 2, "behind the tombstone of `a`");
        log.close().await.unwrap();
        drop(log);
        assert_eq!(resume(&open(directory.path())), 2, "after a restart too");
    });
}

#[test]
fn a_writer_that_ends_by_a_defect_leaves_nobody_waiting() {
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let log = open(directory.path());
        log.create_topic(&TopicSpec::new("t", 1)).await.unwrap();
        let answer = log
            .put_then(vec![(b"x".to_vec(), Vec::new())], || {
                panic!("a defect that was asked for")
            })
            .await;
        assert!(
            matches!(answer, Err(LogError::Poisoned { .. })),
            "{answer:?}"
        );
        let later = log.flush().await;
        assert!(matches!(later, Err(LogError::Poisoned { .. })), "{later:?}");
        let maintained = log.maintain(0).await;
        assert!(matches!(maintained, Ok(_) | Err(LogError::Closed)));
        drop(log);
        // The directory is free again, and what was acknowledged is there.
        let log = open(directory.path());
        assert_eq!(log.entries(b"x").unwrap().len(), 1);
        log.describe("t").unwrap();
    });
}

#[test]
fn a_registration_nobody_waits_for_is_known_as_it_is_stored() {
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let log = open(directory.path());
        let registry = InProcessRegistry::open(&log).unwrap();
        let text = r#"{"type":"record","name":"R","fields":[]}"#;
        {
            let mut asked = std::pin::pin!(registry.register("s", text));
            // Far enough to be on its way to the writer; then the caller goes.
            while poll_once(asked.as_mut()).is_pending() && log.entries(b"rv").unwrap().is_empty() {
                std::thread::yield_now();
            }
        }
        // The writer is behind it when this is done.
        log.flush().await.unwrap();
        let known = registry.by_version("s", Version::Latest).unwrap();
        assert_eq!(registry.register("s", text).await.unwrap(), known.id);
        assert_eq!(registry.versions("s").unwrap(), [1], "registered once");
        log.close().await.unwrap();
        drop((registry, log));
        let registry = InProcessRegistry::open(&open(directory.path())).unwrap();
        assert_eq!(registry.versions("s").unwrap(), [1]);
    });
}

/// How often the database of a log was written to, and how often its write-ahead log was synced for a write, by its own count.
fn writes_and_syncs(log: &EmbeddedLog) -> (u64, u64) {
    let told = log.shared().store.with(|families| {
        let told = families.db.property_value(rocksdb::properties::DBSTATS);
        Ok(told.unwrap().unwrap())
    });
    let told = told.unwrap();
    // Cumulative WAL: 12 writes, 0 syncs, ..
    let line = told
        .lines()
        .find_map(|line| line.strip_prefix("Cumulative WAL: "))
        .unwrap_or_else(|| panic!("no count in {told}"));
    let mut counts = line.split(", ").map(|part| {
        let (count, _) = part.split_once(' ').unwrap();
        count
            .parse()
            .unwrap_or_else(|_| panic!("{count} in {line}"))
    });
    (counts.next().unwrap(), counts.next().unwrap())
}

#[tokio::test]
async fn the_setting_of_durability_says_whether_a_write_is_synced_before_it_is_acknowledged() {
    for (durability, synced) in [("process_crash", 0), ("power_loss", 10)] {
        let directory = tempfile::tempdir().unwrap();
        let ctx = crate::context::Context::builder()
            .config(crate::config::Config::default())
            .setting("log_durability", durability)
            .state_dir(directory.path())
            .start()
            .await
            .unwrap();
        let crate::log::Log::Embedded(log) = ctx.log() else {
            panic!("an embedded log")
        };
        let spec = TopicSpec::new("t", 1);
        log.create_topic(&spec).await.unwrap();
        let (writes, syncs) = writes_and_syncs(log);
        for _ in 0..10 {
            // One after the other: each is a group of its own.
            produce(log, "t", b"k", Some(b"v")).await;
        }
        let (later, synced_later) = writes_and_syncs(log);
        assert_eq!(later - writes, 10, "{durability}");
        assert_eq!(synced_later - syncs, synced, "{durability}");
        ctx.shutdown().await.unwrap();
    }
}
