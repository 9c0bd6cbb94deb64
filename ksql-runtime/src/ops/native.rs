//! From a node's type to the Rust type that holds it: generated code names types by constants.

use ethnum::I256;

use super::{Any, List, Map, Operand, Output, Scalar, Shape, decimal};
use crate::codec::{Date, Dec, Time, Timestamp};

/// A decimal of 39 to 76 digits: what lies between two operators, never a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wide<const P: u32, const S: u32> {
    unscaled: I256,
}

impl<'a, const P: u32, const S: u32> Operand<'a> for Wide<P, S> {
    #[inline]
    fn any(self) -> Any<'a> {
        Any::Wide(self.unscaled, S)
    }
}

impl<'a, const P: u32, const S: u32> Scalar<'a> for Wide<P, S> {
    const SHAPE: Shape = Shape::Decimal {
        precision: P,
        scale: S,
    };

    #[inline]
    fn take(any: Any<'a>) -> Option<Self> {
        let (unscaled, scale) = any.wide()?;
        let unscaled = decimal::rescale_wide(unscaled, scale, S)?;
        decimal::fits_wide(unscaled, P).then_some(Wide { unscaled })
    }

    #[inline]
    fn absent() -> Self {
        Wide {
            unscaled: I256::ZERO,
        }
    }
}

impl<'a, const P: u32, const S: u32> Operand<'a> for Dec<P, S> {
    #[inline]
    fn any(self) -> Any<'a> {
        Any::Decimal(self.unscaled(), S)
    }
}

impl<'a, const P: u32, const S: u32> Scalar<'a> for Dec<P, S> {
    const SHAPE: Shape = Shape::Decimal {
        precision: P,
        scale: S,
    };

    /// Integers widen, and other scales are taken where that is exact; nothing is rounded.
    #[inline]
    fn take(any: Any<'a>) -> Option<Self> {
        let unscaled = match any {
            Any::Wide(unscaled, scale) => {
                i128::try_from(decimal::rescale_wide(unscaled, scale, S)?).ok()?
            }
            any => match any.decimal()? {
                (unscaled, scale) if scale == S => unscaled,
                (unscaled, scale) => decimal::rescale(unscaled, scale, S)?,
            },
        };
        Dec::from_rounded(unscaled)
    }

    #[inline]
    fn absent() -> Self {
        Dec::default()
    }
}

/// A SQL type as constants: a code, precision and scale of a decimal, whether it may be `NULL`.
#[derive(Debug, Clone, Copy)]
pub struct Ty<const CODE: u8, const P: u32, const S: u32, const NULLABLE: bool>;

/// The Rust type of a [`Ty`].
pub trait Native<'a> {
    /// The type.
    type T: Output<'a> + Operand<'a>;
}

/// No type: the query has an error elsewhere.
pub const UNKNOWN: u8 = 0;
/// `BOOLEAN`.
pub const BOOLEAN: u8 = 1;
/// `INTEGER`.
pub const INTEGER: u8 = 2;
/// `BIGINT`.
pub const BIGINT: u8 = 3;
/// `DOUBLE`.
pub const DOUBLE: u8 = 4;
/// `DECIMAL` to 38 digits.
pub const DECIMAL: u8 = 5;

/// `STRING`.
pub const STRING: u8 = 6;
/// `BYTES`.
pub const BYTES: u8 = 7;
/// `DATE`.
pub const DATE: u8 = 8;
/// `TIME`.
pub const TIME: u8 = 9;
/// `TIMESTAMP`.
pub const TIMESTAMP: u8 = 10;
/// `ARRAY`.
pub const ARRAY: u8 = 11;
/// `MAP`.
pub const MAP: u8 = 12;
/// `STRUCT`: has no Rust type of its own, but an accumulator keeps it.
pub const STRUCT: u8 = 13;
/// `DECIMAL` of 39 to 76 digits: no code of a node's own, see [`code`].
pub const WIDE: u8 = 100;

/// The code of a node's type as [`Ty`] has it: decimals of more than 38 digits are another Rust type.
pub const fn code(code: u8, precision: u32) -> u8 {
    if code == DECIMAL && precision > 38 {
        WIDE
    } else {
        code
    }
}

impl<'a, const P: u32, const S: u32, const NULLABLE: bool> Native<'a>
    for Ty<UNKNOWN, P, S, NULLABLE>
{
    type T = Any<'a>;
}

macro_rules! natives {
    ($($code:ident: $ty:ty;)*) => {$(
        impl<'a, const P: u32, const S: u32> Native<'a> for Ty<$code, P, S, false> {
            type T = $ty;
        }
        impl<'a, const P: u32, const S: u32> Native<'a> for Ty<$code, P, S, true> {
            type T = Option<$ty>;
        }
    )*};
}

natives! {
    BOOLEAN: bool;
    INTEGER: i32;
    BIGINT: i64;
    DOUBLE: f64;
    DECIMAL: Dec<P, S>;
    WIDE: Wide<P, S>;
    STRING: &'a str;
    BYTES: &'a [u8];
    DATE: Date;
    TIME: Time;
    TIMESTAMP: Timestamp;
    ARRAY: List<'a>;
    MAP: Map<'a>;
}
