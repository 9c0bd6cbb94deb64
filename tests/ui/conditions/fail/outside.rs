//! Values from around a condition have a plain name.
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
    struct Limits {
        most: i64,
    }
    const MOST: i64 = 5;
    mod limits {
        pub const MOST: i64 = 5;
    }
    let limits = Limits { most: MOST };
    let _ = ksql!(|o: &Order| o.id < limits.most);
    let _ = ksql!(|o: &Order| o.id < limits::MOST);
    let _ = ksql!(|o: &Order| o.id < most());
    fn most() -> i64 {
        5
    }
}
