//! Records without a key: kept where a key column is an `Option`, left out and counted where one is needed. And a decimal that is
//! rounded up to a digit more than its column.

use ksql_runtime::prelude::*;
use ksql_runtime::testing::{self, Test};

macro_rules! entity {
    ($name:ident $topic:literal #[$kind:ident] { $($fields:tt)* }) => {
        #[derive(Debug, Clone, PartialEq, Entity)]
        #[topic($topic)]
        #[$kind]
        #[entity(namespace = "keys")]
        pub struct $name { $($fields)* }
    };
}

entity! { Visit "visits" #[stream] {
    #[key]
    pub member: Option<i64>,
    pub minutes: i64,
} }

entity! { Long "long_visits" #[stream] {
    #[key]
    pub member: Option<i64>,
    pub minutes: i64,
} }

// What another program may write: every record is taken to have a key.
entity! { Known "long_visits_of_members" #[stream] {
    #[key]
    pub member: i64,
    pub minutes: i64,
} }

entity! { Total "visit_totals" #[table] {
    #[key]
    pub member: i64,
    pub minutes: i64,
} }

#[query]
fn long(visits: Stream<Visit>) -> Stream<Long> {
    visits.filter(|v| v.minutes > 5).map(|v| Long {
        member: v.member,
        minutes: v.minutes,
    })
}

#[query]
fn totals(visits: Stream<Visit>) -> Table<Total> {
    visits.group_by(|v| v.member).aggregate(|g| Total {
        member: g.key(),
        minutes: g.sum(|v| v.minutes),
    })
}

/// Gives records a key, or none, that may be no member.
#[query]
fn known(visits: Stream<Visit>) -> Stream<Known> {
    visits.partition_by(|v| v.member).map(|v| Known {
        member: v.member,
        minutes: v.minutes,
    })
}

entity! { KnownTotal "known_totals" #[table] {
    #[key]
    pub minutes: i64,
    pub visits: i64,
} }

#[query]
fn known_totals(visits: Stream<Known>) -> Table<KnownTotal> {
    visits.group_by(|v| v.minutes).aggregate(|g| KnownTotal {
        minutes: g.key(),
        visits: g.count(),
    })
}

fn visit(member: Option<i64>, minutes: i64) -> Visit {
    Visit { member, minutes }
}

/// How many records each query left out for want of a key.
fn keyless(test: &Test) -> Vec<(&'static str, u64)> {
    let queries = test.context().queries();
    queries.iter().map(|one| (one.query, one.keyless)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_without_a_key_is_kept_until_a_key_is_needed_and_is_counted_then() {
    let mut test = testing::query(long)
        .query(totals)
        .query(known)
        .query(known_totals)
        .start()
        .await
        .expect("it starts");
    let visits = [
        visit(Some(1), 10),
        visit(None, 20),
        visit(None, 1),
        visit(Some(1), 7),
    ];
    for (second, one) in (0..).zip(visits) {
        test.send_at(second * 1_000, one).await.expect("it is sent");
    }
    test.settle().await.expect("nothing stops");
    let mut sent = test.records::<Long>().await.expect("the results");
    sent.sort_by_key(|record| record.timestamp);
    let sent: Vec<_> = sent
        .into_iter()
        .map(|record| (record.key.member, record.row.map(|row| row.minutes)))
        .collect();
    assert_eq!(
        sent,
        [(Some(1), Some(10)), (None, Some(20)), (Some(1), Some(7))]
    );
    let expected = [
        ("long", 0),
        ("totals", 2),
        ("known", 0),
        ("known_totals", 2),
    ];
    let mut found = keyless(&test);
    found.sort_unstable();
    let mut wanted = expected;
    wanted.sort_unstable();
    assert_eq!(found, wanted);
    let total = test.context().set::<Total>().to_list().await;
    assert_eq!(
        total.expect("a list"),
        [Total {
            member: 1,
            minutes: 17
        }]
    );
    let counted = test.context().set::<KnownTotal>().count().await;
    assert_eq!(counted.expect("a count"), 2);
    test = test.reopen().await.expect("it starts again");
    test.settle().await.expect("nothing stops");
    let mut found = keyless(&test);
    found.sort_unstable();
    assert_eq!(found, wanted, "after it was opened again");
    test.end().await.expect("it ends");
}

entity! { Share "shares" #[stream] {
    #[key]
    pub id: i64,
    pub part: Dec<5, 3>,
} }

entity! { Percent "percents" #[stream] {
    #[key]
    pub id: i64,
    pub part: Option<Dec<4, 2>>,
} }

#[query]
fn percents(shares: Stream<Share>) -> Stream<Percent> {
    shares.map(|s| Percent {
        id: s.id,
        part: s.part as Decimal<4, 2>,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decimal_that_is_rounded_up_to_a_digit_more_stops_the_query_as_it_stops_ksqldbs() {
    let test = testing::query(percents).start().await.expect("it starts");
    for (id, part) in [(1, "99.994"), (2, "99.999")] {
        let part = part.parse().expect("a decimal");
        test.send_at(id, Share { id, part })
            .await
            .expect("it is sent");
    }
    let error = test.settle().await.expect_err("it stops");
    let text = error.to_string();
    assert!(
        text.contains("the column `part` is a DECIMAL(4, 2)") && text.contains("as Decimal<5, 2>"),
        "{text}"
    );
}
