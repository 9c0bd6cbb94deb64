//! A consumer over several brokers that answer with errors, to its group and to what it reads, move leaders and the group's coordinator,
//! and go away one by one (RT7 for handlers, what the proxy of `consume_kafka.rs` cannot do): every record is handled, what is committed is
//! finished at any instant, and the consumer comes back by itself, through states that may follow one another.
//!
//! The brokers are librdkafka's mock ones. They let a group form for almost as long as a session lasts, and whoever coordinates it takes
//! commits on every broker.
//!
//! `KSQL_TEST_INJECTED` says how much befalls the consumer: each once first, one of each kind before another of the same, then as drawn by
//! `KSQL_TEST_SEED`. `KSQL_TEST_RECOVERED` is how many seconds the consumer may take to be back.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ksql_runtime::consume::{ConsumerState, Order, Records as _, Start, Subscription};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::cluster::Place;
use ksql_runtime_tests::consuming::{Payment, ends, payment, status};
use ksql_runtime_tests::mock::{LIMIT, Mock, registry};
use ksql_runtime_tests::report::{Report, number, seed};
use ksql_runtime_tests::until::until;
use ksql_runtime_tests::workload::mix;
use rdkafka::mocking::MockCoordinator;
use rdkafka::types::RDKafkaApiKey as Requests;
use rdkafka::types::RDKafkaRespErr::{self, *};

const BROKERS: i32 = 3;
const PARTITIONS: i32 = 4;
const GROUP: &str = "injected";
/// Payments that are added at once.
const PART: i64 = 20;
/// Within this a member tells its group that it lives: its client looks once a second whether it is time.
const HEARTBEAT: Duration = Duration::from_millis(1_200);
/// A commit that takes longer is refused: the group forms anew.
const REFUSED: Duration = Duration::from_millis(500);

/// How soon the consumer has all its partitions, and has committed whatever was added.
fn recovered() -> Duration {
    Duration::from_secs(number("KSQL_TEST_RECOVERED", 30))
}

/// What is answered to requests that a consumer makes: what passes, and what ends its membership.
const ERRORS: [(Requests, &[RDKafkaRespErr]); 7] = [
    (
        Requests::OffsetCommit,
        &[
            RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
            RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
            RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS,
            RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
            RD_KAFKA_RESP_ERR__TRANSPORT,
        ],
    ),
    (
        Requests::Fetch,
        &[
            RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH,
            RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
            RD_KAFKA_RESP_ERR_UNKNOWN,
            RD_KAFKA_RESP_ERR__TRANSPORT,
        ],
    ),
    (
        Requests::Heartbeat,
        &[
            RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
            RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS,
            RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID,
            RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION,
            RD_KAFKA_RESP_ERR__TRANSPORT,
        ],
    ),
    (
        Requests::FindCoordinator,
        &[
            RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR__TRANSPORT,
        ],
    ),
    (
        Requests::JoinGroup,
        &[
            RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
            RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
            RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID,
        ],
    ),
    (
        Requests::SyncGroup,
        &[
            RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS,
            RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
            RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
        ],
    ),
    (
        Requests::OffsetFetch,
        &[
            RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
            RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
        ],
    ),
];

/// What befalls a consumer.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    /// Answers are errors.
    Answered(Requests, RDKafkaRespErr),
    /// Every partition gets another leader.
    LeadersMove,
    /// The group gets another coordinator.
    CoordinatorMoves,
    /// The group's coordinator, that leads partitions as well, is away for a while.
    BrokerAway,
}

/// All of it, what is of one kind not one after the other.
fn troubles() -> Vec<Trouble> {
    let most = ERRORS.iter().map(|(_, errors)| errors.len()).max();
    let moves = [
        Trouble::LeadersMove,
        Trouble::CoordinatorMoves,
        Trouble::BrokerAway,
    ];
    let mut all: Vec<Trouble> = (0..most.unwrap_or_default())
        .flat_map(|at| {
            ERRORS.iter().filter_map(move |(requests, errors)| {
                Some(Trouble::Answered(*requests, *errors.get(at)?))
            })
        })
        .collect();
    all.splice(ERRORS.len()..ERRORS.len(), moves);
    all
}

/// What the handlers have finished, in their order: partition, offset, number.
type Finished = Arc<Mutex<Vec<(i32, i64, i64)>>>;

async fn consume(ctx: &Context, finished: &Finished) -> Subscription {
    let finished = Arc::clone(finished);
    ctx.set::<Payment>()
        .consume()
        .group(GROUP)
        .start(Start::Earliest)
        .concurrency(4, Order::ByKey)
        .commit_interval(Duration::from_millis(20))
        .for_each_with_meta(move |payment: Payment, meta| {
            let finished = Arc::clone(&finished);
            async move {
                tokio::task::yield_now().await;
                let one = (meta.partition(), meta.offset(), payment.number);
                finished.lock().expect("not poisoned").push(one);
            }
        })
        .start()
        .await
        .expect("it starts")
}

/// What was seen of a consumer, from one look to the next.
struct Looks {
    finished: Finished,
    /// How many of the finished were taken in.
    taken: usize,
    seen: [BTreeSet<i64>; PARTITIONS as usize],
    numbers: BTreeSet<i64>,
    /// Everything before it was found finished, by partition.
    sound: [i64; PARTITIONS as usize],
    /// What the brokers said to be committed when nothing was wrong.
    kept: Vec<i64>,
    last: ConsumerState,
    reconnects: u64,
}

impl Looks {
    fn new(finished: &Finished) -> Looks {
        Looks {
            finished: Arc::clone(finished),
            taken: 0,
            seen: Default::default(),
            numbers: BTreeSet::new(),
            sound: Default::default(),
            kept: vec![0; PARTITIONS as usize],
            last: ConsumerState::Starting,
            reconnects: 0,
        }
    }

    /// What is said to be committed was finished before.
    fn committed(&mut self, all: &[(i32, Option<i64>)], what: &str) {
        let finished = Arc::clone(&self.finished);
        let finished = finished.lock().expect("not poisoned");
        for (partition, offset, number) in &finished[self.taken..] {
            let at = *partition as usize;
            assert!(
                *offset >= self.kept[at],
                "{what}: {offset} of {partition} was committed before it, and came again"
            );
            self.seen[at].insert(*offset);
            self.numbers.insert(*number);
        }
        self.taken = finished.len();
        for (partition, committed) in all {
            let at = *partition as usize;
            for offset in self.sound[at]..committed.unwrap_or(0) {
                assert!(
                    self.seen[at].contains(&offset),
                    "{what}: {offset} of {partition} is committed and not finished"
                );
                self.sound[at] = offset + 1;
            }
        }
    }

    /// Looks at a consumer that nobody stops. Whether it runs with all its partitions, and what it has committed of them.
    fn at(&mut self, subscription: &Subscription, what: &str) -> Option<Vec<Option<i64>>> {
        let now = status(subscription);
        let committed = now
            .partitions
            .iter()
            .map(|one| (one.partition, one.committed));
        self.committed(&committed.collect::<Vec<_>>(), what);
        match &now.state {
            ConsumerState::Running => {}
            ConsumerState::Reconnecting(why) => {
                assert!(!why.is_empty(), "{what}: {now:?}");
                if self.last != now.state {
                    self.reconnects += 1;
                }
            }
            ConsumerState::Starting if self.last == ConsumerState::Starting => {}
            state => panic!("{what}: {state:?} after {:?}: {now:?}", self.last),
        }
        let runs = now.state == ConsumerState::Running;
        self.last = now.state;
        let all = now.partitions.iter().map(|one| one.committed).collect();
        (runs && now.partitions.len() == PARTITIONS as usize).then_some(all)
    }
}

/// Adds payments, each acknowledged.
async fn add(ctx: &Context, added: &mut i64) {
    let batch: Vec<Payment> = (*added..*added + PART)
        .map(|n| payment(n % 37, n))
        .collect();
    let all = ctx.set::<Payment>().add_all(batch).await;
    all.expect("acknowledged at last");
    *added += PART;
}

/// What the brokers know to be committed, by partition.
async fn kept(ctx: &Context, topic: &str) -> Vec<Option<i64>> {
    let mut all = Vec::new();
    for partition in 0..PARTITIONS {
        let mut attempts = 1..;
        all.push(loop {
            match ctx.log().committed(GROUP, topic, partition).await {
                Ok(offset) => break offset,
                // Who asked last when the coordinator was another one is told so first.
                Err(failed) => assert!(
                    failed.is_transient() && attempts.next() < Some(5),
                    "{failed:?}"
                ),
            }
        });
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn handlers_lose_nothing_through_errors_of_several_brokers_and_what_is_committed_is_finished()
{
    let (seed, injected) = (seed(), number("KSQL_TEST_INJECTED", 12));
    let troubles = troubles();
    let mut report = Report::new("RT7 on mock brokers, consumers", seed);
    let mock = Mock::start(BROKERS);
    let registry = registry();
    let place = Place::at(&mock.bootstrap(), &registry.url())
        .with("kafka.retry.backoff.ms", "10")
        .with("kafka.retry.backoff.max.ms", "50")
        .with("kafka.topic.metadata.refresh.fast.interval.ms", "10")
        .with("kafka.producer.max.in.flight", "1")
        // Longer than these brokers let a group form, during which they answer nothing else on the connection.
        .with("kafka.consumer.session.timeout.ms", "3500")
        .with("kafka.socket.timeout.ms", "6000")
        .with("kafka.consumer.heartbeat.interval.ms", "200");
    // Start would, and this kind of broker cannot.
    let topic = format!("{}payments", place.prefix());
    for (topic, partitions) in [
        (topic.clone(), PARTITIONS),
        (place.topic(), PARTITIONS),
        (place.dead_letters(), 1),
    ] {
        mock.create_topic(&topic, partitions, 1).expect("created");
    }
    let coordinator = |broker| {
        let group = MockCoordinator::Group(GROUP.to_owned());
        mock.coordinator(group, broker).expect("it coordinates");
    };
    let mut coordinates = 1;
    coordinator(coordinates);
    let ctx = tokio::time::timeout(LIMIT, place.builder().entity::<Payment>().start())
        .await
        .expect("in time")
        .expect("it starts");
    let finished = Finished::default();
    let mut subscription = consume(&ctx, &finished).await;
    let mut looks = Looks::new(&finished);
    let (mut added, mut slowest) = (0, Duration::ZERO);
    for at in 0_u64..=injected {
        // The first time nothing is wrong.
        let drawn = mix(seed, at);
        let trouble = at.checked_sub(1).map(|at| {
            let drawn = drawn as usize % troubles.len();
            *troubles.get(at as usize).unwrap_or(&troubles[drawn])
        });
        let what = format!("{at}, {trouble:?}");
        let times = 1 + drawn as usize % 2;
        // How long records are added while it is wrong, and whether until the group forms anew: nobody else waits for heartbeats.
        let (mut lasting, mut anew) = (Duration::ZERO, None);
        match trouble {
            None => {}
            Some(Trouble::Answered(requests, error)) => {
                match (requests, error) {
                    // Asked by members that are new only.
                    (Requests::OffsetFetch, _) => {
                        let end = tokio::time::timeout(LIMIT, subscription.stop()).await;
                        end.expect("in time").expect("a clean end");
                        assert_eq!(status(&subscription).state, ConsumerState::Ended);
                        looks.last = ConsumerState::Starting;
                    }
                    // Asked by members that were told so.
                    (Requests::JoinGroup | Requests::SyncGroup, _) => {
                        anew = Some(RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS);
                    }
                    (Requests::FindCoordinator, _) => {
                        mock.fail(Requests::Heartbeat, &[RD_KAFKA_RESP_ERR_NOT_COORDINATOR]);
                        lasting = HEARTBEAT;
                    }
                    (
                        Requests::Heartbeat,
                        RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS
                        | RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID
                        | RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION,
                    ) => anew = Some(error),
                    (Requests::Heartbeat, _) => lasting = HEARTBEAT * times as u32,
                    _ => {}
                }
                if anew != Some(error) || requests != Requests::Heartbeat {
                    mock.fail(requests, &vec![error; times]);
                }
                if requests == Requests::OffsetFetch {
                    subscription = consume(&ctx, &finished).await;
                }
            }
            Some(Trouble::LeadersMove) => {
                for partition in 0..PARTITIONS {
                    let leader = 1 + (at as i32 + partition) % BROKERS;
                    let moved = mock.partition_leader(&topic, partition, Some(leader));
                    moved.expect("moved");
                }
            }
            Some(Trouble::CoordinatorMoves) => {
                coordinates = 1 + coordinates % BROKERS;
                coordinator(coordinates);
                lasting = HEARTBEAT;
            }
            Some(Trouble::BrokerAway) => {
                mock.broker_down(coordinates).expect("down");
                // What it leads nobody can add to.
                let began = Instant::now();
                let away = async || {
                    looks.at(&subscription, &what);
                    began.elapsed() > HEARTBEAT
                };
                until(LIMIT, away, || what.clone()).await;
                mock.broker_up(coordinates).expect("up");
            }
        }
        let began = Instant::now();
        // More than once: what is on its way already is answered as if nothing were wrong.
        for part in 0.. {
            if part >= 3 && anew.is_none() && began.elapsed() >= lasting {
                break;
            }
            let late = || {
                format!(
                    "{what}: it does not come to pass: {:?}",
                    status(&subscription)
                )
            };
            assert!(began.elapsed() < LIMIT, "{}", late());
            if let Some(error) = anew {
                // A group says so until its member joins again.
                mock.clear_request_errors(Requests::Heartbeat);
                mock.fail(Requests::Heartbeat, &[error]);
            }
            add(&ctx, &mut added).await;
            looks.at(&subscription, &what);
            let all = async || {
                looks.at(&subscription, &what);
                looks.numbers.len() as i64 == added
            };
            let missing = || format!("{what}: {:?}", status(&subscription));
            until(recovered(), all, missing).await;
            if anew.is_some() {
                let committed = async || {
                    let all = looks.at(&subscription, &what).into_iter().flatten();
                    all.flatten().sum::<i64>() >= added
                };
                let committed = until(LIMIT, committed, || what.clone());
                if tokio::time::timeout(REFUSED, committed).await.is_err() {
                    mock.clear_request_errors(Requests::Heartbeat);
                    anew = None;
                }
            }
        }
        let healed = Instant::now();
        let goal = ends(&ctx, &topic).await;
        let back = async || {
            looks
                .at(&subscription, &what)
                .is_some_and(|all| all == goal)
        };
        let missing = || format!("{what}: {:?}", status(&subscription));
        until(recovered(), back, missing).await;
        let took = healed.elapsed();
        for (requests, _) in ERRORS {
            mock.clear_request_errors(requests);
        }
        eprintln!(
            "{what}: all is committed after {took:?} of {:?}",
            began.elapsed()
        );
        if trouble.is_some() {
            slowest = slowest.max(took);
        }
        // What it says is what the brokers know.
        let kept = kept(&ctx, &topic).await;
        assert_eq!(kept, goal, "{what}");
        looks.kept = kept.into_iter().map(|one| one.unwrap_or(0)).collect();
        report.pass();
    }
    assert_eq!(looks.numbers, (0..added).collect(), "nothing is lost");
    let end = tokio::time::timeout(LIMIT, subscription.stop()).await;
    end.expect("in time").expect("a clean end");
    assert_eq!(status(&subscription).state, ConsumerState::Ended);
    ctx.shutdown().await.expect("a clean end");
    report.pass();
    report.count("injected", injected);
    report.count("records", added as u64);
    report.count("handled", looks.taken as u64);
    report.count("reconnects", looks.reconnects);
    report.count("slowest_recovery_ms", slowest.as_millis() as u64);
}
