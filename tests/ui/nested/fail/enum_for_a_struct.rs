use ksql_runtime::prelude::*;

#[derive(Enum)]
struct State {
    open: bool,
}

fn main() {}
