//! Records meet in equal windows: both inputs have the one that the output has, and each input the one key that is compared.

use ksql_runtime::prelude::*;

/// A result with windows of a kind.
macro_rules! counted {
    ($name:ident, $topic:literal, $($window:tt)*) => {
        #[derive(Entity)]
        #[topic($topic)]
        #[window($($window)*)]
        #[entity(namespace = "shop")]
        pub struct $name {
            #[key]
            pub id: i64,
            pub n: i64,
        }
    };
}

counted!(Minutes, "minutes", tumbling, minutes = [1, 5]);
counted!(Five, "five", tumbling, minutes = [5]);
counted!(Visit, "visits", session, gap = "5min");
counted!(InMinutes, "in_minutes", tumbling, minutes = [1]);
counted!(InFive, "in_five", tumbling, minutes = [5]);
counted!(InBoth, "in_both", tumbling, minutes = [1, 5]);

#[query]
fn without_the_others(minutes: Stream<Minutes>, five: Stream<Five>) -> Stream<InMinutes> {
    minutes
        .join(five, |m, f| m.id == f.id)
        .within("1m")
        .map(|m, f| InMinutes { id: m.id, n: f.n })
}

#[query]
fn of_another_kind(five: Stream<Five>, visits: Stream<Visit>) -> Stream<InFive> {
    five.join(visits, |f, v| f.id == v.id)
        .within("1m")
        .map(|f, v| InFive { id: f.id, n: v.n })
}

#[query]
fn in_several(minutes: Stream<Minutes>, five: Stream<Five>) -> Stream<InBoth> {
    minutes
        .join(five, |m, f| m.id == f.id)
        .within("1m")
        .map(|m, f| InBoth { id: m.id, n: f.n })
}

#[query]
fn by_another_column(minutes: Stream<Minutes>, five: Stream<Five>) -> Stream<InFive> {
    minutes
        .join(five, |m, f| m.id == f.n)
        .within("1m")
        .map(|m, f| InFive { id: m.id, n: f.n })
}

fn main() {}
