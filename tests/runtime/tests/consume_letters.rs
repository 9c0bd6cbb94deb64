//! A topic of dead letters that does not take one (RT6): nobody may write there, its broker is away or silent just then, or the
//! acknowledgement is lost. The record is held and nothing behind it is handled or committed; afterwards its letter is there once, byte
//! for byte, and the work goes on.

use std::sync::Arc;
use std::time::Duration;

use ksql_runtime::consume::{OnDecodeError, Records as _};
use ksql_runtime::log::{Header, Record};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::behind::Behind;
use ksql_runtime_tests::cluster::Place;
use ksql_runtime_tests::consuming::{Seen, Transfer, committed, reaches, transfer};
use ksql_runtime_tests::proxy::Fault;
use ksql_runtime_tests::servers::{self, Kafka, KafkaOptions};
use ksql_runtime_tests::test_name;
use ksql_runtime_tests::topics::whole;
use tokio::sync::Semaphore;

/// What befalls the dead letters of a test.
struct Trouble<B, E> {
    /// Called by the handler of the last record before the one that is none.
    begins: B,
    /// Called when its record is held.
    ends: E,
    /// Whether its record has to be held, and what is told of it then.
    told: Option<&'static str>,
}

type Letter = (
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    Vec<(String, Option<Vec<u8>>)>,
);

/// The records 0, 1, one that is none, and 3; what befalls the topic begins in the handler of 1, when 0 is committed.
async fn held<B, E>(ctx: &Context, dlq: &str, trouble: Trouble<B, E>)
where
    B: Fn() + Send + Sync + 'static,
    E: FnOnce(),
{
    let Trouble { begins, ends, told } = trouble;
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
    ends();
    seen.wait_for(3).await;
    let free = reaches(&subscription, "the commit behind it", |status| {
        status.partitions[0].committed == Some(4)
    })
    .await;
    assert_eq!((free.holding, free.counters.dead_lettered), (None, 1));
    assert_eq!(seen.all(), [0, 1, 3], "each once");
    assert_eq!(committed(ctx, "held", &topic).await, [Some(4)]);
    let letters: Vec<Letter> = whole(ctx.log(), dlq, |_, record| {
        let headers = record
            .headers
            .map(|header| (header.name.to_owned(), header.value.map(<[u8]>::to_vec)));
        (
            record.key.map(<[u8]>::to_vec),
            record.value.map(<[u8]>::to_vec),
            headers.collect(),
        )
    })
    .await;
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
    };
    held(&ctx, &place.dead_letters(), trouble).await;
    assert_eq!(behind.proxy.to_be_lost(), 0, "it was lost, twice");
    ctx.shutdown().await.expect("a clean end");
}
