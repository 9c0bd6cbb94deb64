//! What a start makes, that a second one makes nothing, and what a plan says of it before.

use std::time::Duration;

use ksql_runtime::log::LogError;
use ksql_runtime::prelude::*;
use ksql_runtime_tests::test_name;
use serde_json::json;

use crate::ksqldb_server::KsqlDbServer;
use ksql_runtime_tests::shop::{Rate, Trade, rate};

use crate::{Place, asked, plan_of, started};

/// A stream that states neither partitions nor retention.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("notes")]
#[stream]
#[entity(namespace = "shop")]
struct Note {
    #[key]
    id: String,
    text: Option<String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_makes_topics_and_subjects_as_defined_and_a_second_one_sends_nothing() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    let registry = place.watched();
    let program = || {
        let builder = place.builder().setting("registry", registry.url());
        builder.entity::<Rate>().entity::<Trade>().entity::<Note>()
    };
    let ctx = started(program()).await;
    // Kafka's own tool says what there is.
    for (topic, parts) in [
        (
            "rates",
            [
                "PartitionCount: 2",
                "cleanup.policy=compact",
                "retention.ms=-1",
            ],
        ),
        (
            "trades",
            [
                "PartitionCount: 3",
                "cleanup.policy=delete",
                "retention.ms=604800000",
            ],
        ),
        (
            "notes",
            [
                "PartitionCount: 1",
                "cleanup.policy=delete",
                "retention.ms=-1",
            ],
        ),
    ] {
        let arguments = ["--describe", "--topic", &place.name(topic)];
        let told = place
            .kafka
            .tool("org.apache.kafka.tools.TopicCommand", &arguments);
        for part in parts {
            assert!(told.contains(part), "{topic} has {part}: {told}");
        }
    }
    for (subject, schema) in [
        ("rates-value", Rate::VALUE_SCHEMA),
        ("trades-value", Trade::VALUE_SCHEMA),
        ("trades-key", Trade::KEY_SCHEMA),
        ("notes-value", Note::VALUE_SCHEMA),
    ] {
        let subject = place.name(subject);
        let found = ctx.registry().lookup(&subject, schema).await;
        assert_eq!(found.expect("registered").version, 1, "{subject}");
        let level = ctx.registry().compatibility(Some(&subject)).await;
        assert_eq!(level.expect("a level").as_str(), "BACKWARD", "{subject}");
    }
    let set = ctx.set::<Rate>();
    set.add(rate("EUR", 1.5)).await.expect("added");
    ctx.wait_caught_up(Duration::from_secs(300))
        .await
        .expect("caught up");
    let topics = topics(&ctx, &place).await;
    let plan = plan_of(&ctx).await;
    assert!(plan.is_unchanged(), "{plan}");
    assert_eq!(plan.steps.len(), 8);
    ctx.shutdown().await.expect("it ends");

    let before = registry.requests().len();
    let ctx = started(program()).await;
    assert_eq!(
        asked(&registry, &place.prefix)[before..],
        [
            "GET /config?defaultToGlobal=true",
            "POST /subjects/rates-value",
            "GET /config/rates-value?defaultToGlobal=true",
            "POST /subjects/trades-value",
            "GET /config/trades-value?defaultToGlobal=true",
            "POST /subjects/trades-key",
            "GET /config/trades-key?defaultToGlobal=true",
            "POST /subjects/notes-value",
            "GET /config/notes-value?defaultToGlobal=true",
        ],
        "it asks, and registers and sets nothing"
    );
    assert_eq!(self::topics(&ctx, &place).await, topics, "the same topics");
    assert!(plan_of(&ctx).await.is_unchanged());
    let found = ctx.set::<Rate>().get("EUR").await.expect("a read");
    assert_eq!(found, Some(rate("EUR", 1.5)));
    ctx.shutdown().await.expect("it ends");
}

/// The topics of a test, with their identities.
async fn topics(ctx: &Context, place: &Place) -> Vec<ksql_runtime::log::TopicDescription> {
    let mut topics = Vec::new();
    for topic in ["rates", "trades", "notes"] {
        let found = ctx.log().describe(&place.name(topic)).await;
        topics.push(found.expect("described"));
    }
    topics
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_says_what_start_would_make_and_makes_nothing() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    let (registry, ksqldb) = (place.watched(), KsqlDbServer::start());
    let state = place.state.path().join("state of it");
    let program = || {
        let builder = place.builder_in(&state).setting("registry", registry.url());
        let builder = builder.setting("ksqldb", ksqldb.url());
        builder.entity::<Rate>().entity::<Trade>()
    };
    let plan = program().plan().await.expect("a plan");
    // The widths go with the prefix.
    let lines: Vec<Vec<String>> = place
        .told(&plan)
        .lines()
        .map(|line| line.split_whitespace().map(str::to_owned).collect())
        .collect();
    let expected: [&[&str]; 9] = [
        &["action", "part", "name", "entity"],
        &["create", "topic", "rates", "Rate"],
        &["create", "topic", "trades", "Trade"],
        &["create", "topic", "system.dlq", "(dead", "letters)"],
        &["create", "subject", "rates-value", "Rate"],
        &["create", "subject", "trades-value", "Trade"],
        &["create", "subject", "trades-key", "Trade"],
        &["create", "statement", "RATE", "Rate"],
        &["create", "statement", "TRADE", "Trade"],
    ];
    assert_eq!(lines, expected);
    let json = plan.to_json();
    assert_eq!(
        json[1],
        json!({
            "part": "topic", "name": place.name("trades"), "entity": "Trade", "action": "create", "differences": [],
            "definition": "partitions=3, replication=1, cleanup.policy=delete, retention.ms=604800000",
        })
    );
    assert_eq!(json[3]["definition"], Rate::VALUE_SCHEMA);
    let ddl = program().ddl().expect("statements");
    assert_eq!(ddl.lines().next(), json[6]["definition"].as_str());

    assert!(!state.exists(), "no directory was made");
    assert_eq!(ksqldb.changes(), [""; 0]);
    let writes = asked(&registry, &place.prefix);
    let writes = writes
        .iter()
        .filter(|asked| asked.starts_with("PUT") || asked.ends_with("/versions"));
    assert_eq!(writes.count(), 0);
    let ctx = started(place.builder()).await;
    let topic = ctx.log().describe(&place.name("rates")).await;
    assert!(matches!(topic, Err(LogError::UnknownTopic { .. })));
    ctx.shutdown().await.expect("it ends");

    // Then it does what the plan says; a plan can be made beside it.
    let ctx = started(program()).await;
    let beside = program().plan().await.expect("a plan beside it");
    assert!(beside.is_unchanged(), "{beside}");
    assert_eq!(ksqldb.changes(), ddl.lines().collect::<Vec<_>>());
    ctx.shutdown().await.expect("it ends");
}
