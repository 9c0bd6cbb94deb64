//! TLS with a real Kafka, whose certificate a private authority signed and which asks its clients for one: by a context's
//! configuration.
//!
//! librdkafka speaks TLS where it is built with OpenSSL: `make test-tls` builds it so, and runs these tests. A build without the
//! feature `kafka-ssl` has none of them.

mod authority;

use std::path::Path;

use authority::Authority;
use ksql_runtime_tests::cluster::Place;
use ksql_runtime_tests::errors::chain;
use ksql_runtime_tests::servers::{self, Kafka, KafkaOptions, RegistryServer};
use ksql_runtime_tests::test_name;
use ksql_runtime_tests::workload::{Row, row};

/// A broker with a certificate of this authority, and a registry; or nothing after the test was reported as skipped.
fn start(test: &str, authority: &Authority) -> Option<(Kafka, &'static RegistryServer)> {
    let registry = servers::registry_or_skip(test)?;
    let options =
        KafkaOptions::new().certificates(&authority.server("127.0.0.1"), &authority.certificate());
    let kafka = servers::or_skip(test, Kafka::start_with(options))?;
    Some((kafka, registry))
}

/// A place behind TLS, with what a client knows and shows.
fn place(
    (kafka, registry): &(Kafka, &'static RegistryServer),
    knows: &Path,
    shows: Option<&Path>,
) -> Place {
    let place = Place::new(kafka.tls(), registry)
        .with("kafka.security.protocol", "ssl")
        .with("ca_certificate", &knows.display().to_string())
        .with("reach_timeout", "4s");
    match shows.map(|path| path.display().to_string()) {
        None => place,
        Some(path) => place
            .with("kafka.ssl.certificate.location", &path)
            .with("kafka.ssl.key.location", &path),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_go_and_come_over_tls_with_certificates_on_both_sides() {
    let authority = Authority::new();
    let Some(cluster) = start(test_name!(), &authority) else {
        return;
    };
    let shop = authority.client("shop");
    let place = place(&cluster, &authority.certificate(), Some(&shop));
    let ctx = place
        .builder()
        .entity::<Row>()
        .start()
        .await
        .expect("it starts");
    let rows = ctx.set::<Row>();
    rows.add_all((0..300).map(|id| row(id, 1)))
        .await
        .expect("added");
    ctx.wait_caught_up(ksql_runtime_tests::cluster::LIMIT)
        .await
        .expect("read");
    assert_eq!(rows.to_list().await.expect("rows").len(), 300);
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_known_is_refused_and_the_error_says_by_whom() {
    let (authority, other) = (Authority::new(), Authority::new());
    let Some(cluster) = start(test_name!(), &authority) else {
        return;
    };
    let shop = authority.client("shop");
    let refused = async |place: Place| {
        let started = place.builder().entity::<Row>().start().await;
        chain(&started.expect_err("it is refused"))
    };
    // A broker that another authority signed.
    let told = refused(place(&cluster, &other.certificate(), Some(&shop))).await;
    assert!(told.contains("reach kafka"), "{told}");
    assert!(told.contains("certificate verify failed"), "{told}");
    // A client without a certificate, and one of another authority.
    for shows in [None, Some(other.client("stranger"))] {
        let told = refused(place(&cluster, &authority.certificate(), shows.as_deref())).await;
        assert!(told.contains("reach kafka"), "{shows:?}: {told}");
        assert!(told.to_lowercase().contains("ssl"), "{shows:?}: {told}");
    }
}
