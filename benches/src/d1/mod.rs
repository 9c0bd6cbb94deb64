//! D1: what an entity costs to compile, beside `Serialize` + `Deserialize` of serde on the same struct.
//!
//! A workspace is generated in a temporary directory with a target directory of its own and the light feature set. Its
//! dependencies are checked once before anything is timed; then only the generated crates are checked again and again, cold
//! (without incremental compilation). CPU seconds of the children are read, not wall time; the same structs without any derive are subtracted.

mod crates;

use std::path::PathBuf;
use std::process::Command;

use crate::process::children_cpu;
use crate::report::{Report, Target, median};
use crates::Kind;

const REPORT: Report = Report("D1");
/// Entities in a crate, and how often it is checked.
const SIZES: [(usize, usize); 4] = [(1, 3), (10, 3), (50, 3), (200, 1)];

/// Runs D1.
pub fn run() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let lab = Lab {
        root: directory.path().to_owned(),
    };
    crates::workspace(&lab.root);
    for kind in Kind::ALL {
        lab.write(kind, 1, 0);
    }
    for kind in Kind::ALL {
        if !lab.check(kind, false).1 {
            REPORT.failed(&format!("the crate `{}` does not check", kind.name()));
            return;
        }
    }
    for (entities, runs) in SIZES {
        let cost = |kind| {
            median(
                &(0..runs)
                    .map(|run| lab.cold(kind, entities, run))
                    .collect::<Vec<_>>(),
            )
        };
        let bare = cost(Kind::Bare);
        let each = |seconds: f64| (seconds - bare) * 1000.0 / entities as f64;
        let (ours, pair) = (each(cost(Kind::Entity)), each(cost(Kind::Pair)));
        REPORT.figure(&format!("bare_{entities}_check"), bare, "cpu-s");
        REPORT.figure(&format!("pair_{entities}_per_struct"), pair, "cpu-ms");
        let name = format!("entity_{entities}_per_entity");
        if entities >= 50 {
            REPORT.aimed(&name, ours, "cpu-ms", Target::AtMost(45.0));
        } else {
            REPORT.figure(&name, ours, "cpu-ms");
        }
        REPORT.ratio(&format!("entity_{entities}_to_pair"), ours / pair);
    }
    let again = |kind| lab.incremental(kind, 50) * 1000.0 / 50.0;
    let bare = again(Kind::Bare);
    REPORT.figure("pair_50_incremental", again(Kind::Pair) - bare, "cpu-ms");
    let ours = again(Kind::Entity) - bare;
    REPORT.aimed(
        "entity_50_incremental",
        ours,
        "cpu-ms",
        Target::AtMost(12.0),
    );
    queries(&lab);
}

/// Units of an input, an output and a query: how many, and how often they are checked.
const QUERIES: [(usize, usize); 3] = [(5, 3), (20, 3), (80, 1)];

/// What a query costs, without its entities. Linear is what costs as much each, however many there are.
fn queries(lab: &Lab) {
    let mut costs = Vec::new();
    for (units, runs) in QUERIES {
        let cost = |kind| {
            median(
                &(0..runs)
                    .map(|run| lab.cold(kind, units, run))
                    .collect::<Vec<_>>(),
            )
        };
        let (with, without) = (cost(Kind::Query), cost(Kind::Unqueried));
        let each = (with - without) * 1000.0 / units as f64;
        REPORT.figure(&format!("query_{units}_per_query"), each, "cpu-ms");
        costs.push(each);
    }
    if let [_, few, many] = costs.as_slice() {
        REPORT.aimed("query_80_to_20", many / few, "x", Target::AtMost(1.25));
    }
}

struct Lab {
    root: PathBuf,
}

impl Lab {
    fn write(&self, kind: Kind, entities: usize, salt: usize) {
        let file = self.root.join(kind.name()).join("src/lib.rs");
        let text = format!("{}// {salt}\n", crates::source(kind, entities));
        std::fs::write(file, text).expect("generated source");
    }

    /// CPU seconds of one check without incremental compilation.
    fn cold(&self, kind: Kind, entities: usize, run: usize) -> f64 {
        self.write(kind, entities, run + entities * 1000);
        self.checked(kind, false)
    }

    /// CPU seconds of a check that must be right: what stops at an error costs little and says nothing.
    fn checked(&self, kind: Kind, incremental: bool) -> f64 {
        let (seconds, right) = self.check(kind, incremental);
        assert!(right, "the crate `{}` does not check", kind.name());
        seconds
    }

    /// CPU seconds of a check after a change of one line, with incremental compilation.
    fn incremental(&self, kind: Kind, entities: usize) -> f64 {
        self.write(kind, entities, 0);
        self.checked(kind, true);
        let seconds: Vec<f64> = (1..=3)
            .map(|run| {
                let text = format!(
                    "{}pub fn changed() -> u32 {{ {run} }}\n",
                    crates::source(kind, entities)
                );
                std::fs::write(self.root.join(kind.name()).join("src/lib.rs"), text)
                    .expect("source");
                self.checked(kind, true)
            })
            .collect();
        median(&seconds)
    }

    /// CPU seconds, and whether it compiled.
    fn check(&self, kind: Kind, incremental: bool) -> (f64, bool) {
        let before = children_cpu();
        let output = Command::new(env!("CARGO"))
            .args(["check", "--offline", "--quiet", "--package", kind.name()])
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", self.root.join("target"))
            .env("CARGO_INCREMENTAL", if incremental { "1" } else { "0" })
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_PROFILE_DEV_OPT_LEVEL")
            .env_remove("CARGO_PROFILE_DEV_DEBUG_ASSERTIONS")
            .env_remove("CARGO_PROFILE_DEV_OVERFLOW_CHECKS")
            .output()
            .expect("cargo runs");
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            REPORT.note(
                text.lines()
                    .take(12)
                    .collect::<Vec<_>>()
                    .join(" | ")
                    .as_str(),
            );
        }
        (children_cpu() - before, output.status.success())
    }
}
