//! The form in which statements that mean the same are equal, and what is different where they are not.
//!
//! What ksqlDB adds by itself is written out (`*`, the grace of a window, `COUNT(*)` for a constant), what can be said in two ways is
//! said in one, and what says nothing is left out: aliases that ksqlDB would have made up, properties one side leaves open, the
//! order of key columns among the selected.

use super::joins;
use super::tree::{Expr, Item, Statement, Window};

/// A day, which is how long windows stay open where nothing is said.
const DAY: i64 = 86_400_000;

/// The columns of sources, which `*` stands for.
pub trait Sources {
    /// The columns of a source in order, each with whether it is one of the key.
    fn columns(&self, source: &str) -> Option<Vec<(String, bool)>>;

    /// Columns of a source that are left out wherever they are selected.
    fn absent(&self, source: &str) -> Vec<String> {
        let _ = source;
        Vec::new()
    }
}

/// What is selected, keys first.
#[derive(Debug)]
struct Selected {
    items: Vec<Item>,
    keys: usize,
}

/// What is different between a statement of a case and one of ours, whose name and topic end with `label` where it is that of
/// a window.
pub fn differences(
    case: &Statement,
    ours: &Statement,
    sources: &impl Sources,
    label: Option<&str>,
) -> Vec<String> {
    let mut found = Vec::new();
    let mut same = |what: &str, case: String, ours: String| {
        if case != ours {
            found.push(format!("{what}: the case says {case}, the query {ours}"));
        }
    };
    same(
        "kind",
        format!("{:?}", case.kind),
        format!("{:?}", ours.kind),
    );
    same("name", case.name.clone(), without(label, &ours.name));
    same("FROM", case.from().to_owned(), ours.from().to_owned());
    same(
        "JOIN",
        joins::listed(case, sources),
        joins::listed(ours, sources),
    );
    same(
        "EMIT FINAL",
        case.emits_final.to_string(),
        ours.emits_final.to_string(),
    );
    same(
        "WINDOW",
        window(case.window.as_ref(), case, None),
        window(ours.window.as_ref(), ours, case.window.as_ref()),
    );
    let clause = |of: &Statement, expr: &Option<Expr>| {
        expr.clone().map_or_else(
            || "nothing".to_owned(),
            |expr| joins::whole(expr, of, sources).to_string(),
        )
    };
    same(
        "WHERE",
        clause(case, &case.filter),
        clause(ours, &ours.filter),
    );
    same(
        "HAVING",
        clause(case, &case.having),
        clause(ours, &ours.having),
    );
    let listed = |of: &Statement, list: &[Expr]| {
        let texts: Vec<String> = list
            .iter()
            .map(|expr| joins::whole(expr.clone(), of, sources).to_string())
            .collect();
        format!("({})", texts.join(", "))
    };
    same(
        "GROUP BY",
        listed(case, &case.group_by),
        listed(ours, &ours.group_by),
    );
    same(
        "PARTITION BY",
        listed(case, &case.partition_by),
        listed(ours, &ours.partition_by),
    );
    for property in [
        "KAFKA_TOPIC",
        "PARTITIONS",
        "REPLICAS",
        "RETENTION_MS",
        "TIMESTAMP",
        "TIMESTAMP_FORMAT",
    ] {
        let Some(stated) = case.property(property) else {
            continue;
        };
        let value = ours.property(property).unwrap_or("nothing");
        let (stated, value) = match property {
            "KAFKA_TOPIC" => (stated.to_owned(), without(label, value)),
            "TIMESTAMP" => (
                stated.to_ascii_uppercase(),
                value.trim_matches('`').to_owned(),
            ),
            _ => (stated.to_owned(), value.to_owned()),
        };
        same(property, stated, value);
    }
    let selected = (selected(case, sources), selected(ours, sources));
    let count = |selected: &Selected| {
        format!(
            "{} key columns and {} others",
            selected.keys,
            selected.items.len() - selected.keys
        )
    };
    same("SELECT", count(&selected.0), count(&selected.1));
    for (index, (case, ours)) in selected.0.items.iter().zip(&selected.1.items).enumerate() {
        same(
            &format!("column {index}"),
            case.expr.to_string(),
            ours.expr.to_string(),
        );
        if let Some(alias) = &case.alias {
            let ours = ours.alias.clone().unwrap_or_default();
            same(&format!("name of column {index}"), alias.clone(), ours);
        }
    }
    found
}

/// A name without the label of a window behind it.
fn without(label: Option<&str>, name: &str) -> String {
    let Some(label) = label else {
        return name.to_owned();
    };
    let at = name.len().saturating_sub(label.len() + 1);
    match (name.get(..at), name.get(at..)) {
        (Some(name), Some(end)) if end.eq_ignore_ascii_case(&format!("_{label}")) => {
            name.to_owned()
        }
        _ => name.to_owned(),
    }
}

/// A window; a retention counts where the other side states one.
fn window(window: Option<&Window>, statement: &Statement, other: Option<&Window>) -> String {
    let Some(window) = window else {
        return "nothing".to_owned();
    };
    let grace = match (window.grace, statement.emits_final) {
        (Some(grace), _) => grace,
        (None, true) => 0,
        (None, false) => (DAY - window.size).max(0),
    };
    let retention = match other {
        Some(other) => other.retention.and(window.retention),
        None => window.retention,
    };
    format!(
        "{:?} of {} ms, every {:?}, kept {retention:?}, with {grace} ms of grace",
        window.kind, window.size, window.advance
    )
}

fn selected(statement: &Statement, sources: &impl Sources) -> Selected {
    let columns = joins::columns(statement, sources);
    let joined = !statement.joins.is_empty();
    let mut items = Vec::new();
    for item in &statement.select {
        let of_joined = joined.then(|| joins::starred(&item.expr, statement, sources));
        if let Some(starred) = of_joined.flatten() {
            items.extend(starred);
            continue;
        }
        if item.expr == Expr::Star {
            items.extend(starred(statement, &columns));
            continue;
        }
        let expr = joins::whole(item.expr.clone(), statement, sources);
        let alias = match (&item.alias, &expr) {
            (Some(alias), _) => Some(alias.clone()),
            (None, Expr::Column(name)) if joined => Some(joins::called(name, statement, sources)),
            (None, Expr::Column(name)) => Some(name.clone()),
            (None, _) => None,
        };
        items.push(Item { expr, alias });
    }
    let absent = |source: &String| {
        let names = sources.absent(source).into_iter();
        let whole = names.map(|name| match joined {
            true => format!("{source}.{name}"),
            false => name,
        });
        whole.collect::<Vec<_>>()
    };
    let read = statement.sources.iter();
    let absent: Vec<String> = read.flat_map(|(source, _)| absent(source)).collect();
    items.retain(|item| !matches!(&item.expr, Expr::Column(name) if absent.contains(name)));
    let whole = |list: &[Expr]| {
        let list = list.iter().cloned();
        list.map(|expr| joins::whole(expr, statement, sources))
            .collect::<Vec<_>>()
    };
    let keys: Vec<Expr> = if !statement.group_by.is_empty() {
        whole(&statement.group_by)
    } else if !statement.partition_by.is_empty() {
        whole(&statement.partition_by)
    } else if joined {
        joins::keys(statement, &items, sources)
    } else {
        let keys = columns.into_iter().filter(|(_, key)| *key);
        keys.map(|(name, _)| Expr::Column(name)).collect()
    };
    let mut first = Vec::new();
    for key in &keys {
        if let Some(at) = items.iter().position(|item| item.expr == *key) {
            first.push(items.remove(at));
        }
    }
    let keys = first.len();
    first.append(&mut items);
    Selected { items: first, keys }
}

/// What `*` stands for: behind another key come the value columns, then those that were the key.
fn starred(statement: &Statement, columns: &[(String, bool)]) -> Vec<Item> {
    let mut items: Vec<Item> = columns
        .iter()
        .map(|(name, _)| Item {
            expr: Expr::Column(name.clone()),
            alias: Some(name.clone()),
        })
        .collect();
    if statement.partition_by.is_empty() {
        return items;
    }
    let keys = columns.iter().filter(|(_, key)| *key).count();
    items.rotate_left(keys);
    let new = statement.partition_by.iter().cloned().map(normal);
    let mut made: Vec<Item> = new
        .filter(|key| !items.iter().any(|item| item.expr == *key))
        .map(|expr| Item { expr, alias: None })
        .collect();
    made.append(&mut items);
    made
}

/// One way to say what can be said in several.
pub fn normal(expr: Expr) -> Expr {
    expr.map(&mut |expr| match expr {
        Expr::Infix(op @ ("AND" | "OR"), list) => {
            let mut flat = Vec::new();
            for part in list {
                match part {
                    Expr::Infix(inner, parts) if inner == op => flat.extend(parts),
                    other => flat.push(other),
                }
            }
            Expr::Infix(op, flat)
        }
        Expr::Infix(op @ ("=" | "<>" | "<" | "<=" | ">" | ">="), list)
            if list.iter().any(is_text) =>
        {
            Expr::Infix(op, list.into_iter().map(bound).collect())
        }
        Expr::Call(name, list) => call(name, list),
        // A NULL among others has their type already.
        Expr::Cast(of, _) if *of == null() => null(),
        Expr::Case(whens, Some(otherwise)) if *otherwise == null() => Expr::Case(whens, None),
        Expr::Case(mut whens, Some(otherwise)) => match *otherwise {
            Expr::Case(more, last) => {
                whens.extend(more);
                Expr::Case(whens, last)
            }
            other => Expr::Case(whens, Some(Box::new(other))),
        },
        other => other,
    })
}

fn is_text(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(text) if text.starts_with('\''))
}

/// A window's bound as it is compared with a text, which ksqlDB reads as a moment beside the number and beside the time of it.
fn bound(expr: Expr) -> Expr {
    match expr {
        Expr::Call(name, mut list) if name == "FROM_UNIXTIME" => match list.as_slice() {
            [Expr::Column(column)] if column == "WINDOWSTART" || column == "WINDOWEND" => {
                list.remove(0)
            }
            _ => Expr::Call(name, list),
        },
        other => other,
    }
}

fn null() -> Expr {
    Expr::Literal("NULL".to_owned())
}

fn call(name: String, mut list: Vec<Expr>) -> Expr {
    let is_true = |expr: &Expr| matches!(expr, Expr::Literal(text) if text == "TRUE");
    match name.as_str() {
        // A constant is never NULL: such a count is one of rows.
        "COUNT" if matches!(list.as_slice(), [] | [Expr::Literal(_)]) => {
            Expr::Call(name, vec![Expr::Star])
        }
        "IFNULL" => Expr::Call("COALESCE".to_owned(), list),
        "LATEST_BY_OFFSET" | "EARLIEST_BY_OFFSET" if list.len() > 1 => {
            // That NULLs are left out is what happens where nothing is said.
            if list.last().is_some_and(is_true) {
                list.pop();
            }
            Expr::Call(name, list)
        }
        "CONCAT" => {
            let mut flat = Vec::new();
            for part in list {
                match part {
                    Expr::Call(inner, parts) if inner == "CONCAT" => flat.extend(parts),
                    other => flat.push(other),
                }
            }
            Expr::Call(name, flat)
        }
        _ => Expr::Call(name, list),
    }
}
