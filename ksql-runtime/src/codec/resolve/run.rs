//! Rewriting a body by a plan. Total: any input gives a body or an error; what is written is bounded by what was read.

use super::build::{Branch, Output, RecordPlan, Step};
use super::schema::{Node, Schema};
use crate::codec::{DecodeError, Reader, write};

/// How deep a value that is stepped over may nest: deeper is an attack on the stack. A list linked by its records takes two
/// levels for each.
const DEEPEST: usize = 512;

/// What happens to a value without parts.
#[derive(Debug, Clone)]
pub(super) enum Convert {
    /// No bytes: none.
    Null,
    /// One byte, 0 or 1.
    Byte,
    /// So many bytes as they are.
    Fixed(usize),
    Int,
    Long,
    /// A finer time that must be whole milliseconds.
    Divide(i64),
    DoubleToFloat,
    FloatToDouble,
    LongToFloat,
    LongToDouble,
    /// Bytes that must be UTF-8.
    Text,
    Bytes,
    FixedToBytes(usize),
    Uuid,
    Symbol(Vec<String>),
    Decimal {
        precision: u32,
        scale: u32,
        written: u32,
        fixed: Option<usize>,
    },
}

/// How to step over values of the writer that nobody wants.
#[derive(Debug, Clone, Default)]
pub(super) struct Skips {
    /// By the writer's record index.
    records: Vec<Vec<Skip>>,
    added: Vec<Skip>,
}

#[derive(Debug, Clone)]
enum Skip {
    Long,
    Fixed(usize),
    Bytes,
    Array(Box<Skip>),
    Map(Box<Skip>),
    Union(Vec<Skip>),
    Record(usize),
}

impl Skips {
    pub(super) fn new(schema: &Schema) -> Skips {
        let records = schema
            .records
            .iter()
            .map(|record| {
                record
                    .fields
                    .iter()
                    .map(|(_, node)| Skip::of(node, schema))
                    .collect()
            })
            .collect();
        Skips {
            records,
            added: Vec::new(),
        }
    }

    /// Makes a type one that can be stepped over, by the index given.
    pub(super) fn add(&mut self, node: &Node, schema: &Schema) -> usize {
        self.added.push(Skip::of(node, schema));
        self.added.len().saturating_sub(1)
    }

    fn run(&self, index: usize, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        match self.added.get(index) {
            Some(skip) => self.skip(skip, input, 0),
            None => Ok(()),
        }
    }

    fn skip(&self, skip: &Skip, input: &mut Reader<'_>, depth: usize) -> Result<(), DecodeError> {
        if depth > DEEPEST {
            return Err(DecodeError::new(format!(
                "the value nests deeper than {DEEPEST}"
            )));
        }
        match skip {
            Skip::Long => input.long().map(drop),
            Skip::Fixed(length) => input.take(*length).map(drop),
            Skip::Bytes => input.bytes().map(drop),
            // Items without bytes: any number of them is true, and there is nothing to step over.
            Skip::Array(item) if matches!(**item, Skip::Fixed(0)) => loop {
                if input.any_block()? == 0 {
                    return Ok(());
                }
            },
            Skip::Array(item) => loop {
                let count = input.block()?;
                if count == 0 {
                    return Ok(());
                }
                for _ in 0..count {
                    self.skip(item, input, depth + 1)?;
                }
            },
            Skip::Map(value) => loop {
                let count = input.block()?;
                if count == 0 {
                    return Ok(());
                }
                for _ in 0..count {
                    input.bytes()?;
                    self.skip(value, input, depth + 1)?;
                }
            },
            Skip::Union(branches) => {
                let branch = input.long()?;
                let skip = usize::try_from(branch)
                    .ok()
                    .and_then(|branch| branches.get(branch));
                self.skip(skip.ok_or_else(|| no_branch(branch))?, input, depth + 1)
            }
            Skip::Record(index) => {
                for field in self
                    .records
                    .get(*index)
                    .map(Vec::as_slice)
                    .unwrap_or_default()
                {
                    self.skip(field, input, depth + 1)?;
                }
                Ok(())
            }
        }
    }
}

impl Skip {
    fn of(node: &Node, schema: &Schema) -> Skip {
        let of = |node: &Node| Skip::of(node, schema);
        match node {
            node if schema.is_empty(node) => Skip::Fixed(0),
            Node::Null => Skip::Fixed(0),
            Node::Boolean => Skip::Fixed(1),
            Node::Int(_) | Node::Long(_) | Node::Enum(_) => Skip::Long,
            Node::Float => Skip::Fixed(4),
            Node::Double => Skip::Fixed(8),
            Node::Bytes | Node::String | Node::Decimal { fixed: None, .. } => Skip::Bytes,
            Node::Decimal {
                fixed: Some(size), ..
            }
            | Node::Fixed { size, .. } => Skip::Fixed(*size),
            Node::Array(items) => Skip::Array(Box::new(of(items))),
            Node::Map(values) => Skip::Map(Box::new(of(values))),
            Node::Union(branches) => Skip::Union(branches.iter().map(of).collect()),
            Node::Record(index) => Skip::Record(*index),
        }
    }
}

#[cold]
fn no_branch(branch: i64) -> DecodeError {
    DecodeError::new(format!("the writer's union has no branch {branch}"))
}

pub(super) fn transcode(
    branch: Option<usize>,
    plan: &RecordPlan,
    skips: &Skips,
    body: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), DecodeError> {
    let mut input = Reader::new(body);
    if let Some(branch) = branch {
        let found = input.long()?;
        if usize::try_from(found) != Ok(branch) {
            return Err(DecodeError::new(format!(
                "the value is branch {found} of the writer's union, and the record is branch {branch}"
            )));
        }
    }
    record(plan, skips, &mut input, out)?;
    input.finish()
}

fn record(
    plan: &RecordPlan,
    skips: &Skips,
    input: &mut Reader<'_>,
    out: &mut Vec<u8>,
) -> Result<(), DecodeError> {
    if plan.in_order {
        let mut at = 0;
        for output in &plan.outputs {
            match output {
                Output::Default(bytes) => out.extend_from_slice(bytes),
                Output::From {
                    field,
                    name,
                    step: wanted,
                } => {
                    for skipped in plan.writer.get(at..*field).unwrap_or_default() {
                        skips.run(*skipped, input)?;
                    }
                    step(wanted, skips, input, out).map_err(|error| error.at(name))?;
                    at = field.saturating_add(1);
                }
            }
        }
        for skipped in plan.writer.get(at..).unwrap_or_default() {
            skips.run(*skipped, input)?;
        }
        return Ok(());
    }
    // Where each of the writer's fields begins.
    let mut starts = Vec::with_capacity(plan.writer.len());
    for skipped in &plan.writer {
        starts.push(*input);
        skips.run(*skipped, input)?;
    }
    for output in &plan.outputs {
        match output {
            Output::Default(bytes) => out.extend_from_slice(bytes),
            Output::From {
                field,
                name,
                step: wanted,
            } => {
                let mut start = *starts.get(*field).ok_or_else(DecodeError::short)?;
                step(wanted, skips, &mut start, out).map_err(|error| error.at(name))?;
            }
        }
    }
    Ok(())
}

fn step(
    wanted: &Step,
    skips: &Skips,
    input: &mut Reader<'_>,
    out: &mut Vec<u8>,
) -> Result<(), DecodeError> {
    match wanted {
        Step::Convert(wanted) => convert(wanted, input, out),
        Step::Some(inner) => {
            write::long(1, out);
            step(inner, skips, input, out)
        }
        Step::Union(branches) => {
            let branch = input.long()?;
            match usize::try_from(branch)
                .ok()
                .and_then(|branch| branches.get(branch))
            {
                None => Err(no_branch(branch)),
                Some(Branch::Null) => {
                    write::long(0, out);
                    Ok(())
                }
                Some(Branch::Value { some, step: inner }) => {
                    if *some {
                        write::long(1, out);
                    }
                    step(inner, skips, input, out)
                }
                Some(Branch::Never(reason)) => Err(DecodeError::new(reason.as_str())),
            }
        }
        Step::Array(item) => blocks(input, out, |input, out| {
            step(item, skips, input, out).map_err(|error| error.at("[]"))
        }),
        Step::Map(value) => blocks(input, out, |input, out| {
            write::bytes(input.bytes()?, out);
            step(value, skips, input, out).map_err(|error| error.at("{}"))
        }),
        Step::Entries {
            key,
            value,
            key_first: true,
        } => blocks(input, out, |input, out| {
            step(key, skips, input, out).map_err(|error| error.at("{}"))?;
            step(value, skips, input, out).map_err(|error| error.at("{}"))
        }),
        Step::Entries {
            key,
            value,
            key_first: false,
        } => {
            let mut entry = Vec::new();
            blocks(input, out, |input, out| {
                entry.clear();
                step(value, skips, input, &mut entry).map_err(|error| error.at("{}"))?;
                step(key, skips, input, out).map_err(|error| error.at("{}"))?;
                out.extend_from_slice(&entry);
                Ok(())
            })
        }
        Step::Record(plan) => record(plan, skips, input, out),
    }
}

/// Items in blocks of the same counts.
fn blocks(
    input: &mut Reader<'_>,
    out: &mut Vec<u8>,
    mut item: impl FnMut(&mut Reader<'_>, &mut Vec<u8>) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    loop {
        let count = input.block()?;
        write::long(count as i64, out);
        if count == 0 {
            return Ok(());
        }
        for _ in 0..count {
            item(input, out)?;
        }
    }
}

fn convert(wanted: &Convert, input: &mut Reader<'_>, out: &mut Vec<u8>) -> Result<(), DecodeError> {
    match wanted {
        Convert::Null => write::long(0, out),
        Convert::Byte => match input.byte()? {
            byte @ (0 | 1) => out.push(byte),
            other => {
                return Err(DecodeError::new(format!(
                    "a boolean is 0 or 1, not {other}"
                )));
            }
        },
        Convert::Fixed(length) => out.extend_from_slice(input.take(*length)?),
        Convert::Int => write::long(i64::from(input.int()?), out),
        Convert::Long => write::long(input.long()?, out),
        Convert::Divide(per_milli) => {
            let value = input.long()?;
            if value.checked_rem(*per_milli) != Some(0) {
                return Err(DecodeError::new(format!(
                    "{value} is finer than a millisecond ({per_milli} units each)"
                )));
            }
            write::long(value.checked_div(*per_milli).unwrap_or(value), out);
        }
        Convert::DoubleToFloat => {
            let value = f64::from_le_bytes(input.array()?);
            let narrow = value as f32;
            if f64::from(narrow) != value && !value.is_nan() {
                return Err(DecodeError::new(format!(
                    "{value} is not exact as an f32: write `f64`"
                )));
            }
            out.extend_from_slice(&narrow.to_le_bytes());
        }
        Convert::FloatToDouble => {
            out.extend_from_slice(&f64::from(f32::from_le_bytes(input.array()?)).to_le_bytes())
        }
        Convert::LongToFloat => {
            let value = input.long()?;
            let narrow = value as f32;
            if narrow as i128 != i128::from(value) {
                return Err(DecodeError::new(format!(
                    "{value} is not exact as an f32: write `f64` or `i64`"
                )));
            }
            out.extend_from_slice(&narrow.to_le_bytes());
        }
        Convert::LongToDouble => out.extend_from_slice(&(input.long()? as f64).to_le_bytes()),
        Convert::Text => write::bytes(input.text()?.as_bytes(), out),
        Convert::Bytes => write::bytes(input.bytes()?, out),
        Convert::FixedToBytes(length) => write::bytes(input.take(*length)?, out),
        Convert::Uuid => {
            let mut text = [0; 36];
            let id = uuid::Uuid::from_bytes(input.array()?);
            write::bytes(id.hyphenated().encode_lower(&mut text).as_bytes(), out);
        }
        Convert::Symbol(symbols) => {
            let index = input.long()?;
            let symbol = usize::try_from(index)
                .ok()
                .and_then(|index| symbols.get(index));
            let symbol = symbol.ok_or_else(|| {
                DecodeError::new(format!("the writer's enum has no symbol {index}"))
            })?;
            write::bytes(symbol.as_bytes(), out);
        }
        Convert::Decimal {
            precision,
            scale,
            written,
            fixed,
        } => {
            let bytes = match fixed {
                Some(length) => input.take(*length)?,
                None => input.bytes()?,
            };
            write::decimal(
                rescaled(unscaled(bytes)?, *written, *precision, *scale)?,
                out,
            );
        }
    }
    Ok(())
}

/// Big-endian two's complement of any length whose value has 128 bits.
fn unscaled(bytes: &[u8]) -> Result<i128, DecodeError> {
    let negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let fill = if negative { 0xff } else { 0 };
    let start = bytes.len().saturating_sub(16);
    let (sign, rest) = bytes.split_at_checked(start).unwrap_or((&[], bytes));
    let mut number = [fill; 16];
    for (slot, byte) in number.iter_mut().rev().zip(rest.iter().rev()) {
        *slot = *byte;
    }
    let value = i128::from_be_bytes(number);
    if sign.iter().any(|byte| *byte != fill) || (value < 0) != negative {
        return Err(DecodeError::new("the decimal has more than 38 digits"));
    }
    Ok(value)
}

/// The same number with another scale, if there is one.
fn rescaled(value: i128, written: u32, precision: u32, scale: u32) -> Result<i128, DecodeError> {
    let lost = || {
        DecodeError::new(format!(
            "a decimal of scale {written} is not exact as decimal({precision}, {scale})"
        ))
    };
    let value = if written <= scale {
        let factor = 10_i128.checked_pow(scale.saturating_sub(written));
        match factor.and_then(|factor| value.checked_mul(factor)) {
            Some(value) => value,
            None if value == 0 => 0,
            None => return Err(lost()),
        }
    } else {
        match 10_i128.checked_pow(written.saturating_sub(scale)) {
            Some(factor) if value.checked_rem(factor) == Some(0) => {
                value.checked_div(factor).unwrap_or(0)
            }
            None if value == 0 => 0,
            _ => return Err(lost()),
        }
    };
    match 10_u128.checked_pow(precision) {
        Some(bound) if value.unsigned_abs() >= bound => Err(DecodeError::new(format!(
            "the decimal has more than {precision} digits"
        ))),
        _ => Ok(value),
    }
}
