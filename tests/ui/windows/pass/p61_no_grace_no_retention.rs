use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("candles")]
#[table]
#[window(tumbling, hours = 1)]
struct Order {
    #[key]
    symbol: String,
    close: f64,
}

fn main() {
    let window = Order::MODEL.window.expect("a window");
    assert_eq!(window.effective_grace_ms(), 10_000);
    let week = 7 * 24 * 60 * 60 * 1000;
    assert_eq!(window.effective_retention_ms(60 * 60 * 1000), week);
    let longer = week + 1;
    assert_eq!(window.effective_retention_ms(longer), longer + 10_000);
}
