//! Letters as they are listed: selected, ordered, counted, and whatever others wrote.

use ksql_runtime::dlq::{DeadLetterError, LetterDefect, LetterFilter, ReplayOptions, Stage};
use ksql_runtime::error::Error;
use ksql_runtime::prelude::*;

use crate::{Given, fail, fail_at, id, started, with_topic};

fn values(letters: &[ksql_runtime::dlq::DeadLetter]) -> Vec<&str> {
    letters
        .iter()
        .map(|letter| std::str::from_utf8(letter.value.as_deref().unwrap_or_default()))
        .collect::<Result<_, _>>()
        .expect("texts")
}

crate::on_each_log! {
    async fn letters_are_selected_by_what_they_say_and_come_last_first(case: Case) {
        let ctx = started(case.builder().setting("dlq_partitions", "3")).await;
        let begun = case.clock.now_ms();
        for n in 0..6_i32 {
            case.clock.advance(1_000);
            let value = n.to_string();
            let class = if n % 2 == 0 { "even" } else { "odd" };
            fail(&ctx, &case, &Given::new(None, Some(value.as_bytes())).at(n % 4), class).await;
        }
        let letters = ctx.dead_letters();
        let list = async |filter: LetterFilter| {
            let listed = letters.list(&filter).await.expect("a list");
            values(&listed).join(" ")
        };
        let all = LetterFilter::default();
        let time = |second: i64| DateTime::from_timestamp_millis(begun + second * 1_000).expect("a time");
        assert_eq!(list(all.clone()).await, "5 4 3 2 1 0");
        assert_eq!(list(all.clone().limit(2)).await, "5 4");
        assert_eq!(list(all.clone().class("even")).await, "4 2 0");
        assert_eq!(list(all.clone().class("even").limit(1)).await, "4");
        assert_eq!(list(all.clone().class("none")).await, "");
        assert_eq!(list(all.clone().since(time(3)).until(time(5))).await, "3 2");
        assert_eq!(list(all.clone().since(time(5)).class("odd")).await, "5");
        assert_eq!(list(all.clone().entity("Order")).await, "5 4 3 2 1 0");
        assert_eq!(list(all.clone().entity("Ord")).await, "");
        assert_eq!(list(all.clone().group("shop_Order").stage(Stage::Handler)).await, "5 4 3 2 1 0");
        assert_eq!(list(all.clone().stage(Stage::Late)).await, "");
        assert_eq!(list(all.clone().topic(case.name("orders"))).await, "5 4 3 2 1 0");
        assert_eq!(list(all.clone().topic("orders of others")).await, "");
        // Partitions 0 1 2 0 0 1, of which 3 of 4 lies in 0.
        assert_eq!(list(all.clone().by_offset()).await, "0 3 4 1 5 2");
        assert_eq!(list(all.clone().by_offset().limit(3).class("odd")).await, "3 1 5");
        assert_eq!(list(all.limit(0)).await, "");
        ctx.shutdown().await.expect("it ends");
    }

    async fn a_window_is_its_entitys(case: Case) {
        let ctx = case.start().await;
        let topic = case.letters();
        for entity in ["Order/5min", "Orders", "Order"] {
            Given::new(None, Some(entity.as_bytes())).header("__dlq.errors.entity", entity)
                .produce(ctx.log(), &topic, case.clock.now_ms()).await;
        }
        let letters = ctx.dead_letters();
        let listed = letters.list(&LetterFilter::default().entity("Order").by_offset()).await.expect("a list");
        assert_eq!(values(&listed), ["Order/5min", "Order"]);
        let listed = letters.list(&LetterFilter::default().entity("Order/5min")).await.expect("a list");
        assert_eq!(values(&listed), ["Order/5min"]);
        ctx.shutdown().await.expect("it ends");
    }

    async fn a_letter_of_another_version_is_shown_with_what_is_missing_and_what_is_unknown(case: Case) {
        let ctx = case.start().await;
        let letters = ctx.dead_letters();
        let topic = case.letters();
        let at = case.clock.now_ms();
        // An older version: fewer headers.
        let old = Given::new(Some(b"k"), Some(b"v"))
            .header("own", "1")
            .header("__dlq.errors.topic", &case.name("orders"))
            .header("__dlq.errors.partition", "0")
            .header("__dlq.errors.offset", "3")
            .header("__dlq.errors.message", "it failed");
        let letter = old.produce(ctx.log(), &topic, at).await;
        let found = letters.get(id(&letter)).await.expect("the letter");
        let missing: Vec<&str> = found.defects.iter().map(|defect| defect.header).collect();
        assert_eq!(missing, [
            "__dlq.errors.timestamp",
            "__dlq.errors.failed.at",
            "__dlq.errors.group",
            "__dlq.errors.entity",
            "__dlq.errors.stage",
            "__dlq.errors.class",
            "__dlq.errors.delivery.count",
        ]);
        assert_eq!(found.defects[0].to_string(), "`__dlq.errors.timestamp` is missing");
        assert_eq!((found.offset, found.class.clone(), found.attempts), (Some(3), None, None));
        assert_eq!(found.headers, [("own".to_owned(), Some(b"1".to_vec()))]);
        assert!(found.failed_at > 0, "the time of its arrival");
        letters.show(id(&letter)).await.expect("shown");

        // A newer one, and one that writes numbers in binary.
        let mut other = Given::new(None, Some(b"v"))
            .header("__dlq.errors.topic", &case.name("orders"))
            .header("__dlq.errors.cause", "unknown here")
            .header("__dlq.errors.stage", "a stage of later")
            .header("__dlq.errors.partition", "many")
            .header("__dlq.errors.delivery.count", "-1");
        other.headers.push(("__dlq.errors.offset".to_owned(), Some(3_i64.to_be_bytes().to_vec())));
        other.headers.push(("__dlq.errors.class".to_owned(), Some(b"\xff".to_vec())));
        other.headers.push(("__dlq.errors.group".to_owned(), None));
        let letter = other.produce(ctx.log(), &topic, at).await;
        let found = letters.get(id(&letter)).await.expect("the letter");
        assert_eq!(found.unknown, [("__dlq.errors.cause".to_owned(), Some(b"unknown here".to_vec()))]);
        assert_eq!((found.stage.as_deref(), found.stage()), (Some("a stage of later"), None));
        let unread: Vec<String> = found.defects.iter().filter(|defect| defect.found.is_some()).map(LetterDefect::to_string).collect();
        assert_eq!(unread, [
            "`__dlq.errors.partition` cannot be read: it is `many`",
            "`__dlq.errors.offset` cannot be read: it is `\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x03`",
            "`__dlq.errors.class` cannot be read: it is `\\xff`",
            "`__dlq.errors.delivery.count` cannot be read: it is `-1`",
        ]);
        letters.show(id(&letter)).await.expect("shown");

        // Somebody else's, with nothing at all.
        let letter = Given::new(None, None).produce(ctx.log(), &topic, at).await;
        let found = letters.get(id(&letter)).await.expect("the letter");
        assert_eq!(found.defects.len(), 10);
        let json = found.to_json();
        assert_eq!(json["defects"].as_array().map(Vec::len), Some(10));
        let report = letters.replay([id(&letter)], &ReplayOptions::default()).await.expect("a report");
        assert!(matches!(report.refused[..], [(_, DeadLetterError::NoOrigin { .. })]), "{report:?}");
        assert!(report.refused[0].1.to_string().contains("does not say which topic"), "{report:?}");

        assert_eq!(letters.list(&LetterFilter::default()).await.expect("a list").len(), 3);
        assert_eq!(letters.status().await.expect("a status").letters, 3);
        ctx.shutdown().await.expect("it ends");
    }

    async fn a_letter_that_is_not_there_is_an_error_that_says_what_is(case: Case) {
        let ctx = case.start().await;
        let letters = ctx.dead_letters();
        fail(&ctx, &case, &Given::new(None, Some(b"x")), "c").await;
        for (partition, offset) in [(0, 1), (0, -1), (7, 0)] {
            let error = letters.get((partition, offset)).await.expect_err("no letter");
            assert!(matches!(&error, Error::DeadLetter(DeadLetterError::NotThere { .. })), "{error:?}");
            let told = error.to_string();
            assert!(told.contains(&format!("no dead letter {partition}/{offset}")), "{told}");
            assert!(letters.show((partition, offset)).await.is_err());
        }
        let error = letters.get((0, 1)).await.expect_err("no letter");
        assert!(error.to_string().contains("holds offsets 0 to 1"), "{error}");
        ctx.shutdown().await.expect("it ends");
    }

    async fn the_status_counts_letters_and_shows_the_one_that_failed_last(case: Case) {
        let ctx = case.start().await;
        let letters = ctx.dead_letters();
        let status = letters.status().await.expect("a status");
        assert_eq!((status.letters, status.replayed, status.last), (0, 0, None));
        assert_eq!(status.topic, case.letters());
        for class in ["a", "b", "b"] {
            case.clock.advance(10);
            fail(&ctx, &case, &Given::new(None, Some(class.as_bytes())), class).await;
        }
        let status = letters.status().await.expect("a status");
        assert_eq!(status.letters, 3);
        let last = status.last.clone().expect("a letter");
        assert_eq!((last.class.as_deref(), last.failed_at), (Some("b"), case.clock.now_ms()));
        let written: Vec<_> = status.written.iter().map(|one| (one.entity.as_str(), one.stage, one.class.as_str(), one.count)).collect();
        assert_eq!(written, [("Order", Stage::Handler, "a", 1), ("Order", Stage::Handler, "b", 2)]);

        let json = status.to_json();
        assert_eq!((&json["letters"], &json["last"]["class"]), (&3.into(), &"b".into()));
        assert_eq!(json["written"][1]["count"], 2);
        assert_eq!(letters.written(), status.written);

        // What another program wrote is counted, and is not this one's.
        Given::new(None, None).produce(ctx.log(), &case.letters(), case.clock.now_ms()).await;
        let status = letters.status().await.expect("a status");
        assert_eq!((status.letters, status.written.len()), (4, 2));

        // The letter stays when its topic goes.
        let topic = case.name("soon gone");
        let topic = topic.replace(' ', "-");
        with_topic(&ctx, &topic, 1).await;
        let at = Given::new(None, Some(b"y")).produce(ctx.log(), &topic, case.clock.now_ms()).await;
        fail_at(&ctx, &at, "d", "m").await;
        ctx.log().delete_topic(&topic).await.expect("deleted");
        assert_eq!(letters.status().await.expect("a status").letters, 5);
        ctx.shutdown().await.expect("it ends");
    }
}
