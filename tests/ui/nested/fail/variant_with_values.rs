use ksql_runtime::prelude::*;

#[derive(Enum)]
enum State {
    Open,
    Paid(i64),
}

fn main() {}
