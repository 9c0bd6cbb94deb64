use ksql_runtime::prelude::*;

#[derive(Debug, Clone, Entity)]
#[topic("trades", partitions = 4)]
#[stream]
pub struct Trade {
    #[key]
    pub symbol: String,
    pub size: i64,
}

#[derive(Debug, Clone, Entity)]
#[topic("volumes")]
#[table]
#[window(tumbling, minutes = [1, 5, 60], grace = "10s")] // three tables at once
#[entity(namespace = "shop")]
pub struct Volume {
    #[key]
    pub symbol: String,
    #[window_start]
    pub from: DateTime<Utc>,
    pub trades: i64,
    pub volume: i64,
}

#[query]
fn volumes(trades: Stream<Trade>) -> Table<Volume> {
    trades
        .filter(|t| t.size > 0)
        .group_by(|t| t.symbol)
        .aggregate(|g| Volume {
            symbol: g.key(),
            from: g.window_start(),
            trades: g.count(),
            volume: g.sum(|t| t.size),
        })
}

fn main() {
    println!("{}", volumes::KSQL[1]);
}
