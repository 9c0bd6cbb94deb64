//! The status page in a real browser: it is opened while a table is not ready, and becomes ready by itself. Also makes the
//! picture in docs/operation.md, where `KSQL_TEST_PICTURE` names a file.

use std::path::Path;
use std::time::Duration;

use ksql_runtime::log::Log;
use ksql_runtime::prelude::*;
use ksql_runtime::state::State;
use ksql_runtime_tests::chrome::Chrome;
use ksql_runtime_tests::{servers, test_name};

const LIMIT: Duration = Duration::from_secs(120);
const ROWS: i64 = 60_000;

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("stock", partitions = 3)]
#[table]
#[entity(namespace = "page")]
pub struct Stock {
    #[key]
    pub article: i64,
    pub pieces: i64,
    pub place: String,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("rates", partitions = 2)]
#[stream]
#[entity(namespace = "page")]
pub struct Rate {
    #[key]
    pub symbol: String,
    pub price: f64,
    pub size: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("candles")]
#[table]
#[entity(namespace = "page")]
#[window(tumbling, minutes = [1, 5], grace = "10s")]
pub struct Candle {
    #[key]
    pub symbol: String,
    #[window_start]
    pub opened_at: DateTime<Utc>,
    pub high: f64,
    pub low: f64,
    pub volume: i64,
}

/// What a rate is worth at different prices.
#[query]
fn candles(rates: Stream<Rate>) -> Table<Candle> {
    rates
        .filter(|r| r.size > 0)
        .group_by(|r| r.symbol)
        .aggregate(|g| Candle {
            symbol: g.key(),
            opened_at: g.window_start(),
            high: g.max(|r| r.price),
            low: g.min(|r| r.price),
            volume: g.sum(|r| r.size),
        })
}

fn builder(directory: &Path) -> ContextBuilder {
    ksql_runtime_tests::context()
        .entity::<Stock>()
        .query(candles)
        .state_dir(directory)
        .setting("application_id", "warehouse")
        .setting("http_listen", "127.0.0.1:0")
        .setting("retry_first", "1ms")
        .setting("retry_longest", "5ms")
        .setting("wait_for_ready", "false")
}

async fn fill(directory: &Path) {
    let ctx = builder(directory).start().await.expect("started");
    let stock = |article| Stock {
        article,
        pieces: article % 97,
        place: format!("shelf {}", article % 13),
    };
    let added = ctx.set::<Stock>().add_all((0..ROWS).map(stock)).await;
    added.expect("added");
    let rate = |n: i64| Rate {
        symbol: format!("SYM{}", n % 5),
        price: 100.0 + (n % 17) as f64,
        size: n % 3,
    };
    let added = ctx.set::<Rate>().add_all((0..5_000).map(rate)).await;
    added.expect("added");
    ctx.wait_caught_up(LIMIT).await.expect("it is read");
    ctx.shutdown().await.expect("a clean end");
    std::fs::remove_dir_all(directory.join("state")).expect("the state is removed");
}

fn fail_reads(ctx: &Context, reads: u32) {
    match ctx.log() {
        Log::Embedded(log) => log.fail_reads(reads),
        _ => panic!("another log"),
    };
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_opened_before_a_table_is_ready_shows_how_it_becomes_ready() {
    let chrome = Chrome::start(1180, 1560, false).await;
    let Some(chrome) = servers::or_skip(test_name!(), chrome) else {
        return;
    };
    let directory = tempfile::tempdir().expect("a directory");
    fill(directory.path()).await;
    let made = builder(directory.path());
    let mut events = made.events();
    let ctx = made.start().await.expect("started");
    // The restore is held up: what is read from now on fails.
    fail_reads(&ctx, u32::MAX);
    let disconnected = async {
        loop {
            let event = events.recv().await.expect("an event");
            if event.entity == "Stock" && event.current == State::Disconnected {
                break;
            }
        }
    };
    tokio::time::timeout(LIMIT, disconnected)
        .await
        .expect("it is held up");
    let address = ctx.http_address().expect("it listens");
    chrome.open(&format!("http://{address}/")).await;
    let shown = chrome.text().await;
    for words in [
        "NOT READY",
        "warehouse",
        "Stock",
        "DISCONNECTED",
        "a fault that was asked for",
    ] {
        assert!(shown.contains(words), "{words}\n{shown}");
    }
    chrome
        .run("document.querySelector('details').open = true")
        .await;
    // Nobody loads it again: it is the page that asks.
    chrome.run("window.sameWindow = true").await;
    fail_reads(&ctx, 0);
    ctx.wait_ready(LIMIT).await.expect("it comes back");
    ctx.wait_caught_up(LIMIT).await.expect("it is read");
    let ready = "return document.getElementById('readiness').textContent === 'READY'";
    chrome.until("the page is ready", ready).await;
    let open = "return window.sameWindow === true && document.querySelector('details').open";
    chrome
        .until("it is the same window, still unfolded", open)
        .await;
    let shown = chrome.text().await;
    for words in ["Stock_Store", "filter", "CREATE TABLE", "100 %"] {
        assert!(shown.contains(words), "{words}\n{shown}");
    }
    // Its policy forbids all it does not need; nothing of it is forbidden, then.
    let complaints = chrome.complaints().await;
    let complaints: Vec<_> = complaints
        .iter()
        .filter(|text| !text.contains("favicon"))
        .collect();
    assert!(complaints.is_empty(), "{complaints:?}");
    // No sideways scrolling, on a telephone neither.
    let fits = "return document.documentElement.scrollWidth <= window.innerWidth";
    assert_eq!(chrome.run(fits).await, true);
    if let Some(path) = std::env::var_os("KSQL_TEST_PICTURE") {
        std::fs::write(path, chrome.picture().await).expect("written");
    }
    ctx.shutdown().await.expect("a clean end");
    let old = "return document.getElementById('fresh').textContent.includes('no answer')";
    chrome.until("it says that nobody answers", old).await;
    chrome.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_is_dark_where_the_browser_is_and_fits_a_small_window() {
    let chrome = Chrome::start(500, 900, true).await;
    let Some(chrome) = servers::or_skip(test_name!(), chrome) else {
        return;
    };
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = builder(directory.path()).start().await.expect("started");
    let address = ctx.http_address().expect("it listens");
    chrome.open(&format!("http://{address}/")).await;
    let ground = "return getComputedStyle(document.body).backgroundColor";
    assert_eq!(chrome.run(ground).await, "rgb(18, 22, 28)");
    chrome
        .run("document.querySelector('details').open = true")
        .await;
    let fits = "return document.documentElement.scrollWidth <= window.innerWidth";
    assert_eq!(chrome.run(fits).await, true);
    if let Some(path) = std::env::var_os("KSQL_TEST_PICTURE_DARK") {
        std::fs::write(path, chrome.picture().await).expect("written");
    }
    ctx.shutdown().await.expect("a clean end");
    chrome.end().await;
}
