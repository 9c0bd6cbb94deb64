//! What only the members of a group on Kafka meet: sessions that end, rights that are missing, partitions that are added
//! and records that are removed under them. What every log promises stands in `group_contract.rs`.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ksql_runtime::log::{
    GroupReader, KafkaLog, KafkaOptions, Log, LogError, Membership, Polled, Record, Start,
    TopicSpec, WhenOffsetGone,
};
use ksql_runtime_tests::servers::{self, Kafka};
use ksql_runtime_tests::test_name;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tokio::runtime::Handle;

const LIMIT: Duration = Duration::from_secs(300);
const TURN: Duration = Duration::from_millis(50);

fn options(kafka: &Kafka, settings: &[(&str, &str)]) -> KafkaOptions {
    let mut options = KafkaOptions::new(kafka.bootstrap());
    let own = [
        ("session.timeout.ms", "6000"),
        ("heartbeat.interval.ms", "200"),
    ];
    for (name, value) in own.iter().chain(settings) {
        options
            .consumer
            .insert((*name).to_owned(), (*value).to_owned());
    }
    options.topic_check = Duration::from_millis(200);
    options
}

fn opened(options: KafkaOptions) -> Log {
    KafkaLog::open(options).expect("the log opens").into()
}

fn name() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

fn membership(group: &str, topic: &str) -> Membership {
    Membership {
        group: group.to_owned(),
        topic: topic.to_owned(),
        start: Start::Earliest,
        when_offset_gone: WhenOffsetGone::Fail,
    }
}

fn join(log: &Log, membership: &Membership) -> GroupReader {
    log.join(membership, &Handle::current()).expect("it joins")
}

async fn produce(log: &Log, topic: &str, partition: i32, values: &[&str]) {
    for value in values {
        let record = Record::new(None, Some(value.as_bytes()), 7).partition(partition);
        log.produce(topic, record).await.expect("produced");
    }
}

fn admin(kafka: &Kafka) -> AdminClient<DefaultClientContext> {
    ClientConfig::new()
        .set("bootstrap.servers", kafka.bootstrap())
        .create()
        .expect("a client")
}

async fn truncate(kafka: &Kafka, topic: &str, before: i64) {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Offset(before))
        .expect("an offset");
    let admin = admin(kafka);
    let deleted = admin.delete_records(&list, &AdminOptions::new());
    deleted.await.expect("deleted");
}

/// Polls until something else than nothing comes.
fn next(reader: &mut GroupReader) -> Result<Polled, LogError> {
    let deadline = Instant::now() + LIMIT;
    loop {
        match reader.poll(TURN, |_| true) {
            Ok(Polled::Nothing) => assert!(Instant::now() < deadline, "nothing comes"),
            Err(error) if error.is_transient() => {}
            other => return other,
        }
    }
}

/// Polls until partitions are assigned, so many in all; what is read before is dropped.
fn assigned(reader: &mut GroupReader, partitions: usize) -> BTreeSet<i32> {
    let mut held = BTreeSet::new();
    while held.len() < partitions {
        match next(reader).expect("a poll") {
            Polled::Assigned(places) => held.extend(places.iter().map(|place| place.partition)),
            Polled::Records(_) => {}
            other => panic!("{other:?}"),
        }
    }
    held
}

fn read(reader: &mut GroupReader, records: usize) -> Vec<String> {
    let mut values = Vec::new();
    while values.len() < records {
        match next(reader).expect("a poll") {
            Polled::Records(fetched) => values.extend(fetched.records().map(|record| {
                String::from_utf8_lossy(record.value.unwrap_or_default()).into_owned()
            })),
            Polled::Assigned(_) => {}
            other => panic!("{other:?}"),
        }
    }
    values
}

/// Polls two members, who oblige, until they hold one partition each; what they hold now is given.
fn shared_by_two(members: [(&mut GroupReader, BTreeSet<i32>); 2]) -> Vec<i32> {
    let deadline = Instant::now() + LIMIT;
    let (mut members, mut lost) = (members, Vec::new());
    while members.iter().any(|(_, held)| held.len() != 1) {
        assert!(
            Instant::now() < deadline,
            "{:?} {:?}",
            members[0].1,
            members[1].1
        );
        for (reader, held) in &mut members {
            match reader.poll(TURN, |_| true).expect("a poll") {
                Polled::Assigned(places) => {
                    for place in places {
                        assert!(held.insert(place.partition), "told twice: {place:?}");
                    }
                }
                Polled::Revoked(partitions) => {
                    held.retain(|one| !partitions.contains(one));
                    reader.release(&partitions).expect("released");
                }
                Polled::Lost(partitions) => {
                    held.retain(|one| !partitions.contains(one));
                    lost.extend(partitions);
                }
                Polled::Records(_) | Polled::Nothing => {}
            }
        }
    }
    assert!(members[0].1.is_disjoint(&members[1].1));
    lost.sort_unstable();
    lost
}

fn assert_not_held(refused: Result<(), LogError>, group: &str) {
    match refused {
        Err(LogError::NotHeld {
            group: of,
            partition: 0,
            ..
        }) => assert_eq!(of, group),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_does_not_poll_in_time_loses_its_partitions_and_its_commits_are_refused() {
    let Some(kafka) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    let slow = opened(options(kafka, &[("max.poll.interval.ms", "6000")]));
    let other = opened(options(kafka, &[]));
    let (group, topic) = (name(), name());
    slow.create_topic(&TopicSpec::new(&topic, 2))
        .await
        .expect("a topic");
    produce(&slow, &topic, 0, &["a", "b"]).await;
    let membership = membership(&group, &topic);
    let mut first = join(&slow, &membership);
    let held = assigned(&mut first, 2);
    first.commit(&[(0, 1)]).expect("committed");
    // Nobody polls it any more. Offsets are taken from strangers only when the group has no member.
    let deadline = Instant::now() + LIMIT;
    while other.commit(&group, &topic, 0, 1).await.is_err() {
        assert!(Instant::now() < deadline, "it stays a member");
    }
    let mut second = join(&other, &membership);
    assert_eq!(assigned(&mut second, 2), held);
    assert_eq!(read(&mut second, 1), ["b"], "from what was committed");
    second.commit(&[(0, 2)]).expect("committed");
    assert_not_held(first.commit(&[(0, 1)]), &group);
    let kept = other.committed(&group, &topic, 0).await.expect("asked");
    assert_eq!(kept, Some(2), "the refused one changed nothing");
    match next(&mut first).expect("a poll") {
        Polled::Lost(lost) => assert_eq!(lost, [0, 1]),
        other => panic!("{other:?}"),
    }
    assert_eq!(first.position(0), None);
    first.release(&[0, 1]).expect("there is nothing to release");
    // It is a member again by itself.
    let lost = shared_by_two([(&mut first, BTreeSet::new()), (&mut second, held)]);
    assert_eq!(lost, [] as [i32; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_given_up_while_the_group_shares_anew_loses_everything_all_the_same() {
    let Some(kafka) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    let slow = opened(options(kafka, &[("max.poll.interval.ms", "6000")]));
    let other = opened(options(kafka, &[]));
    let (group, topic) = (name(), name());
    slow.create_topic(&TopicSpec::new(&topic, 2))
        .await
        .expect("a topic");
    produce(&slow, &topic, 0, &["a", "b"]).await;
    let membership = membership(&group, &topic);
    let mut first = join(&slow, &membership);
    let held = assigned(&mut first, 2);
    first.commit(&[(0, 1)]).expect("committed");
    // One partition is wanted back from it for the second, which it does not hear before it is given up.
    let mut second = join(&other, &membership);
    assert_eq!(assigned(&mut second, 2), held);
    assert_eq!(read(&mut second, 1), ["b"]);
    second.commit(&[(0, 2)]).expect("committed");
    assert_not_held(first.commit(&[(0, 1)]), &group);
    let kept = other.committed(&group, &topic, 0).await.expect("asked");
    assert_eq!(kept, Some(2), "the refused one changed nothing");
    let lost = shared_by_two([(&mut first, held.clone()), (&mut second, held)]);
    assert_eq!(
        lost,
        [0, 1],
        "each of them once, also the one nobody wanted back"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn polling_without_wanting_anything_keeps_the_membership() {
    let Some(kafka) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    let log = opened(options(kafka, &[("max.poll.interval.ms", "6000")]));
    let (group, topic) = (name(), name());
    log.create_topic(&TopicSpec::new(&topic, 1))
        .await
        .expect("a topic");
    produce(&log, &topic, 0, &["a"]).await;
    let mut member = join(&log, &membership(&group, &topic));
    let began = Instant::now();
    let mut told = 0;
    // Longer than it may go without polling, by a good deal.
    while began.elapsed() < Duration::from_secs(9) {
        match member
            .poll(Duration::from_secs(1), |_| false)
            .expect("a poll")
        {
            Polled::Nothing => {}
            Polled::Assigned(_) => told += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(told, 1);
    assert_eq!(read(&mut member, 1), ["a"]);
    member.commit(&[(0, 1)]).expect("it is a member still");
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_are_added_are_assigned() {
    let Some(kafka) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    let log = opened(options(kafka, &[]));
    let (group, topic) = (name(), name());
    log.create_topic(&TopicSpec::new(&topic, 1))
        .await
        .expect("a topic");
    let mut member = join(&log, &membership(&group, &topic));
    assert_eq!(assigned(&mut member, 1), BTreeSet::from([0]));
    let grown = NewPartitions::new(&topic, 2);
    admin(kafka)
        .create_partitions([&grown], &AdminOptions::new())
        .await
        .expect("added");
    assert_eq!(assigned(&mut member, 1), BTreeSet::from([1]));
    produce(&log, &topic, 1, &["new"]).await;
    assert_eq!(read(&mut member, 1), ["new"]);
    member.commit(&[(1, 1)]).expect("committed");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_are_removed_under_a_member_are_told_or_passed_over() {
    let Some(kafka) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    let log = opened(options(kafka, &[]));
    for when_offset_gone in [
        WhenOffsetGone::Fail,
        WhenOffsetGone::Earliest,
        WhenOffsetGone::Latest,
    ] {
        let (group, topic) = (name(), name());
        log.create_topic(&TopicSpec::new(&topic, 1))
            .await
            .expect("a topic");
        produce(&log, &topic, 0, &["a", "b", "c", "d"]).await;
        truncate(kafka, &topic, 2).await;
        log.commit(&group, &topic, 0, 1).await.expect("committed");
        let membership = Membership {
            when_offset_gone,
            ..membership(&group, &topic)
        };
        let mut member = join(&log, &membership);
        match when_offset_gone {
            WhenOffsetGone::Fail => {
                let gone = next(&mut member);
                assert!(
                    matches!(
                        gone,
                        Err(LogError::OffsetOutOfRange {
                            partition: 0,
                            offset: 1,
                            start: 2,
                            end: 4,
                            ..
                        })
                    ),
                    "{gone:?}"
                );
                log.commit(&group, &topic, 0, 3)
                    .await
                    .expect_err("the group has a member");
            }
            WhenOffsetGone::Earliest => assert_eq!(read(&mut member, 2), ["c", "d"]),
            WhenOffsetGone::Latest => {
                assert_eq!(assigned(&mut member, 1), BTreeSet::from([0]));
                assert_eq!(member.position(0), Some(4));
                produce(&log, &topic, 0, &["e"]).await;
                assert_eq!(read(&mut member, 1), ["e"]);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_truncation_overtakes_goes_on_as_it_was_told() {
    let Some(kafka) = servers::kafka_or_skip(test_name!()) else {
        return;
    };
    // So little is fetched ahead that truncation can be faster.
    let few = [
        ("fetch.message.max.bytes", "1000"),
        ("fetch.max.bytes", "1000"),
        ("message.max.bytes", "1000"),
        ("queued.min.messages", "1"),
        ("queued.max.messages.kbytes", "1"),
    ];
    let log = opened(options(kafka, &few));
    let writer = opened(options(kafka, &[]));
    for when_offset_gone in [WhenOffsetGone::Fail, WhenOffsetGone::Earliest] {
        let (group, topic) = (name(), name());
        log.create_topic(&TopicSpec::new(&topic, 1))
            .await
            .expect("a topic");
        let large = "x".repeat(900);
        produce(&writer, &topic, 0, &vec![large.as_str(); 40]).await;
        let membership = Membership {
            when_offset_gone,
            ..membership(&group, &topic)
        };
        let mut member = join(&log, &membership);
        assigned(&mut member, 1);
        truncate(kafka, &topic, 40).await;
        produce(&writer, &topic, 0, &["end"]).await;
        let (mut last, mut gone) = (String::new(), 0);
        while last != "end" {
            match next(&mut member) {
                Ok(Polled::Records(fetched)) => {
                    for record in fetched.records() {
                        last = String::from_utf8_lossy(record.value.unwrap_or_default()).into();
                    }
                }
                Err(LogError::OffsetOutOfRange {
                    offset, start: 40, ..
                }) => {
                    assert_eq!(when_offset_gone, WhenOffsetGone::Fail);
                    assert_eq!(member.position(0), Some(offset), "it is where it was");
                    gone += 1;
                    // Said until somebody decides.
                    if gone == 2 {
                        member.seek(0, 40).expect("a seek");
                    }
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(
            gone,
            if when_offset_gone == WhenOffsetGone::Fail {
                2
            } else {
                0
            }
        );
        assert_eq!(member.position(0), Some(41));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_without_the_right_to_its_group_is_told_which_group() {
    let options_of = servers::KafkaOptions::new().user("reader", "secret");
    let Some(kafka) = servers::or_skip(test_name!(), Kafka::start_with(options_of)) else {
        return;
    };
    let as_user = |user: &str| {
        let mut options = options(&kafka, &[]);
        options.client = kafka.client(user);
        opened(options)
    };
    let (admin, log) = (as_user("admin"), as_user("reader"));
    let (group, topic) = (name(), name());
    admin
        .create_topic(&TopicSpec::new(&topic, 1))
        .await
        .expect("a topic");
    produce(&admin, &topic, 0, &["a"]).await;
    kafka.allow("reader", &["Describe", "Read"], &["--topic", &topic]);
    let mut member = join(&log, &membership(&group, &topic));
    match next(&mut member) {
        Err(LogError::Unauthorized { resource, .. }) => {
            assert_eq!(resource, format!("group `{group}`"));
        }
        other => panic!("{other:?}"),
    }
    kafka.allow("reader", &["Read"], &["--group", &group]);
    // It asks again by itself.
    let deadline = Instant::now() + LIMIT;
    loop {
        assert!(Instant::now() < deadline, "it never gets a partition");
        match next(&mut member) {
            Ok(Polled::Assigned(_)) => break,
            Err(LogError::Unauthorized { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(read(&mut member, 1), ["a"]);
    member.commit(&[(0, 1)]).expect("committed");
}
