//! The generated workspace of D1: three crates with the same structs, and one of entities with queries over them.

use std::fmt::Write as _;
use std::path::Path;

/// What is derived on the structs of a crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `Entity`, with three windows.
    Entity,
    /// serde's `Serialize` and `Deserialize`.
    Pair,
    /// Nothing.
    Bare,
    /// An input, an output with three windows, and a query of ten aggregates and operators.
    Query,
    /// The same entities without the query.
    Unqueried,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Entity,
        Self::Pair,
        Self::Bare,
        Self::Query,
        Self::Unqueried,
    ];

    /// The name of its crate.
    pub fn name(self) -> &'static str {
        match self {
            Self::Entity => "entity",
            Self::Pair => "pair",
            Self::Bare => "bare",
            Self::Query => "query",
            Self::Unqueried => "unqueried",
        }
    }
}

/// Everything but the sources.
pub fn workspace(root: &Path) {
    let main = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let runtime = main
        .join("ksql-runtime")
        .canonicalize()
        .expect("the runtime's folder");
    let write = |path: &str, text: &str| {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folder");
        std::fs::write(path, text).expect("file");
    };
    write(
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"entity\", \"pair\", \"bare\", \"query\", \"unqueried\"]\n",
    );
    for kind in Kind::ALL {
        let text = format!(
            r#"[package]
name = "{}"
version = "0.1.0"
edition = "2024"

[dependencies]
ksql-runtime = {{ path = {:?}, default-features = false }}
chrono = {{ version = "0.4", default-features = false, features = ["std", "serde"] }}
rust_decimal = {{ version = "1", default-features = false, features = ["std", "serde-with-str"] }}
serde = {{ version = "1", features = ["derive"] }}
"#,
            kind.name(),
            runtime
        );
        write(&format!("{}/Cargo.toml", kind.name()), &text);
        write(&format!("{}/src/lib.rs", kind.name()), "");
    }
    // The same versions as everywhere; cargo drops what is not needed.
    std::fs::copy(main.join("Cargo.lock"), root.join("Cargo.lock")).expect("lock file");
}

/// `units` inputs and outputs, with or without the queries that make one of the other.
fn queries(units: usize, queried: bool) -> String {
    let mut text = "use ksql_runtime::prelude::*;\n".to_owned();
    for at in 0..units {
        text.push_str(&UNIT.replace("$N", &at.to_string()));
        if queried {
            text.push_str(&QUERY.replace("$N", &at.to_string()));
        }
    }
    text
}

const UNIT: &str = r#"
#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("input_$N", partitions = 4)]
#[stream]
pub struct Input$N {
    #[key]
    pub symbol: String,
    #[timestamp]
    pub at: DateTime<Utc>,
    #[decimal_precision(18, 4)]
    pub price: Decimal,
    #[decimal_precision(18, 4)]
    pub fee: Decimal,
    pub size: i64,
    pub trades: i32,
    pub venue: String,
    pub note: Option<String>,
    pub rate: f64,
    pub halted: bool,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("output_$N")]
#[table]
#[window(tumbling, minutes = [1, 5, 60], grace = "10s")]
pub struct Output$N {
    #[key]
    pub symbol: String,
    #[window_start]
    pub opened_at: DateTime<Utc>,
    #[decimal_precision(18, 4)]
    pub open: Decimal,
    #[decimal_precision(18, 4)]
    pub high: Decimal,
    #[decimal_precision(18, 4)]
    pub low: Decimal,
    #[decimal_precision(18, 4)]
    pub close: Decimal,
    pub volume: i64,
    pub noted: i64,
}
"#;

const QUERY: &str = r#"
#[query]
fn query_$N(input: Stream<Input$N>) -> Table<Output$N> {
    input
        .filter(|r| r.size > 0 && !r.halted)
        .group_by(|r| r.symbol)
        .aggregate(|g| Output$N {
            symbol: g.key(),
            opened_at: g.window_start(),
            open: g.earliest(|r| r.price),
            high: g.max(|r| r.price),
            low: g.min(|r| r.price),
            close: g.latest(|r| r.price),
            volume: g.sum(|r| r.size * 2),
            noted: g.count_of(|r| r.note) + g.count(),
        })
        .having(|g| g.count() > 1)
}
"#;

/// `entities` structs of ten fields; of a crate with queries so many units.
pub fn source(kind: Kind, entities: usize) -> String {
    if matches!(kind, Kind::Query | Kind::Unqueried) {
        return queries(entities, kind == Kind::Query);
    }
    let mut text = String::from(
        "#![allow(unused_imports)]\nuse chrono::{DateTime, Utc};\nuse rust_decimal::Decimal;\n",
    );
    if kind == Kind::Entity {
        text = "use ksql_runtime::prelude::*;\n".to_owned();
    }
    for at in 0..entities {
        let (head, key, decimal, timestamp) = match kind {
            Kind::Entity => (
                format!(
                    "#[derive(Entity)]\n#[topic(\"topic_{at}\", partitions = 4)]\n#[table]\n\
                     #[window(tumbling, minutes = [1, 5, 60], grace = \"10s\")]\n"
                ),
                "#[key] ",
                "#[decimal_precision(18, 4)] ",
                "#[timestamp] ",
            ),
            Kind::Pair => (
                "#[derive(serde::Serialize, serde::Deserialize)]\n".to_owned(),
                "",
                "",
                "",
            ),
            Kind::Bare | Kind::Query | Kind::Unqueried => (String::new(), "", "", ""),
        };
        let _ = write!(
            text,
            "{head}pub struct Entity{at} {{\n    {key}pub symbol: String,\n    {timestamp}pub at: DateTime<Utc>,\n    \
             {decimal}pub open: Decimal,\n    {decimal}pub close: Decimal,\n    pub volume: i64,\n    pub trades: i32,\n    \
             pub venue: String,\n    pub note: Option<String>,\n    pub rate: f64,\n    pub halted: bool,\n}}\n"
        );
    }
    text
}
