//! Rules that need several queries, or a query and what the program says about its entities; and the order in which queries
//! start.
//!
//! What one query shows by itself its macro refuses already; kinds and windows are looked at again here for plans that no
//! macro made. Called by the model check.

use super::model::{ModelFinding, error};
use crate::finding::Severity;
use crate::model::{Entity, Kind};
use crate::query::plan::{JoinForm, Query};
use crate::query::with;

/// Every finding about queries. `added` are the entities the program added by itself, which it may write.
pub(super) fn check(
    added: &[&Entity<'_>],
    queries: &[&Query<'_>],
    findings: &mut Vec<ModelFinding>,
) {
    for query in queries {
        inputs(query, findings);
        output(query, added, findings);
    }
    for (position, one) in queries.iter().enumerate() {
        for two in queries.iter().skip(position + 1) {
            let makes_again = same(one.output, two.output) && one.creates() && two.creates();
            // Two of one output have the one message, whatever their names.
            if one.name == two.name && !makes_again {
                findings.push(error(
                    "K0608",
                    &[one.output, two.output],
                    format!(
                        "two queries are named `{}`, one that writes `{}` and one that writes `{}`: what a query keeps is named by it",
                        one.name, one.output.name, two.output.name
                    ),
                    "give one of them another name",
                ));
            }
            if makes_again {
                findings.push(error(
                    "K0601",
                    &[one.output],
                    format!(
                        "the queries `{}` and `{}` both write `{}`: its statement would stand for one of them only",
                        one.name, two.name, one.output.name
                    ),
                    "give each query an output of its own, or write `#[query(insert)]` on all but one, which then add to what that one makes",
                ));
            }
        }
        inherited(one, queries, findings);
        joined(one, queries, findings);
    }
    if let Err(cycle) = start_order(queries) {
        findings.push(circle(queries, &cycle));
    }
}

/// A parameter whose value KSQL has no literal for.
pub fn parameter_finding(output: &Entity<'_>, message: String) -> ModelFinding {
    error(
        "K0607",
        &[output],
        message,
        "give the query a value that its type holds",
    )
}

fn inputs(query: &Query<'_>, findings: &mut Vec<ModelFinding>) {
    for input in query.inputs {
        let entity = input.entity;
        let windowed = entity.window.is_some();
        if windowed && input.kind == Kind::Table {
            findings.push(error(
                "K0604",
                &[entity, query.output],
                format!(
                    "the query `{}` reads `{}`, which has windows: ksqlDB runs no query over a windowed table",
                    query.name, entity.name
                ),
                "read its results as they come: `Stream<..>`",
            ));
        } else if !windowed && entity.kind != input.kind {
            let (is, wrapper) = kind(entity.kind);
            let (read_as, _) = kind(input.kind);
            let mut finding = error(
                "K0605",
                &[entity, query.output],
                format!(
                    "the query `{}` reads `{}` as a {read_as}, and it is a {is}",
                    query.name, entity.name
                ),
                "",
            );
            finding.help = format!("write `{wrapper}<{}>`", entity.name);
            findings.push(finding);
        }
    }
}

fn output(query: &Query<'_>, added: &[&Entity<'_>], findings: &mut Vec<ModelFinding>) {
    let entity = query.output;
    // Records with windows are told as they come, and are a table's rows to who reads them by key.
    let keeps_windows = entity.window.is_some()
        && query
            .inputs
            .iter()
            .all(|input| input.entity.window.is_some());
    if entity.kind != query.kind && !keeps_windows {
        let (is, _) = kind(entity.kind);
        let (makes, _) = kind(query.kind);
        let mut finding = error(
            "K0605",
            &[entity],
            format!(
                "the query `{}` makes a {makes} ({}), and its output `{}` is a {is}",
                query.name, query.because, entity.name
            ),
            "",
        );
        finding.help = match query.kind {
            Kind::Table => format!("put `#[table]` on `{}`", entity.name),
            Kind::Stream => format!("take the `#[table]` off `{}`", entity.name),
        };
        findings.push(finding);
    }
    if entity.window.is_none() && added.iter().any(|other| same(other, entity)) {
        let mut finding = error(
            "K0602",
            &[entity],
            format!(
                "`{}` is written by the query `{}` and added to the program by itself: records that the program adds would lie \
                 between those of the query",
                entity.name, query.name
            ),
            "leave the entity out, for its query adds it, and write it nowhere else",
        );
        finding.severity = Severity::Warning;
        findings.push(finding);
    }
}

/// Where neither an output nor what it is made of states its partitions, the statement says one: it cannot know that another
/// query makes them more.
fn inherited(query: &Query<'_>, queries: &[&Query<'_>], findings: &mut Vec<ModelFinding>) {
    let Some(input) = query.inputs.first().map(|input| input.entity) else {
        return;
    };
    // One that inserts says none.
    if !query.creates() {
        return;
    }
    let said = with::operational(query.output, input).partitions;
    if query.output.topic.partitions.is_some() || input.topic.partitions.is_some() {
        return;
    }
    for source in makers(queries, input) {
        let Some(first) = source.inputs.first() else {
            continue;
        };
        let has = with::operational(input, first.entity).partitions;
        if has != said {
            let mut finding = error(
                "K0606",
                &[input, query.output],
                format!(
                    "`{}` gets {} by the query `{}`, but `{}`, made of it by the query `{}`, gets {}: neither states a number",
                    input.name,
                    partitions(has),
                    source.name,
                    query.output.name,
                    query.name,
                    partitions(said)
                ),
                "",
            );
            finding.help = format!(
                "write `partitions = {has}` in the `#[topic]` of `{}`, or the number wanted in that of `{}`",
                input.name, query.output.name
            );
            finding.severity = Severity::Warning;
            findings.push(finding);
        }
    }
}

/// Rows of one key stand in partitions of one number, or they do not meet: what is joined has as many partitions. By a foreign
/// key ksqlDB sends them to each other.
fn joined(query: &Query<'_>, queries: &[&Query<'_>], findings: &mut Vec<ModelFinding>) {
    let Some(first) = query.inputs.first().map(|input| input.entity) else {
        return;
    };
    for join in query.joins() {
        let other = query.inputs.get(join.input).map(|input| input.entity);
        let (Some(other), false) = (other, join.form == JoinForm::ForeignKey) else {
            continue;
        };
        let counts = (
            stated(first, queries, queries.len()),
            stated(other, queries, queries.len()),
        );
        let (Some((one, from)), Some((two, by))) = counts else {
            continue;
        };
        if one != two {
            findings.push(error(
                "K0609",
                &[first, other, query.output],
                format!(
                    "the query `{}` joins `{}`, which has {} ({from}), and `{}`, which has {} ({by}): rows of one key would not meet",
                    query.name,
                    first.name,
                    partitions(one),
                    other.name,
                    partitions(two),
                ),
                "give both topics one number of partitions, or read one of them through a query whose output has the other's",
            ));
        }
    }
}

/// The queries by which an entity is there.
fn makers<'q, 'a>(
    queries: &'q [&'q Query<'a>],
    entity: &'q Entity<'a>,
) -> impl Iterator<Item = &'q Query<'a>> {
    queries
        .iter()
        .copied()
        .filter(move |query| query.creates() && same(query.output, entity))
}

/// How many partitions an entity says it has, or those of what a query makes it of, and where that is said. Of a topic that is
/// there already nothing need be said.
fn stated(entity: &Entity<'_>, queries: &[&Query<'_>], depth: usize) -> Option<(u32, String)> {
    if let Some(count) = entity.topic.partitions {
        return Some((count, "by its `#[topic]`".to_owned()));
    }
    // In a circle nothing is found.
    let depth = depth.checked_sub(1)?;
    let source = makers(queries, entity).next()?;
    let (count, _) = stated(source.inputs.first()?.entity, queries, depth)?;
    Some((count, format!("by the query `{}`", source.name)))
}

fn partitions(count: u32) -> String {
    match count {
        1 => "1 partition".to_owned(),
        many => format!("{many} partitions"),
    }
}

fn kind(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Stream => ("stream", "Stream"),
        Kind::Table => ("table", "Table"),
    }
}

fn circle(queries: &[&Query<'_>], cycle: &[usize]) -> ModelFinding {
    let members: Vec<&Query<'_>> = cycle
        .iter()
        .filter_map(|at| queries.get(*at).copied())
        .collect();
    let outputs: Vec<&Entity<'_>> = members.iter().map(|query| query.output).collect();
    let message = match members.as_slice() {
        [only] => format!(
            "the query `{}` reads `{}`, which it writes itself",
            only.name, only.output.name
        ),
        members => {
            let names: Vec<String> = members
                .iter()
                .chain(members.first())
                .map(|query| format!("`{}`", query.name))
                .collect();
            format!(
                "queries read what each other writes, in a circle: {}",
                names.join(" -> ")
            )
        }
    };
    error(
        "K0603",
        &outputs,
        message,
        "write one of the results to an entity that no query of the circle reads",
    )
}

/// Whether two definitions are of one entity. One constant may have several addresses, so that its content counts.
pub(super) fn same(one: &Entity<'_>, two: &Entity<'_>) -> bool {
    core::ptr::eq(one, two) || one == two
}

/// The order in which queries start: each behind those whose results it reads, and behind the one that makes what it adds to, else as
/// they were added. Statements can be
/// sent in it, and removed in its reverse.
///
/// # Errors
/// A circle, each member reading what the one before it writes.
pub fn start_order(queries: &[&Query<'_>]) -> Result<Vec<usize>, Vec<usize>> {
    let sources: Vec<Vec<usize>> = queries
        .iter()
        .map(|query| {
            let writes = |other: &Query<'_>| {
                let makes = !query.creates() && other.creates();
                query
                    .inputs
                    .iter()
                    .any(|input| same(input.entity, other.output))
                    || (makes && same(query.output, other.output))
            };
            (0..queries.len())
                .filter(|at| queries.get(*at).is_some_and(|other| writes(other)))
                .collect()
        })
        .collect();
    let mut order: Vec<usize> = Vec::with_capacity(queries.len());
    while order.len() < queries.len() {
        let next = (0..queries.len()).find(|at| {
            !order.contains(at)
                && sources
                    .get(*at)
                    .is_some_and(|sources| sources.iter().all(|source| order.contains(source)))
        });
        match next {
            Some(next) => order.push(next),
            None => return Err(walk(&sources, &order)),
        }
    }
    Ok(order)
}

/// A circle among the queries that are not in the order: every one of them reads from another, so going back long enough
/// comes round.
fn walk(sources: &[Vec<usize>], order: &[usize]) -> Vec<usize> {
    let mut path: Vec<usize> = Vec::new();
    let mut at = (0..sources.len()).find(|at| !order.contains(at));
    while let Some(here) = at {
        if let Some(from) = path.iter().position(|seen| *seen == here) {
            let mut cycle: Vec<usize> = path.split_off(from);
            cycle.reverse();
            return cycle;
        }
        path.push(here);
        at = sources.get(here).and_then(|sources| {
            sources
                .iter()
                .copied()
                .find(|source| !order.contains(source))
        });
    }
    path
}

#[cfg(test)]
mod tests;
