//! `REGEXP_EXTRACT`: Java's patterns as far as they mean the same here. An alternative takes the first branch in both.

use ksql_schema::regular_expression::{repeats_what_may_be_empty, translated};
use regex::{Captures, Regex, RegexBuilder};

use super::cache::{Recent, recent};
use super::{Any, Scratch};

thread_local! {
    static PATTERNS: Recent<Regex> = const { Recent::new(Vec::new()) };
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
        RegexBuilder::new(&translated(pattern).ok()?).build().ok()
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
