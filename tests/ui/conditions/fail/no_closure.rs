//! A condition is a closure.
use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("orders")]
#[table]
struct Order {
    #[key]
    id: i64,
    #[decimal_precision(18, 4)]
    amount: Decimal,
    pieces: i32,
    note: Option<String>,
}

fn main() {
    let limit = 5;
    let _ = ksql!(limit > 3);
    let _ = ksql!();
}
