//! Functions of numbers, as Java's `Math` and `BigDecimal`.
//!
//! Roots, exponentials, logarithms and angles may differ from Java's in the last binary digit: neither library promises it.

use ethnum::I256;

use super::decimal::{self, Digits};
use super::{Any, Output, Scratch, aggregate, cast};

/// A function of one double.
macro_rules! doubles {
    ($($(#[$doc:meta])* $name:ident: |$value:ident| $make:expr;)*) => {$(
        $(#[$doc])*
        pub fn $name<'a>(_scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
            let [value] = arguments else {
                return None;
            };
            let $value = value.double()?;
            Some(Any::Double($make))
        }
    )*};
}

doubles! {
    /// `SQRT(x)`.
    sqrt: |value| value.sqrt();
    /// `CBRT(x)`.
    cbrt: |value| value.cbrt();
    /// `EXP(x)`.
    exp: |value| value.exp();
    /// `LN(x)`.
    ln: |value| value.ln();
    /// `SIN(x)`.
    sin: |value| value.sin();
    /// `COS(x)`.
    cos: |value| value.cos();
    /// `TAN(x)`.
    tan: |value| value.tan();
    /// `COT(x)`.
    cot: |value| 1.0 / value.tan();
    /// `ASIN(x)`.
    asin: |value| value.asin();
    /// `ACOS(x)`.
    acos: |value| value.acos();
    /// `ATAN(x)`.
    atan: |value| value.atan();
    /// `SINH(x)`.
    sinh: |value| value.sinh();
    /// `COSH(x)`.
    cosh: |value| value.cosh();
    /// `TANH(x)`.
    tanh: |value| value.tanh();
    /// `DEGREES(x)`.
    degrees: |value| value.to_degrees();
    /// `RADIANS(x)`.
    radians: |value| value.to_radians();
}

fn two(arguments: &[Any<'_>]) -> Option<(f64, f64)> {
    match arguments {
        [left, right] => Some((left.double()?, right.double()?)),
        _ => None,
    }
}

/// `ATAN2(y, x)`.
pub fn atan2<'a>(_scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    two(arguments).map(|(y, x)| Any::Double(y.atan2(x)))
}

/// `POWER(base, exponent)`: where C says 1 of one and NaN, Java says NaN.
pub fn power<'a>(_scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let (base, exponent) = two(arguments)?;
    let undefined = exponent.is_nan() || (base.abs() == 1.0 && exponent.is_infinite());
    Some(Any::Double(if undefined {
        f64::NAN
    } else {
        base.powf(exponent)
    }))
}

/// `LOG(x)` is natural; `LOG(base, x)` is NaN for no base.
pub fn log<'a>(_scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let value = match arguments {
        [value] => value.double()?.ln(),
        _ => {
            let (base, value) = two(arguments)?;
            if base <= 0.0 || base == 1.0 {
                f64::NAN
            } else {
                value.ln() / base.ln()
            }
        }
    };
    Some(Any::Double(value))
}

/// `ABS(x)`: of the smallest integer that integer.
pub fn abs<'a>(_scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    Some(match arguments {
        [Any::Integer(value)] => Any::Integer(value.wrapping_abs()),
        [Any::Bigint(value)] => Any::Bigint(value.wrapping_abs()),
        [Any::Double(value)] => Any::Double(value.abs()),
        [Any::Decimal(unscaled, scale)] => Any::Decimal(unscaled.wrapping_abs(), *scale),
        [Any::Wide(unscaled, scale)] => Any::Wide(unscaled.wrapping_abs(), *scale),
        _ => return None,
    })
}

/// `SIGN(x)`: -1, 0 or 1; of NaN 0.
pub fn sign<'a>(_scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    Some(Any::Integer(match arguments {
        [Any::Double(value)] => i32::from(*value > 0.0) - i32::from(*value < 0.0),
        [any] => any.wide()?.0.signum().as_i32(),
        _ => return None,
    }))
}

#[derive(Clone, Copy)]
enum Way {
    Up,
    Down,
    Truncate,
    /// To the nearest, a half towards the positive.
    Nearest,
}

/// Another scale, which may be negative, and back; nothing where it does not fit.
fn round_to(unscaled: I256, scale: i64, places: i64, way: Way) -> Option<I256> {
    if places >= scale {
        return Some(unscaled);
    }
    let Some(unit) = u32::try_from(scale - places)
        .ok()
        .and_then(decimal::wide_power)
    else {
        // Smaller than any such unit: zero, as nothing has 76 digits and a half unit.
        return Some(I256::ZERO);
    };
    let (whole, rest) = (unscaled.checked_div(unit)?, unscaled.checked_rem(unit)?);
    let more = match way {
        Way::Up => I256::from(rest > 0),
        Way::Down => -I256::from(rest < 0),
        Way::Truncate => I256::ZERO,
        // A positive half goes up, a negative one stays: both are "towards the positive".
        Way::Nearest if rest > 0 => I256::from(rest >= unit - rest),
        Way::Nearest => -I256::from(-rest > unit + rest),
    };
    (whole + more).checked_mul(unit)
}

fn rounded<'a>(value: Any<'a>, places: i64, way: Way) -> Option<Any<'a>> {
    Some(match value {
        Any::Decimal(unscaled, scale) => {
            let unscaled = round_to(unscaled.into(), scale.into(), places, way)?;
            Any::Decimal(i128::try_from(unscaled).ok()?, scale)
        }
        Any::Wide(unscaled, scale) => {
            Any::Wide(round_to(unscaled, scale.into(), places, way)?, scale)
        }
        Any::Double(value) => Any::Double(round_double(value, places, way)?),
        Any::Integer(_) | Any::Bigint(_) => value,
        _ => return None,
    })
}

/// A double through its shortest text: what is not finite fails.
fn round_double(value: f64, places: i64, way: Way) -> Option<f64> {
    let digits = Digits::shortest(value)?;
    let text = std::str::from_utf8(&digits.digits).ok()?;
    if text.is_empty() {
        return Some(0.0);
    }
    let magnitude: I256 = text.parse().ok()?;
    let scale = text.len() as i64 - digits.point;
    let unscaled = if digits.negative {
        -magnitude
    } else {
        magnitude
    };
    let rounded = round_to(unscaled, scale, places, way)?;
    format!("{rounded}e{}", -scale).parse().ok()
}

/// `FLOOR(x)`: the type and scale stay.
pub fn floor<'a>(_scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    match arguments {
        [Any::Double(value)] => Some(Any::Double(value.floor())),
        [value] => rounded(*value, 0, Way::Down),
        _ => None,
    }
}

/// `CEIL(x)`: the type and scale stay.
pub fn ceil<'a>(_scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    match arguments {
        [Any::Double(value)] => Some(Any::Double(value.ceil())),
        [value] => rounded(*value, 0, Way::Up),
        _ => None,
    }
}

/// A decimal without what is behind the point, which is zero.
fn whole(any: Any<'_>) -> Option<Any<'_>> {
    Some(match any {
        Any::Decimal(unscaled, scale) => {
            Any::Decimal(unscaled / crate::codec::decimal::power(scale)?, 0)
        }
        Any::Wide(unscaled, scale) => Any::Wide(unscaled / decimal::wide_power(scale)?, 0),
        any => any,
    })
}

/// `ROUND(x)`: of a double a BIGINT, a half towards the positive; `ROUND(x, places)` keeps type and scale.
pub fn round<'a>(_scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    match arguments {
        [Any::Double(value)] => {
            let floor = value.floor();
            let more = f64::from(value - floor >= 0.5);
            Some(Any::Bigint((floor + more) as i64))
        }
        [Any::Integer(value)] => Some(Any::Bigint((*value).into())),
        [value] => rounded(*value, 0, Way::Nearest).and_then(whole),
        [value, places] => rounded(*value, places.integer()?.into(), Way::Nearest),
        _ => None,
    }
}

/// `TRUNC(x)`: as `ROUND`, towards zero.
pub fn trunc<'a>(_scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    match arguments {
        [Any::Double(value)] => Some(Any::Bigint(*value as i64)),
        [Any::Integer(value)] => Some(Any::Bigint((*value).into())),
        [value] => rounded(*value, 0, Way::Truncate).and_then(whole),
        [value, places] => rounded(*value, places.integer()?.into(), Way::Truncate),
        _ => None,
    }
}

fn best<'a, T: Output<'a>>(
    scratch: &'a Scratch,
    arguments: &[Any<'a>],
    better: std::cmp::Ordering,
) -> T {
    let mut best = Any::Null;
    for argument in arguments {
        // Each is first what the result is: a decimal widens, a text becomes a date.
        let value = match argument {
            Any::Null => continue,
            Any::Failed => return T::from_any(Any::Failed),
            value => cast::to(scratch, *value, T::SHAPE),
        };
        if best.is_null() || aggregate::java_order(value, best) == better {
            best = value;
        }
    }
    T::from_any(best)
}

/// `GREATEST(..)`: `NULL` is passed over.
pub fn greatest<'a, T: Output<'a>>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> T {
    best(scratch, arguments, std::cmp::Ordering::Greater)
}

/// `LEAST(..)`: `NULL` is passed over.
pub fn least<'a, T: Output<'a>>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> T {
    best(scratch, arguments, std::cmp::Ordering::Less)
}

#[cfg(test)]
#[path = "math_tests.rs"]
mod tests;
