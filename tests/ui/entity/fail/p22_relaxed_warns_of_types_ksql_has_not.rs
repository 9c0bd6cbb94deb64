#![deny(deprecated)]
use ksql_runtime::prelude::*;

#[derive(Entity)]
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

fn main() {}
