//! A row of a table does not know its record.
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
    let _ = ksql!(|o: &Order| o.rowtime() > 5);
    let _ = ksql!(|o: &Order| o.rowoffset() > 5 || o.rowpartition() == 0);
}
