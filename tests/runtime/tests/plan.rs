//! The startup plan: what it says before, and that start does what it says.

use ksql_runtime::context::plan::{Action, Cure, Part, Plan};
use ksql_runtime::prelude::*;
use ksql_runtime::registry::Compatibility;

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("rates", partitions = 2)]
#[table]
#[entity(namespace = "shop")]
struct Rate {
    #[key]
    symbol: String,
    price: f64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("trades", partitions = 2, retention = "7d")]
#[stream]
#[entity(namespace = "shop")]
struct Trade {
    #[key]
    account: i64,
    #[key]
    number: i64,
    pieces: i32,
}

mod later {
    use ksql_runtime::prelude::*;

    /// The same names, other settings.
    #[derive(Debug, Clone, PartialEq, Entity)]
    #[topic("trades", partitions = 2, retention = "14d")]
    #[stream]
    #[entity(namespace = "shop")]
    pub(super) struct Trade {
        #[key]
        pub(super) account: i64,
        #[key]
        pub(super) number: i64,
        pub(super) pieces: i32,
        pub(super) note: Option<String>,
    }

    #[derive(Debug, Clone, PartialEq, Entity)]
    #[topic("rates", partitions = 2)]
    #[table]
    #[entity(namespace = "shop")]
    pub(super) struct Rate {
        #[key]
        pub(super) symbol: String,
        pub(super) price: f64,
        pub(super) size: i64,
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
            pub(crate) spread: f64,
        }
    }
}

/// How a start ends that wants three partitions where there are two.
const PARTITIONS: &str = "start failed at the step `create topics` for `Rate`: topic `rates` has 2 partitions, not 3: state the \
                          number it has, or delete it and create it again";

/// How a start ends whose schema has a field more than this version, at this level.
fn schema(level: &str, version: u32, field: &str) -> String {
    format!(
        "start failed at the step `register schemas` for `Rate`: the schema for `rates-value` is not {level} compatible with \
         version {version}: the new schema cannot read what the earlier one writes: field `{field}` is not in the earlier one, \
         and has no default in the new schema: make it optional, or give it a default"
    )
}

fn builder(directory: &std::path::Path) -> ContextBuilder {
    Context::builder()
        .config(Config::default())
        .state_dir(directory)
}

#[tokio::test]
async fn a_plan_before_the_first_start_creates_everything_and_touches_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let state = directory.path().join("state of it");
    let builder = builder(&state).entity::<Rate>().entity::<Trade>();
    let plan = builder.plan().await.expect("a plan");
    assert_eq!(
        plan.to_string(),
        "action  part     name          entity\n\
         create  topic    rates         Rate\n\
         create  topic    trades        Trade\n\
         create  topic    system.dlq    (dead letters)\n\
         create  subject  rates-value   Rate\n\
         create  subject  trades-value  Trade\n\
         create  subject  trades-key    Trade\n"
    );
    assert!(!state.exists(), "nothing was made");

    let ctx = builder.start().await.expect("it starts");
    let plan = ctx.plan().await.expect("a plan");
    assert!(plan.is_unchanged(), "{plan}");
    ctx.shutdown().await.expect("it ends");
}

#[tokio::test]
async fn what_can_be_altered_in_place_is_reported_and_altered_when_asked_to() {
    let directory = tempfile::tempdir().expect("a directory");
    let first = builder(directory.path()).entity::<Trade>();
    let ctx = first.start().await.expect("it starts");
    ctx.shutdown().await.expect("it ends");

    let reporting = builder(directory.path()).entity::<later::Trade>();
    let plan = reporting.plan().await.expect("a plan");
    let topic = plan
        .steps
        .iter()
        .find(|step| step.part == Part::Topic)
        .expect("a topic");
    let [difference] = topic.differences() else {
        panic!("{plan}")
    };
    assert_eq!(
        (difference.what.as_str(), difference.cure),
        ("retention.ms", Cure::InPlace)
    );
    assert_eq!(
        (
            difference.existing.as_deref(),
            difference.defined.as_deref()
        ),
        (Some("604800000"), Some("1209600000"))
    );
    let subject = plan
        .steps
        .iter()
        .find(|step| step.name == "trades-value")
        .expect("a subject");
    assert_eq!(
        subject.action,
        Action::NewVersion(Vec::new()),
        "a new optional field"
    );

    let retention = |ctx: &Context| {
        let log = ctx.log().clone();
        async move {
            log.describe("trades")
                .await
                .expect("described")
                .spec
                .retention_ms
        }
    };
    let ctx = reporting.start().await.expect("it starts all the same");
    assert_eq!(retention(&ctx).await, Some(604_800_000), "left as it is");
    ctx.shutdown().await.expect("it ends");

    let altering = builder(directory.path())
        .entity::<later::Trade>()
        .setting("on_drift", "alter");
    let ctx = altering.start().await.expect("it starts");
    assert_eq!(retention(&ctx).await, Some(1_209_600_000));
    assert!(ctx.plan().await.expect("a plan").is_unchanged());
    ctx.shutdown().await.expect("it ends");

    // What was altered is durable.
    let ctx = builder(directory.path())
        .entity::<later::Trade>()
        .start()
        .await
        .expect("it starts");
    assert_eq!(retention(&ctx).await, Some(1_209_600_000));
    ctx.shutdown().await.expect("it ends");
}

#[tokio::test]
async fn what_start_would_refuse_the_plan_says_before() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = builder(directory.path())
        .entity::<Rate>()
        .start()
        .await
        .expect("it starts");
    ctx.shutdown().await.expect("it ends");

    let changed = builder(directory.path())
        .entity::<later::Rate>()
        .setting("entity.Rate.partitions", "3");
    let plan = changed.plan().await.expect("a plan");
    let refused: Vec<(&str, Cure)> = plan
        .refused()
        .flat_map(|step| step.differences())
        .map(|difference| (difference.what.as_str(), difference.cure))
        .collect();
    assert_eq!(
        refused,
        [
            ("partitions", Cure::Refused),
            ("the schema, against version 1", Cure::Refused)
        ]
    );
    assert!(
        plan.to_string().contains("size"),
        "the field is named: {plan}"
    );
    let error = changed
        .start()
        .await
        .expect_err("it is refused")
        .to_string();
    assert_eq!(error, PARTITIONS);
    let error = builder(directory.path())
        .entity::<later::Rate>()
        .start()
        .await
        .expect_err("it is refused")
        .to_string();
    assert_eq!(error, schema("BACKWARD", 1, "size"));
}

/// What a plan says of the subject of the rates.
fn of_rates(plan: &Plan) -> (&Action, Vec<(&str, Cure)>) {
    let step = plan.steps.iter().find(|step| step.name == "rates-value");
    let step = step.expect("a subject");
    let differences = step.differences().iter();
    (
        &step.action,
        differences
            .map(|difference| (difference.what.as_str(), difference.cure))
            .collect(),
    )
}

async fn level(ctx: &Context) -> Compatibility {
    let level = ctx.registry().compatibility(Some("rates-value")).await;
    level.expect("a level")
}

#[tokio::test]
async fn plan_and_start_judge_a_new_schema_at_the_level_that_is_configured() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = builder(directory.path()).entity::<Rate>().start().await;
    let ctx = ctx.expect("it starts");
    assert_eq!(level(&ctx).await, Compatibility::Backward);
    ctx.shutdown().await.expect("it ends");

    // It does not fit at the level there is, and nothing has to fit at the one to come.
    let lenient = builder(directory.path())
        .entity::<later::Rate>()
        .setting("compatibility", "NONE");
    let plan = lenient.plan().await.expect("a plan");
    let (action, differences) = of_rates(&plan);
    assert!(matches!(action, Action::NewVersion(_)), "{plan}");
    assert_eq!(differences, [("compatibility", Cure::AtStart)], "{plan}");
    let text = plan.to_string();
    assert!(
        text.contains("new version  subject")
            && text.contains("compatibility is BACKWARD, the definition says NONE"),
        "{text}"
    );
    let json = plan.to_json();
    assert_eq!(json.pointer("/2/action"), Some(&"new version".into()));
    assert_eq!(
        json.pointer("/2/differences/0/cure"),
        Some(&"at start".into())
    );
    let ctx = lenient.start().await.expect("it starts, as the plan says");
    assert_eq!(level(&ctx).await, Compatibility::None);
    let versions = ctx.registry().versions("rates-value").await;
    assert_eq!(versions.expect("versions"), [1, 2]);
    assert!(ctx.plan().await.expect("a plan").is_unchanged());
    ctx.shutdown().await.expect("it ends");

    // Anything fits at the level there is, and this does not at the one to come.
    let strict = builder(directory.path())
        .entity::<later::still::Rate>()
        .setting("compatibility", "FULL");
    let plan = strict.plan().await.expect("a plan");
    let (_, differences) = of_rates(&plan);
    assert_eq!(
        differences,
        [
            ("compatibility", Cure::AtStart),
            ("the schema, against version 2", Cure::Refused)
        ],
        "{plan}"
    );
    let error = strict.start().await.expect_err("it is refused");
    assert_eq!(error.to_string(), schema("FULL", 2, "spread"));
    let ctx = builder(directory.path()).start().await.expect("it starts");
    assert_eq!(level(&ctx).await, Compatibility::None, "nothing was set");
    ctx.shutdown().await.expect("it ends");
}

#[tokio::test]
async fn what_is_refused_is_refused_before_anything_is_made() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = builder(directory.path()).entity::<Rate>().start().await;
    ctx.expect("it starts").shutdown().await.expect("it ends");

    // The first entity is new and has nothing against it.
    let program = || builder(directory.path()).entity::<Trade>();
    let refused = [
        program()
            .entity::<later::Rate>()
            .setting("compatibility", "FULL"),
        program()
            .entity::<Rate>()
            .setting("compatibility", "FULL")
            .setting("entity.Rate.partitions", "3"),
    ];
    let expected = [schema("FULL", 1, "size"), PARTITIONS.to_owned()];
    for (builder, expected) in refused.into_iter().zip(expected) {
        let error = builder.start().await.expect_err("it is refused");
        assert_eq!(error.to_string(), expected);
        let ctx = self::builder(directory.path()).start().await;
        let ctx = ctx.expect("it starts");
        let topics = ctx.log().topics().await.expect("topics");
        let topics: Vec<&str> = topics.iter().map(|topic| topic.name.as_ref()).collect();
        assert_eq!(topics, ["rates", "system.dlq"]);
        let subjects = ctx.registry().subjects().await.expect("subjects");
        assert_eq!(subjects, ["rates-value"]);
        assert_eq!(level(&ctx).await, Compatibility::Backward);
        ctx.shutdown().await.expect("it ends");
    }
}
