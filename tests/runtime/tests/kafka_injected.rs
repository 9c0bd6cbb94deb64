//! The log over brokers that answer with the errors a real broker gives for reasons a test cannot bring about (RT7):
//! librdkafka's mock brokers, several of them. Tables over them: `kafka_injected_tables.rs`.
//!
//! What they cannot show: they check no sequence of a producer, so that a repeat is recognised (nothing is there twice
//! after a lost answer) and that requests under way together stay in order is tested on a real broker
//! (`kafka_faults.rs`); they write no transaction markers and remove no records, which `kafka_restore_ends.rs` has; an end
//! that is told and never reached they have for a replica, no other; they answer metadata with an error of a topic only,
//! never of the request.

use std::time::{Duration, Instant};

use ksql_runtime::log::{KafkaLog, LogError};
use ksql_runtime_tests::mock::{
    LIMIT, Mock, Read, all, assert_once_in_order, numbered, one, poll, read_on,
};
use rdkafka::mocking::MockCoordinator;
use rdkafka::types::RDKafkaApiKey as Requests;
use rdkafka::types::RDKafkaRespErr::*;

const RECORDS: u64 = 10_000;

/// Waits for what ends, unless it hangs.
async fn in_time<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, what).await.expect("in time")
}

/// The error of one record, and what its cause says.
fn source(error: &LogError) -> String {
    std::error::Error::source(error).map_or_else(String::new, ToString::to_string)
}

/// The next record goes. A right that is missing is remembered by the client until it has asked for the topic again.
async fn usable_after(log: &KafkaLog, topic: &str, number: u64, said: &str) {
    let deadline = Instant::now() + LIMIT;
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    while let Err(failed) = in_time(one(log, topic, number)).await {
        assert!(failed.to_string().contains(said), "{failed:?}");
        assert!(Instant::now() < deadline, "still: {failed:?}");
        looks.tick().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_passes_in_the_middle_of_a_batch_loses_nothing_and_doubles_nothing() {
    let mock = Mock::start(3);
    let log = mock.log();
    for error in [
        RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
        RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
        RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
        RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
        RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID,
        RD_KAFKA_RESP_ERR_INVALID_MSG,
        RD_KAFKA_RESP_ERR__TRANSPORT,
    ] {
        let topic = mock.topic(3);
        mock.fail_amid(Requests::Produce, error, 3);
        let receipt = in_time(log.produce_batch(&topic, numbered(0..RECORDS))).await;
        let receipt = receipt.unwrap_or_else(|failed| panic!("{error:?}: {failed:?}"));
        assert_eq!(receipt.len() as u64, RECORDS, "{error:?}");
        assert_once_in_order(&all(&log, &topic).await, 0..RECORDS);
        in_time(one(&log, &topic, RECORDS)).await.expect("usable");
    }
    log.close().await.expect("nothing was on its way");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_pass_is_an_error_of_its_kind_and_the_next_record_goes() {
    let mock = Mock::start(1);
    let log = mock.log();
    for (error, said) in [
        (
            RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
            "kafka does not allow this user to produce: an ACL on topic `{}` must allow it",
        ),
        (
            RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
            "kafka does not allow this user to produce: an ACL on the cluster must allow it",
        ),
        (
            RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
            "is too large for topic `{}`: make it smaller",
        ),
        (
            RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE,
            "is too large for topic `{}`: make it smaller",
        ),
        (
            RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP,
            "a record for topic `{}` cannot be written: the broker says",
        ),
        (
            RD_KAFKA_RESP_ERR_INVALID_RECORD,
            "a record for topic `{}` cannot be written: the broker says",
        ),
        (
            RD_KAFKA_RESP_ERR_POLICY_VIOLATION,
            "kafka could not produce (topic `{}`): the broker's answer says why",
        ),
        (
            RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH,
            "kafka could not produce (topic `{}`): the broker's answer says why",
        ),
        (
            RD_KAFKA_RESP_ERR_UNKNOWN,
            "kafka could not produce (topic `{}`): the broker's answer says why",
        ),
    ] {
        let topic = mock.topic(1);
        let said = said.replace("{}", &topic);
        let told = |failed: &LogError| {
            let text = failed.to_string();
            assert!(text.contains(&said), "{error:?}: {text}");
            assert!(!failed.is_transient(), "{error:?}: {failed:?}");
        };
        in_time(one(&log, &topic, 0)).await.expect("produced");
        mock.fail(Requests::Produce, &[error]);
        told(&in_time(one(&log, &topic, 1)).await.expect_err("refused"));
        usable_after(&log, &topic, 1, &said).await;
        // In the middle of a batch it says how many are there, and of what is there none is there twice.
        mock.fail_amid(Requests::Produce, error, 1);
        let failed = in_time(log.produce_batch(&topic, numbered(2..RECORDS))).await;
        let LogError::NotDelivered {
            acknowledged,
            source: cause,
            ..
        } = failed.expect_err("refused")
        else {
            panic!("{error:?}: not a batch's error");
        };
        told(&cause);
        mock.clear_request_errors(Requests::Produce);
        let read = all(&log, &topic).await;
        let mut there = read.values().flatten().copied().collect::<Vec<_>>();
        assert_eq!(there.len(), acknowledged + 2, "{error:?}");
        there.dedup();
        assert_eq!(there.len(), acknowledged + 2, "{error:?}");
        usable_after(&log, &topic, 0, &said).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sequence_that_broke_ends_the_producer_and_says_so_until_the_log_is_opened_again() {
    let mock = Mock::start(1);
    let topic = mock.topic(1);
    let log = mock.log();
    in_time(one(&log, &topic, 0)).await.expect("produced");
    mock.fail(
        Requests::Produce,
        &[RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER],
    );
    for number in 1..3 {
        let failed = in_time(one(&log, &topic, number)).await;
        let failed = failed.expect_err("the producer has ended");
        let text = failed.to_string();
        assert!(
            matches!(failed, LogError::Poisoned { .. }) && text.contains("open the log again"),
            "{failed:?}"
        );
    }
    // Reading and asking go on; another log writes.
    assert_eq!(log.offsets(&topic, 0).await.expect("offsets").end, 1);
    let again = mock.log();
    in_time(one(&again, &topic, 1)).await.expect("produced");
    assert_once_in_order(&all(&log, &topic).await, 0..2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_the_broker_has_already_is_acknowledged_where_it_ends() {
    let mock = Mock::start(1);
    let topic = mock.topic(1);
    let log = mock.log();
    in_time(one(&log, &topic, 0)).await.expect("produced");
    // It is there, says the broker, and not where.
    mock.fail(
        Requests::Produce,
        &[RD_KAFKA_RESP_ERR_DUPLICATE_SEQUENCE_NUMBER],
    );
    let receipt = in_time(log.produce_batch(&topic, numbered(0..1))).await;
    let places: Vec<_> = receipt.expect("acknowledged").records().collect();
    assert_eq!(places, [(0, 0)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_producer_waits_for_its_id() {
    let mock = Mock::start(2);
    for error in [
        RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
        RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
        RD_KAFKA_RESP_ERR__TRANSPORT,
    ] {
        let topic = mock.topic(1);
        mock.fail(Requests::InitProducerId, &[error; 2]);
        let log = mock.log();
        in_time(one(&log, &topic, 0)).await.expect("produced");
        assert_once_in_order(&all(&log, &topic).await, 0..1);
    }
    let topic = mock.topic(1);
    mock.fail(
        Requests::InitProducerId,
        &[RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED; 10],
    );
    let log = mock.log();
    let failed = in_time(one(&log, &topic, 0)).await.expect_err("refused");
    let text = failed.to_string();
    assert!(
        text.contains(&format!("topic `{topic}` (Write)")) && text.contains("IdempotentWrite"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_goes_on_by_itself_after_what_passes() {
    let mock = Mock::start(2);
    let log = mock.log();
    let topic = mock.topic(2);
    let written = in_time(log.produce_batch(&topic, numbered(0..RECORDS))).await;
    written.expect("produced");
    for error in [
        RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH,
        RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH,
        RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
        RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
        RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
        RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_ID,
        RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION,
        RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED,
        RD_KAFKA_RESP_ERR__TRANSPORT,
    ] {
        mock.fail_amid(Requests::Fetch, error, 3);
        let mut reader = log.reader(&topic, &[(0, 0), (1, 0)]).expect("a reader");
        let mut read = Read::new();
        read_on(&mut reader, &mut read, RECORDS as usize);
        assert_once_in_order(&read, 0..RECORDS);
        mock.clear_request_errors(Requests::Fetch);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_tells_what_does_not_pass_and_is_where_it_was() {
    let mock = Mock::start(1);
    let log = mock.log();
    let topic = mock.topic(1);
    let written = in_time(log.produce_batch(&topic, numbered(0..RECORDS))).await;
    written.expect("produced");
    for (error, said, transient) in [
        (
            RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE,
            "of topic `{}`, partition 0, is outside",
            false,
        ),
        (
            RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
            "does not allow this user to read: an ACL on topic `{}`",
            false,
        ),
        (
            RD_KAFKA_RESP_ERR_INVALID_MSG,
            "kafka could not read (topic `{}`): the broker's answer",
            false,
        ),
        // A broker that failed and does not know at what.
        (
            RD_KAFKA_RESP_ERR_UNKNOWN,
            "kafka could not read (topic `{}`): try again later",
            true,
        ),
    ] {
        mock.fail_amid(Requests::Fetch, error, 1);
        let mut reader = log.reader(&topic, &[(0, 0)]).expect("a reader");
        let mut read = Read::new();
        let deadline = Instant::now() + LIMIT;
        let failed = loop {
            assert!(Instant::now() < deadline, "{error:?} is not told");
            if let Err(failed) = poll(&mut reader, &mut read) {
                break failed;
            }
        };
        let text = failed.to_string();
        assert!(
            text.contains(&said.replace("{}", &topic)) && failed.is_transient() == transient,
            "{error:?}: {text} {}",
            source(&failed)
        );
        mock.clear_request_errors(Requests::Fetch);
        // What was read before is not read again, and nothing is left out.
        let at = reader.positions();
        let before = read.values().map(Vec::len).sum::<usize>();
        assert_eq!(at, [(0, before as i64)], "{error:?}");
        for (partition, offset) in at {
            reader.seek(partition, offset).expect("the place is there");
        }
        read_on(&mut reader, &mut read, RECORDS as usize);
        assert_once_in_order(&read, 0..RECORDS);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaders_move_and_go_while_records_are_written_and_read() {
    let mock = Mock::start(3);
    let log = mock.log();
    let topic = mock.topic(1);
    let mut reader = log.reader(&topic, &[(0, 0)]).expect("a reader");
    let mut read = Read::new();
    let (batch, moves) = (2_000, [2, 1, 0, 3, 0, 1]);
    let mut end = 0;
    for leader in moves {
        let next = end + batch;
        let writing = {
            let (log, topic) = (log.clone(), topic.clone());
            tokio::spawn(async move { log.produce_batch(&topic, numbered(end..next)).await })
        };
        // Some are read before it moves.
        read_on(&mut reader, &mut read, end as usize + 1);
        // None leads for a while.
        let leader = (leader > 0).then_some(leader);
        mock.partition_leader(&topic, 0, leader).expect("moved");
        if leader.is_none() {
            poll(&mut reader, &mut read).expect("it is waited for");
            mock.partition_leader(&topic, 0, Some(2)).expect("moved");
        }
        let written = in_time(writing).await.expect("it runs");
        written.expect("every record is acknowledged");
        end = next;
        read_on(&mut reader, &mut read, end as usize);
    }
    assert_once_in_order(&read, 0..end);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_is_down_is_waited_for_or_replaced() {
    let mock = Mock::start(2);
    let log = mock.log();
    let topic = mock.topic(1);
    mock.partition_leader(&topic, 0, Some(1)).expect("it leads");
    let mut reader = log.reader(&topic, &[(0, 0)]).expect("a reader");
    let mut read = Read::new();
    in_time(one(&log, &topic, 0)).await.expect("produced");
    read_on(&mut reader, &mut read, 1);
    for (round, replaced) in (0..).zip([false, true]) {
        mock.broker_down(1).expect("down");
        let writing = {
            let (log, topic) = (log.clone(), topic.clone());
            tokio::spawn(async move { one(&log, &topic, round + 1).await })
        };
        // Of several brokers one that is away is no reason to stop.
        poll(&mut reader, &mut read).expect("the other one is there");
        assert!(!writing.is_finished(), "nobody could take it");
        if replaced {
            mock.partition_leader(&topic, 0, Some(2)).expect("moved");
        } else {
            mock.broker_up(1).expect("up");
        }
        let written = in_time(writing).await.expect("it runs");
        written.expect("acknowledged");
        read_on(&mut reader, &mut read, round as usize + 2);
    }
    assert_once_in_order(&read, 0..3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_are_asked_again_while_the_cluster_settles() {
    let mock = Mock::start(2);
    let log = mock.log();
    let topic = mock.topic(1);
    in_time(one(&log, &topic, 0)).await.expect("produced");
    for error in [
        RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH,
        RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
        RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
    ] {
        mock.fail(Requests::ListOffsets, &[error; 2]);
        let found = in_time(log.offsets(&topic, 0)).await;
        let found = found.unwrap_or_else(|failed| panic!("{error:?}: {failed:?}"));
        assert_eq!((found.start, found.end), (0, 1), "{error:?}");
        mock.clear_request_errors(Requests::ListOffsets);
    }
    for (requests, errors) in [
        (
            Requests::OffsetCommit,
            [
                RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
                RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
            ],
        ),
        (
            Requests::OffsetFetch,
            [
                RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
                RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
            ],
        ),
        (
            Requests::FindCoordinator,
            [
                RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
                RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
            ],
        ),
    ] {
        for error in errors {
            // A group of its own is looked for anew.
            let group = format!("{topic}-{error:?}-{}", requests as i16);
            let coordinator = MockCoordinator::Group(group.clone());
            mock.coordinator(coordinator, 2).expect("it coordinates");
            mock.fail(requests, &[error]);
            for attempt in 1.. {
                match in_time(log.commit_all(&group, &topic, &[(0, 1)])).await {
                    Ok(()) => break,
                    // Told to whoever asked, who may ask again.
                    Err(failed) => assert!(failed.is_transient() && attempt < 5, "{failed:?}"),
                }
            }
            let committed = loop {
                match in_time(log.committed(&group, &topic, 0)).await {
                    Ok(committed) => break committed,
                    Err(failed) => assert!(failed.is_transient(), "{failed:?}"),
                }
            };
            assert_eq!(committed, Some(1), "{requests:?} {error:?}");
            mock.clear_request_errors(requests);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_whose_leader_is_being_chosen_may_be_asked_for_later() {
    let mock = Mock::start(1);
    let log = mock.log();
    let topic = mock.topic(1);
    let error = RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
    mock.topic_error(&topic, error).expect("set");
    let failed = in_time(one(&log, &topic, 0)).await.expect_err("no leader");
    let text = failed.to_string();
    assert!(
        failed.is_transient() && text.contains(&topic) && text.contains("try again later"),
        "{failed:?}"
    );
    mock.topic_error(&topic, RD_KAFKA_RESP_ERR_NO_ERROR)
        .expect("set");
    in_time(one(&log, &topic, 0)).await.expect("produced");
    // Of a topic that is known already it is no news.
    mock.topic_error(&topic, error).expect("set");
    in_time(one(&log, &topic, 1)).await.expect("produced");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_that_a_lagging_replica_has_not_reached_is_read_when_it_is_there() {
    let mock = Mock::start(2);
    let topic = mock.topic(1);
    mock.partition_leader(&topic, 0, Some(1)).expect("it leads");
    let log = mock.log();
    let written = in_time(log.produce_batch(&topic, numbered(0..RECORDS))).await;
    written.expect("produced");
    mock.partition_follower(&topic, 0, 2).expect("it follows");
    let half = RECORDS as i64 / 2;
    mock.follower_watermarks(&topic, 0, Some(0), Some(half))
        .expect("it lags");
    assert_eq!(
        log.offsets(&topic, 0).await.expect("offsets").end,
        RECORDS as i64
    );
    let mut reader = log.reader(&topic, &[(0, 0)]).expect("a reader");
    let mut read = Read::new();
    read_on(&mut reader, &mut read, RECORDS as usize / 2);
    // The replica has no more: it is waited for, or the reader says what it was told.
    let waited = poll(&mut reader, &mut read);
    mock.follower_watermarks(&topic, 0, None, None)
        .expect("it has caught up");
    let mut told = waited.err();
    let deadline = Instant::now() + LIMIT;
    while read.values().map(Vec::len).sum::<usize>() < RECORDS as usize {
        assert!(Instant::now() < deadline, "at {:?}", reader.positions());
        if let Some(failed) = told.take() {
            assert!(
                matches!(failed, LogError::OffsetOutOfRange { .. }),
                "{failed:?}"
            );
            for (partition, offset) in reader.positions() {
                reader.seek(partition, offset).expect("it is there");
            }
        }
        told = poll(&mut reader, &mut read).err();
    }
    assert_once_in_order(&read, 0..RECORDS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_that_is_told_and_never_reached_does_not_hold_what_is_there() {
    let mock = Mock::start(2);
    let topic = mock.topic(1);
    mock.partition_leader(&topic, 0, Some(1)).expect("it leads");
    let log = mock.log();
    let written = in_time(log.produce_batch(&topic, numbered(0..RECORDS))).await;
    written.expect("produced");
    mock.partition_follower(&topic, 0, 2).expect("it follows");
    let end = RECORDS as i64;
    mock.follower_watermarks(&topic, 0, Some(0), Some(end + 100))
        .expect("it tells of more");
    let mut reader = log.reader(&topic, &[(0, 0)]).expect("a reader");
    let mut read = Read::new();
    read_on(&mut reader, &mut read, RECORDS as usize);
    assert_once_in_order(&read, 0..RECORDS);
    assert_eq!(reader.positions(), [(0, end)]);
    // What a table waits for is asked of the leader.
    assert_eq!(log.offsets(&topic, 0).await.expect("offsets").end, end);
}
