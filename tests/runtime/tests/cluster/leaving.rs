//! What the tests of a real ksqlDB do, tried on our small one over a real Kafka: they end a query behind its program's back, and leave
//! nothing behind.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ksql_runtime::http::HttpOptions;
use ksql_runtime::ksqldb::{Effect, KsqlDb, KsqlDbOptions, Statement};
use ksql_runtime::log::Log;
use ksql_runtime_tests::cluster;
use ksql_runtime_tests::http_server::{Play, TestServer};
use ksql_runtime_tests::test_name;
use serde_json::json;

use crate::engine::LONG;
use crate::ksqldb_server::KsqlDbServer;
use crate::{Place, forward, on, started};

#[path = "../ksqldb_live/healing.rs"]
mod healing;
#[allow(dead_code, reason = "without the server they insert nothing")]
#[path = "../ksqldb_live/server.rs"]
mod live;

use healing::{SOURCES, ended_and_started_again, program};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_is_terminated_by_rest_is_started_again_once() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    let ksqldb = KsqlDbServer::start();
    let builder = program(place.builder(), &ksqldb.url(), &place.prefix);
    let ctx = started(builder).await;
    ended_and_started_again(&ctx, LONG).await;
    let changes = ksqldb.changes();
    let last: Vec<&str> = changes.iter().rev().take(2).map(String::as_str).collect();
    assert!(
        last[0].starts_with("CREATE OR REPLACE TABLE `LIVETURNOVER` WITH"),
        "{changes:#?}"
    );
    assert_eq!(last[1], "TERMINATE CTAS_LIVETURNOVER_1;");
    ctx.shutdown().await.expect("it ends");
}

/// A topic as a statement names it.
fn topic_of(statement: &str) -> Option<String> {
    let (_, rest) = statement.split_once("KAFKA_TOPIC='")?;
    let (topic, _) = rest.split_once('\'')?;
    Some(topic.to_owned())
}

/// The small ksqlDB with the topics of a Kafka: it lists them, and deletes that of a source that is dropped with its topic.
fn over_topics(log: &Log, ksqldb: Arc<KsqlDbServer>) -> TestServer {
    let (log, runtime) = (log.clone(), tokio::runtime::Handle::current());
    let topics: Mutex<BTreeMap<String, String>> = Mutex::default();
    TestServer::start(move |request| {
        let text = request.statement();
        if text == "SHOW TOPICS;" {
            let found = runtime.block_on(log.topics()).expect("topics");
            let found = found.iter();
            let found: Vec<_> = found
                .map(|topic| json!({ "name": &*topic.name, "replicaInfo": [1] }))
                .collect();
            return Play::json(
                json!([{ "@type": "kafka_topics", "statementText": text, "topics": found }]),
            );
        }
        let statement = Statement::parse(&text);
        let effect = statement.as_ref().map(Statement::effect);
        if let Ok(Effect::Create { name, .. } | Effect::CreateAs { name, .. }) = effect {
            let topic = topic_of(&text).expect("a topic");
            topics.lock().expect("the lock").insert(name.clone(), topic);
        }
        let answer = forward(&ksqldb.url(), request);
        if let Ok(Effect::Drop { name }) = effect
            && text.contains("DELETE TOPIC")
        {
            let topic = topics.lock().expect("the lock").remove(name);
            let topic = topic.expect("the source's topic");
            runtime
                .block_on(log.delete_topic(&topic))
                .expect("it is deleted");
        }
        answer
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_starts_and_leaves_leaves_no_topic() {
    let Some(servers) = Place::new(test_name!()) else {
        return;
    };
    let log = cluster::Place::log(servers.kafka.bootstrap());
    let ksqldb = Arc::new(KsqlDbServer::start());
    let server = over_topics(&log, Arc::clone(&ksqldb));
    let client = KsqlDbOptions::new(HttpOptions::new([server.url()]));
    let place = live::Place::on(KsqlDb::new(client).expect("a client")).await;
    let prefix = place.prefix.clone();
    let topics = async || -> Vec<String> {
        let all = log.topics().await.expect("the topics").into_iter();
        let own = all.filter_map(|topic| Some(topic.name.strip_prefix(&prefix)?.to_owned()));
        let mut own: Vec<String> = own.collect();
        own.sort();
        own
    };
    let builder = on(servers.kafka.bootstrap(), servers.registry.url(), &prefix);
    let ctx = program(builder, &server.url(), &prefix)
        .state_dir(servers.state.path())
        .start()
        .await
        .expect("it starts");
    ctx.shutdown().await.expect("it ends");
    // Those of its sources, and the one that no source is on.
    assert_eq!(topics().await, ["sales", "system.dlq", "turnovers"]);

    place.leave(&SOURCES).await;
    assert_eq!(topics().await, Vec::<String>::new());
    let changes = ksqldb.changes();
    let dropped = changes.iter().filter(|text| text.starts_with("DROP"));
    assert_eq!(
        dropped.collect::<Vec<_>>(),
        [
            "DROP TABLE IF EXISTS `LIVETURNOVER` DELETE TOPIC;",
            "DROP STREAM IF EXISTS `LIVESALE` DELETE TOPIC;",
            "DROP STREAM IF EXISTS `LIVE_DEAD_LETTERS` DELETE TOPIC;",
        ]
    );
}
