//! Joins that ksqlDB runs: of sources and of results, of tables by a foreign key, of windows, and such whose results are
//! added to a stream. They are sent as the statements of other queries are, and their topics are made as they state.

use std::collections::BTreeMap;

use ksql_runtime::ksqldb::{Effect, Statement};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::join_kinds::{Order, Payment, bought_by, everything, homes_or_not, wholes};
use ksql_runtime_tests::test_name;
use ksql_runtime_tests::windowed::{
    either, heard, met, of_taps, played, shows, tapped, three, tours,
};

use crate::engine::on;
use crate::ksqldb_server::KsqlDbServer;
use crate::{Place, plan_of, started};

/// An order of much.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("large", partitions = 3)]
#[stream]
#[entity(namespace = "joins")]
struct Large {
    #[key]
    id: i64,
    customer: Option<i64>,
    amount: i64,
}

/// A payment of something.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("settled", partitions = 3)]
#[stream]
#[entity(namespace = "joins")]
struct Settled {
    #[key]
    id: i64,
    order: Option<i64>,
    paid: i64,
}

/// What was paid of large orders.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("large_paid", partitions = 3, retention = "9d")]
#[stream]
#[entity(namespace = "joins")]
struct LargePaid {
    #[key]
    id: i64,
    amount: Option<i64>,
    paid: Option<i64>,
}

#[query]
fn large(orders: Stream<Order>) -> Stream<Large> {
    orders.filter(|o| o.amount > 100).map(|o| Large {
        id: o.id,
        customer: o.customer,
        amount: o.amount,
    })
}

#[query]
fn settled(payments: Stream<Payment>) -> Stream<Settled> {
    payments.filter(|p| p.paid > 0).map(|p| Settled {
        id: p.id,
        order: p.order,
        paid: p.paid,
    })
}

#[query]
fn large_paid(large: Stream<Large>, settled: Stream<Settled>) -> Stream<LargePaid> {
    large
        .left_join(settled, |l, s| l.id == s.order)
        .within("3s", "5s")
        .grace("4s")
        .map(|l, s| LargePaid {
            id: l.id,
            amount: l.amount,
            paid: s.paid,
        })
}

/// Orders of which nothing was paid, from wherever these are told.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("unpaid", partitions = 3)]
#[stream]
#[entity(namespace = "joins")]
struct Unpaid {
    #[key]
    id: i64,
    amount: Option<i64>,
}

#[query(insert)]
fn unpaid(orders: Stream<Order>, payments: Stream<Payment>) -> Stream<Unpaid> {
    orders
        .join(payments, |o, p| o.id == p.order)
        .within("2s")
        .filter(|_, p| p.paid <= 0)
        .map(|o, _| Unpaid {
            id: o.id,
            amount: o.amount,
        })
}

/// Adds to what another join makes, and reads no result itself.
#[query(insert)]
fn small_paid(orders: Stream<Order>, payments: Stream<Payment>) -> Stream<LargePaid> {
    orders
        .join(payments, |o, p| o.id == p.order)
        .within("2s")
        .filter(|o, _| o.amount <= 100)
        .map(|o, p| LargePaid {
            id: o.id,
            amount: o.amount,
            paid: p.paid,
        })
}

/// The queries, those that read others' results before these.
fn joins(place: &Place, ksqldb: &KsqlDbServer) -> ContextBuilder {
    on(place, ksqldb)
        .query(unpaid)
        .query(large_paid)
        .query(wholes)
        .query(homes_or_not)
        .query(everything)
        .query(bought_by)
        .query(settled)
        .query(large)
}

/// Windows that are joined, the joins before what makes the windows.
fn joins_of_windows(place: &Place, ksqldb: &KsqlDbServer) -> ContextBuilder {
    on(place, ksqldb)
        .query(three)
        .query(either)
        .query(of_taps)
        .query(met)
        .query(shows)
        .query(tours)
        .query(heard)
        .query(played)
        .query(tapped)
}

/// What a statement makes, or adds to, and all it reads; nothing for what only declares a topic.
fn made(statement: &str) -> (String, Vec<String>) {
    let parsed = Statement::parse(statement).expect("a statement");
    let name = match parsed.effect() {
        Effect::Create { name, .. }
        | Effect::CreateAs { name, .. }
        | Effect::InsertInto { name, .. } => name.clone(),
        other => panic!("{other:?}: {statement}"),
    };
    let words: Vec<&str> = statement.split_whitespace().collect();
    let read = words
        .windows(2)
        .filter(|pair| ["FROM", "JOIN"].contains(&pair[0]))
        .map(|pair| pair[1].trim_matches(['`', ';']).to_owned());
    (name, read.collect())
}

/// A property of a statement.
fn property<'s>(statement: &'s str, name: &str) -> Option<&'s str> {
    let (_, rest) = statement.split_once(&format!("{name}="))?;
    let end = rest.find([',', ')'])?;
    Some(rest[..end].trim_matches('\''))
}

/// Every statement stands behind those that make what it reads and adds to. Gives what queries make, or add to, with all they read, and
/// the names of the rest.
fn told(statements: &[String]) -> (Vec<String>, Vec<String>) {
    let mut there: Vec<String> = Vec::new();
    let (mut queries, mut sources) = (Vec::new(), Vec::new());
    for statement in statements {
        let (name, read) = made(statement);
        for needed in &read {
            assert!(there.contains(needed), "{needed} before {statement}");
        }
        let read = read.join(", ");
        if statement.starts_with("INSERT") {
            assert!(there.contains(&name), "{name} before {statement}");
            queries.push(format!("+ {name}: {read}"));
        } else if read.is_empty() {
            sources.push(name.clone());
        } else {
            queries.push(format!("{name}: {read}"));
        }
        there.push(name);
    }
    queries.sort();
    sources.sort();
    (queries, sources)
}

/// Partitions and retention of every topic, as Kafka's own tool says, are those that the statements state. Gives them, where a
/// statement of a query states them.
fn as_stated(place: &Place, statements: &[String]) -> Vec<String> {
    let all = format!("{}.*", place.prefix);
    let arguments = ["--describe", "--topic", &all];
    let told = place
        .kafka
        .tool("org.apache.kafka.tools.TopicCommand", &arguments);
    let described: BTreeMap<&str, &str> = told
        .lines()
        .filter(|line| line.contains("PartitionCount: "))
        .map(|line| {
            let (_, rest) = line.split_once("Topic: ").expect("a name");
            rest.split_once('\t').expect("what it is like")
        })
        .collect();
    let mut stated = Vec::new();
    for statement in statements {
        let Some(topic) = property(statement, "KAFKA_TOPIC") else {
            assert!(statement.starts_with("INSERT"), "{statement}");
            continue;
        };
        let found = described.get(topic);
        let found = found.unwrap_or_else(|| panic!("no {topic} in {told}"));
        let partitions = property(statement, "PARTITIONS");
        if let Some(partitions) = partitions {
            let expected = format!("PartitionCount: {partitions}\t");
            assert!(found.contains(&expected), "{statement}\n{found}");
        }
        let retention = property(statement, "RETENTION_MS");
        if let Some(retention) = retention {
            let (_, configs) = found.split_once("Configs: ").expect("settings");
            let expected = format!("retention.ms={retention}");
            let mut configs = configs.trim().split(',');
            assert!(
                configs.any(|config| config == expected),
                "{statement}\n{found}"
            );
        }
        if statement.contains(" AS SELECT ") {
            stated.push(format!(
                "{} {} {}",
                place.told(topic),
                partitions.unwrap_or("-"),
                retention.unwrap_or("-")
            ));
        }
    }
    stated.sort();
    stated
}

/// A program is started twice, and all that is to be sent is sent by its first start. Gives the statements.
async fn sent_once(ksqldb: &KsqlDbServer, program: impl Fn() -> ContextBuilder) -> Vec<String> {
    let ctx = started(program()).await;
    let changes = ksqldb.changes();
    let ddl = program().ddl().expect("statements");
    let mut ddl: Vec<&str> = ddl.lines().collect();
    let mut sent: Vec<&str> = changes.iter().map(String::as_str).collect();
    ddl.sort_unstable();
    sent.sort_unstable();
    assert_eq!(sent, ddl);
    for request in ksqldb.server.requests() {
        if request.path == "/ksql" {
            let start = request.json()["streamsProperties"]["auto.offset.reset"].clone();
            assert_eq!(start, "earliest", "{request:?}");
        }
    }
    let plan = plan_of(&ctx).await;
    assert!(plan.is_unchanged(), "{plan}");
    ctx.shutdown().await.expect("it ends");
    let ctx = started(program()).await;
    let plan = plan_of(&ctx).await;
    assert!(plan.is_unchanged(), "{plan}");
    ctx.shutdown().await.expect("it ends");
    assert_eq!(ksqldb.changes(), changes);
    changes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn joins_are_sent_behind_what_they_read_and_never_again() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    let ksqldb = KsqlDbServer::start();
    let changes = sent_once(&ksqldb, || joins(&place, &ksqldb)).await;
    let (queries, sources) = told(&changes);
    assert_eq!(
        sources,
        [
            "ACCOUNT", "CUSTOMER", "ORDER", "PAYMENT", "REGION", "UNPAID"
        ]
    );
    assert_eq!(
        queries,
        [
            "+ UNPAID: ORDER, PAYMENT",
            "BOUGHTBY: ORDER, CUSTOMER",
            "EVERY: CUSTOMER, ACCOUNT",
            "HOMEORNOT: CUSTOMER, REGION",
            "LARGE: ORDER",
            "LARGEPAID: LARGE, SETTLED",
            "SETTLED: PAYMENT",
            "WHOLE: CUSTOMER, REGION, ACCOUNT",
        ]
    );
    assert_eq!(
        as_stated(&place, &changes),
        [
            "bought_by 3 604800000",
            "everything 3 -",
            "homes_or_not 3 -",
            "large 3 604800000",
            "large_paid 3 777600000",
            "settled 3 604800000",
            "wholes 3 -",
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_that_adds_to_the_results_of_another_is_sent_behind_it() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    let ksqldb = KsqlDbServer::start();
    let changes = sent_once(&ksqldb, || {
        let builder = on(&place, &ksqldb).query(small_paid).query(large_paid);
        builder.query(settled).query(large)
    })
    .await;
    let (queries, sources) = told(&changes);
    assert_eq!(sources, ["ORDER", "PAYMENT"]);
    assert_eq!(
        queries,
        [
            "+ LARGEPAID: ORDER, PAYMENT",
            "LARGE: ORDER",
            "LARGEPAID: LARGE, SETTLED",
            "SETTLED: PAYMENT",
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn joins_of_windows_are_sent_behind_the_streams_over_these_and_never_again() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    let ksqldb = KsqlDbServer::start();
    let changes = sent_once(&ksqldb, || joins_of_windows(&place, &ksqldb)).await;
    let (queries, sources) = told(&changes);
    // One stream over the windows of each result, whoever reads them.
    assert_eq!(
        sources,
        [
            "HEARD_10S_STREAM",
            "PLAY",
            "PLAYED_10S_STREAM",
            "SHOW_5S_SESSION_STREAM",
            "TAP",
            "TAPPED_10S_STREAM",
            "TOUR_5S_SESSION_STREAM",
        ]
    );
    assert_eq!(
        queries,
        [
            "EITHER_5S_SESSION: TOUR_5S_SESSION_STREAM, SHOW_5S_SESSION_STREAM",
            "HEARD_10S: PLAY",
            "MET_10S: TAPPED_10S_STREAM, PLAYED_10S_STREAM",
            "OFTAPS_10S: TAPPED_10S_STREAM, PLAYED_10S_STREAM",
            "PLAYED_10S: PLAY",
            "SHOW_5S_SESSION: PLAY",
            "TAPPED_10S: TAP",
            "TAPPED_1MIN: TAP",
            "THREE_10S: TAPPED_10S_STREAM, PLAYED_10S_STREAM, HEARD_10S_STREAM",
            "TOUR_5S_SESSION: TAP",
        ]
    );
    assert_eq!(
        as_stated(&place, &changes),
        [
            "either_5s_session 2 604800000",
            "heard_10s 2 604800000",
            "met_10s 2 604800000",
            "of_taps_10s 2 604800000",
            "played_10s 2 604800000",
            "shows_5s_session 2 604800000",
            "tapped_10s 2 604800000",
            "tapped_1min 2 604800000",
            "three_10s 2 604800000",
            "tours_5s_session 2 604800000",
        ]
    );
}
