//! A handler with manual commit that ends without saying which of the two it means.

use std::io;

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
        println!("{}", message.cents);
    });
    let _ = set.with_manual_commit().for_each(|message| async move {
        message.cents > 0
    });
    let _ = set.with_manual_commit().for_each(|message| async move {
        if message.cents == 0 {
            return Err(io::Error::other("nothing is paid"));
        }
        Ok(())
    });
}

fn main() {}
