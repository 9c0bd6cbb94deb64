//! What a program sees in its logs: the generated KSQL, spans that name what they are about, a warning when a table is not
//! ready any more (R6.5, R9.1); and the names of stores (R6.2).

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use ksql_runtime::log::Log;
use ksql_runtime::prelude::*;
use ksql_runtime::state::State;
use tracing_subscriber::fmt::format::FmtSpan;

/// Everything logged by this process: tables and logs have threads of their own, so a log of one thread would miss them.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("a lock").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The lines logged so far.
fn lines() -> Vec<String> {
    static LOGGED: OnceLock<Logged> = OnceLock::new();
    let logged = LOGGED.get_or_init(|| {
        let logged = Logged::default();
        let writer = logged.clone();
        tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_ansi(false)
            .with_span_events(FmtSpan::NEW)
            .with_writer(move || writer.clone())
            .init();
        logged
    });
    let bytes = logged.0.lock().expect("a lock").clone();
    String::from_utf8_lossy(&bytes)
        .lines()
        .map(str::to_owned)
        .collect()
}

/// Whether one line has all these words.
fn logged(words: &[&str]) -> bool {
    lines()
        .iter()
        .any(|line| words.iter().all(|word| line.contains(word)))
}

#[track_caller]
fn expect(words: &[&str]) {
    let lines = lines().join("\n");
    assert!(logged(words), "no line has {words:?}:\n{lines}");
}

async fn start<T: Entity>(directory: &Path) -> Context {
    lines();
    ksql_runtime_tests::context()
        .entity::<T>()
        .state_dir(directory)
        .setting("application_id", "tracing-test")
        .setting("retry_first", "1ms")
        .start()
        .await
        .expect("the context starts")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_logs_the_ksql_and_every_part_has_a_span_that_names_what_it_works_on() {
    #[derive(Debug, Clone, PartialEq, Entity)]
    #[topic("spanned", partitions = 2)]
    #[table]
    #[entity(namespace = "traces")]
    pub struct Spanned {
        #[key]
        pub id: i64,
        pub text: String,
    }
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = start::<Spanned>(directory.path()).await;
    let text = "x".to_owned();
    let set = ctx.set::<Spanned>();
    let receipt = set.add(Spanned { id: 1, text }).await.expect("added");
    set.add_all([]).await.expect("added");
    set.at_least(receipt).to_list().await.expect("a list");
    ctx.shutdown().await.expect("a clean end");
    expect(&[
        "DEBUG",
        "generated KSQL",
        "CREATE TABLE IF NOT EXISTS `SPANNED`",
        "KAFKA_TOPIC='spanned'",
        "entity=\"Spanned\"",
    ]);
    expect(&["INFO", "start{application=tracing-test}"]);
    expect(&["topic created", "spanned"]);
    expect(&["log{directory=", &directory.path().display().to_string()]);
    expect(&[
        "table{entity=\"Spanned\" topic=\"spanned\"}",
        "current=RUNNING",
    ]);
    for span in ["add{", "add_all{", "to_list{"] {
        expect(&[span, "entity=\"Spanned\""]);
    }
    expect(&["register{", "subject=\"spanned-value\""]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_leaves_running_is_a_warning_with_its_cause_and_an_orderly_end_is_none() {
    #[derive(Debug, Clone, PartialEq, Entity)]
    #[topic("warned")]
    #[table]
    #[entity(namespace = "traces")]
    pub struct Warned {
        #[key]
        pub id: i64,
        pub text: String,
    }
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = start::<Warned>(directory.path()).await;
    let mut events = ctx.events();
    let Log::Embedded(log) = ctx.log() else {
        panic!("another log");
    };
    log.fail_reads(1);
    while events.recv().await.expect("an event").current != State::Running {}
    ctx.shutdown().await.expect("a clean end");
    expect(&[
        "WARN",
        "table left RUNNING",
        "topic=\"warned\"",
        "previous=RUNNING",
        "current=DISCONNECTED",
        "a fault that was asked for",
    ]);
    expect(&["INFO", "topic=\"warned\"", "current=NOT_RUNNING"]);
    assert!(
        !logged(&["WARN", "topic=\"warned\"", "current=NOT_RUNNING"]),
        "an end that was asked for is no warning"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_has_one_store_with_the_name_of_its_entity() {
    #[derive(Debug, Clone, PartialEq, Entity)]
    #[topic("named")]
    #[table]
    #[entity(namespace = "traces")]
    pub struct Named {
        #[key]
        pub id: i64,
        pub text: String,
    }
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = start::<Named>(directory.path()).await;
    ctx.shutdown().await.expect("a clean end");
    let mut stores = Vec::new();
    for entry in std::fs::read_dir(directory.path().join("state")).expect("the state") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        if name.starts_with("OPTIONS-") {
            let text = std::fs::read_to_string(&path).expect("options");
            stores = text
                .lines()
                .filter_map(|line| line.trim().strip_prefix("[CFOptions \""))
                .filter_map(|line| line.strip_suffix("\"]"))
                .map(str::to_owned)
                .collect();
        }
    }
    stores.sort();
    assert_eq!(stores, ["Named_Store", "default", "offsets"]);
}
