//! What a letter is: the record as it was, and where it comes from.

use ksql_runtime::dlq::{DeadLetterOptions, Failed, Stage, Written};
use ksql_runtime::error::Error;
use ksql_runtime::log::LogError;

use crate::{Given, encoded, fail, fail_at, fetched, order, read_at, started};

crate::on_each_log! {
    async fn a_letter_is_its_record_byte_for_byte_with_its_headers_first(case: Case) {
        let ctx = case.start().await;
        let mut odd = Given::new(Some(b""), Some(b"\0\xff\xfe"));
        odd.headers = vec![
            ("trace".to_owned(), Some(b"\xff\0".to_vec())),
            ("trace".to_owned(), Some(Vec::new())),
            ("without".to_owned(), None),
        ];
        let records = [
            encoded(&ctx, &case, &order(7)).await,
            odd,
            Given::new(None, Some(b"{}")).header("a", "b"),
            Given::new(Some(b"tombstone"), None),
            Given::new(None, None),
            Given::new(Some(b"k"), Some(b"")),
        ];
        for given in records {
            let (at, letter) = fail(&ctx, &case, &given, "handler.error").await;
            let found = read_at(ctx.log(), &letter).await;
            assert_eq!(*letter.topic, *case.letters());
            assert_eq!((&found.key, &found.value), (&given.key, &given.value));
            let (own, ours) = found.headers.split_at(given.headers.len());
            assert_eq!(own, given.headers);
            assert!(ours.iter().all(|(name, _)| name.starts_with("__dlq.errors.")), "{ours:?}");
            assert_eq!(found.header("__dlq.errors.offset"), Some(at.offset.to_string().as_str()));
            // What was there before is there still.
            let before = read_at(ctx.log(), &at).await;
            assert_eq!((before.key, before.value), (given.key, given.value));
        }
        ctx.shutdown().await.expect("it ends");
    }

    async fn a_letter_says_where_it_comes_from_and_why_it_is_here_and_nothing_else(case: Case) {
        let options = DeadLetterOptions::default().source("shop/7@tests");
        let ctx = started(case.builder().dead_letters(options)).await;
        let given = encoded(&ctx, &case, &order(7)).await.header("own", "1");
        let failed_at = case.clock.now_ms() + 5_000;
        let topic = case.name("orders");
        let at = given.produce(ctx.log(), &topic, failed_at - 6_000).await;
        case.clock.advance(5_000);
        let Written::Acknowledged(letter) = fail_at(&ctx, &at, "stock.none", "no stock: none").await else {
            panic!("nobody declines");
        };
        let found = read_at(ctx.log(), &letter).await;
        let mut ours = found.ours();
        ours.sort_unstable();
        let schema = u32::from_be_bytes(given.value.expect("a value")[1..5].try_into().expect("4 bytes"));
        let (partition, offset) = (at.partition.to_string(), at.offset.to_string());
        let (timestamp, failed_at) = ((failed_at - 6_000).to_string(), failed_at.to_string());
        let schema = schema.to_string();
        let mut expected = vec![
            ("__dlq.errors.topic", topic.as_str()),
            ("__dlq.errors.partition", &partition),
            ("__dlq.errors.offset", &offset),
            ("__dlq.errors.group", "shop_Order"),
            ("__dlq.errors.delivery.count", "3"),
            ("__dlq.errors.message", "no stock: none"),
            ("__dlq.errors.stage", "handler"),
            ("__dlq.errors.class", "stock.none"),
            ("__dlq.errors.timestamp", &timestamp),
            ("__dlq.errors.timestamp.type", "CreateTime"),
            ("__dlq.errors.failed.at", &failed_at),
            ("__dlq.errors.entity", "Order"),
            ("__dlq.errors.schema.id.value", &schema),
            ("__dlq.errors.source", "shop/7@tests"),
        ];
        expected.sort_unstable();
        assert_eq!(ours, expected);
        if case.is_kafka() {
            // The broker's own time.
            assert_ne!(found.timestamp.to_string(), timestamp);
        } else {
            assert_eq!(found.timestamp.to_string(), failed_at);
        }
        ctx.shutdown().await.expect("it ends");
    }

    async fn a_source_names_application_version_and_machine(case: Case) {
        let ctx = case.start().await;
        let (_, letter) = fail(&ctx, &case, &Given::new(None, None), "c").await;
        let found = read_at(ctx.log(), &letter).await;
        let source = found.header("__dlq.errors.source").expect("a source");
        let (application, rest) = source.split_once('/').expect("a version");
        let (version, host) = rest.split_once('@').expect("a machine");
        assert_eq!(application, "shop");
        assert!(version.starts_with(|c: char| c.is_ascii_digit()), "{source}");
        assert!(!host.is_empty(), "{source}");
        ctx.shutdown().await.expect("it ends");
    }

    async fn a_text_is_cut_to_a_kibibyte_of_whole_characters(case: Case) {
        let ctx = case.start().await;
        let at = Given::new(None, Some(b"x")).produce(ctx.log(), &case.name("orders"), case.clock.now_ms()).await;
        let long = "ä€".repeat(1000);
        let Written::Acknowledged(letter) = fail_at(&ctx, &at, "c", &long).await else {
            panic!("nobody declines");
        };
        let found = read_at(ctx.log(), &letter).await;
        let message = found.header("__dlq.errors.message").expect("a text");
        assert!(long.starts_with(message), "{message}");
        assert!((1021..=1024).contains(&message.len()), "{}", message.len());
        ctx.shutdown().await.expect("it ends");
    }

    async fn a_record_that_was_a_letter_before_keeps_its_first_origin_and_goes_on_counting(case: Case) {
        let ctx = case.start().await;
        let given = Given::new(Some(b"k"), Some(b"v"))
            .header("own", "1")
            .header("__dlq.errors.topic", "first")
            .header("__dlq.errors.partition", "5")
            .header("__dlq.errors.offset", "42")
            .header("__dlq.errors.timestamp", "1700000000000")
            .header("__dlq.errors.delivery.count", "2")
            .header("__dlq.errors.class", "old")
            .header("__dlq.errors.message", "old")
            .header("__dlq.replays", "1")
            .header("__dlq.later.version", "x");
        let (_, letter) = fail(&ctx, &case, &given, "new").await;
        let found = read_at(ctx.log(), &letter).await;
        for (name, value) in [
            ("__dlq.errors.topic", "first"),
            ("__dlq.errors.partition", "5"),
            ("__dlq.errors.offset", "42"),
            ("__dlq.errors.timestamp", "1700000000000"),
            ("__dlq.errors.delivery.count", "5"),
            ("__dlq.errors.class", "new"),
            ("__dlq.errors.message", "no stock"),
            ("__dlq.replays", "1"),
            ("__dlq.later.version", "x"),
        ] {
            let all: Vec<&str> = found.ours().into_iter().filter(|(one, _)| *one == name).map(|(_, value)| value).collect();
            assert_eq!(all, [value], "{name} once");
        }
        assert_eq!(found.headers[0].0, "own");
        assert_eq!(found.header("__dlq.errors.timestamp.type"), None, "the first origin's is not known");
        ctx.shutdown().await.expect("it ends");
    }

    async fn nothing_read_from_the_dead_letters_goes_there_again(case: Case) {
        let ctx = case.start().await;
        let (_, letter) = fail(&ctx, &case, &Given::new(None, Some(b"x")), "c").await;
        let fetched = fetched(ctx.log(), &letter.topic, letter.partition, letter.offset).await;
        let record = fetched.records().next().expect("the letter");
        let failed = Failed {
            entity: "Order",
            group: "g",
            topic: &letter.topic,
            partition: letter.partition,
            record,
            stage: Stage::Handler,
            class: "c",
            message: "m",
            attempts: 1,
        };
        let error = ctx.dead_letters().write_failed(&failed).await.expect_err("for ever");
        assert!(matches!(&error, Error::Log(LogError::InvalidRecord { .. })), "{error:?}");
        assert!(error.to_string().contains("read again for ever"), "{error}");
        let offsets = ctx.log().offsets(&letter.topic, 0).await.expect("offsets");
        assert_eq!(offsets.end, 1);
        ctx.shutdown().await.expect("it ends");
    }

    async fn a_letter_that_cannot_be_written_is_an_error_and_is_not_counted(case: Case) {
        let ctx = case.start().await;
        let (at, _) = fail(&ctx, &case, &Given::new(None, Some(b"x")), "c").await;
        let fetched = fetched(ctx.log(), &at.topic, at.partition, at.offset).await;
        ctx.log().close().await.expect("closed");
        let failed = Failed {
            entity: "Order",
            group: "g",
            topic: &at.topic,
            partition: at.partition,
            record: fetched.records().next().expect("a record"),
            stage: Stage::ValueDecode,
            class: "c",
            message: "m",
            attempts: 1,
        };
        let error = ctx.dead_letters().write_failed(&failed).await.expect_err("the log is closed");
        assert!(matches!(error, Error::Log(LogError::Closed)), "{error:?}");
        let written = ctx.dead_letters().written();
        assert_eq!(written.iter().map(|one| one.count).sum::<u64>(), 1);
    }

    async fn an_entity_is_given_by_hand_as_add_would_write_it(case: Case) {
        let ctx = case.start().await;
        let set = ctx.set::<crate::Order>();
        let written = set.send_to_dlq(&order(7), "it looks odd", "fraud.suspected").await.expect("written");
        let Written::Acknowledged(letter) = written else {
            panic!("nobody declines");
        };
        let receipt = set.add(order(7)).await.expect("added");
        let (letter, added) = (read_at(ctx.log(), &letter).await, read_at(ctx.log(), &receipt).await);
        assert_eq!((&letter.key, &letter.value), (&added.key, &added.value));
        let partition = receipt.partition.to_string();
        for (name, value) in [
            ("__dlq.errors.topic", case.name("orders").as_str()),
            ("__dlq.errors.partition", &partition),
            ("__dlq.errors.offset", "-1"),
            ("__dlq.errors.group", "shop"),
            ("__dlq.errors.entity", "Order"),
            ("__dlq.errors.stage", "handler"),
            ("__dlq.errors.class", "fraud.suspected"),
            ("__dlq.errors.message", "it looks odd"),
            ("__dlq.errors.delivery.count", "1"),
        ] {
            assert_eq!(letter.header(name), Some(value), "{name}");
        }
        set.send_to_dlq(&order(8), "odd too", "").await.expect("written");
        let letters = ctx.dead_letters();
        let last = letters.list(&ksql_runtime::dlq::LetterFilter::default().class("handler.error")).await.expect("a list");
        assert_eq!(last.len(), 1);
        assert_eq!((last[0].offset, last[0].defects.len()), (None, 0));

        let mut wrong = order(9);
        wrong.note = Some("too long for it".to_owned());
        let error = set.send_to_dlq(&wrong, "e", "r").await.expect_err("it cannot be encoded");
        assert!(matches!(error, Error::Value { .. }), "{error:?}");
        assert_eq!(letters.status().await.expect("a status").letters, 2);
        ctx.shutdown().await.expect("it ends");
    }
}
