//! What the embedded log has beyond the surface: its directory, retention and compaction by call, damage.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use ksql_runtime::log::{
    EmbeddedLog, EmbeddedOptions, Log, LogError, Record, RecordBatch, TopicSpec,
};
use ksql_runtime_tests::files::{copy, files, flip, flip_somewhere, records as places, within};
use ksql_runtime_tests::report::{Report, number, seed};
use ksql_runtime_tests::workload::mix;
use ksql_schema::model::Cleanup;

fn open(directory: &Path) -> EmbeddedLog {
    let mut options = EmbeddedOptions::new(directory);
    options.dirty_ratio = 0.0;
    EmbeddedLog::open(options).expect("the log opens")
}

async fn produce(log: &EmbeddedLog, key: &[u8], value: Option<&[u8]>, timestamp: i64) {
    log.produce("t", Record::new(Some(key), value, timestamp))
        .await
        .expect("produced");
}

/// Every record that is still there: offset, key, value.
fn records(log: &EmbeddedLog) -> Vec<(i64, Vec<u8>, Option<Vec<u8>>)> {
    let offsets = log.offsets("t", 0).expect("offsets");
    let mut reader = log.reader("t", &[(0, offsets.start)]).expect("a reader");
    let (mut found, mut next) = (Vec::new(), offsets.start);
    while next < offsets.end {
        let fetched = reader
            .poll(Duration::from_secs(300))
            .expect("a poll")
            .expect("records");
        next = fetched.next_offset();
        found.extend(fetched.records().map(|record| {
            (
                record.offset,
                record.key.expect("a key").to_vec(),
                record.value.map(<[u8]>::to_vec),
            )
        }));
    }
    found
}

#[tokio::test]
async fn everything_is_there_after_closing_and_opening_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = open(directory.path());
    let id = log
        .create_topic(&TopicSpec::new("t", 1).compacted().retention_ms(5))
        .await
        .expect("created")
        .topic()
        .id;
    produce(&log, b"a", Some(b"1"), 1).await;
    log.commit_all("g", "t", &[(0, 1)])
        .await
        .expect("committed");
    let before = (log.describe("t").expect("described"), records(&log));
    log.close().await.expect("closed");
    drop(log);
    let log = open(directory.path());
    assert_eq!(
        (log.describe("t").expect("described"), records(&log)),
        before
    );
    assert_eq!(log.describe("t").expect("described").id, id);
    assert_eq!(log.committed("g", "t", 0).expect("an offset"), Some(1));
    let receipt = log
        .produce("t", Record::new(Some(b"b"), None, 2))
        .await
        .expect("produced");
    assert_eq!(receipt.offset, 1, "offsets go on");
}

#[tokio::test]
async fn dropping_the_last_clone_frees_the_directory() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = open(directory.path());
    let clone = log.clone();
    drop(log);
    match EmbeddedLog::open(EmbeddedOptions::new(directory.path())) {
        Err(LogError::Directory(error)) => assert!(
            error.to_string().contains(&std::process::id().to_string()),
            "{error}"
        ),
        other => panic!("{other:?}"),
    }
    drop(clone);
    open(directory.path());
}

#[tokio::test]
async fn retention_by_time_removes_from_the_front_only_what_is_too_old() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = open(directory.path());
    log.create_topic(&TopicSpec::new("t", 1).retention_ms(1_000))
        .await
        .expect("created");
    for timestamp in [100, 200, 5_000, 300, 6_000] {
        produce(&log, b"k", Some(b"v"), timestamp).await;
    }
    assert_eq!(
        log.maintain(1_200).await.expect("maintained").expired,
        1,
        "100 is older than 200"
    );
    let reader = log.reader("t", &[(0, 0)]);
    assert!(matches!(
        reader,
        Err(LogError::OffsetOutOfRange {
            start: 1,
            end: 5,
            ..
        })
    ));
    assert_eq!(log.maintain(2_000).await.expect("maintained").expired, 1);
    assert_eq!(
        log.maintain(2_000).await.expect("maintained").expired,
        0,
        "5 000 stands before 300"
    );
    assert_eq!(
        records(&log)
            .iter()
            .map(|record| record.0)
            .collect::<Vec<_>>(),
        [2, 3, 4]
    );
    assert_eq!(log.maintain(100_000).await.expect("maintained").expired, 3);
    let offsets = log.offsets("t", 0).expect("offsets");
    assert_eq!((offsets.start, offsets.end), (5, 5));
    produce(&log, b"k", Some(b"v"), 100_000).await;
    assert_eq!(records(&log).len(), 1);
}

#[tokio::test]
async fn a_reader_that_retention_overtook_is_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = open(directory.path());
    log.create_topic(&TopicSpec::new("t", 1).retention_ms(1_000))
        .await
        .expect("created");
    produce(&log, b"k", Some(b"v"), 0).await;
    let mut reader = log.reader("t", &[(0, 0)]).expect("a reader");
    produce(&log, b"k", Some(b"v"), 10_000).await;
    log.maintain(10_000).await.expect("maintained");
    match reader.poll(Duration::ZERO) {
        Err(LogError::OffsetOutOfRange {
            offset: 0,
            start: 1,
            ..
        }) => {}
        other => panic!("{other:?}"),
    }
    reader.seek(0, 1).expect("a seek");
    assert_eq!(
        reader
            .poll(Duration::ZERO)
            .expect("a poll")
            .expect("records")
            .len(),
        1
    );
}

#[tokio::test]
async fn retention_by_size_keeps_at_least_what_was_asked_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = open(directory.path());
    let mut spec = TopicSpec::new("t", 1);
    spec.retention_bytes = Some(10_000);
    log.create_topic(&spec).await.expect("created");
    for _ in 0..100 {
        produce(&log, b"k", Some(&[7; 1_000]), 0).await;
    }
    log.maintain(0).await.expect("maintained");
    let kept: usize = records(&log)
        .iter()
        .map(|record| record.2.as_ref().map_or(0, Vec::len))
        .sum();
    assert!((9_000..12_000).contains(&kept), "{kept} bytes were kept");
    let before = log.offsets("t", 0).expect("offsets");
    assert_eq!(log.maintain(0).await.expect("maintained").expired, 0);
    assert_eq!(log.offsets("t", 0).expect("offsets"), before);
}

#[tokio::test]
async fn compaction_keeps_the_latest_of_each_key_and_the_offsets_of_what_stays() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = open(directory.path());
    log.create_topic(&TopicSpec::new("t", 1).compacted())
        .await
        .expect("created");
    let mut latest = BTreeMap::new();
    let mut batch = RecordBatch::new();
    for n in 0..20_000_u32 {
        let key = (n.wrapping_mul(2_654_435_761) % 300).to_be_bytes();
        batch.push(Some(&key), Some(&n.to_be_bytes()), 0, &[]);
        latest.insert(key.to_vec(), (i64::from(n), Some(n.to_be_bytes().to_vec())));
        if batch.len() == 777 {
            log.produce_batch("t", std::mem::take(&mut batch))
                .await
                .expect("produced");
        }
    }
    log.produce_batch("t", batch).await.expect("produced");
    let done = log.maintain(0).await.expect("maintained");
    assert_eq!(done.compacted, 20_000 - 300);
    let mut expected: Vec<_> = latest
        .into_iter()
        .map(|(key, (offset, value))| (offset, key, value))
        .collect();
    expected.sort();
    assert_eq!(records(&log), expected);
    assert_eq!(log.offsets("t", 0).expect("offsets").end, 20_000);
    assert_eq!(
        log.maintain(0).await.expect("maintained").compacted,
        0,
        "nothing is left to do"
    );
    // It goes on where it was, and survives a restart.
    produce(&log, &0_u32.to_be_bytes(), Some(b"new"), 0).await;
    assert_eq!(log.maintain(0).await.expect("maintained").compacted, 1);
    let before = records(&log);
    log.close().await.expect("closed");
    drop(log);
    assert_eq!(records(&open(directory.path())), before);
}

#[tokio::test]
async fn a_tombstone_stays_for_readers_that_come_by_and_goes_when_its_time_is_over() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = open(directory.path());
    let mut spec = TopicSpec::new("t", 1).compacted();
    spec.delete_retention_ms = 1_000;
    log.create_topic(&spec).await.expect("created");
    produce(&log, b"a", Some(b"1"), 0).await;
    produce(&log, b"b", Some(b"2"), 0).await;
    produce(&log, b"a", None, 0).await;
    assert_eq!(log.maintain(10_000).await.expect("maintained").compacted, 1);
    assert_eq!(
        records(&log),
        [
            (1, b"b".to_vec(), Some(b"2".to_vec())),
            (2, b"a".to_vec(), None)
        ]
    );
    assert_eq!(
        log.maintain(10_999).await.expect("maintained").compacted,
        0,
        "not yet"
    );
    assert_eq!(
        log.maintain(11_000).await.expect("maintained").compacted,
        1,
        "its time is over"
    );
    assert_eq!(records(&log), [(1, b"b".to_vec(), Some(b"2".to_vec()))]);
    assert_eq!(log.maintain(99_000).await.expect("maintained").compacted, 0);
}

#[tokio::test]
async fn a_compacted_topic_refuses_records_without_a_key() {
    for cleanup in [Cleanup::Compact, Cleanup::CompactDelete] {
        let directory = tempfile::tempdir().expect("a directory");
        let log = open(directory.path());
        let mut spec = TopicSpec::new("t", 1);
        spec.cleanup = cleanup;
        log.create_topic(&spec).await.expect("created");
        let error = log
            .produce("t", Record::new(None, Some(b"v"), 0))
            .await
            .expect_err("no key")
            .to_string();
        assert!(
            error.contains("`t`") && error.contains("compacted"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn maintenance_and_writing_beside_each_other_lose_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = open(directory.path());
    log.create_topic(&TopicSpec::new("t", 1).compacted())
        .await
        .expect("created");
    let writer = {
        let log = log.clone();
        tokio::spawn(async move {
            for n in 0..3_000_u32 {
                produce(&log, &(n % 50).to_be_bytes(), Some(&n.to_be_bytes()), 0).await;
            }
        })
    };
    while !writer.is_finished() {
        log.maintain(0).await.expect("maintained");
        tokio::task::yield_now().await;
    }
    writer.await.expect("the writer");
    log.maintain(0).await.expect("maintained");
    let found = records(&log);
    assert_eq!(found.len(), 50);
    for (offset, key, value) in found {
        let key = u32::from_be_bytes(key.try_into().expect("four bytes"));
        let value = u32::from_be_bytes(value.expect("a value").try_into().expect("four bytes"));
        assert_eq!((value % 50, i64::from(value)), (key, offset));
        assert!(value >= 2_950, "the latest");
    }
}

/// Flipped bytes under the log: reading is right up to an error that names the place, never wrong.
#[tokio::test]
async fn a_flipped_byte_under_the_log_is_reported_and_never_read_as_a_record() {
    let original = tempfile::tempdir().expect("a directory");
    let log: Log = open(original.path()).into();
    log.create_topic(&TopicSpec::new("t", 1))
        .await
        .expect("created");
    let mut expected = Vec::new();
    for chunk in 0..20_u32 {
        let mut batch = RecordBatch::new();
        for n in 0..200_u32 {
            let value = format!("{chunk}:{n}:{}", "x".repeat(50));
            batch.push(Some(&n.to_be_bytes()), Some(value.as_bytes()), 0, &[]);
            expected.push(value);
        }
        log.produce_batch("t", batch).await.expect("produced");
    }
    log.close().await.expect("closed");
    drop(log);
    let (seed, cases) = (seed(), number("KSQL_TEST_CASES", 40));
    let mut report = Report::new("log_flips", seed);
    let (mut refused, mut harmless) = (0, 0);
    for case in 0..cases {
        let directory = tempfile::tempdir().expect("a directory");
        copy(original.path(), directory.path());
        let candidates = database_files(directory.path());
        flip_somewhere(
            &candidates[case as usize % candidates.len()],
            mix(seed, case),
        );
        match EmbeddedLog::open(EmbeddedOptions::new(directory.path())) {
            Err(error) => {
                assert!(
                    matches!(error, LogError::Corrupt { .. }),
                    "case {case}: {error:?}"
                );
                refused += 1;
            }
            Ok(log) => match log.reader("t", &[(0, 0)]) {
                Err(_) => refused += 1,
                Ok(mut reader) => {
                    let end = log.offsets("t", 0).expect("offsets").end;
                    let (mut next, mut failed) = (0, false);
                    while next < end && !failed {
                        match reader.poll(Duration::from_secs(300)) {
                            Ok(Some(fetched)) => {
                                for record in &fetched {
                                    let value = std::str::from_utf8(record.value.expect("a value"))
                                        .expect("text");
                                    assert_eq!(
                                        value, expected[record.offset as usize],
                                        "case {case}: a wrong record"
                                    );
                                }
                                next = fetched.next_offset();
                            }
                            Ok(None) => panic!("case {case}: records are missing without an error"),
                            Err(error) => {
                                assert!(
                                    matches!(error, LogError::CorruptRecords { .. }),
                                    "case {case}: {error:?}"
                                );
                                failed = true;
                            }
                        }
                    }
                    assert!(
                        failed || end == 4_000,
                        "case {case}: acknowledged records are gone without an error"
                    );
                    if failed { refused += 1 } else { harmless += 1 }
                }
            },
        }
        report.pass();
    }
    assert!(
        refused > 0 && refused + harmless == cases,
        "{refused} refused, {harmless} harmless"
    );
    report.count("cases", cases);
    report.count("refused", refused);
    report.count("harmless", harmless);
}

/// The files of a log's database that hold what it knows.
fn database_files(directory: &Path) -> Vec<std::path::PathBuf> {
    files(&directory.join("data"), |name| {
        name.ends_with(".log")
            || name.ends_with(".sst")
            || name.starts_with("MANIFEST")
            || name == "CURRENT"
    })
}

#[tokio::test]
async fn a_damaged_type_or_length_is_reported_and_never_waited_for_or_taken_for_the_end() {
    let original = tempfile::tempdir().expect("a directory");
    let log = open(original.path());
    log.create_topic(&TopicSpec::new("t", 1))
        .await
        .expect("created");
    for n in 0..20_u8 {
        produce(&log, &[n], Some(&[n; 50]), 0).await;
    }
    log.close().await.expect("closed");
    drop(log);
    let kinds: [fn(&str) -> bool; 2] = [
        |name| name.starts_with("MANIFEST"),
        |name| name.ends_with(".log"),
    ];
    // A type that is one of a recycled file; a length that reaches past the end of the file, in the last record and before.
    let damages: [fn(&Path); 4] = [
        |path| flip(path, places(path)[0] + 6, 2),
        |path| flip(path, places(path)[1] + 6, 2),
        |path| flip(path, places(path)[1] + 5, 6),
        |path| flip(path, places(path).last().expect("a record") + 5, 6),
    ];
    for wanted in kinds {
        for (case, damage) in damages.into_iter().enumerate() {
            let directory = tempfile::tempdir().expect("a directory");
            copy(original.path(), directory.path());
            let path = files(&directory.path().join("data"), wanted)
                .pop()
                .expect("a file");
            damage(&path);
            let opened = within(Duration::from_secs(300), move || {
                EmbeddedLog::open(EmbeddedOptions::new(directory.path()))
            });
            match opened {
                Err(LogError::Corrupt { what, .. }) => {
                    let name = path.file_name().and_then(|name| name.to_str());
                    assert!(what.contains(name.expect("a name")), "{what}");
                }
                other => panic!("{}, case {case}: {other:?}", path.display()),
            }
        }
    }
}
