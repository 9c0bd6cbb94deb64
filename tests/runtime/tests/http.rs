//! The HTTP server of a context: what it answers in each state, whom it answers, and that it ends with its context.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ksql_runtime::consume::{ConsumerState, Start};
use ksql_runtime::log::{Log, Record};
use ksql_runtime::operation::{METRICS, MetricKind};
use ksql_runtime::prelude::*;
use ksql_runtime::state::State;
use ksql_runtime_tests::cluster::Place;
use ksql_runtime_tests::consuming::reaches;
use ksql_runtime_tests::queries::{LoudOnes, Reading};
use ksql_runtime_tests::{servers, test_name};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::sync::Semaphore;

const LIMIT: Duration = Duration::from_secs(120);

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("seats", partitions = 2)]
#[table]
#[entity(namespace = "http")]
pub struct Seat {
    #[key]
    pub id: i64,
    pub taken: bool,
}

fn builder(directory: &Path) -> ContextBuilder {
    ksql_runtime_tests::context()
        .entity::<Seat>()
        .state_dir(directory)
        .setting("http_listen", "127.0.0.1:0")
        .setting("retry_first", "1ms")
        .setting("retry_longest", "5ms")
}

fn seats(count: i64) -> impl Iterator<Item = Seat> {
    (0..count).map(|id| Seat {
        id,
        taken: id % 2 == 0,
    })
}

struct Answer {
    status: StatusCode,
    headers: reqwest::header::HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("JSON")
    }
}

async fn ask(method: Method, address: SocketAddr, path: &str) -> Answer {
    let request = reqwest::Client::new().request(method, format!("http://{address}{path}"));
    let answer = request.send().await.expect("an answer");
    Answer {
        status: answer.status(),
        headers: answer.headers().clone(),
        text: answer.text().await.expect("a text"),
    }
}

async fn get(ctx: &Context, path: &str) -> Answer {
    let address = ctx.http_address().expect("it listens");
    ask(Method::GET, address, path).await
}

fn embedded(ctx: &Context) -> &ksql_runtime::log::EmbeddedLog {
    match ctx.log() {
        Log::Embedded(log) => log,
        _ => panic!("another log"),
    }
}

/// The value of a line of metrics that begins so.
fn metric(text: &str, begins: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(begins))?;
    line.trim().parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_is_not_ready_is_named_with_its_reason_until_it_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = builder(directory.path()).start().await.expect("started");
    let mut events = ctx.events();
    ctx.set::<Seat>().add_all(seats(100)).await.expect("added");
    let answer = get(&ctx, "/ready").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(
        answer.json(),
        serde_json::json!({ "ready": true, "reasons": [] })
    );
    assert_eq!(get(&ctx, "/health").await.status, StatusCode::OK);

    embedded(&ctx).fail_reads(u32::MAX);
    while events.recv().await.expect("an event").current != State::Disconnected {}
    let answer = get(&ctx, "/ready").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    let reason = answer.json()["reasons"][0]
        .as_str()
        .expect("a reason")
        .to_owned();
    for word in [
        "table `Seat`",
        "topic `seats`",
        "DISCONNECTED",
        "a fault that was asked for",
    ] {
        assert!(reason.contains(word), "{word}: {reason}");
    }
    // It comes back by itself: no failure.
    let health = get(&ctx, "/health").await;
    assert_eq!(health.status, StatusCode::OK, "{}", health.text);
    assert_eq!(health.json()["waiting"][0]["name"], "Seat");
    let page = get(&ctx, "/").await;
    assert!(page.text.contains("NOT READY") && page.text.contains("DISCONNECTED"));
    let metrics = get(&ctx, "/metrics").await.text;
    assert_eq!(metric(&metrics, "ksql_ready "), Some(0.0), "{metrics}");
    let state = "ksql_state{kind=\"table\",name=\"Seat\",topic=\"seats\",state=\"DISCONNECTED\"} ";
    assert_eq!(metric(&metrics, state), Some(1.0), "{metrics}");

    embedded(&ctx).fail_reads(0);
    ctx.wait_ready(LIMIT).await.expect("it comes back");
    assert_eq!(get(&ctx, "/ready").await.status, StatusCode::OK);
    let status = get(&ctx, "/status.json").await.json();
    assert_eq!(status["ready"], true);
    assert_eq!(status["bindings"][0]["outages"], 1);
    let error = status["errors"][0]["error"].as_str().expect("an error");
    assert!(error.contains("a fault that was asked for"), "{error}");
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_ended_by_an_error_is_no_health_and_is_named_everywhere() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = builder(directory.path()).start().await.expect("started");
    let mut events = ctx.events();
    let record = Record::new(Some(b"no key of a seat"), Some(b"<b>no value</b>"), 1);
    ctx.log().produce("seats", record).await.expect("produced");
    while events.recv().await.expect("an event").current != State::Error {}
    let health = get(&ctx, "/health").await;
    assert_eq!(health.status, StatusCode::SERVICE_UNAVAILABLE);
    let failed = health.json()["failed"][0].clone();
    assert_eq!(
        (&failed["name"], &failed["topic"]),
        (&"Seat".into(), &"seats".into())
    );
    assert!(!failed["error"].as_str().expect("an error").is_empty());
    assert_eq!(
        get(&ctx, "/ready").await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    let page = get(&ctx, "/").await.text;
    assert!(page.contains("FAILED"), "{page}");
    let metrics = get(&ctx, "/metrics").await.text;
    let outages = "ksql_outages_total{kind=\"table\",name=\"Seat\",topic=\"seats\"} ";
    assert_eq!(metric(&metrics, outages), Some(1.0), "{metrics}");
    drop(ctx);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_say_what_was_read_restored_and_left_out() {
    let directory = tempfile::tempdir().expect("a directory");
    let made = || builder(directory.path()).query(LoudOnes);
    let ctx = made().start().await.expect("started");
    ctx.set::<Seat>().add_all(seats(500)).await.expect("added");
    let reading = |value| Reading {
        sensor: "a".to_owned(),
        room: None,
        value,
    };
    let readings = ctx.set::<Reading>();
    readings.add_all((0..7).map(reading)).await.expect("added");
    ctx.wait_caught_up(LIMIT).await.expect("it is read");
    let text = get(&ctx, "/metrics").await.text;
    let seat = "{kind=\"table\",name=\"Seat\",topic=\"seats\"} ";
    let of = |name: &str| metric(&text, &format!("{name}{seat}"));
    assert_eq!(of("ksql_read_records_total"), Some(500.0), "{text}");
    assert_eq!(of("ksql_restored_records_total"), Some(0.0), "{text}");
    let query = "ksql_read_records_total{kind=\"query\",name=\"LoudOnes\",topic=\"readings\"} ";
    let reads = text
        .lines()
        .find(|line| line.starts_with("ksql_read_records_total{kind=\"query\""));
    assert!(
        reads.is_some_and(|line| line.ends_with(" 7") || line.ends_with(" 7.0")),
        "{query}: {text}"
    );
    let positions: f64 = (0..2)
        .filter_map(|partition| {
            let labels = format!(
                "ksql_position_offset{{kind=\"table\",name=\"Seat\",topic=\"seats\",partition=\"{partition}\"}} "
            );
            metric(&text, &labels)
        })
        .sum();
    assert_eq!(positions, 500.0, "{text}");
    assert!(metric(&text, "ksql_state_write_seconds_total ").expect("a time") > 0.0);
    // What there is of the table of metrics, with its types; consumers, letters, Kafka's clients and
    // ksqlDB are not here.
    for kind in METRICS {
        let name = kind.name.strip_suffix("_total").unwrap_or(kind.name);
        let elsewhere = [
            "ksql_client_",
            "ksql_consumer_",
            "ksql_dlq_",
            "ksql_ksqldb_",
            // Of windows, and the query has none.
            "ksql_open_windows",
        ];
        let told = match kind.kind {
            MetricKind::Counter => format!("# TYPE {name} counter"),
            MetricKind::Gauge => format!("# TYPE {name} gauge"),
        };
        assert_eq!(
            text.lines().any(|line| line == told),
            !elsewhere.iter().any(|prefix| name.starts_with(prefix)),
            "{told}\n{text}"
        );
    }
    ctx.shutdown().await.expect("a clean end");

    std::fs::remove_dir_all(directory.path().join("state")).expect("removed");
    let ctx = made().start().await.expect("started");
    let text = get(&ctx, "/metrics").await.text;
    let of = |name: &str| metric(&text, &format!("{name}{seat}"));
    assert_eq!(of("ksql_restored_records_total"), Some(500.0), "{text}");
    assert!(
        of("ksql_restoring_seconds_total").expect("a time") > 0.0,
        "{text}"
    );
    // RocksDB estimates them: what stands there beside the rows counts too, what was removed counts against them, and how much of either is
    // still in memory is for the moment to say.
    let rows = metric(&text, "ksql_store_rows{store=\"Seat_Store\"} ").expect("rows");
    assert!((490.0..=510.0).contains(&rows), "{text}");
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lag_of_a_consumer_is_told_of_each_partition_and_adds_up() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = builder(directory.path()).start().await.expect("started");
    ctx.set::<Seat>().add_all(seats(100)).await.expect("added");
    // Nothing is finished until it opens.
    let gate = Arc::new(Semaphore::new(0));
    let waits = Arc::clone(&gate);
    let handling = ctx
        .set::<Seat>()
        .consume()
        .group("porters")
        .start(Start::Earliest)
        .for_each(move |_| {
            let waits = Arc::clone(&waits);
            async move { drop(waits.acquire().await.expect("it stays")) }
        })
        .start()
        .await
        .expect("it starts");
    reaches(&handling, "both partitions", |status| {
        status.partitions.len() == 2 && status.lag() == 100
    })
    .await;
    let lags = |text: &str| -> Vec<Option<f64>> {
        let of = |partition| {
            let labels = format!(
                "entity=\"Seat\",group=\"porters\",topic=\"seats\",partition=\"{partition}\""
            );
            metric(text, &format!("ksql_consumer_lag_records{{{labels}}} "))
        };
        let lines = text.lines();
        let told = lines.filter(|line| line.starts_with("ksql_consumer_lag_records{"));
        assert_eq!(told.count(), 2, "one a partition, and no total: {text}");
        (0..2).map(of).collect()
    };
    let ends = ctx.log().all_offsets("seats").await.expect("offsets");
    let ends: Vec<Option<f64>> = ends.iter().map(|at| Some(at.end as f64)).collect();
    assert!(!ends.contains(&Some(0.0)), "both have records: {ends:?}");
    assert_eq!(lags(&get(&ctx, "/metrics").await.text), ends);
    let status = get(&ctx, "/status.json").await.json();
    let told = |name: &str| {
        let held = status["consumers"][0]["partitions"].as_array();
        let held = held.expect("partitions").iter();
        let numbers: Vec<i64> = held
            .map(|one| one[name].as_i64().expect("a number"))
            .collect();
        numbers
    };
    assert_eq!(
        (told("partition"), told("position")),
        (vec![0, 1], vec![0, 0])
    );
    assert_eq!(told("end").iter().sum::<i64>(), 100);

    gate.add_permits(1);
    reaches(&handling, "the end", |status| status.lag() == 0).await;
    let text = get(&ctx, "/metrics").await.text;
    assert_eq!(lags(&text), [Some(0.0), Some(0.0)]);
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_shows_tables_queries_with_their_picture_and_no_name_as_markup() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = builder(directory.path())
        .query(LoudOnes)
        .setting("application_id", "<script>alert('shop')</script>")
        .start()
        .await
        .expect("started");
    let page = get(&ctx, "/").await;
    assert_eq!(page.status, StatusCode::OK);
    let header = |name: &str| page.headers.get(name).and_then(|value| value.to_str().ok());
    assert_eq!(header("content-type"), Some("text/html; charset=utf-8"));
    let policy = header("content-security-policy").expect("a policy");
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    let text = page.text;
    assert!(!text.contains("<script>alert"), "{text}");
    assert!(text.contains("&lt;script&gt;alert"), "{text}");
    for word in [
        "Seat",
        "seats",
        "Seat_Store",
        "RUNNING",
        "<svg",
        "filter",
        "r.value &gt; 0",
    ] {
        assert!(text.contains(word), "{word}\n{text}");
    }
    // Nothing comes from elsewhere, and what is named is there.
    assert!(
        !text.contains("http://") && !text.contains("https://"),
        "{text}"
    );
    for path in ["/status.css", "/status.js"] {
        assert!(text.contains(path));
        assert_eq!(get(&ctx, path).await.status, StatusCode::OK);
    }
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_there_answers_and_only_to_be_read() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = builder(directory.path()).start().await.expect("started");
    let address = ctx.http_address().expect("it listens");
    assert!(address.ip().is_loopback());
    let nothing = get(&ctx, "/etc/passwd").await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
    assert!(nothing.text.contains("/ready"), "{}", nothing.text);
    for path in ["/", "/ready", "/status.json", "/metrics"] {
        let answer = ask(Method::POST, address, path).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_port_is_free_when_the_context_has_ended_or_was_dropped() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = builder(directory.path()).start().await.expect("started");
    let address = ctx.http_address().expect("it listens");
    // A connection that is kept open holds up nothing.
    let client = reqwest::Client::new();
    let asked = client.get(format!("http://{address}/ready")).send().await;
    asked.expect("an answer").text().await.expect("a text");
    ctx.shutdown().await.expect("a clean end");
    drop(TcpListener::bind(address).expect("the port is free"));

    let at = |address: SocketAddr| {
        builder(directory.path())
            .setting("http_listen", address.to_string())
            .start()
    };
    let ctx = at(address).await.expect("the same port is taken again");
    assert_eq!(ctx.http_address(), Some(address));
    drop(ctx);
    let free = async {
        while TcpListener::bind(address).is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, free)
        .await
        .expect("the port is free");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_slow_handler_holds_up_the_end_ready_is_refused_with_the_reason() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = builder(directory.path()).start().await.expect("started");
    let address = ctx.http_address().expect("it listens");
    ctx.set::<Seat>().add_all(seats(1)).await.expect("added");
    // A handler takes a permit to begin and one to end.
    let (begun, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (begins, waits) = (Arc::clone(&begun), Arc::clone(&gate));
    let handling = ctx
        .set::<Seat>()
        .consume()
        .start(Start::Earliest)
        .stop_timeout(LIMIT)
        .for_each(move |_| {
            let (begins, waits) = (Arc::clone(&begins), Arc::clone(&waits));
            async move {
                begins.add_permits(1);
                waits.acquire().await.expect("it opens").forget();
            }
        })
        .start()
        .await
        .expect("it starts");
    let began = tokio::time::timeout(LIMIT, begun.acquire()).await;
    began.expect("in time").expect("a handler begins").forget();
    let ready = ask(Method::GET, address, "/ready").await;
    assert_eq!(ready.status, StatusCode::OK, "{}", ready.text);

    let ending = tokio::spawn(ctx.shutdown());
    reaches(&handling, "its end", |status| {
        status.state == ConsumerState::Stopping
    })
    .await;
    let ready = ask(Method::GET, address, "/ready").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        ready.json(),
        serde_json::json!({ "ready": false, "reasons": ["the context is shutting down"] })
    );
    // It is no failure, and the page and the metrics say what `/ready` says.
    let health = ask(Method::GET, address, "/health").await;
    assert_eq!(health.status, StatusCode::OK, "{}", health.text);
    let page = ask(Method::GET, address, "/").await.text;
    assert!(page.contains("SHUTTING DOWN"), "{page}");
    let metrics = ask(Method::GET, address, "/metrics").await.text;
    assert_eq!(metric(&metrics, "ksql_ready "), Some(0.0), "{metrics}");
    assert!(!ending.is_finished(), "the handler was not waited for");

    gate.add_permits(1);
    let ended = tokio::time::timeout(LIMIT, ending).await;
    ended
        .expect("in time")
        .expect("no panic")
        .expect("a clean end");
    assert!(handling.wait().await.expect("it ended in order").is_clean());
    drop(TcpListener::bind(address).expect("the port is free"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_in_use_stops_the_start_and_names_the_setting() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let directory = tempfile::tempdir().expect("a directory");
    let started = builder(directory.path())
        .setting("http_listen", &address)
        .start()
        .await;
    let error = started.expect_err("the port is taken").to_string();
    for word in [
        "listen for http",
        "`http_listen`",
        &address,
        "choose another port",
    ] {
        assert!(error.contains(word), "{word}: {error}");
    }
    assert!(!directory.path().join("log").exists(), "nothing was begun");
    drop(taken);
    let ctx = builder(directory.path())
        .setting("http_listen", &address)
        .start()
        .await
        .expect("the port and the directory are free");
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_others_reach_is_refused_unless_that_is_meant() {
    let directory = tempfile::tempdir().expect("a directory");
    let everywhere = || builder(directory.path()).setting("http_listen", "0.0.0.0:0");
    let error = everywhere().start().await.expect_err("refused").to_string();
    for word in ["`http_listen` is 0.0.0.0:0", "password", "`http_public`"] {
        assert!(error.contains(word), "{word}: {error}");
    }
    let ctx = everywhere()
        .setting("http_public", "true")
        .start()
        .await
        .expect("it was meant");
    let port = ctx.http_address().expect("it listens").port();
    let answer = ask(
        Method::GET,
        SocketAddr::from(([127, 0, 0, 1], port)),
        "/ready",
    )
    .await;
    assert_eq!(answer.status, StatusCode::OK);
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_setting_nothing_listens_and_code_sees_the_same() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = ksql_runtime_tests::context()
        .entity::<Seat>()
        .state_dir(directory.path())
        .start()
        .await
        .expect("started");
    assert_eq!(ctx.http_address(), None);
    ctx.set::<Seat>().add_all(seats(3)).await.expect("added");
    ctx.wait_caught_up(LIMIT).await.expect("it is read");
    let overview = ctx.overview();
    assert!(overview.ready && overview.reasons().is_empty());
    assert_eq!((overview.bindings.len(), overview.bindings[0].read), (1, 3));
    let samples = ctx.metrics();
    let read = samples
        .iter()
        .find(|s| s.metric.name == "ksql_read_records_total");
    assert_eq!(read.map(|sample| sample.value), Some(3.0));
    assert!(ctx.prometheus().ends_with("# EOF\n"));
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_kafkas_clients_count_is_told_of_the_producer_and_of_readers() {
    let Some(kafka) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    let Some(registry) = servers::registry_or_skip(test_name!()) else {
        return;
    };
    let place = Place::new(kafka.bootstrap(), registry);
    let ctx = place
        .builder()
        .entity::<Seat>()
        .setting("http_listen", "127.0.0.1:0")
        .setting("kafka.producer.statistics.interval.ms", "50")
        .setting("kafka.consumer.statistics.interval.ms", "50")
        .start()
        .await
        .expect("started");
    ctx.set::<Seat>().add_all(seats(300)).await.expect("added");
    let told = async {
        loop {
            let text = get(&ctx, "/metrics").await.text;
            let counted = |metric: &str, kind: &str| {
                let of_kind = |line: &str| {
                    let (_, value) = line.strip_prefix(metric)?.split_once(kind)?;
                    value.parse::<f64>().ok()
                };
                text.lines().filter_map(of_kind).sum::<f64>()
            };
            if counted("ksql_client_sent_records_total{", "kind=\"producer\"} ") >= 300.0
                && counted("ksql_client_received_records_total{", "kind=\"consumer\"} ") >= 300.0
            {
                break text;
            }
        }
    };
    let text = tokio::time::timeout(LIMIT, told)
        .await
        .expect("it is counted");
    assert!(
        text.contains("ksql_client_round_trip_seconds{client="),
        "{text}"
    );
    ctx.shutdown().await.expect("a clean end");
}
