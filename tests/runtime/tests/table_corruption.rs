//! Flipped bytes under a table (RT9): a typed error or a rebuild, other reads right or refused, never a wrong row, and
//! never a loop of crashes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ksql_runtime::prelude::*;
use ksql_runtime_tests::workload::{Row, mix, row};

/// Which files, by their names.
type Wanted = fn(&str) -> bool;

const LIMIT: Duration = Duration::from_secs(60);
const ROWS: u64 = 3_000;

fn builder(directory: &Path, rebuild: bool) -> ContextBuilder {
    let config = Config {
        rebuild_on_corruption: rebuild,
        ..Config::default()
    };
    Context::builder()
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

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory");
    for entry in std::fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).expect("a copy");
        }
    }
}

fn files(directory: &Path, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            path.file_name()
                .and_then(|name| name.to_str())
                .is_some_and(&wanted)
        })
        .filter(|path| std::fs::metadata(path).is_ok_and(|meta| meta.len() > 0))
        .collect();
    found.sort();
    found
}

fn flip(path: &Path, seed: u64) {
    let mut bytes = std::fs::read(path).expect("the file is read");
    let at = (seed as usize) % bytes.len();
    bytes[at] ^= 1 << (seed >> 32 & 7);
    std::fs::write(path, bytes).expect("the file is written");
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
    let seed: u64 = std::env::var("KSQL_TEST_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(rand::random);
    let original = tempfile::tempdir().expect("a directory");
    filled(original.path()).await;
    let (mut refused, mut rebuilt, mut harmless) = (0, 0, 0);
    let kinds: [(&str, Wanted); 3] = [
        ("SST", |name| name.ends_with(".sst")),
        ("MANIFEST", |name| name.starts_with("MANIFEST")),
        ("CURRENT", |name| name == "CURRENT"),
    ];
    for case in 0..30_u64 {
        let (kind, wanted) = kinds[(case % 3) as usize];
        let directory = tempfile::tempdir().expect("a directory");
        copy(original.path(), directory.path());
        let candidates = files(&directory.path().join("state"), wanted);
        assert!(!candidates.is_empty(), "the state has a {kind}");
        let draw = mix(seed, case);
        flip(&candidates[(draw >> 48) as usize % candidates.len()], draw);

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
    }
    assert_eq!(refused, rebuilt);
    println!(
        r#"{{"test":"RT9","seed":{seed},"cases":30,"refused":{refused},"rebuilt":{rebuilt},"harmless":{harmless}}}"#
    );
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
