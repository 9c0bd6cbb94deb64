//! What a handler returns is an outcome.

use ksql_runtime::prelude::*;

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("payments")]
#[stream]
pub struct Payment {
    #[key]
    pub account: i64,
    pub cents: i64,
}

fn consume(ctx: &Context) {
    let _ = ctx.set::<Payment>().for_each(|payment| async move { payment.cents });
}

fn main() {}
