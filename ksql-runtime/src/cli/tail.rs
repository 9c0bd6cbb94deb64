//! `tail`: the records of an entity as they come.

use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::ProgressBar;
use serde::Serialize;

use super::command::Tail;
use super::condition::Condition;
use super::exit::{Exit, Failure, Outcome};
use super::key::KeyIs;
use super::literal::moment_or_ago;
use super::output::{Output, cell, time};
use super::reading::{LOOK, Range, Read, place, reached, read, whole};
use super::rows::condition;
use super::view::{Columns, Opened};
use crate::context::ContextBuilder;
use crate::context::reach::{Place, Reached};
use crate::error::Error;

/// Which records are printed.
struct Wanted {
    condition: Option<Condition>,
    key: Option<KeyIs>,
}

impl Wanted {
    fn is(&self, opened: &Opened) -> bool {
        let key = |row: &Columns| self.key.as_ref().is_none_or(|key| key.is(row));
        match opened {
            Opened::Marker | Opened::Unknown(_) => false,
            Opened::Row(row) => {
                key(row) && self.condition.as_ref().is_none_or(|one| one.holds(row))
            }
            // A condition on values holds of nothing that has none.
            Opened::Deleted(row) => key(row) && self.condition.is_none(),
            Opened::Bad(_) => self.condition.is_none() && self.key.is_none(),
        }
    }
}

pub(super) async fn tail(builder: &ContextBuilder, arguments: Tail, out: &mut Output) -> Outcome {
    let places = Reached::places(builder)?;
    let which = arguments.which();
    let chosen = place(&places, &which.entity, which.window.as_deref())?;
    let key = arguments.key.as_deref();
    let wanted = Wanted {
        condition: condition(which, chosen)?,
        key: key
            .map(|text| KeyIs::parse_line(text, chosen))
            .transpose()?,
    };
    let reached = reached(builder).await?;
    let ended = follow(&reached, chosen, &arguments, &wanted, out).await;
    reached.close().await?;
    ended
}

async fn follow(
    reached: &Reached,
    place: &Place,
    arguments: &Tail,
    wanted: &Wanted,
    out: &mut Output,
) -> Outcome {
    let begin = Begin::parse(&arguments.from, reached.now_ms)?;
    let (mut range, _) = whole(reached, place).await?;
    begin.apply(reached, place, &mut range).await?;
    // An embedded log has one owner, who is this process now: nothing would ever come.
    if !arguments.no_follow && reached.log().is_shared() {
        range.to = None;
    }
    let records = Arc::new(Mutex::new(read(
        reached,
        place,
        range,
        ProgressBar::hidden(),
    )?));
    let mut left = arguments.limit.unwrap_or(u64::MAX);
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    while left > 0 {
        let taking = Arc::clone(&records);
        let next = tokio::task::spawn_blocking(move || {
            let records = taking.lock().unwrap_or_else(PoisonError::into_inner);
            records.recv_timeout(LOOK)
        });
        let next = tokio::select! {
            next = next => next.map_err(Error::of_task)?,
            _ = &mut interrupted => break,
        };
        let record = match next {
            Ok(record) => record?,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => break,
        };
        if wanted.is(&record.opened) {
            left -= 1;
            let told = Told::of(&record);
            match out.json {
                true => {
                    let line = serde_json::to_string(&told);
                    out.line(line.map_err(|error| Failure::wrong(error.to_string()))?)?;
                }
                false => out.line(told.line())?,
            }
        }
    }
    Ok(Exit::Done)
}

/// A record for programs.
#[derive(Serialize)]
struct Told<'a> {
    partition: i32,
    offset: i64,
    timestamp: i64,
    #[serde(flatten)]
    what: What<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum What<'a> {
    Row(&'a Columns),
    Deleted(&'a Columns),
    Unreadable(&'a str),
}

impl Told<'_> {
    fn of(read: &Read) -> Told<'_> {
        Told {
            partition: read.partition,
            offset: read.offset,
            timestamp: read.timestamp,
            what: match &read.opened {
                Opened::Row(row) => What::Row(row),
                Opened::Deleted(key) => What::Deleted(key),
                Opened::Bad(reason) => What::Unreadable(reason),
                // Nobody wants these.
                Opened::Marker | Opened::Unknown(_) => What::Unreadable(""),
            },
        }
    }

    /// It on one line, for people.
    fn line(&self) -> String {
        let columns = |row: &Columns| {
            let columns = row.0.iter();
            let columns = columns.map(|(name, value)| format!("{name}={}", cell(value)));
            columns.collect::<Vec<_>>().join(" ")
        };
        let what = match self.what {
            What::Row(row) => columns(row),
            What::Deleted(key) => format!("deleted {}", columns(key)),
            What::Unreadable(reason) => format!("unreadable: {reason}"),
        };
        format!(
            "{} {}:{} {what}",
            time(self.timestamp),
            self.partition,
            self.offset
        )
    }
}

/// Where `tail` begins.
enum Begin {
    Beginning,
    End,
    Offset(i64),
    Time(i64),
}

impl Begin {
    fn parse(text: &str, now_ms: i64) -> Outcome<Begin> {
        match text {
            "beginning" => return Ok(Begin::Beginning),
            "end" => return Ok(Begin::End),
            _ => {}
        }
        let offset = text.parse().ok().map(Begin::Offset);
        offset
            .or_else(|| moment_or_ago(text, now_ms).map(Begin::Time))
            .ok_or_else(|| {
                Failure::usage(format!(
                    "--from: `{text}` is no place in a topic: write `beginning`, `end`, an offset, a time like `2024-05-08T11:30:00Z`, or how long ago, like `15m`"
                ))
            })
    }

    async fn apply(&self, reached: &Reached, place: &Place, range: &mut Range) -> Outcome<()> {
        let ends = range.to.clone().unwrap_or_default();
        for ((partition, from), end) in range.from.iter_mut().zip(ends) {
            match self {
                Begin::Beginning => {}
                Begin::End => *from = end,
                Begin::Offset(offset) => *from = (*offset).clamp(*from, end),
                Begin::Time(since) => {
                    let topic = &place.spec.name;
                    let found = reached.log().offset_at(topic, *partition, *since).await?;
                    *from = found.unwrap_or(end);
                }
            }
        }
        Ok(())
    }
}
