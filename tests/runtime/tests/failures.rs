//! What errors say: the outermost text tells every cause down to the operating system's, and each is there as a source.

use std::path::Path;

use ksql_runtime::error::{Error, Step};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::errors::texts;
use ksql_runtime_tests::workload::{Row, row};

fn builder(directory: &Path) -> ContextBuilder {
    ksql_runtime_tests::context()
        .entity::<Row>()
        .state_dir(directory)
        .setting("ready_timeout", "5m")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_that_cannot_be_made_says_why_in_the_systems_words() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("file");
    std::fs::write(&file, "x").expect("a file");
    let path = file.join("state");
    let said = std::fs::create_dir(&path).expect_err("below a file");
    let error = builder(&path)
        .start()
        .await
        .expect_err("no such directory can be");
    assert!(
        matches!(
            error,
            Error::Start {
                step: Step::TakeDirectory,
                ..
            }
        ),
        "{error:?}"
    );
    let texts = texts(&error);
    let outermost = &texts[0];
    for word in [
        "take the state directory",
        &path.display().to_string(),
        &said.to_string(),
    ] {
        assert_eq!(
            outermost.matches(word).count(),
            1,
            "`{word}` once in: {outermost}"
        );
    }
    assert_eq!(
        texts.last(),
        Some(&said.to_string()),
        "the system's error is a source"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_over_a_damaged_log_says_where_and_what_the_storage_found() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = builder(directory.path())
        .start()
        .await
        .expect("the context starts");
    let rows = (0..20_000).map(|n| row(n as i64, n));
    ctx.set::<Row>().add_all(rows).await.expect("added");
    ctx.shutdown().await.expect("a clean end");
    // Opening it once more moves the records from the write-ahead log into tables.
    let ctx = builder(directory.path())
        .start()
        .await
        .expect("the context starts");
    ctx.shutdown().await.expect("a clean end");
    std::fs::remove_dir_all(directory.path().join("state")).expect("the state is removed");
    let data = directory.path().join("log").join("data");
    let mut largest: Vec<_> = std::fs::read_dir(&data)
        .expect("files")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sst"))
        .collect();
    largest.sort_by_key(|path| std::fs::metadata(path).map_or(0, |file| file.len()));
    let path = largest.pop().expect("the records are in a table");
    let mut bytes = std::fs::read(&path).expect("the file");
    // A third of a file of records is records: what finds and describes them lies at its end.
    let at = bytes.len() / 3;
    bytes[at] ^= 1;
    std::fs::write(&path, bytes).expect("the file is written");

    let error = builder(directory.path())
        .start()
        .await
        .expect_err("the table cannot be read");
    let texts = texts(&error);
    for word in [
        "`rows`",
        "ERROR",
        "cannot be read",
        "partition",
        "is damaged at offset",
        "checksum",
    ] {
        assert!(texts[0].contains(word), "`{word}` is not in: {}", texts[0]);
    }
    let deepest = texts.last().expect("a text");
    assert!(
        deepest.contains("Corruption") && texts[0].contains(deepest.as_str()),
        "what RocksDB said is the last source and in the text: {texts:?}"
    );
    assert_eq!(texts[0].matches(deepest.as_str()).count(), 1, "{texts:?}");
}
