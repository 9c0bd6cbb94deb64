//! One program, one directory, several logs: embedded first, then a cluster, then another one, and back. Each has its own
//! rows, and none is in the way of another.

use ksql_runtime_tests::servers::{self, Kafka};
use ksql_runtime_tests::shop::{Rate, rate};
use ksql_runtime_tests::test_name;

use crate::{Place, on, started};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_keeps_the_rows_of_every_log_apart_and_finds_them_again() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    let Some(other) = servers::or_skip(test_name!(), Kafka::start()) else {
        return;
    };
    let embedded = || {
        ksql_runtime::prelude::Context::builder()
            .config(ksql_runtime::prelude::Config::default())
            .state_dir(place.state.path())
    };
    let cluster = || place.builder();
    let another =
        || on(other.bootstrap(), place.registry.url(), &place.prefix).state_dir(place.state.path());
    for (round, builder) in [embedded(), cluster(), another()].into_iter().enumerate() {
        let ctx = started(builder.entity::<Rate>()).await;
        let set = ctx.set::<Rate>();
        assert_eq!(set.count().await.expect("a count"), 0, "nothing of others");
        let receipt = set.add(rate("EUR", round as f64)).await.expect("added");
        set.at_least(receipt).get("EUR").await.expect("a read");
        ctx.shutdown().await.expect("it ends");
    }
    for (round, builder) in [embedded(), cluster(), another()].into_iter().enumerate() {
        let ctx = started(builder.entity::<Rate>()).await;
        let set = ctx.set::<Rate>();
        let rows = set.to_list().await.expect("the rows");
        assert_eq!(rows, [rate("EUR", round as f64)]);
        assert_eq!(set.replayed().expect("a table"), 0, "its own offsets");
        ctx.shutdown().await.expect("it ends");
    }
}
