//! One dead letter as it is read: what its record was, and what its headers say of it.
//!
//! Invariant: any record of the topic can be read as a letter, whoever wrote it: what is missing or is no number is told in
//! [`DeadLetter::defects`], and no byte of the record is lost or changed. Pure.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::error::LetterId;
use super::failed::Stage;
use super::headers::{self as names, PREFIX};
use crate::log::{Headers, RecordRef};

/// A header, owned: its name and its value, where it has one.
pub type OwnedHeader = (String, Option<Vec<u8>>);

/// A dead letter. What its writer did not say is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// Where it is in the dead letters' topic.
    pub id: LetterId,
    /// The topic the record comes from.
    pub topic: Option<String>,
    /// The partition there; none of an entity that was given by hand.
    pub partition: Option<i32>,
    /// The offset there; none of an entity that was given by hand.
    pub offset: Option<i64>,
    /// The record's timestamp, in milliseconds since 1970.
    pub timestamp: Option<i64>,
    /// What that timestamp means: `CreateTime` or `LogAppendTime`.
    pub timestamp_type: Option<String>,
    /// When it failed, in milliseconds since 1970; where the letter does not say so, when it came into the topic.
    pub failed_at: i64,
    /// The consumer group, or the application.
    pub group: Option<String>,
    /// The entity, and its window where it is one's: `orders/5min`.
    pub entity: Option<String>,
    /// The part of handling it that failed; [`Stage::parse`] knows the words of this version.
    pub stage: Option<String>,
    /// The stable code of the failure.
    pub class: Option<String>,
    /// The failure as text.
    pub message: Option<String>,
    /// How often it was tried.
    pub attempts: Option<u32>,
    /// Who wrote the letter: `application/version@host`.
    pub source: Option<String>,
    /// The id of the key's schema, where the key begins as framed Avro does.
    pub key_schema: Option<u32>,
    /// The id of the value's schema, where the value begins as framed Avro does.
    pub value_schema: Option<u32>,
    /// How often the record was replayed before it became this letter.
    pub replays: u32,
    /// Where the letter was replayed to, if it was.
    pub replayed: Option<Replayed>,
    /// The record's key, byte for byte.
    pub key: Option<Vec<u8>>,
    /// The record's value, byte for byte.
    pub value: Option<Vec<u8>>,
    /// The record's own headers, in their order.
    pub headers: Vec<OwnedHeader>,
    /// How many of them were left out, as the writer's options said.
    pub headers_left_out: u32,
    /// Headers of dead letters that this version does not know: a newer one wrote them.
    pub unknown: Vec<OwnedHeader>,
    /// What the letter should say and does not.
    pub defects: Vec<LetterDefect>,
}

/// Where a letter was replayed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
    /// When, in milliseconds since 1970.
    pub at: i64,
}

/// A header of a letter that is missing or cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterDefect {
    /// The header.
    pub header: &'static str,
    /// What stands in it.
    pub found: Option<String>,
}

impl fmt::Display for LetterDefect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.found {
            None => write!(f, "`{}` is missing", self.header),
            Some(found) => write!(f, "`{}` cannot be read: it is `{found}`", self.header),
        }
    }
}

/// Reads headers and notes what is wrong with them.
struct Reading<'a> {
    headers: Headers<'a>,
    defects: Vec<LetterDefect>,
}

impl<'a> Reading<'a> {
    fn defect(&mut self, header: &'static str, found: Option<&[u8]>) {
        let found = found.map(|bytes| bytes.escape_ascii().to_string());
        self.defects.push(LetterDefect { header, found });
    }

    /// A text that letters may have.
    fn text(&mut self, name: &'static str) -> Option<String> {
        let bytes = self.headers.last(name)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Some(text.to_owned()),
            Err(_) => {
                self.defect(name, Some(bytes));
                None
            }
        }
    }

    /// A text that every letter has.
    fn told(&mut self, name: &'static str) -> Option<String> {
        if self.headers.last(name).is_none() {
            self.defect(name, None);
        }
        self.text(name)
    }

    /// A number that letters may have.
    fn number<T: std::str::FromStr>(&mut self, name: &'static str) -> Option<T> {
        let bytes = self.headers.last(name)?;
        let number = names::number(self.headers, name);
        if number.is_none() {
            self.defect(name, Some(bytes));
        }
        number
    }

    /// A number that every letter has.
    fn counted<T: std::str::FromStr>(&mut self, name: &'static str) -> Option<T> {
        if self.headers.last(name).is_none() {
            self.defect(name, None);
        }
        self.number(name)
    }
}

impl DeadLetter {
    /// A record of the dead letters' topic as a letter.
    pub(super) fn read(partition: i32, record: RecordRef<'_>) -> DeadLetter {
        let mut reading = Reading {
            headers: record.headers,
            defects: Vec::new(),
        };
        let (mut own, mut unknown) = (Vec::new(), Vec::new());
        for header in record.headers {
            let owned = || (header.name.to_owned(), header.value.map(<[u8]>::to_vec));
            if !header.name.starts_with(PREFIX) {
                own.push(owned());
            } else if !names::is_known(header.name) {
                unknown.push(owned());
            }
        }
        DeadLetter {
            id: LetterId {
                partition,
                offset: record.offset,
            },
            topic: reading.told(names::TOPIC),
            // Of what never was in a topic it is -1.
            partition: reading.counted(names::PARTITION).filter(|part| *part >= 0),
            offset: reading.counted(names::OFFSET).filter(|at| *at >= 0),
            timestamp: reading.counted(names::TIMESTAMP),
            timestamp_type: reading.text(names::TIMESTAMP_TYPE),
            failed_at: reading
                .counted(names::FAILED_AT)
                .unwrap_or(record.timestamp),
            group: reading.told(names::GROUP),
            entity: reading.told(names::ENTITY),
            stage: reading.told(names::STAGE),
            class: reading.told(names::CLASS),
            message: reading.text(names::MESSAGE),
            attempts: reading.counted(names::DELIVERY_COUNT),
            source: reading.text(names::SOURCE),
            key_schema: reading
                .number(names::KEY_SCHEMA)
                .or_else(|| names::schema_id(record.key)),
            value_schema: reading
                .number(names::VALUE_SCHEMA)
                .or_else(|| names::schema_id(record.value)),
            replays: reading.number(names::REPLAYS).unwrap_or(0),
            replayed: None,
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers: own,
            headers_left_out: reading.number(names::LEFT_OUT).unwrap_or(0),
            unknown,
            defects: reading.defects,
        }
    }

    /// The stage, where this version knows it.
    pub fn stage(&self) -> Option<Stage> {
        Stage::parse(self.stage.as_deref()?)
    }

    /// The letter for programs: every field by its name, bytes in base64.
    pub fn to_json(&self) -> Value {
        let bytes = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|bytes| STANDARD.encode(bytes));
        let headers = |headers: &[OwnedHeader]| -> Vec<Value> {
            headers
                .iter()
                .map(|(name, value)| json!({"name": name, "value": bytes(value)}))
                .collect()
        };
        let replayed = self.replayed.as_ref().map(|replayed| {
            json!({
                "topic": replayed.topic,
                "partition": replayed.partition,
                "offset": replayed.offset,
                "at": replayed.at,
            })
        });
        json!({
            "id": self.id.to_string(),
            "topic": self.topic,
            "partition": self.partition,
            "offset": self.offset,
            "timestamp": self.timestamp,
            "timestamp_type": self.timestamp_type,
            "failed_at": self.failed_at,
            "group": self.group,
            "entity": self.entity,
            "stage": self.stage,
            "class": self.class,
            "message": self.message,
            "attempts": self.attempts,
            "source": self.source,
            "key_schema": self.key_schema,
            "value_schema": self.value_schema,
            "replays": self.replays,
            "replayed": replayed,
            "key": bytes(&self.key),
            "value": bytes(&self.value),
            "headers": headers(&self.headers),
            "headers_left_out": self.headers_left_out,
            "unknown": headers(&self.unknown),
            "defects": self.defects.iter().map(LetterDefect::to_string).collect::<Vec<_>>(),
        })
    }
}

impl From<&DeadLetter> for LetterId {
    fn from(letter: &DeadLetter) -> LetterId {
        letter.id
    }
}
