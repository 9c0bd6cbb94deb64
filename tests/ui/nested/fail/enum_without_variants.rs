use ksql_runtime::prelude::*;

#[derive(Enum)]
enum State {}

fn main() {}
