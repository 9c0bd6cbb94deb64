//! The type that is said must hold the value.
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
    let (text, long) = ("5", 5_i64);
    let _ = ksql!(|o: &Order| o.id * (text as i64) > 5);
    let _ = ksql!(|o: &Order| o.pieces * (long as i32) > 5);
}
