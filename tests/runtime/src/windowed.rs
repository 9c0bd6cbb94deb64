//! Results with windows, and queries that read them: filtered and mapped, joined with others of equal windows, in tumbling windows of
//! two sizes and in sessions. What tests hold against a model, kill, and run on a cluster.
//!
//! Results have the values of all inputs, so that a row that met another than it should shows. Where both sides of a join may be
//! missing a result has no field for a bound: its key has the window.
#![allow(missing_docs, reason = "the fields are only names of columns")]

use ksql_runtime::prelude::*;
use ksql_runtime::testing::{Test, TestBuilder};

use crate::told::same_windows;
use crate::workload::mix;

/// The partitions of all topics.
pub const PARTITIONS: u32 = 2;
/// The smaller windows, which are joined.
pub const SHORT: u64 = 10;
/// The larger windows.
pub const LONG: u64 = 60;
/// What sessions end after.
pub const GAP: u64 = 5;

/// What windows are made of.
macro_rules! source {
    ($name:ident, $topic:literal) => {
        #[derive(Debug, Clone, PartialEq, Entity)]
        #[topic($topic, partitions = 2)]
        #[stream]
        #[entity(namespace = "windowed")]
        pub struct $name {
            #[key]
            pub user: i64,
            pub n: i64,
        }
    };
}

source!(Tap, "taps");
source!(Play, "plays");

/// A result with windows, of the user's. Its topic keeps every change of a window, and not only the last: those that read it as a
/// stream make something of each.
macro_rules! windowed {
    ($name:ident, $topic:literal, ($($window:tt)*), { $($fields:tt)* }) => {
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Entity)]
        #[topic($topic, partitions = 2, cleanup = "delete")]
        #[table]
        #[window($($window)*)]
        #[entity(namespace = "windowed")]
        pub struct $name {
            #[key]
            pub user: i64,
            $($fields)*
        }
    };
}

/// One that counts and sums.
macro_rules! summed {
    ($name:ident, $topic:literal, ($($window:tt)*)) => {
        windowed!($name, $topic, ($($window)*), {
            #[window_start]
            pub from: DateTime<Utc>,
            #[window_end]
            pub to: DateTime<Utc>,
            pub count: i64,
            pub sum: i64,
        });
    };
}

summed!(
    Tapped,
    "tapped",
    (tumbling, seconds = [10, 60], grace = "20s")
);
summed!(Played, "played", (tumbling, seconds = [10], grace = "20s"));
summed!(Heard, "heard", (tumbling, seconds = [10], grace = "20s"));
summed!(Tour, "tours", (session, gap = "5s", grace = "20s"));
summed!(Show, "shows", (session, gap = "5s", grace = "20s"));

/// The sums of a source in windows.
macro_rules! sums {
    ($query:ident, $source:ident, $output:ident, |$row:ident| $condition:expr) => {
        #[query]
        pub fn $query(source: Stream<$source>) -> Table<$output> {
            source
                .filter(|$row| $condition)
                .group_by(|r| r.user)
                .aggregate(|g| $output {
                    user: g.key(),
                    from: g.window_start(),
                    to: g.window_end(),
                    count: g.count(),
                    sum: g.sum(|r| r.n),
                })
        }
    };
}

sums!(tapped, Tap, Tapped, |r| r.n >= 0);
sums!(played, Play, Played, |r| r.n >= 0);
sums!(heard, Play, Heard, |r| r.n > 50);
sums!(tours, Tap, Tour, |r| r.n >= 0);
sums!(shows, Play, Show, |r| r.n >= 0);

windowed!(Busy, "busy", (tumbling, seconds = [10]), {
    #[window_start]
    pub from: DateTime<Utc>,
    #[window_end]
    pub to: DateTime<Utc>,
    pub twice: i64,
});

#[query]
pub fn busy(tapped: Stream<Tapped>) -> Stream<Busy> {
    tapped.filter(|t| t.sum > 100).map(|t| Busy {
        user: t.user,
        from: t.from,
        to: t.to,
        twice: t.sum * 2,
    })
}

windowed!(Long, "long", (tumbling, seconds = [60]), {
    pub began: DateTime<Utc>,
    pub count: i64,
});

#[query]
pub fn long(tapped: Stream<Tapped>) -> Stream<Long> {
    tapped.filter(|t| t.count != 2).map(|t| Long {
        user: t.user,
        began: t.from,
        count: t.count,
    })
}

windowed!(Seen, "seen", (session, gap = "5s"), {
    #[window_end]
    pub last: DateTime<Utc>,
    pub sum: i64,
});

#[query]
pub fn seen(tours: Stream<Tour>) -> Stream<Seen> {
    tours.map(|t| Seen {
        user: t.user,
        last: t.to,
        sum: t.sum,
    })
}

windowed!(Met, "met", (tumbling, seconds = [10]), {
    #[window_start]
    pub from: DateTime<Utc>,
    pub taps: i64,
    pub plays: i64,
});

#[query]
pub fn met(tapped: Stream<Tapped>, played: Stream<Played>) -> Stream<Met> {
    tapped
        .join(played, |t, p| t.user == p.user)
        .within("15s")
        .grace("5s")
        .map(|t, p| Met {
            user: t.user,
            from: t.from,
            taps: t.sum,
            plays: p.sum,
        })
}

windowed!(OfTaps, "of_taps", (tumbling, seconds = [10]), {
    #[window_end]
    pub to: DateTime<Utc>,
    pub taps: i64,
    pub plays: Option<i64>,
});

#[query]
pub fn of_taps(tapped: Stream<Tapped>, played: Stream<Played>) -> Stream<OfTaps> {
    tapped
        .left_join(played, |t, p| t.user == p.user)
        .within("5s", "10s")
        .grace("2s")
        .map(|t, p| OfTaps {
            user: t.user,
            to: t.to,
            taps: t.sum,
            plays: p.sum,
        })
}

windowed!(OfPlays, "of_plays", (tumbling, seconds = [10]), {
    pub taps: Option<i64>,
    pub plays: i64,
});

#[query]
pub fn of_plays(tapped: Stream<Tapped>, played: Stream<Played>) -> Stream<OfPlays> {
    tapped
        .right_join(played, |t, p| t.user == p.user)
        .within("8s")
        .grace("4s")
        .map(|t, p| OfPlays {
            user: p.user,
            taps: t.sum,
            plays: p.sum,
        })
}

windowed!(Either, "either", (session, gap = "5s"), {
    pub tour: Option<i64>,
    pub show: Option<i64>,
});

#[query]
pub fn either(tours: Stream<Tour>, shows: Stream<Show>) -> Stream<Either> {
    tours
        .full_join(shows, |t, s| t.user == s.user)
        .within("10s")
        .grace("3s")
        .map(|t, s| Either {
            user: t.user.or(s.user),
            tour: t.sum,
            show: s.sum,
        })
}

windowed!(Three, "three", (tumbling, seconds = [10]), {
    pub taps: i64,
    pub plays: i64,
    pub heard: i64,
});

#[query]
pub fn three(
    tapped: Stream<Tapped>,
    played: Stream<Played>,
    heard: Stream<Heard>,
) -> Stream<Three> {
    tapped
        .join(played, |t, p| t.user == p.user)
        .within("12s")
        .grace("5s")
        .join(heard, |t, _, h| t.user == h.user)
        .within("12s")
        .grace("5s")
        .map(|t, p, h| Three {
            user: t.user,
            taps: t.sum,
            plays: p.sum,
            heard: h.sum,
        })
}

/// Adds the queries that make windows.
pub fn with_windows(builder: TestBuilder) -> TestBuilder {
    builder
        .query(tapped)
        .query(played)
        .query(heard)
        .query(tours)
        .query(shows)
}

/// Adds the queries that filter and map them.
pub fn with_filters(builder: TestBuilder) -> TestBuilder {
    builder.query(busy).query(long).query(seen)
}

/// Adds the queries that join them.
pub fn with_joins(builder: TestBuilder) -> TestBuilder {
    builder
        .query(met)
        .query(of_taps)
        .query(of_plays)
        .query(either)
        .query(three)
}

/// Adds every query that reads windows.
pub fn with_readers(builder: TestBuilder) -> TestBuilder {
    with_joins(with_filters(builder))
}

/// Sends the first `count` records of an endless workload to each source: time goes on by 400 ms a record, one in eight comes up to
/// half a minute late.
///
/// # Errors
/// As [`Test::send_all_at`].
pub async fn fill(test: &Test, seed: u64, count: u64) -> Result<(), ksql_runtime::error::Error> {
    let draw = |n: u64, of: u64| {
        let draw = mix(seed ^ of, n);
        let late = match draw.is_multiple_of(8) {
            true => (draw >> 8) % 30_000,
            false => 0,
        };
        let time = (100_000 + n * 400).saturating_sub(late).cast_signed();
        (
            time,
            ((draw >> 20) % 6).cast_signed(),
            ((draw >> 30) % 100).cast_signed(),
        )
    };
    let taps = (0..count).map(|n| {
        let (time, user, n) = draw(n, 1);
        (time, Tap { user, n })
    });
    test.send_all_at(taps).await?;
    let plays = (0..count).map(|n| {
        let (time, user, n) = draw(n, 2);
        (time, Play { user, n })
    });
    test.send_all_at(plays).await?;
    Ok(())
}

/// Holds everything that a run with kills told, window by window, against what one without them did; how much was told again.
///
/// # Panics
/// As [`same_windows`].
pub async fn told_again(killed: &Test, whole: &Test) -> usize {
    same_windows::<Busy>(killed, whole, SHORT).await
        + same_windows::<Long>(killed, whole, LONG).await
        + same_windows::<Seen>(killed, whole, GAP).await
        + same_windows::<Met>(killed, whole, SHORT).await
        + same_windows::<OfTaps>(killed, whole, SHORT).await
        + same_windows::<OfPlays>(killed, whole, SHORT).await
        + same_windows::<Either>(killed, whole, GAP).await
        + same_windows::<Three>(killed, whole, SHORT).await
}
