//! Lists in messages.

use crate::model::{Column, Role};
use crate::query::node::Node;
use crate::types::Field;

/// A list in words.
pub(super) struct List {
    bytes: [u8; 512],
    len: usize,
}

impl List {
    pub(super) const fn text(&self) -> &str {
        match self.bytes.split_at_checked(self.len) {
            Some((text, _)) => crate::text::as_str(text),
            None => "..",
        }
    }
}

pub(super) const fn list_of_parts(parts: &[(&str, &str, Node)]) -> List {
    let mut bytes = [0; 512];
    let mut sink = crate::text::Sink::new(&mut bytes);
    let mut parts = parts;
    while let [(text, name, _), rest @ ..] = parts {
        parts = rest;
        if !sink.is_empty() {
            sink.push(", ");
        }
        sink.push(text);
        sink.push(" as ");
        sink.push(name);
    }
    let len = sink.len();
    List { bytes, len }
}

pub(super) const fn list_of_keys(columns: &[Column<'_>]) -> List {
    let mut bytes = [0; 512];
    let mut sink = crate::text::Sink::new(&mut bytes);
    let mut columns = columns;
    while let [column, rest @ ..] = columns {
        columns = rest;
        if !matches!(column.role, Role::Key) {
            continue;
        }
        if !sink.is_empty() {
            sink.push(", ");
        }
        sink.push(column.name);
    }
    let len = sink.len();
    List { bytes, len }
}

pub(super) const fn list_of_fields(fields: &[Field<'_>]) -> List {
    let mut bytes = [0; 512];
    let mut sink = crate::text::Sink::new(&mut bytes);
    let mut fields = fields;
    while let [field, rest @ ..] = fields {
        fields = rest;
        if !sink.is_empty() {
            sink.push(", ");
        }
        sink.push("`");
        sink.push(field.name);
        sink.push("`");
    }
    let len = sink.len();
    List { bytes, len }
}

/// Those of an enum's variants that are not among others.
pub(super) const fn list_of_missing(name: &str, known: &[&str], taken: &[&str]) -> List {
    let mut bytes = [0; 512];
    let mut sink = crate::text::Sink::new(&mut bytes);
    let mut known = known;
    while let [one, rest @ ..] = known {
        known = rest;
        if has(taken, one) {
            continue;
        }
        if !sink.is_empty() {
            sink.push(", ");
        }
        sink.push("`");
        sink.push(name);
        sink.push("::");
        sink.push(one);
        sink.push("`");
    }
    let len = sink.len();
    List { bytes, len }
}

const fn has(list: &[&str], one: &str) -> bool {
    let mut list = list;
    while let [other, rest @ ..] = list {
        list = rest;
        if crate::names::hash(one) == crate::names::hash(other) {
            return true;
        }
    }
    false
}
