//! What a dead letter says of itself: the names of its headers, and how they are made.
//!
//! Invariant: the record's own headers come first, in their order, untouched; ours behind them, each name once, all values
//! text in UTF-8 and numbers in decimal. Of a record that was a dead letter before, the first origin stays. Pure.

use std::borrow::Cow;

use super::failed::Failed;
use super::options::DeadLetterOptions;
use crate::log::{Header, Headers};

/// What the names of all headers of dead letters begin with; a replay takes them off.
pub(super) const PREFIX: &str = "__dlq.";
pub(super) const TOPIC: &str = "__dlq.errors.topic";
pub(super) const PARTITION: &str = "__dlq.errors.partition";
pub(super) const OFFSET: &str = "__dlq.errors.offset";
pub(super) const GROUP: &str = "__dlq.errors.group";
pub(super) const DELIVERY_COUNT: &str = "__dlq.errors.delivery.count";
pub(super) const MESSAGE: &str = "__dlq.errors.message";
pub(super) const STAGE: &str = "__dlq.errors.stage";
pub(super) const CLASS: &str = "__dlq.errors.class";
pub(super) const TIMESTAMP: &str = "__dlq.errors.timestamp";
pub(super) const TIMESTAMP_TYPE: &str = "__dlq.errors.timestamp.type";
pub(super) const FAILED_AT: &str = "__dlq.errors.failed.at";
pub(super) const ENTITY: &str = "__dlq.errors.entity";
pub(super) const KEY_SCHEMA: &str = "__dlq.errors.schema.id.key";
pub(super) const VALUE_SCHEMA: &str = "__dlq.errors.schema.id.value";
pub(super) const SOURCE: &str = "__dlq.errors.source";
/// How many of the record's own headers the options left out.
pub(super) const LEFT_OUT: &str = "__dlq.errors.headers.left.out";
/// How often the record was replayed. It goes with a replayed record, which is what makes a loop end.
pub(super) const REPLAYS: &str = "__dlq.replays";
/// Of a record of the dead letters' topic that is no letter and says something about others.
pub(super) const MARKER: &str = "__dlq.marker";

/// The headers that say where a record comes from: those of a letter that fails again stay.
const ORIGIN: [&str; 5] = [TOPIC, PARTITION, OFFSET, TIMESTAMP, TIMESTAMP_TYPE];

/// The others that are written anew.
const ANEW: [&str; 11] = [
    GROUP,
    DELIVERY_COUNT,
    MESSAGE,
    STAGE,
    CLASS,
    FAILED_AT,
    ENTITY,
    KEY_SCHEMA,
    VALUE_SCHEMA,
    SOURCE,
    LEFT_OUT,
];

/// What can be left out of a letter that is refused for its size: what reading and replaying it can do without.
const OPTIONAL: [&str; 4] = [MESSAGE, KEY_SCHEMA, VALUE_SCHEMA, SOURCE];

/// Whether this version knows what a header of a letter means.
pub(super) fn is_known(name: &str) -> bool {
    ORIGIN.contains(&name) || ANEW.contains(&name) || name == REPLAYS
}

/// The text of a header's value; nothing where there is none, or it is no text.
pub(super) fn text<'a>(headers: Headers<'a>, name: &str) -> Option<&'a str> {
    std::str::from_utf8(headers.last(name)?).ok()
}

/// A number in decimal.
pub(super) fn number<T: std::str::FromStr>(headers: Headers<'_>, name: &str) -> Option<T> {
    text(headers, name)?.parse().ok()
}

/// The schema's id, where the bytes begin as framed Avro does. No registry gives the id 0, with which small numbers begin.
pub(super) fn schema_id(bytes: Option<&[u8]>) -> Option<u32> {
    let (id, _) = crate::codec::frame::read(bytes?).ok()?;
    (id != 0).then_some(id)
}

/// What is known beside the record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) options: &'a DeadLetterOptions,
    /// Who writes.
    pub(super) source: &'a str,
    /// When it failed.
    pub(super) now_ms: i64,
    /// What the record's timestamp means, where it is known.
    pub(super) timestamp_type: Option<&'static str>,
}

/// The headers of a letter.
#[derive(Debug)]
pub(super) struct Letter<'a> {
    theirs: Vec<Header<'a>>,
    ours: Vec<(&'static str, Cow<'a, [u8]>)>,
    /// The partition of the first origin; -1 where there is none.
    pub(super) partition: i32,
}

impl<'a> Letter<'a> {
    pub(super) fn of(failed: &Failed<'a>, around: Around<'a>) -> Letter<'a> {
        let before = failed.record.headers;
        let mut theirs = Vec::new();
        let mut left_out = number::<u32>(before, LEFT_OUT).unwrap_or(0);
        for header in before {
            let name = header.name;
            if ORIGIN.contains(&name) || ANEW.contains(&name) || name.starts_with(MARKER) {
                continue;
            }
            // What counts replays is kept whatever is: without it a loop has no end.
            if name == REPLAYS || around.options.keeps(name, header.value) {
                theirs.push(header);
            } else {
                left_out = left_out.saturating_add(1);
            }
        }
        let mut ours: Vec<(&'static str, Cow<'a, [u8]>)> = Vec::new();
        let mut partition = failed.partition;
        if before.last(TOPIC).is_some() {
            for name in ORIGIN {
                if let Some(value) = before.last(name) {
                    ours.push((name, Cow::Borrowed(value)));
                }
            }
            partition = number(before, PARTITION).unwrap_or(partition);
        } else {
            ours.push((TOPIC, Cow::Borrowed(failed.topic.as_bytes())));
            // -1 of what never was in a topic.
            ours.push((PARTITION, decimal(i64::from(failed.partition))));
            ours.push((OFFSET, decimal(failed.record.offset)));
            ours.push((TIMESTAMP, decimal(failed.record.timestamp)));
            if let Some(word) = around.timestamp_type {
                ours.push((TIMESTAMP_TYPE, Cow::Borrowed(word.as_bytes())));
            }
        }
        let attempts = number::<u32>(before, DELIVERY_COUNT)
            .unwrap_or(0)
            .saturating_add(failed.attempts);
        let mut put = |name, value: &'a str| ours.push((name, Cow::Borrowed(value.as_bytes())));
        put(GROUP, failed.group);
        put(STAGE, failed.stage.as_str());
        put(CLASS, failed.class);
        put(ENTITY, failed.entity);
        put(SOURCE, around.source);
        let message = around.options.cut(failed.message);
        if !message.is_empty() {
            put(MESSAGE, message);
        }
        ours.push((DELIVERY_COUNT, decimal(i64::from(attempts))));
        ours.push((FAILED_AT, decimal(around.now_ms)));
        for (name, bytes) in [
            (KEY_SCHEMA, failed.record.key),
            (VALUE_SCHEMA, failed.record.value),
        ] {
            if let Some(id) = schema_id(bytes) {
                ours.push((name, decimal(i64::from(id))));
            }
        }
        if left_out > 0 {
            ours.push((LEFT_OUT, decimal(i64::from(left_out))));
        }
        Letter {
            theirs,
            ours,
            partition,
        }
    }

    /// Leaves out what a letter can do without.
    pub(super) fn without_optional(mut self) -> Letter<'a> {
        self.ours.retain(|(name, _)| !OPTIONAL.contains(name));
        self
    }

    /// All of them, the record's own first.
    pub(super) fn all(&self) -> Vec<Header<'_>> {
        let ours = self
            .ours
            .iter()
            .map(|(name, value)| Header::new(name, value));
        self.theirs.iter().copied().chain(ours).collect()
    }
}

fn decimal(value: i64) -> Cow<'static, [u8]> {
    Cow::Owned(value.to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_header_of_a_letter_is_taken_off_by_a_replay() {
        for name in ORIGIN.iter().chain(&ANEW).chain(&[REPLAYS, MARKER]) {
            assert!(name.starts_with(PREFIX), "{name}");
        }
        for name in OPTIONAL {
            assert!(ANEW.contains(&name), "{name} is not written anew");
        }
    }

    #[test]
    fn the_page_about_dead_letters_lists_every_header_and_no_other() {
        let page = include_str!("../../../docs/dead-letters.md");
        let rows = page
            .lines()
            .filter_map(|line| line.strip_prefix("| `__dlq"));
        let mut told: Vec<String> = rows
            .filter_map(|row| row.split_once('`'))
            .map(|(name, _)| format!("__dlq{name}"))
            .collect();
        let mut names: Vec<&str> = ORIGIN.iter().chain(&ANEW).copied().collect();
        told.sort_unstable();
        names.sort_unstable();
        assert_eq!(told, names);
        for name in [REPLAYS, MARKER] {
            assert!(page.contains(&format!("`{name}`")), "{name}");
        }
    }
}
