//! `COLLECT_LIST`, `COLLECT_SET`, `HISTOGRAM`, `ATTR`: every value, each value, how often, the only one.

use std::collections::BTreeMap;

use super::stored::{read_all, read_optional, write_all, write_optional};
use super::values::Values;
use super::{Accumulator, Merge, Overflow, Stored, Undo};
use crate::codec::{DecodeError, Reader, write};
use crate::ops::compare::same;
use crate::ops::{Any, List, Map, Scratch};

fn any<'a, S: Stored>(value: &'a Option<S>, scratch: &'a Scratch) -> Any<'a> {
    value.as_ref().map_or(Any::Null, |value| value.any(scratch))
}

fn is<S: Stored>(value: &Option<S>, input: Any<'_>) -> bool {
    same(any(value, &Scratch::new()), input)
}

/// A failed argument is a `NULL`.
fn or_null(input: Any<'_>) -> Any<'_> {
    match input {
        Any::Failed => Any::Null,
        input => input,
    }
}

/// `COLLECT_LIST(x)`: `NULL` too, in the order of arrival; what comes beyond `LIMIT` is not kept.
#[derive(Debug, Clone, PartialEq)]
pub struct CollectList<S, const LIMIT: usize>(Values<Option<S>>);

impl<S: Stored, const LIMIT: usize> Accumulator for CollectList<S, LIMIT> {
    type Input<'a> = Any<'a>;
    type Out<'a>
        = List<'a>
    where
        Self: 'a;

    fn empty() -> Self {
        CollectList(Values::new())
    }

    fn update(&mut self, input: Any<'_>, _at: u64) -> Result<(), Overflow> {
        if self.0.items().len() < LIMIT {
            self.0.push(S::take(input));
        }
        Ok(())
    }

    fn get<'a>(&'a self, scratch: &'a Scratch) -> List<'a> {
        let items = self.0.items().iter();
        List::new(scratch.collect(items.map(|value| any(value, scratch))))
    }

    fn owned(&self) -> usize {
        self.0.owned()
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_all(self.0.items(), out, |value, out| {
            write_optional(value.as_ref(), out);
        });
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        read_all(input, read_optional).map(|items| CollectList(Values::of(items)))
    }
}

impl<S: Stored, const LIMIT: usize> Undo for CollectList<S, LIMIT> {
    /// The last equal one goes; none, where the limit kept it out.
    fn undo(&mut self, input: Any<'_>) -> Result<(), Overflow> {
        let input = or_null(input);
        let items = self.0.items();
        if let Some(at) = items.iter().rposition(|value| is(value, input)) {
            self.0.remove(at);
        }
        Ok(())
    }
}

impl<S: Stored, const LIMIT: usize> Merge for CollectList<S, LIMIT> {
    fn merge(&mut self, other: Self) -> Result<(), Overflow> {
        self.0.append(other.0);
        self.0.keep_first(LIMIT);
        Ok(())
    }
}

/// `COLLECT_SET(x)`: each value once, one `NULL` too, in the order of arrival.
#[derive(Debug, Clone, PartialEq)]
pub struct CollectSet<S, const LIMIT: usize>(CollectList<S, LIMIT>);

impl<S: Stored, const LIMIT: usize> Accumulator for CollectSet<S, LIMIT> {
    type Input<'a> = Any<'a>;
    type Out<'a>
        = List<'a>
    where
        Self: 'a;

    fn empty() -> Self {
        CollectSet(CollectList::empty())
    }

    fn update(&mut self, input: Any<'_>, at: u64) -> Result<(), Overflow> {
        let input = or_null(input);
        if self.0.0.items().iter().any(|value| is(value, input)) {
            return Ok(());
        }
        self.0.update(input, at)
    }

    fn get<'a>(&'a self, scratch: &'a Scratch) -> List<'a> {
        self.0.get(scratch)
    }

    fn owned(&self) -> usize {
        self.0.owned()
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        CollectList::read(input).map(CollectSet)
    }
}

impl<S: Stored, const LIMIT: usize> Merge for CollectSet<S, LIMIT> {
    fn merge(&mut self, other: Self) -> Result<(), Overflow> {
        let scratch = Scratch::new();
        let mut items = other.0.0.items().iter();
        items.try_for_each(|value| self.update(any(value, &scratch), 0))
    }
}

/// Different values that a histogram counts at most.
const MOST: usize = 1000;

/// `HISTOGRAM(x)`: how often each text came. A `NULL` is not counted: ksqlDB cannot write the map it would make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    counts: BTreeMap<String, i64>,
    /// Of all texts.
    bytes: usize,
}

impl Histogram {
    /// About what a text takes in the map beside its bytes.
    const ENTRY: usize = 2 * size_of::<(String, i64)>();

    fn add(&mut self, text: &str, count: i64) {
        if let Some(known) = self.counts.get_mut(text) {
            *known = known.wrapping_add(count);
        } else if self.counts.len() < MOST {
            self.bytes = self.bytes.saturating_add(text.len());
            self.counts.insert(text.to_owned(), count);
        }
    }
}

impl Accumulator for Histogram {
    type Input<'a> = Any<'a>;
    type Out<'a> = Map<'a>;

    fn empty() -> Self {
        Histogram {
            counts: BTreeMap::new(),
            bytes: 0,
        }
    }

    fn update(&mut self, input: Any<'_>, _at: u64) -> Result<(), Overflow> {
        let scratch = Scratch::new();
        if let Some(text) = input.text(&scratch) {
            self.add(text, 1);
        }
        Ok(())
    }

    fn get<'a>(&'a self, scratch: &'a Scratch) -> Map<'a> {
        let entries = self.counts.iter();
        Map::new(scratch.collect(entries.map(|(text, count)| (text.as_str(), Any::Bigint(*count)))))
    }

    fn owned(&self) -> usize {
        let entries = self.counts.len().saturating_mul(Self::ENTRY);
        entries.saturating_add(self.bytes)
    }

    fn write(&self, out: &mut Vec<u8>) {
        write::long(self.counts.len() as i64, out);
        for (text, count) in &self.counts {
            write::bytes(text.as_bytes(), out);
            write::long(*count, out);
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let entries = read_all(input, |input| Ok((input.text()?.to_owned(), input.long()?)))?;
        Ok(Histogram {
            bytes: entries.iter().map(|(text, _)| text.len()).sum(),
            counts: entries.into_iter().collect(),
        })
    }
}

impl Undo for Histogram {
    fn undo(&mut self, input: Any<'_>) -> Result<(), Overflow> {
        let scratch = Scratch::new();
        if let Some(text) = input.text(&scratch)
            && let Some(count) = self.counts.get_mut(text)
        {
            *count -= 1;
            if *count < 1 {
                self.bytes = self.bytes.saturating_sub(text.len());
                self.counts.remove(text);
            }
        }
        Ok(())
    }
}

impl Merge for Histogram {
    fn merge(&mut self, other: Self) -> Result<(), Overflow> {
        for (text, count) in &other.counts {
            self.add(text, *count);
        }
        Ok(())
    }
}

/// `ATTR(x)`: the value, where all rows have the same; else `NULL`.
#[derive(Debug, Clone, PartialEq)]
pub struct Attr<S>(Values<(Option<S>, i64)>);

impl<S: Stored> Attr<S> {
    fn change(&mut self, input: Any<'_>, by: i64) {
        let input = or_null(input);
        let known = self.0.find_mut(|(value, _)| is(value, input));
        match known {
            Some((at, (_, count))) => {
                *count = count.saturating_add(by);
                // An entry that counts nothing is as good as none.
                if *count <= 0 {
                    self.0.remove(at);
                }
            }
            None if by > 0 => self.0.push((S::take(input), by)),
            None => {}
        }
    }
}

impl<S: Stored> Accumulator for Attr<S> {
    type Input<'a> = Any<'a>;
    type Out<'a>
        = Any<'a>
    where
        Self: 'a;

    fn empty() -> Self {
        Attr(Values::new())
    }

    fn update(&mut self, input: Any<'_>, _at: u64) -> Result<(), Overflow> {
        self.change(input, 1);
        Ok(())
    }

    fn get<'a>(&'a self, scratch: &'a Scratch) -> Any<'a> {
        match self.0.items() {
            [(value, _)] => any(value, scratch),
            _ => Any::Null,
        }
    }

    fn owned(&self) -> usize {
        self.0.owned()
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_all(self.0.items(), out, |(value, count), out| {
            write_optional(value.as_ref(), out);
            write::long(*count, out);
        });
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        read_all(input, |input| Ok((read_optional(input)?, input.long()?)))
            .map(|items| Attr(Values::of(items)))
    }
}

impl<S: Stored> Undo for Attr<S> {
    fn undo(&mut self, input: Any<'_>) -> Result<(), Overflow> {
        self.change(input, -1);
        Ok(())
    }
}

impl<S: Stored> Merge for Attr<S> {
    fn merge(&mut self, other: Self) -> Result<(), Overflow> {
        let scratch = Scratch::new();
        for (value, count) in other.0.items() {
            self.change(any(value, &scratch), *count);
        }
        Ok(())
    }
}
