//! Flipped bytes under a table (RT9): a typed error or a rebuild, other reads right or refused, never a wrong row, and
//! never a loop of crashes; other tables serve. `KSQL_TEST_CASES` makes it longer, `KSQL_TEST_SEED` varies it.

use std::path::Path;
use std::time::Duration;

use ksql_runtime::prelude::*;
use ksql_runtime_tests::files::{copy, files, flip, flip_somewhere, records, within};
use ksql_runtime_tests::report::{Report, number, seed};
use ksql_runtime_tests::workload::{Row, mix, row};

/// Which files, by their names.
type Wanted = fn(&str) -> bool;

const LIMIT: Duration = Duration::from_secs(300);
const ROWS: u64 = 3_000;

fn builder(directory: &Path, rebuild: bool) -> ContextBuilder {
    let config = Config {
        rebuild_on_corruption: rebuild,
        ..Config::default()
    };
    ksql_runtime_tests::context()
        .entity::<Row>()
        .config(config)
        .state_dir(directory)
}

async fn filled(directory: &Path) {
    let ctx = builder(directory, false)
        .start()
        .await
        .expect("the context starts");
    let rows: Vec<Row> = (0..ROWS).map(|n| row(n as i64, n)).collect();
    ctx.set::<Row>()
        .add_all(rows)
        .await
        .expect("rows are added");
    ctx.wait_caught_up(LIMIT)
        .await
        .expect("the table catches up");
    ctx.shutdown().await.expect("a clean end");
}

/// Every answer is right: the whole table, or an error. Says whether it answered.
async fn right_or_refused(ctx: &Context) -> bool {
    if ctx.wait_ready(LIMIT).await.is_err() {
        return false;
    }
    let set = ctx.set::<Row>();
    let mut answered = true;
    match set.to_list().await {
        Ok(mut rows) => {
            rows.sort_by_key(|row| row.id);
            assert_eq!(
                rows,
                (0..ROWS).map(|n| row(n as i64, n)).collect::<Vec<_>>(),
                "a wrong list"
            );
        }
        Err(_) => answered = false,
    }
    for key in (0..ROWS as i64).step_by(17) {
        match set.get(key).await {
            Ok(found) => assert_eq!(found, Some(row(key, key as u64)), "a wrong row"),
            Err(_) => answered = false,
        }
    }
    answered
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_byte_under_a_table_is_reported_or_rebuilt_and_never_read_as_a_row() {
    let (seed, cases) = (seed(), number("KSQL_TEST_CASES", 30));
    let mut report = Report::new("RT9", seed);
    let original = tempfile::tempdir().expect("a directory");
    filled(original.path()).await;
    let (mut refused, mut rebuilt, mut harmless) = (0, 0, 0);
    let kinds: [(&str, Wanted); 3] = [
        ("SST", |name| name.ends_with(".sst")),
        ("MANIFEST", |name| name.starts_with("MANIFEST")),
        ("CURRENT", |name| name == "CURRENT"),
    ];
    for case in 0..cases {
        let (kind, wanted) = kinds[(case % 3) as usize];
        let directory = tempfile::tempdir().expect("a directory");
        copy(original.path(), directory.path());
        let candidates = files(&directory.path().join("state"), wanted);
        assert!(!candidates.is_empty(), "the state has a {kind}");
        let draw = mix(seed, case);
        flip_somewhere(&candidates[(draw >> 48) as usize % candidates.len()], draw);

        // Without being asked to, nothing is deleted: the start or the reads fail, or the byte did not matter.
        let answered = match builder(directory.path(), false).start().await {
            Ok(ctx) => {
                let answered = right_or_refused(&ctx).await;
                let _ = ctx.shutdown().await;
                answered
            }
            Err(error) => {
                let text = error.to_string();
                assert!(
                    text.contains("corrupt"),
                    "seed {seed}, case {case}, {kind}: {text}"
                );
                false
            }
        };
        if answered {
            harmless += 1;
            report.pass();
            continue;
        }
        refused += 1;

        // Asked to rebuild, the table is right again: at the next start, or at the one after the corruption was met.
        let mut right = false;
        for _ in 0..3 {
            let ctx = builder(directory.path(), true)
                .start()
                .await
                .expect("a rebuild starts");
            right = right_or_refused(&ctx).await;
            let _ = ctx.shutdown().await;
            if right {
                break;
            }
        }
        assert!(right, "seed {seed}, case {case}, {kind}: rebuilt");
        rebuilt += 1;
        report.pass();
    }
    assert_eq!(refused, rebuilt);
    report.count("cases", cases);
    report.count("refused", refused);
    report.count("rebuilt", rebuilt);
    report.count("harmless", harmless);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_state_directory_is_rebuilt_from_the_log() {
    let directory = tempfile::tempdir().expect("a directory");
    filled(directory.path()).await;
    std::fs::remove_dir_all(directory.path().join("state")).expect("the state is removed");
    let ctx = builder(directory.path(), false)
        .start()
        .await
        .expect("the context starts");
    assert!(right_or_refused(&ctx).await);
    ctx.shutdown().await.expect("a clean end");
}

/// Starts a context over a copy of a state, on a thread of its own: what does not end is a failure and no hanging test.
fn start_over(original: &Path, damage: impl FnOnce(&Path), rebuild: bool) -> Result<bool, String> {
    let directory = tempfile::tempdir().expect("a directory");
    copy(original, directory.path());
    let manifests = files(&directory.path().join("state"), |name| {
        name.starts_with("MANIFEST")
    });
    damage(manifests.last().expect("a manifest"));
    within(LIMIT * 2, move || {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let ctx = builder(directory.path(), rebuild).start().await;
            let ctx = ctx.map_err(|error| error.to_string())?;
            let right = right_or_refused(&ctx).await;
            ctx.shutdown().await.map_err(|error| error.to_string())?;
            Ok(right)
        })
    })
}

#[test]
fn a_damaged_type_or_length_in_a_manifest_is_reported_and_rebuilt_and_never_waited_for() {
    let original = tempfile::tempdir().expect("a directory");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(filled(original.path()));
    // A type that is one of a recycled file; a length that reaches past the end of the file, in the last record and before.
    let damages: [fn(&Path); 3] = [
        |path| flip(path, records(path)[1] + 6, 2),
        |path| flip(path, records(path)[1] + 5, 6),
        |path| flip(path, records(path).last().expect("a record") + 5, 6),
    ];
    for (case, damage) in damages.into_iter().enumerate() {
        let error = start_over(original.path(), damage, false).expect_err("it is damaged");
        assert!(
            error.contains("corrupt") && error.contains("MANIFEST-"),
            "case {case}: {error}"
        );
        assert_eq!(
            start_over(original.path(), damage, true),
            Ok(true),
            "case {case}"
        );
    }
}

/// A table beside the one that is damaged.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("others")]
#[table]
struct Other {
    #[key]
    id: i64,
    text: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_serves_while_another_one_is_damaged() {
    let directory = tempfile::tempdir().expect("a directory");
    filled(directory.path()).await;
    let others: Vec<Other> = (0..10)
        .map(|id| Other {
            id,
            text: format!("other {id}"),
        })
        .collect();
    let start = || async {
        builder(directory.path(), false)
            .entity::<Other>()
            .start()
            .await
            .expect("the context starts")
    };
    let ctx = start().await;
    ctx.set::<Other>()
        .add_all(others.clone())
        .await
        .expect("rows are added");
    ctx.wait_caught_up(LIMIT).await.expect("caught up");
    ctx.shutdown().await.expect("a clean end");
    // The largest file holds the many rows, in its first part nothing but rows.
    let mut tables = files(&directory.path().join("state"), |name| {
        name.ends_with(".sst")
    });
    tables.sort_by_key(|path| path.metadata().expect("a file").len());
    let largest = tables.last().expect("a file");
    let length = largest.metadata().expect("a file").len() as usize;
    flip(largest, length / 3, 0);

    let ctx = start().await;
    ctx.wait_ready(LIMIT).await.expect("the tables are ready");
    let error = ctx.set::<Row>().to_list().await.expect_err("it is damaged");
    assert!(error.to_string().contains("corrupt"), "{error}");
    let set = ctx.set::<Other>();
    assert_eq!(set.to_list().await.expect("a list"), others);
    for other in &others {
        assert_eq!(
            set.get(other.id).await.expect("a row").as_ref(),
            Some(other)
        );
    }
    // Whether it still takes new rows is another matter: once RocksDB meets the damage by itself it writes nothing more.
    let _ = ctx.shutdown().await;
}
