use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    symbol: String,
    close: f64,
    #[window_start]
    from: DateTime<Utc>,
}

fn main() {}
