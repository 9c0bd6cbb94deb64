//! The names that schemas are registered under where an entity says how: those that other programs look for, and no others.

use std::path::Path;

use ksql_runtime::prelude::*;
use ksql_runtime_tests::test_name;

use crate::{Place, plan_of, started};

/// Named after its record alone, whatever its topic is called.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("strategy.visits", partitions = 2)]
#[table]
#[entity(namespace = "strategy", subjects = "record")]
struct Visit {
    #[key]
    guest: String,
    #[key]
    day: i32,
    rooms: i32,
}

/// The same with the module's path for a namespace, and a key without a schema.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("strategy.guests", partitions = 2)]
#[table]
#[entity(subjects = "record", name = "strategyGuest")]
struct Guest {
    #[key]
    name: String,
    visits: i32,
}

/// Named after its topic and its record, whose name is not the struct's.
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("strategy.meals", partitions = 2)]
#[table]
#[entity(namespace = "strategy", name = "Dish", subjects = "topic_record")]
struct Meal {
    #[key]
    guest: String,
    #[key]
    day: i32,
    plates: i32,
}

/// Full name of the record that a schema describes.
fn full_name(schema: &str) -> String {
    let schema: serde_json::Value = serde_json::from_str(schema).expect("a schema");
    let text = |key: &str| schema[key].as_str().expect("a text").to_owned();
    format!("{}.{}", text("namespace"), text("name"))
}

/// Starts twice, with what `again` does between; the rows of the first time are those of the second.
async fn are_named_by_strategy(
    program: impl Fn() -> ContextBuilder,
    prefix: &str,
    again: impl FnOnce(),
) {
    let program = || {
        let builder = program().entity::<Visit>().entity::<Guest>();
        builder.entity::<Meal>()
    };
    let meals = format!("{prefix}strategy.meals");
    let mut expected = [
        ("strategy.Visit".to_owned(), Visit::VALUE_SCHEMA),
        ("strategy.VisitKey".to_owned(), Visit::KEY_SCHEMA),
        (
            "cluster.subjects.strategyGuest".to_owned(),
            Guest::VALUE_SCHEMA,
        ),
        (format!("{meals}-strategy.Dish"), Meal::VALUE_SCHEMA),
        (format!("{meals}-strategy.DishKey"), Meal::KEY_SCHEMA),
    ];
    expected.sort();
    let visit = Visit {
        guest: "Ada".to_owned(),
        day: 3,
        rooms: 2,
    };
    let guest = Guest {
        name: "Ada".to_owned(),
        visits: 1,
    };
    let meal = Meal {
        guest: "Ada".to_owned(),
        day: 3,
        plates: 9,
    };

    let ctx = started(program()).await;
    // Nobody else's subjects have this word in their names.
    let mut subjects = ctx.registry().subjects().await.expect("the subjects");
    subjects.retain(|subject| subject.contains("strategy"));
    subjects.sort();
    assert_eq!(subjects, expected.each_ref().map(|(name, _)| name.clone()));
    for (name, schema) in &expected {
        let found = ctx.registry().lookup(name, schema).await;
        assert_eq!(found.expect("it is registered").version, 1, "{name}");
        let record = full_name(schema);
        let topic = name.strip_suffix(&record);
        let topic = topic.unwrap_or_else(|| panic!("{name} is the name of {record}"));
        assert!(topic.is_empty() || topic == format!("{meals}-"), "{name}");
    }
    let visits = ctx.set::<Visit>();
    let added = visits.add(visit.clone()).await.expect("added");
    let key = ("Ada".to_owned(), 3);
    let found = visits.at_least(&added).get(key.clone()).await;
    assert_eq!(found.expect("a read"), Some(visit.clone()));
    ctx.set::<Guest>().add(guest.clone()).await.expect("added");
    ctx.set::<Meal>().add(meal.clone()).await.expect("added");
    ctx.shutdown().await.expect("it ends");

    again();
    let ctx = started(program()).await;
    let plan = plan_of(&ctx).await;
    assert!(plan.is_unchanged(), "{plan}");
    for (name, _) in &expected {
        let versions = ctx.registry().versions(name).await;
        assert_eq!(versions.expect("its versions"), [1], "{name}");
    }
    let found = ctx.set::<Visit>().to_list().await;
    assert_eq!(found.expect("rows"), [visit]);
    let found = ctx.set::<Guest>().get("Ada").await;
    assert_eq!(found.expect("a read"), Some(guest));
    let found = ctx.set::<Meal>().get(key).await;
    assert_eq!(found.expect("a read"), Some(meal));
    ctx.shutdown().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemas_are_registered_by_strategy_in_this_process() {
    let directory = tempfile::tempdir().expect("a directory");
    let program = || ksql_runtime_tests::context().state_dir(directory.path());
    are_named_by_strategy(program, "", || ()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemas_are_registered_by_strategy_on_a_real_registry() {
    let Some(place) = Place::new(test_name!()) else {
        return;
    };
    // Tables that are lost are read from their topics again.
    let lose = || {
        let tables: &Path = place.state.path();
        std::fs::remove_dir_all(tables).expect("the tables are removed");
    };
    are_named_by_strategy(|| place.builder(), &place.prefix, lose).await;
}
