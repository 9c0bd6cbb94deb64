//! How a table's thread ends: behind everything that was acknowledged, or with the reason why it cannot go on.

use std::time::Duration;

use ksql_runtime::codec::result::Cells;
use ksql_runtime::codec::{DecodeError, Defect};
use ksql_runtime::error::Error;
use ksql_runtime::ops::Scratch;
use ksql_runtime::prelude::*;
use ksql_runtime::state::{State, StateError};
use ksql_runtime_tests::workload::{Row, row};

const LIMIT: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_right_after_the_last_acknowledgement_leaves_nothing_to_replay() {
    let rows = 40_000;
    let directory = tempfile::tempdir().expect("a directory");
    for round in 0..4 {
        let ctx = ksql_runtime_tests::context()
            .entity::<Row>()
            .state_dir(directory.path())
            .start()
            .await
            .expect("the context starts");
        let set = ctx.set::<Row>();
        assert_eq!(set.replayed().expect("a table"), 0, "round {round}");
        assert_eq!(set.count().await.expect("a count"), round * rows);
        let batch = round * rows..(round + 1) * rows;
        let added = set.add_all(batch.map(|n| row(n as i64, n))).await;
        assert_eq!(added.expect("acknowledged").records, rows);
        ctx.shutdown().await.expect("a clean end");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_does_not_wait_for_records_that_cannot_be_read() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = ksql_runtime_tests::context()
        .entity::<Row>()
        .state_dir(directory.path())
        .setting("retry_first", "60m")
        .setting("retry_longest", "60m")
        .start()
        .await
        .expect("the context starts");
    if let ksql_runtime::log::Log::Embedded(log) = ctx.log() {
        log.fail_reads(u32::MAX);
    }
    let set = ctx.set::<Row>();
    set.add(row(1, 1)).await.expect("acknowledged");
    tokio::time::timeout(LIMIT, ctx.shutdown())
        .await
        .expect("in time")
        .expect("a clean end");
    assert_eq!(set.state().expect("a table"), State::NotRunning);
}

/// A row whose check panics where its text says so: a defect below a table, as a program sees it.
#[derive(Debug, Clone, PartialEq)]
struct Brittle(Row);

impl TableEntity for Brittle {}
impl Writable for Brittle {}

impl Entity for Brittle {
    type Key = <Row as Entity>::Key;
    type Value = <Row as Entity>::Value;
    type Row<'a> = <Row as Entity>::Row<'a>;
    const MODEL: &'static ksql_runtime::schema::Entity<'static> = Row::MODEL;
    const COLUMNS: &'static [ksql_runtime::schema::Column<'static>] = Row::COLUMNS;
    const VALUE_SCHEMA: &'static str = Row::VALUE_SCHEMA;
    const KEY_SCHEMA: &'static str = Row::KEY_SCHEMA;
    const CREATE: &'static str = Row::CREATE;
    const FINGERPRINT: u64 = Row::FINGERPRINT;

    fn key(&self) -> Self::Key {
        self.0.key()
    }

    fn split(self) -> (Self::Key, Self::Value) {
        self.0.split()
    }

    fn join(key: Self::Key, value: Self::Value) -> Self {
        Brittle(Row::join(key, value))
    }

    fn encode_key(&self, schema_id: u32, out: &mut Vec<u8>) -> Result<bool, Defect> {
        self.0.encode_key(schema_id, out)
    }

    fn encode_value(&self, out: &mut Vec<u8>) -> Result<(), Defect> {
        self.0.encode_value(out)
    }

    fn decode(key: Self::Key, body: &[u8]) -> Result<Self, DecodeError> {
        Row::decode(key, body).map(Brittle)
    }

    fn decode_row<'a>(key: &'a Self::Key, body: &'a [u8]) -> Result<Self::Row<'a>, DecodeError> {
        Row::decode_row(key, body)
    }

    fn check(body: &[u8]) -> Result<(), DecodeError> {
        assert!(!body.ends_with(b"brittle"), "it broke");
        Row::check(body)
    }

    fn row(&self) -> Self::Row<'_> {
        self.0.row()
    }

    fn from_row(row: Self::Row<'_>) -> Result<Self, DecodeError> {
        Row::from_row(row).map(Brittle)
    }

    fn timestamp(&self) -> Option<i64> {
        self.0.timestamp()
    }

    fn cells<'a>(row: Self::Row<'a>, scratch: &'a Scratch, cells: &mut impl Cells<'a>) {
        Row::cells(row, scratch, cells);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_below_a_table_ends_it_with_what_was_said_and_no_old_row_is_served() {
    let directory = tempfile::tempdir().expect("a directory");
    let start = || {
        ksql_runtime_tests::context()
            .entity::<Brittle>()
            .state_dir(directory.path())
            .setting("ready_timeout", "5m")
            .start()
    };
    let defect = |error: &Error| {
        let text = error.to_string();
        for word in ["`rows`", "ERROR", "it broke", "please report it"] {
            assert!(text.contains(word), "`{word}` is not in: {text}");
        }
    };
    let ctx = start().await.expect("the context starts");
    let set = ctx.set::<Brittle>();
    let receipt = set.add(Brittle(row(1, 1))).await.expect("added");
    let found = set.at_least(receipt).get(1).await.expect("a read");
    assert_eq!(found, Some(Brittle(row(1, 1))));
    let broken = Row {
        text: "brittle".to_owned(),
        ..row(1, 2)
    };
    let receipt = set.add(Brittle(broken)).await.expect("added");
    let error = set.at_least(receipt).get(1).await.expect_err("it ended");
    assert!(
        matches!(&error, Error::NotReady { state: State::Error, reason: Some(reason), .. }
            if matches!(**reason, StateError::Defect { .. })),
        "{error:?}"
    );
    defect(&error);
    defect(&set.get(1).await.expect_err("the row before is not served"));
    ctx.shutdown().await.expect("a clean end");
    // While restoring it is the start that fails.
    defect(&start().await.expect_err("the start fails"));
}
