//! ksqlDB reads NULL from a nested field in mixed case too.
use ksql_runtime::prelude::*;

#[derive(Struct)]
#[allow(non_snake_case)]
struct Part {
    partName: String,
    PIECES: i64,
}

fn main() {}
