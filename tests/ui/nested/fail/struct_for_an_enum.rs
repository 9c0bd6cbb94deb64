use ksql_runtime::prelude::*;

#[derive(Struct)]
enum State {
    Open,
}

fn main() {}
