//! The records of a topic, read and opened on a thread of its own.
//!
//! Invariant: a topic is read as a reader reads it, without a group: nothing is committed, no state is opened. What has an end comes to it, or
//! ends with an error: a server that went away is not waited for without end.

use std::collections::HashMap;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use super::exit::{Exit, Failure, Outcome};
use super::model::unknown;
use super::view::{Opened, View};
use crate::context::ContextBuilder;
use crate::context::reach::{Place, Reached};
use crate::error::Error;
use crate::log::{LogError, LogReader, RecordRef};
use crate::registry::Registry;

/// How long a reader waits before it looks whether it is to stop.
pub(super) const LOOK: Duration = Duration::from_millis(100);
/// Records on their way from the reader to who prints them.
const AHEAD: usize = 1024;

/// A record that was opened.
pub(super) struct Read {
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) timestamp: i64,
    /// The wire bytes of the key, which tell rows apart.
    pub(super) key: Vec<u8>,
    pub(super) opened: Opened,
}

/// Where reading begins and, unless it goes on for ever, ends.
pub(super) struct Range {
    pub(super) from: Vec<(i32, i64)>,
    pub(super) to: Option<Vec<i64>>,
}

/// The log and registry of a program that ran already.
pub(super) async fn reached(builder: &ContextBuilder) -> Outcome<Reached> {
    builder.model().validate().map_err(Error::from)?;
    if let Some(reached) = Reached::open(builder).await? {
        return Ok(reached);
    }
    let directory = builder.configuration().map_err(Error::from)?.state_dir;
    Err(Failure {
        exit: Exit::Nothing,
        text: format!(
            "there is nothing in `{}` yet: the program never ran there",
            directory.display()
        ),
    })
}

/// The topic of an entity, or of one of its windows.
pub(super) fn place<'r>(
    places: &'r [Place],
    entity: &str,
    window: Option<&str>,
) -> Outcome<&'r Place> {
    let named: Vec<&Place> = places
        .iter()
        .filter(|place| place.model.name.eq_ignore_ascii_case(entity))
        .collect();
    let Some(first) = named.first() else {
        let mut known: Vec<&str> = places.iter().map(|place| place.model.name).collect();
        known.dedup();
        return Err(unknown("entity", entity, known.into_iter()));
    };
    let Some(window) = window else {
        return Ok(first);
    };
    let labels: Vec<&str> = named
        .iter()
        .filter_map(|place| place.window.as_ref())
        .map(|(_, label)| label.as_str())
        .collect();
    if labels.is_empty() {
        return Err(Failure::usage(format!(
            "`{}` has no windows: leave `--window` out",
            first.model.name
        )));
    }
    // `5` is `5min`.
    let is = |label: &&str| *label == window || label.strip_suffix("min") == Some(window);
    let found = labels.iter().position(is).and_then(|at| named.get(at));
    found.copied().ok_or_else(|| {
        Failure::usage(format!(
            "`{}` has no window `{window}`; there are {}",
            first.model.name,
            super::exit::listed(labels.into_iter())
        ))
    })
}

/// The whole topic as it is now, and how many records that is.
pub(super) async fn whole(reached: &Reached, place: &Place) -> Outcome<(Range, u64)> {
    let offsets = match reached.log().all_offsets(&place.spec.name).await {
        Ok(offsets) => offsets,
        Err(LogError::UnknownTopic { .. }) => {
            return Err(Failure {
                exit: Exit::Nothing,
                text: format!(
                    "the topic `{}` of `{}` is not there: start the program first, which creates it",
                    place.spec.name, place.model.name
                ),
            });
        }
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

/// Reads records and opens them; ends with the range, or when nobody takes them any more.
pub(super) fn read(
    reached: &Reached,
    place: &Place,
    range: Range,
    progress: ProgressBar,
) -> Outcome<mpsc::Receiver<Outcome<Read>>> {
    let (send, records) = mpsc::sync_channel(AHEAD);
    let window = place.window.as_ref().map(|(size, _)| *size);
    let registry = reached.registry().clone();
    let view = (place.view)(reached.origin(place), registry.clone(), window);
    let reader = reached.log().reader(&place.spec.name, &range.from)?;
    let open = match &range.to {
        None => HashMap::new(),
        Some(to) => {
            let ends = range.from.iter().filter_map(|(partition, from)| {
                let end = to.get(usize::try_from(*partition).ok()?)?;
                (from < end).then_some((*partition, *end))
            });
            ends.collect()
        }
    };
    let mut reading = Reading {
        topic: place.spec.name.clone(),
        view,
        reader,
        registry,
        runtime: tokio::runtime::Handle::current(),
        bounded: range.to.is_some(),
        open,
        patience: reached.config.cluster.reach_timeout,
        progress,
        send,
    };
    std::thread::spawn(move || {
        if let Err(failure) = reading.all() {
            // Who has enough has gone.
            let _ = reading.send.send(Err(failure));
        }
    });
    Ok(records)
}

/// The thread's.
struct Reading {
    topic: String,
    view: Box<dyn View>,
    reader: LogReader,
    registry: Registry,
    runtime: tokio::runtime::Handle,
    /// Whether it ends.
    bounded: bool,
    /// The partitions that are not read to their ends, with these.
    open: HashMap<i32, i64>,
    /// How long nothing may come of what is there.
    patience: Duration,
    progress: ProgressBar,
    send: mpsc::SyncSender<Outcome<Read>>,
}

impl Reading {
    fn all(&mut self) -> Outcome<()> {
        let mut heard = Instant::now();
        let mut last: Option<LogError> = None;
        while !self.bounded || !self.open.is_empty() {
            match self.reader.poll(LOOK) {
                Ok(Some(fetched)) => {
                    heard = Instant::now();
                    let partition = fetched.partition();
                    for record in fetched.records() {
                        if self
                            .open
                            .get(&partition)
                            .is_some_and(|end| record.offset >= *end)
                        {
                            break;
                        }
                        let read = Read {
                            partition,
                            offset: record.offset,
                            timestamp: record.timestamp,
                            key: record.key.unwrap_or_default().to_vec(),
                            opened: self.opened(&record)?,
                        };
                        if self.send.send(Ok(read)).is_err() {
                            return Ok(());
                        }
                    }
                    self.progress.inc(fetched.len() as u64);
                    let next = fetched.next_offset();
                    if self.open.get(&partition).is_some_and(|end| next >= *end) {
                        self.open.remove(&partition);
                    }
                    continue;
                }
                Ok(None) => {}
                Err(error) if error.is_transient() => last = Some(error),
                Err(error) => return Err(error.into()),
            }
            // What goes on for ever waits as long as it takes.
            if self.bounded && heard.elapsed() > self.patience {
                let said = last.map_or_else(String::new, |error| format!(": {error}"));
                return Err(Failure {
                    exit: Exit::Unreachable,
                    text: format!(
                        "nothing more of `{}` came for {:?}, and it is not read to its end{said}",
                        self.topic, self.patience
                    ),
                });
            }
        }
        Ok(())
    }

    /// A record opened, once the schemas it was written with are known: the key has one, and the value.
    fn opened(&mut self, record: &RecordRef<'_>) -> Outcome<Opened> {
        let mut opened = self.view.open(record);
        let mut asked = None;
        while let Opened::Unknown(id) = opened {
            opened = match self.runtime.block_on(self.registry.schema_by_id(id)) {
                Ok(_) if asked != Some(id) => self.view.open(record),
                Ok(_) => Opened::Bad(format!("its schema {id} is not kept")),
                // What cannot be asked now may well be a row.
                Err(error) if error.is_transient() => return Err(Error::from(error).into()),
                Err(error) => Opened::Bad(format!("its schema is {id}: {error}")),
            };
            asked = Some(id);
        }
        Ok(opened)
    }
}
