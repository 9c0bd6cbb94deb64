use ksql_runtime::prelude::*;

#[derive(Struct)]
#[nested(crat = crate::x)]
struct Part {
    a: i64,
}

fn main() {}
