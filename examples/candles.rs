//! Candles: one function over a stream of rates becomes three KSQL statements and three windowed tables that are read.
//!
//! ```text
//! cargo run --example candles               sends rates (once), prints candles of 1, 5 and 60 minutes
//! cargo run --example candles -- explain    prints decision, statements, topology and schemas, starting nothing
//! cargo run --example candles -- list Candle --window 60    what the tables hold; `--help` lists all commands
//! ```
//!
//! Nothing needs to be installed or configured: log, registry and tables live under `rocksdb/candles`.

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Duration;

use comfy_table::{CellAlignment, Table as Shown, presets::UTF8_BORDERS_ONLY};
use ksql_runtime::prelude::*;

/// A price that somebody offered.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("rates", partitions = 4)]
#[entity(namespace = "market")]
pub struct Rate {
    /// The pair of currencies.
    #[key]
    pub symbol: String,
    /// When it was offered.
    #[timestamp]
    pub quoted_at: DateTime<Utc>,
    /// The price.
    #[decimal_precision(18, 4)]
    pub price: Decimal,
    /// How many; 0 withdraws the offer.
    pub size: i64,
}

/// Open, high, low and close of a window.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("candles")]
#[table]
// A broker removes what is older than its topic keeps, and these rates are of 2024.
#[window(tumbling, minutes = [1, 5, 60], grace = "10s", retention = "36500d")]
#[entity(namespace = "market")]
pub struct Candle {
    /// The pair of currencies.
    #[key]
    pub symbol: String,
    /// Where the window begins.
    #[window_start]
    pub opened_at: DateTime<Utc>,
    /// The first price.
    #[decimal_precision(18, 4)]
    pub open: Decimal,
    /// The highest.
    #[decimal_precision(18, 4)]
    pub high: Decimal,
    /// The lowest.
    #[decimal_precision(18, 4)]
    pub low: Decimal,
    /// The last.
    #[decimal_precision(18, 4)]
    pub close: Decimal,
    /// How many were offered.
    pub volume: i64,
}

/// Candles of every symbol, in three sizes at once.
#[query]
fn candles(rates: Stream<Rate>) -> Table<Candle> {
    rates
        .filter(|r| r.size > 0)
        .group_by(|r| r.symbol)
        .aggregate(|g| Candle {
            symbol: g.key(),
            opened_at: g.window_start(),
            open: g.earliest(|r| r.price),
            high: g.max(|r| r.price),
            low: g.min(|r| r.price),
            close: g.latest(|r| r.price),
            volume: g.sum(|r| r.size),
        })
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let model = Context::builder()
        .query(candles)
        .state_dir("rocksdb/candles");
    ksql_runtime::cli::main(model, run).await
}

async fn run(model: ContextBuilder) -> Result<(), Box<dyn std::error::Error>> {
    let ctx = model.start().await?;
    ctx.wait_ready(Duration::from_secs(60)).await?;
    let rates = ctx.set::<Rate>();
    if rates.end_offset().await? == 0 {
        let added = rates.add_all(quotes()).await?;
        println!("{} rates sent", added.records);
    } else {
        println!("found the rates of an earlier run");
    }
    // Until the query and the tables of its results have taken in everything that was sent.
    ctx.wait_caught_up(Duration::from_secs(60)).await?;

    let candles = ctx.set::<Candle>();
    for minutes in [1, 5, 60] {
        let window = candles.window(minutes);
        println!(
            "\n{} candles of {minutes} minutes; the last of EURUSD:",
            window.count().await?
        );
        let all = window.of("EURUSD").to_list().await?;
        show(all.iter().rev().take(3).rev());
    }
    let noon = DateTime::from_timestamp(START + 1800, 0).ok_or("a moment")?;
    println!("\nUSDJPY by the minute, from {}:", noon.format("%H:%M"));
    let window = candles.window(1).of("USDJPY");
    let minutes = noon..noon + Duration::from_secs(180);
    show(window.between(minutes).to_list().await?.iter());
    ctx.shutdown().await?;
    Ok(())
}

fn show<'a>(rows: impl Iterator<Item = &'a Candle>) {
    let mut table = Shown::new();
    table.load_preset(UTF8_BORDERS_ONLY);
    table.set_header(["symbol", "from", "open", "high", "low", "close", "volume"]);
    for candle in rows {
        table.add_row([
            candle.symbol.clone(),
            candle.opened_at.format("%H:%M").to_string(),
            candle.open.to_string(),
            candle.high.to_string(),
            candle.low.to_string(),
            candle.close.to_string(),
            candle.volume.to_string(),
        ]);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
}

/// 8 May 2024, 11:30 UTC.
const START: i64 = 1_715_167_800;

/// Two hours of rates, one every five seconds and symbol: a random walk that is the same every time.
fn quotes() -> Vec<Rate> {
    let mut walk = 20_240_508_u64;
    let mut next = |range: u64| {
        walk = walk
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (walk >> 33) % range
    };
    let mut prices = [
        ("EURUSD", 10_760_i64),
        ("USDJPY", 1_555_400),
        ("GBPUSD", 12_500),
    ];
    let mut rates = Vec::new();
    for second in (0..7200).step_by(5) {
        for (symbol, price) in &mut prices {
            *price += next(11) as i64 - 5;
            rates.push(Rate {
                symbol: (*symbol).to_owned(),
                quoted_at: DateTime::from_timestamp(START + second, 0).unwrap_or_default(),
                price: Decimal::new(*price, 4),
                size: next(20) as i64 * 1000,
            });
        }
    }
    rates
}
