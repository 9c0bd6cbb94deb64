//! What is there and is not what the definition says: a topic's settings, a subject's schema and compatibility.

use ksql_runtime::context::plan::Action;
use ksql_runtime::log::{LogError, TopicSpec};
use ksql_runtime::registry::RegistryError;
use ksql_runtime_tests::http_server::{Play, TestServer};
use ksql_runtime_tests::shop::{Rate, Trade};
use ksql_runtime_tests::test_name;
use serde_json::json;

use crate::ksqldb_server::KsqlDbServer;
use crate::{Place, asked, difference, exactly, forward, plan_of, refused, started};

/// The same names, other columns.
mod later {
    use ksql_runtime::prelude::*;

    #[derive(Debug, Clone, PartialEq, Entity)]
    #[topic("rates", partitions = 2)]
    #[table]
    #[entity(namespace = "shop")]
    pub(super) struct Rate {
        #[key]
        pub(super) symbol: String,
        pub(super) price: f64,
        pub(super) note: Option<String>,
    }

    pub(super) mod still {
        use ksql_runtime::prelude::*;

        #[derive(Debug, Clone, PartialEq, Entity)]
        #[topic("rates", partitions = 2)]
        #[table]
        #[entity(namespace = "shop")]
        pub(crate) struct Rate {
            #[key]
            pub(crate) symbol: String,
            pub(crate) price: f64,
            pub(crate) size: i64,
        }
    }
}

/// A column more than in [`later::still`], which has to be there.
mod stricter {
    use ksql_runtime::prelude::*;

    #[derive(Debug, Clone, PartialEq, Entity)]
    #[topic("rates", partitions = 2)]
    #[table]
    #[entity(namespace = "shop")]
    pub(super) struct Rate {
        #[key]
        pub(super) symbol: String,
        pub(super) price: f64,
        pub(super) size: i64,
        pub(super) spread: f64,
    }
}

/// Makes a topic before the program does.
async fn with_topic(place: &Place, spec: TopicSpec) {
    let ctx = started(place.builder()).await;
    ctx.log().create_topic(&spec).await.expect("a topic");
    ctx.shutdown().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_number_of_partitions_is_refused() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    with_topic(&place, TopicSpec::new(place.name("rates"), 4).compacted()).await;
    let program = || place.builder().entity::<Rate>();
    let plan = program().plan().await.expect("a plan");
    assert_eq!(
        difference(&plan, &place.name("rates")),
        "partitions is 4, the definition says 2: records of one key would lie in two partitions; state the number the \
         topic has, or name another topic (Refused)"
    );
    assert_eq!(plan.refused().count(), 1);
    for on_drift in ["report", "alter"] {
        let text = refused(program().setting("on_drift", on_drift)).await;
        assert_eq!(
            place.told(text),
            "start failed at the step `create topics` for `Rate`: topic `rates` has 4 partitions, not 2: state the \
             number it has, or delete it and create it again"
        );
    }
    // What the text says helps.
    let ctx = started(program().setting("entity.Rate.partitions", "4")).await;
    ctx.shutdown().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_policy_or_retention_is_reported_and_altered_only_when_asked_to() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    let topic = place.name("trades");
    with_topic(
        &place,
        TopicSpec::new(&topic, 3).compacted().retention_ms(1000),
    )
    .await;
    let program = || place.builder().entity::<Trade>();
    let plan = program().plan().await.expect("a plan");
    let step = &plan.steps[0];
    let told: Vec<String> = step
        .differences()
        .iter()
        .map(|found| format!("{found} ({:?})", found.cure))
        .collect();
    assert_eq!(
        told,
        [
            "cleanup.policy is compact, the definition says delete: set `on_drift = \"alter\"` to change it, or state the \
             policy the topic has (InPlace)",
            "retention.ms is 1000, the definition says 604800000: set `on_drift = \"alter\"` to change it, or state the \
             retention the topic has (InPlace)",
        ]
    );
    assert_eq!(plan.refused().count(), 0);

    // Kafka's own tool says what the topic has.
    let settings = || {
        let arguments = ["--describe", "--topic", &topic];
        let told = place
            .kafka
            .tool("org.apache.kafka.tools.TopicCommand", &arguments);
        let has = |part: &str| told.contains(part);
        (
            has("cleanup.policy=compact") && has("retention.ms=1000"),
            has("cleanup.policy=delete") && has("retention.ms=604800000"),
        )
    };
    let ctx = started(program()).await;
    assert_eq!(settings(), (true, false), "left as it is");
    ctx.shutdown().await.expect("it ends");

    let ctx = started(program().setting("on_drift", "alter")).await;
    assert_eq!(settings(), (false, true), "altered");
    let plan = plan_of(&ctx).await;
    assert!(plan.is_unchanged(), "{plan}");
    ctx.shutdown().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_replication_is_reported_and_left_to_the_user() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    with_topic(&place, TopicSpec::new(place.name("rates"), 2).compacted()).await;
    let program = || {
        let builder = place.builder().setting("entity.Rate.replication", "3");
        builder.setting("on_drift", "alter").entity::<Rate>()
    };
    let plan = program().plan().await.expect("a plan");
    assert_eq!(
        difference(&plan, &place.name("rates")),
        "replication is 1, the definition says 3: Kafka's own tools move replicas (ByHand)"
    );
    let ctx = started(program()).await;
    let left = ctx.log().describe(&place.name("rates")).await;
    assert_eq!(left.expect("described").spec.replication, 1);
    ctx.shutdown().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_copies_than_there_are_brokers_are_refused_in_the_brokers_words() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    let builder = place.builder().setting("entity.Rate.replication", "3");
    let text = place.told(refused(builder.entity::<Rate>()).await);
    exactly(
        &text,
        "start failed at the step `create topics` for `Rate`: the topic `rates` cannot be created: the broker says: \
             Unable to replicate the partition 3 time(s): The target replication factor of 3 cannot be reached because \
             only 1 broker(s) are registered. (InvalidReplicationFactor)",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_that_fits_is_a_new_version_and_one_that_does_not_is_refused_by_field_and_rule() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    let registry = place.watched();
    let builder = || place.builder().setting("registry", registry.url());
    let ctx = started(builder().entity::<Rate>()).await;
    ctx.shutdown().await.expect("it ends");

    let subject = place.name("rates-value");
    let plan = builder().entity::<later::Rate>().plan().await;
    let plan = plan.expect("a plan");
    let step = plan.steps.iter().find(|step| step.name == subject);
    assert_eq!(step.expect("a step").action, Action::NewVersion(Vec::new()));
    let ctx = started(builder().entity::<later::Rate>()).await;
    let versions = ctx.registry().versions(&subject).await;
    assert_eq!(versions.expect("versions"), [1, 2]);
    assert!(plan_of(&ctx).await.is_unchanged());
    ctx.shutdown().await.expect("it ends");

    let program = || builder().entity::<later::still::Rate>();
    let plan = program().plan().await.expect("a plan");
    assert_eq!(plan.refused().count(), 1);
    let told = difference(&plan, &subject);
    assert!(told.contains("`size`"), "{told}");
    let text = place.told(refused(program()).await);
    assert_eq!(
        text,
        "start failed at the step `register schemas` for `Rate`: the schema for `rates-value` is not BACKWARD compatible with \
         version 2: the new schema cannot read what the earlier one writes: field `size` is not in the earlier one, and has no \
         default in the new schema: make it optional, or give it a default"
    );
    let sent = asked(&registry, &place.prefix);
    let sent = sent
        .iter()
        .filter(|asked| *asked == "POST /subjects/rates-value/versions");
    assert_eq!(sent.count(), 2, "what does not fit is not sent");
}

/// The registry has the last word: another program may register a version between the comparison and ours, and a registry may
/// have rules of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_that_the_registry_itself_refuses_is_refused_in_its_words() {
    let Some(mut place) = Place::new(test_name!()) else {
        return;
    };
    let real = place.registry.url().to_owned();
    let conflict = json!({
        "error_code": 409,
        "message": "Schema being registered is incompatible with an earlier schema"
    });
    let rule = json!({ "error_code": 409, "message": "a rule of the domain: `note` has no owner" });
    let invalid = json!({ "error_code": 42201, "message": "Invalid schema" });
    for (status, body, there, times, expected) in [
        (
            409,
            &conflict,
            false,
            1,
            "start failed at the step `register schemas` for `Rate`: the schema for `rates-value` is not BACKWARD compatible \
             with what the registry asks for: Schema being registered is incompatible with an earlier schema",
        ),
        (
            409,
            &conflict,
            true,
            1,
            "start failed at the step `register schemas` for `Rate`: the schema for `rates-value` is not BACKWARD compatible \
             with version 1: Schema being registered is incompatible with an earlier schema",
        ),
        (
            409,
            &rule,
            // Somebody may just be faster.
            false,
            3,
            "start failed at the step `register schemas` for `Rate`: the schema registry at REGISTRY refuses to register a \
             schema under `rates-value` (HTTP 409): a rule of the domain: `note` has no owner",
        ),
        (
            422,
            &invalid,
            false,
            1,
            "start failed at the step `register schemas` for `Rate`: the schema for `rates-value` is not Avro: Invalid schema (error code 42201)",
        ),
    ] {
        place.renew();
        if there {
            let ctx = started(place.builder().entity::<Rate>()).await;
            ctx.shutdown().await.expect("it ends");
        }
        let (real, answer) = (real.clone(), body.clone());
        let registry = TestServer::start(move |request| {
            let registers = request.method == "POST" && request.path.ends_with("/versions");
            match registers && !request.path.starts_with("/compatibility") {
                true => Play::status(status, &answer),
                false => forward(&real, request),
            }
        });
        let builder = || place.builder().setting("registry", registry.url());
        let text = refused(builder().entity::<later::Rate>()).await;
        let text = text.replace(&registry.url(), "REGISTRY");
        exactly(&place.told(text), expected);
        let sent = asked(&registry, &place.prefix);
        let sent = sent
            .iter()
            .filter(|asked| asked.starts_with("POST /subjects/rates-value/versions"));
        assert_eq!(sent.count(), times, "{expected}");
        // Where it is accepted, the same program starts on what the refused one left.
        let ctx = started(place.builder().entity::<later::Rate>()).await;
        assert!(plan_of(&ctx).await.is_unchanged());
        ctx.shutdown().await.expect("it ends");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_compatibility_is_shown_by_the_plan_and_set_at_start() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    let ctx = started(place.builder().entity::<Rate>()).await;
    ctx.shutdown().await.expect("it ends");
    let program = || {
        let builder = place.builder().entity::<Rate>();
        builder.setting("entity.Rate.compatibility", "FULL_TRANSITIVE")
    };
    let plan = program().plan().await.expect("a plan");
    let subject = place.name("rates-value");
    assert_eq!(
        difference(&plan, &subject),
        "compatibility is BACKWARD, the definition says FULL_TRANSITIVE: start sets it (AtStart)"
    );
    let ctx = started(program()).await;
    let level = ctx.registry().compatibility(Some(&subject)).await;
    assert_eq!(level.expect("a level").as_str(), "FULL_TRANSITIVE");
    assert!(plan_of(&ctx).await.is_unchanged());
    ctx.shutdown().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_version_is_judged_at_the_level_that_is_set_before_it() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    let registry = place.watched();
    let builder = || place.builder().setting("registry", registry.url());
    let ctx = started(builder().entity::<Rate>()).await;
    ctx.shutdown().await.expect("it ends");
    let subject = place.name("rates-value");

    // It does not fit at BACKWARD.
    let lenient = || {
        let builder = builder().setting("compatibility", "FORWARD");
        builder.entity::<later::still::Rate>()
    };
    let plan = lenient().plan().await.expect("a plan");
    let step = plan.steps.iter().find(|step| step.name == subject);
    let action = &step.expect("a step").action;
    assert!(matches!(action, Action::NewVersion(_)), "{plan}");
    assert_eq!(
        difference(&plan, &subject),
        "compatibility is BACKWARD, the definition says FORWARD: start sets it (AtStart)"
    );
    let before = registry.requests().len();
    let ctx = started(lenient()).await;
    assert_eq!(
        asked(&registry, &place.prefix)[before..],
        [
            "GET /config?defaultToGlobal=true",
            "POST /subjects/rates-value",
            "GET /config/rates-value?defaultToGlobal=true",
            "GET /subjects/rates-value/versions",
            "GET /subjects/rates-value/versions/1",
            "PUT /config/rates-value",
            "POST /subjects/rates-value",
            "POST /subjects/rates-value/versions",
        ],
        "the level, then the schema, and nothing is compared twice"
    );
    assert!(plan_of(&ctx).await.is_unchanged());
    ctx.shutdown().await.expect("it ends");

    // It fits at FORWARD.
    let strict = || {
        let builder = builder().setting("compatibility", "FULL");
        builder.entity::<stricter::Rate>()
    };
    let plan = strict().plan().await.expect("a plan");
    assert_eq!(plan.refused().count(), 1, "{plan}");
    let text = place.told(refused(strict()).await);
    exactly(
        &text,
        "start failed at the step `register schemas` for `Rate`: the schema for `rates-value` is not FULL \
             compatible with version 2: the new schema cannot read what the earlier one writes: field `spread` is not \
             in the earlier one, and has no default in the new schema: make it optional, or give it a default",
    );
    let ctx = started(builder()).await;
    let level = ctx.registry().compatibility(Some(&subject)).await;
    assert_eq!(
        level.expect("a level").as_str(),
        "FORWARD",
        "nothing was set"
    );
    ctx.shutdown().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_of_one_entity_is_refused_before_anything_is_made_for_another() {
    let Some(mut place) = Place::new(test_name!()) else {
        return;
    };
    let registry = place.watched();
    for case in ["schema", "partitions", "source"] {
        place.renew();
        let ksqldb = KsqlDbServer::start();
        let builder = || {
            let builder = place.builder().setting("registry", registry.url());
            builder.setting("ksqldb", ksqldb.url())
        };
        let ctx = started(builder().entity::<Rate>()).await;
        ctx.shutdown().await.expect("it ends");
        let before = registry.requests().len();

        // The first entity is new and has nothing against it; another level is wanted of both.
        let program = || {
            let builder = builder().setting("compatibility", "FULL");
            builder.entity::<Trade>()
        };
        let (program, expected) = match case {
            "schema" => (
                program().entity::<later::still::Rate>(),
                "start failed at the step `register schemas` for `Rate`: the schema for `rates-value` is not FULL \
                     compatible with version 1: the new schema cannot read what the earlier one writes: field `size` is \
                     not in the earlier one, and has no default in the new schema: make it optional, or give it a \
                     default",
            ),
            "partitions" => (
                program()
                    .setting("entity.Rate.partitions", "3")
                    .entity::<Rate>(),
                "start failed at the step `create topics` for `Rate`: topic `rates` has 2 partitions, not 3: \
                         state the number it has, or delete it and create it again",
            ),
            _ => {
                ksqldb.change("RATE", |source| source["type"] = json!("STREAM"));
                (
                    program().entity::<Rate>(),
                    "start failed at the step `create sources` for `Rate`: `RATE` differs from its definition: it \
                         is a STREAM and defined as a TABLE: name the entity otherwise, or drop what is there",
                )
            }
        };
        let plan = program.plan().await.expect("a plan");
        assert!(plan.refused().count() > 0, "{plan}");
        let text = place.told(refused(program).await);
        exactly(&text, expected);

        let asked = asked(&registry, &place.prefix);
        let writes = asked[before..].iter().filter(|asked| {
            let comparison = asked.starts_with("POST /compatibility/");
            asked.starts_with("PUT") || asked.ends_with("/versions") && !comparison
        });
        // The versions there are may be listed.
        let writes: Vec<&String> = writes.filter(|asked| !asked.starts_with("GET")).collect();
        assert!(writes.is_empty(), "{case}: {writes:?}");
        assert_eq!(ksqldb.changes().len(), 1, "{case}: the first start's");
        let ctx = started(place.builder()).await;
        let topic = ctx.log().describe(&place.name("trades")).await;
        assert!(
            matches!(topic, Err(LogError::UnknownTopic { .. })),
            "{case}: {topic:?}"
        );
        for subject in ["trades-value", "trades-key"] {
            let versions = ctx.registry().versions(&place.name(subject)).await;
            let unknown = matches!(versions, Err(RegistryError::UnknownSubject { .. }));
            assert!(unknown, "{case}: {versions:?}");
        }
        let level = ctx
            .registry()
            .compatibility(Some(&place.name("rates-value")))
            .await;
        assert_eq!(level.expect("a level").as_str(), "BACKWARD", "{case}");
        ctx.shutdown().await.expect("it ends");
    }
}
