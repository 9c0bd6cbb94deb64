//! What only a broker does: it gives letters the time of their arrival, and refuses what is too large.

use ksql_runtime::dlq::Written;
use ksql_runtime::error::Error;
use ksql_runtime::log::LogError;
use ksql_runtime_tests::test_name;
use rdkafka::admin::{
    AdminClient, AdminOptions, NewTopic, OwnedResourceSpecifier, ResourceSpecifier,
    TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;

use crate::{Case, Given, fail_at, fetched, read_at};

fn admin(case: &Case) -> AdminClient<DefaultClientContext> {
    let (bootstrap, _) = case.servers.as_ref().expect("a cluster");
    ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .create()
        .expect("an admin client")
}

/// A setting of a topic.
async fn setting(case: &Case, topic: &str, name: &str) -> String {
    let described = admin(case)
        .describe_configs(&[ResourceSpecifier::Topic(topic)], &AdminOptions::new())
        .await
        .expect("described");
    let resource = described.into_iter().next().expect("one").expect("known");
    assert_eq!(
        resource.specifier,
        OwnedResourceSpecifier::Topic(topic.to_owned())
    );
    let entry = resource.get(name).expect("a setting");
    entry.value.clone().expect("a value")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_broker_stamps_letters_and_a_letter_says_what_its_record_was_stamped_by() {
    let Some(case) = Case::kafka(test_name!()) else {
        return;
    };
    let ctx = case.start().await;
    let stamped = async |topic: &str| setting(&case, topic, "message.timestamp.type").await;
    assert_eq!(stamped(&case.letters()).await, "LogAppendTime");
    assert_eq!(stamped(&case.name("orders")).await, "CreateTime");
    // The topic that a letter makes again is no other.
    ctx.log()
        .delete_topic(&case.letters())
        .await
        .expect("deleted");
    let at = Given::new(None, Some(b"x"))
        .produce(ctx.log(), &case.name("orders"), 1_000)
        .await;
    let Written::Acknowledged(letter) = fail_at(&ctx, &at, "c", "m").await else {
        panic!("nobody declines");
    };
    assert_eq!(stamped(&case.letters()).await, "LogAppendTime");
    let found = read_at(ctx.log(), &letter).await;
    assert_eq!(found.header("__dlq.errors.timestamp"), Some("1000"));
    assert!(found.timestamp > 1_700_000_000_000, "{}", found.timestamp);

    let topic = case.name("stamped");
    let new = NewTopic::new(&topic, 1, TopicReplication::Fixed(1))
        .set("message.timestamp.type", "LogAppendTime");
    let made = admin(&case)
        .create_topics(&[new], &AdminOptions::new())
        .await;
    made.expect("asked")[0].as_ref().expect("made");
    let at = Given::new(None, Some(b"x"))
        .produce(ctx.log(), &topic, 1_000)
        .await;
    let Written::Acknowledged(letter) = fail_at(&ctx, &at, "c", "m").await else {
        panic!("nobody declines");
    };
    let found = read_at(ctx.log(), &letter).await;
    assert_eq!(
        found.header("__dlq.errors.timestamp.type"),
        Some("LogAppendTime")
    );
    ctx.shutdown().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_refused_for_its_size_is_sent_without_what_it_can_do_without_or_is_an_error() {
    let Some(case) = Case::kafka(test_name!()) else {
        return;
    };
    let topic = case.letters();
    let new = NewTopic::new(&topic, 1, TopicReplication::Fixed(1)).set("max.message.bytes", "1900");
    let made = admin(&case)
        .create_topics(&[new], &AdminOptions::new())
        .await;
    made.expect("asked")[0].as_ref().expect("made");
    let ctx = case.start().await;
    // Batches are compressed: what repeats takes no room.
    let noise = |bytes: usize| {
        let uuid = |_| uuid::Uuid::new_v4().simple().to_string();
        let mut text: String = (0..=bytes / 32).map(uuid).collect();
        text.truncate(bytes);
        text
    };
    let message = noise(1024);
    let given = async |bytes: usize| {
        Given::new(Some(b"k"), Some(noise(bytes).as_bytes()))
            .header("own", "1")
            .produce(ctx.log(), &case.name("orders"), case.clock.now_ms())
            .await
    };
    // With everything.
    let Written::Acknowledged(letter) = fail_at(&ctx, &given(10).await, "c", &message).await else {
        panic!("nobody declines");
    };
    let whole = read_at(ctx.log(), &letter).await;
    assert_eq!(whole.header("__dlq.errors.message"), Some(message.as_str()));
    // Without the text and who wrote it; the record is whole, and so is where it comes from.
    let at = given(1000).await;
    let Written::Acknowledged(letter) = fail_at(&ctx, &at, "c", &message).await else {
        panic!("nobody declines");
    };
    let found = read_at(ctx.log(), &letter).await;
    assert_eq!(found.value, read_at(ctx.log(), &at).await.value);
    assert_eq!(found.headers[0], ("own".to_owned(), Some(b"1".to_vec())));
    let names = |found: &crate::Found| -> Vec<String> {
        let ours = found.ours().into_iter();
        ours.map(|(name, _)| name.trim_start_matches("__dlq.errors.").to_owned())
            .collect()
    };
    let mut left = names(&whole);
    left.retain(|name| !["message", "source"].contains(&name.as_str()));
    assert_eq!(names(&found), left);
    assert_eq!(
        found.header("__dlq.errors.offset"),
        Some(at.offset.to_string().as_str())
    );
    let shown = ctx.dead_letters().get(crate::id(&letter)).await;
    assert_eq!(shown.expect("the letter").defects, []);
    // Too large whatever is left out: nothing is written, and nothing said to be.
    let at = given(6000).await;
    let fetched = fetched(ctx.log(), &at.topic, at.partition, at.offset).await;
    let failed = ksql_runtime::dlq::Failed {
        entity: "Order",
        group: "g",
        topic: &at.topic,
        partition: at.partition,
        record: fetched.records().next().expect("a record"),
        stage: ksql_runtime::dlq::Stage::Handler,
        class: "c",
        message: "m",
        attempts: 1,
    };
    let error = ctx.dead_letters().write_failed(&failed).await;
    let error = error.expect_err("too large");
    assert!(
        matches!(&error, Error::Log(LogError::TooLarge { topic: of, .. }) if *of == topic),
        "{error:?}"
    );
    assert!(error.to_string().contains("max.message.bytes"), "{error}");
    let status = ctx.dead_letters().status().await.expect("a status");
    assert_eq!(status.letters, 2);
    ctx.shutdown().await.expect("it ends");
}
