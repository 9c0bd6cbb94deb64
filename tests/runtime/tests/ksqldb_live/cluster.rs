//! A whole program on that ksqlDB and on the Kafka and registry behind it: it starts twice, adds flights, reads the same from
//! its table, from a pull and from a push query, and removes some.

use std::collections::BTreeSet;
use std::path::Path;

use ksql_runtime::ksqldb::{Ensured, Select};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::servers::{Skip, or_skip};
use ksql_runtime_tests::test_name;
use ksql_tests::entities::{Airline, Flight, Plane};

use crate::flights::{
    ByAircraft, KEPT, RECORDS, by_key, copy, embedded, followed, pulled, pushed, records,
};
use crate::server::{LONG, Place, url};

/// Sources of the program, what is made from them first.
const SOURCES: [&str; 4] = [KEPT, "FLIGHT", "AIRLINE", "PLANE"];

/// Whether the environment names the Kafka and the registry behind the ksqlDB. Where it does not, the test is reported as
/// skipped.
pub(crate) fn is_named(test: &str) -> bool {
    let missing: Vec<&str> = ["KSQL_BOOTSTRAP", "KSQL_REGISTRY"]
        .into_iter()
        .filter(|name| std::env::var_os(name).is_none())
        .collect();
    let named = if missing.is_empty() {
        Ok(())
    } else {
        Err(Skip::because(format!(
            "{} not set; the Kafka and the registry behind the ksqlDB of KSQLDB_URL are wanted there",
            missing.join(" and ")
        )))
    };
    or_skip(test, named).is_some()
}

/// The entities of the flights example. Who asks, and every other setting, is for the environment to say.
fn program(place: &Place, state: &Path) -> ContextBuilder {
    Context::builder()
        .entity::<Flight>()
        .entity::<Airline>()
        .entity::<Plane>()
        .setting("ksqldb", url())
        .setting("topic_prefix", &place.prefix)
        .state_dir(state)
}

/// What the program's own table holds when it has read everything.
async fn held(ctx: &Context) -> ByAircraft {
    ctx.wait_caught_up(LONG).await.expect("it catches up");
    by_key(ctx.set::<Flight>().to_list().await.expect("the rows"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a ksqlDB: KSQLDB_URL; and its Kafka and registry: KSQL_BOOTSTRAP, KSQL_REGISTRY"]
async fn a_program_starts_twice_and_reads_what_ksqldb_reads() {
    if !is_named(test_name!()) {
        return;
    }
    let place = Place::new().await;
    place.clear(&SOURCES).await;
    let state = tempfile::tempdir().expect("a directory");
    let records = records();
    assert_eq!(records.len(), RECORDS);

    let ctx = program(&place, state.path())
        .start()
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let plan = ctx.plan().await.expect("a plan");
    assert!(plan.is_unchanged(), "{plan}");
    ctx.set::<Flight>()
        .add_all(records.clone())
        .await
        .expect("the flights are added");
    let expected = held(&ctx).await;
    assert_eq!(expected, embedded(&records).await);
    let ksql = ctx.ksqldb().expect("it is configured").clone();
    let kept = copy(&place, KEPT);
    let query_id = match ksql.ensure_query(&kept).await {
        Ok(Ensured::Created { query_id: Some(id) }) => id,
        other => panic!("{kept}: {other:?}"),
    };
    ksql.wait_running(&query_id, LONG).await.expect("it runs");
    pulled(&ksql, KEPT, &expected).await;
    pushed(&ksql, KEPT, &expected).await;
    ctx.shutdown().await.expect("it ends");

    let plan = program(&place, state.path()).plan().await.expect("a plan");
    assert!(plan.is_unchanged(), "{plan}");
    let ctx = program(&place, state.path())
        .start()
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let plan = ctx.plan().await.expect("a plan");
    assert!(plan.is_unchanged(), "{plan}");
    let ksql = ctx.ksqldb().expect("it is configured").clone();
    let again = ksql.ensure_query(&kept).await.expect("compared");
    let same = Ensured::Unchanged {
        query_id: Some(query_id),
    };
    assert_eq!(again, same);
    assert_eq!(held(&ctx).await, expected, "what the first start added");

    // Rows that go while a push query is read.
    let mut changes = ksql.push(Select::<Flight>::all());
    let mut rows = ByAircraft::new();
    followed(&mut changes, &mut rows, &expected).await;
    let removed: BTreeSet<String> = expected.keys().take(3).cloned().collect();
    for aircraft in &removed {
        let removal = ctx.set::<Flight>().remove(aircraft.as_str()).await;
        removal.expect("the tombstone is written");
    }
    let left = held(&ctx).await;
    assert_eq!(left.len(), expected.len() - removed.len());
    let gone = followed(&mut changes, &mut rows, &left).await;
    assert_eq!(gone, removed);
    changes.close().await.expect("closed");
    pulled(&ksql, KEPT, &left).await;

    let registry = ctx.registry().clone();
    ctx.shutdown().await.expect("it ends");
    let prefix = place.prefix.clone();
    place.leave(&SOURCES).await;
    let mut subjects = registry.subjects().await.expect("the subjects");
    subjects.retain(|subject| subject.starts_with(&prefix));
    assert_eq!(
        subjects,
        Vec::<String>::new(),
        "they are deleted with their topics"
    );
}
