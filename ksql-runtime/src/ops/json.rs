//! `EXTRACTJSONFIELD`, `IS_JSON_STRING`, `TO_JSON_STRING`.
//!
//! Numbers keep the digits they were written with; objects their order; of equal keys the last counts. What follows the first
//! value of a text is not looked at.

use std::fmt::{self, Write};

use serde_json::value::RawValue;

use super::{Any, Scratch, cast, double};

/// The deepest nesting that is written: deeper is a failure.
const DEEPEST: usize = 500;

/// The first value of a text, without blanks around it; nothing where it is no JSON.
fn first(text: &str) -> Option<&str> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    values.next()?.ok().map(RawValue::get)
}

/// The parts of an array or object that is valid: what stands between its commas.
fn parts(value: &str) -> impl Iterator<Item = &str> {
    let inner = value
        .get(1..value.len().saturating_sub(1))
        .unwrap_or_default();
    let mut rest = (!inner.trim().is_empty()).then_some(inner);
    std::iter::from_fn(move || {
        let text = rest?;
        let (part, behind) = match outside(text, b',') {
            Some(at) => text.split_at_checked(at)?,
            None => (text, ""),
        };
        rest = behind.get(1..);
        Some(part.trim())
    })
}

/// Where a byte stands outside of texts and nested values.
fn outside(text: &str, wanted: u8) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            byte if byte == wanted && depth == 0 => return Some(at),
            _ => {}
        }
    }
    None
}

/// The members of an object: a key that comes again keeps its place and takes the new value.
fn members(value: &str) -> Option<Vec<(String, &str)>> {
    let mut members: Vec<(String, &str)> = Vec::new();
    for part in parts(value) {
        let (key, value) = part.split_at_checked(outside(part, b':')?)?;
        let (key, value) = (text(key.trim())?, value.get(1..)?.trim());
        match members.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => *known = value,
            None => members.push((key, value)),
        }
    }
    Some(members)
}

fn text(quoted: &str) -> Option<String> {
    serde_json::from_str(quoted).ok()
}

/// The names and indexes of a path: `$.a[0]["b c"]`.
fn tokens(path: &str) -> Option<Vec<&str>> {
    let mut rest = path.trim().strip_prefix('$')?.trim_start();
    let mut tokens = Vec::new();
    fn plain(text: &str) -> Option<(&str, &str)> {
        let is_end = |letter: char| !(letter.is_alphanumeric() || "_-:@".contains(letter));
        let (token, rest) = text.split_at_checked(text.find(is_end).unwrap_or(text.len()))?;
        (!token.is_empty()).then_some((token, rest))
    }
    while !rest.is_empty() {
        let token;
        if let Some(name) = rest.strip_prefix('.') {
            (token, rest) = plain(name)?;
        } else if let Some(quoted) = rest.strip_prefix("[\"") {
            (token, rest) = quoted.split_once("\"]")?;
        } else {
            (token, rest) = plain(rest.strip_prefix('[')?)?;
            rest = rest.strip_prefix(']')?;
        }
        tokens.push(token);
        rest = rest.trim_start();
    }
    Some(tokens)
}

/// `EXTRACTJSONFIELD(s, path)`: texts without quotes, all else as JSON; `NULL` where the path leads nowhere.
pub fn extractjsonfield<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let [json, path] = arguments else {
        return None;
    };
    let (json, path) = (json.text(scratch)?, path.text(scratch)?);
    let tokens = tokens(path)?;
    if json.trim().is_empty() {
        return Some(Any::Null);
    }
    let mut value = first(json)?;
    for token in tokens {
        let found = match value.as_bytes().first() {
            Some(b'[') => token
                .parse()
                .ok()
                .and_then(|index: usize| parts(value).nth(index)),
            Some(b'{') => members(value)?
                .into_iter()
                .find_map(|(key, value)| (key == token).then_some(value)),
            _ => None,
        };
        match found {
            Some(found) => value = found,
            None => return Some(Any::Null),
        }
    }
    if value.starts_with('"') {
        return Some(Any::String(scratch.text(&text(value)?)));
    }
    let mut out = String::new();
    write_compact(value, 0, &mut out)?;
    Some(Any::String(scratch.text(&out)))
}

/// Appends a value without blanks.
fn write_compact(value: &str, depth: usize, out: &mut String) -> Option<()> {
    if depth > DEEPEST {
        return None;
    }
    match value.as_bytes().first()? {
        b'{' => {
            out.push('{');
            for (index, (key, value)) in members(value)?.into_iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write_text(&key, out).ok()?;
                out.push(':');
                write_compact(value, depth + 1, out)?;
            }
            out.push('}');
        }
        b'[' => {
            out.push('[');
            for (index, value) in parts(value).enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write_compact(value, depth + 1, out)?;
            }
            out.push(']');
        }
        b'"' => write_text(&text(value)?, out).ok()?,
        b'-' | b'0'..=b'9' => write_number(value, out)?,
        _ => out.push_str(value),
    }
    Some(())
}

fn write_text(text: &str, out: &mut dyn Write) -> fmt::Result {
    out.write_str(&serde_json::to_string(text).map_err(|_| fmt::Error)?)
}

/// A number as Java's `BigDecimal` writes it: an exponent where there was one above zero, or where there are many zeros.
pub(crate) fn write_number(text: &str, out: &mut String) -> Option<()> {
    let (number, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if part.is_empty() && !text.contains(['e', 'E']) {
        out.push_str(if text == "-0" { "0" } else { text });
        return Some(());
    }
    let negative = whole.starts_with('-');
    let all = format!("{}{part}", whole.trim_start_matches('-'));
    let digits = match all.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    let scale = part.len() as i64 - i64::from(exponent.parse::<i32>().ok()?);
    let adjusted = digits.len() as i64 - 1 - scale;
    out.push_str(if negative && digits != "0" { "-" } else { "" });
    if scale >= 0 && adjusted >= -6 {
        let padded = format!(
            "{digits:0>width$}",
            width = usize::try_from(scale).ok()? + 1
        );
        let (whole, part) = padded.split_at_checked(padded.len() - usize::try_from(scale).ok()?)?;
        out.push_str(whole);
        out.push_str(if part.is_empty() { "" } else { "." });
        out.push_str(part);
    } else {
        let (first, rest) = digits.split_at_checked(1)?;
        out.push_str(first);
        out.push_str(if rest.is_empty() { "" } else { "." });
        out.push_str(rest);
        write!(out, "E{adjusted:+}").ok()?;
    }
    Some(())
}

/// `IS_JSON_STRING(s)`: of `NULL` false.
pub fn is_json_string<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let [json] = arguments else {
        return None;
    };
    let valid = json.text(scratch).is_some_and(|json| first(json).is_some());
    Some(Any::Boolean(valid))
}

/// `TO_JSON_STRING(x)`: `NULL` is `null`; fields of a struct and keys of a map in the order of their names.
pub fn to_json_string<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let [value] = arguments else {
        return None;
    };
    let mut out = String::new();
    write_value(scratch, *value, &mut out).ok()?;
    Some(Any::String(scratch.text(&out)))
}

fn write_value<'a>(scratch: &'a Scratch, any: Any<'a>, out: &mut String) -> fmt::Result {
    let members = |entries: &[(&'a str, Any<'a>)], out: &mut String| {
        out.push('{');
        for (index, (name, value)) in entries.iter().enumerate() {
            out.push_str(if index > 0 { "," } else { "" });
            write_text(name, out)?;
            out.push(':');
            write_value(scratch, *value, out)?;
        }
        out.push('}');
        Ok(())
    };
    match any {
        Any::List(list) => {
            out.push('[');
            for (index, item) in list.items(scratch).iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write_value(scratch, *item, out)?;
            }
            out.push(']');
            Ok(())
        }
        Any::Map(map) => members(map.entries(scratch), out),
        Any::Struct(fields) => {
            let mut sorted = fields.to_vec();
            sorted.sort_by_key(|(name, _)| *name);
            members(&sorted, out)
        }
        // What JSON has no number for is a text.
        Any::Double(value) if !value.is_finite() => {
            out.push('"');
            double::write_java(value, out)?;
            out.push('"');
            Ok(())
        }
        Any::Null
        | Any::Failed
        | Any::Boolean(_)
        | Any::Integer(_)
        | Any::Bigint(_)
        | Any::Double(_)
        | Any::Decimal(..)
        | Any::Wide(..) => cast::write_text(scratch, any, out),
        any => write_text(cast::text(scratch, any), out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{List, call};

    fn extract(json: &str, path: &str) -> Option<String> {
        let scratch = Scratch::new();
        let found: Option<&str> = call(
            &scratch,
            extractjsonfield,
            &[Any::String(json), Any::String(path)],
        );
        found.map(str::to_owned)
    }

    #[test]
    fn a_path_leads_to_text_or_json_or_nowhere() {
        let json = r#" {"a": [1, {"b c": "x\n\"y", "d": {}}], "n": 1.50, "e": 1e5, "z": 0.00000001, "a,b": null, "t": true} "#;
        for (path, found) in [
            ("$.a[0]", Some("1")),
            ("$.a[1][\"b c\"]", Some("x\n\"y")),
            ("$.a[1]", Some(r#"{"b c":"x\n\"y","d":{}}"#)),
            ("$.a[-1]", None),
            ("$.a[2]", None),
            ("$.a.b", None),
            ("$.n", Some("1.50")),
            ("$.n.x", None),
            ("$.e", Some("1E+5")),
            ("$.z", Some("1E-8")),
            ("$[\"a,b\"]", Some("null")),
            ("$.t", Some("true")),
            ("$.x", None),
            ("a", None),
        ] {
            assert_eq!(extract(json, path).as_deref(), found, "{path}");
        }
        assert_eq!(extract("[1,", "$[0]"), None);
        assert_eq!(
            extract("{\"a\":1,\"b\":2,\"a\":3}", "$").as_deref(),
            Some("{\"a\":3,\"b\":2}")
        );
    }

    #[test]
    fn json_is_known_as_such() {
        let scratch = Scratch::new();
        for (json, valid) in [
            ("1", true),
            ("abc", false),
            ("[1, 2]", true),
            ("\"abc\"", true),
            ("", false),
            ("{", false),
        ] {
            assert_eq!(
                call::<bool>(&scratch, is_json_string, &[Any::String(json)]),
                valid,
                "{json}"
            );
        }
        assert!(!call::<bool>(&scratch, is_json_string, &[Any::Null]));
    }

    #[test]
    fn every_value_has_a_json_text() {
        let scratch = Scratch::new();
        let items = [
            Any::Integer(1),
            Any::Null,
            Any::Double(1e10),
            Any::Decimal(1500, 3),
        ];
        let fields = [
            ("B", Any::String("x\"")),
            ("A", Any::List(List::new(&items))),
        ];
        let json: &str = call(&scratch, to_json_string, &[Any::Struct(&fields)]);
        assert_eq!(json, r#"{"A":[1,null,1.0E10,1.500],"B":"x\""}"#);
        assert_eq!(call::<&str>(&scratch, to_json_string, &[Any::Null]), "null");
        assert_eq!(
            call::<&str>(&scratch, to_json_string, &[Any::Date(0)]),
            "\"1970-01-01\""
        );
    }

    proptest::proptest! {
        #[test]
        fn what_is_extracted_whole_is_the_same_json(text in "[\\[\\]{}\",:0-9a\\\\ ]{0,20}") {
            if let Ok(value) = serde_json::from_str::<serde_json::Value>(&text)
                && !value.is_string()
            {
                let whole = extract(&text, "$").unwrap_or_default();
                proptest::prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&whole).ok(), Some(value));
            }
        }
    }
}
