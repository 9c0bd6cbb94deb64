//! Servers that are away when a program starts: waited for, and told of in one error when it takes too long.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ksql_runtime::error::Error;
use ksql_runtime::log::LogError;
use ksql_runtime_tests::http_server::{Play, TestServer, closed_port};
use ksql_runtime_tests::servers::{self, Kafka, RegistryServer};
use ksql_runtime_tests::shop::{Rate, rate};
use ksql_runtime_tests::test_name;

use crate::ksqldb_server::KsqlDbServer;
use crate::{Place, beside, exactly, forward, on, plan_of, refused, started};

/// How long is waited for servers that stay away. Those that are there must answer in this time too.
const SHORT: &str = "5s";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafka_that_is_away_is_waited_for_and_told_of_when_it_stays_away() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    let Some(kafka) = servers::or_skip(test_name!(), Kafka::start()) else {
        return;
    };
    let kafka = beside(move || {
        kafka.stop();
        kafka
    })
    .await;
    let bootstrap = kafka.bootstrap().to_owned();
    let program = || {
        let builder = on(&bootstrap, place.registry.url(), &place.prefix);
        builder.state_dir(place.state.path()).entity::<Rate>()
    };
    let expected = "start failed at the step `reach kafka`: kafka at KAFKA could not be reached to describe the topic: check that a \
         broker runs there, that its advertised listeners can be reached from here, and the security settings: KAFKA/bootstrap: Connect to ipv4#KAFKA failed: Connection refused (after a while) (BrokerTransportFailure)";
    let text = refused(program().setting("reach_timeout", SHORT)).await;
    exactly(&text.replace(&bootstrap, "KAFKA"), expected);
    // A plan says the same.
    let plan = program().setting("reach_timeout", SHORT).plan().await;
    let text = plan.expect_err("no plan").to_string();
    exactly(&text.replace(&bootstrap, "KAFKA"), expected);

    // The same directory: a start that was refused keeps nothing. It comes up while the next one waits.
    let (ctx, kafka) = tokio::join!(
        started(program().setting("reach_timeout", "10m")),
        beside(move || {
            kafka.start_again();
            kafka
        })
    );
    assert!(plan_of(&ctx).await.is_unchanged());
    ctx.shutdown().await.expect("it ends");
    drop(kafka);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_is_away_is_waited_for_and_told_of_when_it_stays_away() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    let Some(registry) = servers::or_skip(test_name!(), RegistryServer::start()) else {
        return;
    };
    let registry = beside(move || {
        registry.stop();
        registry
    })
    .await;
    let url = registry.url().to_owned();
    let program = || place.builder().setting("registry", &*url).entity::<Rate>();
    let text = refused(program().setting("reach_timeout", SHORT)).await;
    let text = text.replace(&url, "REGISTRY");
    exactly(
        &text,
        "start failed at the step `reach the schema registry`: the schema registry cannot be reached: REFUSED; \
             check its address (REGISTRY), and that it is running: error sending request: client error (Connect): tcp \
             connect error: REFUSED",
    );
    let (ctx, registry) = tokio::join!(
        started(program().setting("reach_timeout", "10m")),
        beside(move || {
            registry.start_again();
            registry
        })
    );
    assert!(plan_of(&ctx).await.is_unchanged());
    ctx.shutdown().await.expect("it ends");
    drop(registry);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_answers_at_the_fourth_attempt_is_asked_four_times() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    let asked = AtomicUsize::new(0);
    let url = place.registry.url().to_owned();
    let registry = TestServer::start(move |request| match asked.fetch_add(1, Ordering::AcqRel) {
        0 => Play::Slam,
        1 => Play::status(503, "starting"),
        2 => Play::Slam,
        _ => forward(&url, request),
    });
    let ctx = started(place.builder().setting("registry", registry.url())).await;
    let requests = registry.requests();
    let paths: Vec<&str> = requests.iter().map(|asked| asked.path.as_str()).collect();
    assert_eq!(paths, ["/config?defaultToGlobal=true"; 4]);
    ctx.shutdown().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ksqldb_that_starts_is_waited_for_and_told_of_when_it_never_does() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let ksqldb = KsqlDbServer::with(move |request, answer| {
        let starting = request.path == "/info" && count.fetch_add(1, Ordering::AcqRel) < 3;
        if starting {
            Play::error(50302, "KSQL is not yet ready to serve requests.")
        } else {
            answer
        }
    });
    let program = |url: String| place.builder().setting("ksqldb", url).entity::<Rate>();
    let ctx = started(program(ksqldb.url())).await;
    assert_eq!(asked.load(Ordering::Acquire), 4);
    assert_eq!(ksqldb.changes().len(), 1);
    ctx.shutdown().await.expect("it ends");

    let never =
        TestServer::start(|_| Play::error(50302, "KSQL is not yet ready to serve requests."));
    let text = refused(program(never.url()).setting("reach_timeout", SHORT)).await;
    assert_eq!(
        text.replace(&never.url(), "KSQLDB"),
        "start failed at the step `reach ksqldb`: ksqlDB at KSQLDB/ answered with error 50302: KSQL is not yet ready to \
         serve requests.; ask again later"
    );
    assert!(never.requests().len() > 1, "it was asked again");
    let nobody = closed_port();
    let text = refused(program(nobody.clone()).setting("reach_timeout", SHORT)).await;
    exactly(
        &text.replace(&nobody, "KSQLDB"),
        "start failed at the step `reach ksqldb`: ksqlDB cannot be reached: KSQLDB/: REFUSED",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_silent_is_no_longer_waited_for_than_reaching_may_take() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    let silent = TestServer::start(|_| Play::Silence);
    for (key, expected) in [
        (
            "registry",
            "start failed at the step `reach the schema registry`: the schema registry cannot be reached: no whole \
             answer within 5s; check its address (SILENT), and that it is running: error sending request: operation \
             timed out",
        ),
        (
            "ksqldb",
            "start failed at the step `reach ksqldb`: ksqlDB at SILENT/ did not answer `/info` within 5s",
        ),
    ] {
        let builder = place.builder().entity::<Rate>();
        let builder = builder
            .setting(key, silent.url())
            .setting("request_timeout", "1h")
            .setting("reach_timeout", SHORT);
        let text = tokio::time::timeout(Duration::from_secs(300), refused(builder)).await;
        let text = text.expect("an error long before the hour is over");
        exactly(&text.replace(&silent.url(), "SILENT"), expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_not_answered_is_given_up_as_soon_as_it_is_set_to_be() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    let asked = AtomicUsize::new(0);
    let url = place.registry.url().to_owned();
    let registry = TestServer::start(move |request| match asked.fetch_add(1, Ordering::AcqRel) {
        0..6 => Play::Silence,
        _ => forward(&url, request),
    });
    let builder = place.builder().entity::<Rate>();
    let builder = builder
        .setting("registry", registry.url())
        .setting("request_timeout", "1s")
        .setting("reach_timeout", "1h");
    // By default this would be six times half a minute.
    let ctx = tokio::time::timeout(Duration::from_secs(120), started(builder)).await;
    let ctx = ctx.expect("six seconds, and what a start takes");
    ctx.shutdown().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_waits_for_its_acknowledgement_as_long_as_it_is_set_to() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    let Some(kafka) = servers::or_skip(test_name!(), Kafka::start()) else {
        return;
    };
    let builder = on(kafka.bootstrap(), place.registry.url(), &place.prefix);
    let builder = builder.state_dir(place.state.path()).entity::<Rate>();
    let ctx = started(builder.setting("delivery_timeout", "1s")).await;
    let set = ctx.set::<Rate>();
    set.add(rate("EUR", 1.0)).await.expect("added");
    let kafka = beside(move || {
        kafka.kill();
        kafka
    })
    .await;
    // By default this would be two minutes.
    let added = tokio::time::timeout(Duration::from_secs(60), set.add(rate("EUR", 2.0))).await;
    let error = added.expect("an error long before").expect_err("no broker");
    assert!(
        matches!(&error, Error::Log(LogError::NotAcknowledged { after, .. }) if *after == Duration::from_secs(1)),
        "{error:?}"
    );
    ctx.shutdown().await.expect("it ends");
    drop(kafka);
}
