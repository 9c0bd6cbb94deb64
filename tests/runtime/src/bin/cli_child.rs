//! A program with a command line, as a user's: without a command it adds a few records, makes dead letters, and ends.

use std::process::ExitCode;
use std::time::Duration;

use ksql_runtime::prelude::*;
use ksql_runtime_tests::shop::{Rate, Sold, Trade, rate};

#[query]
fn sold(trades: Stream<Trade>) -> Table<Sold> {
    trades.group_by(|t| t.account).aggregate(|g| Sold {
        account: g.key(),
        pieces: g.sum(|t| t.pieces as i64),
    })
}

#[tokio::main]
async fn main() -> ExitCode {
    let model = Context::builder().entity::<Rate>().query(sold);
    ksql_runtime::cli::main(model, work).await
}

async fn work(model: ContextBuilder) -> Result<(), Box<dyn std::error::Error>> {
    // 8 May 2024, 11:30 UTC.
    let ctx = model
        .clock(ksql_runtime::clock::Clock::manual(1_715_167_800_000))
        .start()
        .await?;
    let rates = ctx.set::<Rate>();
    rates
        .add_all([
            rate("EURUSD", 1.07),
            rate("USDJPY", 155.5),
            rate("EURUSD", 1.08),
            rate("GBPUSD", 1.25),
        ])
        .await?;
    rates.remove("GBPUSD").await?;
    let trades = (1..=4).map(|number| Trade {
        account: number % 2,
        number,
        pieces: number as i32 * 10,
    });
    ctx.set::<Trade>().add_all(trades).await?;
    ctx.wait_caught_up(Duration::from_secs(60)).await?;
    rates
        .send_to_dlq(&rate("EURUSD", 0.0), "nobody gives it away", "price.zero")
        .await?;
    ctx.shutdown().await?;
    println!("done");
    Ok(())
}
