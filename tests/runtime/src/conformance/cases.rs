//! The files of cases, as far as they are used here.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::Value;

use crate::recorded::{json, shared_or_skip};

/// All cases, by their ids.
#[derive(Debug)]
pub struct Cases {
    cases: BTreeMap<String, Case>,
    /// The ids to translate first, by rank.
    core: Vec<(u8, String)>,
}

/// One case.
#[derive(Debug)]
pub struct Case {
    /// The file it stands in.
    pub area: String,
    pub statements: Vec<String>,
    pub sources: Vec<Source>,
    pub inputs: Vec<Record>,
    /// What must come out; where ksqlDB loses windows, what it gave before it did.
    pub outputs: Vec<Record>,
    /// Nothing is listed because nothing may come out.
    pub vacuous: bool,
    /// Whether every record is a row of the declared columns.
    pub typed: bool,
    /// The schemas that others wrote values with, by topic.
    pub schemas: BTreeMap<String, Value>,
}

/// A stream or table of a case.
#[derive(Debug)]
pub struct Source {
    pub name: String,
    pub topic: String,
    pub is_stream: bool,
    pub columns: Vec<Column>,
}

/// A column of a source.
#[derive(Debug)]
pub struct Column {
    pub name: String,
    /// Nothing where it is not known.
    pub ty: Option<String>,
    pub key: bool,
}

/// A record of a case.
#[derive(Debug, Clone)]
pub struct Record {
    pub topic: String,
    pub key: Value,
    pub value: Value,
    pub timestamp: Option<i64>,
    /// Start and end.
    pub window: Option<(i64, i64)>,
}

impl Cases {
    /// The cases, or nothing after the test was reported as skipped.
    pub fn or_skip(test: &str) -> Option<&'static Cases> {
        static CASES: OnceLock<Cases> = OnceLock::new();
        let folder = shared_or_skip(test, "conformance/positive")?;
        Some(CASES.get_or_init(|| {
            let mut cases = BTreeMap::new();
            for entry in std::fs::read_dir(&folder).expect("the folder can be read") {
                let path = entry.expect("an entry").path();
                let area = path
                    .file_stem()
                    .expect("a name")
                    .to_string_lossy()
                    .into_owned();
                for case in list(&json(&path)["cases"]) {
                    cases.insert(text(&case["id"]), Case::read(&area, case));
                }
            }
            let priorities = folder.with_file_name("PRIORITY.md");
            let priorities = std::fs::read_to_string(priorities).expect("the list of priorities");
            Cases {
                cases,
                core: core(&priorities),
            }
        }))
    }

    /// The statements that ksqlDB refuses, by the ids of their cases: those that join something, or those that join nothing. Nothing
    /// after the test was reported as skipped.
    pub fn refused_or_skip(test: &str, joined: bool) -> Option<BTreeMap<String, Vec<String>>> {
        let path = shared_or_skip(test, "conformance/negative.json")?;
        let cases = json(&path);
        let all = list(&cases["cases"]).iter().map(|case| {
            let statements = list(&case["statements"]).iter().map(text).collect();
            (case, statements)
        });
        let wanted = all.filter(|(case, statements): &(&Value, Vec<String>)| {
            is_over_one_source(&text(&case["area"]), statements) != joined
        });
        Some(
            wanted
                .map(|(case, statements)| (text(&case["id"]), statements))
                .collect(),
        )
    }

    /// The case with this id.
    pub fn get(&self, id: &str) -> Option<&Case> {
        self.cases.get(id)
    }

    /// All cases with their ids.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Case)> {
        self.cases.iter().map(|(id, case)| (id.as_str(), case))
    }

    /// The ids of the cases to translate first, with their ranks, in order.
    pub fn core(&self) -> &[(u8, String)] {
        &self.core
    }
}

fn is_over_one_source(area: &str, statements: &[String]) -> bool {
    let joins = |text: &String| text.to_ascii_uppercase().contains(" JOIN ");
    !area.starts_with("join") && !statements.iter().any(joins)
}

/// The ids listed under `## Core, rank n`.
fn core(priorities: &str) -> Vec<(u8, String)> {
    let mut rank = None;
    let mut core = Vec::new();
    for line in priorities.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            let number = heading.strip_prefix("Core, rank ");
            rank = number.and_then(|number| number.get(..1)?.parse().ok());
        }
        let id = line.strip_prefix("- `").and_then(|id| id.strip_suffix('`'));
        if let (Some(rank), Some(id)) = (rank, id) {
            core.push((rank, id.to_owned()));
        }
    }
    core
}

impl Case {
    fn read(area: &str, json: &Value) -> Case {
        let without_loss = &json["outputs_without_loss"];
        let outputs = match without_loss.is_null() {
            true => &json["outputs"],
            false => without_loss,
        };
        Case {
            area: area.to_owned(),
            statements: list(&json["statements"]).iter().map(text).collect(),
            sources: list(&json["sources"]).iter().map(Source::read).collect(),
            inputs: list(&json["inputs"]).iter().map(Record::read).collect(),
            outputs: list(outputs).iter().map(Record::read).collect(),
            vacuous: json["vacuous"].as_bool().unwrap_or(false),
            typed: json["typed"].as_bool().unwrap_or(false),
            schemas: list(&json["topics"])
                .iter()
                .filter(|topic| !topic["valueSchema"].is_null())
                .map(|topic| (text(&topic["name"]), topic["valueSchema"].clone()))
                .collect(),
        }
    }

    /// Whether nothing is joined.
    pub fn is_over_one_source(&self) -> bool {
        is_over_one_source(&self.area, &self.statements)
    }

    /// The source with this name.
    pub fn source(&self, name: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.name == name)
    }

    /// The stream over a topic.
    pub fn stream_of(&self, topic: &str) -> Option<&Source> {
        let mut streams = self.sources.iter().filter(|source| source.is_stream);
        streams.find(|source| source.topic == topic)
    }

    /// The statements that make something of a query.
    pub fn queries(&self) -> Vec<&str> {
        let made = self.statements.iter().map(String::as_str).filter(|text| {
            let text = text.to_ascii_uppercase();
            text.contains("SELECT ") && (text.starts_with("CREATE") || text.starts_with("INSERT"))
        });
        made.collect()
    }
}

impl Source {
    fn read(json: &Value) -> Source {
        let columns = list(&json["columns"]).iter().map(|column| Column {
            name: text(&column[0]),
            ty: column[1].as_str().map(str::to_owned),
            key: column[2] == "key",
        });
        Source {
            name: text(&json["name"]),
            topic: text(&json["topic"]),
            is_stream: json["kind"] == "stream",
            columns: columns.collect(),
        }
    }
}

impl Record {
    fn read(json: &Value) -> Record {
        let window = &json["window"];
        Record {
            topic: text(&json["topic"]),
            key: json["key"].clone(),
            value: json["value"].clone(),
            timestamp: json["timestamp"].as_i64(),
            window: window["start"].as_i64().zip(window["end"].as_i64()),
        }
    }
}

fn list(json: &Value) -> &[Value] {
    json.as_array().map_or(&[], Vec::as_slice)
}

fn text(json: &Value) -> String {
    json.as_str().unwrap_or_default().to_owned()
}
