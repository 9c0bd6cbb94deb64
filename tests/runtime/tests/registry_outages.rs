//! A real registry that goes away under a running table or consumer on a real Kafka: known schemas go on being written and
//! read, a record of an unknown one is waited for, and nothing is skipped.

use std::time::Duration;

use ksql_runtime::consume::{ConsumerState, OnDecodeError, Records as _};
use ksql_runtime::error::Error;
use ksql_runtime::http::HttpOptions;
use ksql_runtime::log::Record;
use ksql_runtime::prelude::*;
use ksql_runtime::registry::HttpRegistry;
use ksql_runtime::state::State;
use ksql_runtime_tests::cluster::{LIMIT, Place, encoded, reaches};
use ksql_runtime_tests::consuming::{self, Seen, Transfer, committed, produce, transfer};
use ksql_runtime_tests::errors::chain;
use ksql_runtime_tests::servers::{self, RegistryServer};
use ksql_runtime_tests::test_name;
use ksql_runtime_tests::workload::{Row, row};

/// Runs what blocks beside the tasks, and gives the registry back.
async fn beside(
    registry: RegistryServer,
    what: impl FnOnce(&RegistryServer) + Send + 'static,
) -> RegistryServer {
    tokio::task::spawn_blocking(move || {
        what(&registry);
        registry
    })
    .await
    .expect("it runs")
}

/// Adds a row, and reads it as soon as it is in the table.
async fn add_and_read(ctx: &Context, row: Row) {
    let receipt = ctx.set::<Row>().add(row.clone()).await.expect("added");
    let set = ctx.set::<Row>().at_least(receipt);
    let found = tokio::time::timeout(LIMIT, set.get(row.id)).await;
    assert_eq!(found.expect("in time").expect("a read"), Some(row));
}

/// A schema with one field more, as a later version of another program has it.
fn later(schema: &str) -> String {
    let mut schema: serde_json::Value = serde_json::from_str(schema).expect("JSON");
    let fields = schema["fields"].as_array_mut().expect("fields");
    fields.push(serde_json::json!({ "name": "shelf", "type": ["null", "int"], "default": null }));
    schema.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_the_registry_stops_no_known_schema_and_skips_no_record_of_an_unknown_one() {
    let Some(kafka) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    let Some(registry) = servers::or_skip(test_name!(), RegistryServer::start()) else {
        return;
    };
    let place = Place::new(kafka.bootstrap(), &registry).with("request_timeout", "2s");
    let ctx = place.start(&[]).await.expect("it starts");
    add_and_read(&ctx, row(1, 1)).await;
    // By another client: the context has not heard of it.
    let theirs = HttpRegistry::new(&HttpOptions::new([registry.url()])).expect("a client");
    let subject = format!("{}-value", place.topic());
    let later = later(Row::VALUE_SCHEMA);
    let later = theirs.register(&subject, &later).await.expect("it fits");
    // In good order: what it said it has registered it still has when it is back.
    let registry = beside(registry, RegistryServer::stop).await;

    add_and_read(&ctx, row(2, 2)).await;
    assert_eq!(ctx.set::<Row>().state().expect("a table"), State::Running);

    // A record of the later schema: the row and no shelf.
    let (key, mut value) = encoded(&row(3, 3), later);
    value.push(0);
    let log = Place::log(kafka.bootstrap());
    let record = Record::new(Some(&key), Some(&value), 1_700_000_000_000);
    log.produce(&place.topic(), record).await.expect("produced");
    reaches(&ctx, State::Disconnected).await;
    let set = ctx.set::<Row>();
    let error = set.get(1).await.expect_err("it has not all there is");
    assert!(matches!(error, Error::NotReady { .. }), "{error:?}");
    let text = chain(&error);
    for word in [
        "DISCONNECTED",
        &place.topic(),
        &format!("for want of the schema {later}"),
        registry.url(),
    ] {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
    // Old rows are there for who wants them, and writing goes on.
    let stale = set.allow_stale();
    for known in [row(1, 1), row(2, 2)] {
        let found = stale.get(known.id).await.expect("a read");
        assert_eq!(found, Some(known));
    }
    assert_eq!(stale.get(3).await.expect("a read"), None);
    let receipt = set.add(row(4, 4)).await.expect("writing goes on");

    let registry = beside(registry, RegistryServer::start_again).await;
    reaches(&ctx, State::Running).await;
    let set = ctx.set::<Row>().at_least(receipt);
    let rows = tokio::time::timeout(LIMIT, set.to_list()).await;
    let mut rows = rows.expect("in time").expect("a read");
    rows.sort_by_key(|row| row.id);
    let all: Vec<Row> = (1..=4).map(|n| row(n, n as u64)).collect();
    ctx.wait_caught_up(LIMIT).await.expect("caught up");
    let listed = ctx.set::<Row>().to_list().await.expect("a read");
    assert_eq!(listed.len(), all.len(), "{listed:?}");
    for row in &all {
        assert!(listed.contains(row), "{row:?} is not in {listed:?}");
    }
    assert!(rows.contains(&row(4, 4)), "{rows:?}");
    ctx.shutdown().await.expect("a clean end");
    drop(registry);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_holds_a_record_of_an_unknown_schema_as_long_as_the_registry_is_away() {
    let Some(kafka) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    let Some(registry) = servers::or_skip(test_name!(), RegistryServer::start()) else {
        return;
    };
    let place = Place::new(kafka.bootstrap(), &registry)
        .missed_soon()
        .with("request_timeout", "2s")
        .with("consume_from", "earliest");
    let started = place.builder().entity::<Transfer>().start();
    let ctx = tokio::time::timeout(LIMIT, started).await;
    let ctx = ctx.expect("in time").expect("it starts");
    let set = ctx.set::<Transfer>();
    let topic = set.topic().expect("a topic").to_owned();
    set.add(transfer(1, 0)).await.expect("added");
    let seen = Seen::default();
    let handler = seen.clone();
    let subscription = set
        .consume()
        .group("away")
        .commit_interval(Duration::from_millis(20))
        .on_decode_error(OnDecodeError::Dlq)
        .for_each(move |transfer| {
            handler.push(transfer.number);
            async {}
        })
        .start()
        .await
        .expect("it starts");
    seen.wait_for(1).await;
    let theirs = HttpRegistry::new(&HttpOptions::new([registry.url()])).expect("a client");
    let later = later(Transfer::VALUE_SCHEMA);
    let later = theirs.register(&format!("{topic}-value"), &later).await;
    let later = later.expect("it fits");
    let registry = beside(registry, RegistryServer::stop).await;

    // A transfer of the later schema, without a shelf, and behind it one of the schema that is known.
    let (mut key, mut value) = (Vec::new(), vec![0]);
    value.extend(later.to_be_bytes());
    transfer(1, 1).encode_key(0, &mut key).expect("a key");
    transfer(1, 1).encode_value(&mut value).expect("a value");
    value.push(0);
    produce(&ctx, &topic, Some(&key), Some(&value)).await;
    set.add(transfer(1, 2)).await.expect("writing goes on");
    let held = consuming::reaches(&subscription, "a record that is held", |status| {
        status.holding.is_some() && status.partitions[0].committed == Some(1)
    })
    .await;
    let holding = held.holding.clone().expect("it is held");
    let told = format!("schema {later} is not to be had from the registry: ");
    assert!(holding.starts_with(&told), "{holding}");
    assert!(holding.contains(registry.url()), "{holding}");
    // What is away is no fault of the record.
    assert_eq!(held.state, ConsumerState::Running);
    assert_eq!(
        (held.counters.undecodable, held.counters.dead_lettered),
        (0, 0)
    );
    assert_eq!(seen.all(), [0], "nothing behind it is handled");
    assert_eq!(committed(&ctx, "away", &topic).await, [Some(1)]);

    let registry = beside(registry, RegistryServer::start_again).await;
    assert_eq!(seen.wait_for(3).await, [0, 1, 2], "each once");
    let free = consuming::reaches(&subscription, "the commit behind it", |status| {
        status.partitions[0].committed == Some(3)
    })
    .await;
    assert_eq!(free.holding, None);
    let counters = free.counters;
    assert_eq!((counters.handled, counters.retried), (3, 0));
    assert_eq!((counters.undecodable, counters.dead_lettered), (0, 0));
    ctx.shutdown().await.expect("a clean end");
    drop(registry);
}
