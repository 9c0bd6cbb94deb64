//! Killed at any moment: an acknowledged letter is there, and a letter noted as replayed was.

use std::collections::BTreeMap;

use ksql_runtime::dlq::LetterFilter;
use ksql_runtime::log::Log;
use ksql_runtime_tests::child::Lines;
use ksql_runtime_tests::workload::Row;

use crate::LIMIT;

const CHILD: &str = env!("CARGO_BIN_EXE_letter_child");
const ROWS: usize = 300;

/// Runs the child until it is done, killing it after some lines each time; how often it was killed.
fn until_done(arguments: &[&str], directory: &std::path::Path, lines: &mut Vec<String>) -> usize {
    let mut kills = 0;
    loop {
        let mut child = Lines::start(CHILD, arguments, directory);
        let left = rand::random_range(1..60);
        for _ in 0..left {
            let line = child.next(LIMIT).expect("a line, or the time is over");
            if line == "done" {
                child.kill(|_| ());
                return kills;
            }
            lines.push(line);
        }
        // What it says before it is dead was acknowledged too.
        child.kill(|line| lines.push(line.to_owned()));
        if lines.pop_if(|line| line == "done").is_some() {
            return kills;
        }
        kills += 1;
    }
}

/// How often each key is in the topic of the rows.
fn keys(log: &Log) -> BTreeMap<Vec<u8>, usize> {
    let mut keys = BTreeMap::new();
    for partition in 0.. {
        let Log::Embedded(embedded) = log else {
            panic!("it is embedded");
        };
        let Ok(offsets) = embedded.offsets("rows", partition) else {
            return keys;
        };
        let mut reader = log
            .reader("rows", &[(partition, offsets.start)])
            .expect("a reader");
        let mut next = offsets.start;
        while next < offsets.end {
            let fetched = reader.poll(LIMIT).expect("a poll").expect("records");
            for record in &fetched {
                *keys.entry(record.key.expect("a key").to_vec()).or_default() += 1;
            }
            next = fetched.next_offset();
        }
    }
    keys
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_no_acknowledged_letter_is_lost_and_none_noted_that_was_not_replayed()
{
    let directory = tempfile::tempdir().expect("a directory");
    let mut wrote = Vec::new();
    let rows = ROWS.to_string();
    let kills = until_done(&["write", &rows], directory.path(), &mut wrote);
    assert!(kills > 0, "it was killed");
    assert!(
        wrote.len() <= ROWS,
        "a letter that is there is not written again"
    );

    let mut replayed = Vec::new();
    let kills = until_done(&["replay"], directory.path(), &mut replayed);
    assert!(kills > 0, "it was killed");

    let ctx = ksql_runtime_tests::context()
        .entity::<Row>()
        .state_dir(directory.path())
        .start()
        .await
        .expect("started");
    let letters = ctx.dead_letters();
    let status = letters.status().await.expect("a status");
    assert_eq!(
        (status.letters, status.replayed),
        (ROWS as u64, ROWS as u64)
    );
    let all = LetterFilter::default().by_offset().limit(usize::MAX);
    let all = letters.list(&all).await.expect("a list");
    let log = ctx.log().clone();
    let keys = tokio::task::spawn_blocking(move || keys(&log)).await;
    let keys = keys.expect("they are read");
    for letter in &all {
        let key = letter.key.as_ref().expect("a key");
        assert!(
            keys.contains_key(key),
            "{} is noted and is not there",
            letter.id
        );
        assert!(
            keys[key] <= 1 + kills,
            "{} is there {} times",
            letter.id,
            keys[key]
        );
    }
    assert_eq!(keys.len(), ROWS);
    let twice = keys.values().sum::<usize>() - ROWS;
    assert!(twice <= kills, "{twice} more than once, of {kills} kills");
    let rows = ctx.set::<Row>();
    ctx.wait_caught_up(LIMIT).await.expect("caught up");
    assert_eq!(rows.count().await.expect("a count"), ROWS as u64);
    ctx.shutdown().await.expect("it ends");
}
