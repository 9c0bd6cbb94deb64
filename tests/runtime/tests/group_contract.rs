//! What every log promises the members of a consumer group: each test runs on the embedded log and on a real Kafka. What
//! only Kafka has, sessions that end and rights that are missing, stands in `group_kafka.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ksql_runtime::log::{
    Assigned, EmbeddedLog, EmbeddedOptions, GroupReader, KafkaLog, KafkaOptions, Log, LogError,
    Membership, Polled, RecordBatch, Start, TopicSpec, WhenOffsetGone,
};
use ksql_runtime_tests::child::Lines;
use ksql_runtime_tests::{servers, test_name};
use tokio::runtime::Handle;

const LIMIT: Duration = Duration::from_secs(300);

/// How long one poll of several members may wait before the next one polls.
const TURN: Duration = Duration::from_millis(50);

/// A log to test, with a topic and groups no other test has.
struct Case {
    log: Log,
    prefix: String,
    /// Of the embedded log.
    directory: Option<Arc<tempfile::TempDir>>,
    /// Of Kafka.
    bootstrap: String,
}

fn embedded_in(directory: PathBuf) -> Log {
    let log = EmbeddedLog::open(EmbeddedOptions::new(directory));
    log.expect("the log opens").into()
}

impl Case {
    fn embedded() -> Case {
        let directory = tempfile::tempdir().expect("a directory");
        Case {
            log: embedded_in(directory.path().join("log")),
            prefix: String::new(),
            directory: Some(Arc::new(directory)),
            bootstrap: String::new(),
        }
    }

    /// On the broker that all tests here share.
    fn kafka(test: &str) -> Option<Case> {
        let kafka = servers::kafka_or_skip(test)?;
        let mut options = KafkaOptions::new(kafka.bootstrap());
        for (name, value) in [
            ("session.timeout.ms", "6000"),
            ("heartbeat.interval.ms", "200"),
        ] {
            options.consumer.insert(name.to_owned(), value.to_owned());
        }
        options.topic_check = Duration::from_millis(200);
        Some(Case {
            log: KafkaLog::open(options).expect("the log opens").into(),
            prefix: format!("{}-", uuid::Uuid::new_v4().simple()),
            directory: None,
            bootstrap: kafka.bootstrap().to_owned(),
        })
    }

    fn topic(&self) -> String {
        format!("{}t", self.prefix)
    }

    fn group(&self) -> String {
        format!("{}g", self.prefix)
    }

    async fn with_topic(&self, partitions: u32) {
        let spec = TopicSpec::new(self.topic(), partitions);
        self.log.create_topic(&spec).await.expect("a topic");
    }

    /// Produces so many records to a partition; their values are their numbers, from `first` on.
    async fn produce(&self, partition: i32, numbers: std::ops::Range<u64>) {
        let mut batch = RecordBatch::new();
        for n in numbers {
            batch.push_to(Some(partition), None, Some(&n.to_be_bytes()), time(n), &[]);
        }
        let produced = self.log.produce_batch(&self.topic(), batch).await;
        produced.expect("produced");
    }

    fn membership(&self, start: Start, when_offset_gone: WhenOffsetGone) -> Membership {
        Membership {
            group: self.group(),
            topic: self.topic(),
            start,
            when_offset_gone,
        }
    }

    fn join(&self) -> Member {
        self.join_as(Start::Earliest, WhenOffsetGone::Fail)
    }

    fn join_as(&self, start: Start, when_offset_gone: WhenOffsetGone) -> Member {
        let membership = self.membership(start, when_offset_gone);
        let reader = self.log.join(&membership, &Handle::current());
        Member::new(reader.expect("it joins"))
    }

    async fn committed(&self, partition: i32) -> Option<i64> {
        let (group, topic) = (self.group(), self.topic());
        let committed = self.log.committed(&group, &topic, partition);
        committed.await.expect("asked")
    }

    async fn commit(&self, partition: i32, offset: i64) {
        let (group, topic) = (self.group(), self.topic());
        let committed = self.log.commit(&group, &topic, partition, offset);
        committed.await.expect("committed");
    }
}

/// The timestamp of a record, one a second.
fn time(n: u64) -> i64 {
    1_000_000_000 + i64::try_from(n).expect("few") * 1000
}

/// A member and what it was told.
struct Member {
    reader: GroupReader,
    held: BTreeMap<i32, Assigned>,
    /// Wanted back, and not released.
    leaving: BTreeSet<i32>,
    lost: BTreeSet<i32>,
    /// What was read: partition, offset, number.
    read: Vec<(i32, i64, u64)>,
    next: BTreeMap<i32, i64>,
    /// Commits and releases what is wanted back by itself.
    obliging: bool,
    wants: fn(i32) -> bool,
}

impl Member {
    fn new(reader: GroupReader) -> Member {
        Member {
            reader,
            held: BTreeMap::new(),
            leaving: BTreeSet::new(),
            lost: BTreeSet::new(),
            read: Vec::new(),
            next: BTreeMap::new(),
            obliging: true,
            wants: |_| true,
        }
    }

    fn holds(&self) -> Vec<i32> {
        self.held.keys().copied().collect()
    }

    fn read_of(&self, partition: i32) -> Vec<u64> {
        let of = self.read.iter().filter(|(of, ..)| *of == partition);
        of.map(|(.., n)| *n).collect()
    }

    /// One poll, and what the member does about it.
    fn step(&mut self, wait: Duration) -> Result<(), LogError> {
        match self.reader.poll(wait, self.wants)? {
            Polled::Records(fetched) => {
                let partition = fetched.partition();
                assert!(self.held.contains_key(&partition), "records of {partition}");
                assert!((self.wants)(partition), "{partition} is not wanted");
                let expected = self.next.insert(partition, fetched.next_offset());
                let first = fetched.records().next().map(|record| record.offset);
                assert!(first >= expected.or(first), "{first:?} after {expected:?}");
                for record in fetched.records() {
                    let value = record.value.expect("a value").try_into().expect("a number");
                    let n = u64::from_be_bytes(value);
                    self.read.push((partition, record.offset, n));
                }
            }
            Polled::Assigned(places) => {
                for place in places {
                    let told = self.held.insert(place.partition, place);
                    assert_eq!(told, None, "told once");
                    assert!(!self.leaving.contains(&place.partition));
                    let position = self.reader.position(place.partition);
                    assert_eq!(position, Some(place.from));
                    self.next.insert(place.partition, place.from);
                }
            }
            Polled::Revoked(partitions) => {
                for partition in &partitions {
                    assert!(self.held.remove(partition).is_some(), "it was held");
                    assert_eq!(self.reader.position(*partition), None);
                }
                if self.obliging {
                    let done: Vec<(i32, i64)> = partitions
                        .iter()
                        .filter_map(|one| Some((*one, *self.next.get(one)?)))
                        .collect();
                    commit(&mut self.reader, &done);
                    self.reader.release(&partitions).expect("released");
                } else {
                    self.leaving.extend(partitions);
                }
            }
            Polled::Lost(partitions) => {
                for partition in partitions {
                    self.held.remove(&partition);
                    self.leaving.remove(&partition);
                    self.lost.insert(partition);
                }
            }
            Polled::Nothing => {}
        }
        Ok(())
    }

    fn commit_all(&mut self) {
        let places: Vec<(i32, i64)> = self
            .next
            .iter()
            .filter(|(partition, _)| self.held.contains_key(*partition))
            .map(|(partition, offset)| (*partition, *offset))
            .collect();
        commit(&mut self.reader, &places);
    }

    /// The first error of polling.
    fn error(&mut self) -> LogError {
        let deadline = Instant::now() + LIMIT;
        loop {
            match self.step(TURN) {
                Ok(()) => assert!(Instant::now() < deadline, "no error"),
                Err(error) if error.is_transient() => {}
                Err(error) => return error,
            }
        }
    }
}

/// Commits, again while the group shares anew.
fn commit(reader: &mut GroupReader, places: &[(i32, i64)]) {
    let deadline = Instant::now() + LIMIT;
    while let Err(error) = reader.commit(places) {
        assert!(
            error.is_transient() && Instant::now() < deadline,
            "{error:?}"
        );
    }
}

/// Polls the members in turn until they have come so far.
fn until(members: &mut [&mut Member], what: &str, done: impl Fn(&[&mut Member]) -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !done(members) {
        for member in members.iter_mut() {
            match member.step(TURN) {
                Ok(()) => {}
                Err(error) if error.is_transient() => {}
                Err(error) => panic!("{what}: {error:?}"),
            }
        }
        let held: Vec<Vec<i32>> = members.iter().map(|member| member.holds()).collect();
        assert!(Instant::now() < deadline, "{what}: {held:?}");
    }
}

/// Until the members hold so many partitions each, in any order.
fn until_shared(members: &mut [&mut Member], shares: &[usize]) {
    until(members, &format!("shared as {shares:?}"), |members| {
        let mut held: Vec<usize> = members.iter().map(|member| member.held.len()).collect();
        held.sort_unstable();
        held == shares
    });
}

/// Each test once in this process and once on a real Kafka.
macro_rules! on_each_log {
    ($(async fn $name:ident($case:ident: Case) $body:block)*) => {
        $(async fn $name($case: Case) $body)*

        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(super::Case::embedded()).await;
            })*
        }

        mod kafka {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let Some(case) = super::Case::kafka(super::test_name!()) else {
                    return;
                };
                super::$name(case).await;
            })*
        }
    };
}

on_each_log! {
    async fn members_share_the_partitions_and_every_record_is_given_once(case: Case) {
        case.with_topic(5).await;
        for partition in 0..5 {
            case.produce(partition, 0..10).await;
        }
        let mut first = case.join();
        until(&mut [&mut first], "the first has read all there is", |members| {
            members.iter().all(|member| member.read.len() == 50)
        });
        assert_eq!(first.holds(), [0, 1, 2, 3, 4]);
        let before: BTreeSet<i32> = first.holds().into_iter().collect();
        let mut second = case.join();
        until_shared(&mut [&mut first, &mut second], &[2, 3]);
        let kept: BTreeSet<i32> = first.holds().into_iter().collect();
        let moved: BTreeSet<i32> = second.holds().into_iter().collect();
        assert!(kept.is_disjoint(&moved), "{kept:?} {moved:?}");
        assert_eq!(kept.union(&moved).copied().collect::<BTreeSet<i32>>(), before);
        for place in second.held.values() {
            assert_eq!((place.from, place.committed), (10, Some(10)), "{place:?}");
        }
        for partition in 0..5 {
            case.produce(partition, 10..20).await;
        }
        until(&mut [&mut first, &mut second], "all is read", |members| {
            members.iter().map(|member| member.read.len()).sum::<usize>() >= 100
        });
        for partition in 0..5 {
            let by_first = first.read_of(partition);
            let all = [by_first.as_slice(), &second.read_of(partition)].concat();
            assert_eq!(all, (0..20).collect::<Vec<u64>>(), "partition {partition}");
        }
        let mut third = case.join();
        until_shared(&mut [&mut first, &mut second, &mut third], &[1, 2, 2]);
        let held = |member: &Member| member.holds().into_iter().collect::<BTreeSet<i32>>();
        assert!(held(&first).is_subset(&kept), "those that stay are not moved");
        assert!(held(&second).is_subset(&moved), "those that stay are not moved");
    }

    async fn a_joining_member_gets_its_share_only_after_the_release(case: Case) {
        case.with_topic(2).await;
        case.produce(0, 0..3).await;
        case.produce(1, 0..3).await;
        let mut first = case.join();
        first.obliging = false;
        until(&mut [&mut first], "all is read", |members| {
            members.iter().all(|member| member.read.len() == 6)
        });
        let mut second = case.join();
        until(&mut [&mut first, &mut second], "one is wanted back", |members| {
            members.iter().any(|member| !member.leaving.is_empty())
        });
        let leaving = *first.leaving.first().expect("one");
        case.produce(leaving, 3..6).await;
        // Ten turns of both are no proof; each of them would show it.
        for _ in 0..10 {
            first.step(TURN).expect("a poll");
            second.step(TURN).expect("a poll");
            assert_eq!(second.holds(), [] as [i32; 0], "before the release");
        }
        assert_eq!(first.read_of(leaving), [0, 1, 2], "nothing after it was wanted back");
        commit(&mut first.reader, &[(leaving, 2)]);
        first.reader.release(&[leaving]).expect("released");
        first.leaving.clear();
        let refused = first.reader.commit(&[(leaving, 3)]);
        assert!(
            matches!(&refused, Err(LogError::NotHeld { partition, .. }) if *partition == leaving),
            "{refused:?}"
        );
        until(&mut [&mut first, &mut second], "the other reads it", |members| {
            members.iter().any(|member| member.read_of(leaving) == [2, 3, 4, 5])
        });
        assert_eq!(case.committed(leaving).await, Some(2), "the refused one is not kept");
    }

    async fn what_a_leaving_member_held_goes_to_the_others_from_what_was_committed(case: Case) {
        case.with_topic(4).await;
        for partition in 0..4 {
            case.produce(partition, 0..8).await;
        }
        let (mut first, mut second) = (case.join(), case.join());
        until(&mut [&mut first, &mut second], "shared and read", |members| {
            members.iter().all(|member| member.held.len() == 2)
                && members.iter().all(|member| {
                    let held = member.held.keys();
                    held.clone().all(|one| member.next.get(one) == Some(&8))
                })
        });
        let left = second.holds();
        for partition in &left {
            commit(&mut second.reader, &[(*partition, 5)]);
        }
        let began = Instant::now();
        second.reader.leave();
        first.read.clear();
        until(&mut [&mut first], "it has all", |members| {
            members.iter().all(|member| member.held.len() == 4 && member.read.len() == 6)
        });
        assert!(began.elapsed() < Duration::from_secs(5), "the session was waited for");
        for partition in left {
            assert_eq!(first.held.get(&partition).map(|place| place.from), Some(5));
            assert_eq!(first.read_of(partition), [5, 6, 7]);
        }
    }

    async fn a_member_whose_thread_panics_leaves(case: Case) {
        case.with_topic(2).await;
        let mut first = case.join();
        until_shared(&mut [&mut first], &[2]);
        let panicked = std::thread::spawn(move || {
            let _first = first;
            std::panic::resume_unwind(Box::new("as a handler would"));
        });
        assert!(panicked.join().is_err());
        let mut second = case.join();
        until_shared(&mut [&mut second], &[2]);
    }

    async fn a_member_that_leaves_with_partitions_wanted_back_keeps_nobody_waiting(case: Case) {
        case.with_topic(2).await;
        let mut first = case.join();
        first.obliging = false;
        until_shared(&mut [&mut first], &[2]);
        let mut second = case.join();
        until(&mut [&mut first, &mut second], "one is wanted back", |members| {
            members.iter().any(|member| !member.leaving.is_empty())
        });
        first.reader.leave();
        until_shared(&mut [&mut second], &[2]);
    }

    async fn reading_goes_on_where_it_is_told_to(case: Case) {
        case.with_topic(2).await;
        case.produce(0, 0..10).await;
        let mut member = case.join();
        until(&mut [&mut member], "read", |members| {
            members.iter().all(|member| member.read.len() == 10 && member.held.len() == 2)
        });
        for (to, from) in [(3_i64, 3_u64), (9, 9), (0, 0), (10, 10)] {
            member.reader.seek(0, to).expect("a seek");
            assert_eq!(member.reader.position(0), Some(to));
            member.next.insert(0, to);
            member.read.clear();
            until(&mut [&mut member], "read again", |members| {
                members.iter().all(|member| member.next.get(&0) == Some(&10))
            });
            assert_eq!(member.read_of(0), (from..10).collect::<Vec<u64>>());
        }
        match member.reader.seek(0, 11) {
            Err(LogError::OffsetOutOfRange { partition: 0, offset: 11, start: 0, end: 10, .. }) => {}
            other => panic!("{other:?}"),
        }
        assert_eq!(member.reader.position(0), Some(10), "it is where it was");
        case.produce(0, 10..12).await;
        until(&mut [&mut member], "more", |members| {
            members.iter().all(|member| member.read_of(0).ends_with(&[10, 11]))
        });
        let error = member.reader.seek(7, 0).expect_err("not held");
        assert!(matches!(&error, LogError::NotHeld { partition: 7, .. }), "{error:?}");
        let said = error.to_string();
        assert!(said.contains(&case.group()) && said.contains(&case.topic()), "{said}");
    }

    async fn a_partition_nothing_was_committed_for_begins_where_the_member_says(case: Case) {
        case.with_topic(1).await;
        case.produce(0, 0..10).await;
        for (start, from) in [
            (Start::Earliest, 0),
            (Start::Latest, 10),
            (Start::Time(0), 0),
            (Start::Time(time(4)), 4),
            (Start::Time(time(4) + 1), 5),
            (Start::Time(time(9)), 9),
            (Start::Time(time(9) + 1), 10),
        ] {
            let mut member = case.join_as(start, WhenOffsetGone::Fail);
            until_shared(&mut [&mut member], &[1]);
            let place = Assigned { partition: 0, from, committed: None, end: 10 };
            assert_eq!(member.held.get(&0), Some(&place), "{start:?}");
            member.reader.leave();
        }
        case.commit(0, 6).await;
        let mut member = case.join_as(Start::Latest, WhenOffsetGone::Fail);
        until_shared(&mut [&mut member], &[1]);
        let place = Assigned { partition: 0, from: 6, committed: Some(6), end: 10 };
        assert_eq!(member.held.get(&0), Some(&place), "what was committed goes before");
    }

    async fn the_offset_of_a_time_is_that_of_the_first_record_so_late(case: Case) {
        case.with_topic(2).await;
        case.produce(1, 0..5).await;
        case.produce(1, 20..25).await;
        let topic = case.topic();
        for (at, expected) in [
            (0, Some(0)),
            (time(0), Some(0)),
            (time(3) - 1, Some(3)),
            (time(3), Some(3)),
            (time(4) + 1, Some(5)),
            (time(24), Some(9)),
            (time(24) + 1, None),
        ] {
            let found = case.log.offset_at(&topic, 1, at).await.expect("asked");
            assert_eq!(found, expected, "{at}");
        }
        assert_eq!(case.log.offset_at(&topic, 0, 0).await.expect("asked"), None);
        let unknown = case.log.offset_at(&topic, 2, 0).await;
        assert!(matches!(unknown, Err(LogError::UnknownPartition { partition: 2, .. })), "{unknown:?}");
        // Out of order: the first one in the log counts, not the earliest.
        case.produce(0, 9..10).await;
        case.produce(0, 3..4).await;
        case.produce(0, 7..8).await;
        let found = case.log.offset_at(&topic, 0, time(5)).await.expect("asked");
        assert_eq!(found, Some(0));
    }

    async fn an_offset_that_is_gone_is_an_error_or_passed_over_as_the_member_says(case: Case) {
        case.with_topic(1).await;
        case.produce(0, 0..10).await;
        // Behind the end, as after a broker that lost its disk.
        case.commit(0, 50).await;
        let mut member = case.join();
        match member.error() {
            LogError::OffsetOutOfRange { topic, partition: 0, offset: 50, start: 0, end: 10 } => {
                assert_eq!(topic, case.topic());
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(member.error(), LogError::OffsetOutOfRange { .. }), "and again");
        assert_eq!(member.holds(), [] as [i32; 0]);
        member.reader.leave();
        for (when, from) in [(WhenOffsetGone::Earliest, 0), (WhenOffsetGone::Latest, 10)] {
            let mut member = case.join_as(Start::Latest, when);
            until_shared(&mut [&mut member], &[1]);
            let place = Assigned { partition: 0, from, committed: Some(50), end: 10 };
            assert_eq!(member.held.get(&0), Some(&place));
            member.reader.leave();
        }
    }

    async fn a_partition_that_is_not_wanted_gives_nothing_and_later_everything(case: Case) {
        case.with_topic(2).await;
        let mut member = case.join();
        until_shared(&mut [&mut member], &[2]);
        member.wants = |partition| partition == 1;
        // More than is held of it, so that on Kafka it is paused.
        let large = vec![7_u8; 100_000];
        let (topic, records) = (case.topic(), 60_u64);
        for n in 0..records {
            let mut batch = RecordBatch::new();
            batch.push_to(Some(0), Some(&large), Some(&n.to_be_bytes()), time(n), &[]);
            batch.push_to(Some(1), Some(&large), Some(&n.to_be_bytes()), time(n), &[]);
            case.log.produce_batch(&topic, batch).await.expect("produced");
        }
        until(&mut [&mut member], "the other goes on", |members| {
            members.iter().all(|member| member.read.len() == 60)
        });
        assert_eq!(member.read_of(1), (0..records).collect::<Vec<u64>>());
        assert_eq!(member.reader.position(0), Some(0), "it keeps its place");
        case.produce(1, records..records + 5).await;
        until(&mut [&mut member], "the other goes on still", |members| {
            members.iter().all(|member| member.read.len() == 65)
        });
        member.wants = |_| true;
        until(&mut [&mut member], "everything", |members| {
            members.iter().all(|member| member.read.len() == 125)
        });
        assert_eq!(member.read_of(0), (0..records).collect::<Vec<u64>>());
        case.produce(0, records..records + 5).await;
        until(&mut [&mut member], "and what comes then", |members| {
            members.iter().all(|member| member.read.len() == 130)
        });
        assert_eq!(member.read_of(0), (0..records + 5).collect::<Vec<u64>>());
    }

    async fn members_that_want_nothing_take_part_in_the_sharing(case: Case) {
        case.with_topic(2).await;
        case.produce(0, 0..3).await;
        case.produce(1, 0..3).await;
        let mut first = case.join();
        first.wants = |_| false;
        until_shared(&mut [&mut first], &[2]);
        let mut second = case.join();
        second.wants = |_| false;
        until_shared(&mut [&mut first, &mut second], &[1, 1]);
        assert!(first.read.is_empty() && second.read.is_empty());
        first.wants = |_| true;
        second.wants = |_| true;
        until(&mut [&mut first, &mut second], "all is read", |members| {
            members.iter().all(|member| member.read.len() == 3)
        });
    }

    async fn only_what_is_held_is_committed_and_what_is_committed_lasts(case: Case) {
        case.with_topic(2).await;
        case.produce(0, 0..4).await;
        let mut member = case.join();
        let early = member.reader.commit(&[(0, 1)]);
        assert!(matches!(early, Err(LogError::NotHeld { partition: 0, .. })), "{early:?}");
        until(&mut [&mut member], "read", |members| {
            members.iter().all(|member| member.read.len() == 4 && member.held.len() == 2)
        });
        member.commit_all();
        assert_eq!(case.committed(0).await, Some(4));
        assert_eq!(case.committed(1).await, Some(0));
        member.reader.commit(&[]).expect("nothing to do");
        let none = member.reader.commit(&[(0, 3), (2, 0)]);
        assert!(matches!(none, Err(LogError::NotHeld { partition: 2, .. })), "{none:?}");
        let impossible = member.reader.commit(&[(0, -1)]);
        assert!(matches!(impossible, Err(LogError::OffsetOutOfRange { offset: -1, .. })), "{impossible:?}");
        assert_eq!(case.committed(0).await, Some(4), "neither is kept");
        commit(&mut member.reader, &[(0, 2)]);
        assert_eq!(case.committed(0).await, Some(2), "back is possible: to read again");
    }

    async fn members_of_a_topic_created_again_are_told_and_commit_nothing_for_the_new_one(case: Case) {
        case.with_topic(1).await;
        case.produce(0, 0..4).await;
        let mut member = case.join();
        until(&mut [&mut member], "read", |members| {
            members.iter().all(|member| member.read.len() == 4)
        });
        member.commit_all();
        case.log.delete_topic(&case.topic()).await.expect("deleted");
        case.with_topic(1).await;
        match member.error() {
            LogError::TopicRecreated { topic, .. } => assert_eq!(topic, case.topic()),
            other => panic!("{other:?}"),
        }
        let refused = member.reader.commit(&[(0, 4)]);
        assert!(refused.is_err(), "{refused:?}");
        assert!(matches!(member.error(), LogError::TopicRecreated { .. }), "and again");
        member.reader.leave();
        case.produce(0, 100..103).await;
        let mut again = case.join();
        until(&mut [&mut again], "the new one is read from its start", |members| {
            members.iter().all(|member| member.read_of(0) == [100, 101, 102])
        });
    }

    async fn a_topic_that_is_not_there_and_a_group_without_a_name_are_refused(case: Case) {
        let handle = Handle::current();
        for topic in ["nowhere", "^.*", "a b", ""] {
            let mut membership = case.membership(Start::Earliest, WhenOffsetGone::Fail);
            membership.topic = format!("{topic}{}", case.prefix);
            let refused = case.log.join(&membership, &handle).map(drop);
            assert!(matches!(refused, Err(LogError::UnknownTopic { .. })), "{topic}: {refused:?}");
        }
        case.with_topic(1).await;
        let mut membership = case.membership(Start::Earliest, WhenOffsetGone::Fail);
        membership.group = String::new();
        let refused = case.log.join(&membership, &handle).map(drop);
        assert!(matches!(refused, Err(LogError::InvalidSetting { .. })), "{refused:?}");
    }

    async fn a_waker_ends_a_poll_and_a_closed_log_ends_it_with_an_error(case: Case) {
        case.with_topic(1).await;
        let mut member = case.join();
        until_shared(&mut [&mut member], &[1]);
        let waker = member.reader.waker();
        let began = Instant::now();
        let waking = std::thread::spawn(move || waker.wake());
        while !matches!(member.reader.poll(LIMIT, |_| true), Ok(Polled::Nothing)) {
            assert!(began.elapsed() < LIMIT);
        }
        waking.join().expect("it wakes");
        assert!(began.elapsed() < LIMIT / 2, "it waited all the time");
        case.log.close().await.expect("it closes");
        assert!(matches!(member.error(), LogError::Closed));
        let refused = member.reader.commit(&[(0, 0)]);
        assert!(matches!(refused, Err(LogError::Closed)), "{refused:?}");
    }

    async fn what_a_killed_member_held_is_read_from_what_it_committed(case: Case) {
        case.with_topic(3).await;
        for partition in 0..3 {
            case.produce(partition, 0..50).await;
        }
        let (group, topic) = (case.group(), case.topic());
        let mut other = None;
        let folder = match &case.directory {
            // One process has the embedded log at a time.
            Some(directory) => {
                case.log.close().await.expect("it closes");
                directory.path().join("log")
            }
            None => {
                let mut member = case.join();
                // It leaves the records to the child.
                member.wants = |_| false;
                until_shared(&mut [&mut member], &[3]);
                other = Some(member);
                std::env::temp_dir()
            }
        };
        let child = env!("CARGO_BIN_EXE_group_child");
        let mut child = Lines::start(child, &[&case.bootstrap, &group, &topic], &folder);
        let mut committed: BTreeMap<i32, i64> = BTreeMap::new();
        let mut held = BTreeSet::new();
        let deadline = Instant::now() + LIMIT;
        // Killed between the commits: one partition is committed, the others may be or not.
        while committed.is_empty() {
            assert!(Instant::now() < deadline, "the child commits nothing");
            if let Some(other) = &mut other {
                other.step(TURN).expect("a poll");
            }
            let Some(line) = child.next(TURN) else { continue };
            let mut words = line.split(' ').skip(1).map(|word| word.parse::<i64>().expect("a number"));
            let partition = i32::try_from(words.next().expect("one")).expect("a partition");
            match words.next() {
                Some(offset) => drop(committed.insert(partition, offset)),
                None => drop(held.insert(partition)),
            }
        }
        // Killed when it goes.
        drop(child);
        let log = match &case.directory {
            Some(directory) => embedded_in(directory.path().join("log")),
            None => case.log.clone(),
        };
        let case = Case { log, ..case };
        let mut heir = other.unwrap_or_else(|| case.join());
        heir.wants = |_| true;
        until_shared(&mut [&mut heir], &[3]);
        for (partition, offset) in committed {
            assert!(held.contains(&partition));
            let place = heir.held.get(&partition).expect("held");
            assert!(place.committed >= Some(offset), "{place:?}, committed {offset}");
            assert_eq!(Some(place.from), place.committed);
        }
        until(&mut [&mut heir], "read to the end", |members| {
            members.iter().all(|member| (0..3).all(|one| member.next.get(&one) == Some(&50)))
        });
    }
}
