//! The status page in a real browser: it is opened while a table is in the midst of its restore, and becomes ready by itself. Also
//! makes the picture in docs/operation.md, where `KSQL_TEST_PICTURE` names a file.

use std::path::Path;
use std::time::Duration;

use ksql_runtime::consume::{ConsumerState, Outcome, Records as _, Start, Subscription};
use ksql_runtime::log::Log;
use ksql_runtime::prelude::*;
use ksql_runtime::state::State;
use ksql_runtime_tests::chrome::Chrome;
use ksql_runtime_tests::consuming::reaches;
use ksql_runtime_tests::{servers, test_name};

const LIMIT: Duration = Duration::from_secs(120);
const ROWS: i64 = 60_000;
const RATES: i64 = 5_000;

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

fn rate(n: i64) -> Rate {
    Rate {
        symbol: format!("SYM{}", n % 5),
        price: 100.0 + (n % 17) as f64,
        size: n % 3,
    }
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
    let added = ctx.set::<Rate>().add_all((0..RATES).map(rate)).await;
    added.expect("added");
    ctx.wait_caught_up(LIMIT).await.expect("it is read");
    ctx.shutdown().await.expect("a clean end");
    forget(directory);
}

fn forget(directory: &Path) {
    std::fs::remove_dir_all(directory.join("state")).expect("the state is removed");
}

fn fail_reads(ctx: &Context, reads: u32) {
    match ctx.log() {
        Log::Embedded(log) => log.fail_reads(reads),
        _ => panic!("another log"),
    };
}

/// A context whose restore is held up: what it reads from its start on fails. What was read before is not all there is.
async fn held_up(directory: &Path) -> Context {
    for _ in 0..50 {
        let made = builder(directory);
        let mut events = made.events();
        let ctx = made.start().await.expect("started");
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
        let overview = ctx.overview();
        let stock = overview.bindings.iter().find(|one| one.name == "Stock");
        if stock.expect("a table").restored < ROWS.cast_unsigned() {
            return ctx;
        }
        // It was faster than this.
        fail_reads(&ctx, 0);
        ctx.shutdown().await.expect("a clean end");
        forget(directory);
    }
    panic!("it is restored before it is held up, each time");
}

/// A handler of rates, to which one of them is too high.
async fn alerts(ctx: &Context) -> Subscription {
    ctx.set::<Rate>()
        .consume()
        .group("alerts")
        .start(Start::Earliest)
        .for_each(move |rate| {
            std::future::ready(if rate.price > 1_000.0 {
                Outcome::dlq("no rate is as high")
            } else {
                Outcome::done()
            })
        })
        .start()
        .await
        .expect("it starts")
}

/// The cells of the row of a table, of a consumer or of a store.
async fn cells(chrome: &Chrome, first: &str) -> Vec<String> {
    let script = format!(
        "const rows = Array.from(document.querySelectorAll('tbody tr'));
         const row = rows.find((row) => row.cells[0].innerText === '{first}');
         return row ? Array.from(row.cells, (cell) => cell.innerText) : [];"
    );
    let cells = chrome.run(&script).await;
    let cells = cells.as_array().expect("cells").iter();
    cells
        .map(|cell| cell.as_str().expect("a text").to_owned())
        .collect()
}

/// The rows of the dead letters, and what is said of their topic.
async fn dead_letters(chrome: &Chrome) -> (Vec<Vec<String>>, String) {
    let script = "const section = document.getElementById('dead-letters');
         const cells = (row) => Array.from(row.cells, (cell) => cell.innerText);
         const rows = Array.from(section.querySelectorAll('tbody tr'), cells);
         return JSON.stringify([rows, section.querySelector('p:last-child').innerText]);";
    let told = chrome.run(script).await;
    serde_json::from_str(told.as_str().expect("a text")).expect("rows and a text")
}

/// What is said of the topic of so many.
fn held(records: u64) -> String {
    format!(
        "Topic system.dlq holds {records} records: letters, also from before the start, and notes of those replayed or purged; \
         dlq list shows all."
    )
}

/// What a tile at the head of the page says.
async fn tile(chrome: &Chrome, name: &str) -> String {
    let script = format!(
        "const tiles = Array.from(document.querySelectorAll('.numbers div'));
         const tile = tiles.find((tile) => tile.querySelector('dt').innerText === '{name}');
         return tile ? tile.querySelector('dd').innerText : '';"
    );
    let told = chrome.run(&script).await;
    told.as_str().expect("a text").to_owned()
}

/// Writes what the window shows to the file that a variable names, from the workspace on.
async fn take_picture(chrome: &Chrome, variable: &str) {
    if let Some(path) = std::env::var_os(variable) {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        std::fs::write(workspace.join(path), chrome.picture().await).expect("written");
    }
}

/// A number that is written in groups of digits.
fn number(text: &str) -> i64 {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits
        .parse()
        .unwrap_or_else(|_| panic!("`{text}` is no number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_opened_before_a_table_is_ready_shows_how_it_becomes_ready() {
    let chrome = Chrome::start(1180, 2480, false).await;
    let Some(chrome) = servers::or_skip(test_name!(), chrome) else {
        return;
    };
    let directory = tempfile::tempdir().expect("a directory");
    fill(directory.path()).await;
    let ctx = held_up(directory.path()).await;
    let alerts = alerts(&ctx).await;
    let reconnecting = |state: &ConsumerState| matches!(state, ConsumerState::Reconnecting(_));
    reaches(&alerts, "that it reads nothing", |status| {
        reconnecting(&status.state)
    })
    .await;
    // Nothing need be read for one that is given by hand.
    let (rates, unwanted) = (ctx.set::<Rate>(), rate(1));
    let given = rates.send_to_dlq(&unwanted, "nobody wants it", "rate.unwanted");
    given.await.expect("a dead letter");
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
    // Its restore is not finished, and is not while the fault holds.
    let [_, _, state, progress, lag, _, restored, _] = &cells(&chrome, "Stock").await[..] else {
        panic!("no row of eight cells: {shown}");
    };
    assert_eq!(state, "DISCONNECTED");
    assert!(number(restored) < ROWS, "{restored} of {ROWS} are restored");
    assert_eq!(number(lag), ROWS - number(restored));
    assert!(number(progress) < 100, "{progress}");
    let consumer = cells(&chrome, "Rate").await;
    assert_eq!(consumer[..3], ["Rate", "alerts", "RECONNECTING"]);
    assert_eq!(tile(&chrome, "dead letters").await, "1");
    let by_hand = ["Rate", "handler", "rate.unwanted", "1"];
    let (rows, topic) = dead_letters(&chrome).await;
    assert_eq!(
        (rows, topic),
        (vec![by_hand.map(str::to_owned).to_vec()], held(1))
    );
    chrome
        .run("document.querySelector('details').open = true")
        .await;
    // Nobody loads it again: it is the page that asks.
    chrome.run("window.sameWindow = true").await;
    fail_reads(&ctx, 0);
    ctx.wait_ready(LIMIT).await.expect("it comes back");
    let high = Rate {
        price: 1_000_000.0,
        ..rate(1)
    };
    rates.add(high).await.expect("added");
    ctx.wait_caught_up(LIMIT).await.expect("it is read");
    reaches(&alerts, "all rates", |status| {
        status.counters.dead_lettered == 1 && status.lag() == 0
    })
    .await;
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
    let consumed = "return document.body.innerText.includes('1 dead lettered')";
    chrome.until("the consumer's dead letter", consumed).await;
    let stock = cells(&chrome, "Stock").await;
    assert_eq!((stock[2].trim(), stock[3].trim()), ("RUNNING", "100 %"));
    assert_eq!((number(&stock[4]), number(&stock[6])), (0, ROWS));
    let consumer = cells(&chrome, "Rate").await;
    assert_eq!(consumer[..3], ["Rate", "alerts", "RUNNING"]);
    assert_eq!(number(&consumer[3]), 0);
    let handled = "5\u{202f}000 handled";
    assert!(consumer[4].contains(handled), "{consumer:?}");
    assert_eq!(tile(&chrome, "dead letters").await, "2");
    let (rows, topic) = dead_letters(&chrome).await;
    let by_handler = ["Rate", "handler", "handler.rejected", "1"];
    let both = [by_handler, by_hand].map(|row| row.map(str::to_owned).to_vec());
    assert_eq!((rows, topic), (both.to_vec(), held(2)));
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
    take_picture(&chrome, "KSQL_TEST_PICTURE").await;
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
    take_picture(&chrome, "KSQL_TEST_PICTURE_DARK").await;
    ctx.shutdown().await.expect("a clean end");
    chrome.end().await;
}
