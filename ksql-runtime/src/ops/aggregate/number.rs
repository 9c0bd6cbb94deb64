//! `COUNT`, `SUM`, `AVG`, `SUM_LIST`.

use super::{Accumulator, Merge, Overflow, Stored, Undo};
use crate::codec::{Dec, DecodeError, Reader, write};
use crate::ops::{Any, Scratch};

/// What sums are of: integers wrap, decimals overflow.
pub trait Summed: Stored + Copy {
    /// What a sum starts with.
    const ZERO: Self;
    /// `self + other`.
    ///
    /// # Errors
    /// Where a decimal has too many digits.
    fn plus(self, other: Self) -> Result<Self, Overflow>;
    /// `self - other`.
    ///
    /// # Errors
    /// As [`Summed::plus`].
    fn minus(self, other: Self) -> Result<Self, Overflow>;
    /// As a double.
    fn double(self) -> f64;
}

macro_rules! wrapping {
    ($($ty:ty)*) => {$(
        impl Summed for $ty {
            const ZERO: Self = 0;

            #[inline]
            fn plus(self, other: Self) -> Result<Self, Overflow> {
                Ok(self.wrapping_add(other))
            }

            #[inline]
            fn minus(self, other: Self) -> Result<Self, Overflow> {
                Ok(self.wrapping_sub(other))
            }

            #[inline]
            fn double(self) -> f64 {
                self as f64
            }
        }
    )*};
}

wrapping!(i32 i64);

impl Summed for f64 {
    const ZERO: Self = 0.0;

    #[inline]
    fn plus(self, other: Self) -> Result<Self, Overflow> {
        Ok(self + other)
    }

    #[inline]
    fn minus(self, other: Self) -> Result<Self, Overflow> {
        Ok(self - other)
    }

    #[inline]
    fn double(self) -> f64 {
        self
    }
}

impl<const P: u32, const S: u32> Dec<P, S> {
    const OVERFLOW: Overflow = Overflow {
        precision: P,
        scale: S,
        wider: if P + 10 > 38 { 38 } else { P + 10 },
    };
}

impl<const P: u32, const S: u32> Summed for Dec<P, S> {
    const ZERO: Self = Dec::ZERO_SUM;

    #[inline]
    fn plus(self, other: Self) -> Result<Self, Overflow> {
        // Two numbers of 38 digits are within 128 bits together.
        Dec::from_unscaled(self.unscaled().wrapping_add(other.unscaled())).ok_or(Self::OVERFLOW)
    }

    #[inline]
    fn minus(self, other: Self) -> Result<Self, Overflow> {
        Dec::from_unscaled(self.unscaled().wrapping_sub(other.unscaled())).ok_or(Self::OVERFLOW)
    }

    #[inline]
    fn double(self) -> f64 {
        crate::ops::decimal::to_double(self.unscaled(), S)
    }
}

impl Summed for super::Nothing {
    const ZERO: Self = super::Nothing;

    fn plus(self, _other: Self) -> Result<Self, Overflow> {
        Ok(self)
    }

    fn minus(self, _other: Self) -> Result<Self, Overflow> {
        Ok(self)
    }

    fn double(self) -> f64 {
        0.0
    }
}

/// `COUNT(*)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count(i64);

impl Accumulator for Count {
    type Input<'a> = ();
    type Out<'a> = i64;

    fn empty() -> Self {
        Count(0)
    }

    #[inline]
    fn update(&mut self, (): (), _at: u64) -> Result<(), Overflow> {
        self.0 = self.0.wrapping_add(1);
        Ok(())
    }

    #[inline]
    fn get<'a>(&'a self, _scratch: &'a Scratch) -> i64 {
        self.0
    }

    fn write(&self, out: &mut Vec<u8>) {
        write::long(self.0, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.long().map(Count)
    }
}

impl Undo for Count {
    #[inline]
    fn undo(&mut self, (): ()) -> Result<(), Overflow> {
        self.0 = self.0.wrapping_sub(1);
        Ok(())
    }
}

impl Merge for Count {
    fn merge(&mut self, other: Self) -> Result<(), Overflow> {
        self.0 = self.0.wrapping_add(other.0);
        Ok(())
    }
}

/// `COUNT(x)`: of what is not `NULL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountOf(Count);

impl Accumulator for CountOf {
    type Input<'a> = Any<'a>;
    type Out<'a> = i64;

    fn empty() -> Self {
        CountOf(Count(0))
    }

    #[inline]
    fn update(&mut self, input: Any<'_>, at: u64) -> Result<(), Overflow> {
        match input {
            Any::Null | Any::Failed => Ok(()),
            _ => self.0.update((), at),
        }
    }

    #[inline]
    fn get<'a>(&'a self, _scratch: &'a Scratch) -> i64 {
        self.0.0
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Count::read(input).map(CountOf)
    }
}

impl Undo for CountOf {
    #[inline]
    fn undo(&mut self, input: Any<'_>) -> Result<(), Overflow> {
        match input {
            Any::Null | Any::Failed => Ok(()),
            _ => self.0.undo(()),
        }
    }
}

impl Merge for CountOf {
    fn merge(&mut self, other: Self) -> Result<(), Overflow> {
        self.0.merge(other.0)
    }
}

/// `SUM(x)`: of what is not `NULL`, from zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sum<S>(S);

impl<S: Summed> Accumulator for Sum<S> {
    type Input<'a> = Any<'a>;
    type Out<'a> = Any<'a>;

    fn empty() -> Self {
        Sum(S::ZERO)
    }

    #[inline]
    fn update(&mut self, input: Any<'_>, _at: u64) -> Result<(), Overflow> {
        if let Some(value) = S::take(input) {
            self.0 = self.0.plus(value)?;
        }
        Ok(())
    }

    #[inline]
    fn get<'a>(&'a self, scratch: &'a Scratch) -> Any<'a> {
        self.0.any(scratch)
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        S::read(input).map(Sum)
    }
}

impl<S: Summed> Undo for Sum<S> {
    #[inline]
    fn undo(&mut self, input: Any<'_>) -> Result<(), Overflow> {
        if let Some(value) = S::take(input) {
            self.0 = self.0.minus(value)?;
        }
        Ok(())
    }
}

impl<S: Summed> Merge for Sum<S> {
    fn merge(&mut self, other: Self) -> Result<(), Overflow> {
        self.0 = self.0.plus(other.0)?;
        Ok(())
    }
}

/// `SUM_LIST(list)`: of all elements that are not `NULL`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SumList<S>(Sum<S>);

impl<S: Summed> SumList<S> {
    fn each(
        &mut self,
        input: Any<'_>,
        mut change: impl FnMut(&mut Sum<S>, Any<'_>) -> Result<(), Overflow>,
    ) -> Result<(), Overflow> {
        let scratch = Scratch::new();
        let mut sum = self.0;
        for item in input.list().map_or(&[][..], |list| list.items(&scratch)) {
            change(&mut sum, *item)?;
        }
        self.0 = sum;
        Ok(())
    }
}

impl<S: Summed> Accumulator for SumList<S> {
    type Input<'a> = Any<'a>;
    type Out<'a> = Any<'a>;

    fn empty() -> Self {
        SumList(Sum::empty())
    }

    fn update(&mut self, input: Any<'_>, at: u64) -> Result<(), Overflow> {
        self.each(input, |sum, item| sum.update(item, at))
    }

    fn get<'a>(&'a self, scratch: &'a Scratch) -> Any<'a> {
        self.0.get(scratch)
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Sum::read(input).map(SumList)
    }
}

impl<S: Summed> Undo for SumList<S> {
    fn undo(&mut self, input: Any<'_>) -> Result<(), Overflow> {
        self.each(input, |sum, item| sum.undo(item))
    }
}

impl<S: Summed> Merge for SumList<S> {
    fn merge(&mut self, other: Self) -> Result<(), Overflow> {
        self.0.merge(other.0)
    }
}

/// `AVG(x)`: the sum in the type of `x`, so that integers wrap; of nothing 0.0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Avg<S> {
    sum: S,
    count: i64,
}

impl<S: Summed> Accumulator for Avg<S> {
    type Input<'a> = Any<'a>;
    type Out<'a> = f64;

    fn empty() -> Self {
        Avg {
            sum: S::ZERO,
            count: 0,
        }
    }

    #[inline]
    fn update(&mut self, input: Any<'_>, _at: u64) -> Result<(), Overflow> {
        if let Some(value) = S::take(input) {
            self.sum = self.sum.plus(value)?;
            self.count += 1;
        }
        Ok(())
    }

    #[inline]
    fn get<'a>(&'a self, _scratch: &'a Scratch) -> f64 {
        if self.count == 0 {
            0.0
        } else {
            self.sum.double() / self.count as f64
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.sum.write(out);
        write::long(self.count, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Avg {
            sum: S::read(input)?,
            count: input.long()?,
        })
    }
}

impl<S: Summed> Undo for Avg<S> {
    fn undo(&mut self, input: Any<'_>) -> Result<(), Overflow> {
        if let Some(value) = S::take(input) {
            self.sum = self.sum.minus(value)?;
            self.count -= 1;
        }
        Ok(())
    }
}

impl<S: Summed> Merge for Avg<S> {
    fn merge(&mut self, other: Self) -> Result<(), Overflow> {
        self.sum = self.sum.plus(other.sum)?;
        self.count += other.count;
        Ok(())
    }
}
