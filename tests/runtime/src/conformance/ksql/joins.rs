//! What joins add to the normal form: columns behind their sources, what `*` stands for, which column becomes the key.

use super::normal::{Sources, normal};
use super::tree::{Expr, Item, Kind, Statement};

/// The key column that ksqlDB makes where what is compared is no column.
const ROWKEY: &str = "ROWKEY";

/// The columns of all sources: each behind its source, with whether it is one of the key.
pub(super) fn columns(statement: &Statement, sources: &impl Sources) -> Vec<(String, bool)> {
    let mut all = Vec::new();
    for (source, _) in &statement.sources {
        let columns = sources.columns(source).unwrap_or_default();
        all.extend(
            columns
                .into_iter()
                .map(|(name, key)| match statement.joins.is_empty() {
                    true => (name, key),
                    false => (format!("{source}.{name}"), key),
                }),
        );
    }
    all
}

/// An expression of this statement in one form: a column without its source is one of the only source that has it.
pub(super) fn whole(expr: Expr, statement: &Statement, sources: &impl Sources) -> Expr {
    if statement.joins.is_empty() {
        return normal(expr);
    }
    let columns = columns(statement, sources);
    let whole = expr.map(&mut |expr| match expr {
        Expr::Column(name) if !name.contains('.') => {
            let mut found = columns.iter().filter(|(column, _)| short(column) == name);
            match (found.next(), found.next()) {
                (Some((column, _)), None) => Expr::Column(column.clone()),
                _ => Expr::Column(name),
            }
        }
        other => other,
    });
    normal(whole)
}

/// A column without its source.
fn short(column: &str) -> &str {
    column.split_once('.').map_or(column, |(_, name)| name)
}

/// What ksqlDB calls a column for which no name is written: its own name, behind that of its source where others have it too.
pub(super) fn called(column: &str, statement: &Statement, sources: &impl Sources) -> String {
    let columns = columns(statement, sources);
    let others = columns
        .iter()
        .filter(|(other, _)| short(other) == short(column));
    match others.count() > 1 || short(column) == "ROWTIME" {
        true => prefixed(column, statement),
        false => short(column).to_owned(),
    }
}

/// A column's name behind what its source is called.
fn prefixed(column: &str, statement: &Statement) -> String {
    let Some((source, name)) = column.split_once('.') else {
        return column.to_owned();
    };
    let mut found = statement.sources.iter().filter(|(of, _)| of == source);
    let alias = found.next().map_or(source, |(_, alias)| alias);
    format!("{alias}_{name}")
}

/// What `*` and `source.*` stand for among joined sources; nothing where the expression is neither.
pub(super) fn starred(
    expr: &Expr,
    statement: &Statement,
    sources: &impl Sources,
) -> Option<Vec<Item>> {
    let of = match expr {
        Expr::Star => None,
        Expr::Column(name) => Some(name.strip_suffix(".*")?),
        _ => return None,
    };
    let mut items = Vec::new();
    if of.is_none() && viable(statement, sources).is_empty() {
        items.push(Item {
            expr: Expr::Column(ROWKEY.to_owned()),
            alias: Some(ROWKEY.to_owned()),
        });
    }
    for (column, _) in columns(statement, sources) {
        let source = column.split_once('.').map(|(source, _)| source);
        if of.is_none() || source == of {
            items.push(Item {
                alias: Some(prefixed(&column, statement)),
                expr: Expr::Column(column),
            });
        }
    }
    Some(items)
}

/// The columns that can be the key of what is joined: those equal to what the last join compares.
fn viable(statement: &Statement, sources: &impl Sources) -> Vec<Expr> {
    let mut equal: Vec<Expr> = Vec::new();
    for (index, join) in statement.joins.iter().rev().enumerate() {
        if index == 0 && join.kind == "FULL" {
            return equal;
        }
        let (left, right) = join.on.clone();
        let sides = [left, right].map(|side| whole(side, statement, sources));
        if index == 0 || sides.iter().any(|side| equal.contains(side)) {
            equal.extend(sides);
        }
    }
    equal.retain(|side| matches!(side, Expr::Column(_)));
    equal
}

/// The key's expressions among what is selected.
pub(super) fn keys(statement: &Statement, items: &[Item], sources: &impl Sources) -> Vec<Expr> {
    let all = columns(statement, sources);
    let is_key = |expr: &Expr| {
        all.iter()
            .any(|(name, key)| *key && *expr == Expr::Column(name.clone()))
    };
    let foreign = |join: &super::tree::Join| {
        let (left, right) = join.on.clone();
        ![left, right]
            .into_iter()
            .all(|side| is_key(&whole(side, statement, sources)))
    };
    if statement.kind == Kind::Table && statement.joins.last().is_some_and(foreign) {
        // Joined by a foreign key the rows keep the key of the first source.
        let first = format!("{}.", statement.from());
        let kept = all
            .iter()
            .filter(|(name, key)| *key && name.starts_with(&first));
        return kept.map(|(name, _)| Expr::Column(name.clone())).collect();
    }
    let mut viable = viable(statement, sources);
    viable.push(Expr::Column(ROWKEY.to_owned()));
    let found = items.iter().find(|item| viable.contains(&item.expr));
    found.map(|item| item.expr.clone()).into_iter().collect()
}

/// The joins as text, both sides in one order.
pub(super) fn listed(statement: &Statement, sources: &impl Sources) -> String {
    let joined = statement.joins.iter().zip(statement.sources.iter().skip(1));
    let texts = joined.map(|(join, (source, _))| {
        let (left, right) = join.on.clone();
        let mut sides = [left, right].map(|side| whole(side, statement, sources).to_string());
        sides.sort();
        format!(
            "{} {source} within {:?}, grace {:?}, on {}",
            join.kind,
            join.within,
            join.grace,
            sides.join(" = ")
        )
    });
    texts.collect::<Vec<_>>().join("; ")
}
