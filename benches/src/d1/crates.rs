//! The generated workspace of D1: three crates with the same structs.

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
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Entity, Self::Pair, Self::Bare];

    /// The name of its crate.
    pub fn name(self) -> &'static str {
        match self {
            Self::Entity => "entity",
            Self::Pair => "pair",
            Self::Bare => "bare",
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
        "[workspace]\nresolver = \"3\"\nmembers = [\"entity\", \"pair\", \"bare\"]\n",
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

/// `entities` structs of ten fields.
pub fn source(kind: Kind, entities: usize) -> String {
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
            Kind::Bare => (String::new(), "", "", ""),
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
