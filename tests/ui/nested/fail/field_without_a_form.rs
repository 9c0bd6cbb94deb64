use ksql_runtime::prelude::*;

struct Money(i64);

#[derive(Struct)]
struct Part {
    price: Money,
}

fn main() {}
