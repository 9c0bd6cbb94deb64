//! Results with windows as what queries and handlers read: they keep their windows, and meet in equal ones.

use std::time::Duration;

use ksql_runtime::consume::{Records as _, Start};
use ksql_runtime::entity::Window;
use ksql_runtime::prelude::*;
use ksql_runtime::testing;

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("clicks")]
#[stream]
#[entity(namespace = "windowed")]
struct Click {
    #[key]
    user: String,
    n: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("clicked")]
#[table]
#[window(tumbling, minutes = [1, 5], grace = "1h")]
#[entity(namespace = "windowed")]
struct Clicked {
    #[key]
    user: String,
    #[window_start]
    from: DateTime<Utc>,
    #[window_end]
    to: DateTime<Utc>,
    sum: i64,
}

#[query]
fn clicked(clicks: Stream<Click>) -> Table<Clicked> {
    clicks.group_by(|c| c.user).aggregate(|g| Clicked {
        user: g.key(),
        from: g.window_start(),
        to: g.window_end(),
        sum: g.sum(|c| c.n),
    })
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("busy")]
#[table]
#[window(tumbling, minutes = [5], grace = "1h")]
#[entity(namespace = "windowed")]
struct Busy {
    #[key]
    user: String,
    #[window_start]
    from: DateTime<Utc>,
    #[window_end]
    to: DateTime<Utc>,
    twice: i64,
}

#[query]
fn busy(clicked: Stream<Clicked>) -> Stream<Busy> {
    clicked.filter(|c| c.sum > 2).map(|c| Busy {
        user: c.user,
        from: c.from,
        to: c.to,
        twice: c.sum * 2,
    })
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("both")]
#[table]
#[window(tumbling, minutes = [5], grace = "1h")]
#[entity(namespace = "windowed")]
struct Both {
    #[key]
    user: String,
    #[window_start]
    from: DateTime<Utc>,
    sum: i64,
    twice: i64,
}

#[query]
fn both(clicked: Stream<Clicked>, busy: Stream<Busy>) -> Stream<Both> {
    clicked
        .join(busy, |c, b| c.user == b.user)
        .within("1h")
        .map(|c, b| Both {
            user: c.user,
            from: c.from,
            sum: c.sum,
            twice: b.twice,
        })
}

const MINUTE: i64 = 60_000;

fn click(user: &str, n: i64) -> Click {
    Click {
        user: user.to_owned(),
        n,
    }
}

fn time(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).expect("a time")
}

#[test]
fn a_statement_reads_the_stream_over_the_windows_topic() {
    let [text] = busy::KSQL else {
        panic!("one statement")
    };
    assert!(
        text.starts_with("CREATE STREAM IF NOT EXISTS `BUSY_5MIN` "),
        "{text}"
    );
    assert!(text.contains(" FROM `CLICKED_5MIN_STREAM` "), "{text}");
    let model = Clicked::MODEL;
    let window = model.window.as_ref().expect("a window");
    let operational = ksql_schema::ddl::Operational::of(model);
    let stream = ksql_schema::ddl::create_stream_of_window(model, &operational, window, 300_000);
    assert!(
        stream.starts_with(
            "CREATE STREAM IF NOT EXISTS `CLICKED_5MIN_STREAM` (`USER` STRING KEY, `SUM` BIGINT) \
             WITH (KAFKA_TOPIC='clicked_5min'"
        ),
        "{stream}"
    );
    assert!(
        stream.contains("WINDOW_TYPE='TUMBLING', WINDOW_SIZE='5 MINUTES'"),
        "{stream}"
    );
}

#[test]
fn the_stream_stands_behind_what_makes_its_topic_and_before_who_reads_it() {
    let texts = model().ddl().expect("the statements");
    let at = |text: &str| {
        let found: Vec<usize> = texts.match_indices(text).map(|(at, _)| at).collect();
        assert_eq!(found.len(), 1, "{text} in {texts}");
        found[0]
    };
    let made = at("CREATE TABLE IF NOT EXISTS `CLICKED_5MIN` ");
    let stream = at("CREATE STREAM IF NOT EXISTS `CLICKED_5MIN_STREAM` ");
    let read = at("CREATE STREAM IF NOT EXISTS `BUSY_5MIN` ");
    assert!(made < stream && stream < read, "{texts}");
    assert!(
        at("CREATE STREAM IF NOT EXISTS `BUSY_5MIN_STREAM` ")
            < at("CREATE STREAM IF NOT EXISTS `BOTH_5MIN` "),
        "{texts}"
    );
}

fn model() -> ksql_runtime::model::Model {
    ksql_runtime::model::Model::new()
        .query(clicked)
        .query(busy)
        .query(both)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_made_of_results_has_their_windows() {
    let test = testing::builder()
        .query(clicked)
        .query(busy)
        .start()
        .await
        .expect("it starts");
    for (timestamp, user, n) in [
        (MINUTE, "ann", 2),
        (2 * MINUTE, "ann", 3),
        (6 * MINUTE, "ann", 1),
        (7 * MINUTE, "bob", 4),
    ] {
        test.send_at(timestamp, click(user, n)).await.expect("sent");
    }
    test.settle().await.expect("settled");
    let key = |user: &str, start: i64| BusyKey {
        user: user.to_owned(),
        window: Window {
            start,
            end: start + 5 * MINUTE,
        },
    };
    let row = |user: &str, start: i64, twice| Busy {
        user: user.to_owned(),
        from: time(start),
        to: time(start + 5 * MINUTE),
        twice,
    };
    let told: Vec<_> = test
        .window_records::<Busy>(5)
        .await
        .expect("records")
        .into_iter()
        .map(|sent| (sent.key, sent.row))
        .collect();
    assert_eq!(
        told,
        [
            (key("ann", 0), Some(row("ann", 0, 10))),
            (key("bob", 5 * MINUTE), Some(row("bob", 5 * MINUTE, 8))),
        ]
    );
    // They are a table's rows to who reads them so.
    let rows = test.context().set::<Busy>().window(5);
    let mut rows = rows.to_list().await.expect("rows");
    rows.sort_by(|one, two| one.user.cmp(&two.user));
    assert_eq!(rows, [row("ann", 0, 10), row("bob", 5 * MINUTE, 8)]);
    test.end().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_meet_in_equal_windows_only() {
    let test = testing::builder()
        .query(clicked)
        .query(busy)
        .query(both)
        .start()
        .await
        .expect("it starts");
    for (timestamp, user, n) in [
        (MINUTE, "ann", 5),
        // Within the hour, in another window: it meets nothing of the first.
        (6 * MINUTE, "ann", 1),
        (7 * MINUTE, "bob", 4),
    ] {
        test.send_at(timestamp, click(user, n)).await.expect("sent");
        test.settle().await.expect("settled");
    }
    let mut told: Vec<_> = test
        .window_records::<Both>(5)
        .await
        .expect("records")
        .into_iter()
        .filter_map(|sent| sent.row)
        .map(|row| (row.user, row.from, row.sum, row.twice))
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            ("ann".to_owned(), time(0), 5, 10),
            ("bob".to_owned(), time(5 * MINUTE), 4, 8),
        ]
    );
    test.end().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_is_given_the_bounds_of_the_window() {
    let test = testing::query(clicked).start().await.expect("it starts");
    for (timestamp, n) in [(MINUTE, 2), (2 * MINUTE, 3), (6 * MINUTE, 1)] {
        test.send_at(timestamp, click("ann", n))
            .await
            .expect("sent");
    }
    test.settle().await.expect("settled");
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let handling = test
        .context()
        .set::<Clicked>()
        .window(5)
        .consume()
        .start(Start::Earliest)
        .for_each(move |row| {
            let tell = tell.clone();
            async move { tell.send(row).expect("somebody listens") }
        })
        .start()
        .await
        .expect("it starts");
    let mut rows = Vec::new();
    while rows.len() < 3 {
        let row = tokio::time::timeout(Duration::from_secs(60), told.recv()).await;
        rows.push(row.expect("a row in time").expect("a row"));
    }
    let row = |start: i64, sum| Clicked {
        user: "ann".to_owned(),
        from: time(start),
        to: time(start + 5 * MINUTE),
        sum,
    };
    assert_eq!(rows, [row(0, 2), row(0, 5), row(5 * MINUTE, 1)]);
    drop(handling);
    test.end().await.expect("it ends");
}
