//! The topic of the letters: created at start, as it is set, and made again where somebody removed it.

use ksql_runtime::config::ConfigError;
use ksql_runtime::context::plan::{Action, Part};
use ksql_runtime::dlq::LetterFilter;
use ksql_runtime::error::Error;
use ksql_runtime::log::LogError;

use crate::{Given, fail, started, with_topic};

crate::on_each_log! {
    async fn the_topic_is_there_after_start_and_in_the_plan_before(case: Case) {
        let builder = case.builder();
        let step = |plan: &ksql_runtime::context::plan::Plan| {
            let step = plan.steps.iter().find(|step| step.name == case.letters());
            let step = step.expect("a step");
            assert_eq!((step.part, step.entity), (Part::Topic, "(dead letters)"));
            step.action.clone()
        };
        let plan = builder.plan().await.expect("a plan");
        assert_eq!(step(&plan), Action::Create);
        let ctx = started(builder).await;
        let topic = ctx.log().describe(&case.letters()).await.expect("the topic");
        assert_eq!(topic.partitions, 1);
        assert_eq!(topic.spec.retention_ms, Some(14 * 24 * 60 * 60 * 1000));
        let plan = ctx.plan().await.expect("a plan");
        assert_eq!(step(&plan), Action::Keep);
        assert!(plan.is_unchanged(), "{plan}");
        assert_eq!(ctx.dead_letters().status().await.expect("a status").letters, 0);
        ctx.shutdown().await.expect("it ends");
    }

    async fn name_partitions_and_retention_are_settings(case: Case) {
        let builder = case.builder()
            .setting("dlq_topic", "poison")
            .setting("dlq_partitions", "3")
            .setting("dlq_retention", "2d");
        let ctx = started(builder).await;
        let topic = ctx.log().describe(&case.name("poison")).await.expect("the topic");
        assert_eq!(topic.partitions, 3);
        assert_eq!(topic.spec.retention_ms, Some(2 * 24 * 60 * 60 * 1000));
        let missing = ctx.log().describe(&case.letters()).await;
        assert!(matches!(missing, Err(LogError::UnknownTopic { .. })), "{missing:?}");
        let (_, letter) = fail(&ctx, &case, &Given::new(None, Some(b"x")), "c").await;
        assert_eq!(*letter.topic, *case.name("poison"));
        ctx.shutdown().await.expect("it ends");
    }

    async fn letters_lie_in_the_partition_of_their_records_as_far_as_there_are_partitions(case: Case) {
        let ctx = started(case.builder().setting("dlq_partitions", "3")).await;
        for partition in [0, 1, 2, 3, 3, 0] {
            let given = Given::new(Some(b"k"), Some(b"v")).at(partition);
            let (_, letter) = fail(&ctx, &case, &given, "c").await;
            assert_eq!(letter.partition, partition % 3, "of {partition}");
        }
        ctx.shutdown().await.expect("it ends");
    }

    async fn a_topic_with_other_partitions_is_used_as_it_is(case: Case) {
        let ctx = started(case.builder().setting("dlq_partitions", "2")).await;
        ctx.shutdown().await.expect("it ends");
        let ctx = case.start().await;
        let (_, letter) = fail(&ctx, &case, &Given::new(None, Some(b"x")).at(3), "c").await;
        assert_eq!(letter.partition, 1);
        assert!(ctx.plan().await.expect("a plan").is_unchanged());
        ctx.shutdown().await.expect("it ends");
    }

    async fn a_topic_that_was_removed_is_made_again_by_the_next_letter(case: Case) {
        let ctx = case.start().await;
        let letters = ctx.dead_letters();
        fail(&ctx, &case, &Given::new(None, Some(b"a")), "a").await;
        assert_eq!(letters.status().await.expect("a status").letters, 1);
        ctx.log().delete_topic(&case.letters()).await.expect("deleted");
        assert_eq!(letters.status().await.expect("a status").letters, 0);
        assert_eq!(letters.list(&LetterFilter::default()).await.expect("a list"), []);
        let (_, letter) = fail(&ctx, &case, &Given::new(None, Some(b"b")), "b").await;
        assert_eq!(letter.offset, 0);
        let listed = letters.list(&LetterFilter::default()).await.expect("a list");
        assert_eq!(listed.len(), 1, "of the new topic alone");
        assert_eq!(listed[0].class.as_deref(), Some("b"));
        ctx.shutdown().await.expect("it ends");
    }

    async fn letters_are_there_after_a_restart(case: Case) {
        let ctx = case.start().await;
        let (_, letter) = fail(&ctx, &case, &Given::new(Some(b"k"), Some(b"v")), "c").await;
        ctx.shutdown().await.expect("it ends");
        let ctx = case.start().await;
        let found = ctx.dead_letters().get(crate::id(&letter)).await.expect("the letter");
        assert_eq!(found.value.as_deref(), Some(&b"v"[..]));
        with_topic(&ctx, &case.name("other"), 1).await;
        ctx.shutdown().await.expect("it ends");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_have_a_topic_of_their_own() {
    let case = crate::Case::embedded();
    let refused = case.builder().setting("dlq_topic", "orders").start().await;
    let error = refused.expect_err("the topic of orders");
    assert!(
        matches!(&error, Error::Config(ConfigError::Contradiction { .. })),
        "{error:?}"
    );
    let told = error.to_string();
    assert!(
        told.contains("`Order`") && told.contains("name another one"),
        "{told}"
    );
    let refused = case.builder().setting("dlq_topic", "a b").start().await;
    let error = refused.expect_err("no topic's name");
    assert!(error.to_string().contains("dlq_topic"), "{error}");
}
