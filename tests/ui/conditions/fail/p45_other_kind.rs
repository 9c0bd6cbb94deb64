//! P45: a column against a value of another kind, written or taken from around.
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
    let (text, yes) = ("5", true);
    let _ = ksql!(|o: &Order| o.note > 5);
    let _ = ksql!(|o: &Order| o.pieces == text);
    let _ = ksql!(|o: &Order| o.note == yes);
    let _ = ksql!(|o: &Order| [text, "6"].contains(&o.id));
}
