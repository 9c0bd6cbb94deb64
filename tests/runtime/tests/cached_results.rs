//! Results that are kept: given again while nothing changed, and never when the table, the values, the window or the time is
//! another.

use std::sync::Arc;
use std::time::Duration;

use ksql_runtime::prelude::*;
use ksql_runtime::testing::{self, Test};
use ksql_runtime_tests::queries::*;

const MINUTE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("stock", partitions = 3)]
#[table]
#[entity(namespace = "shop")]
pub struct Stock {
    #[key]
    pub article: String,
    pub pieces: i32,
}

async fn stocked(rows: i64) -> Test {
    let test = testing::builder().entity::<Stock>();
    let test = test.setting("cached_results", "100");
    let test = test.start().await.expect("it starts");
    for n in 0..rows {
        test.send(stock(n)).await.expect("it is sent");
    }
    test.settle().await.expect("it is taken in");
    test
}

fn stock(n: i64) -> Stock {
    Stock {
        article: format!("a{n:03}"),
        pieces: n as i32,
    }
}

async fn below(test: &Test, limit: i32) -> Arc<Vec<Stock>> {
    let wanted = ksql!(|s: &Stock| s.pieces < limit);
    let rows = test.context().set::<Stock>().matching(wanted);
    rows.cached(MINUTE).to_list().await.expect("rows")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_question_is_scanned_for_once_and_another_value_is_another_question() {
    let test = stocked(20).await;
    let first = below(&test, 3).await;
    assert_eq!(*first, [stock(0), stock(1), stock(2)]);
    assert!(Arc::ptr_eq(&first, &below(&test, 3).await));
    assert_eq!(below(&test, 5).await.len(), 5);
    assert!(Arc::ptr_eq(&first, &below(&test, 3).await));
    // Rows and their number are two questions.
    let limit = 3;
    let counted = test.context().set::<Stock>();
    let counted = counted.matching(ksql!(|s: &Stock| s.pieces < limit));
    assert_eq!(counted.cached(MINUTE).count().await.expect("a count"), 3);
    test.end().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_the_table_ends_what_was_kept() {
    let test = stocked(5).await;
    let first = below(&test, 3).await;
    test.send(Stock {
        pieces: 9,
        ..stock(1)
    })
    .await
    .expect("it is sent");
    test.settle().await.expect("it is taken in");
    assert_eq!(*below(&test, 3).await, [stock(0), stock(2)]);
    assert_eq!(first.len(), 3, "what was given stays as it was");
    // Whoever waits for a write reads it, whatever is kept.
    let receipt = test.send(stock(1)).await.expect("it is sent");
    let limit = 3;
    let set = test.context().set::<Stock>().at_least(&receipt);
    let rows = set.matching(ksql!(|s: &Stock| s.pieces < limit));
    assert_eq!(rows.cached(MINUTE).to_list().await.expect("rows").len(), 3);
    test.end().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_ends_with_its_time() {
    let test = stocked(5).await;
    let first = below(&test, 3).await;
    test.advance(MINUTE - Duration::from_millis(1));
    assert!(Arc::ptr_eq(&first, &below(&test, 3).await));
    test.advance(Duration::from_millis(1));
    let second = below(&test, 3).await;
    assert!(!Arc::ptr_eq(&first, &second));
    assert_eq!(first, second);
    test.end().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_have_room_for_so_many_rows_together() {
    let test = stocked(150).await;
    // More than all the room there is.
    let all = below(&test, 1000).await;
    assert_eq!(all.len(), 150);
    assert!(!Arc::ptr_eq(&all, &below(&test, 1000).await));
    // Of these not all can be kept; what is given is right all the same.
    let mut kept = 0;
    let mut given = Vec::new();
    for limit in 60..70 {
        given.push(below(&test, limit).await);
    }
    for (limit, rows) in (60..70).zip(&given) {
        let again = below(&test, limit).await;
        assert_eq!(&again, rows);
        kept += usize::from(Arc::ptr_eq(&again, rows));
    }
    assert!(kept <= 1, "{kept} results of 60 rows in the room of 100");
    test.end().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_and_keys_asked_for_are_part_of_the_question() {
    let test = testing::query(Tumbling).start().await.expect("it starts");
    for (timestamp, sensor) in [(10, "a"), (20, "b"), (70_000, "a")] {
        let reading = Reading {
            sensor: sensor.to_owned(),
            room: None,
            value: 1,
        };
        test.send_at(timestamp, reading).await.expect("it is sent");
    }
    test.settle().await.expect("it is taken in");
    let set = test.context().set::<Tumbled>();
    let least = 1;
    let wanted = || ksql!(|t: &Tumbled| t.count >= least);
    let of = async |window: ksql_runtime::set::WindowSet<Tumbled>| {
        let rows = window.matching(wanted()).cached(MINUTE);
        let counted = rows.count().await.expect("a count");
        let rows = rows.to_list().await.expect("rows");
        assert_eq!(rows.len() as u64, counted);
        rows
    };
    let one = of(set.window(1)).await;
    assert_eq!(one.len(), 3);
    assert_eq!(of(set.window(5)).await.len(), 2);
    assert_eq!(of(set.window(1).of("b")).await.len(), 1);
    assert_eq!(of(set.window(1).between(60_000..)).await.len(), 1);
    assert!(Arc::ptr_eq(&one, &of(set.window(1)).await));
    test.end().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_may_not_be_read_gives_nothing_kept() {
    let test = stocked(5).await;
    let limit = 3;
    let rows = test.context().set::<Stock>();
    let rows = rows
        .matching(ksql!(|s: &Stock| s.pieces < limit))
        .cached(MINUTE);
    assert_eq!(rows.to_list().await.expect("rows").len(), 3);
    test.end().await.expect("it ends");
    let refused = rows.to_list().await.expect_err("it ended").to_string();
    assert!(
        refused.contains("`Stock`") && refused.contains("NOT_RUNNING"),
        "{refused}"
    );
}
