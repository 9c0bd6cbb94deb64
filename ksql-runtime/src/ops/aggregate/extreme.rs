//! `MIN` and `MAX`: `NULL` is passed over, of nothing they are `NULL`. Order as Java's `compareTo`.

use std::cmp::Ordering;

use super::stored::{read_optional, write_optional};
use super::{Accumulator, Merge, Overflow, Stored, java_order};
use crate::codec::{DecodeError, Reader};
use crate::ops::{Any, Scratch};

/// The best so far; `LARGEST` says which way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extreme<S, const LARGEST: bool>(Option<S>);

/// `MIN(x)`.
pub type Min<S> = Extreme<S, false>;
/// `MAX(x)`.
pub type Max<S> = Extreme<S, true>;

impl<S: Stored, const LARGEST: bool> Accumulator for Extreme<S, LARGEST> {
    type Input<'a> = Any<'a>;
    type Out<'a> = Any<'a>;

    fn empty() -> Self {
        Extreme(None)
    }

    #[inline]
    fn update(&mut self, input: Any<'_>, _at: u64) -> Result<(), Overflow> {
        let better = if LARGEST {
            Ordering::Greater
        } else {
            Ordering::Less
        };
        match &mut self.0 {
            None => self.0 = S::take(input),
            Some(_) if matches!(input, Any::Null | Any::Failed) => {}
            Some(best) if java_order(input, best.any(&Scratch::new())) == better => best.set(input),
            Some(_) => {}
        }
        Ok(())
    }

    #[inline]
    fn get<'a>(&'a self, scratch: &'a Scratch) -> Any<'a> {
        self.0
            .as_ref()
            .map_or(Any::Null, |value| value.any(scratch))
    }

    #[inline]
    fn owned(&self) -> usize {
        self.0.as_ref().map_or(0, S::owned)
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_optional(self.0.as_ref(), out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        read_optional(input).map(Extreme)
    }
}

impl<S: Stored, const LARGEST: bool> Merge for Extreme<S, LARGEST> {
    fn merge(&mut self, other: Self) -> Result<(), Overflow> {
        other
            .0
            .map_or(Ok(()), |value| self.update(value.any(&Scratch::new()), 0))
    }
}
