// Neither a number nor a function that is none is a query.
#[path = "../common.rs"]
mod common;

use common::{Order, Small};
use ksql_runtime::prelude::*;

fn small(orders: Stream<Order>) -> Stream<Small> {
    unimplemented!("{orders:?}")
}

fn run() {
    let _ = Model::new().query(small);
    let _ = Model::new().query(7);
}

fn main() {}
