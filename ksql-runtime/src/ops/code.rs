//! Functions between texts, numbers and bytes: encodings, code points, choices among several texts.

use std::fmt::Write;

use super::{Any, Scratch, text};

/// `ENCODE(s, from, to)`: what `TO_BYTES` reads, in another encoding; hex is in lower case, and one encoding is none to itself.
pub fn encode<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let [value, from, to] = arguments else {
        return None;
    };
    let (from, to) = (from.text(scratch)?, to.text(scratch)?);
    if from.eq_ignore_ascii_case(to) {
        return None;
    }
    let written = value.text(scratch)?;
    let odd = from.eq_ignore_ascii_case("hex")
        && !written.starts_with("0x")
        && written.bytes().filter(u8::is_ascii_hexdigit).count() % 2 == 1;
    if odd {
        return None;
    }
    let bytes = text::to_bytes(scratch, &[*value, Any::String(from)])?;
    match (bytes, to.to_ascii_lowercase().as_str()) {
        (Any::Bytes(bytes), "hex") => Some(Any::String(hex(scratch, bytes))),
        (bytes, _) => text::from_bytes(scratch, &[bytes, Any::String(to)]),
    }
}

fn hex<'a>(scratch: &'a Scratch, bytes: &[u8]) -> &'a str {
    scratch.write(|out| {
        for byte in bytes {
            let _ = write!(out, "{byte:02x}");
        }
    })
}

/// So many bytes in an order, the first one highest.
fn bytes<const N: usize>(scratch: &Scratch, arguments: &[Any<'_>]) -> Option<[u8; N]> {
    let (bytes, order) = match arguments {
        [Any::Bytes(bytes)] => (bytes, "BIG_ENDIAN"),
        [Any::Bytes(bytes), order] => (bytes, order.text(scratch)?),
        _ => return None,
    };
    let mut bytes: [u8; N] = <[u8; N]>::try_from(*bytes).ok()?;
    match order.to_ascii_uppercase().as_str() {
        "BIG_ENDIAN" => {}
        "LITTLE_ENDIAN" => bytes.reverse(),
        _ => return None,
    }
    Some(bytes)
}

/// `INT_FROM_BYTES(b [, order])`: of four bytes.
pub fn int_from_bytes<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    bytes(scratch, arguments).map(|bytes| Any::Integer(i32::from_be_bytes(bytes)))
}

/// `BIGINT_FROM_BYTES(b [, order])`: of eight bytes.
pub fn bigint_from_bytes<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    bytes(scratch, arguments).map(|bytes| Any::Bigint(i64::from_be_bytes(bytes)))
}

/// `DOUBLE_FROM_BYTES(b [, order])`: of eight bytes.
pub fn double_from_bytes<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    bytes(scratch, arguments).map(|bytes| Any::Double(f64::from_be_bytes(bytes)))
}

/// `CHR(n)`, `CHR(\'\\u004b\')`: no code point is `NULL`. Text behind the codes stands as it is.
pub fn chr<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let code = match arguments {
        [Any::Integer(code)] => {
            let letter = u32::try_from(*code).ok().and_then(char::from_u32);
            return Some(letter.map_or(Any::Null, |letter| {
                Any::String(scratch.text(letter.encode_utf8(&mut [0; 4])))
            }));
        }
        [code] => code.text(scratch)?,
        _ => return None,
    };
    if code.encode_utf16().count() < 6 || !code.starts_with("\\u") {
        return Some(Any::Null);
    }
    let mut units: Vec<u16> = Vec::new();
    let mut rest = code;
    while let Some((before, after)) = rest.split_once("\\u") {
        units.extend(before.encode_utf16());
        let digits = after.trim_start_matches('u');
        let unit = digits.get(..4)?;
        units.push(u16::from_str_radix(unit, 16).ok()?);
        rest = digits.get(4..)?;
    }
    units.extend(rest.encode_utf16());
    Some(Any::String(scratch.text(&String::from_utf16_lossy(&units))))
}

/// `ELT(n, a, b, ..)`: the n-th of several texts, from 1; `NULL` where there is none.
pub fn elt<'a>(_scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let (number, texts) = arguments.split_first()?;
    let at = usize::try_from(number.integer()?).ok();
    let found = at
        .and_then(|at| at.checked_sub(1))
        .and_then(|at| texts.get(at));
    Some(found.copied().unwrap_or(Any::Null))
}

/// `FIELD(s, a, b, ..)`: which of several texts it is, from 1; 0 of `NULL` and of none.
pub fn field<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let (sought, texts) = arguments.split_first()?;
    let found = sought.text(scratch).and_then(|sought| {
        texts
            .iter()
            .position(|text| text.text(scratch) == Some(sought))
    });
    let number = found.map_or(Some(0), |at| i32::try_from(at + 1).ok())?;
    Some(Any::Integer(number))
}

/// `MD5(s)`: the digest of the text's UTF-8.
pub fn md5<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let [text] = arguments else {
        return None;
    };
    let digest = digest(text.text(scratch)?.as_bytes());
    Some(Any::String(hex(scratch, &digest)))
}

/// How far each step turns, by its round.
const TURNS: [[u32; 4]; 4] = [
    [7, 12, 17, 22],
    [5, 9, 14, 20],
    [4, 11, 16, 23],
    [6, 10, 15, 21],
];

/// MD5 as RFC 1321 has it.
fn digest(bytes: &[u8]) -> [u8; 16] {
    let mut padded = bytes.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend((bytes.len() as u64).wrapping_mul(8).to_le_bytes());
    let mut state: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    for block in padded.chunks_exact(64) {
        let words: Vec<u32> = block
            .chunks_exact(4)
            .map(|word| {
                word.iter()
                    .rev()
                    .fold(0, |sum, byte| sum << 8 | u32::from(*byte))
            })
            .collect();
        let [mut a, mut b, mut c, mut d] = state;
        for step in 0..64_usize {
            let (mixed, at) = match step / 16 {
                0 => ((b & c) | (!b & d), step),
                1 => ((d & b) | (!d & c), (5 * step + 1) % 16),
                2 => (b ^ c ^ d, (3 * step + 5) % 16),
                _ => (c ^ (b | !d), (7 * step) % 16),
            };
            // The table of the standard: the fractions of sines.
            let constant = ((step as f64 + 1.0).sin().abs() * 4_294_967_296.0) as u32;
            let word = words.get(at).copied().unwrap_or_default();
            let turns = TURNS
                .get(step / 16)
                .and_then(|round| round.get(step % 4))
                .copied()
                .unwrap_or_default();
            let sum = a
                .wrapping_add(mixed)
                .wrapping_add(constant)
                .wrapping_add(word);
            (a, d, c, b) = (d, c, b, b.wrapping_add(sum.rotate_left(turns)));
        }
        let [one, two, three, four] = state;
        state = [
            one.wrapping_add(a),
            two.wrapping_add(b),
            three.wrapping_add(c),
            four.wrapping_add(d),
        ];
    }
    let mut out = [0; 16];
    for (place, byte) in out
        .iter_mut()
        .zip(state.iter().flat_map(|word| word.to_le_bytes()))
    {
        *place = byte;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(made: Option<Any<'_>>) -> String {
        match made {
            Some(Any::String(text)) => text.to_owned(),
            Some(other) => format!("{other:?}"),
            None => "-".to_owned(),
        }
    }

    #[test]
    fn a_digest_is_that_of_the_standard() {
        let scratch = Scratch::new();
        let long = "1234567890".repeat(8);
        for (text, expected) in [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"),
            ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            (long.as_str(), "57edf4a22be3c955ac49da2e2107b67a"),
        ] {
            assert_eq!(shown(md5(&scratch, &[Any::String(text)])), expected);
        }
    }

    #[test]
    fn texts_go_from_one_encoding_to_another() {
        let scratch = Scratch::new();
        for (text, from, to, expected) in [
            ("Hi!", "utf8", "hex", "486921"),
            ("486921", "hex", "ascii", "Hi!"),
            ("0x4b", "HEX", "utf8", "K"),
            ("4", "hex", "utf8", "-"),
            ("\u{e9}", "utf8", "ascii", "\u{fffd}\u{fffd}"),
            ("\u{e9}", "ascii", "base64", "Pw=="),
            ("SGkh", "base64", "hex", "486921"),
            ("a", "utf8", "utf8", "-"),
            ("a", "utf7", "hex", "-"),
        ] {
            let arguments = [text, from, to].map(Any::String);
            assert_eq!(
                shown(encode(&scratch, &arguments)),
                expected,
                "{text} {from} {to}"
            );
        }
        assert_eq!(
            shown(encode(
                &scratch,
                &[Any::Null, Any::String("hex"), Any::String("utf8")]
            )),
            "-"
        );
    }

    #[test]
    fn numbers_are_read_from_as_many_bytes_as_they_have() {
        let scratch = Scratch::new();
        let four = Any::Bytes(&[0, 0, 7, 0xe5]);
        assert_eq!(shown(int_from_bytes(&scratch, &[four])), "Integer(2021)");
        assert_eq!(shown(bigint_from_bytes(&scratch, &[four])), "-");
        let little = [Any::Bytes(&[0xe5, 7, 0, 0]), Any::String("little_endian")];
        assert_eq!(shown(int_from_bytes(&scratch, &little)), "Integer(2021)");
        let eight = Any::Bytes(&[0x3f, 0xf8, 0, 0, 0, 0, 0, 0]);
        assert_eq!(shown(double_from_bytes(&scratch, &[eight])), "Double(1.5)");
        let other = [four, Any::String("MIDDLE_ENDIAN")];
        assert_eq!(shown(int_from_bytes(&scratch, &other)), "-");
    }

    #[test]
    fn a_code_is_its_character() {
        let scratch = Scratch::new();
        for (code, expected) in [
            (Any::Integer(75), "K"),
            (Any::Integer(99_000), "\u{182b8}"),
            (Any::Integer(-1), "Null"),
            (Any::String("\\u004b"), "K"),
            (Any::String("\\ud820\\udeb8"), "\u{182b8}"),
            (Any::String("004b"), "Null"),
            (Any::String("\\u00zz"), "-"),
            (Any::Null, "-"),
        ] {
            assert_eq!(shown(chr(&scratch, &[code])), expected, "{code:?}");
        }
    }

    #[test]
    fn one_of_several_texts_is_chosen_and_found() {
        let scratch = Scratch::new();
        let [a, b] = ["a", "b"].map(Any::String);
        for (number, expected) in [(1, "a"), (2, "b"), (3, "Null"), (0, "Null"), (-1, "Null")] {
            assert_eq!(
                shown(elt(&scratch, &[Any::Integer(number), a, b])),
                expected
            );
        }
        assert_eq!(shown(field(&scratch, &[b, a, b])), "Integer(2)");
        assert_eq!(shown(field(&scratch, &[b, Any::Null, a])), "Integer(0)");
        assert_eq!(
            shown(field(&scratch, &[Any::Null, Any::Null])),
            "Integer(0)"
        );
    }
}
