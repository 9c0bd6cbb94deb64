//! What a table of orders says when asked: the same of us, of the floor and of the peer, or a figure means nothing.

use ksql_runtime::prelude::*;

use crate::entities::Order;
use crate::floor::table::Table;

/// All rows in short, and one of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Answers {
    /// How many there are.
    pub rows: u64,
    /// Of every row: a change of any key, quantity or time changes it.
    digest: i64,
    /// The row of the key that was asked for.
    pub row: Order,
}

fn digest(id: i64, qty: i32, ts: i64) -> i64 {
    let row = i64::from(qty).wrapping_mul(31).wrapping_add(ts);
    row.wrapping_mul(2 * id + 1)
}

impl Answers {
    /// Ours.
    pub async fn of(ctx: &Context, key: i64) -> Answers {
        let set = ctx.set::<Order>();
        let (mut rows, mut sum) = (0, 0_i64);
        set.scan(|row| {
            rows += 1;
            sum = sum.wrapping_add(digest(row.id, row.qty, row.ts.0));
        })
        .await
        .expect("a scan");
        let row = set.get(key).await.expect("a read");
        Answers {
            rows,
            digest: sum,
            row: row.expect("a row of the key"),
        }
    }

    /// The floor's, of this many partitions.
    pub fn by_hand(table: &Table, partitions: i32, key: i64) -> Answers {
        let (mut rows, mut sum) = (0, 0_i64);
        for partition in 0..partitions {
            table.rows(partition, i64::MIN, |id, row| {
                rows += 1;
                sum = sum.wrapping_add(digest(id, row.qty, row.ts));
                true
            });
        }
        let row = (0..partitions).find_map(|partition| table.get(partition, key));
        Answers {
            rows,
            digest: sum,
            row: row.expect("a row of the key"),
        }
    }
}
