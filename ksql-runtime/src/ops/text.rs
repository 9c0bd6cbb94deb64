//! Functions of texts. Lengths and positions are UTF-16 units, and count from one.

use std::fmt::Write;
use std::sync::LazyLock;

use regex::Regex;

use super::{Any, List, Scratch, cast, string};

/// The most units a padding may make: more is a failure, where Java would run out of memory.
const MOST: i32 = 1 << 24;

/// A text by its UTF-16 units; what is half of a character becomes `?`, as Java writes it.
fn from_units(scratch: &Scratch, units: impl Iterator<Item = u16>) -> &str {
    scratch.write(|out| out.extend(char::decode_utf16(units).map(|unit| unit.unwrap_or('?'))))
}

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

/// `LEN(s)`, also of bytes.
pub fn len<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let length = match arguments {
        [Any::Bytes(bytes)] => bytes.len(),
        [text] => string::length(text.text(scratch)?),
        _ => return None,
    };
    Some(Any::Integer(i32::try_from(length).ok()?))
}

/// `SUBSTRING(s, from [, length])`: negative from the end; clamped, so that it never fails. Also of bytes.
pub fn substring<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let (value, from, length) = match arguments {
        [value, from] => (*value, from.integer()?, None),
        [value, from, length] => (*value, from.integer()?, Some(length.integer()?)),
        _ => return None,
    };
    let range = |total: usize| {
        let total = i32::try_from(total).unwrap_or(i32::MAX);
        let start = if from < 0 {
            total.saturating_add(from).max(0)
        } else {
            (from - 1).clamp(0, total)
        };
        // Java's sum wraps, and the text is then empty.
        let end = length.map_or(total, |length| {
            start.wrapping_add(length).min(total).max(start)
        });
        start as usize..end as usize
    };
    match value {
        Any::Bytes(bytes) => Some(Any::Bytes(bytes.get(range(bytes.len()))?)),
        value => {
            let text = value.text(scratch)?;
            if text.is_ascii() {
                return Some(Any::String(text.get(range(text.len()))?));
            }
            let units = units(text);
            let part = units.get(range(units.len()))?;
            Some(Any::String(from_units(scratch, part.iter().copied())))
        }
    }
}

/// `INSTR(s, part [, from [, occurrence]])`: 0 where it is not found, or a text is `NULL`; a negative `from` searches backwards.
pub fn instr<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let (text, part, from, occurrence) = match arguments {
        [text, part] => (text, part, 1, 1),
        [text, part, from] => (text, part, from.integer()?, 1),
        [text, part, from, occurrence] => (text, part, from.integer()?, occurrence.integer()?),
        _ => return None,
    };
    let (Some(text), Some(part)) = (text.text(scratch), part.text(scratch)) else {
        return Some(Any::Integer(0));
    };
    let (text, part) = (units(text), units(part));
    let found = find(&text, &part, from, occurrence);
    Some(Any::Integer(
        found.and_then(|at| i32::try_from(at).ok()).unwrap_or(0),
    ))
}

/// The place from one.
fn find(text: &[u16], part: &[u16], from: i32, occurrence: i32) -> Option<usize> {
    let distance = from.unsigned_abs() as usize;
    let count = usize::try_from(occurrence).ok()?.checked_sub(1)?;
    if distance > text.len() || distance == 0 {
        return None;
    }
    if part.is_empty() {
        return Some(if from < 0 {
            text.len() - distance + 2
        } else {
            distance
        });
    }
    let is_at = |at: &usize| text.get(*at..).is_some_and(|rest| rest.starts_with(part));
    if from < 0 {
        // The last unit of the part stands at `from` or before it.
        let last = (text.len() - distance + 1).checked_sub(part.len())?;
        (0..=last).rev().filter(is_at).nth(count).map(|at| at + 1)
    } else {
        let start = distance - 1;
        (start..text.len())
            .filter(is_at)
            .nth(count)
            .map(|at| at + 1)
    }
}

fn pad<'a>(scratch: &'a Scratch, arguments: &[Any<'a>], left: bool) -> Option<Any<'a>> {
    let [value, length, padding] = arguments else {
        return None;
    };
    let length = length.integer()?;
    let nothing = length < 0;
    let length = usize::try_from(length.clamp(0, MOST))
        .ok()
        .filter(|_| length <= MOST)?;
    fn padded<T: Copy>(value: &[T], padding: &[T], length: usize, left: bool) -> Vec<T> {
        let missing = length.saturating_sub(value.len());
        let fill = padding.iter().cycle().take(missing);
        let mut whole: Vec<T> = if left {
            fill.chain(value).copied().collect()
        } else {
            value.iter().chain(fill).copied().collect()
        };
        whole.truncate(length);
        whole
    }
    match (value, padding) {
        (Any::Bytes(value), Any::Bytes(padding)) => {
            if nothing || padding.is_empty() {
                return Some(Any::Null);
            }
            let whole = padded(value, padding, length, left);
            Some(Any::Bytes(scratch.bytes(&whole)))
        }
        (value, padding) => {
            let (value, padding) = (units(value.text(scratch)?), units(padding.text(scratch)?));
            if nothing || padding.is_empty() {
                return Some(Any::Null);
            }
            let whole = padded(&value, &padding, length, left);
            Some(Any::String(from_units(scratch, whole.into_iter())))
        }
    }
}

/// `LPAD(s, length, padding)`: `NULL` where the padding is empty or the length negative.
pub fn lpad<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    pad(scratch, arguments, true)
}

/// `RPAD(s, length, padding)`.
pub fn rpad<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    pad(scratch, arguments, false)
}

/// A function of one text.
macro_rules! of_one {
    ($($(#[$doc:meta])* $name:ident: |$scratch:ident, $text:ident| $make:expr;)*) => {$(
        $(#[$doc])*
        pub fn $name<'a>($scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
            let [text] = arguments else {
                return None;
            };
            let $text = text.text($scratch)?;
            Some(Any::String($make))
        }
    )*};
}

of_one! {
    /// `UCASE(s)`.
    ucase: |scratch, text| scratch.text(&text.to_uppercase());
    /// `LCASE(s)`.
    lcase: |scratch, text| scratch.text(&text.to_lowercase());
    /// `TRIM(s)`.
    trim: |_scratch, text| string::trim(text);
    /// `INITCAP(s)`: lower case, then the first letter behind each blank raised.
    initcap: |scratch, text| {
        let mut first = true;
        let lower = text.to_lowercase();
        scratch.write(|out| {
            for letter in lower.chars() {
                if first {
                    out.extend(letter.to_uppercase());
                } else {
                    out.push(letter);
                }
                first = letter.is_whitespace();
            }
        })
    };
}

/// `REPLACE(s, old, new)`: every occurrence.
pub fn replace<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let [text, old, new] = arguments else {
        return None;
    };
    let (text, old, new) = (text.text(scratch)?, old.text(scratch)?, new.text(scratch)?);
    Some(Any::String(scratch.text(&text.replace(old, new))))
}

/// Joins what is no `NULL`.
fn joined<'a>(scratch: &'a Scratch, separator: Any<'a>, parts: &[Any<'a>]) -> Option<Any<'a>> {
    if let Any::Bytes(separator) = separator {
        let mut whole = Vec::new();
        let mut first = true;
        for part in parts {
            if let Any::Bytes(part) = part {
                whole.extend_from_slice(if first { &[] } else { separator });
                whole.extend_from_slice(part);
                first = false;
            }
        }
        return Some(Any::Bytes(scratch.bytes(&whole)));
    }
    let separator = separator.text(scratch)?;
    let mut first = true;
    Some(Any::String(scratch.write(|out| {
        for part in parts.iter().filter(|part| !part.is_null()) {
            out.push_str(if first { "" } else { separator });
            out.push_str(cast::text(scratch, *part));
            first = false;
        }
    })))
}

/// `CONCAT(..)`: `NULL` is passed over.
pub fn concat<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let bytes = arguments.iter().any(|any| matches!(any, Any::Bytes(_)));
    let nothing = if bytes {
        Any::Bytes(&[])
    } else {
        Any::String("")
    };
    joined(scratch, nothing, arguments)
}

/// `CONCAT_WS(separator, ..)`: only a separator that is `NULL` makes it `NULL`.
pub fn concat_ws<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let (separator, parts) = arguments.split_first()?;
    joined(scratch, *separator, parts)
}

/// `SPLIT(s, delimiter)`: an empty delimiter splits into characters.
pub fn split<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let [text, delimiter] = arguments else {
        return None;
    };
    if let (Any::Bytes(bytes), Any::Bytes(delimiter)) = (text, delimiter) {
        let parts = split_bytes(bytes, delimiter).map(Any::Bytes);
        return Some(Any::List(List::new(scratch.collect(parts))));
    }
    let (text, delimiter) = (text.text(scratch)?, delimiter.text(scratch)?);
    let parts: Vec<Any<'a>> = if delimiter.is_empty() && !text.is_empty() {
        text.char_indices()
            .filter_map(|(at, letter)| text.get(at..at + letter.len_utf8()))
            .map(Any::String)
            .collect()
    } else if delimiter.is_empty() {
        vec![Any::String("")]
    } else {
        text.split(delimiter).map(Any::String).collect()
    };
    Some(Any::List(List::new(scratch.list(&parts))))
}

/// The parts between a delimiter; between single bytes where it is empty.
fn split_bytes<'a>(bytes: &'a [u8], delimiter: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = Some(bytes);
    std::iter::from_fn(move || {
        let left = rest?;
        let found = match delimiter.len() {
            0 => Some(1).filter(|end| *end < left.len()),
            length => left.windows(length).position(|part| part == delimiter),
        };
        let (part, after) = match found {
            Some(end) => {
                let (part, after) = left.split_at_checked(end)?;
                (part, after.get(delimiter.len()..))
            }
            None => (left, None),
        };
        rest = after;
        Some(part)
    })
}

/// What a mask stands for, by Java's general categories.
#[derive(Debug, Clone, Copy)]
enum Masked {
    Upper,
    Lower,
    Digit,
    Other,
}

impl Masked {
    fn of(letter: char) -> Masked {
        static UPPER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{Lu}").ok());
        static LOWER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{Ll}").ok());
        static DIGIT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{Nd}").ok());
        let mut bytes = [0; 4];
        let text = &*letter.encode_utf8(&mut bytes);
        let is = |class: &LazyLock<Option<Regex>>| {
            class.as_ref().is_some_and(|class| class.is_match(text))
        };
        match letter {
            'A'..='Z' => Masked::Upper,
            'a'..='z' => Masked::Lower,
            '0'..='9' => Masked::Digit,
            letter if letter.is_ascii() => Masked::Other,
            _ if is(&UPPER) => Masked::Upper,
            _ if is(&LOWER) => Masked::Lower,
            _ if is(&DIGIT) => Masked::Digit,
            _ => Masked::Other,
        }
    }
}

/// `MASK(s [, upper, lower, digit, other])`: every character by its kind. Of a mask that is `NULL` the characters stay; one
/// that is no single UTF-16 unit fails. Java goes by UTF-16 units, so that a character of two leaves a second one behind.
pub fn mask<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let (text, given) = arguments.split_first()?;
    let mut masks = [Some('X'), Some('x'), Some('n'), Some('-')];
    for (mask, given) in masks.iter_mut().zip(given) {
        *mask = if given.is_null() {
            None
        } else {
            let mut letters = given.text(scratch)?.chars();
            match (letters.next(), letters.next()) {
                (Some(letter), None) if letter.len_utf16() == 1 => Some(letter),
                _ => return None,
            }
        };
    }
    if text.is_null() {
        return Some(Any::Null);
    }
    let text = text.text(scratch)?;
    let [upper, lower, digit, other] = masks;
    Some(Any::String(scratch.write(|out| {
        for letter in text.chars() {
            let mask = match Masked::of(letter) {
                Masked::Upper => upper,
                Masked::Lower => lower,
                Masked::Digit => digit,
                Masked::Other => other,
            };
            out.push(mask.unwrap_or(letter));
            if letter.len_utf16() == 2 {
                out.push(other.unwrap_or('?'));
            }
        }
    })))
}

/// `TO_BYTES(s, encoding)` and its inverse: `hex`, `utf8`, `ascii`, `base64`.
pub fn to_bytes<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let [text, encoding] = arguments else {
        return None;
    };
    let (text, encoding) = (text.text(scratch)?, encoding.text(scratch)?);
    let bytes: Vec<u8> = match encoding.to_ascii_lowercase().as_str() {
        "utf8" => text.bytes().collect(),
        // A character beyond ASCII is one `?` for each of its units.
        "ascii" => text
            .encode_utf16()
            .map(|unit| u8::try_from(unit).ok().filter(u8::is_ascii).unwrap_or(b'?'))
            .collect(),
        "hex" => from_hex(text)?,
        "base64" => match cast::to(scratch, Any::String(text), super::Shape::Bytes) {
            Any::Bytes(bytes) => bytes.to_vec(),
            _ => return None,
        },
        _ => return None,
    };
    Some(Any::Bytes(scratch.bytes(&bytes)))
}

/// Digits in pairs, also as `0x..` and `X'..'`; of an odd number the first stands alone.
pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = if let Some(digits) = text.strip_prefix("0x") {
        digits
    } else if let Some(quoted) = text.strip_prefix(['X', 'x']) {
        quoted.strip_prefix('\'')?.strip_suffix('\'')?
    } else {
        text
    };
    let padded = format!("{}{digits}", if digits.len() % 2 == 1 { "0" } else { "" });
    (0..padded.len())
        .step_by(2)
        .map(|at| {
            let pair = padded.get(at..at + 2)?;
            let digits = pair.bytes().all(|byte| byte.is_ascii_hexdigit());
            u8::from_str_radix(pair, 16).ok().filter(|_| digits)
        })
        .collect()
}

/// `FROM_BYTES(b, encoding)`.
pub fn from_bytes<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let [Any::Bytes(bytes), encoding] = arguments else {
        return None;
    };
    let encoding = encoding.text(scratch)?;
    Some(Any::String(match encoding.to_ascii_lowercase().as_str() {
        "utf8" => scratch.text(&String::from_utf8_lossy(bytes)),
        "ascii" => scratch.write(|out| {
            out.extend(bytes.iter().map(|byte| {
                if byte.is_ascii() {
                    char::from(*byte)
                } else {
                    '\u{fffd}'
                }
            }));
        }),
        "hex" => scratch.write(|out| {
            for byte in *bytes {
                let _ = write!(out, "{byte:02X}");
            }
        }),
        "base64" => cast::text(scratch, Any::Bytes(bytes)),
        _ => return None,
    }))
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
