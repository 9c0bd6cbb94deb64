//! Who may do what: credentials that reach every client, refusals that name the step, the entity, the thing and the
//! right, and secrets that are never shown.

use std::sync::OnceLock;
use std::time::Duration;

use ksql_runtime::consume::{Outcome, Start};
use ksql_runtime::dlq::LetterFilter;
use ksql_runtime::log::{KafkaLog, KafkaOptions, Log, Record, TopicSpec};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::consuming::reaches;
use ksql_runtime_tests::http_server::{Play, Request, TestServer};
use ksql_runtime_tests::owners::{Large, Order, large};
use ksql_runtime_tests::servers::{self, Kafka, Skip};
use ksql_runtime_tests::shop::{Rate, Trade, rate};
use ksql_runtime_tests::test_name;

use crate::ksqldb_server::KsqlDbServer;
use crate::permissions::{give, reason};
use crate::{Place, exactly, forward, on, plan_of, started};

/// The one password and token of all.
const SECRET: &str = "hunter2-s3cret";

/// A place on a broker of these tests, which lets nobody in without a password.
struct Guarded {
    place: Place,
    kafka: &'static Kafka,
}

impl Guarded {
    fn new(test: &str) -> Option<Guarded> {
        static KAFKA: OnceLock<Result<Kafka, Skip>> = OnceLock::new();
        let place = Place::new(test)?;
        let kafka = KAFKA.get_or_init(|| {
            let users = ["nobody", "reader", "shop", "changer", "querier", "consumer"];
            let options = users
                .iter()
                .fold(servers::KafkaOptions::new(), |options, user| {
                    options.user(user, SECRET)
                });
            Kafka::start_with(options)
        });
        match kafka {
            Ok(kafka) => Some(Guarded { place, kafka }),
            Err(skip) => servers::or_skip(test, Err(skip.clone())),
        }
    }

    /// The program of a user.
    fn builder(&self, user: &str) -> ContextBuilder {
        let place = &self.place;
        let builder = on(self.kafka.bootstrap(), place.registry.url(), &place.prefix);
        let settings = self.kafka.client(user);
        settings.iter().fold(
            builder.state_dir(place.state.path()),
            |builder, (name, value)| builder.setting(format!("kafka.{name}"), value),
        )
    }

    /// Gives a user what the page names for these reasons on these topics.
    fn give(&self, user: &str, reasons: &[&str], topics: &[&str]) {
        let names: Vec<String> = topics.iter().map(|topic| self.place.name(topic)).collect();
        let resource = names.iter().flat_map(|name| ["--topic", name.as_str()]);
        give(self.kafka, user, reasons, &resource.collect::<Vec<_>>());
    }

    /// Gives a user rights on every topic of this test.
    fn allow(&self, user: &str, operations: &[&str]) {
        let topics = [
            "--topic",
            &self.place.prefix,
            "--resource-pattern-type",
            "prefixed",
        ];
        self.kafka.allow(user, operations, &topics);
    }

    /// Makes a topic as the user who may do everything.
    async fn topic(&self, spec: TopicSpec) {
        let mut options = KafkaOptions::new(self.kafka.bootstrap());
        options.client = self.kafka.client("admin");
        let log = Log::from(KafkaLog::open(options).expect("a log"));
        log.create_topic(&spec).await.expect("a topic");
        // An empty topic has nothing that must be read.
        let record = Record::new(Some(b"EUR"), None, 1);
        log.produce(&spec.name, record).await.expect("a record");
        log.close().await.expect("it ends");
    }

    /// Makes the topic of the dead letters as start would.
    async fn dead_letters(&self) {
        let topic = self.place.name("system.dlq");
        let retention = 14 * 24 * 60 * 60 * 1000;
        self.topic(TopicSpec::new(topic, 1).retention_ms(retention))
            .await;
    }

    fn told(&self, text: &str) -> String {
        self.place
            .told(text)
            .replace(self.kafka.bootstrap(), "KAFKA")
    }
}

/// The text of a start that is refused, which shows no secret.
async fn refused(builder: ContextBuilder) -> String {
    let error = builder.start().await.expect_err("it is refused");
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(SECRET), "{shown}");
    error.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_no_rights_is_told_which_one_is_missing_where() {
    let Some(guarded) = Guarded::new(test_name!()) else {
        return;
    };
    let text = refused(guarded.builder("nobody").entity::<Rate>()).await;
    assert_eq!(
        guarded.told(&text),
        "start failed at the step `create topics` for `Rate`: kafka does not allow this user to describe the topic: an ACL on \
         topic `rates` must allow it: Broker: Topic authorization failed (TopicAuthorizationFailed)"
    );

    guarded.allow("reader", &["Describe", "DescribeConfigs"]);
    let text = refused(guarded.builder("reader").entity::<Rate>()).await;
    let text = guarded.told(&text);
    exactly(
        &text,
        "start failed at the step `create topics` for `Rate`: kafka does not allow this user to create the topic: \
             an ACL on topic `rates` must allow it: Authorization failed. (TopicAuthorizationFailed)",
    );

    // The topic is there, and cannot be read.
    let spec = TopicSpec::new(guarded.place.name("rates"), 2).compacted();
    guarded.topic(spec).await;
    // So is the dead letters', which start would make.
    let text = guarded.told(&refused(guarded.builder("reader").entity::<Rate>()).await);
    exactly(
        &text,
        "start failed at the step `create topics`: kafka does not allow this user to create the topic: an ACL on \
             topic `system.dlq` must allow it: Authorization failed. (TopicAuthorizationFailed)",
    );
    guarded.dead_letters().await;
    let builder = guarded.builder("reader").entity::<Rate>();
    let text = guarded.told(&refused(builder.setting("ready_timeout", "5m")).await);
    exactly(
        &text,
        "start failed at the step `wait until tables are ready`: `Rate` cannot be read: its table of topic `rates` \
             is ERROR, lag 1: topic `rates` cannot be read: kafka does not allow this user to read: an ACL on topic \
             `rates` must allow it: Fetch from broker 1 failed: Broker: Topic authorization failed \
             (TopicAuthorizationFailed)",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn altering_a_topic_takes_a_right_of_its_own() {
    let Some(guarded) = Guarded::new(test_name!()) else {
        return;
    };
    let rights = [reason::ENTITIES];
    guarded.give("changer", &rights, &["trades"]);
    guarded.give("changer", &[reason::LETTERS], &["system.dlq"]);
    let spec = TopicSpec::new(guarded.place.name("trades"), 3);
    guarded.topic(spec).await;
    guarded.dead_letters().await;
    let program = || guarded.builder("changer").entity::<Trade>();
    let ctx = started(program()).await;
    ctx.shutdown().await.expect("reporting takes none");
    let text = guarded.told(&refused(program().setting("on_drift", "alter")).await);
    exactly(
        &text,
        "start failed at the step `create topics` for `Trade`: kafka does not allow this user to change the topic: \
             an ACL on topic `trades` must allow it: Topic authorization failed. (TopicAuthorizationFailed)",
    );
    guarded.give("changer", &[reason::ALTERED], &["trades"]);
    let ctx = started(program().setting("on_drift", "alter")).await;
    assert!(plan_of(&ctx).await.is_unchanged());
    ctx.shutdown().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rights_the_documentation_names_are_enough_and_credentials_reach_every_client() {
    let Some(guarded) = Guarded::new(test_name!()) else {
        return;
    };
    let topics = ["rates", "trades"];
    guarded.give("shop", &[reason::ENTITIES, reason::NEW], &topics);
    let letters = [reason::LETTERS, reason::NEW_LETTERS];
    guarded.give("shop", &letters, &["system.dlq"]);
    let program = || guarded.builder("shop").entity::<Rate>().entity::<Trade>();
    let plan = program().plan().await.expect("a plan");
    assert!(!plan.is_unchanged());
    for round in 0..2 {
        let ctx = started(program()).await;
        let set = ctx.set::<Rate>();
        set.add(rate("EUR", f64::from(round))).await.expect("added");
        ctx.wait_caught_up(Duration::from_secs(300))
            .await
            .expect("caught up");
        let read = set.get("EUR").await.expect("a read");
        assert_eq!(read, Some(rate("EUR", f64::from(round))));
        assert!(plan_of(&ctx).await.is_unchanged());
        let shown = format!("{ctx:?} {:?}", ctx.config());
        assert!(shown.contains("sasl.password"), "{shown}");
        assert!(!shown.contains(SECRET), "{shown}");
        ctx.shutdown().await.expect("it ends");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_runs_queries_is_told_what_the_election_needs_and_that_is_enough() {
    let Some(guarded) = Guarded::new(test_name!()) else {
        return;
    };
    let owner = "system.KsqlDsl.owner";
    let topics = ["orders", "large"];
    guarded.give("querier", &[reason::ENTITIES, reason::NEW], &topics);
    let letters = [reason::LETTERS, reason::NEW_LETTERS];
    guarded.give("querier", &letters, &["system.dlq"]);
    guarded.give("querier", &[reason::NOTES], &[owner]);
    let program = || guarded.builder("querier").query(large);
    let told = async || guarded.told(&refused(program()).await);
    exactly(
        &told().await,
        "start failed at the step `start queries`: kafka does not allow this user to elect who owns the queries: an \
             ACL on group `system.KsqlDsl.owner` (Read) must allow it: GroupAuthorizationFailed (Broker: Group \
             authorization failed)",
    );
    let name = guarded.place.name(owner);
    let group = ["--group", &name];
    give(guarded.kafka, "querier", &[reason::ELECTION], &group);
    exactly(
        &told().await,
        "start failed at the step `start queries`: kafka does not allow this user to begin as a producer of \
             transactions: an ACL on transactional id `system.KsqlDsl.owner` (Describe, Write) must allow it: Failed to \
             find transaction coordinator: sasl_plaintext://KAFKA/1: Broker: Transactional Id authorization failed: \
             Transactional Id authorization failed. (TransactionalIdAuthorizationFailed)",
    );
    let id = ["--transactional-id", &name];
    give(guarded.kafka, "querier", &[reason::WRITES], &id);
    let ctx = started(program()).await;
    let order = Order {
        id: 1,
        customer: 2,
        amount: 99,
    };
    ctx.set::<Order>().add(order).await.expect("added");
    ctx.wait_caught_up(Duration::from_secs(300))
        .await
        .expect("caught up");
    let topic = ctx.set::<Large>().topic().expect("a topic").to_owned();
    let partitions = ctx
        .log()
        .describe(&topic)
        .await
        .expect("a topic")
        .partitions;
    let from: Vec<(i32, i64)> = (0..partitions as i32).map(|at| (at, 0)).collect();
    let mut reader = ctx.log().reader(&topic, &from).expect("a reader");
    let read = tokio::task::spawn_blocking(move || {
        let mut read = 0;
        while read == 0 {
            let fetched = reader.poll(Duration::from_secs(300)).expect("a poll");
            read += fetched.expect("a result").len();
        }
        read
    });
    assert_eq!(read.await.expect("it is read"), 1);
    ctx.shutdown().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_consumes_needs_what_the_documentation_names_for_groups_and_dead_letters() {
    let Some(guarded) = Guarded::new(test_name!()) else {
        return;
    };
    let user = "consumer";
    guarded.give(user, &[reason::ENTITIES, reason::NEW], &["rates"]);
    let letters = [reason::LETTERS, reason::NEW_LETTERS, reason::AT_WORK];
    guarded.give(user, &letters, &["system.dlq"]);
    let group = ["--group", "KsqlDsl_Rate"];
    give(guarded.kafka, user, &[reason::CONSUMERS], &group);
    let ctx = started(guarded.builder(user).entity::<Rate>()).await;
    let added = ctx.set::<Rate>().add(rate("EUR", 1.0)).await;
    added.expect("added");
    let subscription = ctx
        .set::<Rate>()
        .consume()
        .start(Start::Earliest)
        .for_each(async |_: Rate| Outcome::dlq("for this test"))
        .start()
        .await
        .expect("it starts");
    reaches(&subscription, "what is read is committed", |status| {
        status.partitions.iter().any(|one| one.committed == Some(1))
    })
    .await;
    let letters = ctx.dead_letters();
    let listed = letters.list(&LetterFilter::default()).await;
    let listed = listed.expect("a list");
    assert_eq!(listed.len(), 1);
    let replayed = letters.replay([listed[0].id], &Default::default()).await;
    assert!(replayed.expect("sent again").refused.is_empty());
    let purged = letters.purge([listed[0].id]).await.expect("purged");
    assert_eq!(purged.letters, 1);
    ctx.shutdown().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_told_at_once_and_not_waited_with() {
    let Some(guarded) = Guarded::new(test_name!()) else {
        return;
    };
    let builder = guarded
        .builder("shop")
        .entity::<Rate>()
        .setting("kafka.sasl.password", format!("{SECRET}-and-wrong"))
        .setting("reach_timeout", "1h")
        .setting("request_timeout", "1h");
    let text = tokio::time::timeout(Duration::from_secs(300), refused(builder)).await;
    let text = text.expect("an error long before the hour is over");
    let text = guarded.told(&text);
    exactly(
        &text,
        "start failed at the step `reach kafka`: kafka at KAFKA refuses the credentials: check `security.protocol`, \
             `sasl.mechanism`, `sasl.username` and `sasl.password`: sasl_plaintext://KAFKA/bootstrap: SASL \
             authentication error: Authentication failed: Invalid username or password (after a while) (Authentication)",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_setting_that_kafkas_client_refuses_is_named_and_a_secret_one_not_shown() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    let text = refused(place.builder().setting("kafka.security.protocol", "sasl")).await;
    exactly(
        &text,
        "start failed at the step `reach kafka`: the setting `security.protocol` cannot be used: librdkafka says: \
             Invalid value \"sasl\" for configuration property \"security.protocol\"",
    );
    let builder = place.builder();
    let builder = builder.setting("kafka.ssl.key.pem", SECRET);
    let text = refused(builder.setting("kafka.security.protocol", "plaintext")).await;
    exactly(
        &text,
        "start failed at the step `reach kafka`: the setting `ssl.key.pem` cannot be used: librdkafka was built \
             without it (enable the cargo feature `kafka-ssl`)",
    );
}

/// Whether a request carries these credentials.
fn authorised(request: &Request, expected: &str) -> bool {
    request.header("authorization") == Some(expected)
}

/// `shop:hunter2-s3cret` and the token, as HTTP sends them.
const BASIC: &str = "Basic c2hvcDpodW50ZXIyLXMzY3JldA==";
const BEARER: &str = "Bearer hunter2-s3cret";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_go_with_every_request_to_registry_and_ksqldb() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    let (registry, ksqldb) = (place.watched(), KsqlDbServer::start());
    let program = || {
        let builder = place.builder().entity::<Rate>().entity::<Trade>();
        builder
            .setting("registry", registry.url())
            .setting("ksqldb", ksqldb.url())
    };
    let basic = |server: &str, builder: ContextBuilder| {
        builder
            .setting(format!("{server}_user"), "shop")
            .setting(format!("{server}_password"), SECRET)
    };
    let token =
        |server: &str, builder: ContextBuilder| builder.setting(format!("{server}_token"), SECRET);
    let mut seen = (0, 0);
    for (builder, to_registry, to_ksqldb) in [
        (token("ksqldb", basic("registry", program())), BASIC, BEARER),
        (basic("ksqldb", token("registry", program())), BEARER, BASIC),
    ] {
        let ctx = started(builder).await;
        let shown = format!("{ctx:?} {:?}", ctx.config());
        assert!(!shown.contains(SECRET), "{shown}");
        ctx.shutdown().await.expect("it ends");
        let (asked, told) = (registry.requests(), ksqldb.server.requests());
        assert!(asked.len() > seen.0 && told.len() > seen.1);
        assert!(
            asked[seen.0..]
                .iter()
                .all(|one| authorised(one, to_registry))
        );
        assert!(told[seen.1..].iter().all(|one| authorised(one, to_ksqldb)));
        seen = (asked.len(), told.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_refuses_who_asks_ends_the_start_at_once() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    let program = |url: String| {
        let builder = place.builder().entity::<Rate>().setting("registry", url);
        let builder = builder.setting("reach_timeout", "1h");
        builder
            .setting("registry_user", "shop")
            .setting("registry_password", SECRET)
    };
    let unknown =
        TestServer::start(|_| Play::status(401, r#"{"error_code":40101,"message":"who are you"}"#));
    let text = refused(program(unknown.url())).await;
    assert_eq!(
        text.replace(&unknown.url(), "REGISTRY"),
        "start failed at the step `reach the schema registry`: the schema registry at REGISTRY does not accept the \
         credentials (HTTP 401): who are you (error code 40101); check user and password, or the token, in its settings"
    );
    assert_eq!(unknown.requests().len(), 1, "asked once");

    // It may look, and not register.
    let url = place.registry.url().to_owned();
    let forbidding = TestServer::start(move |request| match request.path.ends_with("/versions") {
        true => Play::status(403, r#"{"error_code":40301,"message":"only looking"}"#),
        false => forward(&url, request),
    });
    let text = refused(program(forbidding.url())).await;
    assert_eq!(
        place.told(text).replace(&forbidding.url(), "REGISTRY"),
        "start failed at the step `register schemas` for `Rate`: the schema registry at REGISTRY does not let this user register \
         a schema under `rates-value` (HTTP 403): only looking (error code 40301); the user needs that permission"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ksqldb_that_refuses_who_asks_ends_the_start_at_once() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    let program = |url: String| {
        let builder = place.builder().entity::<Rate>().setting("ksqldb", url);
        let builder = builder.setting("reach_timeout", "1h");
        builder.setting("ksqldb_token", SECRET)
    };
    let unknown = TestServer::start(|_| Play::error(40100, "Unauthorized"));
    let text = refused(program(unknown.url())).await;
    assert_eq!(
        text.replace(&unknown.url(), "KSQLDB"),
        "start failed at the step `reach ksqldb`: ksqlDB at KSQLDB/ answered with error 40100: Unauthorized; check the name and \
         password for ksqlDB, and its permissions on Kafka"
    );
    assert_eq!(unknown.requests().len(), 1, "asked once");

    let forbidding =
        KsqlDbServer::with(
            |request, answer| match request.statement().starts_with("CREATE") {
                true => Play::error(
                    40301,
                    "Authorization denied to Describe on topic(s): [rates]",
                ),
                false => answer,
            },
        );
    let text = refused(program(forbidding.url())).await;
    let text = place.told(text).replace(&forbidding.url(), "KSQLDB");
    exactly(
        &text,
        "start failed at the step `create sources` for `Rate`: ksqlDB at KSQLDB/ answered `CREATE TABLE IF NOT \
             EXISTS `RATE` (`SYMBOL` STRING PRIMARY KEY, `PRICE` DOUBLE) WITH (KAFKA_TOPIC='rates', PARTITIONS=2, \
             REPLICAS=1, KEY_FORMAT='KAFKA', VALUE_FORMAT='AVRO', VALUE_SCHEMA_FULL_NAME='shop.Rate');` with error \
             40301: Authorization denied to Describe on topic(s): [rates]; check the name and password for ksqlDB, and \
             its permissions on Kafka",
    );
}
