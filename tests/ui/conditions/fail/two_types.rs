//! One value has one type.
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
    let factor = 2_i32;
    let _ = ksql!(|o: &Order| o.id * (factor as i64) > 5 && o.pieces * (factor as i32) > 5);
}
