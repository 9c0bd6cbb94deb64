use ksql_runtime::prelude::*;

#[derive(Struct)]
struct Part {}

fn main() {}
