//! Aggregates: what is kept for a group, and how rows change it.
//!
//! An accumulator starts with the first row of its group ([`Accumulator::first`]), which counts like any other. Over a table
//! a row that is replaced is taken out again ([`Undo`]); sessions that meet are joined ([`Merge`]). The binary form is stable:
//! numbers as Avro's, each value as short as it gets. It names neither its type nor its length; whoever stores it knows both.
//!
//! Called on the thread that drives a partition.

mod collect;
mod distinct;
mod extreme;
mod nested;
mod number;
mod offset;
mod spread;
mod stored;
mod top;
mod values;

pub use collect::{Attr, CollectList, CollectSet, Histogram};
pub use distinct::CountDistinct;
pub use extreme::{Max, Min};
pub use nested::{Nest, Nested};
pub use number::{Avg, Count, CountOf, Sum, SumList, Summed};
use offset::Seen;
pub use offset::{Earliest, EarliestN, Latest, LatestN, Seq, Sequence};
pub use spread::{Correlation, Sampled, StddevSamp, StddevSample};
pub use stored::{Keep, Nothing, Stored};
pub use top::{TopK, TopKDistinct, TopKWith};

use super::{Any, Operand, Scratch};
use crate::codec::{DecodeError, Reader};

/// A decimal sum has more digits than its type: ksqlDB stops the query here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the sum has more than {precision} digits: sum a wider decimal, for example `(x as Decimal<{wider}, {scale}>)`"
)]
pub struct Overflow {
    /// The digits there are.
    pub precision: u32,
    /// Of these after the point.
    pub scale: u32,
    /// What holds more.
    pub wider: u32,
}

/// The state of one aggregate in one group.
pub trait Accumulator: Sized + Clone + std::fmt::Debug {
    /// What a row brings.
    type Input<'a>: Copy;
    /// The aggregate's value.
    type Out<'a>: Operand<'a>
    where
        Self: 'a;

    /// The state of no rows.
    fn empty() -> Self;

    /// Takes a row in; `at` grows with every row that is processed and is what "latest" goes by.
    ///
    /// # Errors
    /// Where a decimal sum overflows: the state is as it was.
    fn update(&mut self, input: Self::Input<'_>, at: u64) -> Result<(), Overflow>;

    /// The value, with memory for a list.
    fn get<'a>(&'a self, scratch: &'a Scratch) -> Self::Out<'a>;

    /// The bytes it takes beside its size; asked after every row, so no walk over what is kept.
    #[inline]
    fn owned(&self) -> usize {
        0
    }

    /// Appends the binary form.
    fn write(&self, out: &mut Vec<u8>);

    /// Reads what [`Accumulator::write`] wrote.
    ///
    /// # Errors
    /// Where the bytes are no such state.
    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// The state of one row.
    ///
    /// # Errors
    /// As [`Accumulator::update`].
    #[inline]
    fn first(input: Self::Input<'_>, at: u64) -> Result<Self, Overflow> {
        let mut state = Self::empty();
        state.update(input, at)?;
        Ok(state)
    }
}

/// An aggregate over a table.
pub trait Undo: Accumulator {
    /// Takes a row out that was taken in.
    ///
    /// # Errors
    /// As [`Accumulator::update`].
    fn undo(&mut self, input: Self::Input<'_>) -> Result<(), Overflow>;
}

/// An aggregate over sessions.
pub trait Merge: Accumulator {
    /// Joins with another session's state; this one's rows stand first where that matters.
    ///
    /// # Errors
    /// As [`Accumulator::update`].
    fn merge(&mut self, other: Self) -> Result<(), Overflow>;
}

/// The order that Java's `compareTo` gives two values of one type.
#[inline]
pub(crate) fn java_order(left: Any<'_>, right: Any<'_>) -> std::cmp::Ordering {
    match (left, right) {
        (Any::Double(left), Any::Double(right)) => super::double::total_order(left, right),
        (left, right) => super::compare::order(left, right)
            .ok()
            .flatten()
            .unwrap_or(std::cmp::Ordering::Equal),
    }
}

#[cfg(test)]
mod tests;
