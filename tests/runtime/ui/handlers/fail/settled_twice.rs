//! A message is settled once, and on every way out of its handler.

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
    let set = ctx.set::<Payment>();
    let _ = set.with_manual_commit().for_each(|message| async move {
        let _ = message.negative_ack();
        message.commit()
    });
    let _ = set.with_manual_commit().for_each(|message| async move {
        if message.cents > 0 {
            message.commit()
        }
    });
}

fn main() {}
