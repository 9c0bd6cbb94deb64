//! Sources in ksqlDB: created once, compared ever after; what can be added in place is added only when asked to.

use ksql_runtime_tests::test_name;
use serde_json::json;

use crate::ksqldb_server::KsqlDbServer;
use crate::{Place, difference, plan_of, refused, started};
use ksql_runtime_tests::shop::{Rate, Trade};

/// The table with a column more, which schemas allow.
mod later {
    use ksql_runtime::prelude::*;

    #[derive(Debug, Clone, PartialEq, Entity)]
    #[topic("rates", partitions = 2)]
    #[table]
    #[entity(namespace = "shop")]
    pub(super) struct Rate {
        #[key]
        pub(super) symbol: String,
        pub(super) price: f64,
        pub(super) note: Option<String>,
    }
}

/// A place where the program was started once with ksqlDB.
async fn started_once(test: &str) -> Option<(Place, KsqlDbServer)> {
    let (place, ksqldb) = (Place::new(test)?, KsqlDbServer::start());
    let builder = place.builder().setting("ksqldb", ksqldb.url());
    let ctx = started(builder.entity::<Rate>().entity::<Trade>()).await;
    let plan = plan_of(&ctx).await;
    assert!(plan.is_unchanged(), "{plan}");
    ctx.shutdown().await.expect("it ends");
    assert_eq!(ksqldb.changes().len(), 2);
    Some((place, ksqldb))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_is_created_by_its_statement_and_never_sent_again() {
    let Some((place, ksqldb)) = started_once(test_name!()).await else {
        return;
    };
    let program = || {
        let builder = place.builder().setting("ksqldb", ksqldb.url());
        builder.entity::<Rate>().entity::<Trade>()
    };
    let ddl = program().ddl().expect("statements");
    assert_eq!(ksqldb.changes(), ddl.lines().collect::<Vec<_>>());
    for _ in 0..2 {
        let ctx = started(program()).await;
        ctx.shutdown().await.expect("it ends");
    }
    assert_eq!(ksqldb.changes().len(), 2, "what is equal is not sent again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_column_is_reported_and_added_in_place_when_asked_to() {
    let Some((place, ksqldb)) = started_once(test_name!()).await else {
        return;
    };
    let program = || {
        let builder = place.builder().setting("ksqldb", ksqldb.url());
        builder.entity::<later::Rate>()
    };
    let plan = program().plan().await.expect("a plan");
    assert_eq!(
        difference(&plan, "RATE"),
        "the source: column `NOTE` STRING is defined and not there: `ALTER TABLE `RATE` ADD COLUMN `NOTE` STRING;` adds it \
         in place (InPlace)"
    );
    let ctx = started(program()).await;
    assert_eq!(ksqldb.changes().len(), 2, "left as it is");
    ctx.shutdown().await.expect("it ends");

    let ctx = started(program().setting("on_drift", "alter")).await;
    assert_eq!(
        ksqldb.changes()[2..],
        ["ALTER TABLE `RATE` ADD COLUMN `NOTE` STRING;"]
    );
    let plan = plan_of(&ctx).await;
    assert!(plan.is_unchanged(), "{plan}");
    ctx.shutdown().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_type_or_kind_is_refused_and_nothing_is_dropped() {
    let Some((place, ksqldb)) = started_once(test_name!()).await else {
        return;
    };
    let program = || {
        let builder = place.builder().setting("ksqldb", ksqldb.url());
        builder.setting("on_drift", "alter").entity::<Rate>()
    };
    ksqldb.change("RATE", |source| {
        source["fields"][1]["schema"]["type"] = json!("STRING");
    });
    let plan = program().plan().await.expect("a plan");
    assert_eq!(
        difference(&plan, "RATE"),
        "the source: column `PRICE` is STRING and defined as DOUBLE: this needs a new version under another name (NewVersion)"
    );
    assert_eq!(plan.refused().count(), 1);
    assert_eq!(
        refused(program()).await,
        "start failed at the step `create sources` for `Rate`: `RATE` differs from its definition: column `PRICE` is STRING \
         and defined as DOUBLE: this needs a new version under another name"
    );

    ksqldb.change("RATE", |source| source["type"] = json!("STREAM"));
    let plan = program().plan().await.expect("a plan");
    assert_eq!(
        difference(&plan, "RATE"),
        "the source: it is a STREAM and defined as a TABLE: name the entity otherwise, or drop what is there (Refused)"
    );
    assert_eq!(
        refused(program()).await,
        "start failed at the step `create sources` for `Rate`: `RATE` differs from its definition: it is a STREAM and \
         defined as a TABLE: name the entity otherwise, or drop what is there"
    );
    assert_eq!(ksqldb.changes().len(), 2);
}
