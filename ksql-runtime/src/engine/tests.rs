//! What a query leaves in its store.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::store::{CLOSING, GROUP, QueryStore};
use crate::codec::{DecodeError, Reader, write};
use crate::entity::{Entity, Window, Windowed};
use crate::ops::{Any, native};
use crate::prelude::*;
use crate::query::{
    Aggregate, At, Groups, Host, Overflow, ParameterError, Query, Row, Scratch, group,
};
use crate::state::family;
use crate::testing::{self, Test};
use ksql_schema::model::Kind;
use ksql_schema::query::plan;

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("clicks", partitions = 2)]
struct Click {
    #[key]
    user: i64,
    weight: i64,
}

macro_rules! counted {
    ($query:ident, $entity:ident, $row:ident, $topic:literal, #[$window:meta]) => {
        #[derive(Debug, Clone, PartialEq, Entity)]
        #[topic($topic)]
        #[table]
        #[$window]
        struct $entity {
            #[key]
            user: i64,
            weight: i64,
        }

        #[derive(Debug, Clone, Copy)]
        struct $query;

        impl Query for $query {
            type Output = $entity;
            const PLAN: &'static plan::Query<'static> = &plan::Query {
                name: stringify!($query),
                inputs: &[plan::Input {
                    name: "clicks",
                    entity: Click::MODEL,
                    kind: Kind::Stream,
                }],
                steps: &[],
                output: $entity::MODEL,
                kind: Kind::Table,
                because: "it was written by hand",
                writes: plan::Writes::Creates,
                parameters: &[],
            };
            const KSQL: &'static [&'static str] = &["-- none;"];

            fn parameters(&self) -> Result<Vec<(&'static str, String)>, ParameterError> {
                Ok(Vec::new())
            }

            fn accept<H: Host>(self, host: H) -> H::Made {
                host.aggregate(self)
            }
        }

        impl Aggregate for $query {
            type Input = Click;
            type Groups = Weight;

            fn keep<'a>(&'a self, _at: &At<'a>, _row: Row<'a, Click>) -> bool {
                true
            }

            fn key<'a>(&'a self, _at: &At<'a>, row: Row<'a, Click>, out: &mut Vec<u8>) -> bool {
                group::push(Any::Bigint(row.user), true, out)
            }

            fn first<'a>(&'a self, _at: &At<'a>, row: Row<'a, Click>) -> Result<Weight, Overflow> {
                Ok(Weight(row.weight))
            }

            fn update<'a>(
                &'a self,
                _at: &At<'a>,
                row: Row<'a, Click>,
                groups: &mut Weight,
            ) -> Result<(), Overflow> {
                groups.0 += row.weight;
                Ok(())
            }

            fn finish<'a>(
                &'a self,
                _scratch: &'a Scratch,
                key: &'a [u8],
                _window: Window,
                groups: &'a Weight,
            ) -> Row<'a, $entity> {
                $row {
                    user: group::read(&mut Reader::new(key), true, native::BIGINT),
                    weight: groups.0,
                }
            }
        }
    };
}

#[derive(Debug, Clone)]
struct Weight(i64);

impl Groups for Weight {
    fn write(&self, out: &mut Vec<u8>) {
        write::long(self.0, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.long().map(Weight)
    }

    fn merge(&mut self, other: Self) -> Result<(), Overflow> {
        self.0 += other.0;
        Ok(())
    }
}

counted!(Minutes, Minute, MinuteRow, "minutes", #[window(tumbling, minutes = [1], grace = "10s")]);
counted!(Stays, Stay, StayRow, "stays", #[window(tumbling, minutes = [1], grace = "10s", retention = "5min")]);
counted!(Visits, Visit, VisitRow, "visits", #[window(session, gap = "30s", grace = "10s", retention = "80s")]);

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("notes", partitions = 2)]
struct Note {
    #[key]
    author: i64,
    text: String,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("lengths")]
#[table]
struct Length {
    #[key]
    author: i64,
    bytes: i64,
}

/// Keeps all texts of an author, and counts what all authors' take in memory together.
#[derive(Debug, Clone, Copy)]
struct Lengths;

/// What all [`Texts`] hold now, and what they held at most.
static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST_HELD: AtomicUsize = AtomicUsize::new(0);

#[derive(Debug, Default)]
struct Texts(Vec<String>);

impl Texts {
    fn push(&mut self, text: &str) {
        self.0.push(text.to_owned());
        let held = HELD.fetch_add(text.len(), Ordering::SeqCst) + text.len();
        MOST_HELD.fetch_max(held, Ordering::SeqCst);
    }

    fn length(&self) -> usize {
        self.0.iter().map(String::len).sum()
    }
}

impl Drop for Texts {
    fn drop(&mut self) {
        HELD.fetch_sub(self.length(), Ordering::SeqCst);
    }
}

impl Clone for Texts {
    fn clone(&self) -> Self {
        let mut clone = Texts::default();
        self.0.iter().for_each(|text| clone.push(text));
        clone
    }
}

impl Groups for Texts {
    fn write(&self, out: &mut Vec<u8>) {
        write::long(self.0.len() as i64, out);
        for text in &self.0 {
            write::bytes(text.as_bytes(), out);
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut texts = Texts::default();
        for _ in 0..input.long()? {
            texts.push(input.text()?);
        }
        Ok(texts)
    }

    fn owned(&self) -> usize {
        self.length()
    }

    fn merge(&mut self, other: Self) -> Result<(), Overflow> {
        other.0.iter().for_each(|text| self.push(text));
        Ok(())
    }
}

impl Query for Lengths {
    type Output = Length;
    const PLAN: &'static plan::Query<'static> = &plan::Query {
        name: "Lengths",
        inputs: &[plan::Input {
            name: "notes",
            entity: Note::MODEL,
            kind: Kind::Stream,
        }],
        steps: &[],
        output: Length::MODEL,
        kind: Kind::Table,
        because: "it was written by hand",
        writes: plan::Writes::Creates,
        parameters: &[],
    };
    const KSQL: &'static [&'static str] = &["-- none;"];

    fn parameters(&self) -> Result<Vec<(&'static str, String)>, ParameterError> {
        Ok(Vec::new())
    }

    fn accept<H: Host>(self, host: H) -> H::Made {
        host.aggregate(self)
    }
}

impl Aggregate for Lengths {
    type Input = Note;
    type Groups = Texts;

    fn keep<'a>(&'a self, _at: &At<'a>, _row: Row<'a, Note>) -> bool {
        true
    }

    fn key<'a>(&'a self, _at: &At<'a>, row: Row<'a, Note>, out: &mut Vec<u8>) -> bool {
        group::push(Any::Bigint(row.author), true, out)
    }

    fn first<'a>(&'a self, at: &At<'a>, row: Row<'a, Note>) -> Result<Texts, Overflow> {
        let mut texts = Texts::default();
        self.update(at, row, &mut texts)?;
        Ok(texts)
    }

    fn update<'a>(
        &'a self,
        _at: &At<'a>,
        row: Row<'a, Note>,
        groups: &mut Texts,
    ) -> Result<(), Overflow> {
        groups.push(row.text);
        Ok(())
    }

    fn finish<'a>(
        &'a self,
        _scratch: &'a Scratch,
        key: &'a [u8],
        _window: Window,
        groups: &'a Texts,
    ) -> Row<'a, Length> {
        LengthRow {
            author: group::read(&mut Reader::new(key), true, native::BIGINT),
            bytes: groups.length() as i64,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_accumulators_hold_counts_against_the_memory_of_open_groups() {
    const AUTHORS: i64 = 400;
    const ROUNDS: i64 = 4;
    const TEXT: usize = 16 * 1024;
    let test = testing::query(Lengths)
        .latest_changes()
        .setting("memory", "32MiB")
        .start()
        .await
        .unwrap();
    let text = "x".repeat(TEXT);
    let most = test
        .context()
        .query_table("Lengths")
        .unwrap()
        .settings
        .gather_bytes;
    for _ in 0..ROUNDS {
        let notes = (0..AUTHORS).map(|author| {
            let text = text.clone();
            (0, Note { author, text })
        });
        test.send_all_at(notes).await.unwrap();
    }
    test.settle().await.unwrap();
    let all = AUTHORS as usize * ROUNDS as usize * TEXT;
    assert!(all > 2 * most, "{all} bytes are no trial of {most}");
    let held = MOST_HELD.load(Ordering::SeqCst);
    assert!(held > most / 4, "{held} of {most} bytes were used");
    // The row that fills it is taken, and the group it is for is read whole.
    assert!(
        held <= most + ROUNDS as usize * TEXT,
        "{held} of {most} bytes"
    );
    let rows = test.context().set::<Length>().to_list().await.unwrap();
    assert_eq!(rows.len(), AUTHORS as usize);
    for row in rows {
        assert_eq!(row.bytes, ROUNDS * TEXT as i64, "{}", row.author);
    }
    test.end().await.unwrap();
}

/// How many groups a query keeps, and how many notes of when they close.
fn kept(test: &Test, query: &str) -> (usize, usize) {
    let table = test.context().query_table(query).unwrap();
    let count = |kind: u8| {
        let counted = table.store.with(|db| {
            let family = family(db, &table.settings.store)?;
            let mut keys = db.raw_iterator_cf(&family);
            keys.seek([kind]);
            let mut count = 0;
            while keys.key().is_some_and(|key| key.first() == Some(&kind)) {
                count += 1;
                keys.next();
            }
            Ok(count)
        });
        counted.unwrap()
    };
    (count(GROUP), count(CLOSING))
}

/// The users whose rows stand in the table of windows of a minute, once RocksDB has looked through its files.
async fn users<T: Windowed>(test: &Test, user: impl Fn(T) -> i64) -> Vec<i64> {
    let set = test.context().set::<T>().window_of(Duration::from_secs(60));
    let table = set.registered().unwrap().table.clone().unwrap();
    let compacted = table.store.with(|db| {
        let family = family(db, &table.settings.store)?;
        db.compact_range_cf(&family, None::<&[u8]>, None::<&[u8]>);
        Ok(())
    });
    compacted.unwrap();
    let mut users: Vec<i64> = set.to_list().await.unwrap().into_iter().map(user).collect();
    users.sort_unstable();
    users
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_leave_a_table_behind_the_retention_that_was_stated_and_stay_where_none_was() {
    let test = testing::query(Minutes).query(Stays).start().await.unwrap();
    for minute in 0..60 {
        let click = Click {
            user: minute,
            weight: 1,
        };
        test.send_at(minute * 60_000, click).await.unwrap();
    }
    test.settle().await.unwrap();
    // The last record is of minute 59. A window that ended five minutes before stays still.
    let stays = users(&test, |stay: Stay| stay.user).await;
    assert_eq!(stays, (53..60).collect::<Vec<_>>());
    let all = users(&test, |minute: Minute| minute.user).await;
    assert_eq!(all, (0..60).collect::<Vec<_>>());
    test.end().await.unwrap();
}

/// How many windows a query says are open, which is how many stand in its store.
fn open(test: &Test, query: &str) -> Option<u64> {
    let table = test.context().query_table(query).unwrap();
    let open = table.open_windows();
    if let Some(open) = open {
        assert_eq!(QueryStore::new(&table).windows().unwrap(), open, "{query}");
    }
    open
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_that_take_nothing_more_leave_the_store_whoever_is_silent() {
    let mut test = testing::query(Minutes).query(Visits).start().await.unwrap();
    for user in 0..40 {
        let click = Click { user, weight: 1 };
        test.send_at(user * 10, click).await.unwrap();
    }
    test.settle().await.unwrap();
    assert_eq!(kept(&test, "Minutes"), (40, 40));
    assert_eq!(kept(&test, "Visits"), (40, 40));
    assert_eq!(open(&test, "Minutes"), Some(40));
    test = test.reopen().await.unwrap();
    assert_eq!(open(&test, "Visits"), Some(40), "as it was");
    // Others go on: of the partitions' time the silent learn all the same. Two users a partition are enough.
    for time in [69_999, 100_000, 1_000_000] {
        for user in 1000..1020 {
            let click = Click { user, weight: 1 };
            test.send_at(time, click).await.unwrap();
        }
        test.settle().await.unwrap();
        let left = match time {
            // A millisecond before the first minute and its grace are over.
            69_999 => (60, 60),
            _ => (20, 20),
        };
        assert_eq!(kept(&test, "Minutes"), left, "at {time}");
        assert_eq!(kept(&test, "Visits"), left, "at {time}");
        let windows = Some(left.0 as u64);
        assert_eq!(open(&test, "Minutes"), windows, "at {time}");
        // Of a user two sessions are open that are a little more than a gap apart.
        let sessions = match time {
            100_000 => Some(40),
            _ => windows,
        };
        assert_eq!(open(&test, "Visits"), sessions, "at {time}");
    }
    test.end().await.unwrap();
}

/// A record is not too late for a session that it joins to an open one. Whether others were written before makes no difference.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_long_over_is_joined_by_what_bridges_it_to_an_open_one() {
    for written in [false, true] {
        let test = testing::query(Visits).start().await.unwrap();
        // The second moves time: alone, the first would take nothing more. The third is open just so, the last bridges.
        for time in [30_000, 101_000, 61_000, 45_000] {
            let click = Click { user: 7, weight: 1 };
            test.send_at(time, click).await.unwrap();
            if written {
                test.settle().await.unwrap();
            }
        }
        test.settle().await.unwrap();
        let visits = test.context().set::<Visit>();
        let visits = visits.window_of(Duration::from_secs(30));
        let mut clicks: Vec<_> = visits
            .to_list()
            .await
            .unwrap()
            .into_iter()
            .map(|visit| visit.weight)
            .collect();
        clicks.sort_unstable();
        assert_eq!(clicks, [1, 3], "written between: {written}");
        assert!(test.context().queries().iter().all(|query| query.late == 0));
        test.end().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_of_a_key_are_counted_one_by_one_and_a_query_without_has_none() {
    let test = testing::query(Minutes).query(Visits).start().await.unwrap();
    // Three minutes of one user, in one partition; the first is over when the third begins.
    for time in [0, 1_000, 60_000, 61_000] {
        let click = Click { user: 7, weight: 1 };
        test.send_at(time, click).await.unwrap();
    }
    test.settle().await.unwrap();
    assert_eq!(open(&test, "Minutes"), Some(2));
    // A session that what comes joins with another is one.
    assert_eq!(open(&test, "Visits"), Some(2));
    let click = Click { user: 7, weight: 1 };
    test.send_at(31_000, click).await.unwrap();
    test.settle().await.unwrap();
    assert_eq!(open(&test, "Visits"), Some(1));
    test.end().await.unwrap();

    let test = testing::query(Lengths).start().await.unwrap();
    assert_eq!(open(&test, "Lengths"), None);
    test.end().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_of_the_future_are_taken_and_counted() {
    const HOUR: i64 = 3_600_000;
    let test = testing::query(Minutes).start().await.unwrap();
    let now = test.context().clock().now_ms();
    for time in [
        now,
        now + HOUR - 60_000,
        now + 2 * HOUR,
        now + 400 * 24 * HOUR,
    ] {
        let click = Click { user: 7, weight: 1 };
        test.send_at(time, click).await.unwrap();
    }
    test.settle().await.unwrap();
    let queries = test.context().queries();
    let future: Vec<u64> = queries.iter().map(|query| query.future).collect();
    assert_eq!(future, [2]);
    test.end().await.unwrap();
}
