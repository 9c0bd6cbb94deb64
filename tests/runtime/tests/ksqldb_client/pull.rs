//! Pull queries: keys, windows, tables that are not ready, answers that break off.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::common::{
    BETWEEN_DRIPS, LIMIT, STOCK, Stock, client, dripped, dripping, impatient, options, stock,
};
use super::values::{Every, EveryKey};
use ksql_runtime::ksqldb::{Class, End as QueryEnd, KsqlDb, KsqlDbError, Select, SqlValue};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::http_server::{End, Play, Request, TestServer};
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("totals")]
#[window(tumbling, minutes = [1, 5], grace = "10s")]
struct Total {
    #[key]
    customer: String,
    #[window_start]
    from: DateTime<Utc>,
    #[window_end]
    to: i64,
    orders: Option<i64>,
}

/// A header and rows, to the end of a pull query.
pub(crate) fn pulled(rows: &str) -> Play {
    Play::stream(&[STOCK, rows, "]"], End::Complete)
}

#[tokio::test]
async fn a_pull_query_gives_entities_and_asks_for_the_form_with_deletions() {
    let server = TestServer::start(|_| {
        pulled(r#"{"row":{"columns":["nut",1]}},{"row":{"columns":["bolt",null]}}"#)
    });
    let rows = client(&server)
        .pull(&Select::<Stock>::all())
        .await
        .expect("the rows");
    let bolt = Stock {
        item: "bolt".to_owned(),
        qty: None,
    };
    assert_eq!(rows, [stock("nut", 1), bolt]);
    let request = server.requests().remove(0);
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("POST", "/query-stream")
    );
    assert_eq!(
        request.header("accept"),
        Some("application/vnd.ksql.v1+json")
    );
    assert_eq!(
        request.json(),
        serde_json::json!({ "sql": "SELECT * FROM `STOCK`;", "properties": { "auto.offset.reset": "earliest" } })
    );
}

#[test]
fn a_condition_is_asked_for_as_its_text() {
    let (least, name) = (3, "it's");
    let condition = ksql!(|s: &Stock| s.qty >= least && s.item != name);
    let select = Select::<Stock>::all()
        .matching(&condition)
        .expect("literals");
    assert_eq!(
        select.pull_text(),
        "SELECT * FROM `STOCK` WHERE (((`QTY` >= 3) AND (`ITEM` <> 'it''s')));"
    );
    let from = DateTime::UNIX_EPOCH;
    let condition = ksql!(|t: &Total| t.from >= from && t.orders.is_some());
    let select = Select::<Total>::window(300_000)
        .expect("the window")
        .matching(&condition)
        .expect("literals");
    assert_eq!(
        select.pull_text(),
        "SELECT * FROM `TOTAL_5MIN` WHERE (((WINDOWSTART >= '1970-01-01T00:00:00.000') AND (`ORDERS` IS NOT NULL)));"
    );
    let limit = f64::INFINITY;
    let condition = ksql!(|s: &Stock| s.qty < limit);
    let error = Select::<Stock>::all()
        .matching(&condition)
        .expect_err("no literal");
    assert!(error.to_string().contains("`limit`"), "{error}");
}

#[tokio::test]
async fn a_key_is_written_by_its_type_and_escaped() {
    let server = TestServer::start(|_| pulled(r#"{"row":{"columns":["it's",7]}}"#));
    let ksql = client(&server);
    let row = ksql
        .pull_by_key::<Stock>(&"it's".into())
        .await
        .expect("the row");
    assert_eq!(row, Some(stock("it's", 7)));
    assert_eq!(
        server.statements(),
        ["SELECT * FROM `STOCK` WHERE (`ITEM` = 'it''s');"]
    );

    let code = Uuid::from_u128(5);
    let select = Select::<Every>::all()
        .key(&EveryKey { id: -3, code })
        .expect("a key");
    assert_eq!(
        select.pull_text(),
        format!("SELECT * FROM `EVERY` WHERE (`ID` = -3) AND (`CODE` = '{code}');")
    );
}

#[tokio::test]
async fn a_key_that_is_not_there_gives_nothing() {
    let server =
        TestServer::start(|_| Play::stream(&[STOCK.trim_end_matches(",\n"), "]"], End::Complete));
    assert_eq!(
        client(&server)
            .pull_by_key::<Stock>(&"x".into())
            .await
            .expect("the answer"),
        None
    );
}

#[tokio::test]
async fn windows_are_read_with_both_bounds_and_asked_by_size() {
    let header = "[{\"header\":{\"queryId\":\"q\",\"schema\":\"`CUSTOMER` STRING KEY, `WINDOWSTART` BIGINT KEY, `WINDOWEND` BIGINT KEY, `ORDERS` BIGINT\"}},";
    let server = TestServer::start(move |_| {
        Play::stream(
            &[header, r#"{"row":{"columns":["ann",60000,360000,2]}}]"#],
            End::Complete,
        )
    });
    let select = Select::<Total>::window(300_000).expect("the window");
    assert_eq!(select.source(), "TOTAL_5MIN");
    assert!(Select::<Total>::window(120_000).is_none());
    assert_eq!(Select::<Total>::all().source(), "TOTAL_1MIN");
    let rows = client(&server).pull(&select).await.expect("the rows");
    let [row] = rows.as_slice() else {
        panic!("one row: {rows:?}")
    };
    assert_eq!((row.from.timestamp_millis(), row.to), (60_000, 360_000));
    let one = Select::<Total>::window(300_000)
        .expect("the window")
        .key(&row.key())
        .expect("a key");
    assert_eq!(
        one.pull_text(),
        "SELECT * FROM `TOTAL_5MIN` WHERE (`CUSTOMER` = 'ann') AND (WINDOWSTART = 60000) AND (WINDOWEND = 360000);"
    );
}

/// What a table answers in the first half second, and a server that limits, each form once.
fn not_ready() -> Vec<Play> {
    let failed = "{\"errorMessage\":{\"@type\":\"generic_error\",\"error_code\":50000,\"message\":\"Failed to scan materialized table\"}}]";
    vec![
        Play::error(
            40001,
            "Cannot determine which host contains the required partitions to serve the pull query.",
        ),
        Play::error(
            40001,
            "Materialized data for key ['ann'] is not available yet. Please try again later.",
        ),
        Play::stream(&[STOCK, failed], End::Complete),
        Play::error(
            50000,
            "The server encountered an internal error when processing the query.",
        ),
        Play::error(50302, "KSQL is not yet ready to serve requests."),
        Play::error(42900, "Host is at rate limit for pull queries."),
        Play::stream(&[STOCK], End::Broken),
        Play::stream(&[STOCK], End::Silent),
        Play::Slam,
    ]
}

#[tokio::test]
async fn a_table_that_is_not_ready_is_asked_until_it_is() {
    let mut answers = not_ready();
    let wrong = answers.len();
    answers.push(pulled(r#"{"row":{"columns":["nut",1]}}"#));
    let server = TestServer::script(answers.clone());
    let mut options = options(&server);
    // One of the answers falls silent.
    options.http.request_timeout = Duration::from_secs(3);
    let ksql = KsqlDb::new(options.clone()).expect("a client");
    let rows = ksql.pull(&Select::<Stock>::all()).await.expect("the rows");
    assert_eq!(rows, [stock("nut", 1)]);
    assert_eq!(server.requests().len(), wrong + 1);

    let server = TestServer::script(answers);
    options.http.urls = vec![server.url()];
    let mut stream = KsqlDb::new(options)
        .expect("a client")
        .pull_stream(Select::<Stock>::all());
    assert_eq!(
        stream.next().await.expect("a row").expect("a stock"),
        stock("nut", 1)
    );
    assert!(stream.next().await.is_none());
    assert!(stream.next().await.is_none(), "and stays at its end");
}

#[tokio::test]
async fn rows_that_keep_coming_are_read_for_longer_than_an_answer_may_take() {
    let server = TestServer::start(|_| dripping("]"));
    let mut options = options(&server);
    options.http.request_timeout = BETWEEN_DRIPS;
    let ksql = KsqlDb::new(options).expect("a client");
    let started = Instant::now();
    let one_by_one = async {
        let mut rows = ksql.pull_stream(Select::<Stock>::all());
        let mut found = Vec::new();
        while let Some(row) = rows.next().await {
            found.push(row.expect("a row"));
        }
        found
    };
    let select = Select::<Stock>::all();
    let (all, found) = tokio::join!(ksql.pull(&select), one_by_one);
    assert_eq!(all.expect("the rows"), dripped());
    assert_eq!(found, dripped());
    assert!(started.elapsed() > BETWEEN_DRIPS, "it took longer in total");
    assert_eq!(server.requests().len(), 2, "and nothing was asked again");
}

#[tokio::test]
async fn a_table_that_never_gets_ready_is_told_with_what_the_server_said() {
    let server = TestServer::start(|_| {
        Play::error(
            40001,
            "Materialized data for key ['a'] is not available yet.",
        )
    });
    let error = impatient(&server)
        .pull(&Select::<Stock>::all())
        .await
        .expect_err("not ready");
    let KsqlDbError::NotReady { cause, .. } = &error else {
        panic!("not ready: {error}")
    };
    assert_eq!(cause.class(), Some(Class::NotReady));
    assert!(
        error
            .to_string()
            .starts_with("`STOCK` cannot be read yet, after 3s: ksqlDB at"),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_wrong_about_a_query_is_not_asked_again() {
    for (code, message) in [
        (40001, "SELECT column 'NOPE' cannot be resolved."),
        (50000, "Table scan unsupported on session tables"),
        (40100, "who"),
    ] {
        let server = TestServer::start(move |_| Play::error(code, message));
        let error = client(&server)
            .pull(&Select::<Stock>::all())
            .await
            .expect_err("refused");
        assert!(matches!(error, KsqlDbError::Server(_)), "{error}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_table_that_no_query_keeps_is_told_at_once_and_one_that_a_query_keeps_is_waited_for() {
    let describe = |queries: &'static str| {
        move |request: &Request| match request.statement().as_str() {
            "DESCRIBE `STOCK`;" => Play::json(format!(
                r#"[{{"@type":"sourceDescription","sourceDescription":{{"name":"STOCK","type":"TABLE",{queries}}}}}]"#
            )),
            _ => Play::error(40001, "The `STOCK` table isn't queryable."),
        }
    };
    let plain = TestServer::start(describe(r#""readQueries":[],"writeQueries":[]"#));
    let error = client(&plain)
        .pull(&Select::<Stock>::all())
        .await
        .expect_err("not queryable");
    assert_eq!(error.class(), Some(Class::NotQueryable));
    assert!(
        error.to_string().contains("only tables made by a query"),
        "{error}"
    );
    assert_eq!(plain.requests().len(), 2);

    for queries in [
        r#""writeQueries":[{"id":"CTAS_STOCK_1"}]"#,
        r#""readQueries":[{"id":"CST_STOCK_1","sinks":[],"queryType":"PERSISTENT"}]"#,
    ] {
        let stopping = TestServer::start(describe(queries));
        let error = impatient(&stopping)
            .pull(&Select::<Stock>::all())
            .await
            .expect_err("stopping");
        assert!(matches!(error, KsqlDbError::NotReady { .. }), "{error}");
        assert!(stopping.requests().len() > 2, "it was asked again");
    }
}

#[tokio::test]
async fn an_answer_without_its_end_is_never_a_short_result() {
    let cuts: [(&[&str], End); 4] = [
        (&[STOCK, r#"{"row":{"columns":["nut",1]}},"#], End::Complete),
        (&[STOCK, r#"{"row":{"columns":["nut",1]}},"#], End::Broken),
        (&[STOCK, r#"{"row":{"columns":["nut""#], End::Broken),
        (&[STOCK, r#"{"row":{"columns":["nut",1]}},"#], End::Silent),
    ];
    for (chunks, end) in cuts {
        let play = Play::stream(chunks, end);
        let server = TestServer::start(move |_| play.clone());
        let mut options = options(&server);
        options.http.request_timeout = Duration::from_millis(300);
        options.ready_timeout = Duration::from_secs(2);
        let error = KsqlDb::new(options)
            .expect("a client")
            .pull(&Select::<Stock>::all())
            .await
            .expect_err("cut off");
        assert!(
            matches!(
                error,
                KsqlDbError::Lost { .. } | KsqlDbError::TimedOut { .. }
            ),
            "{error}"
        );
        assert!(server.requests().len() > 1, "it is asked again for a while");
    }
}

#[tokio::test]
async fn a_stream_of_rows_that_breaks_gives_its_rows_and_then_the_error() {
    let play = Play::stream(&[STOCK, r#"{"row":{"columns":["nut",1]}},"#], End::Broken);
    let server = TestServer::start(move |_| play.clone());
    let mut rows = client(&server).pull_stream(Select::<Stock>::all());
    assert_eq!(
        rows.next().await.expect("a row").expect("a stock"),
        stock("nut", 1)
    );
    assert!(matches!(
        rows.next().await,
        Some(Err(KsqlDbError::Lost { .. }))
    ));
    assert!(rows.next().await.is_none());
    assert_eq!(
        server.requests().len(),
        1,
        "rows that were given are not given twice"
    );
}

#[tokio::test]
async fn an_answer_that_is_no_stream_of_rows_is_told_with_its_beginning() {
    for (chunks, told) in [
        (vec!["<html>"], "`<` stands where no element can"),
        (vec!["[]"], "the answer has no header"),
        (
            vec!["[{\"row\":{\"columns\":[1]}}]"],
            "the answer does not begin with a header",
        ),
        (
            vec!["[{\"header\":{\"queryId\":\"q\",\"schema\":\"`A` NONSENSE\"}}]"],
            "there is no type `NONSENSE`",
        ),
        (
            vec![STOCK, "{\"row\":{\"columns\":[\"nut\"]}}]"],
            "a row has 1 values for 2 columns",
        ),
        (vec![STOCK, "{\"row\":nonsense}]"], "expected"),
    ] {
        let play = Play::stream(&chunks, End::Complete);
        let server = TestServer::start(move |_| play.clone());
        let error = client(&server)
            .pull(&Select::<Stock>::all())
            .await
            .expect_err(told);
        assert!(matches!(error, KsqlDbError::Garbled { .. }), "{error}");
        assert!(error.to_string().contains(told), "{error}");
    }
}

#[tokio::test]
async fn a_row_that_is_too_long_is_refused_and_not_held() {
    let long = format!(
        "{{\"row\":{{\"columns\":[\"{}\",1]}}}}]",
        "x".repeat(300_000)
    );
    let server = TestServer::start(move |_| Play::stream(&[STOCK, &long], End::Complete));
    let mut options = options(&server);
    options.max_row_bytes = 10_000;
    let error = KsqlDb::new(options)
        .expect("a client")
        .pull(&Select::<Stock>::all())
        .await
        .expect_err("too long");
    assert!(
        error
            .to_string()
            .contains("an element has more than 10000 bytes"),
        "{error}"
    );
}

#[tokio::test]
async fn rows_of_any_query_come_with_their_columns_and_their_end() {
    let server = TestServer::start(|_| {
        Play::stream(
            &[
                "[{\"header\":{\"queryId\":\"q1\",\"schema\":\"`A B` ARRAY<INTEGER>, `N` DOUBLE\"},\"row\":null,\"errorMessage\":null,\"finalMessage\":null},\n",
                "{\"row\":{\"columns\":[[1],0.5]},\"errorMessage\":null,\"finalMessage\":null},\n{\"something\":\"newer\"},\n",
                LIMIT,
            ],
            End::Complete,
        )
    });
    let mut rows = client(&server)
        .rows(
            "SELECT `A B`, `N` FROM `X` EMIT CHANGES LIMIT 1;",
            &BTreeMap::new(),
        )
        .await
        .expect("rows");
    assert_eq!(rows.query_id(), "q1");
    assert_eq!(rows.columns()[0].name, "A B");
    let row = rows.next().await.expect("a row").expect("one");
    assert_eq!(
        row.values,
        [
            SqlValue::Array(vec![SqlValue::Integer(1)]),
            SqlValue::Double(0.5)
        ]
    );
    assert_eq!(rows.end(), None);
    assert_eq!(rows.next().await.expect("the end"), None);
    assert_eq!(rows.end(), Some(&QueryEnd::LimitReached));
}
