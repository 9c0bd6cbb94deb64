//! The table most queries here are about, as a server sends it, and a client that waits for as long as a loaded machine may take.

use std::time::Duration;

use ksql_runtime::http::HttpOptions;
use ksql_runtime::ksqldb::{Change, Changes, KsqlDb, KsqlDbOptions};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::http_server::{Play, TestServer};
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("stock")]
#[table]
pub(crate) struct Stock {
    #[key]
    pub(crate) item: String,
    pub(crate) qty: Option<i32>,
}

pub(crate) const STOCK: &str = "[{\"header\":{\"queryId\":\"transient_STOCK_1\",\"schema\":\"`ITEM` STRING, `QTY` INTEGER\"}},\n";
pub(crate) const LIMIT: &str = "{\"finalMessage\":\"Limit Reached\"}]";
pub(crate) const COMPLETED: &str = "{\"finalMessage\":\"Query Completed\"}]";

/// How long [`dripping`] pauses between two rows.
const DRIP: Duration = Duration::from_millis(400);

/// How many rows [`dripping`] sends.
const DRIPS: i32 = 12;

/// Waits for less than all rows of [`dripping`] take, and for much longer than one of them.
pub(crate) const BETWEEN_DRIPS: Duration = Duration::from_secs(3);

/// Rows that come one by one, and an end.
pub(crate) fn dripping(end: &str) -> Play {
    let rows: Vec<String> = (1..=DRIPS)
        .map(|qty| format!("{{\"row\":{{\"columns\":[\"nut\",{qty}]}}}},\n"))
        .collect();
    let mut chunks = vec![STOCK];
    chunks.extend(rows.iter().map(String::as_str));
    chunks.push(end);
    Play::drip(&chunks, DRIP)
}

/// The rows of [`dripping`].
pub(crate) fn dripped() -> Vec<Stock> {
    (1..=DRIPS).map(|qty| stock("nut", qty)).collect()
}

pub(crate) fn options(server: &TestServer) -> KsqlDbOptions {
    let mut http = HttpOptions::new([server.url()]);
    http.request_timeout = Duration::from_secs(120);
    let mut options = KsqlDbOptions::new(http);
    options.ready_timeout = Duration::from_secs(300);
    options.retry_from = Duration::from_millis(5);
    options.retry_to = Duration::from_millis(20);
    options
}

/// A client that gives up after three seconds what is not ready, for tests that wait for that.
pub(crate) fn impatient(server: &TestServer) -> KsqlDb {
    let mut options = options(server);
    options.ready_timeout = Duration::from_secs(3);
    KsqlDb::new(options).expect("a client")
}

pub(crate) fn client(server: &TestServer) -> KsqlDb {
    KsqlDb::new(options(server)).expect("a client")
}

pub(crate) fn stock(item: &str, qty: i32) -> Stock {
    Stock {
        item: item.to_owned(),
        qty: Some(qty),
    }
}

/// Reads changes until there are so many.
pub(crate) async fn changes(stream: &mut Changes<Stock>, count: usize) -> Vec<Change<Stock>> {
    let mut found = Vec::new();
    while found.len() < count {
        found.push(stream.next().await.expect("a change").expect("a good one"));
    }
    found
}
