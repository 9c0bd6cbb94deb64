//! Decimals: the fixed-point `Dec<P, S>`, and `rust_decimal` with a declared precision.

use std::fmt;
use std::str::FromStr;

use ksql_schema::Type;
use rust_decimal::Decimal;

use super::{Codec, DecodeError, Defect, Reader, Value, write};

/// Powers of ten to 10^38.
const POWERS: [i128; 39] = {
    let mut powers = [1_i128; 39];
    let mut rest = &mut powers as &mut [i128];
    let mut power = 1_i128;
    while let [slot, more @ ..] = rest {
        *slot = power;
        power = power.wrapping_mul(10);
        rest = more;
    }
    powers
};

#[inline]
pub(crate) fn power(exponent: u32) -> Option<i128> {
    POWERS.get(exponent as usize).copied()
}

#[inline]
pub(crate) fn fits(unscaled: i128, precision: u32) -> bool {
    power(precision).is_some_and(|limit| unscaled.unsigned_abs() < limit.unsigned_abs())
}

/// A decimal of `P` digits in all, `S` of them after the point, to 38 digits: as exact as KSQL's `DECIMAL(P, S)`.
///
/// ```
/// use ksql_runtime::prelude::Dec;
/// let price: Dec<18, 4> = "12.5".parse().unwrap();
/// assert_eq!(price.to_string(), "12.5000");
/// assert!("1.23456".parse::<Dec<18, 4>>().is_err(), "digits are never dropped");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Dec<const P: u32, const S: u32> {
    unscaled: i128,
}

impl<const P: u32, const S: u32> Dec<P, S> {
    const VALID: () = assert!(
        P >= 1 && P <= 38 && S <= P,
        "`Dec<P, S>` has a precision of 1 to 38 and a scale of at most the precision"
    );

    /// From the unscaled value: `Dec::<18, 4>::new(125_000)` is 12.5.
    ///
    /// # Errors
    /// Where it has more than `P` digits.
    pub fn new(unscaled: i128) -> Result<Self, Defect> {
        const { Self::VALID };
        if fits(unscaled, P) {
            Ok(Dec { unscaled })
        } else {
            Err(Defect::new(format!(
                "the unscaled value {unscaled} has more than {P} digits"
            )))
        }
    }

    /// What a sum starts with.
    pub(crate) const ZERO_SUM: Self = Dec { unscaled: 0 };

    /// From the unscaled value; nothing where it has more than `P` digits.
    #[inline]
    pub(crate) fn from_unscaled(unscaled: i128) -> Option<Self> {
        const { Self::VALID };
        fits(unscaled, P).then_some(Dec { unscaled })
    }

    /// The same of what a cast gives: ksqlDB asks for too many digits before it rounds, so that one with a digit more than `P` goes
    /// through expressions, and is refused where it is written.
    #[inline]
    pub(crate) fn from_rounded(unscaled: i128) -> Option<Self> {
        const { Self::VALID };
        let limit = power(P)?.unsigned_abs();
        (unscaled.unsigned_abs() <= limit).then_some(Dec { unscaled })
    }

    /// The unscaled value.
    #[inline]
    pub fn unscaled(self) -> i128 {
        self.unscaled
    }
}

impl<const P: u32, const S: u32> fmt::Display for Dec<P, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = power(S).unwrap_or(1).unsigned_abs();
        let number = self.unscaled.unsigned_abs();
        if self.unscaled < 0 {
            formatter.write_str("-")?;
        }
        write!(formatter, "{}", number / unit)?;
        if S > 0 {
            write!(formatter, ".{:0width$}", number % unit, width = S as usize)?;
        }
        Ok(())
    }
}

impl<const P: u32, const S: u32> fmt::Debug for Dec<P, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl<const P: u32, const S: u32> FromStr for Dec<P, S> {
    type Err = Defect;

    fn from_str(text: &str) -> Result<Self, Defect> {
        let wrong = || {
            Defect::new(format!(
                "`{text}` is no decimal of {P} digits with {S} after the point"
            ))
        };
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let part = part.trim_end_matches('0');
        if (whole.is_empty() && part.is_empty() && !digits.contains('0')) || part.len() > S as usize
        {
            return Err(wrong());
        }
        let mut unscaled = 0_i128;
        let zeros = S as usize - part.len();
        for digit in whole
            .bytes()
            .chain(part.bytes())
            .chain(std::iter::repeat_n(b'0', zeros))
        {
            if !digit.is_ascii_digit() {
                return Err(wrong());
            }
            unscaled = unscaled
                .checked_mul(10)
                .and_then(|number| number.checked_add(i128::from(digit - b'0')))
                .ok_or_else(wrong)?;
        }
        Self::new(if negative { -unscaled } else { unscaled }).map_err(|_| wrong())
    }
}

impl<const P: u32, const S: u32> TryFrom<Decimal> for Dec<P, S> {
    type Error = Defect;

    fn try_from(value: Decimal) -> Result<Self, Defect> {
        Ok(Dec {
            unscaled: unscaled(value, P, S)?,
        })
    }
}

impl<const P: u32, const S: u32> TryFrom<Dec<P, S>> for Decimal {
    type Error = DecodeError;

    fn try_from(value: Dec<P, S>) -> Result<Self, DecodeError> {
        decimal(value.unscaled, S)
    }
}

/// The unscaled value at a declared scale; exact or an error.
#[inline]
fn unscaled(value: Decimal, precision: u32, scale: u32) -> Result<i128, Defect> {
    let (mantissa, own) = (value.mantissa(), value.scale());
    let rescaled = if own == scale {
        Some(mantissa)
    } else if own < scale {
        power(scale - own).and_then(|factor| mantissa.checked_mul(factor))
    } else {
        power(own - scale)
            .filter(|unit| mantissa % unit == 0)
            .map(|unit| mantissa / unit)
    };
    rescaled
        .filter(|unscaled| fits(*unscaled, precision))
        .ok_or_else(|| Defect::new(format!("{value} is no exact DECIMAL({precision}, {scale}): round it first, or declare more digits")))
}

fn decimal(unscaled: i128, scale: u32) -> Result<Decimal, DecodeError> {
    Decimal::try_from_i128_with_scale(unscaled, scale).map_err(|_| {
        DecodeError::new(format!(
            "the unscaled value {unscaled} is more than a `Decimal` holds: use `Dec<38, {scale}>`"
        ))
    })
}

/// Reads the bytes of an unscaled value.
pub(crate) fn read_unscaled(bytes: &[u8]) -> Option<i128> {
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    let filler = if negative { 0xff } else { 0 };
    let short = match bytes.len().checked_sub(16) {
        None => bytes,
        Some(extra) => {
            let (head, tail) = bytes.split_at_checked(extra)?;
            let same_sign = tail
                .first()
                .is_none_or(|byte| (byte & 0x80 != 0) == negative);
            if !same_sign || head.iter().any(|byte| *byte != filler) {
                return None;
            }
            tail
        }
    };
    let start = if negative { -1_i128 } else { 0 };
    Some(
        short
            .iter()
            .fold(start, |value, byte| (value << 8) | i128::from(*byte)),
    )
}

#[inline]
fn read(input: &mut Reader<'_>, precision: u32) -> Result<i128, DecodeError> {
    let bytes = input.bytes()?;
    read_unscaled(bytes)
        .filter(|unscaled| fits(*unscaled, precision))
        .ok_or_else(|| {
            DecodeError::new(format!(
                "a decimal of {} bytes has more than {precision} digits",
                bytes.len()
            ))
        })
}

impl<const P: u32, const S: u32> Value for Dec<P, S> {
    const TYPE: Type<'static> = Type::Decimal {
        precision: P,
        scale: S,
    };
    type Ref<'a> = Self;

    #[inline]
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), Defect> {
        const { Self::VALID };
        write::decimal(self.unscaled, out);
        Ok(())
    }

    #[inline]
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Dec {
            unscaled: read(input, P)?,
        })
    }

    #[inline]
    fn decode_ref<'a>(input: &mut Reader<'a>) -> Result<Self::Ref<'a>, DecodeError> {
        Self::decode(input)
    }

    #[inline]
    fn as_ref(&self) -> Self::Ref<'_> {
        *self
    }

    #[inline]
    fn from_ref(value: Self::Ref<'_>) -> Result<Self, DecodeError> {
        Ok(value)
    }

    fn absent<'a>() -> Self::Ref<'a> {
        Dec::default()
    }
}

/// A type that `#[decimal_precision]` applies to.
#[diagnostic::on_unimplemented(
    message = "`#[decimal_precision]` is for `Decimal`, and `{Self}` is none",
    label = "no `Decimal`",
    note = "remove the attribute; `Dec<P, S>` carries its own precision"
)]
pub trait DecimalValue: Sized + 'static {
    /// Whether it is an `Option`.
    const NULLABLE: bool;
    /// The form in rows.
    type Row<const P: u32, const S: u32>: Copy + fmt::Debug + for<'a> crate::ops::Operand<'a>;
    /// As [`Codec::encode`], at a precision and scale.
    ///
    /// # Errors
    /// Where the value does not fit exactly.
    fn encode(&self, precision: u32, scale: u32, out: &mut Vec<u8>) -> Result<(), Defect>;
    /// As [`Codec::decode`].
    ///
    /// # Errors
    /// Where the bytes are no such value.
    fn decode(precision: u32, scale: u32, input: &mut Reader<'_>) -> Result<Self, DecodeError>;
    /// As [`Codec::decode_ref`].
    ///
    /// # Errors
    /// Where the bytes are no such value.
    fn decode_row<const P: u32, const S: u32>(
        input: &mut Reader<'_>,
    ) -> Result<Self::Row<P, S>, DecodeError>;
    /// As [`Codec::as_ref`]; a value that does not fit is shown as the nearest that does.
    fn to_row<const P: u32, const S: u32>(&self) -> Self::Row<P, S>;
    /// As [`Codec::from_ref`].
    ///
    /// # Errors
    /// Where the value does not fit.
    fn from_row<const P: u32, const S: u32>(row: Self::Row<P, S>) -> Result<Self, DecodeError>;
}

impl DecimalValue for Decimal {
    const NULLABLE: bool = false;
    type Row<const P: u32, const S: u32> = Dec<P, S>;

    #[inline]
    fn encode(&self, precision: u32, scale: u32, out: &mut Vec<u8>) -> Result<(), Defect> {
        write::decimal(unscaled(*self, precision, scale)?, out);
        Ok(())
    }

    #[inline]
    fn decode(precision: u32, scale: u32, input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        decimal(read(input, precision)?, scale)
    }

    #[inline]
    fn decode_row<const P: u32, const S: u32>(
        input: &mut Reader<'_>,
    ) -> Result<Dec<P, S>, DecodeError> {
        Dec::decode(input)
    }

    fn to_row<const P: u32, const S: u32>(&self) -> Dec<P, S> {
        let rounded =
            self.round_dp_with_strategy(S, rust_decimal::RoundingStrategy::MidpointAwayFromZero);
        let most = power(P).unwrap_or(i128::MAX) - 1;
        let nearest =
            unscaled(rounded, 38, S).unwrap_or(if self.is_sign_negative() { -most } else { most });
        Dec {
            unscaled: nearest.clamp(-most, most),
        }
    }

    fn from_row<const P: u32, const S: u32>(row: Dec<P, S>) -> Result<Self, DecodeError> {
        decimal(row.unscaled, S)
    }
}

impl DecimalValue for Option<Decimal> {
    const NULLABLE: bool = true;
    type Row<const P: u32, const S: u32> = Option<Dec<P, S>>;

    #[inline]
    fn encode(&self, precision: u32, scale: u32, out: &mut Vec<u8>) -> Result<(), Defect> {
        match self {
            None => {
                out.push(0);
                Ok(())
            }
            Some(value) => {
                out.push(2);
                DecimalValue::encode(value, precision, scale, out)
            }
        }
    }

    #[inline]
    fn decode(precision: u32, scale: u32, input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if input.present()? {
            <Decimal as DecimalValue>::decode(precision, scale, input).map(Some)
        } else {
            Ok(None)
        }
    }

    #[inline]
    fn decode_row<const P: u32, const S: u32>(
        input: &mut Reader<'_>,
    ) -> Result<Self::Row<P, S>, DecodeError> {
        if input.present()? {
            Dec::decode(input).map(Some)
        } else {
            Ok(None)
        }
    }

    fn to_row<const P: u32, const S: u32>(&self) -> Self::Row<P, S> {
        self.as_ref().map(DecimalValue::to_row)
    }

    fn from_row<const P: u32, const S: u32>(row: Self::Row<P, S>) -> Result<Self, DecodeError> {
        row.map(<Decimal as DecimalValue>::from_row).transpose()
    }
}

/// The codec `#[decimal_precision(P, S)]` chooses.
#[derive(Debug, Clone, Copy)]
pub struct Fixed<const P: u32, const S: u32>;

impl<T: DecimalValue, const P: u32, const S: u32> Codec<T> for Fixed<P, S> {
    const TYPE: Type<'static> = Type::Decimal {
        precision: P,
        scale: S,
    };
    const NULLABLE: bool = T::NULLABLE;
    type Ref<'a> = T::Row<P, S>;

    #[inline]
    fn encode(value: &T, out: &mut Vec<u8>) -> Result<(), Defect> {
        value.encode(P, S, out)
    }

    #[inline]
    fn decode(input: &mut Reader<'_>) -> Result<T, DecodeError> {
        T::decode(P, S, input)
    }

    #[inline]
    fn decode_ref<'a>(input: &mut Reader<'a>) -> Result<Self::Ref<'a>, DecodeError> {
        T::decode_row::<P, S>(input)
    }

    #[inline]
    fn as_ref(value: &T) -> Self::Ref<'_> {
        value.to_row::<P, S>()
    }

    fn from_ref(value: Self::Ref<'_>) -> Result<T, DecodeError> {
        T::from_row::<P, S>(value)
    }
}
