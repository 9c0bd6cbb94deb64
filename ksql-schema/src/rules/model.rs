//! Rules that need several entities, queries among them. Run by tests, in CI, and before anything is touched at start.

use super::queries;
use crate::avro;
use crate::finding::Severity;
use crate::model::{Entity, SubjectStrategy};
use crate::names::{FINAL_SUFFIX, window_label};
use crate::query::plan::{Input, Query};

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

/// Every finding over a model without queries: each entity by itself, then all pairs.
pub fn validate_model(entities: &[&Entity<'_>]) -> Vec<ModelFinding> {
    validate_queries(entities, entities, &[])
}

/// Every finding over the whole model: each entity by itself, all pairs, then the queries. `added` are those entities the
/// program added itself; the others came with the queries that read or write them.
pub fn validate_queries(
    entities: &[&Entity<'_>],
    added: &[&Entity<'_>],
    queries: &[&Query<'_>],
) -> Vec<ModelFinding> {
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
            let touched = queries.iter().any(|query| {
                let reads = |input: &Input<'_>| queries::same(input.entity, entity);
                queries::same(query.output, entity) || query.inputs.iter().any(reads)
            });
            // Without KSQL it works.
            if !touched {
                finding.severity = Severity::Warning;
            }
            findings.push(finding);
        }
    }
    for (position, one) in entities.iter().enumerate() {
        for two in entities.iter().skip(position + 1) {
            pair(one, two, &mut findings);
        }
    }
    queries::check(added, queries, &mut findings);
    findings
}

pub(super) fn error(
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
    if let Some(shared) = common(&sources(one), &sources(two)) {
        findings.push(error(
            "K0501",
            &both,
            format!("`{a}` and `{b}` are both the KSQL source `{shared}`"),
            "rename one of the structs",
        ));
        return;
    }
    let Some(shared) = common(&topics(one), &topics(two)) else {
        return;
    };
    findings.push(if one.window.is_some() || two.window.is_some() {
        error(
            "K0504",
            &both,
            format!("`{a}` and `{b}` share the topic `{shared}`: windows have topics of their own"),
            "rename one of the topics",
        )
    } else if let (true, Some((first, second))) = (one.kind != two.kind, key_records(one, two)) {
        error(
            "K0502",
            &both,
            format!(
                "`{a}` and `{b}` are a stream and a table on the topic `{shared}`, and their keys are the records `{first}` \
                 and `{second}`: one key would have two byte strings"
            ),
            "give each its own topic",
        )
    } else {
        error(
            "K0503",
            &both,
            format!("`{a}` and `{b}` have the same topic `{shared}`"),
            "give each its own topic",
        )
    });
}

/// The first name that stands in both lists.
fn common(one: &[String], two: &[String]) -> Option<String> {
    one.iter().find(|name| two.contains(name)).cloned()
}

/// The full names of two key records, where they differ; a key of one column is no record.
fn key_records(one: &Entity<'_>, two: &Entity<'_>) -> Option<(String, String)> {
    let name = |entity: &Entity<'_>| (entity.key_columns() > 1).then(|| avro::key_name(entity));
    let (first, second) = (name(one)?, name(two)?);
    (first != second).then_some((first, second))
}

/// The KSQL sources of an entity: its own name, which names its stores too, and one for each window.
fn sources(entity: &Entity<'_>) -> Vec<String> {
    let mut sources = vec![entity.sql_name.to_owned()];
    sources.extend(
        labels(entity).map(|label| format!("{}_{}", entity.sql_name, label.to_ascii_uppercase())),
    );
    sources
}

/// The topics of an entity; a windowed one has two for each window, of live and of final values.
fn topics(entity: &Entity<'_>) -> Vec<String> {
    let topic = entity.topic.name;
    if entity.window.is_none() {
        return vec![topic.to_owned()];
    }
    labels(entity)
        .flat_map(|label| {
            [
                format!("{topic}_{label}"),
                format!("{topic}_{label}{FINAL_SUFFIX}"),
            ]
        })
        .collect()
}

fn labels(entity: &Entity<'_>) -> impl Iterator<Item = String> {
    entity.window.iter().flat_map(|window| {
        window
            .sizes_ms
            .iter()
            .map(|size| window_label(window, *size))
    })
}
