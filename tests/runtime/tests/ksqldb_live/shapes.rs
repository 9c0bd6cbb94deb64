//! Collections and nested records, read back as they were written.

use std::collections::BTreeMap;

use ksql_runtime::ksqldb::{Change, Select};
use ksql_runtime::prelude::*;

use crate::rows::next;
use crate::server::{Place, insert};

#[derive(Debug, Clone, PartialEq, Struct)]
pub(crate) struct Inner {
    pub(crate) x: Option<i32>,
    pub(crate) name: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Struct)]
pub(crate) struct Outer {
    pub(crate) inner: Option<Inner>,
    pub(crate) all: Option<Vec<Inner>>,
    pub(crate) by_name: Option<BTreeMap<String, i32>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum Mood {
    Good,
    Bad,
}

/// Narrow numbers, and everything in each other.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("shapes")]
#[stream]
#[entity(namespace = "live")]
pub(crate) struct Shapes {
    #[key]
    pub(crate) id: i32,
    pub(crate) small: Option<i16>,
    pub(crate) single: Option<f32>,
    pub(crate) flags: Option<Vec<bool>>,
    pub(crate) grid: Option<Vec<Vec<i64>>>,
    pub(crate) prices: Option<Vec<Dec<9, 2>>>,
    pub(crate) limits: Option<BTreeMap<String, Dec<9, 2>>>,
    pub(crate) outer: Option<Outer>,
    pub(crate) outers: Option<Vec<Outer>>,
    pub(crate) by_name: Option<BTreeMap<String, Inner>>,
    pub(crate) mood: Option<Mood>,
}

const OUTER: &str = "STRUCT(`INNER`:=STRUCT(`X`:=1, `NAME`:='it''s'), `ALL`:=ARRAY[STRUCT(`X`:=2, `NAME`:='b')], `BY_NAME`:=MAP('k':=7))";

fn outer() -> Outer {
    let inner = |x: i32, name: &str| Inner {
        x: Some(x),
        name: Some(name.to_owned()),
    };
    Outer {
        inner: Some(inner(1, "it's")),
        all: Some(vec![inner(2, "b")]),
        by_name: Some(BTreeMap::from([("k".to_owned(), 7)])),
    }
}

fn shapes() -> Shapes {
    Shapes {
        id: -7,
        small: Some(i16::MIN),
        single: Some(0.5),
        flags: Some(vec![true, false]),
        grid: Some(vec![vec![1, i64::MAX], vec![3_000_000_000]]),
        prices: Some(vec!["1.50".parse().expect("a decimal")]),
        limits: Some(BTreeMap::from([(
            "most".to_owned(),
            "-1234567.89".parse().expect("a decimal"),
        )])),
        outer: Some(outer()),
        outers: Some(vec![outer()]),
        by_name: Some(BTreeMap::from([(
            "one".to_owned(),
            Inner {
                x: None,
                name: Some("é".to_owned()),
            },
        )])),
        mood: Some(Mood::Good),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a ksqlDB: KSQLDB_URL"]
async fn what_is_nested_comes_back_as_it_was_written() {
    let place = Place::new().await;
    place.clear(&["SHAPES"]).await;
    place.created::<Shapes>().await;
    let values = format!(
        "-7, -32768, 0.5E0, ARRAY[true, false], ARRAY[ARRAY[CAST(1 AS BIGINT), 9223372036854775807], ARRAY[3000000000]], ARRAY[CAST('1.50' AS DECIMAL(9, 2))], MAP('most':=CAST('-1234567.89' AS DECIMAL(9, 2))), {OUTER}, ARRAY[{OUTER}], MAP('one':=STRUCT(`X`:=CAST(NULL AS INTEGER), `NAME`:='é')), 'Good'"
    );
    let columns: Vec<&str> = Shapes::COLUMNS.iter().map(|column| column.quoted).collect();
    insert("SHAPES", &columns.join(", "), &[values]);

    let select = Select::<Shapes>::all().key(&shapes().key()).expect("a key");
    assert_eq!(place.ksql.pull(&select).await.expect("the row"), [shapes()]);
    let mut changes = place.ksql.push(select.limit(1));
    assert_eq!(next(&mut changes).await, Change::Upsert(shapes()));
    place.leave(&["SHAPES"]).await;
}
