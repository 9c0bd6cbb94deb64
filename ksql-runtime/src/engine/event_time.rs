//! When something happened: what the column says that an entity marks with `#[timestamp]`, else the record's timestamp.
//!
//! ksqlDB is told of that column in the statement, and drops records where it says nothing or a time before 1970; so does this,
//! for what is read and for what is written. On a query's thread.
//!
//! What is stamped far ahead of the clock is taken like every other record, as ksqlDB does, and counted: it moves stream time for all that comes behind it.

use std::cell::Cell as Counted;

use ksql_schema::datetime_format::Pattern;
use ksql_schema::model::Role;

use crate::codec::millis_of;
use crate::codec::result::Cells;
use crate::entity::Entity;
use crate::ops::{Any, Scratch};

/// How far ahead of the clock a timestamp may be before it counts as one of the future: an hour, as brokers have it.
const AHEAD: i64 = 60 * 60 * 1000;

/// The column, if there is one; and what came that is of the future.
#[derive(Debug)]
pub(super) struct EventTime {
    marked: Option<Marked>,
    /// From here on it is the future.
    future: Counted<i64>,
    seen: Counted<u64>,
}

#[derive(Debug)]
struct Marked {
    /// Its place among key and value columns.
    index: usize,
    /// How a text is read.
    pattern: Option<Pattern>,
}

impl EventTime {
    pub(super) fn of<T: Entity>() -> EventTime {
        let columns = T::COLUMNS
            .iter()
            .filter(|column| matches!(column.role, Role::Key | Role::Value));
        let mut marked = columns
            .enumerate()
            .filter(|(_, column)| column.timestamp)
            .map(|(index, column)| Marked {
                index,
                // A definition with another pattern does not compile.
                pattern: column
                    .datetime_format
                    .and_then(|text| Pattern::parse(text).ok()),
            });
        EventTime {
            marked: marked.next(),
            future: Counted::new(i64::MAX),
            seen: Counted::new(0),
        }
    }

    /// It is this late by now. Asked for once for many records.
    pub(super) fn set_now(&self, now_ms: i64) {
        self.future.set(now_ms.saturating_add(AHEAD));
    }

    /// How many rows of the future were taken since this was asked last.
    pub(super) fn ahead(&self) -> u64 {
        self.seen.take()
    }

    /// What was taken is taken again.
    pub(super) fn forget(&self) {
        self.seen.set(0);
    }

    /// The time of a row that is taken: as [`EventTime::millis`], counted where it is of the future.
    #[inline]
    pub(super) fn of_taken<'a, T: Entity>(
        &self,
        row: T::Row<'a>,
        scratch: &'a Scratch,
        of_record: i64,
    ) -> Option<i64> {
        let millis = self.millis::<T>(row, scratch, of_record)?;
        if millis > self.future.get() {
            self.seen.set(self.seen.get().saturating_add(1));
        }
        Some(millis)
    }

    /// Whether a column says it.
    pub(super) fn is_in_row(&self) -> bool {
        self.marked.is_some()
    }

    /// The time of a row in milliseconds, which is that of its record where no column says it; nothing where the column says
    /// none.
    #[inline]
    pub(super) fn millis<'a, T: Entity>(
        &self,
        row: T::Row<'a>,
        scratch: &'a Scratch,
        of_record: i64,
    ) -> Option<i64> {
        let Some(marked) = &self.marked else {
            return Some(of_record);
        };
        let mut cell = Cell {
            left: marked.index,
            found: Any::Null,
        };
        T::cells(row, scratch, &mut cell);
        let millis = match cell.found {
            Any::Bigint(millis) | Any::Timestamp(millis) => Some(millis),
            Any::String(text) => marked
                .pattern
                .as_ref()
                .and_then(|pattern| millis_of(pattern, text)),
            _ => None,
        };
        millis.filter(|millis| *millis >= 0)
    }
}

/// Takes one column of a row.
struct Cell<'a> {
    left: usize,
    found: Any<'a>,
}

impl<'a> Cell<'a> {
    #[inline]
    fn see(&mut self, value: Any<'a>) {
        if self.left == 0 {
            self.found = value;
        }
        self.left = self.left.wrapping_sub(1);
    }
}

impl<'a> Cells<'a> for Cell<'a> {
    #[inline]
    fn key(&mut self, value: Any<'a>) {
        self.see(value);
    }

    #[inline]
    fn value(&mut self, value: Any<'a>) {
        self.see(value);
    }
}
