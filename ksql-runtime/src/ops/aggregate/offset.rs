//! `LATEST_BY_OFFSET` and `EARLIEST_BY_OFFSET`: by the order rows were processed in, not by time.
//!
//! As a rule a `NULL` is passed over; `NULLS` keeps it. Only sessions need to know when a value came, since two may be joined.

use std::fmt::Debug;

use super::stored::{read_all, read_optional, write_all, write_optional};
use super::values::{Owns, Values};
use super::{Accumulator, Merge, Overflow, Stored};
use crate::codec::{DecodeError, Reader, write};
use crate::ops::{Any, List, Scratch};

/// Whether it is kept when a value came.
#[derive(Debug, Clone, Copy)]
pub struct Seq<const KEPT: bool>;

/// When a value came, or nothing.
pub trait Sequence: Debug + Clone + 'static {
    /// The place in the order of processing.
    type At: Copy + Ord + Debug;
    /// Of a row.
    fn at(at: u64) -> Self::At;
    /// Appends the binary form.
    fn write(at: Self::At, out: &mut Vec<u8>);
    /// Reads the binary form.
    ///
    /// # Errors
    /// Where the bytes are too few.
    fn read(input: &mut Reader<'_>) -> Result<Self::At, DecodeError>;
}

impl Sequence for Seq<false> {
    type At = ();
    fn at(_at: u64) {}
    fn write((): (), _out: &mut Vec<u8>) {}
    fn read(_input: &mut Reader<'_>) -> Result<(), DecodeError> {
        Ok(())
    }
}

impl Sequence for Seq<true> {
    type At = u64;
    fn at(at: u64) -> u64 {
        at
    }
    fn write(at: u64, out: &mut Vec<u8>) {
        write::long(at as i64, out);
    }
    fn read(input: &mut Reader<'_>) -> Result<u64, DecodeError> {
        input.long().map(|at| at as u64)
    }
}

/// A value and when it came.
#[derive(Debug, Clone)]
pub(super) struct Seen<S, Q: Sequence> {
    at: Q::At,
    pub(super) value: Option<S>,
}

impl<S: Stored, Q: Sequence> Seen<S, Q> {
    /// Of a row; nothing where the row is passed over.
    #[inline]
    fn new(input: Any<'_>, at: u64, nulls: bool) -> Option<Self> {
        let value = S::take(input);
        (nulls || value.is_some()).then(|| Seen {
            at: Q::at(at),
            value,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        Q::write(self.at, out);
        write_optional(self.value.as_ref(), out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Seen {
            at: Q::read(input)?,
            value: read_optional(input)?,
        })
    }

    #[inline]
    fn any<'a>(&'a self, scratch: &'a Scratch) -> Any<'a> {
        self.value
            .as_ref()
            .map_or(Any::Null, |value| value.any(scratch))
    }
}

/// One value: the last or the first.
#[derive(Debug, Clone)]
pub struct ByOffset<S, Q: Sequence, const LAST: bool, const NULLS: bool>(Option<Seen<S, Q>>);

/// `LATEST_BY_OFFSET(x)`.
pub type Latest<S, const NULLS: bool = false, const SESSION: bool = false> =
    ByOffset<S, Seq<SESSION>, true, NULLS>;
/// `EARLIEST_BY_OFFSET(x)`.
pub type Earliest<S, const NULLS: bool = false, const SESSION: bool = false> =
    ByOffset<S, Seq<SESSION>, false, NULLS>;

impl<S: Stored, Q: Sequence, const LAST: bool, const NULLS: bool> Accumulator
    for ByOffset<S, Q, LAST, NULLS>
{
    type Input<'a> = Any<'a>;
    type Out<'a>
        = Any<'a>
    where
        Self: 'a;

    fn empty() -> Self {
        ByOffset(None)
    }

    #[inline]
    fn update(&mut self, input: Any<'_>, at: u64) -> Result<(), Overflow> {
        match &mut self.0 {
            None => self.0 = Seen::new(input, at, NULLS),
            Some(_) if !LAST => {}
            Some(seen) => match (&mut seen.value, input) {
                (_, Any::Null | Any::Failed) if !NULLS => {}
                (Some(value), input) if !matches!(input, Any::Null | Any::Failed) => {
                    value.set(input);
                    seen.at = Q::at(at);
                }
                (_, input) => {
                    if let Some(new) = Seen::new(input, at, NULLS) {
                        *seen = new;
                    }
                }
            },
        }
        Ok(())
    }

    #[inline]
    fn get<'a>(&'a self, scratch: &'a Scratch) -> Any<'a> {
        self.0.as_ref().map_or(Any::Null, |seen| seen.any(scratch))
    }

    #[inline]
    fn owned(&self) -> usize {
        self.0.as_ref().map_or(0, Seen::owned)
    }

    fn write(&self, out: &mut Vec<u8>) {
        match &self.0 {
            None => out.push(0),
            Some(seen) => {
                out.push(2);
                seen.write(out);
            }
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if input.present()? {
            Seen::read(input).map(|seen| ByOffset(Some(seen)))
        } else {
            Ok(ByOffset(None))
        }
    }
}

/// Without sessions nothing is merged, but the code for it is generated before the window's kind is known.
impl<S: Stored, Q: Sequence, const LAST: bool, const NULLS: bool> Merge
    for ByOffset<S, Q, LAST, NULLS>
{
    fn merge(&mut self, other: Self) -> Result<(), Overflow> {
        let replace = match (&self.0, &other.0) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(own), Some(other)) if LAST => other.at > own.at,
            (Some(own), Some(other)) => other.at < own.at,
        };
        if replace {
            *self = other;
        }
        Ok(())
    }
}

/// Several values: the last or the first `N`, in the order they came.
#[derive(Debug, Clone)]
pub struct ManyByOffset<S, Q: Sequence, const LAST: bool, const NULLS: bool, const N: usize>(
    Values<Seen<S, Q>>,
);

/// `LATEST_BY_OFFSET(x, n)`.
pub type LatestN<S, const N: usize, const NULLS: bool = false, const SESSION: bool = false> =
    ManyByOffset<S, Seq<SESSION>, true, NULLS, N>;
/// `EARLIEST_BY_OFFSET(x, n)`.
pub type EarliestN<S, const N: usize, const NULLS: bool = false, const SESSION: bool = false> =
    ManyByOffset<S, Seq<SESSION>, false, NULLS, N>;

impl<S: Stored, Q: Sequence, const LAST: bool, const NULLS: bool, const N: usize>
    ManyByOffset<S, Q, LAST, NULLS, N>
{
    fn shorten(&mut self) {
        if LAST {
            self.0.keep_last(N);
        } else {
            self.0.keep_first(N);
        }
    }
}

impl<S: Stored, Q: Sequence, const LAST: bool, const NULLS: bool, const N: usize> Accumulator
    for ManyByOffset<S, Q, LAST, NULLS, N>
{
    type Input<'a> = Any<'a>;
    type Out<'a>
        = List<'a>
    where
        Self: 'a;

    fn empty() -> Self {
        ManyByOffset(Values::new())
    }

    #[inline]
    fn update(&mut self, input: Any<'_>, at: u64) -> Result<(), Overflow> {
        if LAST || self.0.items().len() < N {
            if let Some(seen) = Seen::new(input, at, NULLS) {
                self.0.push(seen);
            }
            self.shorten();
        }
        Ok(())
    }

    fn get<'a>(&'a self, scratch: &'a Scratch) -> List<'a> {
        let items = self.0.items().iter();
        List::new(scratch.collect(items.map(|seen| seen.any(scratch))))
    }

    fn owned(&self) -> usize {
        self.0.owned()
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_all(self.0.items(), out, Seen::write);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        read_all(input, Seen::read).map(|items| ManyByOffset(Values::of(items)))
    }
}

impl<S: Stored, Q: Sequence, const LAST: bool, const NULLS: bool, const N: usize> Merge
    for ManyByOffset<S, Q, LAST, NULLS, N>
{
    fn merge(&mut self, other: Self) -> Result<(), Overflow> {
        self.0.append(other.0);
        self.0.sort_by_key(|seen| seen.at);
        self.shorten();
        Ok(())
    }
}
