//! `get` and `list`: the rows of a table, which are the last records of each key.
//!
//! They are held in memory while the topic is read, those that are wanted; so that they need no state, and no directory that the program holds.

use std::cmp::Ordering;
use std::collections::HashMap;

use ksql_schema::model::{Kind, Role};
use serde::Serialize;
use serde_json::Value;

use super::command::{Get, List, Which};
use super::condition::Condition;
use super::exit::{Exit, Failure, Outcome};
use super::key::KeyIs;
use super::literal::moment_of;
use super::output::{Output, Rows, cell, progress};
use super::reading::{place, reached, read, whole};
use super::view::{Columns, Opened};
use crate::context::ContextBuilder;
use crate::context::reach::{Place, Reached};
use crate::error::Error;

/// The condition of `--where`.
pub(super) fn condition(which: &Which, place: &Place) -> Outcome<Option<Condition>> {
    let parsed = which
        .condition
        .as_deref()
        .map(|text| Condition::parse(text, place.model.columns))
        .transpose();
    parsed.map_err(|reason| Failure::usage(format!("--where: {reason}")))
}

/// The last row of each key, and what was left out.
struct Found {
    rows: Vec<Columns>,
    /// Records that are no rows, and what is wrong with the first of them.
    bad: u64,
    first: Option<String>,
}

impl Found {
    /// A list that lacks something is none that a program may go by.
    fn exit(&self, topic: &str) -> Outcome {
        match &self.first {
            None => Ok(Exit::Done),
            Some(first) => Err(Failure::wrong(format!(
                "{} records of `{topic}` are no rows and were left out, the first of them in {first}",
                self.bad
            ))),
        }
    }
}

async fn rows(
    reached: &Reached,
    place: &Place,
    json: bool,
    wanted: impl Fn(&Columns) -> bool + Send + 'static,
) -> Outcome<Found> {
    let (range, records) = whole(reached, place).await?;
    let bar = progress(json, records, &place.spec.name);
    let read = read(reached, place, range, bar.clone())?;
    let gathered = tokio::task::spawn_blocking(move || {
        let mut last: HashMap<Vec<u8>, Columns> = HashMap::new();
        let (mut bad, mut first) = (0_u64, None);
        for record in read {
            let record = record?;
            match record.opened {
                // Only what is wanted is held; what was wanted and is not any more goes.
                Opened::Row(row) if wanted(&row) => drop(last.insert(record.key, row)),
                Opened::Row(_) | Opened::Deleted(_) => drop(last.remove(&record.key)),
                Opened::Marker | Opened::Unknown(_) => {}
                Opened::Bad(reason) => {
                    last.remove(&record.key);
                    bad += 1;
                    let (partition, offset) = (record.partition, record.offset);
                    first
                        .get_or_insert(format!("partition {partition}, offset {offset}: {reason}"));
                }
            }
        }
        Ok::<_, Failure>(Found {
            rows: last.into_values().collect(),
            bad,
            first,
        })
    });
    let gathered = gathered.await.map_err(Error::of_task)?;
    bar.finish_and_clear();
    let mut found = gathered?;
    let order = in_order(place);
    found.rows.sort_by(|a, b| compared(a, b, &order));
    Ok(found)
}

/// The columns that tell rows apart, in the order in which rows are told: the key's, then where the window begins.
fn in_order(place: &Place) -> Vec<&'static str> {
    let of = |role: Role| {
        let columns = place.model.columns.iter();
        columns
            .filter(move |column| column.role == role)
            .map(|column| column.name)
    };
    let start = of(Role::WindowStart).next().unwrap_or("window_start");
    of(Role::Key)
        .chain(place.window.is_some().then_some(start))
        .collect()
}

fn compared(a: &Columns, b: &Columns, order: &[&str]) -> Ordering {
    let moment = |value: &Value| moment_of(value.as_str()?);
    let mut orders = order.iter().map(|name| match (a.get(name), b.get(name)) {
        (Some(Value::Number(a)), Some(Value::Number(b))) => a.as_i64().cmp(&b.as_i64()),
        (Some(a), Some(b)) => match (moment(a), moment(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => cell(a).cmp(&cell(b)),
        },
        _ => Ordering::Equal,
    });
    orders
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn only_of_tables(place: &Place) -> Outcome<()> {
    match place.model.kind {
        Kind::Table => Ok(()),
        Kind::Stream => Err(Failure::usage(format!(
            "`{0}` is a stream, which has records and no rows: `tail {0} --from beginning --no-follow` prints them",
            place.model.name
        ))),
    }
}

pub(super) async fn get(builder: &ContextBuilder, arguments: &Get, out: &mut Output) -> Outcome {
    let places = Reached::places(builder)?;
    let chosen = place(&places, &arguments.entity, arguments.window.as_deref())?;
    only_of_tables(chosen)?;
    let texts: Vec<&str> = arguments.key.iter().map(String::as_str).collect();
    let key = KeyIs::parse(&texts, chosen)?;
    let reached = reached(builder).await?;
    let found = rows(&reached, chosen, out.json, move |row| key.is(row)).await;
    reached.close().await?;
    let found = found?;
    match (found.rows.as_slice(), out.json) {
        ([], _) => {
            found.exit(&chosen.spec.name)?;
            return Err(Failure {
                exit: Exit::Nothing,
                text: format!(
                    "`{}` has no row of the key ({})",
                    chosen.model.name,
                    texts.join(", ")
                ),
            });
        }
        // A windowed table has one a window.
        (rows, true) if chosen.window.is_some() => out.line(pretty(&rows)?)?,
        (rows, false) if chosen.window.is_some() => out.table(&table(rows))?,
        ([row, ..], true) => out.line(pretty(row)?)?,
        ([row, ..], false) => {
            let mut rows = Rows::new(["column", "value"]);
            for (name, value) in &row.0 {
                rows.push([name, &*cell(value)]);
            }
            out.table(&rows)?;
        }
    }
    found.exit(&chosen.spec.name)
}

pub(super) async fn list(builder: &ContextBuilder, arguments: &List, out: &mut Output) -> Outcome {
    let places = Reached::places(builder)?;
    let which = arguments.which();
    let chosen = place(&places, &which.entity, which.window.as_deref())?;
    only_of_tables(chosen)?;
    let condition = condition(which, chosen)?;
    let reached = reached(builder).await?;
    let wanted = move |row: &Columns| condition.as_ref().is_none_or(|one| one.holds(row));
    let found = rows(&reached, chosen, out.json, wanted).await;
    reached.close().await?;
    let found = found?;
    let all = found.rows.len();
    let most = match arguments.limit {
        0 => all,
        limit => limit.min(all),
    };
    let shown = found.rows.get(..most).unwrap_or_default();
    if out.json {
        out.line(pretty(&shown)?)?;
        return found.exit(&chosen.spec.name);
    }
    if !shown.is_empty() {
        out.table(&table(shown))?;
    }
    out.line(match all > most {
        true => format!("{most} of {all} rows: `--limit 0` prints all"),
        false => format!("{all} rows"),
    })?;
    found.exit(&chosen.spec.name)
}

fn pretty(rows: &impl Serialize) -> Outcome<String> {
    serde_json::to_string_pretty(rows).map_err(|error| Failure::wrong(error.to_string()))
}

fn table(rows: &[Columns]) -> Rows {
    let first = rows.first().map(|row| row.0.as_slice()).unwrap_or_default();
    let numbers = first.iter().enumerate();
    let numbers = numbers.filter(|(_, (_, value))| value.is_number());
    let numbers: Vec<usize> = numbers.map(|(at, _)| at).collect();
    let mut table = Rows::new(first.iter().map(|(name, _)| *name)).numbers(numbers);
    for row in rows {
        table.push(row.0.iter().map(|(_, value)| cell(value)));
    }
    table
}
