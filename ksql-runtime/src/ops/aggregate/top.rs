//! `TOPK` and `TOPKDISTINCT`: the largest first; `NULL` is passed over.

use std::cmp::Ordering;

use super::stored::{read_all, write_all};
use super::values::Values;
use super::{Accumulator, Merge, Nest, Nested, Overflow, Stored, java_order};
use crate::codec::{DecodeError, Reader};
use crate::ops::{Any, List, Scratch};

/// The largest `K`; with `DISTINCT` each once.
#[derive(Debug, Clone, PartialEq)]
pub struct Top<S, const K: usize, const DISTINCT: bool>(Values<S>);

/// `TOPK(x, k)`.
pub type TopK<S, const K: usize> = Top<S, K, false>;
/// `TOPKDISTINCT(x, k)`.
pub type TopKDistinct<S, const K: usize> = Top<S, K, true>;

/// How a value that is kept stands to another.
fn against<S: Stored>(kept: &S, input: Any<'_>) -> Ordering {
    java_order(kept.any(&Scratch::new()), input)
}

impl<S: Stored, const K: usize, const DISTINCT: bool> Accumulator for Top<S, K, DISTINCT> {
    type Input<'a> = Any<'a>;
    type Out<'a>
        = List<'a>
    where
        Self: 'a;

    fn empty() -> Self {
        Top(Values::new())
    }

    fn update(&mut self, input: Any<'_>, _at: u64) -> Result<(), Overflow> {
        if matches!(input, Any::Null | Any::Failed) {
            return Ok(());
        }
        let items = self.0.items();
        // Behind all that are larger or equal.
        let at = items.partition_point(|kept| against(kept, input) != Ordering::Less);
        let known = DISTINCT
            && at
                .checked_sub(1)
                .and_then(|before| items.get(before))
                .is_some_and(|kept| against(kept, input) == Ordering::Equal);
        if at < K
            && !known
            && let Some(value) = S::take(input)
        {
            self.0.insert(at, value);
            self.0.keep_first(K);
        }
        Ok(())
    }

    fn get<'a>(&'a self, scratch: &'a Scratch) -> List<'a> {
        let items = self.0.items().iter();
        List::new(scratch.collect(items.map(|value| value.any(scratch))))
    }

    fn owned(&self) -> usize {
        self.0.owned()
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_all(self.0.items(), out, S::write);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        read_all(input, S::read).map(|items| Top(Values::of(items)))
    }
}

impl<S: Stored, const K: usize, const DISTINCT: bool> Merge for Top<S, K, DISTINCT> {
    fn merge(&mut self, other: Self) -> Result<(), Overflow> {
        let scratch = Scratch::new();
        let mut items = other.0.items().iter();
        items.try_for_each(|value| self.update(value.any(&scratch), 0))
    }
}

/// `TOPK(x, others.., k)`: structs of what is ranked, which stands first in them, and what is wanted beside it.
#[derive(Debug, Clone)]
pub struct TopKWith<S, N, const K: usize>(Values<(S, Nested<N>)>);

impl<S: Stored, N: Nest, const K: usize> Accumulator for TopKWith<S, N, K> {
    type Input<'a> = Any<'a>;
    type Out<'a>
        = List<'a>
    where
        Self: 'a;

    fn empty() -> Self {
        TopKWith(Values::new())
    }

    fn update(&mut self, input: Any<'_>, _at: u64) -> Result<(), Overflow> {
        let ranked = match input {
            Any::Struct([(_, ranked), ..]) => *ranked,
            _ => return Ok(()),
        };
        if matches!(ranked, Any::Null | Any::Failed) {
            return Ok(());
        }
        let items = self.0.items();
        let at = items.partition_point(|(kept, _)| against(kept, ranked) != Ordering::Less);
        if at < K
            && let (Some(ranked), Some(row)) = (S::take(ranked), Nested::take(input))
        {
            self.0.insert(at, (ranked, row));
            self.0.keep_first(K);
        }
        Ok(())
    }

    fn get<'a>(&'a self, scratch: &'a Scratch) -> List<'a> {
        let items = self.0.items().iter();
        List::new(scratch.collect(items.map(|(_, row)| row.any(scratch))))
    }

    fn owned(&self) -> usize {
        self.0.owned()
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_all(self.0.items(), out, |(ranked, row), out| {
            ranked.write(out);
            row.write(out);
        });
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        read_all(input, |input| Ok((S::read(input)?, Nested::read(input)?)))
            .map(|items| TopKWith(Values::of(items)))
    }
}

impl<S: Stored, N: Nest, const K: usize> Merge for TopKWith<S, N, K> {
    fn merge(&mut self, other: Self) -> Result<(), Overflow> {
        let scratch = Scratch::new();
        let mut items = other.0.items().iter();
        items.try_for_each(|(_, row)| self.update(row.any(&scratch), 0))
    }
}
