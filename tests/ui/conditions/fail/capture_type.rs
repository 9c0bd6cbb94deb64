//! A type that has no literal.
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
    let ids = vec![1_i64, 2];
    let limit = Some(5);
    let _ = ksql!(|o: &Order| o.id == ids);
    let _ = ksql!(|o: &Order| o.pieces > limit);
}
