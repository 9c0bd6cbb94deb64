//! `STDDEV_SAMPLE`, `STDDEV_SAMP`, `CORRELATION`: in one pass, in the order and with the roundings of ksqlDB.
//!
//! Sums of integers are integers and wrap. `STDDEV_SAMP` is the variance, counts in 32 bits and divides integers as integers
//! where sessions meet: kept as it is, since results are to be equal.

use super::{Accumulator, Merge, Overflow, Stored, Summed, Undo};
use crate::codec::{DecodeError, Reader, write};
use crate::ops::{Any, Scratch};

/// What a deviation is taken of.
pub trait Sampled: Summed {
    /// `value * count - sum`, counting in 64 bits.
    fn delta(self, count: i64, sum: Self) -> f64;
    /// The same, counting in 32 bits.
    fn narrow_delta(self, count: i32, sum: Self) -> f64;
    /// `self / count - other / other_count`, where integers are divided as such.
    fn narrow_distance(self, count: i32, other: Self, other_count: i32) -> f64;
}

impl Sampled for i32 {
    fn delta(self, count: i64, sum: Self) -> f64 {
        i64::from(self).wrapping_mul(count).wrapping_sub(sum.into()) as f64
    }

    fn narrow_delta(self, count: i32, sum: Self) -> f64 {
        f64::from(self.wrapping_mul(count).wrapping_sub(sum))
    }

    fn narrow_distance(self, count: i32, other: Self, other_count: i32) -> f64 {
        let quotient = |sum: i32, count: i32| sum.checked_div(count).unwrap_or(0);
        f64::from(quotient(self, count).wrapping_sub(quotient(other, other_count)))
    }
}

impl Sampled for i64 {
    fn delta(self, count: i64, sum: Self) -> f64 {
        self.wrapping_mul(count).wrapping_sub(sum) as f64
    }

    fn narrow_delta(self, count: i32, sum: Self) -> f64 {
        self.delta(count.into(), sum)
    }

    fn narrow_distance(self, count: i32, other: Self, other_count: i32) -> f64 {
        let quotient = |sum: i64, count: i32| sum.checked_div(count.into()).unwrap_or(0);
        quotient(self, count).wrapping_sub(quotient(other, other_count)) as f64
    }
}

impl Sampled for f64 {
    fn delta(self, count: i64, sum: Self) -> f64 {
        self * count as f64 - sum
    }

    fn narrow_delta(self, count: i32, sum: Self) -> f64 {
        self.delta(count.into(), sum)
    }

    fn narrow_distance(self, count: i32, other: Self, other_count: i32) -> f64 {
        self / f64::from(count) - other / f64::from(other_count)
    }
}

impl Sampled for super::Nothing {
    fn delta(self, _count: i64, _sum: Self) -> f64 {
        0.0
    }

    fn narrow_delta(self, _count: i32, _sum: Self) -> f64 {
        0.0
    }

    fn narrow_distance(self, _count: i32, _other: Self, _other_count: i32) -> f64 {
        0.0
    }
}

/// Number, sum, and sum of the squared distances from the mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Deviation<S, const ROOT: bool> {
    count: i64,
    sum: S,
    squares: f64,
}

/// `STDDEV_SAMPLE(x)`: the standard deviation of a sample; below two values 0.0.
pub type StddevSample<S> = Deviation<S, true>;
/// `STDDEV_SAMP(x)`: the *variance* of a sample; below two values 0.0.
pub type StddevSamp<S> = Deviation<S, false>;

impl<S: Sampled, const ROOT: bool> Deviation<S, ROOT> {
    /// What a value adds, where `sum` is that of `count` values with it.
    fn square(value: S, count: i64, other_count: i64, factor: i64, sum: S) -> f64 {
        if ROOT {
            let delta = value.delta(factor, sum);
            delta * delta / count.wrapping_mul(other_count) as f64
        } else {
            let delta = value.narrow_delta(factor as i32, sum);
            delta * delta / f64::from((count as i32).wrapping_mul(other_count as i32))
        }
    }
}

impl<S: Sampled, const ROOT: bool> Accumulator for Deviation<S, ROOT> {
    type Input<'a> = Any<'a>;
    type Out<'a> = f64;

    fn empty() -> Self {
        Deviation {
            count: 0,
            sum: S::ZERO,
            squares: 0.0,
        }
    }

    fn update(&mut self, input: Any<'_>, _at: u64) -> Result<(), Overflow> {
        let Some(value) = S::take(input) else {
            return Ok(());
        };
        let count = self.count + 1;
        let sum = self.sum.plus(value)?;
        if count > 1 {
            self.squares += Self::square(value, count, count - 1, count, sum);
        }
        (self.count, self.sum) = (count, sum);
        Ok(())
    }

    fn get<'a>(&'a self, _scratch: &'a Scratch) -> f64 {
        if self.count < 2 {
            return 0.0;
        }
        let variance = self.squares / (self.count - 1) as f64;
        if ROOT { variance.sqrt() } else { variance }
    }

    fn write(&self, out: &mut Vec<u8>) {
        write::long(self.count, out);
        self.sum.write(out);
        self.squares.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Deviation {
            count: input.long()?,
            sum: S::read(input)?,
            squares: f64::read(input)?,
        })
    }
}

impl<S: Sampled, const ROOT: bool> Undo for Deviation<S, ROOT> {
    fn undo(&mut self, input: Any<'_>) -> Result<(), Overflow> {
        let Some(value) = S::take(input) else {
            return Ok(());
        };
        let count = self.count - 1;
        if count > 0 {
            // As ksqlDB: the distance is asked as if the value came once more.
            let sum = self.sum.plus(value)?;
            self.squares -= Self::square(value, count, count + 1, self.count + 1, sum);
        }
        self.count = count;
        self.sum = self.sum.minus(value)?;
        Ok(())
    }
}

impl<S: Sampled, const ROOT: bool> Merge for Deviation<S, ROOT> {
    fn merge(&mut self, other: Self) -> Result<(), Overflow> {
        let count = self.count + other.count;
        let mut squares = self.squares + other.squares;
        if self.count != 0 && other.count != 0 {
            let (distance, product) = if ROOT {
                (
                    self.sum.double() / self.count as f64 - other.sum.double() / other.count as f64,
                    self.count.wrapping_mul(other.count) as f64,
                )
            } else {
                let (own, others) = (self.count as i32, other.count as i32);
                (
                    self.sum.narrow_distance(own, other.sum, others),
                    f64::from(own.wrapping_mul(others)),
                )
            };
            squares += product * distance * distance / count as f64;
        }
        *self = Deviation {
            count,
            sum: self.sum.plus(other.sum)?,
            squares,
        };
        Ok(())
    }
}

/// `CORRELATION(x, y)`: Pearson's coefficient; NaN below two rows. Rows with a `NULL` are passed over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Correlation {
    /// Sums of x, y, x², y², xy.
    sums: [f64; 5],
    count: i64,
}

impl Correlation {
    fn change(&mut self, (x, y): (Any<'_>, Any<'_>), sign: f64) {
        if let (Some(x), Some(y)) = (x.double(), y.double()) {
            for (sum, term) in self.sums.iter_mut().zip([x, y, x * x, y * y, x * y]) {
                *sum += sign * term;
            }
            self.count += sign as i64;
        }
    }
}

impl Accumulator for Correlation {
    type Input<'a> = (Any<'a>, Any<'a>);
    type Out<'a> = f64;

    fn empty() -> Self {
        Correlation {
            sums: [0.0; 5],
            count: 0,
        }
    }

    fn update(&mut self, input: (Any<'_>, Any<'_>), _at: u64) -> Result<(), Overflow> {
        self.change(input, 1.0);
        Ok(())
    }

    fn get<'a>(&'a self, _scratch: &'a Scratch) -> f64 {
        let ([x, y, xx, yy, xy], count) = (self.sums, self.count as f64);
        let denominator = ((count * xx - x * x) * (count * yy - y * y)).sqrt();
        (count * xy - x * y) / denominator
    }

    fn write(&self, out: &mut Vec<u8>) {
        for sum in self.sums {
            sum.write(out);
        }
        write::long(self.count, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut read = Correlation::empty();
        for sum in &mut read.sums {
            *sum = f64::read(input)?;
        }
        read.count = input.long()?;
        Ok(read)
    }
}

impl Undo for Correlation {
    fn undo(&mut self, input: (Any<'_>, Any<'_>)) -> Result<(), Overflow> {
        self.change(input, -1.0);
        Ok(())
    }
}

impl Merge for Correlation {
    fn merge(&mut self, other: Self) -> Result<(), Overflow> {
        for (sum, other) in self.sums.iter_mut().zip(other.sums) {
            *sum += other;
        }
        self.count += other.count;
        Ok(())
    }
}
