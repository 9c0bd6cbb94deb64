//! Rules that need several entities. Run by tests, in CI, and before anything is touched at start.

use crate::finding::Severity;
use crate::model::{Entity, SubjectStrategy};
use crate::names::window_label;

/// A broken rule over the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFinding {
    /// The stable code.
    pub code: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// The entities it is about, by their Rust names.
    pub entities: Vec<String>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl core::fmt::Display for ModelFinding {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "{}: {}; {}", self.code, self.message, self.help)
    }
}

/// Every finding over the whole model: each entity by itself, then all pairs.
pub fn validate_model(entities: &[&Entity<'_>]) -> Vec<ModelFinding> {
    let mut findings = Vec::new();
    for entity in entities {
        for finding in super::validate(entity) {
            findings.push(ModelFinding {
                code: finding.code,
                severity: finding.severity,
                entities: vec![entity.name.to_owned()],
                message: format!("`{}`: {}", entity.name, finding.message),
                help: finding.help,
            });
        }
        if entity.subjects != SubjectStrategy::TopicName {
            let mut finding = error(
                "K0505",
                &[entity],
                format!(
                    "`{}` is registered by record name, and ksqlDB looks for `{}-value` only",
                    entity.name, entity.topic.name
                ),
                "leave `subjects` out for entities that KSQL touches",
            );
            // Without KSQL it works: whether a query touches the entity is not known here.
            finding.severity = Severity::Warning;
            findings.push(finding);
        }
    }
    for (position, one) in entities.iter().enumerate() {
        for two in entities.iter().skip(position + 1) {
            pair(one, two, &mut findings);
        }
    }
    findings
}

fn error(
    code: &'static str,
    entities: &[&Entity<'_>],
    message: String,
    help: &str,
) -> ModelFinding {
    ModelFinding {
        code,
        severity: Severity::Error,
        entities: entities
            .iter()
            .map(|entity| entity.name.to_owned())
            .collect(),
        message,
        help: help.to_owned(),
    }
}

fn pair(one: &Entity<'_>, two: &Entity<'_>, findings: &mut Vec<ModelFinding>) {
    let both = [one, two];
    let (a, b) = (one.name, two.name);
    if one.sql_name == two.sql_name {
        findings.push(error(
            "K0501",
            &both,
            format!(
                "`{a}` and `{b}` are both the KSQL source `{}`",
                one.sql_name
            ),
            "rename one of the structs",
        ));
        return;
    }
    let topics = [topics(one), topics(two)];
    let [first, second] = &topics;
    if one.topic.name == two.topic.name && one.window.is_none() && two.window.is_none() {
        if one.kind != two.kind && one.key_columns() > 1 {
            findings.push(error("K0502", &both, format!("`{a}` and `{b}` are a stream and a table on the topic `{}`, and the record names of their keys differ", one.topic.name), "give both the same `#[entity(namespace = .., name = ..)]`, or topics of their own"));
        } else {
            findings.push(error(
                "K0503",
                &both,
                format!("`{a}` and `{b}` have the same topic `{}`", one.topic.name),
                "give each its own topic",
            ));
        }
    } else if let Some(shared) = first.iter().find(|topic| second.contains(topic)) {
        findings.push(error(
            "K0504",
            &both,
            format!("`{a}` and `{b}` share the topic `{shared}`: windows have topics of their own"),
            "rename one of the topics",
        ));
    }
}

/// The topics of an entity; a windowed one has one a window.
fn topics(entity: &Entity<'_>) -> Vec<String> {
    match &entity.window {
        None => vec![entity.topic.name.to_owned()],
        Some(window) => window
            .sizes_ms
            .iter()
            .map(|size| format!("{}_{}", entity.topic.name, window_label(window, *size)))
            .collect(),
    }
}
