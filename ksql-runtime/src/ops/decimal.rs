//! Decimals to 76 digits: arithmetic that is exact or fails, casts that round half up, comparison by value.
//!
//! ksqlDB computes with a context of the result's precision that never rounds. A value is unscaled number and scale; up to
//! 38 digits it is an `i128`, beyond that 256 bits. A result that its precision holds never overflows these.

use std::cmp::Ordering;

use ethnum::I256;

use super::Any;
use crate::codec::decimal::{fits, power};

/// The operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
}

/// 10 to a power, to 10^76.
pub(crate) fn wide_power(exponent: u32) -> Option<I256> {
    match exponent {
        0..=38 => power(exponent).map(I256::from),
        39..=76 => Some(I256::from(power(38)?) * I256::from(power(exponent - 38)?)),
        _ => None,
    }
}

/// Whether a number has at most that many digits.
pub(crate) fn fits_wide(unscaled: I256, precision: u32) -> bool {
    wide_power(precision).is_some_and(|limit| unscaled > -limit && unscaled < limit)
}

/// Another scale, where that is exact.
pub(crate) fn rescale(unscaled: i128, from: u32, to: u32) -> Option<i128> {
    if to >= from {
        unscaled.checked_mul(power(to - from)?)
    } else {
        let unit = power(from - to)?;
        (unscaled % unit == 0).then(|| unscaled / unit)
    }
}

/// Whether a decimal to 38 digits has no more than `precision`.
#[inline]
pub(crate) fn has_at_most(unscaled: i128, precision: u32) -> bool {
    precision >= 39 || fits(unscaled, precision)
}

/// Another scale, where that is exact.
pub(crate) fn rescale_wide(unscaled: I256, from: u32, to: u32) -> Option<I256> {
    if to >= from {
        unscaled.checked_mul(wide_power(to - from)?)
    } else {
        let unit = wide_power(from - to)?;
        (unscaled % unit == 0).then(|| unscaled / unit)
    }
}

/// One operator at the precision and scale of its result; nothing where it is not exact or the divisor is zero.
#[inline(always)]
pub(crate) fn arith<'a>(
    op: Op,
    left: Any<'_>,
    right: Any<'_>,
    precision: u32,
    scale: u32,
) -> Option<Any<'a>> {
    if precision <= 38
        && let (Some(left), Some(right)) = (left.decimal(), right.decimal())
        && let Some(result) = narrow(op, left, right, precision, scale)
    {
        return result.map(|unscaled| Any::Decimal(unscaled, scale));
    }
    wide(op, left.wide()?, right.wide()?, precision, scale)
}

/// A product; two numbers of 64 bits need no check, and most are.
#[inline(always)]
fn times(left: i128, right: i128) -> Option<i128> {
    match (i64::try_from(left), i64::try_from(right)) {
        (Ok(left), Ok(right)) => Some(i128::from(left) * i128::from(right)),
        _ => left.checked_mul(right),
    }
}

#[inline(always)]
fn times_power(unscaled: i128, exponent: u32) -> Option<i128> {
    if exponent == 0 {
        Some(unscaled)
    } else {
        times(unscaled, power(exponent)?)
    }
}

/// The result, no result, or nothing where 128 bits do not tell.
#[inline(always)]
fn narrow(
    op: Op,
    (left, left_scale): (i128, u32),
    (right, right_scale): (i128, u32),
    precision: u32,
    scale: u32,
) -> Option<Option<i128>> {
    let common = left_scale.max(right_scale);
    let up = |unscaled: i128, from: u32, to: u32| times_power(unscaled, to.checked_sub(from)?);
    let result = match op {
        Op::Add | Op::Sub => {
            let (left, right) = (
                up(left, left_scale, common)?,
                up(right, right_scale, common)?,
            );
            let sum = if op == Op::Add {
                left.checked_add(right)?
            } else {
                left.checked_sub(right)?
            };
            up(sum, common, scale)?
        }
        Op::Mul => up(times(left, right)?, left_scale + right_scale, scale)?,
        Op::Div => {
            if right == 0 {
                return Some(None);
            }
            let dividend = up(left, left_scale, (scale + right_scale).max(left_scale))?;
            if scale + right_scale < left_scale {
                return None;
            }
            if dividend % right != 0 {
                return Some(None);
            }
            dividend / right
        }
        Op::Rem => {
            if right == 0 {
                return Some(None);
            }
            let (left, right) = (
                up(left, left_scale, common)?,
                up(right, right_scale, common)?,
            );
            let quotient = I256::from(left.checked_div(right)?);
            if !at_most_significant(quotient, precision) {
                return Some(None);
            }
            up(left % right, common, scale)?
        }
    };
    Some(fits(result, precision).then_some(result))
}

/// As [`narrow`], in 256 bits.
#[cold]
fn wide<'a>(
    op: Op,
    (left, left_scale): (I256, u32),
    (right, right_scale): (I256, u32),
    precision: u32,
    scale: u32,
) -> Option<Any<'a>> {
    let common = left_scale.max(right_scale);
    let result = match op {
        Op::Add | Op::Sub => {
            let left = rescale_wide(left, left_scale, common)?;
            let right = rescale_wide(right, right_scale, common)?;
            let sum = if op == Op::Add {
                left.checked_add(right)?
            } else {
                left.checked_sub(right)?
            };
            rescale_wide(sum, common, scale)?
        }
        Op::Mul => rescale_wide(left.checked_mul(right)?, left_scale + right_scale, scale)?,
        Op::Div => {
            let dividend = rescale_wide(left, left_scale, scale + right_scale)?;
            if dividend.checked_rem(right)? != 0 {
                return None;
            }
            dividend.checked_div(right)?
        }
        Op::Rem => {
            let left = rescale_wide(left, left_scale, common)?;
            let right = rescale_wide(right, right_scale, common)?;
            if !at_most_significant(left.checked_div(right)?, precision) {
                return None;
            }
            rescale_wide(left.checked_rem(right)?, common, scale)?
        }
    };
    if !fits_wide(result, precision) {
        return None;
    }
    Some(made(result, precision, scale))
}

/// A decimal in the form that its precision has.
fn made<'a>(unscaled: I256, precision: u32, scale: u32) -> Any<'a> {
    match i128::try_from(unscaled) {
        Ok(unscaled) if precision <= 38 => Any::Decimal(unscaled, scale),
        _ => Any::Wide(unscaled, scale),
    }
}

/// Whether a number has at most that many digits before its last zeros: Java refuses a remainder whose whole quotient has more.
fn at_most_significant(number: I256, precision: u32) -> bool {
    let mut excess = 0;
    while excess < 76 && !fits_wide(number, precision + excess) && precision + excess < 77 {
        excess += 1;
    }
    excess == 0 || wide_power(excess).is_some_and(|unit| number % unit == 0)
}

/// The nearest double.
#[inline]
pub(crate) fn to_double(unscaled: i128, scale: u32) -> f64 {
    // Both are exact doubles, so that one division rounds once.
    if unscaled.unsigned_abs() < 1 << 53 && scale <= 22 {
        let unit = power(scale).unwrap_or(1) as f64;
        return unscaled as f64 / unit;
    }
    wide_to_double(unscaled.into(), scale)
}

#[cold]
pub(crate) fn wide_to_double(unscaled: I256, scale: u32) -> f64 {
    format!("{unscaled}e-{scale}").parse().unwrap_or(f64::NAN)
}

/// Comparison by value.
#[inline(always)]
pub(crate) fn compare(left: Any<'_>, right: Any<'_>) -> Option<Ordering> {
    if let (Some((left, left_scale)), Some((right, right_scale))) =
        (left.decimal(), right.decimal())
    {
        let common = left_scale.max(right_scale);
        let left = times_power(left, common - left_scale);
        let right = times_power(right, common - right_scale);
        if let (Some(left), Some(right)) = (left, right) {
            return Some(left.cmp(&right));
        }
    }
    compare_wide(left.wide()?, right.wide()?)
}

#[cold]
fn compare_wide(
    (left, left_scale): (I256, u32),
    (right, right_scale): (I256, u32),
) -> Option<Ordering> {
    let (left_unit, right_unit) = (wide_power(left_scale)?, wide_power(right_scale)?);
    let common = left_scale.max(right_scale);
    let part = |rest: I256, scale| rest.checked_mul(wide_power(common - scale)?);
    let whole = (left / left_unit).cmp(&(right / right_unit));
    Some(
        whole
            .then(part(left % left_unit, left_scale)?.cmp(&part(right % right_unit, right_scale)?)),
    )
}

/// A cast: fails where the value has too many digits before the point, asked before it is rounded half up to the scale.
pub(crate) fn cast<'a>(any: Any<'_>, precision: u32, scale: u32) -> Option<Any<'a>> {
    let whole = precision.checked_sub(scale)?;
    if let Some((unscaled, from)) = any.decimal()
        && precision <= 38
    {
        let bounded =
            power(whole + from).is_none_or(|limit| unscaled.unsigned_abs() < limit.unsigned_abs());
        if !bounded {
            return None;
        }
        if let Some(unscaled) = half_up(unscaled, from, scale) {
            return Some(Any::Decimal(unscaled, scale));
        }
    }
    let (unscaled, from) = any.wide()?;
    let bounded =
        wide_power(whole + from).is_none_or(|limit| unscaled > -limit && unscaled < limit);
    if !bounded {
        return None;
    }
    half_up_wide(unscaled, from, scale).map(|unscaled| made(unscaled, precision, scale))
}

/// Another scale, rounded half up (away from zero); nothing where 128 bits do not hold it.
#[inline]
pub(crate) fn half_up(unscaled: i128, from: u32, to: u32) -> Option<i128> {
    if to >= from {
        return unscaled.checked_mul(power(to - from)?);
    }
    let unit = power(from - to)?;
    let (quotient, rest) = (unscaled / unit, unscaled % unit);
    let up = rest.unsigned_abs() >= unit.unsigned_abs() - rest.unsigned_abs();
    Some(quotient + if up { unscaled.signum() } else { 0 })
}

pub(crate) fn half_up_wide(unscaled: I256, from: u32, to: u32) -> Option<I256> {
    if to >= from {
        return unscaled.checked_mul(wide_power(to - from)?);
    }
    let unit = wide_power(from - to)?;
    let (quotient, rest) = (unscaled / unit, unscaled % unit);
    let up = rest.abs() >= unit - rest.abs();
    Some(quotient + if up { unscaled.signum() } else { I256::ZERO })
}

/// Digits without leading zeros and where the point stands in them: the value is `0.digits` times 10 to `point`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Digits {
    pub(crate) negative: bool,
    pub(crate) digits: Vec<u8>,
    pub(crate) point: i64,
}

impl Digits {
    /// Reads what Java's `BigDecimal` reads.
    pub(crate) fn parse(text: &str) -> Option<Digits> {
        let (negative, number) = match text.as_bytes().first()? {
            b'-' => (true, text.get(1..)?),
            b'+' => (false, text.get(1..)?),
            _ => (false, text),
        };
        let (number, exponent) = match number.find(['e', 'E']) {
            Some(at) => {
                let exponent = number.get(at + 1..)?;
                let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
                if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
                    return None;
                }
                (number.get(..at)?, i64::from(exponent.parse::<i32>().ok()?))
            }
            None => (number, 0),
        };
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        let all = || whole.bytes().chain(part.bytes());
        if all().next().is_none() || !all().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let zeros = all().take_while(|byte| *byte == b'0').count();
        let digits: Vec<u8> = all().skip(zeros).collect();
        let point = whole.len() as i64 - zeros as i64 + exponent;
        Some(Digits {
            negative,
            digits,
            point,
        })
    }

    /// A double's exact value, rounded half up to so many digits.
    pub(crate) fn of_double(value: f64, digits: u32) -> Option<Digits> {
        if !value.is_finite() {
            return None;
        }
        // No double has more than 767 digits.
        let mut exact = Digits::parse(&format!("{value:.766e}"))?;
        exact.round(digits as usize);
        Some(exact)
    }

    /// What the text of a double says, as Java writes it.
    pub(crate) fn shortest(value: f64) -> Option<Digits> {
        let mut text = String::new();
        super::double::write_java(value, &mut text).ok()?;
        Digits::parse(&text)
    }

    /// Rounds half up to so many digits.
    fn round(&mut self, most: usize) {
        let up = self.digits.get(most).is_some_and(|digit| *digit >= b'5');
        self.digits.truncate(most);
        if !up {
            return;
        }
        for digit in self.digits.iter_mut().rev() {
            if *digit < b'9' {
                *digit += 1;
                return;
            }
            *digit = b'0';
        }
        self.digits.insert(0, b'1');
        self.digits.truncate(most.max(1));
        self.point += 1;
    }

    /// A cast, as [`cast`].
    pub(crate) fn cast<'a>(mut self, precision: u32, scale: u32) -> Option<Any<'a>> {
        let significant = self.digits.iter().any(|digit| *digit != b'0');
        if significant && self.point > i64::from(precision) - i64::from(scale) {
            return None;
        }
        let keep = self.point + i64::from(scale);
        if keep < 0 || !significant {
            return Some(made(I256::ZERO, precision, scale));
        }
        let keep = usize::try_from(keep).ok()?;
        let (point, length) = (self.point, self.digits.len());
        if length > keep {
            self.round(keep);
        }
        // A carry has moved the point, and there is one digit more before it.
        let wanted = keep + usize::from(self.point > point);
        let missing = wanted.saturating_sub(self.digits.len());
        let mut unscaled = I256::ZERO;
        for digit in self
            .digits
            .iter()
            .copied()
            .chain(std::iter::repeat_n(b'0', missing))
        {
            unscaled = unscaled
                .checked_mul(I256::from(10))?
                .checked_add(I256::from(digit - b'0'))?;
        }
        Some(made(
            if self.negative { -unscaled } else { unscaled },
            precision,
            scale,
        ))
    }

    /// Comparison by value with a decimal.
    pub(crate) fn compare(&self, unscaled: I256, scale: u32) -> Ordering {
        let text = unscaled.to_string();
        let digits = text.trim_start_matches('-').trim_start_matches('0');
        let other = Digits {
            negative: unscaled < 0,
            digits: digits.bytes().collect(),
            point: digits.len() as i64 - i64::from(scale),
        };
        let sign = |digits: &Digits| {
            let zero = digits.digits.iter().all(|digit| *digit == b'0');
            i32::from(!zero) * if digits.negative { -1 } else { 1 }
        };
        match sign(self).cmp(&sign(&other)) {
            Ordering::Equal if sign(self) != 0 => {
                let width = self.digits.len().max(other.digits.len());
                let padded = |digits: &Digits| {
                    let mut padded = digits.digits.clone();
                    padded.resize(width, b'0');
                    padded
                };
                let magnitude = self
                    .point
                    .cmp(&other.point)
                    .then_with(|| padded(self).cmp(&padded(&other)));
                if self.negative {
                    magnitude.reverse()
                } else {
                    magnitude
                }
            }
            order => order,
        }
    }
}

/// Appends the plain text: `-0.50`.
pub(crate) fn write_plain(
    unscaled: I256,
    scale: u32,
    out: &mut dyn std::fmt::Write,
) -> std::fmt::Result {
    if unscaled < 0 {
        out.write_char('-')?;
    }
    let digits = unscaled.unsigned_abs().to_string();
    let scale = scale as usize;
    if scale == 0 {
        return out.write_str(&digits);
    }
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, part) = padded
        .split_at_checked(padded.len() - scale)
        .unwrap_or((&padded, ""));
    write!(out, "{whole}.{part}")
}

#[cfg(test)]
#[path = "decimal_tests.rs"]
mod tests;
