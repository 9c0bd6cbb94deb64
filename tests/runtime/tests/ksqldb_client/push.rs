//! Push queries: deletions, every way of ending, silence, cancellation, back-pressure.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::common::{
    BETWEEN_DRIPS, COMPLETED, LIMIT, STOCK, Stock, StockKey, changes, client, dripped, dripping,
    impatient, options, stock,
};
use ksql_runtime::ksqldb::{Change, Class, KsqlDb, Select};
use ksql_runtime_tests::http_server::{End, Play, Request, TestServer};
#[tokio::test]
async fn a_push_query_tells_rows_and_deletions_and_ends_with_its_limit() {
    let server = TestServer::start(|_| {
        Play::stream(
            &[
                STOCK,
                "{\"row\":{\"columns\":[\"nut\",1]}},\n",
                "{\"row\":{\"columns\":[\"nut\",null],\"tombstone\":true}},\n",
                LIMIT,
            ],
            End::Complete,
        )
    });
    let mut stream = client(&server).push(
        Select::<Stock>::all()
            .limit(2)
            .property("auto.offset.reset", "latest"),
    );
    assert_eq!(
        changes(&mut stream, 2).await,
        [
            Change::Upsert(stock("nut", 1)),
            Change::Delete(StockKey {
                item: "nut".to_owned()
            })
        ]
    );
    assert!(stream.next().await.is_none());
    drop(stream);
    let requests = server.requests();
    assert_eq!(
        requests.len(),
        1,
        "an end that was ordered needs no other: {requests:?}"
    );
    assert_eq!(
        requests[0].json(),
        serde_json::json!({ "sql": "SELECT * FROM `STOCK` EMIT CHANGES LIMIT 2;", "properties": { "auto.offset.reset": "latest" } })
    );
}

#[tokio::test]
async fn after_every_end_that_was_not_ordered_a_push_query_is_asked_again_and_says_so() {
    let row = "{\"row\":{\"columns\":[\"nut\",1]}},\n";
    let failed = "{\"errorMessage\":{\"@type\":\"generic_error\",\"error_code\":50000,\"message\":\"boom\"}}]";
    for (name, end, reason) in [
        (
            "orderly",
            Play::stream(&[STOCK, row, COMPLETED], End::Complete),
            "the server ended the query",
        ),
        (
            "no last word",
            Play::stream(&[STOCK, row, "]"], End::Complete),
            "the server ended the query",
        ),
        (
            "killed",
            Play::stream(&[STOCK, row], End::Broken),
            "was lost",
        ),
        (
            "cut",
            Play::stream(&[STOCK, row], End::Complete),
            "ends without its `]`",
        ),
        (
            "an error",
            Play::stream(&[STOCK, row, failed], End::Complete),
            "error 50000: boom",
        ),
    ] {
        let again = Play::stream(
            &[STOCK, "{\"row\":{\"columns\":[\"bolt\",2]}},\n", LIMIT],
            End::Complete,
        );
        let between = [
            Play::Slam,
            Play::error(50302, "not yet ready"),
            Play::error(40003, "too many"),
            Play::error(42900, "slow down"),
        ];
        let answers = [vec![end], between.to_vec(), vec![again]].concat();
        let server = TestServer::script(answers);
        let mut stream = client(&server).push(Select::<Stock>::all());
        let found = changes(&mut stream, 3).await;
        assert_eq!(found[0], Change::Upsert(stock("nut", 1)), "{name}");
        let Change::Restarted { reason: told } = &found[1] else {
            panic!("{name}: {found:?}")
        };
        assert!(told.contains(reason), "{name}: {told}");
        assert_eq!(found[2], Change::Upsert(stock("bolt", 2)), "{name}");
        assert!(stream.next().await.is_none(), "{name}");
    }
}

#[tokio::test]
async fn a_push_query_that_is_refused_ends_with_the_refusal() {
    let server = TestServer::script(vec![
        Play::stream(&[STOCK, COMPLETED], End::Complete),
        Play::error(40001, "STOCK does not exist."),
    ]);
    let mut stream = client(&server).push(Select::<Stock>::all());
    let error = stream.next().await.expect("an item").expect_err("refused");
    assert_eq!(error.class(), Some(Class::Invalid));
    assert!(stream.next().await.is_none());
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn the_first_time_a_push_query_waits_only_so_long() {
    let server = TestServer::start(|_| Play::error(50302, "not yet ready"));
    let mut stream = impatient(&server).push(Select::<Stock>::all());
    let error = stream
        .next()
        .await
        .expect("an item")
        .expect_err("not in time");
    assert_eq!(error.class(), Some(Class::Busy));
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_row_that_cannot_be_read_does_not_end_a_push_query() {
    let server = TestServer::start(|_| {
        let rows = "{\"row\":{\"columns\":[null,1]}},{\"row\":{\"columns\":[\"x\",\"one\"]}},{\"row\":{\"columns\":[\"nut\",1]}},";
        Play::stream(&[STOCK, rows, LIMIT], End::Complete)
    });
    let mut stream = client(&server).push(Select::<Stock>::all());
    let mut told = Vec::new();
    while let Some(item) = stream.next().await {
        told.push(item.map_err(|error| error.to_string()));
    }
    assert_eq!(
        told,
        [
            Err("a row of `STOCK` cannot be read as `Stock`: field `item`: a key column cannot be NULL".to_owned()),
            Err("a row of `SELECT * FROM `STOCK` EMIT CHANGES;` cannot be read: field `QTY`: `\"one\"` is no INTEGER".to_owned()),
            Ok(Change::Upsert(stock("nut", 1))),
        ]
    );
}

/// A stream that stays open after these chunks.
fn open(chunks: &'static [&'static str]) -> impl Fn(&Request) -> Play + Send + Sync {
    move |request| match request.path.as_str() {
        "/close-query" => Play::json(""),
        _ => Play::stream(chunks, End::Silent),
    }
}

fn closes(request: &Request) -> bool {
    request.path == "/close-query"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_query_that_is_dropped_or_closed_is_ended_on_the_server() {
    for drop_it in [true, false] {
        let server = TestServer::start(open(&[STOCK, "{\"row\":{\"columns\":[\"nut\",1]}},\n"]));
        let mut stream = client(&server).push(Select::<Stock>::all());
        changes(&mut stream, 1).await;
        if drop_it {
            drop(stream);
        } else {
            stream.close().await.expect("closed");
        }
        let request = server.wait_for(closes);
        assert_eq!(
            request.json(),
            serde_json::json!({ "queryId": "transient_STOCK_1" })
        );
        assert_eq!(
            server
                .requests()
                .iter()
                .filter(|request| closes(request))
                .count(),
            1
        );
    }
}

#[tokio::test]
async fn a_push_query_that_was_never_read_asks_nothing() {
    let server = TestServer::start(open(&[STOCK]));
    client(&server)
        .push(Select::<Stock>::all())
        .close()
        .await
        .expect("closed");
    drop(client(&server).push(Select::<Stock>::all()));
    assert_eq!(server.requests(), []);
}

#[tokio::test]
async fn a_query_that_the_server_does_not_know_any_more_counts_as_closed() {
    let server = TestServer::start(|request| match request.path.as_str() {
        "/close-query" => Play::error(40000, "No query with id transient_STOCK_1"),
        _ => Play::stream(
            &[STOCK, "{\"row\":{\"columns\":[\"nut\",1]}},\n"],
            End::Silent,
        ),
    });
    let mut stream = client(&server).push(Select::<Stock>::all());
    changes(&mut stream, 1).await;
    stream
        .close()
        .await
        .expect("it is over, which is what was asked for");
}

#[tokio::test]
async fn a_silent_push_query_is_left_alone_unless_a_limit_is_set() {
    // Longer than an answer may take, so that it would show if silence counted.
    let server = TestServer::start(open(&[STOCK]));
    let mut short = options(&server);
    short.http.request_timeout = Duration::from_secs(2);
    let ksql = KsqlDb::new(short).expect("a client");
    let mut stream = ksql.push(Select::<Stock>::all());
    let waited = tokio::time::timeout(ksql.options().http.request_timeout * 2, stream.next()).await;
    assert!(
        waited.is_err(),
        "nothing came, and nothing was made of it: {waited:?}"
    );
    assert_eq!(server.requests().len(), 1);

    let asked = AtomicUsize::new(0);
    let server = TestServer::start(move |request| match request.path.as_str() {
        "/close-query" => Play::json(""),
        _ if asked.fetch_add(1, Ordering::AcqRel) == 0 => Play::stream(&[STOCK], End::Silent),
        _ => Play::stream(&[STOCK, LIMIT], End::Complete),
    });
    let mut options = options(&server);
    options.idle_timeout = Some(Duration::from_secs(3));
    let mut stream = KsqlDb::new(options)
        .expect("a client")
        .push(Select::<Stock>::all());
    let [Change::Restarted { reason }] = &changes(&mut stream, 1).await[..] else {
        panic!("it was asked again")
    };
    assert!(reason.contains("within 3s"), "{reason}");
    assert!(stream.next().await.is_none());
    let paths: Vec<String> = server
        .requests()
        .into_iter()
        .map(|request| request.path)
        .collect();
    assert_eq!(
        paths,
        ["/query-stream", "/close-query", "/query-stream"],
        "the silent one is ended first"
    );
}

#[tokio::test]
async fn changes_that_keep_coming_are_read_for_longer_than_an_answer_or_a_silence_may_take() {
    let server = TestServer::start(|_| dripping(LIMIT));
    let read = async |idle: Option<Duration>| {
        let mut options = options(&server);
        options.http.request_timeout = BETWEEN_DRIPS;
        options.idle_timeout = idle;
        let ksql = KsqlDb::new(options).expect("a client");
        let mut stream = ksql.push(Select::<Stock>::all());
        let found = changes(&mut stream, dripped().len()).await;
        (found, stream.next().await)
    };
    let started = Instant::now();
    let (endless, limited) = tokio::join!(read(None), read(Some(BETWEEN_DRIPS)));
    let expected: Vec<Change<Stock>> = dripped().into_iter().map(Change::Upsert).collect();
    for (found, end) in [endless, limited] {
        assert_eq!(found, expected);
        assert!(end.is_none(), "{end:?}");
    }
    assert!(started.elapsed() > BETWEEN_DRIPS, "it took longer in total");
    assert_eq!(server.requests().len(), 2, "and nothing was asked again");
}

#[tokio::test]
async fn nothing_is_read_before_it_is_asked_for() {
    const ROWS: usize = 2000;
    const ROW_BYTES: usize = 50_000;
    let row = format!(
        "{{\"row\":{{\"columns\":[\"{}\",1]}}}},\n",
        "x".repeat(ROW_BYTES)
    );
    let server = TestServer::start(move |request| {
        if request.path == "/close-query" {
            return Play::json("");
        }
        let rows = std::iter::repeat_n(row.as_bytes().to_vec(), ROWS);
        Play::Chunks {
            status: 200,
            headers: Vec::new(),
            chunks: std::iter::once(STOCK.as_bytes().to_vec())
                .chain(rows)
                .collect(),
            end: End::Silent,
        }
    });
    let mut stream = client(&server).push(Select::<Stock>::all());
    changes(&mut stream, 1).await;
    // The server sends for as long as the sockets take anything; what fits into them is far less than all.
    server.wait_stalled();
    let sent = server.sent();
    assert!(
        sent < ROWS * ROW_BYTES / 2,
        "{sent} bytes were sent for one row"
    );
    changes(&mut stream, ROWS - 1).await;
    assert!(
        server.sent() >= ROWS * ROW_BYTES,
        "and all of it when it is asked for"
    );
}
