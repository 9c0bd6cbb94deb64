//! `REGEXP_EXTRACT`: Java's patterns as far as they mean the same here.
//!
//! What only a backtracking matcher has - looking around, back references, possessive and atomic groups - is refused, and so is
//! what the two read differently. An alternative takes the first branch in both.

use regex::{Captures, Regex, RegexBuilder};

use super::cache::{Recent, recent};
use super::{Any, Scratch};

thread_local! {
    static PATTERNS: Recent<Regex> = const { Recent::new(Vec::new()) };
}

/// What a pattern of Java's is here; nothing where it cannot be said or means another thing.
pub fn translated(pattern: &str) -> Option<String> {
    let mut out = String::new();
    let mut letters = pattern.chars().peekable();
    let mut class = false;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next()? {
                // Java's classes are of ASCII.
                'd' if class => out.push_str("0-9"),
                'd' => out.push_str("[0-9]"),
                'D' if !class => out.push_str("[^0-9]"),
                'w' if class => out.push_str("A-Za-z0-9_"),
                'w' => out.push_str("[A-Za-z0-9_]"),
                'W' if !class => out.push_str("[^A-Za-z0-9_]"),
                's' if class => out.push_str(r" \t\n\x0B\f\r"),
                's' => out.push_str(r"[ \t\n\x0B\f\r]"),
                'S' if !class => out.push_str(r"[^ \t\n\x0B\f\r]"),
                kept @ ('t' | 'n' | 'r' | 'f') => out.extend(['\\', kept]),
                // Where a word ends is Unicode's in both since Java 19, ASCII's before: refused with all other letters.
                other if other.is_ascii_alphanumeric() => return None,
                other => out.push_str(&regex::escape(&other.to_string())),
            },
            '[' if class => return None,
            '&' if class && letters.peek() == Some(&'&') => return None,
            // Two of these are operators here and plain letters in Java.
            '-' | '~' if class && letters.peek() == Some(&letter) => return None,
            '[' => {
                class = true;
                out.push('[');
                if letters.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                if letters.peek() == Some(&']') {
                    return None;
                }
            }
            ']' if class => {
                class = false;
                out.push(']');
            }
            '(' if !class && letters.peek() == Some(&'?') => {
                letters.next();
                // Only a group that is not counted.
                letters.next_if_eq(&':')?;
                out.push_str("(?:");
            }
            '.' if !class => out.push_str(r"[^\n\r\x{85}\x{2028}\x{2029}]"),
            // Whoever matches looks before a last line's end too.
            '$' if !class => {
                if letters.peek().is_some() {
                    return None;
                }
                out.push_str(r"\z");
            }
            '*' | '+' | '?' | '}' if !class => {
                out.push(letter);
                // Possessive.
                if letters.peek() == Some(&'+') {
                    return None;
                }
            }
            other => out.push(other),
        }
    }
    Some(out)
}

/// `REGEXP_EXTRACT(pattern, s [, group])`: the first match; `NULL` where there is none, or no such group.
pub fn regexp_extract<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let (pattern, text, group) = match arguments {
        [pattern, text] => (pattern, text, 0),
        [pattern, text, group] => (pattern, text, group.integer()?),
        _ => return None,
    };
    let (pattern, text) = (pattern.text(scratch)?, text.text(scratch)?);
    let regex = recent(&PATTERNS, pattern, |pattern| {
        RegexBuilder::new(&translated(pattern)?).build().ok()
    })?;
    let group = usize::try_from(group).ok()?;
    if group > 0 && repeats_what_may_be_empty(pattern) {
        return None;
    }
    let mut found = regex.captures(text);
    // Java's `$` stands before a line's end that is the text's, and at the very end: the match that begins first, then the longer.
    if pattern.ends_with('$')
        && let Some(shorter) = without_last_line_end(text)
        && let Some(other) = regex.captures(shorter)
    {
        let place = |found: &Captures<'_>| {
            found
                .get(0)
                .map(|all| (all.start(), text.len() - all.end()))
        };
        if found
            .as_ref()
            .is_none_or(|found| place(&other) < place(found))
        {
            found = Some(other);
        }
    }
    let found = found.and_then(|found| found.get(group));
    Some(found.map_or(Any::Null, |found| {
        Any::String(text.get(found.range()).unwrap_or_default())
    }))
}

/// Whether a group is repeated that can match nothing: its last turn is empty in Java, and here it is the one before.
fn repeats_what_may_be_empty(pattern: &str) -> bool {
    let (mut starts, mut class, mut escaped) = (Vec::new(), false, false);
    for (at, letter) in pattern.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => class = true,
            ']' => class = false,
            _ if class => {}
            '(' => starts.push(at + 1),
            ')' => {
                let start = starts.pop().unwrap_or(at);
                let body = pattern.get(start..at).unwrap_or_default();
                let body = body.strip_prefix("?:").unwrap_or(body);
                let repeated = pattern
                    .get(at + 1..)
                    .is_some_and(|rest| rest.starts_with(['*', '+', '{']));
                let may_be_empty = body.contains(['*', '?', '{', '^', '$'])
                    || body.split('|').any(|branch| {
                        branch.is_empty() || branch.ends_with('(') || branch.starts_with(')')
                    });
                if repeated && may_be_empty {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

fn without_last_line_end(text: &str) -> Option<&str> {
    text.strip_suffix("\r\n")
        .or_else(|| text.strip_suffix(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{Failed, call};

    fn extract(pattern: &str, text: &str, group: i32) -> Result<Option<String>, Failed> {
        let scratch = Scratch::new();
        let arguments = [Any::String(pattern), Any::String(text), Any::Integer(group)];
        call::<Result<Option<&str>, Failed>>(&scratch, regexp_extract, &arguments)
            .map(|found| found.map(str::to_owned))
    }

    #[test]
    fn the_first_match_or_its_group_is_taken() {
        for (pattern, text, group, found) in [
            ("(.*) (.*)", "hello there", 1, Some("hello")),
            ("(.*) (.*)", "hello there", 3, None),
            ("[0-9]+", "a12b3", 0, Some("12")),
            (r"\d{2}", "a12b3", 0, Some("12")),
            (r"\d", "\u{661}", 0, None),
            (r"[\w.]+@\w+", "<a.b@c>", 0, Some("a.b@c")),
            ("a.c", "a\rc", 0, None),
            ("(a)|(b)", "b", 1, None),
            ("x|xy", "xy", 0, Some("x")),
            ("b$", "ab", 0, Some("b")),
            (".*$", "ab\n", 0, Some("ab")),
            (r"\s*$", "ab \n", 0, Some(" \n")),
            (r"\$1\.", "$1.", 0, Some("$1.")),
        ] {
            assert_eq!(
                extract(pattern, text, group),
                Ok(found.map(str::to_owned)),
                "{pattern}"
            );
        }
    }

    #[test]
    fn what_only_java_has_fails() {
        for pattern in [
            "(?=a)", "(?<!a)b", r"(a)\1", "a++", "(?i)a", "[a&&b]", r"\p{L}", r"\bx", "(",
            "[[a]b]", "a$b", r"[\D]",
        ] {
            assert_eq!(extract(pattern, "a", 0), Err(Failed), "{pattern}");
        }
    }
}
