use ksql_runtime::prelude::*;

#[derive(Struct)]
struct Part {
    a: i64,
    parts: Vec<Part>,
}

fn main() {}
