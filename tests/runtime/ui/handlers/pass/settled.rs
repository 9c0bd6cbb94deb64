//! Each handler says of its message which of the two it means.

use std::io;
use std::time::Duration;

use ksql_runtime::consume::HandlerError;
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
        if message.cents > 0 {
            message.commit()
        } else {
            message.negative_ack()
        }
    });
    let _ = set.with_manual_commit().for_each(|message| async move {
        match message.cents {
            0 => Err(io::Error::other("nothing is paid")),
            1 => Ok(message.negative_ack_after(Duration::from_secs(1))),
            _ => Ok(message.commit()),
        }
    });
    let _ = set.with_manual_commit().for_each(|message| async move {
        Ok::<_, HandlerError>(message.commit())
    });
}

fn main() {
    let _ = consume;
}
