use ksql_runtime::prelude::*;

#[derive(Struct)]
struct Part<T> {
    a: T,
}

fn main() {}
