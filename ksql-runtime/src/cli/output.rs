//! What a command prints: tables for people, JSON for programs.
//!
//! Invariant: what is asked for goes to the standard output, everything else - progress, errors, hints - to the standard error. A reader that
//! goes away, as `head` does, ends the command without an error.

use std::io::{ErrorKind, Write};
use std::time::Duration;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets::UTF8_BORDERS_ONLY};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::exit::{Exit, Failure, Outcome};

/// How often something moves of which nobody knows how long it takes.
const TICK: Duration = Duration::from_millis(100);

/// Where a command prints.
pub(super) struct Output {
    pub(super) json: bool,
    out: Box<dyn Write + Send>,
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output")
            .field("json", &self.json)
            .finish_non_exhaustive()
    }
}

impl Output {
    pub(super) fn new(json: bool) -> Output {
        Output {
            json,
            out: Box::new(std::io::stdout()),
        }
    }

    /// A line, at once.
    pub(super) fn line(&mut self, text: impl AsRef<str>) -> Outcome<()> {
        let text = text.as_ref();
        let written = writeln!(self.out, "{text}").and_then(|()| self.out.flush());
        written.map_err(|error| match error.kind() {
            // Whoever read has enough.
            ErrorKind::BrokenPipe => Failure {
                exit: Exit::Done,
                text: String::new(),
            },
            _ => Failure::wrong(format!("the output cannot be written: {error}")),
        })
    }

    /// A text that ends its lines itself.
    pub(super) fn text(&mut self, text: &str) -> Outcome<()> {
        self.line(text.trim_end_matches('\n'))
    }

    /// A document, indented.
    pub(super) fn document(&mut self, json: &Value) -> Outcome<()> {
        self.line(format!("{json:#}"))
    }

    /// Rows under their heads.
    pub(super) fn table(&mut self, table: &Rows) -> Outcome<()> {
        self.line(table.to_string())
    }
}

/// A table: its heads, and cells as text.
#[derive(Debug)]
pub(super) struct Rows {
    heads: Vec<String>,
    rows: Vec<Vec<String>>,
    numbers: Vec<usize>,
}

impl Rows {
    pub(super) fn new<S: Into<String>>(heads: impl IntoIterator<Item = S>) -> Rows {
        Rows {
            heads: heads.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
            numbers: Vec::new(),
        }
    }

    /// These columns hold numbers.
    pub(super) fn numbers(mut self, columns: impl IntoIterator<Item = usize>) -> Rows {
        self.numbers = columns.into_iter().collect();
        self
    }

    pub(super) fn push<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl std::fmt::Display for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut table = Table::new();
        table.load_preset(UTF8_BORDERS_ONLY);
        // A terminal that does not know its width says that it has none.
        if table.width() != Some(0) {
            table.set_content_arrangement(ContentArrangement::Dynamic);
        }
        table.set_header(&self.heads);
        for row in &self.rows {
            table.add_row(row);
        }
        for column in &self.numbers {
            if let Some(column) = table.column_mut(*column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        write!(f, "{table}")
    }
}

/// How far a command is, on a terminal; nothing where there is none, or where a program reads.
pub(super) fn progress(json: bool, all: u64, what: &str) -> ProgressBar {
    told(
        json,
        ProgressBar::new(all),
        "{msg} {bar:40} {human_pos}/{human_len} {eta}",
        what,
    )
}

/// The same of work whose length is not known.
pub(super) async fn busy<T>(json: bool, what: &str, work: impl Future<Output = T>) -> T {
    let bar = told(json, ProgressBar::new_spinner(), "{msg} {spinner}", what);
    bar.enable_steady_tick(TICK);
    let done = work.await;
    bar.finish_and_clear();
    done
}

fn told(json: bool, bar: ProgressBar, template: &str, what: &str) -> ProgressBar {
    if json {
        return ProgressBar::hidden();
    }
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar
}

/// A value as it stands in a table: texts without quotes.
pub(super) fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A time for people, UTC to the second; the number where it is none.
pub(super) fn time(millis: i64) -> String {
    chrono::DateTime::from_timestamp_millis(millis).map_or_else(
        || millis.to_string(),
        |time| time.format("%Y-%m-%d %H:%M:%S").to_string(),
    )
}
