//! A whole program on that ksqlDB and on the Kafka and registry behind it: it starts twice, adds flights, reads the same from
//! its table, from a pull and from a push query, and removes some.

use std::collections::BTreeSet;
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use ksql_runtime::ksqldb::{Answer, Ensured, Select};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::servers::{Skip, or_skip};
use ksql_runtime_tests::test_name;
use ksql_tests::entities::{Airline, Flight, Plane};

use crate::flights::{
    ByAircraft, KEPT, RECORDS, by_key, copy, embedded, followed, pulled, pushed, records,
};
use crate::server::{LONG, Place, client, url};

/// Sources of the program, what is made from them first.
const SOURCES: [&str; 4] = [KEPT, "FLIGHT", "AIRLINE", "PLANE"];

/// The Kafka and the registry behind that ksqlDB.
pub(crate) struct Behind {
    bootstrap: String,
    registry: String,
}

impl Behind {
    /// Where they are: as `KSQL_BOOTSTRAP` and `KSQL_REGISTRY` say, else as the ksqlDB itself does. What it says may be for its own
    /// network only; then the test is reported as skipped.
    pub(crate) async fn found(test: &str) -> Option<Behind> {
        let ksql = client();
        let done = ksql.execute("SHOW PROPERTIES;").await;
        let done = done.unwrap_or_else(|error| panic!("{error}"));
        let [Answer::Settings(properties)] = done.answers.as_slice() else {
            panic!("properties: {done:?}")
        };
        let at = |variable: &str, names: &[&str], port: u16| {
            if let Ok(named) = std::env::var(variable) {
                return Ok(named);
            }
            let said = names.iter().find_map(|name| properties.get(*name)?.clone());
            let said = said.ok_or_else(|| {
                format!("{variable} is not set, and the ksqlDB says no {}", names[0])
            })?;
            if is_reached(&said, port) {
                return Ok(said);
            }
            Err(format!(
                "{variable} is not set, and {said}, which the ksqlDB itself uses, is not reached from here"
            ))
        };
        let found = || {
            Ok(Behind {
                bootstrap: at("KSQL_BOOTSTRAP", &BOOTSTRAP, 9092)?,
                registry: at("KSQL_REGISTRY", &["ksql.schema.registry.url"], 8081)?,
            })
        };
        or_skip(
            test,
            found().map_err(|reason: String| Skip::because(reason)),
        )
    }

    /// As settings.
    pub(crate) fn settings(&self) -> [(&str, &str); 2] {
        [
            ("bootstrap", self.bootstrap.as_str()),
            ("registry", self.registry.as_str()),
        ]
    }
}

/// By which names a ksqlDB says where its Kafka is.
const BOOTSTRAP: [&str; 2] = ["ksql.streams.bootstrap.servers", "bootstrap.servers"];

/// Whether something listens at one of these addresses: `host:port` or an URL, with commas between them.
fn is_reached(addresses: &str, port: u16) -> bool {
    addresses.split(',').any(|address| {
        let address = address.trim();
        let address = address.split_once("://").map_or(address, |(_, rest)| rest);
        let address = address.split('/').next().unwrap_or_default();
        let found = match address.rsplit_once(':') {
            Some(_) => address.to_socket_addrs(),
            None => (address, port).to_socket_addrs(),
        };
        found.is_ok_and(|mut all| {
            all.any(|one| TcpStream::connect_timeout(&one, Duration::from_secs(5)).is_ok())
        })
    })
}

#[test]
fn an_address_is_reached_where_something_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    for reached in [
        format!("127.0.0.1:{port}"),
        format!("PLAINTEXT://127.0.0.1:{port}"),
        format!("http://127.0.0.1:{port}/apis/ccompat/v7"),
        format!("not-there.invalid:1, 127.0.0.1:{port}"),
    ] {
        assert!(is_reached(&reached, 1), "{reached}");
    }
    assert!(is_reached("127.0.0.1", port));
    drop(listener);
    assert!(!is_reached(&format!("127.0.0.1:{port}"), 1));
    assert!(!is_reached("", 1));
}

/// The entities of the flights example. Who asks, and every other setting, is for the environment to say.
fn program(place: &Place, behind: &Behind, state: &Path) -> ContextBuilder {
    let [bootstrap, registry] = behind.settings();
    Context::builder()
        .entity::<Flight>()
        .entity::<Airline>()
        .entity::<Plane>()
        .setting(bootstrap.0, bootstrap.1)
        .setting(registry.0, registry.1)
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
#[ignore = "needs a ksqlDB: KSQLDB_URL; and to reach its Kafka and registry"]
async fn a_program_starts_twice_and_reads_what_ksqldb_reads() {
    let Some(behind) = Behind::found(test_name!()).await else {
        return;
    };
    let place = Place::new().await;
    place.clear(&SOURCES).await;
    let state = tempfile::tempdir().expect("a directory");
    let records = records();
    assert_eq!(records.len(), RECORDS);

    let ctx = program(&place, &behind, state.path())
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

    let plan = program(&place, &behind, state.path())
        .plan()
        .await
        .expect("a plan");
    assert!(plan.is_unchanged(), "{plan}");
    let ctx = program(&place, &behind, state.path())
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
