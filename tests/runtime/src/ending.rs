//! A shop at work, for the tests of ends: sales that are handled, a table of what each shop sold last, and what it sold in
//! windows. And whether what is kept of them is what the topics say.
//!
//! The topics are the measure: a sale that is there twice or a row that they do not give is wrong, whatever ended when.

use std::collections::{BTreeMap, BTreeSet};

use ksql_runtime::codec::frame;
use ksql_runtime::context::ContextBuilder;
use ksql_runtime::prelude::*;

use crate::topics::whole;
use crate::workload::mix;

/// The group of its handlers.
pub const GROUP: &str = "ending";
const SHOPS: u64 = 20;
/// The sizes of the windows, in minutes.
const SIZES: [u64; 2] = [1, 5];
/// Event time between two sales, in milliseconds.
const APART: i64 = 20;

/// A sale.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("sales", partitions = 4)]
#[stream]
#[entity(namespace = "ending")]
pub struct Sale {
    /// Where.
    #[key]
    pub shop: i64,
    /// When.
    #[timestamp]
    pub sold_at: DateTime<Utc>,
    /// Which: no two have the same.
    pub number: i64,
    /// How many.
    pub pieces: i64,
}

/// The last sale of a shop.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("tills", partitions = 4)]
#[table]
#[entity(namespace = "ending")]
pub struct Till {
    /// Which shop.
    #[key]
    pub shop: i64,
    /// Which sale.
    pub number: i64,
}

/// What a shop sold in a window.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("turnovers")]
#[table]
#[window(tumbling, minutes = [1, 5], grace = "1d")]
#[entity(namespace = "ending")]
pub struct Turnover {
    /// Which shop.
    #[key]
    pub shop: i64,
    /// The window's start.
    #[window_start]
    pub opened: DateTime<Utc>,
    /// How often.
    pub sales: i64,
    /// How many.
    pub pieces: i64,
}

/// What shops sell in windows.
#[query]
pub fn turnovers(sales: Stream<Sale>) -> Table<Turnover> {
    sales.group_by(|s| s.shop).aggregate(|g| Turnover {
        shop: g.key(),
        opened: g.window_start(),
        sales: g.count(),
        pieces: g.sum(|s| s.pieces),
    })
}

/// Adds all of it to a program.
pub fn shop(builder: ContextBuilder) -> ContextBuilder {
    builder
        .entity::<Till>()
        .query(turnovers)
        .setting("memory", "64MiB")
}

/// A sale and what the till says afterwards; the first is sold at `base`, in milliseconds.
pub fn sale(seed: u64, base: i64, number: i64) -> (Sale, Till) {
    let draw = mix(seed, number.cast_unsigned());
    let shop = (draw % SHOPS).cast_signed();
    let sold_at = DateTime::from_timestamp_millis(base + number * APART).expect("a time");
    let pieces = ((draw >> 32) % 9).cast_signed();
    (
        Sale {
            shop,
            sold_at,
            number,
            pieces,
        },
        Till { shop, number },
    )
}

/// Everything in a topic, partition by partition.
async fn records<T: Entity>(ctx: &Context) -> Vec<T> {
    let topic = ctx.set::<T>().topic().expect("a topic").to_owned();
    whole(ctx.log(), &topic, |_, record| {
        let key = T::Key::decode(record.key.expect("a key")).expect("a key");
        let (_, body) = frame::read(record.value.expect("a value")).expect("a frame");
        T::decode(key, body).expect("a row")
    })
    .await
}

/// What is kept, compared with the topics.
#[derive(Debug, Default)]
pub struct Looked {
    /// The numbers of the sales in the topic.
    pub numbers: BTreeSet<i64>,
    /// What is wrong, in words.
    pub wrong: Vec<String>,
}

/// Compares the table and the windows with the topics.
pub async fn look(ctx: &Context) -> Looked {
    let mut looked = Looked::default();
    let sales: Vec<Sale> = records(ctx).await;
    for sale in &sales {
        if !looked.numbers.insert(sale.number) {
            looked.wrong.push(format!("twice: {sale:?}"));
        }
    }
    let tills = records::<Till>(ctx).await;
    let tills: BTreeMap<i64, i64> = tills.iter().map(|till| (till.shop, till.number)).collect();
    let kept = ctx.set::<Till>().to_list().await.expect("a list");
    let kept = kept.iter().map(|till| (till.shop, till.number)).collect();
    differ("tills", &tills, &kept, &mut looked.wrong);
    for minutes in SIZES {
        let size = minutes.cast_signed() * 60_000;
        let mut windows: BTreeMap<(i64, i64), (i64, i64)> = BTreeMap::new();
        for sale in &sales {
            let at = sale.sold_at.timestamp_millis();
            let window = windows.entry((sale.shop, at - at.rem_euclid(size)));
            let (count, pieces) = window.or_default();
            (*count, *pieces) = (*count + 1, *pieces + sale.pieces);
        }
        let kept = ctx.set::<Turnover>().window(minutes).to_list().await;
        let kept = kept.expect("a list").into_iter().map(|one| {
            let opened = one.opened.timestamp_millis();
            ((one.shop, opened), (one.sales, one.pieces))
        });
        let name = format!("windows of {minutes} min");
        differ(&name, &windows, &kept.collect(), &mut looked.wrong);
    }
    looked
}

fn differ<K: Ord + std::fmt::Debug, V: PartialEq + std::fmt::Debug>(
    name: &str,
    right: &BTreeMap<K, V>,
    found: &BTreeMap<K, V>,
    wrong: &mut Vec<String>,
) {
    let keys: BTreeSet<&K> = right.keys().chain(found.keys()).collect();
    for key in keys {
        let (right, found) = (right.get(key), found.get(key));
        if right != found {
            wrong.push(format!("{name}, {key:?}: {found:?} for {right:?}"));
        }
    }
}

/// Numbers as the first and the last of each run, which a line has room for.
pub fn runs(numbers: &BTreeSet<i64>) -> Vec<(i64, i64)> {
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for &number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_hold_every_number_and_no_other() {
        let numbers = BTreeSet::from([0, 1, 2, 5, 7, 8]);
        assert_eq!(runs(&numbers), [(0, 2), (5, 5), (7, 8)]);
        assert_eq!(runs(&BTreeSet::new()), []);
    }

    #[test]
    fn what_is_missing_more_or_another_is_told() {
        let right = BTreeMap::from([(1, "a"), (2, "b")]);
        let mut wrong = Vec::new();
        differ("t", &right, &right.clone(), &mut wrong);
        assert_eq!(wrong, Vec::<String>::new());
        differ(
            "t",
            &right,
            &BTreeMap::from([(1, "c"), (3, "d")]),
            &mut wrong,
        );
        assert_eq!(wrong.len(), 3, "{wrong:?}");
    }
}
