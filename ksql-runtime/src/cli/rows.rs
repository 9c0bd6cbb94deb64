//! Records and rows of an entity, read from its topic.
//!
//! Invariant: a topic is read as a reader reads it, from its start, without a group: nothing is committed, no state is opened. Rows of
//! a table are the last record of each key, held in memory while they are read; so a directory that the program holds is no hindrance on a cluster.

use std::collections::HashMap;
use std::sync::mpsc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use ksql_schema::model::{Column, Kind, Role};
use serde::Serialize;
use serde_json::Value;

use super::command::{Get, List, Tail, Which};
use super::condition::{Condition, Literal, moment_of};
use super::exit::{Exit, Failure, Outcome, listed};
use super::model::unknown;
use super::output::{Output, Rows, cell, time};
use super::view::{Columns, Opened};
use crate::context::ContextBuilder;
use crate::context::reach::{Place, Reached};
use crate::log::{Log, LogError};

/// How long a reader waits before it looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(100);
/// Records on their way from the reader to who prints them.
const AHEAD: usize = 1024;

/// A record that was opened.
struct Read {
    partition: i32,
    offset: i64,
    timestamp: i64,
    /// The wire bytes of the key, which tell rows apart.
    key: Vec<u8>,
    opened: Opened,
}

/// Where reading begins and, unless it goes on for ever, ends.
struct Range {
    from: Vec<(i32, i64)>,
    to: Option<Vec<i64>>,
}

/// What was asked for is not there yet.
fn nothing_yet(builder: &ContextBuilder) -> Failure {
    let directory = builder
        .configuration()
        .map(|config| config.state_dir.display().to_string())
        .unwrap_or_default();
    Failure {
        exit: Exit::Nothing,
        text: format!("there is nothing in `{directory}` yet: the program never ran there"),
    }
}

pub(super) async fn reached(builder: &ContextBuilder) -> Outcome<Reached> {
    builder
        .model()
        .validate()
        .map_err(crate::error::Error::from)?;
    let reached = Reached::open(builder).await?;
    reached.ok_or_else(|| nothing_yet(builder))
}

/// The topic of an entity, or of one of its windows.
fn place<'r>(places: &'r [Place], entity: &str, window: Option<&str>) -> Outcome<&'r Place> {
    let named: Vec<&Place> = places
        .iter()
        .filter(|place| place.model.name.eq_ignore_ascii_case(entity))
        .collect();
    let labels = || {
        let windows = named.iter().filter_map(|place| place.window.as_ref());
        windows.map(|(_, label)| label.as_str())
    };
    match (named.first(), window) {
        (None, _) => {
            let mut known: Vec<&str> = places.iter().map(|place| place.model.name).collect();
            known.dedup();
            Err(unknown("entity", entity, known.into_iter()))
        }
        (Some(first), None) => Ok(first),
        (Some(first), Some(_)) if first.window.is_none() => Err(Failure::usage(format!(
            "`{}` has no windows: leave `--window` out",
            first.model.name
        ))),
        (Some(_), Some(window)) => named
            .iter()
            .copied()
            .find(|place| {
                let label = place.window.as_ref().map(|(_, label)| label.as_str());
                label.is_some_and(|label| {
                    label == window || label.strip_suffix("min") == Some(window)
                })
            })
            .ok_or_else(|| {
                Failure::usage(format!(
                    "`{entity}` has no window `{window}`; there are {}",
                    listed(labels())
                ))
            }),
    }
}

fn condition(which: &Which, place: &Place) -> Outcome<Option<Condition>> {
    let parsed = which
        .condition
        .as_deref()
        .map(|text| Condition::parse(text, place.model.columns))
        .transpose();
    parsed.map_err(|reason| Failure::usage(format!("--where: {reason}")))
}

/// What the key's columns are to be.
struct KeyIs(Vec<(&'static str, Literal)>);

impl KeyIs {
    fn parse(texts: &[&str], place: &Place) -> Outcome<KeyIs> {
        let columns: Vec<&Column<'static>> = place
            .model
            .columns
            .iter()
            .filter(|column| column.role == Role::Key)
            .collect();
        if columns.len() != texts.len() {
            let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
            return Err(Failure::usage(match names.as_slice() {
                [] => format!("`{}` has no key", place.model.name),
                names => format!(
                    "the key of `{}` is ({}): {} given",
                    place.model.name,
                    names.join(", "),
                    match texts.len() {
                        1 => "1 value is".to_owned(),
                        several => format!("{several} values are"),
                    }
                ),
            }));
        }
        let parts = columns.iter().zip(texts).map(|(column, text)| {
            let literal = Literal::of(column, text).map_err(Failure::usage)?;
            Ok((column.name, literal))
        });
        Ok(KeyIs(parts.collect::<Outcome<_>>()?))
    }

    fn is(&self, row: &Columns) -> bool {
        self.0.iter().all(|(name, literal)| {
            let found = row.get(name);
            found.is_some_and(|found| literal.compared(found) == Some(std::cmp::Ordering::Equal))
        })
    }
}

/// Reads records on a thread of its own and opens them; ends with `to`, or when nobody takes them any more.
async fn read(
    reached: &Reached,
    place: &Place,
    range: Range,
    progress: ProgressBar,
) -> Outcome<mpsc::Receiver<Outcome<Read>>> {
    let (send, records) = mpsc::sync_channel(AHEAD);
    let window = place.window.as_ref().map(|(size, _)| *size);
    let origin = reached.origin(place);
    let registry = reached.registry().clone();
    let mut view = (place.view)(origin, registry.clone(), window);
    let mut reader = reached.log().reader(&place.spec.name, &range.from)?;
    let runtime = tokio::runtime::Handle::current();
    let mut open: HashMap<i32, i64> = match &range.to {
        None => HashMap::new(),
        Some(to) => {
            let ends = range.from.iter().filter_map(|(partition, from)| {
                let end = to.get(usize::try_from(*partition).ok()?)?;
                (from < end).then_some((*partition, *end))
            });
            ends.collect()
        }
    };
    std::thread::spawn(move || {
        while range.to.is_none() || !open.is_empty() {
            let fetched = match reader.poll(LOOK) {
                Ok(Some(fetched)) => fetched,
                Ok(None) => continue,
                Err(error) if error.is_transient() => continue,
                Err(error) => {
                    let _ = send.send(Err(error.into()));
                    return;
                }
            };
            let partition = fetched.partition();
            for record in fetched.records() {
                if open
                    .get(&partition)
                    .is_some_and(|end| record.offset >= *end)
                {
                    break;
                }
                let mut opened = view.open(&record);
                // One schema after the other: the key has one, and the value.
                let mut asked = None;
                while let Opened::Unknown(id) = opened {
                    opened = match runtime.block_on(registry.schema_by_id(id)) {
                        Ok(_) if asked != Some(id) => view.open(&record),
                        Ok(_) => Opened::Bad(format!("its schema {id} is not kept")),
                        // What cannot be asked now may well be a row.
                        Err(error) if error.is_transient() => {
                            let _ = send.send(Err(crate::error::Error::from(error).into()));
                            return;
                        }
                        Err(error) => Opened::Bad(format!("its schema is {id}: {error}")),
                    };
                    asked = Some(id);
                }
                let read = Read {
                    partition,
                    offset: record.offset,
                    timestamp: record.timestamp,
                    key: record.key.unwrap_or_default().to_vec(),
                    opened,
                };
                if send.send(Ok(read)).is_err() {
                    return;
                }
            }
            progress.inc(fetched.len() as u64);
            let next = fetched.next_offset();
            if open.get(&partition).is_some_and(|end| next >= *end) {
                open.remove(&partition);
            }
        }
    });
    Ok(records)
}

/// The whole topic as it is now.
async fn whole(log: &Log, place: &Place) -> Outcome<(Range, u64)> {
    let offsets = match log.all_offsets(&place.spec.name).await {
        Ok(offsets) => offsets,
        Err(LogError::UnknownTopic { .. }) => return Err(no_topic(place)),
        Err(error) => return Err(error.into()),
    };
    let records = offsets
        .iter()
        .map(|at| at.end.saturating_sub(at.start).max(0));
    let records = records.sum::<i64>().unsigned_abs();
    let from = (0..).zip(offsets.iter().map(|at| at.start)).collect();
    let to = Some(offsets.iter().map(|at| at.end).collect());
    Ok((Range { from, to }, records))
}

fn no_topic(place: &Place) -> Failure {
    Failure {
        exit: Exit::Nothing,
        text: format!(
            "the topic `{}` of `{}` is not there: start the program first, which creates it",
            place.spec.name, place.model.name
        ),
    }
}

/// A bar on a terminal; nothing where there is none.
fn progress(records: u64, what: &str) -> ProgressBar {
    let bar = ProgressBar::new(records);
    let style = ProgressStyle::with_template("{msg} {bar:40} {human_pos}/{human_len} {eta}");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar
}

/// The last row of each key.
async fn rows(
    reached: &Reached,
    place: &Place,
    wanted: impl Fn(&Columns) -> bool + Send + 'static,
) -> Outcome<Vec<Columns>> {
    let (range, records) = whole(reached.log(), place).await?;
    let bar = progress(records, &place.spec.name);
    let read = read(reached, place, range, bar.clone()).await?;
    let topic = place.spec.name.clone();
    let gathered = tokio::task::spawn_blocking(move || {
        let mut last: HashMap<Vec<u8>, Columns> = HashMap::new();
        let mut bad: Option<String> = None;
        for record in read {
            let record = record?;
            match record.opened {
                Opened::Row(row) => {
                    // Only what is wanted is held; what was wanted and is not any more goes.
                    match wanted(&row) {
                        true => drop(last.insert(record.key, row)),
                        false => drop(last.remove(&record.key)),
                    }
                }
                Opened::Deleted(_) => drop(last.remove(&record.key)),
                Opened::Marker | Opened::Unknown(_) => {}
                Opened::Bad(reason) => {
                    last.remove(&record.key);
                    let at = format!(
                        "partition {}, offset {} of `{topic}` is no row: {reason}",
                        record.partition, record.offset
                    );
                    bad.get_or_insert(at);
                }
            }
        }
        let mut rows: Vec<Columns> = last.into_values().collect();
        rows.sort_by(compared);
        Ok::<_, Failure>((rows, bad))
    });
    let gathered = gathered.await.map_err(crate::error::Error::of_task)?;
    bar.finish_and_clear();
    let (rows, bad) = gathered?;
    if let Some(bad) = bad {
        super::hint(&format!("left out: {bad}"));
    }
    Ok(rows)
}

/// Rows in the order of their columns, keys first as they are declared.
fn compared(a: &Columns, b: &Columns) -> std::cmp::Ordering {
    let pairs = a.0.iter().zip(&b.0);
    let mut orders = pairs.map(|((_, a), (_, b))| match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a
                .as_f64()
                .partial_cmp(&b.as_f64())
                .unwrap_or(std::cmp::Ordering::Equal),
        },
        (a, b) => cell(a).cmp(&cell(b)),
    });
    orders
        .find(|order| order.is_ne())
        .unwrap_or(std::cmp::Ordering::Equal)
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
    let found = rows(&reached, chosen, move |row| key.is(row)).await;
    reached.close().await?;
    let found = found?;
    if found.is_empty() {
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
    match (out.json, chosen.window.is_some()) {
        (true, true) => out.line(pretty(&found)?)?,
        (true, false) => {
            for row in &found {
                out.line(pretty(row)?)?;
            }
        }
        (false, true) => out.table(&table(&found))?,
        (false, false) => {
            for row in &found {
                let mut rows = Rows::new(["column", "value"]);
                for (name, value) in &row.0 {
                    rows.push([name.as_str(), &cell(value)]);
                }
                out.table(&rows)?;
            }
        }
    }
    Ok(Exit::Done)
}

pub(super) async fn list(builder: &ContextBuilder, arguments: &List, out: &mut Output) -> Outcome {
    let places = Reached::places(builder)?;
    let which = arguments.which();
    let chosen = place(&places, &which.entity, which.window.as_deref())?;
    only_of_tables(chosen)?;
    let condition = condition(which, chosen)?;
    let reached = reached(builder).await?;
    let wanted = move |row: &Columns| condition.as_ref().is_none_or(|one| one.holds(row));
    let found = rows(&reached, chosen, wanted).await;
    reached.close().await?;
    let mut found = found?;
    let all = found.len();
    if arguments.limit > 0 {
        found.truncate(arguments.limit);
    }
    if out.json {
        out.line(pretty(&found)?)?;
        return Ok(Exit::Done);
    }
    if !found.is_empty() {
        out.table(&table(&found))?;
    }
    out.line(match all > found.len() {
        true => format!("{} of {all} rows: `--limit 0` prints all", found.len()),
        false => format!("{all} rows"),
    })?;
    Ok(Exit::Done)
}

fn pretty(rows: &impl Serialize) -> Outcome<String> {
    serde_json::to_string_pretty(rows).map_err(|error| Failure::wrong(error.to_string()))
}

fn table(rows: &[Columns]) -> Rows {
    let first = rows.first().map(|row| row.0.as_slice()).unwrap_or_default();
    let numbers = first.iter().enumerate();
    let numbers = numbers.filter(|(_, (_, value))| value.is_number());
    let numbers: Vec<usize> = numbers.map(|(at, _)| at).collect();
    let mut table = Rows::new(first.iter().map(|(name, _)| name.as_str())).numbers(numbers);
    for row in rows {
        table.push(row.0.iter().map(|(_, value)| cell(value)));
    }
    table
}

/// A record for programs.
#[derive(Serialize)]
struct Told<'a> {
    partition: i32,
    offset: i64,
    timestamp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<&'a Columns>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted: Option<&'a Columns>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<&'a str>,
}

pub(super) async fn tail(builder: &ContextBuilder, arguments: Tail, out: &mut Output) -> Outcome {
    let places = Reached::places(builder)?;
    let which = arguments.which();
    let chosen = place(&places, &which.entity, which.window.as_deref())?;
    let condition = condition(which, chosen)?;
    let key = match &arguments.key {
        None => None,
        Some(text) => {
            let columns = chosen.model.key_columns();
            let texts: Vec<&str> = match columns {
                // A comma is a comma where there is one column.
                0 | 1 => vec![text.as_str()],
                _ => text.split(',').map(str::trim).collect(),
            };
            Some(KeyIs::parse(&texts, chosen)?)
        }
    };
    let from = Begin::parse(&arguments.from)?;
    let reached = reached(builder).await?;
    let ended = follow(&reached, chosen, &arguments, from, condition, key, out).await;
    reached.close().await?;
    ended
}

async fn follow(
    reached: &Reached,
    place: &Place,
    arguments: &Tail,
    from: Begin,
    condition: Option<Condition>,
    key: Option<KeyIs>,
    out: &mut Output,
) -> Outcome {
    let (mut range, _) = whole(reached.log(), place).await?;
    from.begin(reached, place, &mut range).await?;
    // An embedded log has one owner, who is this process now: nothing would ever come.
    if !arguments.no_follow && reached.log().is_shared() {
        range.to = None;
    }
    let records = read(reached, place, range, ProgressBar::hidden()).await?;
    let mut left = arguments.limit.unwrap_or(u64::MAX);
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    let records = std::sync::Arc::new(std::sync::Mutex::new(records));
    while left > 0 {
        let taking = std::sync::Arc::clone(&records);
        let next = tokio::task::spawn_blocking(move || {
            let records = taking.lock();
            let records = records.unwrap_or_else(std::sync::PoisonError::into_inner);
            records.recv_timeout(LOOK)
        });
        let next = tokio::select! {
            next = next => next.map_err(crate::error::Error::of_task)?,
            _ = &mut interrupted => return Ok(Exit::Done),
        };
        let record = match next {
            Ok(record) => record?,
            Err(mpsc::RecvTimeoutError::Timeout) => continue,
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        };
        let told = Told {
            partition: record.partition,
            offset: record.offset,
            timestamp: record.timestamp,
            row: None,
            deleted: None,
            unreadable: None,
        };
        let (told, wanted) = match &record.opened {
            Opened::Marker | Opened::Unknown(_) => continue,
            Opened::Row(row) => {
                let wanted = condition.as_ref().is_none_or(|one| one.holds(row))
                    && key.as_ref().is_none_or(|key| key.is(row));
                let row = Some(row);
                (Told { row, ..told }, wanted)
            }
            // A condition on values holds of nothing that has none.
            Opened::Deleted(row) => {
                let wanted = condition.is_none() && key.as_ref().is_none_or(|key| key.is(row));
                let deleted = Some(row);
                (Told { deleted, ..told }, wanted)
            }
            Opened::Bad(reason) => {
                let unreadable = Some(reason.as_str());
                (
                    Told { unreadable, ..told },
                    condition.is_none() && key.is_none(),
                )
            }
        };
        if wanted {
            left -= 1;
            match out.json {
                true => {
                    let line = serde_json::to_string(&told);
                    out.line(line.map_err(|error| Failure::wrong(error.to_string()))?)?;
                }
                false => out.line(line(&told))?,
            }
        }
    }
    Ok(Exit::Done)
}

/// A record on one line.
fn line(told: &Told<'_>) -> String {
    let columns = |row: &Columns| {
        let columns = row.0.iter();
        let columns = columns.map(|(name, value)| format!("{name}={}", cell(value)));
        columns.collect::<Vec<_>>().join(" ")
    };
    let what = match (told.row, told.deleted, told.unreadable) {
        (Some(row), ..) => columns(row),
        (_, Some(row), _) => format!("deleted {}", columns(row)),
        (.., Some(reason)) => format!("unreadable: {reason}"),
        _ => String::new(),
    };
    format!(
        "{} {}:{} {what}",
        time(told.timestamp),
        told.partition,
        told.offset
    )
}

/// Where `tail` begins.
enum Begin {
    Beginning,
    End,
    Offset(i64),
    Time(i64),
    Ago(Duration),
}

impl Begin {
    fn parse(text: &str) -> Outcome<Begin> {
        if let Ok(offset) = text.parse() {
            return Ok(Begin::Offset(offset));
        }
        match text {
            "beginning" => return Ok(Begin::Beginning),
            "end" => return Ok(Begin::End),
            _ => {}
        }
        if let Some(moment) = moment_of(text) {
            return Ok(Begin::Time(moment.timestamp_millis()));
        }
        let ago = ksql_schema::duration::parse(text.strip_suffix(" ago").unwrap_or(text));
        ago.map(|millis| Begin::Ago(Duration::from_millis(millis)))
            .map_err(|_| {
                Failure::usage(format!(
                    "--from: `{text}` is no place in a topic: write `beginning`, `end`, an offset, a time like `2024-05-08T11:30:00Z`, or how long ago, like `15m`"
                ))
            })
    }

    async fn begin(&self, reached: &Reached, place: &Place, range: &mut Range) -> Outcome<()> {
        let ends = range.to.clone().unwrap_or_default();
        let topic = &place.spec.name;
        for ((partition, from), end) in range.from.iter_mut().zip(ends) {
            let since = match self {
                Begin::Beginning => continue,
                Begin::End => {
                    *from = end;
                    continue;
                }
                Begin::Offset(offset) => {
                    *from = (*offset).clamp(*from, end);
                    continue;
                }
                Begin::Time(millis) => *millis,
                Begin::Ago(ago) => {
                    let ago = i64::try_from(ago.as_millis()).unwrap_or(i64::MAX);
                    reached.now_ms.saturating_sub(ago)
                }
            };
            let found = reached.log().offset_at(topic, *partition, since).await?;
            *from = found.unwrap_or(end);
        }
        Ok(())
    }
}

/// A moment or how long ago, in milliseconds since 1970.
pub(super) fn since(text: &str, now_ms: i64) -> Outcome<chrono::DateTime<chrono::Utc>> {
    if let Some(moment) = moment_of(text) {
        return Ok(moment);
    }
    let ago = ksql_schema::duration::parse(text).ok();
    let ago = ago.and_then(|millis| i64::try_from(millis).ok());
    ago.and_then(|ago| chrono::DateTime::from_timestamp_millis(now_ms.saturating_sub(ago)))
        .ok_or_else(|| {
            Failure::usage(format!(
                "`{text}` is no time: write one like `2024-05-08T11:30:00Z`, or how long ago, like `24h`"
            ))
        })
}
