//! Contexts and sets as a program uses them: what is answered, what is refused, and what the errors say.

use std::path::Path;
use std::time::Duration;

use ksql_runtime::error::Error;
use ksql_runtime::log::Record;
use ksql_runtime::prelude::*;

const LIMIT: Duration = Duration::from_secs(300);

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("stock", partitions = 3)]
#[table]
#[entity(namespace = "shop")]
pub struct Stock {
    #[key]
    pub article: String,
    pub pieces: i32,
    #[max_length(5)]
    pub shelf: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("legs", partitions = 4)]
#[table]
#[entity(namespace = "shop")]
pub struct Leg {
    #[key]
    pub carrier: String,
    #[key]
    pub flight: i64,
    pub delay: i32,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("clicks")]
#[stream]
#[entity(namespace = "shop")]
pub struct Click {
    pub page: String,
    #[timestamp]
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("sold")]
#[table]
#[window(tumbling, minutes = [5])]
#[entity(namespace = "shop")]
pub struct Sold {
    #[key]
    pub article: String,
    pub pieces: i64,
}

fn builder(directory: &Path) -> ContextBuilder {
    ksql_runtime_tests::context()
        .entity::<Stock>()
        .entity::<Leg>()
        .entity::<Click>()
        .state_dir(directory)
}

async fn start(directory: &Path) -> Context {
    builder(directory)
        .start()
        .await
        .expect("the context starts")
}

fn stock(article: &str, pieces: i32) -> Stock {
    Stock {
        article: article.into(),
        pieces,
        shelf: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_added_is_read_by_key_in_order_by_range_and_filtered() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = start(directory.path()).await;
    let set = ctx.set::<Stock>();
    let names: Vec<String> = (0..200).map(|n| format!("a{n:03}")).collect();
    let added = set
        .add_all(names.iter().zip(0..).map(|(name, n)| stock(name, n)))
        .await
        .expect("added");
    assert_eq!(added.records, 200);
    let set = set.at_least(&added);
    let rows = set.to_list().await.expect("rows");
    let found: Vec<&str> = rows.iter().map(|row| row.article.as_str()).collect();
    assert_eq!(found, names, "all partitions, in key order");
    assert_eq!(set.count().await.expect("a count"), 200);
    assert_eq!(
        set.get("a007").await.expect("a read"),
        Some(stock("a007", 7))
    );
    assert_eq!(set.get("b").await.expect("a read"), None);
    let range = set.range("a010".."a012").await.expect("a range");
    assert_eq!(range, [stock("a010", 10), stock("a011", 11)]);
    assert_eq!(set.range("a198"..).await.expect("a range").len(), 2);
    assert_eq!(set.range(..="a001").await.expect("a range").len(), 2);
    let filtered = set.filter(|row| row.pieces >= 195);
    assert_eq!(filtered.to_list().await.expect("rows").len(), 5);
    assert_eq!(filtered.count().await.expect("a count"), 5);
    let first = filtered.first().await.expect("a row");
    assert_eq!(first, Some(stock("a195", 195)));
    let (least, article) = (195, "a197");
    let condition = ksql!(|s: &Stock| s.pieces >= least && s.article != article);
    let matching = set.matching(condition);
    let found = matching.to_list().await.expect("rows");
    let found: Vec<i32> = found.iter().map(|row| row.pieces).collect();
    assert_eq!(found, [195, 196, 198, 199]);
    assert_eq!(matching.count().await.expect("a count"), 4);
    let first = matching.first().await.expect("a row");
    assert_eq!(first, Some(stock("a195", 195)));
    let none = set.filter(|row| row.pieces > 999);
    assert_eq!(none.first().await.expect("no row"), None);
    let mut sum = 0;
    set.scan(|row| sum += row.pieces).await.expect("a scan");
    assert_eq!(sum, (0..200).sum::<i32>());
    assert_eq!(set.end_offset().await.expect("ends"), 200);
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tombstone_deletes_and_a_later_record_brings_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = start(directory.path()).await;
    let set = ctx.set::<Leg>();
    let leg = Leg {
        carrier: "UA".into(),
        flight: 12,
        delay: 3,
    };
    let key = || ("UA".to_owned(), 12);
    let receipt = set.add(leg.clone()).await.expect("added");
    let get = async |receipt: &_| set.at_least(receipt).get(key()).await.expect("a read");
    assert_eq!(get(&receipt).await, Some(leg.clone()));
    let receipt = set.remove(key()).await.expect("removed");
    assert_eq!(get(&receipt).await, None);
    let receipt = set.add(leg.clone()).await.expect("added");
    assert_eq!(get(&receipt).await, Some(leg));
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_of_another_writers_schema_is_the_same_row() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = start(directory.path()).await;
    let set = ctx.set::<Leg>();
    let leg = |delay| Leg {
        carrier: "UA".into(),
        flight: 12,
        delay,
    };
    set.add(leg(1)).await.expect("added");
    // Another record name: another id, another partition perhaps, the same key.
    let schema = r#"{"type":"record","name":"Other","fields":[{"name":"CARRIER","type":["null","string"]},{"name":"FLIGHT","type":["null","long"]}]}"#;
    let id = ctx
        .registry()
        .register("other", schema)
        .await
        .expect("registered");
    let mut key = vec![0];
    key.extend_from_slice(&id.to_be_bytes());
    key.extend_from_slice(&[2, 4, b'U', b'A', 2, 24]);
    let mut own = Vec::new();
    leg(1).encode_key(0, &mut own).expect("a key");
    assert_eq!(key[5..], own[5..], "the same columns");
    let receipt = ctx
        .log()
        .produce("legs", Record::new(Some(&key), None, 0).partition(2))
        .await
        .expect("produced");
    let receipt = set.at_least(receipt).add(leg(5)).await.expect("added");
    let found = set.at_least(&receipt).get(("UA".to_owned(), 12)).await;
    assert_eq!(found.expect("a read"), Some(leg(5)));
    ctx.shutdown().await.expect("a clean end");
}

/// On one thread nothing else runs between the cancelling and the look.
#[tokio::test(flavor = "current_thread")]
async fn a_cancelled_add_leaves_no_task_behind_that_would_send_later() {
    let dir = tempfile::tempdir().expect("a directory");
    let ctx = start(dir.path()).await;
    let set = ctx.set::<Stock>();
    let alive = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let before = alive();
    {
        let rows: Vec<Stock> = (0..100).map(|n| stock(&n.to_string(), n)).collect();
        let mut adding = std::pin::pin!(set.add_all(rows));
        // The log's writer may have answered already; a task would not have run yet, and be alive.
        let _ = std::future::poll_fn(|context| {
            std::task::Poll::Ready(adding.as_mut().poll(context).is_pending())
        })
        .await;
    }
    assert_eq!(alive(), before);
    // What was begun is in the log's hands, and an end waits for it.
    ctx.log().flush().await.expect("flushed");
    assert_eq!(set.end_offset().await.expect("the ends"), 100);
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_defect_is_an_error_before_anything_is_sent_and_names_field_and_topic() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = start(directory.path()).await;
    let set = ctx.set::<Stock>();
    let wrong = Stock {
        shelf: Some("too long".into()),
        ..stock("a", 1)
    };
    for result in [
        set.add(wrong.clone()).await.map(drop),
        set.add_all([stock("b", 1), wrong]).await.map(drop),
    ] {
        let error = result.expect_err("too long").to_string();
        for word in ["`Stock`", "`stock`", "`shelf`", "8", "5", "0 records"] {
            assert!(error.contains(word), "`{word}` is not in: {error}");
        }
    }
    assert_eq!(set.end_offset().await.expect("ends"), 0, "nothing was sent");
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_time_is_the_records_timestamp_else_the_clock_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let clock = ksql_runtime::clock::Clock::manual(42);
    let ctx = builder(directory.path())
        .clock(clock)
        .start()
        .await
        .expect("started");
    let at = DateTime::from_timestamp_millis(1_000).expect("a moment");
    let page = "home".to_owned();
    let receipt = ctx
        .set::<Click>()
        .add(Click { page, at })
        .await
        .expect("added");
    assert_eq!(receipt.timestamp, 1_000);
    let receipt = ctx.set::<Stock>().add(stock("a", 1)).await.expect("added");
    assert_eq!(receipt.timestamp, 42);
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_entity_and_a_table_that_is_not_kept_say_what_to_do() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = ksql_runtime_tests::context()
        .entity::<Stock>()
        .setting("entity.Stock.cached", "false")
        .state_dir(directory.path())
        .start()
        .await
        .expect("started");
    let error = ctx
        .set::<Leg>()
        .to_list()
        .await
        .expect_err("unknown")
        .to_string();
    assert!(error.contains("`.entity::<Leg>()`"), "{error}");
    let set = ctx.set::<Stock>();
    set.add(stock("a", 1)).await.expect("it can be written");
    let error = set.get("a").await.expect_err("not kept").to_string();
    assert!(
        error.contains("`Stock`") && error.contains("`cached`"),
        "{error}"
    );
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_windowed_entity_says_that_queries_fill_it_and_not_to_add_it_once_more() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = ksql_runtime_tests::context()
        .entity::<Sold>()
        .state_dir(directory.path())
        .start()
        .await
        .expect("started");
    for error in [
        ctx.set::<Sold>().topic().map(drop).expect_err("no topic"),
        ctx.set::<Sold>().end_offset().await.expect_err("no topic"),
    ] {
        assert!(
            matches!(error, Error::Windowed { entity: "Sold" }),
            "{error:?}"
        );
        let text = error.to_string();
        assert!(
            text.contains("queries") && !text.contains(".entity::<"),
            "{text}"
        );
    }
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_is_no_row_stops_the_table_with_its_place() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = start(directory.path()).await;
    let set = ctx.set::<Stock>();
    let receipt = set.add(stock("a", 1)).await.expect("added");
    set.at_least(receipt).get("a").await.expect("a read");
    let bad = Record::new(Some(b"a"), Some(b"no avro"), 0);
    let receipt = ctx.log().produce("stock", bad).await.expect("produced");
    let error = ctx
        .wait_caught_up(LIMIT)
        .await
        .expect_err("stopped")
        .to_string();
    for word in [
        "`Stock`",
        "ERROR",
        &format!("partition {}", receipt.partition),
        "offset 1",
        "on_poison",
    ] {
        assert!(error.contains(word), "`{word}` is not in: {error}");
    }
    assert!(
        set.get("a").await.is_err(),
        "the old row is not served as the current one"
    );
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_marked_key_is_an_error_of_its_own_and_the_others_are_served() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = builder(directory.path())
        .setting("on_poison", "mark")
        .start()
        .await
        .expect("started");
    let set = ctx.set::<Stock>();
    set.add_all([stock("a", 1), stock("b", 2)])
        .await
        .expect("added");
    let bad = Record::new(Some(b"a"), Some(b"\0\0\0\0\x7fxx"), 0);
    let receipt = ctx.log().produce("stock", bad).await.expect("produced");
    // The other key may lie in another partition, of which the receipt says nothing.
    ctx.wait_caught_up(LIMIT).await.expect("caught up");
    let set = set.at_least(&receipt);
    let error = set.get("a").await.expect_err("marked").to_string();
    assert!(
        error.contains(&format!("offset {}", receipt.offset)),
        "{error}"
    );
    assert_eq!(set.get("b").await.expect("a read"), Some(stock("b", 2)));
    assert!(set.to_list().await.is_err(), "a list is whole or refused");
    let receipt = set.add(stock("a", 3)).await.expect("added");
    let set = set.at_least(&receipt);
    assert_eq!(
        set.get("a").await.expect("a read"),
        Some(stock("a", 3)),
        "healed by the next record"
    );
    assert_eq!(set.count().await.expect("a count"), 2);
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_kept_in_memory_are_never_older_than_what_was_waited_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = builder(directory.path())
        .setting("cache_rows", "100")
        .start()
        .await
        .expect("started");
    let set = ctx.set::<Stock>();
    for n in 0..300 {
        let receipt = set.add(stock("a", n)).await.expect("added");
        let found = set.at_least(&receipt).get("a").await.expect("a read");
        assert_eq!(found, Some(stock("a", n)));
        assert_eq!(set.get("a").await.expect("a cached read"), found);
    }
    let receipt = set.remove("a").await.expect("removed");
    assert_eq!(set.at_least(&receipt).get("a").await.expect("a read"), None);
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_reach_the_topics_and_the_texts() {
    let directory = tempfile::tempdir().expect("a directory");
    let builder = || {
        builder(directory.path())
            .setting("topic_prefix", "test.")
            .setting("entity.Stock.partitions", "7")
    };
    let ddl = builder().ddl().expect("texts");
    assert!(
        ddl.contains("KAFKA_TOPIC='test.stock', PARTITIONS=7"),
        "{ddl}"
    );
    assert_eq!(ddl.lines().count(), 3);
    assert!(ddl.lines().all(|line| line.ends_with(';')), "{ddl}");
    let avro = builder().avro().expect("texts");
    assert_eq!(
        avro.lines().count(),
        4,
        "a key schema for the composite key: {avro}"
    );
    let ctx = builder().start().await.expect("started");
    let topic = ctx.log().describe("test.stock").await.expect("the topic");
    assert_eq!(topic.partitions, 7);
    let subjects = ctx.registry().subjects().await.expect("subjects");
    assert_eq!(
        subjects,
        [
            "test.clicks-value",
            "test.legs-key",
            "test.legs-value",
            "test.stock-value"
        ]
    );
    ctx.shutdown().await.expect("a clean end");
    let error = builder()
        .setting("entity.Stok.partitions", "7")
        .start()
        .await
        .expect_err("no such entity")
        .to_string();
    assert!(
        error.contains("`Stok`") && error.contains("Stock"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_model_touches_nothing() {
    #[derive(Debug, Clone, Entity)]
    #[topic("stock", partitions = 3)]
    #[table]
    pub struct Copy {
        #[key]
        pub id: i64,
        pub value: i64,
    }
    let parent = tempfile::tempdir().expect("a directory");
    let directory = parent.path().join("never");
    let error = builder(&directory)
        .entity::<Copy>()
        .start()
        .await
        .expect_err("one topic, two entities")
        .to_string();
    assert!(
        error.contains("K0503") && error.contains("`Stock`") && error.contains("`Copy`"),
        "{error}"
    );
    assert!(!directory.exists(), "nothing was created");
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("scarce")]
#[table]
pub struct Scarce {
    #[key]
    pub article: String,
    pub pieces: i32,
}

#[query]
fn scarce(stock: Table<Stock>, limit: i32) -> Table<Scarce> {
    stock.filter(|s| s.pieces < limit).map(|s| Scarce {
        article: s.article,
        pieces: s.pieces,
    })
}

#[query]
fn scarcer(stock: Table<Stock>) -> Table<Scarce> {
    stock.filter(|s| s.pieces < 1).map(|s| Scarce {
        article: s.article,
        pieces: s.pieces,
    })
}

#[tokio::test]
async fn queries_that_do_not_go_together_touch_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let builder = ksql_runtime_tests::context().state_dir(directory.path());
    let builder = builder.query(scarce(5)).query(scarcer);
    let error = builder.start().await.expect_err("two write one entity");
    let text = error.to_string();
    assert!(
        text.contains("K0601: the queries `scarce` and `scarcer` both write `Scarce`"),
        "{text}"
    );
    let left = std::fs::read_dir(directory.path()).expect("the directory");
    assert_eq!(left.count(), 0);
}

#[test]
fn a_query_that_is_added_again_is_one_and_its_texts_are_those_of_the_configuration() {
    let builder = ksql_runtime_tests::context()
        .setting("topic_prefix", "dev.")
        .setting("entity.Scarce.partitions", "7")
        .query(scarce(5))
        .query(scarce(5));
    let explained: Vec<_> = builder.explanations().collect();
    assert_eq!(explained.len(), 1);
    assert!(builder.validate().is_empty(), "{:?}", builder.validate());
    let ddl = builder.ddl().expect("texts");
    let lines: Vec<&str> = ddl.lines().collect();
    assert_eq!(lines.len(), 2, "{ddl}");
    assert!(lines[0].contains("`STOCK`"), "{ddl}");
    assert!(
        lines[1].starts_with(
            "CREATE TABLE IF NOT EXISTS `SCARCE` WITH (KAFKA_TOPIC='dev.scarce', PARTITIONS=7, "
        ),
        "{ddl}"
    );
    assert!(
        lines[1].ends_with(" FROM `STOCK` WHERE (`PIECES` < 5) EMIT CHANGES;"),
        "{ddl}"
    );
}
