//! What stands in the fields of log lines: everything logged while tables and queries run, fail and come back has the fields
//! that docs/operation.md names, with their meaning. In a process of its own: the lines of all threads are looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use ksql_runtime::consume::{OnDecodeError, OnError, Records as _, Start};
use ksql_runtime::log::{Log, Record};
use ksql_runtime::prelude::*;
use ksql_runtime::state::State;
use ksql_runtime_tests::consuming::reaches;
use ksql_runtime_tests::queries::{LoudOnes, Reading};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

const PAGE: &str = include_str!("../../../docs/operation.md");

/// Fields of lines that are about no entity, query or topic: what a start finds, and where it is.
const OF_THE_PLACE: [&str; 12] = [
    "application",
    "address",
    "directory",
    "path",
    "settings",
    "variable",
    "nearest",
    "version",
    "id",
    "partitions",
    "batch",
    "difference",
];

/// A line or a span, with its fields.
#[derive(Debug, Clone)]
struct Line {
    target: &'static str,
    fields: BTreeMap<&'static str, String>,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<Line>>>);

struct Fields<'l>(&'l mut Line);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.fields.insert(field.name(), format!("{value:?}"));
    }
}

impl Lines {
    fn keep(&self, metadata: &'static Metadata<'static>, visit: impl FnOnce(&mut Fields<'_>)) {
        if !metadata.target().starts_with("ksql_runtime") {
            return;
        }
        let mut line = Line {
            target: metadata.target(),
            fields: BTreeMap::new(),
        };
        visit(&mut Fields(&mut line));
        self.0.lock().expect("a lock").push(line);
    }

    /// The fields of the first line whose message has this text.
    fn of(&self, message: &str) -> BTreeMap<&'static str, String> {
        let lines = self.0.lock().expect("a lock");
        let has = |line: &&Line| {
            let told = line.fields.get("message");
            told.is_some_and(|told| told.contains(message))
        };
        let found = lines.iter().find(has);
        found
            .unwrap_or_else(|| panic!("no line says `{message}`: {lines:#?}"))
            .fields
            .clone()
    }
}

impl Subscriber for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        self.keep(span.metadata(), |fields| span.record(fields));
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        self.keep(event.metadata(), |fields| event.record(fields));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("fields")]
#[table]
#[entity(namespace = "log_fields")]
pub struct Fielded {
    #[key]
    pub id: i64,
    pub text: String,
}

/// A handler that fails, what is no row, and a message that nobody settles.
async fn consume(ctx: &Context) {
    let set = ctx.set::<Fielded>();
    let subscription = set
        .consume()
        .group("failing")
        .start(Start::Earliest)
        .with_retry(2, std::time::Duration::from_millis(1))
        .on_error(OnError::Skip)
        .on_decode_error(OnDecodeError::Dlq)
        .for_each(|_| async { Err::<(), _>(std::io::Error::other("it does not work")) })
        .start()
        .await
        .expect("it starts");
    reaches(&subscription, "the end", |status| {
        status.partitions.len() == 1 && status.lag() == 0
    })
    .await;
    subscription.stop().await.expect("it ends");
    let stream = set.consume().group("dropping").start(Start::Earliest);
    let stream = stream.with_manual_commit().stream().await;
    let mut stream = stream.expect("it starts");
    drop(stream.next().await.expect("a message"));
    let again = stream.next().await.expect("the message again");
    assert_eq!(again.meta().attempt(), 2);
    let _ = again.commit();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_has_one_name_everywhere_and_lines_say_what_they_are_about() {
    let lines = Lines::default();
    tracing::subscriber::set_global_default(lines.clone()).expect("the first one");
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = ksql_runtime_tests::context()
        .entity::<Fielded>()
        .query(LoudOnes)
        .state_dir(directory.path())
        .setting("on_poison", "mark")
        .setting("retry_first", "1ms")
        .start()
        .await
        .expect("started");
    let limit = std::time::Duration::from_secs(120);
    let text = "a".to_owned();
    let set = ctx.set::<Fielded>();
    set.add(Fielded { id: 1, text }).await.expect("added");
    let one = Reading {
        sensor: "a".to_owned(),
        room: None,
        value: 1,
    };
    let added = ctx.set::<Reading>().add(one).await.expect("added");
    // No row, under a key that can be read.
    let mut poison = Vec::new();
    for (topic, key) in [
        ("fields", 7_i64.to_be_bytes().to_vec()),
        (&*added.topic, b"b".to_vec()),
    ] {
        let record = Record::new(Some(&key), Some(b"no value"), 1);
        let receipt = ctx.log().produce(topic, record).await.expect("produced");
        poison.push((receipt.partition.to_string(), receipt.offset.to_string()));
    }
    ctx.wait_caught_up(limit).await.expect("it is read");
    consume(&ctx).await;
    let mut events = ctx.events();
    let Log::Embedded(log) = ctx.log() else {
        panic!("another log");
    };
    log.fail_reads(u32::MAX);
    let mut left = BTreeSet::new();
    while left.len() < 2 {
        let event = events.recv().await.expect("an event");
        if event.current == State::Disconnected {
            left.insert(event.entity);
        }
    }
    log.fail_reads(0);
    ctx.wait_ready(limit).await.expect("it comes back");
    ctx.shutdown().await.expect("a clean end");

    let documented: BTreeSet<&str> = PAGE
        .split_once("## Logs")
        .expect("the part about logs")
        .1
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split(" |").next())
        .flat_map(|cell| cell.split('`').step_by(2))
        .filter(|name| !name.is_empty() && !name.starts_with(','))
        .collect();
    assert!(
        documented.contains("entity") && documented.contains("current"),
        "{documented:?}"
    );
    for line in lines.0.lock().expect("a lock").iter() {
        for field in line.fields.keys() {
            let known =
                *field == "message" || documented.contains(field) || OF_THE_PLACE.contains(field);
            assert!(
                known,
                "`{field}` is no field of docs/operation.md: {line:?}"
            );
        }
        assert!(
            !(line.fields.contains_key("entity") && line.fields.contains_key("query")),
            "it is about one of the two: {line:?}"
        );
        assert!(line.target.starts_with("ksql_runtime::"), "{line:?}");
    }
    let has = |message: &str, wanted: &[(&str, &str)]| {
        let fields = lines.of(message);
        for (name, value) in wanted {
            let told = fields
                .get(name)
                .unwrap_or_else(|| panic!("no `{name}`: {fields:?}"));
            assert!(told.contains(value), "`{name}` is {told}, not {value}");
        }
    };
    has("generated KSQL", &[("entity", ""), ("statement", "CREATE")]);
    has(
        "table left RUNNING",
        &[
            ("entity", "Fielded"),
            ("topic", "fields"),
            ("previous", "RUNNING"),
            ("current", "DISCONNECTED"),
            ("error", "a fault that was asked for"),
        ],
    );
    has(
        "query left RUNNING",
        &[
            ("query", "LoudOnes"),
            ("topic", &added.topic),
            ("current", "DISCONNECTED"),
            ("error", "a fault that was asked for"),
        ],
    );
    has(
        "key marked as poisoned",
        &[
            ("entity", "Fielded"),
            ("topic", "fields"),
            ("partition", &poison[0].0),
            ("offset", &poison[0].1),
            ("reason", ""),
        ],
    );
    has(
        "record left out",
        &[
            ("query", "LoudOnes"),
            ("topic", &added.topic),
            ("partition", &poison[1].0),
            ("offset", &poison[1].1),
            ("reason", ""),
        ],
    );
    let of_failing = [
        ("entity", "Fielded"),
        ("topic", "fields"),
        ("group", "failing"),
        ("partition", "0"),
    ];
    has("a partition is assigned", &of_failing);
    has("a record comes again", &of_failing);
    has("a record comes again", &[("attempts", "1"), ("wait", "")]);
    has("a record is passed over", &of_failing);
    has(
        "a record is passed over",
        &[
            ("offset", "0"),
            ("attempts", "2"),
            ("stage", "handler"),
            ("error", "it does not work"),
        ],
    );
    has(
        "a record became a dead letter",
        &[
            ("entity", "Fielded"),
            ("offset", &poison[0].1),
            ("attempts", "1"),
            ("stage", "value"),
        ],
    );
    has(
        "a message was dropped unsettled",
        &[("topic", "fields"), ("partition", "0"), ("offset", "0")],
    );
    has("topic created", &[("entity", ""), ("topic", "")]);
    has("schema registered", &[("subject", "-value")]);
}
