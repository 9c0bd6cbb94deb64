use ksql_runtime::prelude::*;

#[derive(Struct)]
struct Part {
    #[decimal_precision(9, 2)]
    price: Dec<9, 2>,
}

fn main() {}
