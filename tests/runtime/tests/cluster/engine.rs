//! Queries that ksqlDB runs: sent in order and once, compared, refused where they changed, watched and started again.

use std::time::{Duration, Instant};

use ksql_runtime::context::{QueryDuty, QueryStatus};
use ksql_runtime::log::{Record, TopicSpec};
use ksql_runtime::prelude::*;
use ksql_runtime::state::State;
use ksql_runtime_tests::http_server::{Play, Request};
use ksql_runtime_tests::shop::{Sold, Trade};
use ksql_runtime_tests::test_name;

use crate::ksqldb_server::KsqlDbServer;
use crate::{Place, difference, exactly, plan_of, refused, started};

/// A trade of many pieces.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("big")]
#[stream]
#[entity(namespace = "shop")]
struct Big {
    #[key]
    account: i64,
    #[key]
    number: i64,
    pieces: i32,
}

/// What is told of trades.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("told", partitions = 3)]
#[stream]
#[entity(namespace = "shop")]
struct Told {
    #[key]
    account: i64,
    #[key]
    number: i64,
    pieces: i32,
}

#[query]
fn big(trades: Stream<Trade>) -> Stream<Big> {
    trades.filter(|t| t.pieces > 100).map(|t| Big {
        account: t.account,
        number: t.number,
        pieces: t.pieces,
    })
}

#[query]
fn sold(trades: Stream<Big>) -> Table<Sold> {
    trades.group_by(|t| t.account).aggregate(|g| Sold {
        account: g.key(),
        pieces: g.sum(|t| t.pieces as i64),
    })
}

/// Windows in which much was sold.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("much")]
#[table]
#[window(tumbling, minutes = [5], grace = "10s")]
#[entity(namespace = "shop")]
struct Much {
    #[key]
    account: i64,
    pieces: i64,
}

#[query]
fn much(windows: Stream<Sold>) -> Stream<Much> {
    windows.filter(|w| w.pieces > 1000).map(|w| Much {
        account: w.account,
        pieces: w.pieces,
    })
}

#[query(insert)]
fn tell_big(trades: Stream<Big>) -> Stream<Told> {
    trades.map(|t| Told {
        account: t.account,
        number: t.number,
        pieces: t.pieces,
    })
}

/// The same with a definition that was changed since.
mod later {
    use super::{Big, Sold, Trade};
    use ksql_runtime::prelude::*;

    #[query]
    pub(super) fn big(trades: Stream<Trade>) -> Stream<Big> {
        trades.filter(|t| t.pieces > 500).map(|t| Big {
            account: t.account,
            number: t.number,
            pieces: t.pieces,
        })
    }

    #[query]
    pub(super) fn sold(trades: Stream<Big>) -> Table<Sold> {
        trades.group_by(|t| t.account).aggregate(|g| Sold {
            account: g.key(),
            pieces: g.max(|t| t.pieces as i64),
        })
    }
}

/// What an orderly test waits for.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// A program whose queries ksqlDB runs.
pub(crate) fn on(place: &Place, ksqldb: &KsqlDbServer) -> ContextBuilder {
    place
        .builder()
        .setting("ksqldb", ksqldb.url())
        .setting("engine", "ksqldb")
        .setting("watch_interval", "100ms")
        .setting("request_timeout", "5s")
}

/// The queries, added in an order in which no server would take them.
fn program(place: &Place, ksqldb: &KsqlDbServer) -> ContextBuilder {
    on(place, ksqldb).query(tell_big).query(sold).query(big)
}

async fn started_once(test: &str) -> Option<(Place, KsqlDbServer, Context)> {
    let (place, ksqldb) = (Place::new(test)?, KsqlDbServer::start());
    let ctx = started(program(&place, &ksqldb)).await;
    Some((place, ksqldb, ctx))
}

/// Waits until something holds of the status of a query, which is looked at again and again by the program itself.
async fn wait_for(ctx: &Context, query: &str, what: impl Fn(&QueryStatus) -> bool) -> QueryStatus {
    let until = Instant::now() + LONG;
    let mut events = ctx.events();
    loop {
        let all = ctx.queries();
        let found = all.into_iter().find(|found| found.query == query);
        let found = found.expect("the query");
        if what(&found) {
            return found;
        }
        assert!(Instant::now() < until, "{found:?}");
        // An event, or a while: restarts are told by none.
        let _ = tokio::time::timeout(Duration::from_millis(50), events.recv()).await;
    }
}

fn told(status: &QueryStatus) -> String {
    let error = status.status.error.as_ref();
    error.map_or_else(String::new, ToString::to_string)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_are_sent_in_the_order_of_what_they_read_and_never_again() {
    let Some((place, ksqldb, ctx)) = started_once(test_name!()).await else {
        return;
    };
    // Sources, then queries, each behind those whose results it reads; one statement a window.
    let names: Vec<String> = ksqldb
        .changes()
        .iter()
        .map(|text| {
            text.split_whitespace()
                .take(6)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    assert_eq!(names.len(), 6, "{names:?}");
    assert!(
        names[0].starts_with("CREATE STREAM IF NOT EXISTS `TOLD`"),
        "{names:?}"
    );
    assert!(
        names[1].starts_with("CREATE STREAM IF NOT EXISTS `TRADE`"),
        "{names:?}"
    );
    assert!(
        names[2].starts_with("CREATE STREAM IF NOT EXISTS `BIG`"),
        "{names:?}"
    );
    let rest = names[3..].join("\n");
    for expected in [
        "CREATE TABLE IF NOT EXISTS `SOLD_1MIN`",
        "CREATE TABLE IF NOT EXISTS `SOLD_5MIN`",
        "INSERT INTO `TOLD` WITH (QUERY_ID='TELL_BIG')",
    ] {
        assert!(rest.contains(expected), "{rest}");
    }
    // They are those of `ddl`, with earliest as the start.
    let mut ddl: Vec<String> = program(&place, &ksqldb)
        .ddl()
        .expect("statements")
        .lines()
        .map(str::to_owned)
        .collect();
    let mut sent = ksqldb.changes();
    ddl.sort();
    sent.sort();
    assert_eq!(sent, ddl);
    for request in ksqldb.server.requests() {
        if request.path == "/ksql" {
            let start = request.json()["streamsProperties"]["auto.offset.reset"].clone();
            assert_eq!(start, "earliest", "{request:?}");
        }
    }
    // The topics were there first, with what ksqlDB asks of them.
    let plan = plan_of(&ctx).await;
    assert!(plan.is_unchanged(), "{plan}");
    assert!(
        !plan.to_string().contains("owner"),
        "nobody is elected: {plan}"
    );
    for query in ctx.queries() {
        assert_eq!(query.duty, QueryDuty::KsqlDb);
        assert!(!query.ksqldb_ids.is_empty(), "{query:?}");
    }
    assert_eq!(
        wait_for(&ctx, "sold", |q| q.status.state == State::Running)
            .await
            .ksqldb_ids
            .len(),
        2
    );
    ctx.shutdown().await.expect("it ends");

    for _ in 0..2 {
        let ctx = started(program(&place, &ksqldb)).await;
        ctx.wait_ready(LONG).await.expect("they run");
        ctx.shutdown().await.expect("it ends");
    }
    assert_eq!(ksqldb.changes().len(), 6, "what is equal is not sent again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_query_is_reported_and_changed_in_place_or_refused() {
    let Some((place, ksqldb, ctx)) = started_once(test_name!()).await else {
        return;
    };
    ctx.shutdown().await.expect("it ends");
    let program = || on(&place, &ksqldb).query(later::big);
    let plan = program().plan().await.expect("a plan");
    let told = difference(&plan, "BIG");
    assert!(
        told.starts_with("the query: query CSAS_BIG_1 writes it with another text: `CREATE OR REPLACE` changes it in place, for records from then on; it runs `CREATE STREAM"),
        "{told}"
    );
    assert!(told.ends_with("(InPlace)"), "{told}");
    let ctx = started(program()).await;
    ctx.shutdown().await.expect("it ends");
    assert_eq!(ksqldb.changes().len(), 6, "left as it is");
    let ctx = started(program().setting("on_drift", "alter")).await;
    ctx.shutdown().await.expect("it ends");
    let changes = ksqldb.changes();
    assert_eq!(changes.len(), 7);
    assert!(
        changes[6].starts_with("CREATE OR REPLACE STREAM `BIG` WITH"),
        "{}",
        changes[6]
    );
    assert!(changes[6].contains("> 500"), "{}", changes[6]);
    let plan = program().plan().await.expect("a plan");
    assert!(plan.is_unchanged(), "{plan}");

    // What keeps something for groups is changed by nobody.
    let program = || {
        on(&place, &ksqldb)
            .setting("on_drift", "alter")
            .query(later::big)
            .query(later::sold)
    };
    let plan = program().plan().await.expect("a plan");
    let told = difference(&plan, "SOLD_1MIN");
    assert!(
        told.contains("this needs a new version under another name"),
        "{told}"
    );
    assert!(told.ends_with("(NewVersion)"), "{told}");
    let error = refused(program()).await;
    exactly(
        &place.told(error),
        "start failed at the step `start queries`: the query `sold` cannot be run: `SOLD_1MIN` differs from its \
             definition: query CTAS_SOLD_1MIN_3 writes it with another text: this needs a new version under another \
             name; it runs `CREATE TABLE IF NOT EXISTS `SOLD_1MIN` WITH (KAFKA_TOPIC='sold_1min', PARTITIONS=3, \
             REPLICAS=1, RETENTION_MS=604800000, KEY_FORMAT='KAFKA', VALUE_FORMAT='AVRO', \
             VALUE_SCHEMA_FULL_NAME='shop.Sold') AS SELECT `ACCOUNT` AS `ACCOUNT`, SUM(CAST(`PIECES` AS BIGINT)) AS \
             `PIECES` FROM `BIG` WINDOW TUMBLING (SIZE 1 MINUTES, RETENTION 7 DAYS, GRACE PERIOD 10 SECONDS) GROUP BY \
             `ACCOUNT` EMIT CHANGES;`",
    );
    assert_eq!(ksqldb.changes().len(), 7, "nothing is dropped or replaced");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminated_query_is_started_again_while_the_program_runs() {
    let Some((_place, ksqldb, ctx)) = started_once(test_name!()).await else {
        return;
    };
    let running = |query: &QueryStatus| query.status.state == State::Running;
    wait_for(&ctx, "sold", running).await;
    let [first, _] = &wait_for(&ctx, "sold", running).await.ksqldb_ids[..] else {
        panic!("two")
    };
    ksqldb.terminate(first);
    let terminated = Instant::now();
    let healed = wait_for(&ctx, "sold", |query| query.restarts == 1 && running(query)).await;
    // The default's interval of 30 s had just begun.
    assert!(terminated.elapsed() < Duration::from_secs(15));
    assert!(!healed.ksqldb_ids.contains(first), "{healed:?}");
    let changes = ksqldb.changes();
    assert_eq!(changes.len(), 7);
    assert!(
        changes[6].starts_with("CREATE OR REPLACE TABLE `SOLD_1MIN` WITH"),
        "{}",
        changes[6]
    );

    let metrics = ctx.metrics();
    let restarts = metrics
        .iter()
        .filter(|sample| sample.metric.name == "ksql_ksqldb_restarts_total");
    assert_eq!(restarts.map(|sample| sample.value).sum::<f64>(), 1.0);

    // An insert has the id it always has, and what was dropped is created.
    ksqldb.terminate("TELL_BIG");
    wait_for(&ctx, "tell_big", |query| {
        query.restarts == 1 && running(query)
    })
    .await;
    let last = ksqldb.changes().pop().expect("a statement");
    assert!(
        last.starts_with("INSERT INTO `TOLD` WITH (QUERY_ID='TELL_BIG')"),
        "{last}"
    );
    ksqldb.drop_source("SOLD_5MIN");
    wait_for(&ctx, "sold", |query| query.restarts == 2 && running(query)).await;
    let last = ksqldb.changes().pop().expect("a statement");
    assert!(
        last.starts_with("CREATE TABLE IF NOT EXISTS `SOLD_5MIN`"),
        "{last}"
    );
    assert_eq!(ksqldb.changes().len(), 9);
    ctx.shutdown().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminated_query_is_started_again_by_the_next_start() {
    let Some((place, ksqldb, ctx)) = started_once(test_name!()).await else {
        return;
    };
    ctx.shutdown().await.expect("it ends");
    ksqldb.terminate("CSAS_BIG_1");
    let plan = program(&place, &ksqldb).plan().await.expect("a plan");
    assert_eq!(
        difference(&plan, "BIG"),
        "the query: it was terminated: start starts it again, from the beginning of what it reads (AtStart)"
    );
    let ctx = started(program(&place, &ksqldb)).await;
    let last = ksqldb.changes().pop().expect("a statement");
    assert!(
        last.starts_with("CREATE OR REPLACE STREAM `BIG` WITH"),
        "{last}"
    );
    let plan = plan_of(&ctx).await;
    assert!(plan.is_unchanged(), "{plan}");
    ctx.shutdown().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_failed_is_started_again_where_that_cures_it() {
    let Some((_place, ksqldb, ctx)) = started_once(test_name!()).await else {
        return;
    };
    let running = |query: &QueryStatus| query.status.state == State::Running;
    wait_for(&ctx, "big", running).await;
    ksqldb.put(
        "CSAS_BIG_1",
        "ERROR",
        &[("SYSTEM", "the broker was away for too long")],
    );
    let healed = wait_for(&ctx, "big", |query| query.restarts == 1 && running(query)).await;
    assert_eq!(healed.ksqldb_ids, ["CSAS_BIG_1"], "it goes on where it was");
    let last = ksqldb.changes().pop().expect("a statement");
    assert!(
        last.starts_with("CREATE OR REPLACE STREAM `BIG` WITH"),
        "{last}"
    );
    // An insert that failed stands in its own way.
    ksqldb.put("TELL_BIG", "ERROR", &[("UNKNOWN", "something")]);
    wait_for(&ctx, "tell_big", |query| {
        query.restarts == 1 && running(query)
    })
    .await;
    let changes = ksqldb.changes();
    assert_eq!(changes[changes.len() - 2], "TERMINATE TELL_BIG;");
    assert!(changes[changes.len() - 1].starts_with("INSERT INTO `TOLD`"));
    ctx.shutdown().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_takes_a_person_is_told_and_left_alone() {
    let Some((place, ksqldb, ctx)) = started_once(test_name!()).await else {
        return;
    };
    let running = |query: &QueryStatus| query.status.state == State::Running;
    wait_for(&ctx, "big", running).await;
    let before = ksqldb.changes().len();
    let of = |query: &QueryStatus| place.told(told(query));

    ksqldb.put(
        "CSAS_BIG_1",
        "ERROR",
        &[("USER", "Not authorized to access topics: [trades]")],
    );
    let found = wait_for(&ctx, "big", |query| query.status.state == State::Error).await;
    assert_eq!(
        of(&found),
        "CSAS_BIG_1 has failed: USER: Not authorized to access topics: [trades]: put that right, and start this program again"
    );
    assert!(!ctx.overview().ready);
    ksqldb.put("CSAS_BIG_1", "RUNNING", &[]);
    wait_for(&ctx, "big", running).await;

    ksqldb.put("CSAS_BIG_1", "PAUSED", &[]);
    let found = wait_for(&ctx, "big", |query| {
        query.status.state == State::Disconnected
    })
    .await;
    assert_eq!(
        of(&found),
        "CSAS_BIG_1 is paused: `RESUME CSAS_BIG_1;` lets it go on"
    );
    ksqldb.put("CSAS_BIG_1", "RUNNING", &[]);
    wait_for(&ctx, "big", running).await;

    // Somebody made something else of it: its query goes on under the same id, with another text.
    ksqldb.rewrite("CSAS_BIG_1", "> 100", "> 900");
    ksqldb.put("CSAS_BIG_1", "ERROR", &[("SYSTEM", "something")]);
    let found = wait_for(&ctx, "big", |query| query.status.state == State::Error).await;
    let expected = "`BIG`: query CSAS_BIG_1 writes it with another text";
    assert!(of(&found).starts_with(expected), "{}", of(&found));
    ksqldb.rewrite("CSAS_BIG_1", "> 900", "> 100");
    ksqldb.put("CSAS_BIG_1", "RUNNING", &[]);
    wait_for(&ctx, "big", running).await;

    // A query that says it runs, over a topic that is not there any more.
    ctx.log()
        .delete_topic(&place.name("trades"))
        .await
        .expect("deleted");
    let found = wait_for(&ctx, "big", |query| query.status.state == State::Error).await;
    assert_eq!(
        of(&found),
        "CSAS_BIG_1 is said to run, and its topic `trades` is gone: start this program again, which creates the topic and starts the query again"
    );
    assert_eq!(ksqldb.changes().len(), before);
    ctx.shutdown().await.expect("it ends");
    let ctx = started(program(&place, &ksqldb)).await;
    let last = ksqldb.changes().pop().expect("a statement");
    assert!(
        last.starts_with("CREATE OR REPLACE STREAM `BIG` WITH"),
        "as it says: {last}"
    );
    wait_for(&ctx, "big", running).await;
    ctx.shutdown().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_cannot_be_cured_is_not_tried_without_end() {
    let test = test_name!();
    let Some(place) = Place::new(test) else {
        return;
    };
    let ksqldb = KsqlDbServer::with(|request: &Request, answer| {
        let statement = request.statement();
        match statement.starts_with("CREATE OR REPLACE") {
            true => Play::error(40001, "Kafka topic does not exist: trades"),
            false => answer,
        }
    });
    let ctx = started(on(&place, &ksqldb).query(big)).await;
    ksqldb.terminate("CSAS_BIG_1");
    let found = wait_for(&ctx, "big", |query| {
        query.status.state == State::Disconnected
    })
    .await;
    let expected = "the query of `BIG` was terminated, and could not be started again: ";
    assert!(told(&found).starts_with(expected), "{}", told(&found));
    assert!(
        told(&found).contains("Kafka topic does not exist: trades"),
        "{}",
        told(&found)
    );
    let looks = |ksqldb: &KsqlDbServer| {
        let statements = ksqldb.server.statements();
        let looks = statements.iter().filter(|text| *text == "SHOW QUERIES;");
        looks.count()
    };
    let before = looks(&ksqldb);
    while looks(&ksqldb) < before + 30 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let tried = ksqldb.changes().len() - 2;
    assert!(tried <= 8, "{tried} attempts in {} looks", looks(&ksqldb));
    ctx.shutdown().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_does_not_run_in_time_is_an_error_of_start() {
    let test = test_name!();
    let Some(place) = Place::new(test) else {
        return;
    };
    let ksqldb = KsqlDbServer::with(|request: &Request, answer| {
        let explains = request.statement().starts_with("EXPLAIN");
        match explains {
            true => Play::json(
                serde_json::json!([{ "@type": "queryDescription", "queryDescription": {
                "id": "CSAS_BIG_1", "statementText": "", "sources": [], "sinks": ["BIG"], "state": "ERROR",
                "queryErrors": [{ "timestamp": 1, "errorMessage": "no rights", "type": "USER" }] } }]),
            ),
            false => answer,
        }
    });
    assert_eq!(
        refused(on(&place, &ksqldb).query(big)).await,
        "start failed at the step `start queries`: the query `big` cannot be run: query CSAS_BIG_1 is ERROR: USER: no rights"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_ksqldb_runs_is_not_run_here_too() {
    let Some((place, ksqldb, ctx)) = started_once(test_name!()).await else {
        return;
    };
    ctx.shutdown().await.expect("it ends");
    let embedded = || place.builder().setting("ksqldb", ksqldb.url()).query(big);
    let plan = embedded().plan().await.expect("a plan");
    assert!(difference(&plan, "BIG").ends_with("(Refused)"), "{plan}");
    let error = place.told(refused(embedded()).await);
    assert_eq!(
        error,
        "start failed at the step `start queries`: the query `big` cannot be run: ksqlDB runs it as CSAS_BIG_1, and this program would write \
         its results to `big` a second time: set `engine` to `ksqldb`, or end ksqlDB's query with `TERMINATE CSAS_BIG_1;`"
    );
    ksqldb.terminate("CSAS_BIG_1");
    let ctx = started(embedded()).await;
    assert_ne!(ctx.queries()[0].duty, QueryDuty::KsqlDb);
    ctx.shutdown().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn caught_up_is_what_the_groups_of_the_queries_have_committed() {
    let test = test_name!();
    let Some(place) = Place::new(test) else {
        return;
    };
    let ksqldb = KsqlDbServer::start();
    let ctx = started(on(&place, &ksqldb).query(big)).await;
    ctx.wait_caught_up(LONG)
        .await
        .expect("there is nothing to read");
    let trades = (0..30).map(|number| Trade {
        account: 7,
        number,
        pieces: 3,
    });
    ctx.set::<Trade>()
        .add_all(trades)
        .await
        .expect("they are added");
    let behind = async |why: &str| {
        let waited = ctx.wait_caught_up(Duration::from_secs(1)).await;
        place.told(waited.expect_err(why))
    };
    let error = behind("nobody read them").await;
    assert!(
        error.contains("the query `big` is RUNNING: CSAS_BIG_1 has not read partition"),
        "{error}"
    );
    assert!(error.contains("of `trades` beyond 0 of"), "{error}");

    // As ksqlDB's consumers would, named as it names them.
    let topic = place.name("trades");
    let group = "_confluent-ksql-default_query_CSAS_BIG_1";
    let ends = ctx.log().all_offsets(&topic).await.expect("offsets");
    let commits: Vec<(i32, i64)> = (0..).zip(ends.iter().map(|at| at.end)).collect();
    // What it sends itself through a topic of its own is not read yet.
    let internal = format!("{group}-Aggregate-GroupBy-repartition");
    let spec = TopicSpec::new(internal.as_str(), 1);
    ctx.log().create_topic(&spec).await.expect("created");
    ctx.log()
        .produce(&internal, Record::new(Some(b"a"), Some(b"b"), 1))
        .await
        .expect("sent");
    ctx.log()
        .commit_all(group, &topic, &commits)
        .await
        .expect("committed");
    let error = behind("half way").await;
    assert!(error.contains("-repartition` beyond 0 of 1"), "{error}");
    // What comes of that goes through a topic of a foreign key, and of that through the first one again, of which all was read before.
    let further = format!("{group}-KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-0000000009-topic");
    let changes = format!("{group}-Aggregate-changelog");
    for topic in [&further, &changes] {
        let spec = TopicSpec::new(topic.as_str(), 1);
        ctx.log().create_topic(&spec).await.expect("created");
        ctx.log()
            .produce(topic, Record::new(Some(b"a"), Some(b"b"), 1))
            .await
            .expect("sent");
    }
    ctx.log()
        .commit_all(group, &internal, &[(0, 1)])
        .await
        .expect("committed");
    let error = behind("two thirds of the way").await;
    assert!(error.contains("-topic` beyond 0 of 1"), "{error}");
    let (waiting, log) = (ctx.clone(), ctx.log().clone());
    let waits = tokio::spawn(async move { waiting.wait_caught_up(LONG).await });
    ctx.log()
        .produce(&internal, Record::new(Some(b"a"), Some(b"b"), 2))
        .await
        .expect("sent");
    log.commit_all(group, &further, &[(0, 1)])
        .await
        .expect("committed");
    let error = behind("the first one has more").await;
    assert!(error.contains("-repartition` beyond 1 of 2"), "{error}");
    assert!(!waits.is_finished(), "it was asked before there was more");
    log.commit_all(group, &internal, &[(0, 2)])
        .await
        .expect("committed");
    let waited = waits.await.expect("it ends");
    waited.expect("nobody reads the changes of what is kept");
    let found = wait_for(&ctx, "big", |query| {
        query.status.lag.len() == 3 && query.status.total_lag() == 0
    })
    .await;
    assert_eq!(found.status.lag.iter().map(|lag| lag.end).sum::<i64>(), 30);
    for topic in [&internal, &further, &changes] {
        ctx.log().delete_topic(topic).await.expect("deleted");
    }
    ctx.shutdown().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_ksqldb_is_away_its_queries_are_disconnected_and_come_back() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    let test = test_name!();
    let Some(place) = Place::new(test) else {
        return;
    };
    let away = Arc::new(AtomicBool::new(false));
    let gone = Arc::clone(&away);
    let ksqldb = KsqlDbServer::with(move |_, answer| match gone.load(Ordering::Acquire) {
        true => Play::error(40301, "Access denied"),
        false => answer,
    });
    let ctx = started(on(&place, &ksqldb).query(big)).await;
    let running = |query: &QueryStatus| query.status.state == State::Running;
    wait_for(&ctx, "big", running).await;
    away.store(true, Ordering::Release);
    let found = wait_for(&ctx, "big", |query| {
        query.status.state == State::Disconnected
    })
    .await;
    assert!(told(&found).contains("Access denied"), "{}", told(&found));
    away.store(false, Ordering::Release);
    wait_for(&ctx, "big", running).await;
    ctx.shutdown().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_that_a_query_reads_are_a_stream_of_their_own_in_ksqldb() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    let ksqldb = KsqlDbServer::start();
    let program = || on(&place, &ksqldb).query(much).query(sold).query(big);
    let ctx = started(program()).await;
    let changes = ksqldb.changes();
    let at = |beginning: &str| {
        let at = changes.iter().position(|text| text.starts_with(beginning));
        at.unwrap_or_else(|| panic!("no {beginning} in {changes:#?}"))
    };
    let stream = at("CREATE STREAM IF NOT EXISTS `SOLD_5MIN_STREAM` (");
    for part in [
        "sold_5min'",
        "WINDOW_TYPE='TUMBLING'",
        "WINDOW_SIZE='5 MINUTES'",
    ] {
        assert!(
            changes[stream].contains(part),
            "{part} in {}",
            changes[stream]
        );
    }
    let much = at("CREATE STREAM IF NOT EXISTS `MUCH_5MIN` WITH");
    assert!(
        changes[much].contains("FROM `SOLD_5MIN_STREAM`"),
        "{}",
        changes[much]
    );
    assert!(stream < much && at("CREATE TABLE IF NOT EXISTS `SOLD_5MIN`") < much);
    assert!(
        !changes.iter().any(|text| text.contains("SOLD_1MIN_STREAM")),
        "nobody reads it"
    );
    // All of it is what `ddl` says, and is never sent again.
    let mut sent = changes.clone();
    let mut ddl: Vec<String> = program()
        .ddl()
        .expect("statements")
        .lines()
        .map(str::to_owned)
        .collect();
    sent.sort();
    ddl.sort();
    assert_eq!(sent, ddl);
    let plan = plan_of(&ctx).await;
    assert!(plan.is_unchanged(), "{plan}");
    ctx.shutdown().await.expect("it ends");
    let ctx = started(program()).await;
    ctx.shutdown().await.expect("it ends");
    assert_eq!(ksqldb.changes(), changes);
}
