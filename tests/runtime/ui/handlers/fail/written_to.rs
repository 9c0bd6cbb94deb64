//! What was mapped, filtered or merged is there to be handled, and cannot be written to.

use ksql_runtime::prelude::*;

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("payments")]
#[stream]
pub struct Payment {
    #[key]
    pub account: i64,
    pub cents: i64,
}

async fn write(ctx: &Context) {
    let set = ctx.set::<Payment>();
    let _ = set.consume().map(|payment| payment.cents / 100).add(17).await;
    let _ = set.consume().filter(|payment| payment.cents > 0).add(17).await;
    let _ = set.consume().merge(set.consume()).add(17).await;
}

fn main() {}
