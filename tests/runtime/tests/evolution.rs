//! A definition that changes over time: old records are read with the new struct, incompatible changes are refused before
//! anything is sent.

use std::path::Path;

use ksql_runtime::prelude::*;

mod first {
    use ksql_runtime::prelude::*;

    #[derive(Debug, Clone, PartialEq, Entity)]
    #[topic("stock", partitions = 2)]
    #[table]
    #[entity(namespace = "shop")]
    pub struct Stock {
        #[key]
        pub article: String,
        pub pieces: i32,
        pub gone: String,
    }
}

mod second {
    use ksql_runtime::prelude::*;

    #[derive(Debug, Clone, PartialEq, Entity)]
    #[topic("stock", partitions = 2)]
    #[table]
    #[entity(namespace = "shop")]
    pub struct Stock {
        #[key]
        pub article: String,
        pub shelf: Option<String>,
        pub pieces: i64,
        #[default_value(true)]
        pub active: bool,
    }
}

mod third {
    use ksql_runtime::prelude::*;

    #[derive(Debug, Clone, PartialEq, Entity)]
    #[topic("stock", partitions = 2)]
    #[table]
    #[entity(namespace = "shop")]
    pub struct Stock {
        #[key]
        pub article: String,
        pub pieces: String,
        pub active: bool,
    }
}

async fn start<T: Entity>(directory: &Path) -> Context {
    let builder = ksql_runtime_tests::context()
        .entity::<T>()
        .state_dir(directory);
    builder.start().await.expect("the context starts")
}

fn old(article: &str, pieces: i32) -> first::Stock {
    first::Stock {
        article: article.into(),
        pieces,
        gone: "gone".into(),
    }
}

fn new(article: &str, pieces: i64, shelf: Option<&str>) -> second::Stock {
    second::Stock {
        article: article.into(),
        shelf: shelf.map(str::to_owned),
        pieces,
        active: true,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_records_are_read_with_the_new_struct_and_the_table_follows() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = start::<first::Stock>(directory.path()).await;
    let set = ctx.set::<first::Stock>();
    set.add_all([old("bolt", 1), old("nut", 2), old("bolt", 3)])
        .await
        .expect("added");
    ctx.shutdown().await.expect("a clean end");

    for start_number in 0..2 {
        let ctx = start::<second::Stock>(directory.path()).await;
        let set = ctx.set::<second::Stock>();
        let mut expected = vec![new("bolt", 3, None), new("nut", 2, None)];
        if start_number == 1 {
            expected.push(new("screw", 4, Some("A")));
        }
        assert_eq!(set.to_list().await.expect("rows"), expected);
        assert_eq!(
            set.replayed().expect("a table") > 0,
            start_number == 0,
            "only a change of the definition reads the topic again"
        );
        let receipt = set.add(new("screw", 4, Some("A"))).await.expect("added");
        let found = set.at_least(&receipt).get("screw").await.expect("a read");
        assert_eq!(found, Some(new("screw", 4, Some("A"))));
        ctx.shutdown().await.expect("a clean end");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incompatible_change_is_refused_with_the_field_before_anything_is_sent() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = start::<first::Stock>(directory.path()).await;
    ctx.set::<first::Stock>()
        .add(old("bolt", 1))
        .await
        .expect("added");
    ctx.shutdown().await.expect("a clean end");

    let builder = ksql_runtime_tests::context().entity::<third::Stock>();
    let error = builder
        .state_dir(directory.path())
        .start()
        .await
        .expect_err("it cannot be read")
        .to_string();
    for word in [
        "register schemas",
        "`Stock`",
        "stock-value",
        "BACKWARD",
        "`pieces`",
        "`active`",
    ] {
        assert!(error.contains(word), "`{word}` is not in: {error}");
    }

    let ctx = start::<first::Stock>(directory.path()).await;
    let rows = ctx.set::<first::Stock>().to_list().await.expect("rows");
    assert_eq!(rows, [old("bolt", 1)], "the old program goes on");
    ctx.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_level_of_compatibility_is_what_the_configuration_says() {
    let directory = tempfile::tempdir().expect("a directory");
    let ctx = start::<first::Stock>(directory.path()).await;
    ctx.shutdown().await.expect("a clean end");
    // The second definition reads the first one's records, and not the other way round: `gone` has no default.
    let builder = || {
        ksql_runtime_tests::context()
            .entity::<second::Stock>()
            .state_dir(directory.path())
    };
    let error = builder()
        .setting("compatibility", "FULL")
        .start()
        .await
        .expect_err("not in both directions")
        .to_string();
    assert!(
        error.contains("FULL") && error.contains("`gone`"),
        "{error}"
    );
    let ctx = builder()
        .setting("entity.Stock.compatibility", "BACKWARD")
        .start()
        .await
        .expect("backward");
    ctx.shutdown().await.expect("a clean end");
}
