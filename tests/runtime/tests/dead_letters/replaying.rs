//! Replays: the record as it was, once, to where it comes from, and never in a circle.

use std::time::Duration;

use ksql_runtime::consume::{Records as _, Start};
use ksql_runtime::dlq::{
    DeadLetterError, LetterFilter, LetterId, ReplayOptions, ReplayReport, Written,
};
use ksql_runtime::log::Receipt;
use ksql_runtime::prelude::*;
use ksql_runtime_tests::consuming::Seen;

use crate::{Found, Given, encoded, fail, fail_at, id, order, read_at, with_topic};

async fn replay(ctx: &Context, letter: LetterId, options: &ReplayOptions) -> ReplayReport {
    let report = ctx.dead_letters().replay([letter], options).await;
    report.expect("a report")
}

/// The record that a letter was replayed to.
async fn replayed(ctx: &Context, letter: LetterId, options: &ReplayOptions) -> Found {
    let report = replay(ctx, letter, options).await;
    let [(of, to)] = &report.replayed[..] else {
        panic!("{report:?}");
    };
    assert_eq!(*of, letter);
    let receipt = Receipt {
        topic: to.topic.as_str().into(),
        partition: to.partition,
        offset: to.offset,
        timestamp: 0,
    };
    read_at(ctx.log(), &receipt).await
}

async fn refused(ctx: &Context, letter: LetterId, options: &ReplayOptions) -> DeadLetterError {
    let mut report = replay(ctx, letter, options).await;
    assert_eq!(report.replayed, []);
    let (of, error) = report.refused.pop().expect("a refusal");
    assert_eq!((of, report.refused.len()), (letter, 0));
    error
}

crate::on_each_log! {
    async fn a_replay_is_the_record_as_it_was_with_nothing_of_the_letter_but_a_count(case: Case) {
        let ctx = case.start().await;
        let mut given = encoded(&ctx, &case, &order(7)).await;
        given.headers = vec![
            ("trace".to_owned(), Some(b"\xff\0".to_vec())),
            ("trace".to_owned(), None),
        ];
        let (at, letter) = fail(&ctx, &case, &given, "c").await;
        let before = read_at(ctx.log(), &at).await;
        case.clock.advance(60_000);
        let found = replayed(&ctx, id(&letter), &ReplayOptions::default()).await;
        assert_eq!((&found.key, &found.value), (&given.key, &given.value));
        let mut headers = given.headers.clone();
        headers.push(("__dlq.replays".to_owned(), Some(b"1".to_vec())));
        assert_eq!(found.headers, headers);
        assert_eq!(found.partition, at.partition, "the key chooses it");
        assert_eq!(found.timestamp, before.timestamp, "it falls into the windows it belongs to");
        assert!(found.offset > at.offset);
        ctx.shutdown().await.expect("it ends");
    }

    async fn a_key_chooses_the_partition_and_a_record_without_one_stays_where_it_was(case: Case) {
        let ctx = case.start().await;
        let given = encoded(&ctx, &case, &order(7)).await;
        let right = given.produce(ctx.log(), &case.name("orders"), case.clock.now_ms()).await.partition;
        let elsewhere = (right + 1) % 4;
        let (_, letter) = fail(&ctx, &case, &given.clone().at(elsewhere), "c").await;
        let found = replayed(&ctx, id(&letter), &ReplayOptions::default()).await;
        assert_eq!(found.partition, right);
        for partition in [3, 1] {
            let (_, letter) = fail(&ctx, &case, &Given::new(None, Some(b"x")).at(partition), "c").await;
            let found = replayed(&ctx, id(&letter), &ReplayOptions::default()).await;
            assert_eq!(found.partition, partition);
        }
        ctx.shutdown().await.expect("it ends");
    }

    async fn a_letter_is_replayed_once_unless_forced_also_after_a_restart(case: Case) {
        let ctx = case.start().await;
        let given = encoded(&ctx, &case, &order(7)).await;
        let (_, letter) = fail(&ctx, &case, &given, "c").await;
        let (_, other) = fail(&ctx, &case, &given, "c").await;
        let found = replayed(&ctx, id(&letter), &ReplayOptions::default()).await;
        ctx.shutdown().await.expect("it ends");

        let ctx = case.start().await;
        let letters = ctx.dead_letters();
        let error = refused(&ctx, id(&letter), &ReplayOptions::default()).await;
        assert!(matches!(&error, DeadLetterError::Replayed { offset, .. } if *offset == found.offset), "{error:?}");
        assert!(error.to_string().contains("was replayed already"), "{error}");
        let listed = letters.get(id(&letter)).await.expect("the letter");
        let to = listed.replayed.expect("it is listed as replayed");
        assert_eq!((to.topic, to.partition, to.offset), (case.name("orders"), found.partition, found.offset));
        let left = letters.list(&LetterFilter::default().not_replayed()).await.expect("a list");
        assert_eq!(left.iter().map(|letter| letter.id).collect::<Vec<_>>(), [id(&other)]);
        let status = letters.status().await.expect("a status");
        assert_eq!((status.letters, status.replayed), (2, 1), "markers are no letters");
        let again = replayed(&ctx, id(&letter), &ReplayOptions::default().force()).await;
        assert!(again.offset > found.offset);
        ctx.shutdown().await.expect("it ends");
    }

    async fn a_record_that_fails_after_every_replay_is_refused_in_the_end(case: Case) {
        let ctx = case.start().await;
        let given = encoded(&ctx, &case, &order(7)).await;
        let (mut at, mut letter) = fail(&ctx, &case, &given, "c").await;
        for replays in 1..=3_u32 {
            let found = replayed(&ctx, id(&letter), &ReplayOptions::default()).await;
            assert_eq!(found.header("__dlq.replays"), Some(replays.to_string().as_str()));
            at = Receipt { partition: found.partition, offset: found.offset, ..at };
            letter = match fail_at(&ctx, &at, "c", "still").await {
                Written::Acknowledged(letter) => letter,
                Written::Declined => panic!("nobody declines"),
            };
            let again = ctx.dead_letters().get(id(&letter)).await.expect("the letter");
            assert_eq!((again.replays, again.offset), (replays, Some(at.offset)), "its origin is the replayed record");
        }
        let error = refused(&ctx, id(&letter), &ReplayOptions::default()).await;
        assert!(matches!(error, DeadLetterError::Loop { replays: 3, most: 3, .. }), "{error:?}");
        let told = error.to_string();
        assert!(told.contains("replayed 3 times") && told.contains("force"), "{told}");
        let error = refused(&ctx, id(&letter), &ReplayOptions::default().most(2)).await;
        assert!(matches!(error, DeadLetterError::Loop { most: 2, .. }), "{error:?}");
        let found = replayed(&ctx, id(&letter), &ReplayOptions::default().force()).await;
        assert_eq!(found.header("__dlq.replays"), Some("4"));
        ctx.shutdown().await.expect("it ends");
    }

    async fn letters_of_an_older_and_of_a_later_version_are_replayed_as_the_records_they_were(case: Case) {
        let ctx = case.start().await;
        let letters = case.letters();
        let of = async |id| {
            let given = encoded(&ctx, &case, &order(id)).await.header("own", "1");
            given.header("__dlq.errors.topic", &case.name("orders"))
        };
        // What each says of its record, and the time its record has then: the old one does not know its own.
        let old = of(7).await.header("__dlq.errors.partition", "0").header("__dlq.errors.offset", "3")
            .header("__dlq.errors.message", "it failed");
        let own = case.clock.now_ms() - 5_000;
        let later = of(8).await.header("__dlq.errors.timestamp", &own.to_string()).header("__dlq.errors.partition", "many")
            .header("__dlq.errors.cause", "unknown here");
        case.clock.advance(60_000);
        for (given, timestamp) in [(old, case.clock.now_ms()), (later, own)] {
            let letter = given.produce(ctx.log(), &letters, case.clock.now_ms() - 60_000).await;
            let found = replayed(&ctx, id(&letter), &ReplayOptions::default()).await;
            assert_eq!((&found.key, &found.value), (&given.key, &given.value));
            let kept: Vec<(&str, Option<&str>)> = found.headers.iter().map(|(name, _)| (name.as_str(), found.header(name))).collect();
            assert_eq!(kept, [("own", Some("1")), ("__dlq.replays", Some("1"))]);
            assert_eq!(found.timestamp, timestamp);
            let again = refused(&ctx, id(&letter), &ReplayOptions::default()).await;
            assert!(matches!(again, DeadLetterError::Replayed { .. }), "{again:?}");
        }
        let seen = Seen::default();
        let handler = seen.clone();
        let subscription = ctx
            .set::<crate::Order>()
            .consume()
            .group("replayed")
            .start(Start::Earliest)
            .for_each(move |order| {
                handler.push(order);
                async {}
            })
            .start()
            .await
            .expect("it starts");
        let mut orders = seen.wait_for(2).await;
        orders.sort_by_key(|order| order.id);
        assert_eq!(orders, [order(7), order(8)], "they are orders as others are");
        subscription.stop().await.expect("it ends");
        ctx.shutdown().await.expect("it ends");
    }

    async fn a_letter_whose_topic_is_gone_is_refused_by_name_and_the_others_are_replayed(case: Case) {
        let ctx = case.start().await;
        let topic = case.name("closed");
        with_topic(&ctx, &topic, 1).await;
        let at = Given::new(None, Some(b"x")).produce(ctx.log(), &topic, case.clock.now_ms()).await;
        let Written::Acknowledged(gone) = fail_at(&ctx, &at, "c", "m").await else {
            panic!("nobody declines");
        };
        let (_, there) = fail(&ctx, &case, &Given::new(None, Some(b"y")), "c").await;
        ctx.log().delete_topic(&topic).await.expect("deleted");
        let asked = [id(&gone), id(&there), (0, 99).into(), id(&there)];
        let report = ctx.dead_letters().replay(asked, &ReplayOptions::default()).await.expect("a report");
        assert_eq!(report.replayed.iter().map(|(letter, _)| *letter).collect::<Vec<_>>(), [id(&there)], "once");
        let [(of, error), (_, DeadLetterError::NotThere { .. })] = &report.refused[..] else {
            panic!("{report:?}");
        };
        assert_eq!(*of, id(&gone));
        let told = error.to_string();
        assert!(told.contains(&topic) && told.contains(&id(&gone).to_string()), "{told}");
        assert!(matches!(error, DeadLetterError::OriginGone { .. }), "{error:?}");
        // It is there again.
        with_topic(&ctx, &topic, 1).await;
        replayed(&ctx, id(&gone), &ReplayOptions::default()).await;
        ctx.shutdown().await.expect("it ends");
    }

    async fn nothing_is_replayed_into_the_dead_letters_or_to_names_that_are_no_topics(case: Case) {
        let ctx = case.start().await;
        let letters = case.letters();
        for (topic, own) in [(letters.as_str(), true), ("no topic of any log", false), ("", false)] {
            let letter = Given::new(None, Some(b"x")).header("__dlq.errors.topic", topic)
                .produce(ctx.log(), &letters, case.clock.now_ms()).await;
            let error = refused(&ctx, id(&letter), &ReplayOptions::default().force()).await;
            match error {
                DeadLetterError::OriginIsDeadLetters { .. } => assert!(own, "{topic}"),
                DeadLetterError::OriginGone { .. } => assert!(!own, "{topic}"),
                other => panic!("{topic}: {other:?}"),
            }
        }
        ctx.shutdown().await.expect("it ends");
    }

    async fn what_its_topic_would_remove_at_once_is_refused_unless_forced(case: Case) {
        let ctx = case.start().await;
        let topic = case.name("short");
        let spec = ksql_runtime::log::TopicSpec::new(&topic, 1).retention_ms(60_000);
        ctx.log().create_topic(&spec).await.expect("a topic");
        let at = Given::new(None, Some(b"x")).produce(ctx.log(), &topic, case.clock.now_ms()).await;
        let Written::Acknowledged(letter) = fail_at(&ctx, &at, "c", "m").await else {
            panic!("nobody declines");
        };
        case.clock.advance(60_000);
        let error = refused(&ctx, id(&letter), &ReplayOptions::default()).await;
        match &error {
            DeadLetterError::Expired { age, retention, .. } => {
                assert_eq!((*age, *retention), (Duration::from_secs(60), Duration::from_secs(60)));
            }
            other => panic!("{other:?}"),
        }
        assert!(error.to_string().contains("would expire at once"), "{error}");
        let found = replayed(&ctx, id(&letter), &ReplayOptions::default().force()).await;
        assert_eq!(found.timestamp, case.clock.now_ms());
        ctx.shutdown().await.expect("it ends");
    }

    async fn a_replayed_order_is_read_as_if_it_had_never_failed(case: Case) {
        let ctx = case.start().await;
        let set = ctx.set::<crate::Order>();
        set.send_to_dlq(&order(7), "later", "later").await.expect("written");
        let listed = ctx.dead_letters().list(&LetterFilter::default()).await.expect("a list");
        let report = ctx.dead_letters().replay(&listed, &ReplayOptions::default()).await.expect("a report");
        let added = set.add(order(7)).await.expect("added");
        let (_, to) = &report.replayed[0];
        assert_eq!((to.partition, to.offset + 1), (added.partition, added.offset));
        let receipt = Receipt { offset: to.offset, ..added.clone() };
        let (replayed, added) = (read_at(ctx.log(), &receipt).await, read_at(ctx.log(), &added).await);
        assert_eq!((replayed.key, replayed.value), (added.key, added.value));
        ctx.shutdown().await.expect("it ends");
    }
}
