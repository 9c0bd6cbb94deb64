//! The statement that ksqlDB takes and refuses while it runs, with the records of its case.

use ksql_runtime::error::Error;
use ksql_runtime::state::{State, StateError};
use ksql_runtime::testing;

use super::*;

stream! { Test("test_topic") { #[key] pub id: i64, pub value: Option<Dec<4, 1>> } }

table! { S2("S2") { #[key] pub id: i64, pub sum: Option<Dec<3, 1>> } }

#[query]
fn output(test: Stream<Test>) -> Table<S2> {
    test.group_by(|t| t.id).aggregate(|g| S2 {
        id: g.key(),
        sum: g.sum(|t| t.value as Decimal<3, 1>),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sum_with_too_many_digits_stops_the_query_at_its_record() {
    let test = testing::query(output).start().await.expect("it starts");
    for (id, value) in [(0, "5.4"), (0, "10.1"), (100, "50.9"), (100, "50.8")] {
        let value = value.parse().ok();
        let sent = test.send_at(0, Test { id, value }).await;
        sent.expect("it is sent");
    }
    let error = test.settle().await.expect_err("it stops");
    let Error::NotReady {
        state: State::Error,
        reason: Some(reason),
        ..
    } = error
    else {
        panic!("{error}")
    };
    assert!(
        matches!(
            &*reason,
            StateError::Result {
                query: "output",
                offset: 3,
                ..
            }
        ),
        "{reason:?}"
    );
    let text = reason.to_string();
    assert!(text.contains("more than 3 digits"), "{text}");
}
