//! The row of a condition says which entity it is of.
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
    let _ = ksql!(|o| o.pieces > 5);
    let _ = ksql!(|o: &Order, p: &Order| o.pieces > p.pieces);
    let _ = ksql!(|(o): &Order| o.pieces > 5);
}
