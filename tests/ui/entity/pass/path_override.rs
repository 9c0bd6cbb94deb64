use ksql_runtime::prelude::*;

mod facade {
    pub use ksql_runtime as runtime;
}

#[derive(Entity)]
#[topic("orders")]
#[table]
#[entity(crate = crate::facade::runtime)]
struct Order {
    #[key]
    id: i64,
    value: i64,
}

#[derive(Struct)]
#[nested(crate = crate::facade::runtime)]
struct Part {
    a: i64,
}

fn main() {
    let _ = Part { a: Order { id: 1, value: 2 }.value };
}
