//! What was made to happen is what `/metrics` counts and the page shows: of consumers, dead letters, queries and errors, each
//! where it happened and nowhere else, and nothing before.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ksql_runtime::consume::{
    Consumer, ErrorClass, ForEach, HandlerError, OnDecodeError, OnError, Outcome, Start,
    Subscription,
};
use ksql_runtime::log::Record;
use ksql_runtime::prelude::*;
use ksql_runtime::testing::{self, Test};
use ksql_runtime_tests::consuming::{Site, Transfer, produce, reaches, transfer};
use ksql_runtime_tests::queries::{LoudOnes, Place, Reading, Rooms, Tumbling};
use tokio::sync::Semaphore;

async fn get(ctx: &Context, path: &str) -> String {
    let address = ctx.http_address().expect("it listens");
    let answer = reqwest::get(format!("http://{address}{path}")).await;
    answer.expect("an answer").text().await.expect("a text")
}

/// The values of a metric, by their labels as they are written.
fn values(text: &str, metric: &str) -> BTreeMap<String, u64> {
    let samples = text.lines().filter_map(|line| {
        let (labels, value) = line
            .strip_prefix(metric)?
            .strip_prefix('{')?
            .split_once("} ")?;
        let value: f64 = value.parse().expect("a number");
        assert_eq!(value.fract(), 0.0, "{line}");
        Some((labels.to_owned(), value as u64))
    });
    samples.collect()
}

/// The same, of one label's values, without those that are 0.
fn counted(text: &str, metric: &str, before: &str) -> BTreeMap<String, u64> {
    let values = values(text, metric).into_iter();
    let of = values.filter_map(|(labels, value)| {
        let last = labels.strip_prefix(before)?.strip_suffix('"')?;
        (value > 0).then(|| (last.to_owned(), value))
    });
    of.collect()
}

fn expected<const N: usize>(values: [(&str, u64); N]) -> BTreeMap<String, u64> {
    let values = values.map(|(name, value)| (name.to_owned(), value));
    values.into()
}

/// The number whose handler waits until it may go on.
const HELD: i64 = 100;
/// Behind it there are so many records.
const BEHIND: i64 = 3;
/// Handlers are tried so often.
const ATTEMPTS: u32 = 3;

/// What a handler of the tests does, by the number of the transfer. The one that takes too long does so where `late` is said.
fn tried(consumer: Consumer<Transfer>, late: bool, gate: &Arc<Semaphore>) -> ForEach {
    let gate = Arc::clone(gate);
    let attempts = Arc::new(AtomicU32::new(0));
    consumer
        .start(Start::Earliest)
        .matching_rows(|row| row.number != 9)
        .with_retry(ATTEMPTS, Duration::from_millis(1))
        .on_error_of(ErrorClass::Record, OnError::Dlq)
        .on_error_of(ErrorClass::Transient, OnError::Skip)
        .on_panic(OnError::Skip)
        .on_decode_error(OnDecodeError::Dlq)
        .for_each(move |one: Transfer| {
            let (gate, attempts) = (Arc::clone(&gate), Arc::clone(&attempts));
            async move {
                let failed = || Outcome::Failed(HandlerError::record("it does not work"));
                match one.number {
                    1 => Outcome::skip(),
                    2 => Outcome::dlq("nobody wants it"),
                    3 => failed(),
                    // The second attempt works.
                    4 if attempts.fetch_add(1, Ordering::SeqCst) == 0 => failed(),
                    5 => panic!("it does not work"),
                    6 if late => std::future::pending().await,
                    HELD => {
                        gate.acquire().await.expect("it opens").forget();
                        Outcome::done()
                    }
                    _ => Outcome::done(),
                }
            }
        })
}

/// The transfers: their fates are those of [`tried`].
async fn fill(ctx: &Context) {
    let numbers = [1, 1, 1, 2, 2, 3, 4, 5, 6, 9, 9, 20, 21, 22, 23, 24, 25, 26];
    let set = ctx.set::<Transfer>();
    let transfers = numbers.map(|number| transfer(7, number));
    set.add_all(transfers).await.expect("added");
    let (topic, key) = ("transfers", 7_i64.to_be_bytes());
    produce(ctx, topic, Some(&key), None).await;
    produce(ctx, topic, None, Some(b"no key")).await;
    for _ in 0..3 {
        produce(ctx, topic, Some(&key), Some(b"no value")).await;
    }
    let last = (HELD..=HELD + BEHIND).map(|number| transfer(7, number));
    set.add_all(last).await.expect("added");
}

/// What comes of them up to the one that is held.
const BEFORE_THE_HELD: [(&str, u64); 8] = [
    ("dead_lettered", 7),
    ("deleted", 1),
    ("failed", 4),
    ("filtered", 2),
    ("handled", 9),
    ("panicked", 3),
    ("retried", 5),
    ("skipped", 4),
];

const NONE_OF_THE_ENTITY: (&str, u64) = ("undecodable", 4);

async fn site(site: &Site) -> Context {
    let builder = site.builder().entity::<Place>();
    let builder = builder.setting("http_listen", "127.0.0.1:0");
    builder.start().await.expect("it starts")
}

/// Starts one that comes to the held record and stays there.
async fn held(ctx: &Context, group: &str, gate: &Arc<Semaphore>) -> Subscription {
    let consumer = ctx.set::<Transfer>().consume().group(group);
    let consumer = tried(consumer, false, gate).start().await;
    let consumer = consumer.expect("it starts");
    reaches(&consumer, "the held record", |status| {
        status.lag() == BEHIND + 1 && status.counters.dead_lettered == 7
    })
    .await;
    consumer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_outcome_each_dead_letter_and_the_lag_of_a_consumer_is_counted_for_its_group_alone() {
    let place = Site::embedded();
    let ctx = site(&place).await;
    fill(&ctx).await;
    let metrics = get(&ctx, "/metrics").await;
    for prefix in ["ksql_consumer_", "ksql_dlq_"] {
        assert!(!metrics.contains(prefix), "{metrics}");
    }

    let gate = Arc::new(Semaphore::new(0));
    let tellers = held(&ctx, "tellers", &gate).await;
    // The other waits for nothing, but runs out of time once.
    let open = Arc::new(Semaphore::new(1));
    let clerks = ctx.set::<Transfer>().consume().group("clerks");
    let clerks = tried(clerks.timeout(Duration::from_millis(1)), true, &open);
    let clerks = clerks.start().await.expect("it starts");
    reaches(&clerks, "the end", |status| {
        status.counters.handled == 12 && status.lag() == 0
    })
    .await;

    let metrics = get(&ctx, "/metrics").await;
    let outcomes = |metrics: &str, group: &str| {
        let before = format!("entity=\"Transfer\",group=\"{group}\",outcome=\"");
        counted(metrics, "ksql_consumer_records_total", &before)
    };
    let mut told = expected(BEFORE_THE_HELD);
    told.extend(expected([NONE_OF_THE_ENTITY]));
    assert_eq!(outcomes(&metrics, "tellers"), told);
    let late = [
        ("handled", 12),
        ("retried", 7),
        ("skipped", 5),
        ("timed_out", 3),
    ];
    let mut others = told.clone();
    others.extend(expected(late));
    assert_eq!(outcomes(&metrics, "clerks"), others);
    // A series for the partition of each group.
    let lags = |metrics: &str| values(metrics, "ksql_consumer_lag_records");
    let lag = |group: &str, records: u64| {
        let topic = "topic=\"transfers\",partition=\"0\"";
        let labels = format!("entity=\"Transfer\",group=\"{group}\",{topic}");
        (labels, records)
    };
    let behind = BEHIND.cast_unsigned() + 1;
    let told_behind = [lag("tellers", behind), lag("clerks", 0)];
    assert_eq!(lags(&metrics), told_behind.into());
    let letters = values(&metrics, "ksql_dlq_records_total");
    // Of both.
    let expected_letters = [
        ("handler", "handler.error", 2),
        ("handler", "handler.rejected", 4),
        ("key-decode", "key.missing", 2),
        ("value-decode", "value.decode", 6),
    ];
    let expected_letters = expected_letters.map(|(stage, class, count)| {
        (
            format!("entity=\"Transfer\",stage=\"{stage}\",class=\"{class}\""),
            count,
        )
    });
    assert_eq!(letters, expected_letters.into());

    gate.add_permits(1);
    reaches(&tellers, "the end", |status| status.lag() == 0).await;
    let metrics = get(&ctx, "/metrics").await;
    told.extend(expected([("handled", 13)]));
    assert_eq!(outcomes(&metrics, "tellers"), told);
    assert_eq!(outcomes(&metrics, "clerks"), others);
    assert_eq!(lags(&metrics), [lag("tellers", 0), lag("clerks", 0)].into());
    ctx.shutdown().await.expect("a clean end");
}

/// What a person reads of a row of a table of the page: its cells, without their markup.
fn row_of<'p>(page: &'p str, cell: &str) -> Vec<&'p str> {
    let mut rows = page.split("<tr").filter(|row| row.contains(cell));
    let row = rows.next().unwrap_or_else(|| panic!("{cell} in {page}"));
    texts(row.split("</tr>").next().unwrap_or_default())
}

/// The texts of a part that begins within a tag.
fn texts(part: &str) -> Vec<&str> {
    let texts = part
        .split('<')
        .filter_map(|tag| tag.split_once('>'))
        .map(|(_, text)| text.trim());
    texts.filter(|text| !text.is_empty()).collect()
}

/// What the page says of dead letters: the rows, and what stands below its heading otherwise.
fn letters_of(page: &str) -> (Vec<Vec<&str>>, String) {
    let section = page.split_once("<h2>Dead letters</h2>");
    let section = section.and_then(|(_, after)| after.split_once("</section>"));
    let (section, _) = section.unwrap_or_else(|| panic!("no such section: {page}"));
    match section
        .split_once("<tbody>")
        .zip(section.split_once("</tbody>"))
    {
        None => (Vec::new(), texts(section).join(" ")),
        Some(((_, rows), (_, rest))) => {
            let rows = rows.split("</tbody>").next().unwrap_or_default();
            let rows = rows.split("<tr").skip(1).map(texts);
            (rows.collect(), texts(rest).join(" "))
        }
    }
}

fn topic_of_letters(records: u64) -> String {
    format!(
        "Topic system.dlq holds {records} records: letters, also from before the start, and notes of those replayed or purged; \
         dlq list shows all."
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_shows_what_consumers_did_how_many_dead_letters_there_are_and_why_one_stopped() {
    let place = Site::embedded();
    let ctx = site(&place).await;
    fill(&ctx).await;
    let page = get(&ctx, "/").await;
    assert!(!page.contains("<h2>Consumers</h2>"), "{page}");
    assert!(page.contains("<dt>dead letters</dt><dd>0</dd>"), "{page}");
    let none = ["None since the start.".to_owned(), topic_of_letters(0)];
    assert_eq!(letters_of(&page), (Vec::new(), none.join(" ")));
    let gate = Arc::new(Semaphore::new(0));
    let tellers = held(&ctx, "tellers", &gate).await;
    let page = get(&ctx, "/").await;
    let lag = (BEHIND + 1).to_string();
    let mut told = BEFORE_THE_HELD.to_vec();
    told.push(NONE_OF_THE_ENTITY);
    told.sort_unstable();
    let told: Vec<String> = told
        .iter()
        .map(|(name, count)| format!("{count} {}", name.replace('_', " ")))
        .collect();
    let row = row_of(&page, "<code>tellers</code>");
    let (first, counts) = row.split_at(4);
    assert_eq!(first, ["Transfer", "tellers", "RUNNING", &lag]);
    let mut counts = counts.to_vec();
    counts.sort_by_key(|count| count.split_once(' ').map(|(_, name)| name.to_owned()));
    assert_eq!(counts, told);
    let letters = "<dt>dead letters</dt><dd>7</dd>";
    assert!(page.contains(letters), "{page}");
    let kinds = [
        ["Transfer", "handler", "handler.error", "1"],
        ["Transfer", "handler", "handler.rejected", "2"],
        ["Transfer", "key-decode", "key.missing", "1"],
        ["Transfer", "value-decode", "value.decode", "3"],
    ];
    let (mut rows, topic) = letters_of(&page);
    rows.sort_unstable();
    assert_eq!(
        (rows, topic),
        (kinds.map(Vec::from).to_vec(), topic_of_letters(7))
    );
    let status = get(&ctx, "/status.json").await;
    let status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
    assert_eq!(status["dead_letter_topic"], "system.dlq");
    assert_eq!(status["dead_letter_records"], 7);
    let counts = status["dead_letters"].as_array().expect("kinds").iter();
    assert_eq!(
        counts
            .filter_map(|kind| kind["count"].as_u64())
            .sum::<u64>(),
        7
    );
    assert!(page.contains("READY</span>") && !page.contains("FAILED"));

    let strict = ctx.set::<Transfer>().consume().group("strict");
    let strict = strict
        .start(Start::Earliest)
        .for_each(|_| async { Outcome::Failed(HandlerError::record("the vault is <locked>")) });
    let strict = strict.start().await.expect("it starts");
    let failure = strict.wait().await.expect_err("it stops at the first");
    let page = get(&ctx, "/").await;
    let row = row_of(&page, "<code>strict</code>");
    assert_eq!(row[..3], ["Transfer", "strict", "FAILED"]);
    let reason = row_of(&page, "the vault is &lt;locked&gt;").join(" ");
    let failure = failure.to_string().replace('<', "&lt;");
    assert_eq!(reason, failure.replace('>', "&gt;"));
    let address = ctx.http_address().expect("it listens");
    let health = reqwest::get(format!("http://{address}/health")).await;
    let health = health.expect("an answer");
    assert_eq!(health.status(), 503);
    let health = health.text().await.expect("a text");
    assert!(
        health.contains("\"consumer\"") && health.contains("the vault is <locked>"),
        "{health}"
    );
    // The page as a whole says so too, and the other goes on.
    assert!(page.contains("class=\"badge bad\">FAILED"), "{page}");
    let row = row_of(&page, "<code>tellers</code>");
    assert_eq!(row[..3], ["Transfer", "tellers", "RUNNING"]);
    gate.add_permits(1);
    drop((tellers, strict));
    ctx.shutdown().await.expect("a clean end");

    // A new process wrote none; they are seen all the same.
    let ctx = site(&place).await;
    let page = get(&ctx, "/").await;
    let none = ["None since the start.".to_owned(), topic_of_letters(7)];
    assert_eq!(letters_of(&page), (Vec::new(), none.join(" ")));
    ctx.shutdown().await.expect("a clean end");
}

/// What queries left out, and what they keep.
const LEFT_OUT: [&str; 5] = [
    "ksql_late_windows_total",
    "ksql_keyless_records_total",
    "ksql_future_records_total",
    "ksql_unreadable_records_total",
    "ksql_open_windows",
];

/// Those of them that are not 0, each with the name of its query or table.
async fn left_out(test: &Test) -> BTreeMap<(&'static str, String), u64> {
    let metrics = get(test.context(), "/metrics").await;
    let mut found = BTreeMap::new();
    for metric in LEFT_OUT {
        for (labels, value) in values(&metrics, metric) {
            let name = labels
                .split("name=\"")
                .nth(1)
                .and_then(|rest| rest.split('"').next());
            let name = name.expect("a name").to_owned();
            assert!(
                metric != "ksql_open_windows" || name == "Tumbling",
                "it has no windows: {labels}"
            );
            if value > 0 {
                *found.entry((metric, name)).or_default() += value;
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_that_are_late_keyless_of_the_future_or_unreadable_are_counted_where_they_were_read()
 {
    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;
    let test = testing::query(Tumbling)
        .query(Rooms)
        .query(LoudOnes)
        .entity::<Place>()
        .setting("http_listen", "127.0.0.1:0")
        .setting("on_poison", "mark")
        .start()
        .await
        .expect("it starts");
    test.advance(Duration::from_secs(10 * 3_600));
    let now = test.clock().now_ms();
    assert_eq!(left_out(&test).await, BTreeMap::new());
    let in_room = |room: Option<&str>| Reading {
        sensor: "a".to_owned(),
        room: room.map(str::to_owned),
        value: 5,
    };
    let hall = || in_room(Some("hall"));
    // The first but one is late for windows of both sizes; the next is so for the smaller one.
    let records = [
        (now, hall()),
        (now - 10 * MINUTE, hall()),
        (now - 2 * MINUTE, hall()),
        (now, in_room(None)),
        (now, in_room(None)),
    ];
    for (time, reading) in records {
        test.send_at(time, reading).await.expect("it is sent");
    }
    let log = test.context().log();
    let mut value = vec![0];
    let schema = test
        .context()
        .registry()
        .register("readings-value", Reading::VALUE_SCHEMA)
        .await;
    value.extend(schema.expect("a schema").to_be_bytes());
    hall().encode_value(&mut value).expect("a value");
    let id = 7_i64.to_be_bytes();
    for (topic, key, value, times) in [
        ("readings", None, &*value, 4),
        ("readings", Some(b"a".as_slice()), b"no value", 2),
        ("places", Some(id.as_slice()), b"no value", 3),
    ] {
        for _ in 0..times {
            let record = Record::new(key, Some(value), now).partition(0);
            log.produce(topic, record).await.expect("produced");
        }
    }
    test.settle().await.expect("everything is taken in");
    let of = |metric: &'static str, values: &[(&str, u64)]| {
        let values = values.iter();
        let values = values.map(|(name, value)| ((metric, (*name).to_owned()), *value));
        values.collect::<BTreeMap<_, _>>()
    };
    let [late, keyless, future, unreadable, open] = LEFT_OUT;
    let mut kept = of(late, &[("Tumbling", 3)]);
    // Rooms group by what two of the readings with a key do not have.
    kept.extend(of(
        keyless,
        &[("LoudOnes", 4), ("Rooms", 6), ("Tumbling", 4)],
    ));
    let mut told = kept.clone();
    told.extend(of(
        unreadable,
        &[("LoudOnes", 2), ("Place", 3), ("Rooms", 2), ("Tumbling", 2)],
    ));
    told.extend(of(open, &[("Tumbling", 3)]));
    assert_eq!(left_out(&test).await, told);

    // An hour ahead is not the future yet.
    for time in [now + HOUR, now + 2 * HOUR] {
        test.send_at(time, hall()).await.expect("it is sent");
    }
    test.settle().await.expect("everything is taken in");
    told.extend(of(
        future,
        &[("LoudOnes", 1), ("Rooms", 1), ("Tumbling", 1)],
    ));
    // All before are closed by it.
    told.extend(of(open, &[("Tumbling", 2)]));
    assert_eq!(left_out(&test).await, told);

    // What is kept over restarts.
    let test = test.kill().await.expect("it opens again");
    test.settle().await.expect("everything is taken in");
    let mut again = left_out(&test).await;
    again.retain(|(metric, _), _| [late, keyless, open].contains(metric));
    kept.extend(of(open, &[("Tumbling", 2)]));
    assert_eq!(again, kept);
    test.end().await.expect("it ends");
}
