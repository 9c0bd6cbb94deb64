//! A topic of dead letters that does not take one (RT6): it refuses what is written, nobody may write there, its broker is away or
//! silent just then, or the acknowledgement is lost. The record is held and nothing behind it is handled or committed; afterwards its
//! letter is there once, byte for byte, and the work goes on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ksql_runtime::consume::{ConsumerState, OnDecodeError, Position, Records as _, Subscription};
use ksql_runtime::log::{Header, Log, Record};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::behind::Behind;
use ksql_runtime_tests::cluster::Place;
use ksql_runtime_tests::consuming::{
    LIMIT, Seen, Site, Transfer, committed, produce, reaches, status, transfer,
};
use ksql_runtime_tests::proxy::Fault;
use ksql_runtime_tests::servers::{self, Kafka, KafkaOptions};
use ksql_runtime_tests::test_name;
use ksql_runtime_tests::topics::whole;
use ksql_runtime_tests::until::until;
use tokio::sync::Semaphore;

/// What befalls the dead letters of a test.
struct Trouble<B, E> {
    /// Called by the handler of the last record before the one that is none.
    begins: B,
    /// Called when its record is held.
    ends: E,
    /// Whether its record has to be held, and what is told of it then.
    told: Option<&'static str>,
    /// Whether its group can commit meanwhile.
    commits: bool,
}

type Letter = (
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    Vec<(String, Option<Vec<u8>>)>,
);

/// Everything in the topic of dead letters.
async fn letters(ctx: &Context, dlq: &str) -> Vec<Letter> {
    whole(ctx.log(), dlq, |_, record| {
        let headers = record
            .headers
            .map(|header| (header.name.to_owned(), header.value.map(<[u8]>::to_vec)));
        (
            record.key.map(<[u8]>::to_vec),
            record.value.map(<[u8]>::to_vec),
            headers.collect(),
        )
    })
    .await
}

/// The records 0, 1, one that is none, and 3; what befalls the topic begins in the handler of 1, when 0 is committed.
async fn held<B, E>(ctx: &Context, dlq: &str, trouble: Trouble<B, E>)
where
    B: Fn() + Send + Sync + 'static,
    E: FnOnce(),
{
    let Trouble {
        begins,
        ends,
        told,
        commits,
    } = trouble;
    let set = ctx.set::<Transfer>();
    let topic = set.topic().expect("a topic").to_owned();
    set.add(transfer(1, 0)).await.expect("added");
    let gate = Arc::new(Semaphore::new(0));
    let (seen, gone) = (Seen::default(), Arc::clone(&gate));
    let handler = seen.clone();
    let begins = Arc::new(begins);
    let subscription = set
        .consume()
        .group("held")
        .commit_interval(Duration::from_millis(20))
        .on_decode_error(OnDecodeError::Dlq)
        .for_each(move |transfer| {
            let (handler, gone, begins) = (handler.clone(), Arc::clone(&gone), Arc::clone(&begins));
            async move {
                handler.push(transfer.number);
                if transfer.number == 1 {
                    gone.acquire().await.expect("it opens").forget();
                    begins();
                }
            }
        })
        .start()
        .await
        .expect("it starts");
    reaches(&subscription, "the commit of the first", |status| {
        let first = status.partitions.first();
        first.is_some_and(|one| one.committed == Some(1))
    })
    .await;
    set.add(transfer(1, 1)).await.expect("added");
    let headers = [
        Header::new("trace", b"\x00\xff"),
        Header {
            name: "empty",
            value: None,
        },
    ];
    let none = Record::new(
        Some(b"12345678"),
        Some(b"\0\x01 none"),
        ctx.clock().now_ms(),
    );
    let produced = ctx.log().produce(&topic, none.headers(&headers)).await;
    assert_eq!(produced.expect("produced").offset, 2);
    set.add(transfer(1, 3)).await.expect("added");
    gate.add_permits(1);
    if let Some(told) = told {
        let status = reaches(&subscription, "a record that is held", |status| {
            status.holding.is_some()
        })
        .await;
        let holding = status.holding.clone().expect("it is held");
        assert!(
            holding.contains("dead letter") && holding.contains(told),
            "{holding}"
        );
        assert_eq!(seen.all(), [0, 1], "nothing behind it is handled");
        assert!(
            status.partitions[0].committed <= Some(2),
            "nothing behind it is committed: {status:?}"
        );
        assert_eq!(status.counters.dead_lettered, 0);
    }
    if commits {
        let status = reaches(&subscription, "the commit of all before it", |status| {
            status.partitions[0].committed == Some(2)
        })
        .await;
        assert_eq!(committed(ctx, "held", &topic).await, [Some(2)]);
        assert!(status.holding.is_some(), "{status:?}");
        assert_eq!(status.state, ConsumerState::Running);
        assert_eq!(status.partitions[0].position, 2);
        assert_eq!(letters(ctx, dlq).await, []);
    }
    ends();
    seen.wait_for(3).await;
    let free = reaches(&subscription, "the commit behind it", |status| {
        status.partitions[0].committed == Some(4)
    })
    .await;
    assert_eq!((free.holding, free.counters.dead_lettered), (None, 1));
    assert_eq!(seen.all(), [0, 1, 3], "each once");
    assert_eq!(committed(ctx, "held", &topic).await, [Some(4)]);
    let letters = letters(ctx, dlq).await;
    let [(key, value, found)] = &letters[..] else {
        panic!("one letter, not {letters:?}");
    };
    assert_eq!(key.as_deref(), Some(&b"12345678"[..]));
    assert_eq!(value.as_deref(), Some(&b"\0\x01 none"[..]));
    let own = [
        ("trace".to_owned(), Some(b"\x00\xff".to_vec())),
        ("empty".to_owned(), None),
    ];
    assert_eq!(found[..2], own);
    let at = ("__dlq.errors.offset".to_owned(), Some(b"2".to_vec()));
    assert!(found.contains(&at), "{found:?}");
}

async fn started(place: &Place) -> Context {
    let settings = place.settings().iter();
    let builder = settings.fold(ksql_runtime_tests::context(), |builder, (key, value)| {
        builder.setting(key, value)
    });
    let builder = builder.state_dir(place.directory()).entity::<Transfer>();
    let builder = builder.setting("consume_from", "earliest");
    builder.start().await.expect("the context starts")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_that_nobody_may_write_holds_its_record_until_that_is_allowed() {
    let Some(registry) = servers::registry_or_skip(test_name!()) else {
        return;
    };
    let options = KafkaOptions::new().user("teller", "s3cret");
    let Some(kafka) = servers::or_skip(test_name!(), Kafka::start_with(options)) else {
        return;
    };
    let place = kafka.client("teller").into_iter().fold(
        Place::new(kafka.bootstrap(), registry),
        |place, (name, value)| place.with(&format!("kafka.{name}"), &value),
    );
    let prefix = [
        "--topic",
        place.prefix(),
        "--resource-pattern-type",
        "prefixed",
    ];
    let rights = ["Describe", "DescribeConfigs", "Create", "Read"];
    kafka.allow("teller", &rights, &prefix);
    let transfers = format!("{}transfers", place.prefix());
    kafka.allow("teller", &["Write"], &["--topic", &transfers]);
    kafka.allow("teller", &["Read"], &["--group", "held"]);
    let (ctx, dlq) = (started(&place).await, place.dead_letters());
    let trouble = Trouble {
        begins: || {},
        ends: || kafka.allow("teller", &["Write"], &["--topic", &dlq]),
        told: Some("does not allow this user to produce: an ACL on topic"),
        commits: true,
    };
    held(&ctx, &dlq, trouble).await;
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_away_when_a_dead_letter_is_written_holds_its_record_until_it_is_back() {
    let Some(behind) = Behind::start(test_name!()) else {
        return;
    };
    let behind = Arc::new(behind);
    for fault in [Fault::Refused, Fault::Silent] {
        // Each attempt is given up, and another one made.
        let place = behind
            .place()
            .with("delivery_timeout", "1s")
            .with("request_timeout", "1s");
        let (ctx, at) = (started(&place).await, Arc::clone(&behind));
        let trouble = Trouble {
            begins: move || at.proxy.set(fault),
            ends: || behind.proxy.set(Fault::None),
            told: Some("not acknowledged within 1s"),
            commits: false,
        };
        held(&ctx, &place.dead_letters(), trouble).await;
        ctx.shutdown().await.expect("a clean end");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_whose_acknowledgement_is_lost_is_there_once() {
    let Some(behind) = Behind::start(test_name!()) else {
        return;
    };
    let behind = Arc::new(behind);
    let place = behind.place();
    let (ctx, at) = (started(&place).await, Arc::clone(&behind));
    let trouble = Trouble {
        // Kafka's number of producing.
        begins: move || at.proxy.lose_answers(0, 2),
        ends: || {},
        told: None,
        commits: false,
    };
    held(&ctx, &place.dead_letters(), trouble).await;
    assert_eq!(behind.proxy.to_be_lost(), 0, "it was lost, twice");
    ctx.shutdown().await.expect("a clean end");
}

/// Lets the topic of dead letters refuse every write, or take them again: as a disk does that fails, and as a broker does that
/// takes no record of this size.
fn refuse(site: &Site, ctx: &Context, refused: bool) {
    let dlq = site.dead_letters();
    if let Log::Embedded(log) = ctx.log() {
        let writes = if refused { u32::MAX } else { 0 };
        log.fail_writes(&dlq, writes).expect("the topic is there");
        return;
    }
    let kafka = servers::kafka_or_skip(test_name!()).expect("the site is on it");
    let longest = if refused { 1 } else { 1_000_000 };
    let config = format!("max.message.bytes={longest}");
    let arguments = [
        "--alter",
        "--entity-type",
        "topics",
        "--entity-name",
        &dlq,
        "--add-config",
        &config,
    ];
    kafka.tool("kafka.admin.ConfigCommand", &arguments);
}

/// The records 0, one that is none, and 2; their consumer holds the second one, for its letter is refused.
async fn holding(site: &Site, ctx: &Context, group: &str, seen: &Seen<i64>) -> Subscription {
    refuse(site, ctx, true);
    let set = ctx.set::<Transfer>();
    let topic = set.topic().expect("a topic").to_owned();
    set.add(transfer(1, 0)).await.expect("added");
    produce(ctx, &topic, Some(b"12345678"), Some(b"none")).await;
    set.add(transfer(1, 2)).await.expect("added");
    let subscription = consuming(ctx, group, seen).await;
    let held = reaches(&subscription, "a record that is held", |status| {
        status.holding.is_some() && status.partitions[0].committed == Some(1)
    })
    .await;
    let holding = held.holding.clone().unwrap_or_default();
    assert!(
        holding.starts_with("its dead letter is not acknowledged: "),
        "{holding}"
    );
    assert_eq!((seen.all(), held.counters.dead_lettered), (vec![0], 0));
    assert_eq!(committed(ctx, group, &topic).await, [Some(1)]);
    subscription
}

async fn consuming(ctx: &Context, group: &str, seen: &Seen<i64>) -> Subscription {
    let seen = seen.clone();
    ctx.set::<Transfer>()
        .consume()
        .group(group)
        .commit_interval(Duration::from_millis(20))
        .on_decode_error(OnDecodeError::Dlq)
        .for_each(move |transfer| {
            seen.push(transfer.number);
            async {}
        })
        .start()
        .await
        .expect("it starts")
}

async fn a_seek_behind_a_record_that_is_held_lets_go_of_it_and_one_back_finds_it(site: Site) {
    let ctx = site.open().await;
    let (dlq, seen) = (site.dead_letters(), Seen::default());
    let subscription = holding(&site, &ctx, "sought", &seen).await;
    let seek = |offset| subscription.seek(None, Position::Offset(offset));
    seek(2).await.expect("it seeks");
    assert_eq!(seen.wait_for(2).await, [0, 2], "what stood behind it");
    // Its topic refuses letters as before.
    let free = reaches(&subscription, "that nothing is held", |status| {
        status.holding.is_none() && status.partitions[0].committed == Some(3)
    })
    .await;
    assert_eq!((free.counters.dead_lettered, free.counters.skipped), (0, 0));
    assert_eq!(letters(&ctx, &dlq).await, []);

    seek(1).await.expect("it seeks");
    reaches(&subscription, "that it is held again", |status| {
        status.holding.is_some() && status.partitions[0].committed == Some(1)
    })
    .await;
    refuse(&site, &ctx, false);
    assert_eq!(seen.wait_for(3).await, [0, 2, 2]);
    reaches(&subscription, "the commit behind it", |status| {
        status.partitions[0].committed == Some(3)
    })
    .await;
    let free = status(&subscription);
    assert_eq!((free.holding, free.counters.dead_lettered), (None, 1));
    assert_eq!(letters(&ctx, &dlq).await.len(), 1);
    ctx.shutdown().await.expect("a clean end");
}

/// Attempts after which the next one is six seconds away at least.
const LONG_HELD: u32 = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seek_does_not_wait_for_the_next_attempt_with_a_record_that_is_held() {
    let site = Site::embedded();
    let ctx = site.open().await;
    let seen = Seen::default();
    let subscription = holding(&site, &ctx, "long held", &seen).await;
    let Log::Embedded(log) = ctx.log() else {
        panic!("it is the embedded log");
    };
    let dlq = site.dead_letters();
    let asked = log.fail_writes(&dlq, u32::MAX).expect("the topic is there");
    let refused = || {
        let left = log.fail_writes(&dlq, u32::MAX).expect("the topic is there");
        u32::MAX - left
    };
    let mut attempts = u32::MAX - asked;
    until(
        LIMIT,
        async || {
            attempts += refused();
            attempts >= LONG_HELD
        },
        || "attempts".to_owned(),
    )
    .await;
    let began = Instant::now();
    subscription
        .seek(None, Position::Offset(2))
        .await
        .expect("it seeks");
    assert_eq!(seen.wait_for(2).await, [0, 2], "what stood behind it");
    let took = began.elapsed();
    assert!(took < Duration::from_secs(4), "{took:?}");
    ctx.shutdown().await.expect("a clean end");
}

async fn a_consumer_that_ends_while_a_record_is_held_leaves_it_to_the_next(site: Site) {
    let ctx = site.open().await;
    let (dlq, seen) = (site.dead_letters(), Seen::default());
    let topic = ctx.set::<Transfer>().topic().expect("a topic").to_owned();
    let subscription = holding(&site, &ctx, "left", &seen).await;
    subscription.stop().await.expect("it ends");
    assert_eq!(status(&subscription).holding, None, "nobody holds it");
    assert_eq!(committed(&ctx, "left", &topic).await, [Some(1)]);
    assert_eq!(letters(&ctx, &dlq).await, []);
    refuse(&site, &ctx, false);
    let next = consuming(&ctx, "left", &seen).await;
    assert_eq!(seen.wait_for(2).await, [0, 2], "each once");
    let free = reaches(&next, "the commit behind it", |status| {
        status
            .partitions
            .first()
            .is_some_and(|one| one.committed == Some(3))
    })
    .await;
    assert_eq!((free.holding, free.counters.dead_lettered), (None, 1));
    assert_eq!(letters(&ctx, &dlq).await.len(), 1);
    ctx.shutdown().await.expect("a clean end");
}

async fn a_dead_letter_that_is_refused_holds_its_record_until_it_is_taken(site: Site) {
    let ctx = site.open().await;
    let (site, beginning) = (Arc::new(site), ctx.clone());
    let at = Arc::clone(&site);
    let trouble = Trouble {
        begins: move || refuse(&at, &beginning, true),
        ends: || match ctx.log() {
            // It is tried again as long as it is refused.
            Log::Embedded(log) => {
                let left = log.fail_writes(&site.dead_letters(), 3);
                assert!(left.expect("the topic is there") < u32::MAX);
            }
            _ => refuse(&site, &ctx, false),
        },
        told: Some("its dead letter is not acknowledged: "),
        commits: true,
    };
    held(&ctx, &site.dead_letters(), trouble).await;
    if let Log::Embedded(log) = ctx.log() {
        let left = log.fail_writes(&site.dead_letters(), 0);
        assert_eq!(left.expect("the topic is there"), 0, "refused thrice more");
    }
    ctx.shutdown().await.expect("a clean end");
}

ksql_runtime_tests::on_both_logs!(
    a_dead_letter_that_is_refused_holds_its_record_until_it_is_taken,
    a_seek_behind_a_record_that_is_held_lets_go_of_it_and_one_back_finds_it,
    a_consumer_that_ends_while_a_record_is_held_leaves_it_to_the_next,
);
