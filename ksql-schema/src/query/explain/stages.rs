//! The topology: what happens to a row between its source and its sinks, in the shape of ksqlDB's own plans.
//!
//! An aggregate's is: source, filter, needed columns and `ROWTIME`, group, window, aggregate, having, project, sink; what
//! rows are made of stands as it was written in Rust, what ksqlDB keeps in its own variables as the statement has it.

use super::clauses::Clauses;
use super::facts::{is_key, sinks, window_text};
use super::{Query, kind_text};
use crate::model::{Kind, Role};
use crate::query::plan::{Join, JoinForm, JoinKind, Step};
use crate::types::Type;

/// One stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// What it is: `source`, `join`, `filter`, `columns`, `map`, `partition`, `group`, `window`, `aggregate`, `having`, `project`, `sink`.
    pub name: &'static str,
    /// What it does.
    pub lines: Vec<String>,
}

impl Stage {
    fn new(name: &'static str, lines: Vec<String>) -> Stage {
        Stage { name, lines }
    }
}

pub(super) fn stages(query: &Query<'_>, clauses: &Clauses<'_>) -> Vec<Stage> {
    let mut stages: Vec<Stage> = query
        .inputs
        .iter()
        .map(|input| {
            let entity = input.entity;
            let from = sinks(entity).into_iter().map(|sink| {
                format!(
                    "{} `{}`, topic {}",
                    kind_text(input.kind),
                    sink.source,
                    sink.topic
                )
            });
            Stage::new("source", from.collect())
        })
        .collect();
    let mut having = Vec::new();
    let mut made = Vec::new();
    for step in query.steps {
        match step {
            Step::Join(join) => stages.push(Stage::new("join", vec![joined(query, join)])),
            Step::Filter(text) => stages.push(Stage::new("filter", vec![(*text).to_owned()])),
            Step::Map(fields) => stages.push(Stage::new("map", assigned(fields))),
            Step::PartitionBy(keys) => stages.push(Stage::new(
                "partition",
                vec![format!(
                    "by {}{}",
                    keys.join(", "),
                    moves(query, &clauses.partition_by)
                )],
            )),
            Step::GroupBy(keys) => {
                let mut columns = clauses.columns();
                columns.push("ROWTIME");
                stages.push(Stage::new("columns", vec![columns.join(", ")]));
                stages.push(Stage::new(
                    "group",
                    vec![format!(
                        "by {}{}",
                        keys.join(", "),
                        moves(query, &clauses.group_by)
                    )],
                ));
            }
            Step::Aggregate(fields) => made = assigned(fields),
            Step::Having(text) => having.push((*text).to_owned()),
        }
    }
    if let Some(window) = &query.output.window {
        stages.push(Stage::new("window", vec![window_text(window)]));
    }
    if query.aggregates() {
        let variables = clauses
            .aggregates()
            .into_iter()
            .enumerate()
            .map(|(at, call)| format!("KSQL_AGG_VARIABLE_{at} = {call}"));
        stages.push(Stage::new("aggregate", variables.collect()));
    }
    for text in having {
        stages.push(Stage::new("having", vec![text]));
    }
    if query.aggregates() {
        stages.push(Stage::new("project", made));
    }
    let to = sinks(query.output).into_iter().map(|sink| {
        format!(
            "{} `{}`, topic {}",
            kind_text(query.kind),
            sink.source,
            sink.topic
        )
    });
    stages.push(Stage::new("sink", to.collect()));
    stages.retain(|stage| !stage.lines.is_empty());
    stages
}

/// `left join flights with planes on f.tailnum == p.tailnum, a lookup in a table`
fn joined(query: &Query<'_>, join: &Join<'_>) -> String {
    let kind = match join.kind {
        JoinKind::Inner => "join",
        JoinKind::Left => "left join",
        JoinKind::Right => "right join",
        JoinKind::Full => "full join",
    };
    let name = query.inputs.get(join.input).map_or("", |input| input.name);
    let form = match join.form {
        JoinForm::Within(within) => {
            let grace = within
                .grace_ms
                .map_or_else(String::new, |grace| format!(", grace {grace} ms"));
            format!(
                "records up to {} ms earlier and {} ms later{grace}",
                within.before_ms, within.after_ms
            )
        }
        JoinForm::Lookup => "a lookup in the table at the time of the record".to_owned(),
        JoinForm::Keys => "rows of equal keys".to_owned(),
        JoinForm::ForeignKey => "the rows whose keys stand in a column".to_owned(),
    };
    format!("{kind} {name} on {}: {form}", join.on)
}

fn assigned(fields: &[(&str, &str)]) -> Vec<String> {
    fields
        .iter()
        .map(|(field, text)| format!("{field} = {text}"))
        .collect()
}

/// What becomes of the partitions when rows get these keys.
fn moves(query: &Query<'_>, expressions: &[&str]) -> &'static str {
    if expressions.is_empty() {
        ""
    } else if is_key(query, expressions) {
        ", the key it has: nothing is repartitioned"
    } else {
        ": ksqlDB repartitions"
    }
}

/// What is worth knowing before the query runs.
pub(super) fn notes(query: &Query<'_>, clauses: &Clauses<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    for item in &clauses.items {
        let column = query
            .output
            .columns
            .iter()
            .find(|column| column.sql_name == item.alias);
        let sums = item.expression.contains("SUM(");
        if let Some(column) =
            column.filter(|column| sums && matches!(column.ty, Type::Decimal { .. }))
        {
            notes.push(format!(
                "`{}` sums decimals: a sum with more digits than they have stops the query; widen inside the sum, for example `as Decimal<30, 4>`",
                column.name
            ));
        }
    }
    if query.output.window.is_some() {
        notes.push(
            "a row that comes when its window has ended and the grace after it is over is left out; time is the latest timestamp \
             seen"
                .to_owned(),
        );
    }
    if !query.creates() {
        notes.push(format!(
            "`{}` is there without it: this one adds its records to those of other queries",
            query.output.name
        ));
    }
    let key_of = |at: usize| {
        query
            .output
            .columns
            .iter()
            .filter(|column| column.role == Role::Key)
            .nth(at)
            .map(|column| column.name)
    };
    if query.kind == Kind::Table {
        for (at, expression) in clauses.group_by.iter().enumerate() {
            let optional = query.inputs.iter().any(|input| {
                input
                    .entity
                    .columns
                    .iter()
                    .any(|column| column.nullable && column.quoted == *expression)
            });
            if let Some(key) = key_of(at).filter(|_| optional) {
                notes.push(format!("rows that have no `{key}` are in no group"));
            }
        }
    }
    notes
}
