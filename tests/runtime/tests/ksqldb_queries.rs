//! Typed pull and push queries: rows of every type, deletions, tables that are not ready, streams that break off or fall
//! silent, cancellation, back-pressure. Where a chunk ends does not matter.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ksql_runtime::http::HttpOptions;
use ksql_runtime::ksqldb::{
    Change, Changes, Class, Element, Elements, End as QueryEnd, KsqlDb, KsqlDbError, KsqlDbOptions,
    Select, SqlType, SqlValue,
};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::http_server::{End, Play, Request, TestServer};
use proptest::prelude::*;

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("stock")]
#[table]
struct Stock {
    #[key]
    item: String,
    qty: Option<i32>,
}

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

#[derive(Debug, Clone, PartialEq, Struct)]
struct Inner {
    x: Option<i32>,
    money: Option<Dec<18, 4>>,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("every")]
#[stream]
struct Every {
    #[key]
    id: i64,
    #[key]
    code: Uuid,
    flag: bool,
    small: i16,
    long: Option<i64>,
    single: f32,
    double: f64,
    wide: Dec<38, 10>,
    raw: Vec<u8>,
    #[timestamp]
    at: DateTime<Utc>,
    day: NaiveDate,
    time: NaiveTime,
    #[datetime_format("yyyy-MM-dd HH:mm")]
    told: DateTime<Utc>,
    list: Vec<Option<i32>>,
    map: BTreeMap<String, Dec<9, 2>>,
    inner: Inner,
    inners: Option<Vec<Option<Inner>>>,
}

const STOCK: &str = "[{\"header\":{\"queryId\":\"transient_STOCK_1\",\"schema\":\"`ITEM` STRING, `QTY` INTEGER\"}},\n";
const LIMIT: &str = "{\"finalMessage\":\"Limit Reached\"}]";
const COMPLETED: &str = "{\"finalMessage\":\"Query Completed\"}]";

fn options(server: &TestServer) -> KsqlDbOptions {
    let mut http = HttpOptions::new([server.url()]);
    http.request_timeout = Duration::from_millis(400);
    let mut options = KsqlDbOptions::new(http);
    options.ready_timeout = Duration::from_millis(600);
    options.retry_from = Duration::from_millis(5);
    options.retry_to = Duration::from_millis(20);
    options
}

fn client(server: &TestServer) -> KsqlDb {
    KsqlDb::new(options(server)).expect("a client")
}

fn stock(item: &str, qty: i32) -> Stock {
    Stock {
        item: item.to_owned(),
        qty: Some(qty),
    }
}

/// A header and rows, to the end of a pull query.
fn pulled(rows: &str) -> Play {
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

#[tokio::test]
async fn every_type_is_read_exactly() {
    let header = r#"[{"header":{"queryId":"q","schema":"`CODE` STRING, `ID` BIGINT, `EXTRA` DOUBLE, `FLAG` BOOLEAN, `SMALL` INTEGER, `LONG` BIGINT, `SINGLE` DOUBLE, `DOUBLE` DOUBLE, `WIDE` DECIMAL(38, 10), `RAW` BYTES, `AT` TIMESTAMP, `DAY` DATE, `TIME` TIME, `TOLD` STRING, `LIST` ARRAY<INTEGER>, `MAP` MAP<STRING, DECIMAL(9, 2)>, `INNER` STRUCT<`X` INTEGER, `MONEY` DECIMAL(18, 4)>, `INNERS` ARRAY<STRUCT<`X` INTEGER, `MONEY` DECIMAL(18, 4)>>"}},"#;
    let row = r#"{"row":{"columns":["00000000-0000-0000-0000-000000000005",-9223372036854775808,1.0,true,-32768,9223372036854775807,0.5,"-Infinity",-1234567890123456789012345678.0123456789,"AP8Q","1969-12-31T23:59:59.999","1900-01-01","23:59:59","2026-03-01 10:00",[1,null,3],{"k":1.50,"a":-0.01},{"X":1,"MONEY":1.5},[null,{"X":null,"MONEY":-1.0E-4}]]}}]"#;
    let server = TestServer::start(move |_| Play::stream(&[header, row], End::Complete));
    let rows = client(&server)
        .pull(&Select::<Every>::all())
        .await
        .expect("the rows");
    let dec = |text: &str| text.parse::<Dec<18, 4>>().expect("a decimal");
    let expected = Every {
        id: i64::MIN,
        code: Uuid::from_u128(5),
        flag: true,
        small: i16::MIN,
        long: Some(i64::MAX),
        single: 0.5,
        double: f64::NEG_INFINITY,
        wide: "-1234567890123456789012345678.0123456789"
            .parse()
            .expect("a decimal"),
        raw: vec![0, 0xff, 0x10],
        at: DateTime::from_timestamp_millis(-1).expect("a time"),
        day: NaiveDate::from_ymd_opt(1900, 1, 1).expect("a day"),
        time: NaiveTime::from_hms_opt(23, 59, 59).expect("a time"),
        told: "2026-03-01T10:00:00Z".parse().expect("a time"),
        list: vec![Some(1), None, Some(3)],
        map: BTreeMap::from([
            ("k".to_owned(), "1.50".parse().expect("a decimal")),
            ("a".to_owned(), "-0.01".parse().expect("a decimal")),
        ]),
        inner: Inner {
            x: Some(1),
            money: Some(dec("1.5")),
        },
        inners: Some(vec![
            None,
            Some(Inner {
                x: None,
                money: Some(dec("-0.0001")),
            }),
        ]),
    };
    assert_eq!(rows, [expected]);
}

fn read(ty: &str, json: &str) -> Result<SqlValue, String> {
    let ty = SqlType::parse(ty).expect("a type");
    let json = serde_json::value::RawValue::from_string(json.to_owned()).expect("JSON");
    SqlValue::read(&ty, &json).map_err(|error| error.to_string())
}

#[test]
fn values_are_read_in_the_forms_of_every_version() {
    let millis = 1_772_359_200_123;
    for text in [
        "1772359200123",
        r#""2026-03-01T10:00:00.123""#,
        r#""2026-03-01T10:00:00.123Z""#,
        r#""2026-03-01T11:00:00.123+01:00""#,
    ] {
        assert_eq!(
            read("TIMESTAMP", text),
            Ok(SqlValue::Timestamp(millis)),
            "{text}"
        );
    }
    assert_eq!(
        read("TIMESTAMP", r#""2026-03-01T10:00""#),
        Ok(SqlValue::Timestamp(millis - 123))
    );
    for text in [r#""1970-01-02""#, "1"] {
        assert_eq!(read("DATE", text), Ok(SqlValue::Date(1)), "{text}");
    }
    for text in [r#""00:01""#, r#""00:01:00""#, r#""00:01:00.000""#, "60000"] {
        assert_eq!(read("TIME", text), Ok(SqlValue::Time(60_000)), "{text}");
    }
    let decimal = |unscaled| Ok(SqlValue::Decimal { unscaled, scale: 4 });
    for text in ["1.5", "1.5000", "15E-1", "0.15E1", r#""1.5""#] {
        assert_eq!(read("DECIMAL(18, 4)", text), decimal(15_000), "{text}");
    }
    for text in ["0", "0.0000", "-0", "0E30"] {
        assert_eq!(read("DECIMAL(18, 4)", text), decimal(0), "{text}");
    }
    assert!(matches!(read("DOUBLE", r#""NaN""#), Ok(SqlValue::Double(number)) if number.is_nan()));
    assert_eq!(read("DOUBLE", "1.0E300"), Ok(SqlValue::Double(1.0e300)));
    assert_eq!(
        read("STRING", r#""a\"\u00e9\ud83d\ude00""#),
        Ok(SqlValue::String("a\"é😀".to_owned()))
    );
}

#[test]
fn what_is_no_value_of_its_type_is_refused_with_its_text() {
    for (ty, json) in [
        ("INTEGER", "2147483648"),
        ("INTEGER", "1.0"),
        ("INTEGER", r#""1""#),
        ("BIGINT", "9223372036854775808"),
        ("BOOLEAN", "0"),
        ("DOUBLE", r#""inf""#),
        ("DOUBLE", r#""""#),
        ("STRING", "1"),
        ("BYTES", r#""not base64!""#),
        ("DECIMAL(4, 2)", "100.00"),
        ("DECIMAL(4, 2)", "1.005"),
        ("DECIMAL(4, 2)", r#""one""#),
        ("TIMESTAMP", r#""yesterday""#),
        ("DATE", r#""2026-02-30""#),
        ("TIME", r#""25:00""#),
        ("TIME", "86400000"),
        ("ARRAY<INTEGER>", "{}"),
        ("MAP<STRING, INTEGER>", "[]"),
        ("STRUCT<`A` INTEGER>", "[]"),
    ] {
        let error = read(ty, json).expect_err(json);
        assert_eq!(error, format!("`{json}` is no {ty}"));
    }
    assert_eq!(
        read(
            "ARRAY<STRUCT<`A` MAP<STRING, INTEGER>>>",
            r#"[{"A":{"k":true}}]"#
        )
        .expect_err("no number"),
        "field `A.k`: `true` is no INTEGER"
    );
}

#[test]
fn a_decimal_that_went_through_a_double_is_taken_only_while_no_digit_can_be_lost() {
    let in_struct = |text: &str| read("STRUCT<`V` DECIMAL(18, 4)>", &format!("{{\"V\":{text}}}"));
    // 99999999999.9999 is the largest of 15 digits.
    for text in [
        "1.5",
        "-1.0E-4",
        "9.99999999999999E10",
        "99999999999.9999",
        "0.0",
    ] {
        in_struct(text).expect(text);
    }
    for text in ["1.2345678901234568E13", "1.0E11", "-100000000000.0000"] {
        let error = in_struct(text).expect_err(text);
        assert!(
            error.starts_with(&format!(
                "field `V`: `{text}` was a DECIMAL(18, 4) inside a STRUCT"
            )),
            "{error}"
        );
        assert!(
            error.ends_with("read the topic, or select the field itself"),
            "{error}"
        );
    }
    // As a column, in an array, in a map it is exact.
    read("DECIMAL(38, 2)", "123456789012345678901234567890.12").expect("a column");
    read(
        "MAP<STRING, DECIMAL(18, 4)>",
        r#"{"k":12345678901234.5600}"#,
    )
    .expect("in a map");
    read("ARRAY<DECIMAL(18, 4)>", "[12345678901234.5600]").expect("in an array");
    read(
        "ARRAY<STRUCT<`V` DECIMAL(18, 4)>>",
        r#"[{"V":12345678901234.5600}]"#,
    )
    .expect_err("in a struct in an array");
}

#[tokio::test]
async fn columns_that_do_not_fit_are_told_before_any_row() {
    for (schema, told) in [
        (
            "`ITEM` STRING KEY",
            "column `QTY` is missing: add it to the source, or take the field away",
        ),
        (
            "`ITEM` STRING KEY, `QTY` BIGINT",
            "column `QTY` is BIGINT and the field `qty` holds INTEGER",
        ),
        (
            "`ITEM` INTEGER KEY, `QTY` INTEGER",
            "column `ITEM` is INTEGER and the field `item` holds STRING",
        ),
    ] {
        let header = format!("[{{\"header\":{{\"queryId\":\"q\",\"schema\":\"{schema}\"}}}}]");
        let server = TestServer::start(move |_| Play::stream(&[&header], End::Complete));
        let error = client(&server)
            .pull(&Select::<Stock>::all())
            .await
            .expect_err("other columns");
        assert_eq!(
            error.to_string(),
            format!("`STOCK` cannot be read as `Stock`: {told}")
        );
    }
}

#[tokio::test]
async fn a_null_in_a_field_that_is_no_option_names_the_field() {
    #[derive(Debug, Clone, PartialEq, Entity)]
    #[topic("stock")]
    #[table]
    #[entity(name = "Stock")]
    struct Strict {
        #[key]
        item: String,
        qty: i32,
    }
    let server = TestServer::start(|_| pulled(r#"{"row":{"columns":["nut",null]}}"#));
    let select = Select::<Strict>::from_source("STOCK");
    let error = client(&server).pull(&select).await.expect_err("a null");
    assert_eq!(
        error.to_string(),
        "a row of `STOCK` cannot be read as `Strict`: field `qty`: it is NULL: ksqlDB has no NOT NULL, so make the field an `Option`"
    );
}

/// What a table answers in the first half second, each form once.
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
    options.ready_timeout = Duration::from_secs(20);
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
async fn a_table_that_never_gets_ready_is_told_with_what_the_server_said() {
    let server = TestServer::start(|_| {
        Play::error(
            40001,
            "Materialized data for key ['a'] is not available yet.",
        )
    });
    let error = client(&server)
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
            .starts_with("`STOCK` cannot be read yet, after 600ms: ksqlDB at"),
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
        let error = client(&stopping)
            .pull(&Select::<Stock>::all())
            .await
            .expect_err("stopping");
        assert!(matches!(error, KsqlDbError::NotReady { .. }), "{error}");
        assert!(stopping.requests().len() > 4, "it was asked again");
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
        let error = client(&server)
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

/// Reads changes until there are so many.
async fn changes(stream: &mut Changes<Stock>, count: usize) -> Vec<Change<Stock>> {
    let mut found = Vec::new();
    while found.len() < count {
        found.push(stream.next().await.expect("a change").expect("a good one"));
    }
    found
}

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
    let mut stream = client(&server).push(Select::<Stock>::all());
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
    let ksql = client(&server);
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
    options.idle_timeout = Some(Duration::from_millis(50));
    let mut stream = KsqlDb::new(options)
        .expect("a client")
        .push(Select::<Stock>::all());
    let [Change::Restarted { reason }] = &changes(&mut stream, 1).await[..] else {
        panic!("it was asked again")
    };
    assert!(reason.contains("within 50ms"), "{reason}");
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

proptest! {
    #[test]
    fn where_a_chunk_ends_does_not_matter(
        texts in proptest::collection::vec("[ -~\\n\\\\\"{}\\[\\],é😀]{0,20}", 0..8),
        cuts in proptest::collection::vec(1_usize..40, 1..50),
        separator in prop_oneof![Just(",\n"), Just(","), Just(" ,\r\n ")],
    ) {
        let elements: Vec<String> = texts
            .iter()
            .map(|text| serde_json::json!({ "row": { "columns": [text, { "a": [text] }] } }).to_string())
            .collect();
        let whole = format!("[{}]\n", elements.join(separator));
        let mut bytes = whole.as_bytes();
        let mut reader = Elements::new(10_000);
        let mut found = Vec::new();
        for cut in cuts.iter().cycle() {
            let (chunk, rest) = bytes.split_at((*cut).min(bytes.len()));
            reader.push(chunk);
            while let Some(element) = reader.next().expect("good bytes") {
                found.push(element);
            }
            bytes = rest;
            if bytes.is_empty() {
                break;
            }
            prop_assert!(!reader.is_complete() || bytes.iter().all(u8::is_ascii_whitespace));
        }
        prop_assert!(reader.is_complete());
        prop_assert_eq!(&found, &elements);
        for element in &found {
            prop_assert!(matches!(Element::read(element), Ok(Element::Row { tombstone: false, .. })), "{}", element);
        }
    }

    #[test]
    fn any_bytes_are_elements_or_an_error_and_never_a_panic(chunks in proptest::collection::vec(any::<Vec<u8>>(), 0..6)) {
        let mut reader = Elements::new(64);
        for chunk in &chunks {
            reader.push(chunk);
            while let Ok(Some(text)) = reader.next() {
                let _ = Element::read(&text);
            }
        }
    }

    #[test]
    fn any_text_is_a_type_a_statement_or_an_error_and_never_a_panic(text in "[A-Z`'\"<>(),;. 0-9eé\\-]{0,40}") {
        let _ = SqlType::parse(&text);
        let _ = ksql_runtime::ksqldb::Statement::split(&text);
        let _ = ksql_runtime::ksqldb::SchemaColumn::parse_all(&text);
    }
}
