//! In relaxed mode types that another holds are columns, with a warning.
#![allow(deprecated)]
use ksql_runtime::prelude::*;

#[derive(Debug, PartialEq, Entity)]
#[topic("readings")]
#[entity(relaxed)]
#[stream]
struct Reading {
    #[key]
    id: i64,
    letter: char,
    level: Option<u8>,
    port: u16,
    count: u32,
}

fn main() {
    assert!(Reading::CREATE.contains("`LETTER` STRING, `LEVEL` INTEGER, `PORT` INTEGER, `COUNT` BIGINT)"));
}
