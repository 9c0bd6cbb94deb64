//! A real registry that goes away and comes back.

use ksql_runtime::http::HttpOptions;
use ksql_runtime::registry::{HttpRegistry, Reference};
use ksql_runtime_tests::servers;

use super::{client, for_a_while};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_registry_reads_references_and_outlives_its_end() {
    use ksql_runtime::codec::resolve::{Part, Plan};
    use ksql_runtime::prelude::*;

    #[derive(Debug, PartialEq, Entity)]
    #[topic("rates")]
    struct Rate {
        #[key]
        symbol: String,
        size: i64,
    }

    let started = tokio::task::spawn_blocking(servers::RegistryServer::start).await;
    let started = started.expect("it is tried");
    let Some(server) = servers::or_skip(ksql_runtime_tests::test_name!(), started) else {
        return;
    };
    let options = HttpOptions::new([server.url()]);
    let registry = HttpRegistry::with_patience(&options, for_a_while()).expect("a client");
    let size = r#"{"type":"record","name":"Size","namespace":"shop","fields":[{"name":"lots","type":"int"}]}"#;
    let rate = r#"{"type":"record","name":"Rate","namespace":"shop","fields":[{"name":"was","type":"Size"},{"name":"now","type":["null","Size"],"default":null},{"name":"size","type":"int"}]}"#;
    let size_id = registry.register("size", size).await.expect("registered");
    let refers = [Reference {
        name: "shop.Size".to_owned(),
        subject: "size".to_owned(),
        version: 1,
    }];
    let id = registry
        .register_with("rate", rate, &refers)
        .await
        .expect("registered");
    let again = client(&options).register_with("rate", rate, &refers).await;
    assert_eq!(again.expect("known to the server"), id);
    let whole = registry.schema_by_id(id).await.expect("whole");
    let plan = Plan::build(&whole, Rate::MODEL, Part::Value).expect("it is read");
    let mut body = Vec::new();
    plan.transcode(&[2, 0, 14], &mut body).expect("a body");
    let read = Rate::decode("EURUSD".into(), &body).expect("a rate");
    assert_eq!((read.symbol.as_str(), read.size), ("EURUSD", 7));

    let server = tokio::task::spawn_blocking(move || {
        server.stop();
        server
    })
    .await
    .expect("it is gone");
    assert_eq!(registry.schema_by_id(id).await.expect("known"), whole);
    assert_eq!(
        registry.register("size", size).await.expect("known"),
        size_id
    );
    let away = registry.subjects().await.expect_err("away");
    assert!(away.is_transient(), "{away:?}");
    let server = tokio::task::spawn_blocking(move || {
        server.start_again();
        server
    })
    .await
    .expect("it is back");
    assert_eq!(registry.subjects().await.expect("back"), ["rate", "size"]);
    drop(server);
}
