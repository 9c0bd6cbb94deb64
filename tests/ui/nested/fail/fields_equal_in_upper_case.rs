use ksql_runtime::prelude::*;

#[derive(Struct)]
#[allow(non_snake_case)]
struct Part {
    name: String,
    Name: String,
}

fn main() {}
