//! A condition is on the rows of an entity.
use ksql_runtime::prelude::*;

struct Plain {
    id: i64,
}

fn main() {
    let _ = ksql!(|o: &Plain| o.id > 5);
}
