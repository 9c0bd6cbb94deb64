//! Avro's primitives by hand.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

/// Why bytes or a value were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The input ended early.
    End,
    /// A number, length or branch out of range.
    Range,
    /// Text that is not UTF-8.
    Text,
    /// A decimal that does not fit.
    Decimal,
}

const POWERS: [i64; 19] = {
    let mut powers = [1; 19];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

#[inline]
pub fn put_long(out: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    if rest < 0x80 {
        out.push(rest as u8);
        return;
    }
    let mut buffer = [0; 10];
    let mut length = 0;
    while rest >= 0x80 {
        buffer[length] = rest as u8 | 0x80;
        rest >>= 7;
        length += 1;
    }
    buffer[length] = rest as u8;
    out.extend_from_slice(&buffer[..=length]);
}

#[inline]
pub fn put_text(out: &mut Vec<u8>, text: &str) {
    put_long(out, text.len() as i64);
    out.extend_from_slice(text.as_bytes());
}

/// A decimal of at most 18 digits, brought to `SCALE` exactly or refused.
#[inline]
pub fn put_decimal<const SCALE: u32, const DIGITS: usize>(
    out: &mut Vec<u8>,
    value: &Decimal,
) -> Result<(), Refused> {
    let mantissa = i64::try_from(value.mantissa()).map_err(|_| Refused::Decimal)?;
    let scale = value.scale();
    let scaled = if scale == SCALE {
        mantissa
    } else if scale < SCALE {
        mantissa
            .checked_mul(POWERS[(SCALE - scale) as usize])
            .ok_or(Refused::Decimal)?
    } else {
        let by = *POWERS
            .get((scale - SCALE) as usize)
            .ok_or(Refused::Decimal)?;
        if mantissa % by != 0 {
            return Err(Refused::Decimal);
        }
        mantissa / by
    };
    if scaled.unsigned_abs() >= POWERS[DIGITS] as u64 {
        return Err(Refused::Decimal);
    }
    // The fewest bytes that keep the sign: 1 to 8.
    let significant = 65 - (scaled ^ (scaled >> 63)).leading_zeros();
    let length = significant.div_ceil(8) as usize;
    out.push((length as u8) << 1);
    out.extend_from_slice(&scaled.to_be_bytes()[8 - length..]);
    Ok(())
}

const FIRST: i64 = DateTime::<Utc>::MIN_UTC.timestamp_millis();
const LAST: i64 = DateTime::<Utc>::MAX_UTC.timestamp_millis();

/// The date-time of checked milliseconds.
#[inline]
pub fn moment(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

/// Walks over a body.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    #[inline]
    pub fn byte(&mut self) -> Result<u8, Refused> {
        let (first, rest) = self.0.split_first().ok_or(Refused::End)?;
        self.0 = rest;
        Ok(*first)
    }

    #[inline]
    pub fn long(&mut self) -> Result<i64, Refused> {
        let mut value = 0u64;
        for (at, byte) in self.0.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                if at == 9 && *byte > 1 {
                    return Err(Refused::Range);
                }
                self.0 = &self.0[at + 1..];
                return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
            }
        }
        Err(Refused::End)
    }

    #[inline]
    pub fn int(&mut self) -> Result<i32, Refused> {
        i32::try_from(self.long()?).map_err(|_| Refused::Range)
    }

    #[inline]
    pub fn bytes(&mut self) -> Result<&'a [u8], Refused> {
        let length = usize::try_from(self.long()?).map_err(|_| Refused::Range)?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(Refused::End)?;
        self.0 = rest;
        Ok(bytes)
    }

    #[inline]
    pub fn text(&mut self) -> Result<&'a str, Refused> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Refused::Text)
    }

    #[inline]
    pub fn double(&mut self) -> Result<f64, Refused> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(Refused::End)?;
        self.0 = rest;
        Ok(f64::from_le_bytes(*bytes))
    }

    #[inline]
    pub fn boolean(&mut self) -> Result<bool, Refused> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Refused::Range),
        }
    }

    /// The mantissa of a decimal of at most 18 digits.
    #[inline]
    pub fn mantissa<const DIGITS: usize>(&mut self) -> Result<i64, Refused> {
        let bytes = self.bytes()?;
        let first = *bytes.first().ok_or(Refused::Decimal)?;
        if bytes.len() > 8 {
            return Err(Refused::Decimal);
        }
        let mut value = i64::from(first as i8);
        for byte in &bytes[1..] {
            value = (value << 8) | i64::from(*byte);
        }
        if value.unsigned_abs() >= POWERS[DIGITS] as u64 {
            return Err(Refused::Decimal);
        }
        Ok(value)
    }

    /// Milliseconds that a date-time can hold.
    #[inline]
    pub fn millis(&mut self) -> Result<i64, Refused> {
        let millis = self.long()?;
        if (FIRST..=LAST).contains(&millis) {
            Ok(millis)
        } else {
            Err(Refused::Range)
        }
    }

    /// Whether the second branch of `["null", T]` follows.
    #[inline]
    pub fn some(&mut self) -> Result<bool, Refused> {
        match self.byte()? {
            0 => Ok(false),
            2 => Ok(true),
            _ => Err(Refused::Range),
        }
    }
}
