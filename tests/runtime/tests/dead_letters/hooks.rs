//! What a program chooses: which headers are kept, which records become letters.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ksql_runtime::consume::{OnDecodeError, OnError, Records as _, Start};
use ksql_runtime::dlq::{DeadLetterOptions, LetterFilter, Stage, Written};
use ksql_runtime_tests::consuming::{committed, reaches};

use crate::{Given, encoded, fail, fail_at, order, read_at, started};

crate::on_each_log! {
    async fn only_listed_and_short_headers_are_kept_and_the_letter_says_how_many_are_not(case: Case) {
        let options = DeadLetterOptions::default()
            .keep_headers(["trace", "large"])
            .longest_header(4)
            .longest_message(5);
        let ctx = started(case.builder().dead_letters(options)).await;
        let given = Given::new(Some(b"k"), Some(b"a long value is kept whole"))
            .header("trace", "1234")
            .header("large", "12345")
            .header("secret", "x")
            .header("__dlq.replays", "2");
        let (_, letter) = fail(&ctx, &case, &given, "c").await;
        let found = read_at(ctx.log(), &letter).await;
        let own: Vec<&str> = found.headers.iter().map(|(name, _)| name.as_str()).filter(|name| !name.starts_with("__dlq.errors.")).collect();
        assert_eq!(own, ["trace", "__dlq.replays"], "what ends a loop is always kept");
        assert_eq!(found.header("__dlq.errors.headers.left.out"), Some("2"));
        assert_eq!(found.header("__dlq.errors.message"), Some("no st"));
        assert_eq!(found.value, given.value);
        let letter = ctx.dead_letters().get(crate::id(&letter)).await.expect("the letter");
        assert_eq!((letter.headers_left_out, letter.replays), (2, 2));
        ctx.shutdown().await.expect("it ends");
    }

    async fn without_a_message_there_is_no_header_for_one(case: Case) {
        let ctx = started(case.builder().dead_letters(DeadLetterOptions::default().longest_message(0))).await;
        let (_, letter) = fail(&ctx, &case, &Given::new(None, Some(b"x")), "c").await;
        assert_eq!(read_at(ctx.log(), &letter).await.header("__dlq.errors.message"), None);
        let letter = ctx.dead_letters().get(crate::id(&letter)).await.expect("the letter");
        assert_eq!((letter.message, letter.defects), (None, Vec::new()));
        ctx.shutdown().await.expect("it ends");
    }

    async fn what_the_program_declines_is_no_letter(case: Case) {
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let told = Arc::clone(&seen);
        let options = DeadLetterOptions::default().should_send(move |record| {
            assert_eq!((record.entity, record.group, record.stage, record.attempts), ("Order", "shop_Order", Stage::Handler, 3));
            assert_eq!((record.message, record.headers.last("own")), ("no stock", Some(&b"1"[..])));
            told.lock().expect("a lock").push(format!("{:?} {} {}", record.key, record.class, record.offset));
            record.value != Some(b"secret")
        });
        let ctx = started(case.builder().dead_letters(options)).await;
        for value in [&b"secret"[..], b"open"] {
            let given = Given::new(Some(b"k"), Some(value)).header("own", "1").at(0);
            let at = given.produce(ctx.log(), &case.name("orders"), case.clock.now_ms()).await;
            let written = fail_at(&ctx, &at, "c", "no stock").await;
            assert_eq!(matches!(written, Written::Declined), value == b"secret");
        }
        assert_eq!(*seen.lock().expect("a lock"), ["Some([107]) c 0", "Some([107]) c 1"]);
        let listed = ctx.dead_letters().list(&LetterFilter::default()).await.expect("a list");
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].value.as_deref(), Some(&b"open"[..]));
        assert_eq!(ctx.dead_letters().status().await.expect("a status").declined, 1);
        ctx.shutdown().await.expect("it ends");
    }

    async fn a_consumer_asks_once_for_each_record_and_skips_what_is_declined(case: Case) {
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let told = Arc::clone(&asked);
        let options = DeadLetterOptions::default().should_send(move |record| {
            let (at, stage, class) = (record.offset, record.stage.as_str(), record.class);
            let line = format!("{at} {} {} {stage} {class} {}", record.entity, record.group, record.attempts);
            told.lock().expect("a lock").push(line);
            record.headers.last("private").is_none()
        });
        let ctx = started(case.builder().dead_letters(options)).await;
        let topic = case.name("orders");
        let private = |given: Given| given.header("private", "1");
        let of = async |id| encoded(&ctx, &case, &order(id)).await;
        let (open, last) = (of(1).await, of(4).await);
        let none = Given::new(open.key.as_deref(), Some(b"no order"));
        for given in [open.clone(), private(of(2).await), private(none), last] {
            given.at(0).produce(ctx.log(), &topic, case.clock.now_ms()).await;
        }
        let subscription = ctx
            .set::<crate::Order>()
            .consume()
            .group("clerks")
            .start(Start::Earliest)
            .with_retry(2, Duration::from_millis(1))
            .on_error(OnError::Dlq)
            .on_decode_error(OnDecodeError::Dlq)
            .for_each(|order| async move {
                if order.id == 4 { Ok(()) } else { Err(std::io::Error::other("no stock")) }
            })
            .start()
            .await
            .expect("it starts");
        let status = reaches(&subscription, "the commit of all", |status| {
            status.partitions.iter().any(|one| (one.partition, one.committed) == (0, Some(4)))
        }).await;
        assert_eq!(*asked.lock().expect("a lock"), [
            "0 Order clerks handler handler.error 2",
            "1 Order clerks handler handler.error 2",
            "2 Order clerks value-decode value.decode 1",
        ]);
        let counters = status.counters;
        assert_eq!((counters.handled, counters.dead_lettered, counters.skipped), (1, 1, 2));
        assert_eq!((counters.failed, counters.retried, counters.undecodable), (4, 2, 1));
        let letters = ctx.dead_letters();
        let listed = letters.list(&LetterFilter::default()).await.expect("a list");
        assert_eq!(listed.iter().map(|letter| (letter.offset, &letter.value)).collect::<Vec<_>>(), [(Some(0), &open.value)]);
        assert_eq!(letters.status().await.expect("a status").declined, 2);
        subscription.stop().await.expect("it ends");
        assert_eq!(committed(&ctx, "clerks", &topic).await[0], Some(4));
        ctx.shutdown().await.expect("it ends");
    }

    async fn a_hook_that_panics_has_not_said_no(case: Case) {
        let options = DeadLetterOptions::default().should_send(|_| panic!("a defect of the program"));
        let ctx = started(case.builder().dead_letters(options)).await;
        fail(&ctx, &case, &Given::new(None, Some(b"x")), "c").await;
        assert_eq!(ctx.dead_letters().status().await.expect("a status").letters, 1);
        ctx.shutdown().await.expect("it ends");
    }

    async fn a_sample_is_about_its_share_and_decides_alike_each_time(case: Case) {
        let asked = Arc::new(AtomicU32::new(0));
        let hook = Arc::clone(&asked);
        let options = DeadLetterOptions::default().sample(0.5).should_send(move |_| {
            hook.fetch_add(1, Ordering::Relaxed);
            true
        });
        let ctx = started(case.builder().dead_letters(options)).await;
        let mut kept = 0;
        for n in 0..200 {
            let given = Given::new(None, Some(b"x")).at(n % 4);
            let at = given.produce(ctx.log(), &case.name("orders"), case.clock.now_ms()).await;
            let first = fail_at(&ctx, &at, "c", "m").await == Written::Declined;
            if n < 20 {
                let again = fail_at(&ctx, &at, "c", "m").await == Written::Declined;
                assert_eq!(first, again, "the same record");
            }
            kept += u32::from(!first);
        }
        // A share of a half is between a third and two thirds, but once in a million.
        assert!((66..=134).contains(&kept), "{kept} of 200");
        assert!(asked.load(Ordering::Relaxed) >= kept, "the hook is asked about those of the sample");
        ctx.shutdown().await.expect("it ends");
    }

    async fn nothing_is_sampled_unless_asked_for_and_a_share_of_nothing_sends_nothing(case: Case) {
        let ctx = case.start().await;
        for _ in 0..50 {
            fail(&ctx, &case, &Given::new(None, Some(b"x")), "c").await;
        }
        assert_eq!(ctx.dead_letters().status().await.expect("a status").letters, 50);
        ctx.shutdown().await.expect("it ends");
        let ctx = started(case.builder().dead_letters(DeadLetterOptions::default().sample(0.0))).await;
        for _ in 0..20 {
            let given = Given::new(None, Some(b"x"));
            let at = given.produce(ctx.log(), &case.name("orders"), case.clock.now_ms()).await;
            assert_eq!(fail_at(&ctx, &at, "c", "m").await, Written::Declined);
        }
        assert_eq!(ctx.dead_letters().status().await.expect("a status").letters, 50);
        ctx.shutdown().await.expect("it ends");
    }
}
