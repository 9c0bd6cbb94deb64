//! A start that is killed at any step, and two at once: afterwards everything is there, once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ksql_runtime::prelude::Context;
use ksql_runtime::registry::Version;
use ksql_runtime_tests::child::Lines;
use ksql_runtime_tests::http_server::{Play, Request, TestServer};
use ksql_runtime_tests::shop::{Rate, Trade};
use ksql_runtime_tests::test_name;
use ksql_runtime_tests::workload::mix;

use crate::ksqldb_server::KsqlDbServer;
use crate::{Place, forward, plan_of, started};

const CHILD: &str = env!("CARGO_BIN_EXE_cluster_child");
const LIMIT: Duration = Duration::from_secs(300);

/// How the system's list of connections calls one whose other end is closed and whose own is not.
const CLOSE_WAIT: &str = "08";

/// A child that starts; it halts at a line of its log.
fn child(place: &Place, registry: &str, ksqldb: &KsqlDbServer, line: usize) -> Lines {
    let arguments = [
        line.to_string(),
        format!("bootstrap={}", place.kafka.bootstrap()),
        format!("registry={registry}"),
        format!("ksqldb={}", ksqldb.url()),
        format!("topic_prefix={}", place.prefix),
        "warm_up=dummy_records".to_owned(),
    ];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    Lines::start(CHILD, &arguments, place.state.path())
}

/// Waits until the servers have done what a killed child had sent them: until then their ends of its connections stand and
/// wait to be closed. A start beside that would not be the next one but another at the same time.
async fn settled(place: &Place, ksqldb: &KsqlDbServer) {
    let port = |url: &str| -> u16 {
        let host = url.trim_start_matches("http://").split('/').next();
        let port = host.and_then(|host| host.rsplit(':').next());
        port.and_then(|port| port.parse().ok()).expect("a port")
    };
    let ports = [place.kafka.bootstrap(), place.registry.url(), &ksqldb.url()]
        .map(|url| format!(":{:04X}", port(url)));
    // Where there are no such lists there is nothing to look at.
    let waits = || {
        ["/proc/net/tcp", "/proc/net/tcp6"].iter().any(|list| {
            let list = std::fs::read_to_string(list).unwrap_or_default();
            list.lines().any(|line| {
                let mut words = line.split_whitespace().skip(1);
                let (local, state) = (words.next().unwrap_or_default(), words.nth(1));
                state == Some(CLOSE_WAIT) && ports.iter().any(|port| local.ends_with(port.as_str()))
            })
        })
    };
    let end = Instant::now() + LIMIT;
    let mut looks = tokio::time::interval(Duration::from_millis(5));
    while waits() {
        assert!(Instant::now() < end, "what a child had sent is never done");
        looks.tick().await;
    }
}

/// Starts where the child was killed; what is there is what one start makes.
async fn made_whole(place: &Place, ksqldb: &KsqlDbServer, after: &str) {
    settled(place, ksqldb).await;
    let program = place
        .builder()
        .setting("ksqldb", ksqldb.url())
        .setting("warm_up", "dummy_records");
    let ctx = started(program.entity::<Rate>().entity::<Trade>()).await;
    let plan = plan_of(&ctx).await;
    assert!(plan.is_unchanged(), "after {after}:\n{plan}");
    one_schema_each(&ctx, place, after).await;
    for (topic, partitions) in [("rates", 2), ("trades", 3)] {
        let offsets = ctx.log().all_offsets(&place.name(topic)).await;
        let ends: Vec<i64> = offsets.expect("offsets").iter().map(|of| of.end).collect();
        assert_eq!(ends.len(), partitions, "{topic} after {after}");
        let records: i64 = ends.iter().sum();
        // One that was on its way when its sender was killed may come after the next start has looked.
        assert!(
            (1..=2).contains(&records),
            "{records} records that say nothing in {topic} after {after}"
        );
    }
    assert_eq!(ctx.set::<Rate>().count().await.expect("a count"), 0);
    assert_eq!(ksqldb.changes().len(), 2, "sent once, after {after}");
    ctx.shutdown().await.expect("it ends");
}

/// Every subject has the one schema, with the one id that stands before every record.
async fn one_schema_each(ctx: &Context, place: &Place, after: &str) {
    for subject in ["rates-value", "trades-value", "trades-key"] {
        let name = place.name(subject);
        let versions = ctx.registry().versions(&name).await.expect("versions");
        let mut found = Vec::new();
        for version in &versions {
            let version = Version::Number(*version);
            let schema = ctx.registry().by_version(&name, version).await;
            let schema = schema.expect("a schema");
            found.push((schema.id, schema.schema));
        }
        // This registry counts one schema twice where two register it at the same instant.
        assert!(versions.len() <= 2, "{subject}, {after}: {found:?}");
        found.dedup();
        assert_eq!(found.len(), 1, "{subject}, {after}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_killed_at_any_line_of_its_log_is_finished_by_the_next_one() {
    let Some(mut place) = Place::new(test_name!()) else {
        return;
    };
    let mut halts = Vec::new();
    for line in 1.. {
        place.renew();
        let ksqldb = KsqlDbServer::start();
        let mut child = child(&place, place.registry.url(), &ksqldb, line);
        let said = child.next(LIMIT).expect("it halts or starts");
        child.kill(|_| {});
        let Some(halt) = said.strip_prefix("halted ") else {
            assert_eq!(said, "started");
            break;
        };
        made_whole(&place, &ksqldb, halt).await;
        halts.push(place.told(halt));
    }
    // Every step is among what was met.
    for step in [
        "generated KSQL",
        "topic created",
        "schema registered",
        "source created",
        "table changed its state",
    ] {
        assert!(
            halts.iter().any(|halt| halt.contains(step)),
            "`{step}` among {halts:#?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_killed_when_a_server_has_done_what_it_was_asked_is_finished_by_the_next_one() {
    let Some(mut place) = Place::new(test_name!()) else {
        return;
    };
    let mut killed = 0;
    for nth in 1.. {
        place.renew();
        // Counts what changes something at either server; after the nth the server falls silent.
        let left = Arc::new(AtomicUsize::new(nth));
        let silent = {
            let left = Arc::clone(&left);
            move |request: &Request, answer: Play| {
                let writes = request.method == "PUT"
                    || request.path.ends_with("/versions")
                    || request.statement().starts_with("CREATE");
                let last = writes && left.fetch_sub(1, Ordering::AcqRel) == 1;
                if last { Play::Silence } else { answer }
            }
        };
        let ksqldb = KsqlDbServer::with(silent.clone());
        let url = place.registry.url().to_owned();
        let registry = TestServer::start(move |request| silent(request, forward(&url, request)));
        let mut child = child(&place, &registry.url(), &ksqldb, 0);
        let end = Instant::now() + LIMIT;
        let got_through = loop {
            if left.load(Ordering::Acquire) == 0 {
                break false;
            }
            match child.next(Duration::from_millis(20)) {
                Some(said) => {
                    assert_eq!(said, "started");
                    break true;
                }
                None => assert!(Instant::now() < end, "it neither starts nor asks"),
            }
        };
        child.kill(|_| {});
        if got_through {
            break;
        }
        killed = nth;
        // From now on everybody answers: the count went below zero.
        left.fetch_sub(1, Ordering::AcqRel);
        made_whole(&place, &ksqldb, &format!("change {nth}")).await;
    }
    // Two sources, three schemas; a registry may have to be told their levels too.
    assert!(killed >= 5, "killed after {killed} changes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_killed_at_any_instant_is_finished_by_the_next_one() {
    let Some(mut place) = Place::new(test_name!()) else {
        return;
    };
    let ksqldb = KsqlDbServer::start();
    let begun = Instant::now();
    let mut whole = child(&place, place.registry.url(), &ksqldb, 0);
    whole.expect("started", LIMIT);
    let whole_start = begun.elapsed();
    whole.kill(|_| {});
    for round in 0..6 {
        place.renew();
        let ksqldb = KsqlDbServer::start();
        let mut child = child(&place, place.registry.url(), &ksqldb, 0);
        let parts = (mix(7, round) % 1000) as u32;
        child.read_for(whole_start * parts / 1000, |_| {});
        child.kill(|_| {});
        made_whole(&place, &ksqldb, &format!("{parts} thousandths of a start")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_instances_that_start_together_end_in_one_state() {
    let Some(mut place) = Place::new(test_name!()) else {
        return;
    };
    // One request at a time, as Confluent's registry registers: Apicurio's compares and adds in two steps, between which an
    // equal schema of another becomes a version of its own, whatever its clients do.
    let (url, turns) = (place.registry.url().to_owned(), Mutex::new(()));
    let registry = TestServer::start(move |request| {
        let _turn = turns.lock().unwrap_or_else(PoisonError::into_inner);
        forward(&url, request)
    });
    for round in 0..5 {
        place.renew();
        let ksqldb = KsqlDbServer::start();
        let other = tempfile::tempdir().expect("a directory");
        let program = |state| {
            let builder = place.builder_in(state).setting("ksqldb", ksqldb.url());
            let builder = builder.setting("registry", registry.url());
            builder.entity::<Rate>().entity::<Trade>()
        };
        let (one, two) = tokio::join!(
            program(place.state.path()).start(),
            program(other.path()).start()
        );
        let (one, two) = (one.expect("one starts"), two.expect("the other starts"));
        for ctx in [&one, &two] {
            let plan = plan_of(ctx).await;
            assert!(plan.is_unchanged(), "round {round}:\n{plan}");
        }
        one_schema_each(&one, &place, &format!("round {round}")).await;
        // What one adds the other reads.
        let rate = ksql_runtime_tests::shop::rate("EUR", 1.5);
        one.set::<Rate>().add(rate.clone()).await.expect("added");
        two.wait_caught_up(LIMIT).await.expect("caught up");
        let read = two.set::<Rate>().get("EUR").await.expect("a read");
        assert_eq!(read, Some(rate), "round {round}");
        one.shutdown().await.expect("one ends");
        two.shutdown().await.expect("the other ends");
    }
}
