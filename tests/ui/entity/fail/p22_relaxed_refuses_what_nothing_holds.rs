//! Relaxed mode converts where every value fits and no attribute says more.
#![allow(deprecated)]
use ksql_runtime::prelude::*;

#[derive(Entity)]
#[topic("readings")]
#[entity(relaxed)]
#[stream]
struct Reading {
    #[key]
    id: u32,
    total: u64,
    #[default_value(5)]
    port: u16,
    letters: Vec<char>,
}

fn main() {}
