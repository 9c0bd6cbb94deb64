//! What is done with a value from around a condition beyond comparing it needs its type.
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
    let (factor, tag, flag) = (2_i64, "a".to_owned(), true);
    let _ = ksql!(|o: &Order| o.id * factor > 5);
    let _ = ksql!(|o: &Order| o.note == tag.to_uppercase());
    let _ = ksql!(|o: &Order| o.id > 5 && flag);
    let _ = ksql!(|o: &Order| o.note.unwrap_or(tag) == "x");
}
