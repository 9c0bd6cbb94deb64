//! `TOPK` and `TOPKDISTINCT`: the largest first; `NULL` is passed over.

use std::cmp::Ordering;

use super::stored::{read_all, write_all};
use super::{Accumulator, Merge, Overflow, Stored, java_order};
use crate::codec::{DecodeError, Reader};
use crate::ops::{Any, List, Scratch};

/// The largest `K`; with `DISTINCT` each once.
#[derive(Debug, Clone, PartialEq)]
pub struct Top<S, const K: usize, const DISTINCT: bool>(Vec<S>);

/// `TOPK(x, k)`.
pub type TopK<S, const K: usize> = Top<S, K, false>;
/// `TOPKDISTINCT(x, k)`.
pub type TopKDistinct<S, const K: usize> = Top<S, K, true>;

impl<S: Stored, const K: usize, const DISTINCT: bool> Accumulator for Top<S, K, DISTINCT> {
    type Input<'a> = Any<'a>;
    type Out<'a>
        = List<'a>
    where
        Self: 'a;

    fn empty() -> Self {
        Top(Vec::new())
    }

    fn update(&mut self, input: Any<'_>, _at: u64) -> Result<(), Overflow> {
        if matches!(input, Any::Null | Any::Failed) {
            return Ok(());
        }
        // Behind all that are larger or equal.
        let at = self
            .0
            .partition_point(|kept| java_order(kept.any(), input) != Ordering::Less);
        let known = DISTINCT
            && at
                .checked_sub(1)
                .and_then(|before| self.0.get(before))
                .is_some_and(|kept| java_order(kept.any(), input) == Ordering::Equal);
        if at < K
            && !known
            && let Some(value) = S::take(input)
        {
            self.0.insert(at, value);
            self.0.truncate(K);
        }
        Ok(())
    }

    fn get<'a>(&'a self, scratch: &'a Scratch) -> List<'a> {
        List::new(scratch.collect(self.0.iter().map(S::any)))
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_all(&self.0, out, S::write);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        read_all(input, S::read).map(Top)
    }
}

impl<S: Stored, const K: usize, const DISTINCT: bool> Merge for Top<S, K, DISTINCT> {
    fn merge(&mut self, other: Self) -> Result<(), Overflow> {
        other
            .0
            .iter()
            .try_for_each(|value| self.update(value.any(), 0))
    }
}
