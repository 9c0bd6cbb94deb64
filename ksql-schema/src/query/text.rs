//! The text of a query, joined in a constant from pieces: words the macro wrote, and what only the entities and the nodes
//! know.
//!
//! A query over an entity with several windows is one statement a window: the pieces are the same, and what differs is
//! told by the window's number. The const interpreter pays for every step, so text is copied sixteen bytes a turn.

use super::column::find;
use super::functions::{Function, ksql_name, ksql_tail};
use super::node::Sql;
use super::with::{operational, render, sized};
use super::words;
use crate::ddl::{STREAM_SUFFIX, push_duration, push_label};
use crate::model::{Column, Entity, Role, Window, WindowKind};
use crate::text::{Sink, as_str};
use crate::types::Type;

/// A piece of a statement.
#[derive(Debug, Clone, Copy)]
pub enum Piece<'a> {
    /// Text as it stands.
    Text(&'a str),
    /// A column by its hash, in back quotes.
    Column(&'a [Column<'a>], u64),
    /// Before a column: where that is a window's bound, which is a BIGINT, and a field of time holds it, a call makes it a TIMESTAMP.
    OpenBound(&'a [Column<'a>], u64),
    /// Behind such a column.
    CloseBound(&'a [Column<'a>], u64),
    /// A column of a joined source: the alias without its quotes, the columns, the hash.
    Qualified(&'a str, &'a [Column<'a>], u64),
    /// Before a value of the first type where the second is wanted: nothing if they are one.
    Open(Sql, Sql),
    /// Behind such a value.
    Close(Sql, Sql),
    /// A type.
    Type(Sql),
    /// The name of a function that its first argument's type chooses.
    Name(Function, Sql),
    /// What that type puts behind the call.
    Tail(Function, Sql),
    /// `STRUCT(..)` of a struct's fields in their order: each field's hash and its expression.
    Record(Sql, &'a [(u64, &'a [Piece<'a>])]),
    /// What a closure over elements is given, named as no column of the source is.
    Variable(&'a [Column<'a>], &'a str),
    /// A parameter, named in the constant text and filled when the query is registered.
    Hole(&'a str),
    /// What is selected, in the order of the output's columns: each column's hash and its expression.
    Select(&'a [Column<'a>], &'a [(u64, &'a [Piece<'a>])]),
    /// The quoted name of a source: that of the window's statement if it has windows.
    Source(&'a Entity<'a>),
    /// The quoted name of what a query that writes the second entity reads: of one with windows the stream over the topic of
    /// the output's window.
    Input(&'a Entity<'a>, &'a Entity<'a>),
    /// The topic's name, inside quotes: that of the window's statement if it has windows.
    Topic(&'a Entity<'a>),
    /// `WINDOW TUMBLING (..)` of the window's statement and a blank; nothing without a window.
    Window(&'a Entity<'a>),
    /// The `WITH` clause of the output, which takes from the input what it leaves open.
    With(&'a Entity<'a>, &'a Entity<'a>),
}

/// How many statements an entity's query is: one a window.
pub const fn statements(entity: &Entity<'_>) -> usize {
    match entity.window {
        Some(window) => window.sizes_ms.len(),
        None => 1,
    }
}

/// What is left of the pieces once columns, functions and casts are known: found out once, for all windows.
#[derive(Debug, Clone, Copy)]
pub enum Segment<'a> {
    /// Text as it stands.
    Text(&'a str),
    /// A type.
    Type(Sql),
    /// [`Piece::Source`]
    Source(&'a Entity<'a>),
    /// [`Piece::Input`]
    Input(&'a Entity<'a>, &'a Entity<'a>),
    /// [`Piece::Topic`]
    Topic(&'a Entity<'a>),
    /// [`Piece::Window`]
    Window(&'a Entity<'a>),
    /// [`Piece::With`]
    With(&'a Entity<'a>, &'a Entity<'a>),
}

/// How many segments the pieces have.
pub const fn segments<'a>(pieces: &'a [Piece<'a>]) -> usize {
    let mut flat = Flat::<0> { out: [], len: 0 };
    flat.pieces(pieces);
    flat.len
}

/// The segments of the pieces, as many as [`segments`] tells.
pub const fn flatten<'a, const K: usize>(pieces: &'a [Piece<'a>]) -> [Segment<'a>; K] {
    let mut flat = Flat {
        out: [Segment::Text(""); K],
        len: 0,
    };
    flat.pieces(pieces);
    flat.out
}

struct Flat<'a, const K: usize> {
    out: [Segment<'a>; K],
    len: usize,
}

#[allow(
    clippy::indexing_slicing,
    reason = "const fn: arrays have no const get; the index is compared with the length first"
)]
impl<'a, const K: usize> Flat<'a, K> {
    const fn push(&mut self, segment: Segment<'a>) {
        if self.len < K {
            self.out[self.len] = segment;
        }
        self.len += 1;
    }

    const fn text(&mut self, text: &'a str) {
        self.push(Segment::Text(text));
    }

    const fn pieces(&mut self, pieces: &'a [Piece<'a>]) {
        let mut pieces = pieces;
        while let [piece, rest @ ..] = pieces {
            self.piece(piece);
            pieces = rest;
        }
    }

    const fn piece(&mut self, piece: &'a Piece<'a>) {
        match piece {
            Piece::Text(text) => self.text(text),
            Piece::Column(columns, hash) => self.column(columns, *hash),
            Piece::Qualified(alias, columns, hash) => {
                self.text("`");
                self.text(alias);
                self.text("`.");
                self.column(columns, *hash);
            }
            Piece::OpenBound(columns, hash) => {
                if is_timed_bound(columns, *hash) {
                    self.text("FROM_UNIXTIME(");
                }
            }
            Piece::CloseBound(columns, hash) => {
                if is_timed_bound(columns, *hash) {
                    self.text(")");
                }
            }
            Piece::Open(from, to) => {
                if converts(*from, *to) {
                    self.text("CAST(");
                }
            }
            Piece::Close(from, to) => {
                if converts(*from, *to) {
                    self.text(" AS ");
                    self.push(Segment::Type(*to));
                    self.text(")");
                }
            }
            Piece::Type(ty) => self.push(Segment::Type(*ty)),
            Piece::Name(function, first) => self.text(ksql_name(*function, *first)),
            Piece::Tail(function, first) => self.text(ksql_tail(*function, *first)),
            Piece::Hole(name) => {
                self.text(":");
                self.text(name);
            }
            Piece::Record(record, items) => self.record(*record, items),
            Piece::Variable(columns, name) => self.variable(columns, name),
            Piece::Select(columns, items) => self.select(columns, items),
            Piece::Source(entity) => self.push(Segment::Source(entity)),
            Piece::Input(entity, output) => self.push(Segment::Input(entity, output)),
            Piece::Topic(entity) => self.push(Segment::Topic(entity)),
            Piece::Window(entity) => self.push(Segment::Window(entity)),
            Piece::With(output, input) => self.push(Segment::With(output, input)),
        }
    }

    const fn column(&mut self, columns: &'a [Column<'a>], hash: u64) {
        if let Some(column) = find(columns, hash) {
            self.text(match column.role {
                // No columns of the source: the key's own names for them.
                Role::WindowStart => "WINDOWSTART",
                Role::WindowEnd => "WINDOWEND",
                _ => column.quoted,
            });
        }
    }

    const fn variable(&mut self, columns: &'a [Column<'a>], name: &'a str) {
        self.text("`");
        self.text(name);
        let (mut rest, sought) = (columns, crate::names::hash(name));
        while let [column, more @ ..] = rest {
            rest = more;
            if crate::names::hash(column.sql_name) == sought {
                self.text("_ELEMENT");
            }
        }
        self.text("`");
    }

    const fn record(&mut self, ty: Sql, items: &'a [(u64, &'a [Piece<'a>])]) {
        self.text("STRUCT(");
        let mut fields = match ty {
            Sql::Struct(record) => record.fields,
            _ => &[],
        };
        let mut first = true;
        while let [field, more @ ..] = fields {
            fields = more;
            let hash = crate::names::hash(field.name);
            let mut rest = items;
            while let [(of, pieces), others @ ..] = rest {
                rest = others;
                if *of == hash {
                    self.text(if first { "`" } else { ", `" });
                    first = false;
                    self.text(field.sql_name);
                    self.text("` := ");
                    self.pieces(pieces);
                    break;
                }
            }
        }
        self.text(")");
    }

    const fn select(&mut self, columns: &'a [Column<'a>], items: &'a [(u64, &'a [Piece<'a>])]) {
        let mut columns = columns;
        let mut first = true;
        while let [column, more @ ..] = columns {
            columns = more;
            // Window bounds are in the key already, ignored fields nowhere.
            if !matches!(column.role, Role::Key | Role::Value) {
                continue;
            }
            let mut rest = items;
            while let [(hash, pieces), others @ ..] = rest {
                rest = others;
                if *hash == column.hash {
                    if !first {
                        self.text(", ");
                    }
                    first = false;
                    self.pieces(pieces);
                    self.text(" AS ");
                    self.text(column.quoted);
                    break;
                }
            }
        }
    }
}

const fn is_timed_bound(columns: &[Column<'_>], hash: u64) -> bool {
    match find(columns, hash) {
        Some(column) => {
            matches!(column.role, Role::WindowStart | Role::WindowEnd)
                && matches!(column.ty, Type::DateTime)
        }
        None => false,
    }
}

/// The length of all statements together.
pub const fn total(segments: &[Segment<'_>], statements: usize) -> usize {
    let mut total = 0;
    let mut segments = segments;
    while let [segment, rest @ ..] = segments {
        segments = rest;
        match segment {
            Segment::Text(text) => total += text.len() * statements,
            segment => {
                let mut window = 0;
                while window < statements {
                    total += length(segment, window);
                    window += 1;
                }
            }
        }
    }
    total
}

const fn length(segment: &Segment<'_>, window: usize) -> usize {
    let mut text = Text {
        rest: &mut [],
        len: 0,
    };
    text.segment(segment, window);
    text.len
}

/// All statements one behind the other, in bytes of the length [`total`] tells.
pub const fn join<const N: usize>(segments: &[Segment<'_>], statements: usize) -> [u8; N] {
    let mut out = [0; N];
    let mut text = Text {
        rest: &mut out,
        len: 0,
    };
    let mut window = 0;
    while window < statements {
        let mut rest = segments;
        while let [segment, more @ ..] = rest {
            text.segment(segment, window);
            rest = more;
        }
        window += 1;
    }
    out
}

/// The statements in the bytes [`join`] made.
pub const fn split<'b, const COUNT: usize>(
    bytes: &'b [u8],
    segments: &[Segment<'_>],
) -> [&'b str; COUNT] {
    let mut texts = [""; COUNT];
    let mut slots: &mut [&'b str] = &mut texts;
    let mut rest = bytes;
    let mut window = 0;
    while let [slot, more @ ..] = slots {
        let mut end = 0;
        let mut left = segments;
        while let [segment, others @ ..] = left {
            left = others;
            end += match segment {
                Segment::Text(text) => text.len(),
                segment => length(segment, window),
            };
        }
        if let Some((text, after)) = rest.split_at_checked(end) {
            *slot = as_str(text);
            rest = after;
        }
        slots = more;
        window += 1;
    }
    texts
}

/// Where segments are written; what does not fit is counted.
struct Text<'o> {
    rest: &'o mut [u8],
    len: usize,
}

impl Text<'_> {
    /// Patterns cost the interpreter least: no index to add to, none to check.
    #[rustfmt::skip]
    #[allow(clippy::mem_replace_with_default, reason = "`take` is no const fn")]
    const fn push(&mut self, text: &str) {
        let mut bytes = text.as_bytes();
        self.len += bytes.len();
        let mut out = core::mem::replace(&mut self.rest, &mut []);
        while let [b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15, tail @ ..] = bytes {
            let [o0, o1, o2, o3, o4, o5, o6, o7, o8, o9, o10, o11, o12, o13, o14, o15, more @ ..] = out else {
                return;
            };
            *o0 = *b0; *o1 = *b1; *o2 = *b2; *o3 = *b3; *o4 = *b4; *o5 = *b5; *o6 = *b6; *o7 = *b7; *o8 = *b8; *o9 = *b9; *o10 = *b10; *o11 = *b11; *o12 = *b12; *o13 = *b13; *o14 = *b14; *o15 = *b15;
            (bytes, out) = (tail, more);
        }
        while let [b0, b1, b2, b3, tail @ ..] = bytes {
            let [o0, o1, o2, o3, more @ ..] = out else {
                return;
            };
            *o0 = *b0; *o1 = *b1; *o2 = *b2; *o3 = *b3;
            (bytes, out) = (tail, more);
        }
        while let [b0, tail @ ..] = bytes {
            let [o0, more @ ..] = out else {
                return;
            };
            *o0 = *b0;
            (bytes, out) = (tail, more);
        }
        self.rest = out;
    }

    const fn segment(&mut self, segment: &Segment<'_>, window: usize) {
        match segment {
            Segment::Text(text) => self.push(text),
            Segment::Type(ty) => self.ty(*ty),
            Segment::Source(entity) => {
                self.push("`");
                self.push(entity.sql_name);
                if let Some((window, size)) = sized(entity, window) {
                    self.push("_");
                    self.label(window, size, true);
                }
                self.push("`");
            }
            Segment::Input(entity, output) => {
                self.push("`");
                self.push(entity.sql_name);
                if let (Some(_), Some((window, size))) = (&entity.window, sized(output, window)) {
                    self.push("_");
                    self.label(window, size, true);
                    self.push(STREAM_SUFFIX);
                }
                self.push("`");
            }
            Segment::Topic(entity) => {
                self.push(entity.topic.name);
                if let Some((window, size)) = sized(entity, window) {
                    self.push("_");
                    self.label(window, size, false);
                }
            }
            Segment::Window(entity) => {
                if let Some((window, size)) = sized(entity, window) {
                    self.window(window, size);
                }
            }
            Segment::With(output, input) => self.with(output, input, window),
        }
    }

    const fn window(&mut self, window: &Window<'_>, size: u64) {
        match window.kind {
            WindowKind::Tumbling => self.push("WINDOW TUMBLING (SIZE "),
            WindowKind::Hopping => self.push("WINDOW HOPPING (SIZE "),
            WindowKind::Session => self.push("WINDOW SESSION ("),
        }
        self.duration(size);
        if let (WindowKind::Hopping, Some(advance)) = (window.kind, window.advance_ms) {
            self.push(", ADVANCE BY ");
            self.duration(advance);
        }
        self.push(", RETENTION ");
        self.duration(window.effective_retention_ms(size));
        self.push(", GRACE PERIOD ");
        self.duration(window.effective_grace_ms());
        self.push(") ");
    }

    const fn with(&mut self, output: &Entity<'_>, input: &Entity<'_>, window: usize) {
        // To be measured it need not be written, which is what costs.
        if self.rest.is_empty() {
            let mut sink = Sink::new(&mut []);
            render(output, &operational(output, input), window, &mut sink);
            self.len += sink.len();
            return;
        }
        let mut buffer = [0; 2048];
        let mut sink = Sink::new(&mut buffer);
        render(output, &operational(output, input), window, &mut sink);
        let len = sink.len();
        self.buffered(&buffer, len);
    }

    const fn ty(&mut self, ty: Sql) {
        match ty {
            Sql::Boolean => self.push("BOOLEAN"),
            Sql::Integer => self.push("INTEGER"),
            Sql::Bigint => self.push("BIGINT"),
            Sql::Double => self.push("DOUBLE"),
            Sql::String => self.push("STRING"),
            _ => {
                let mut buffer = [0; 1024];
                let mut sink = Sink::new(&mut buffer);
                words::push_type(ty, &mut sink);
                let len = sink.len();
                self.buffered(&buffer, len);
            }
        }
    }

    const fn duration(&mut self, millis: u64) {
        let mut buffer = [0; 40];
        let mut sink = Sink::new(&mut buffer);
        push_duration(millis, &mut sink);
        let len = sink.len();
        self.buffered(&buffer, len);
    }

    const fn label(&mut self, window: &Window<'_>, size: u64, upper: bool) {
        let mut buffer = [0; 64];
        let mut sink = Sink::new(&mut buffer);
        push_label(window, size, upper, &mut sink);
        let len = sink.len();
        self.buffered(&buffer, len);
    }

    /// What another renderer wrote into a buffer.
    const fn buffered(&mut self, buffer: &[u8], len: usize) {
        if let Some((text, _)) = buffer.split_at_checked(len) {
            self.push(as_str(text));
        }
    }
}

/// Whether a value needs a CAST to be of a type.
pub const fn converts(from: Sql, to: Sql) -> bool {
    !matches!(to, Sql::Null) && !from.same(to)
}

#[cfg(test)]
mod tests;
