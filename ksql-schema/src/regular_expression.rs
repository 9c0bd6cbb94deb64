//! Java's regular expressions, as far as both engines match them alike.
//!
//! What only a backtracking matcher has - looking around, back references, possessive and atomic groups - is refused, and so is
//! what the two read differently. The macro refuses a literal pattern by the same rules as a matcher does one that it meets.

/// What a pattern of Java's is for a matcher without backtracking.
///
/// # Errors
/// What in it cannot be said or means another thing there.
pub fn translated(pattern: &str) -> Result<String, &'static str> {
    let mut out = String::new();
    let mut letters = pattern.chars().peekable();
    let mut class = false;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next().ok_or("a `\\` that escapes nothing")? {
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
                'D' | 'W' | 'S' => return Err("a negated class within a class"),
                '0'..='9' | 'k' => return Err("a back reference"),
                // Where a word ends is Unicode's in both since Java 19, ASCII's before.
                'b' | 'B' => return Err("the end of a word, which depends on Java's version"),
                other if other.is_ascii_alphanumeric() => {
                    return Err(
                        "an escape other than `\\d`, `\\w`, `\\s`, `\\t`, `\\n`, `\\r`, `\\f`",
                    );
                }
                other if other.is_ascii() => out.extend(['\\', other]),
                other => out.push(other),
            },
            '[' if class => return Err("a class within a class"),
            '&' if class && letters.peek() == Some(&'&') => {
                return Err("an intersection of classes");
            }
            // Two of these are operators here and plain letters in Java.
            '-' | '~' if class && letters.peek() == Some(&letter) => {
                return Err("two of `-` or `~` within a class");
            }
            '[' => {
                class = true;
                out.push('[');
                if letters.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                if letters.peek() == Some(&']') {
                    return Err("a class that begins with `]`");
                }
            }
            ']' if class => {
                class = false;
                out.push(']');
            }
            '(' if !class && letters.peek() == Some(&'?') => {
                letters.next();
                // Only a group that is not counted.
                letters
                    .next_if_eq(&':')
                    .ok_or("a group that looks around, has a name or sets flags")?;
                out.push_str("(?:");
            }
            '.' if !class => out.push_str(r"[^\n\r\x{85}\x{2028}\x{2029}]"),
            // Whoever matches looks before a last line's end too.
            '$' if !class => {
                if letters.peek().is_some() {
                    return Err("a `$` before its end");
                }
                out.push_str(r"\z");
            }
            '*' | '+' | '?' | '}' if !class => {
                out.push(letter);
                if letters.peek() == Some(&'+') {
                    return Err("a possessive repetition");
                }
            }
            other => out.push(other),
        }
    }
    Ok(out)
}

/// What is wrong with a pattern that is known while compiling; `groups` says whether one of its groups is asked for.
pub fn defect(pattern: &str, groups: bool) -> Option<&'static str> {
    if let Err(defect) = translated(pattern) {
        return Some(defect);
    }
    if let Some(defect) = unbalanced(pattern) {
        return Some(defect);
    }
    (groups && repeats_what_may_be_empty(pattern))
        .then_some("a repeated group that can match nothing")
}

fn unbalanced(pattern: &str) -> Option<&'static str> {
    let (mut open, mut class, mut escaped) = (0_usize, false, false);
    // Whether something stands before that can be repeated.
    let mut repeatable = false;
    for letter in pattern.chars() {
        let before = std::mem::replace(&mut repeatable, true);
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => class = true,
            ']' => class = false,
            _ if class => {}
            '(' => {
                open += 1;
                repeatable = false;
            }
            ')' => match open.checked_sub(1) {
                Some(left) => open = left,
                None => return Some("a `)` that closes nothing"),
            },
            '|' | '^' => repeatable = false,
            // What makes a group one that is not counted.
            '?' | ':' if !before => repeatable = letter == ':',
            '*' | '+' | '{' if !before => return Some("a repetition of nothing"),
            _ => {}
        }
    }
    match (class, open) {
        (true, _) => Some("a `[` that is not closed"),
        (false, 0) => None,
        (false, _) => Some("a `(` that is not closed"),
    }
}

/// Whether a group is repeated that can match nothing: its last turn is empty in Java, and here it is the one before.
pub fn repeats_what_may_be_empty(pattern: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_both_engines_match_alike_have_no_defect() {
        for pattern in [
            "(.*) (.*)",
            "[0-9]+",
            r"\d{2}",
            r"[\w.]+@\w+",
            "a.c",
            "(a)|(b)",
            "b$",
            r"\s*$",
            r"\$1\.",
            "(?:ab)?c",
            "^a+?",
            "a:b",
            "x|",
            "",
        ] {
            assert_eq!(defect(pattern, true), None, "{pattern}");
        }
        assert_eq!(defect("(a*)*", false), None);
    }

    #[test]
    fn what_only_java_has_is_named() {
        for (pattern, said) in [
            ("(?=a)", "looks around"),
            ("(?<!a)b", "looks around"),
            ("(?i)a", "sets flags"),
            (r"(a)\1", "back reference"),
            ("a++", "possessive"),
            ("[a&&b]", "intersection"),
            (r"\p{L}", "escape"),
            (r"\bx", "end of a word"),
            ("[[a]b]", "class within a class"),
            ("a$b", "`$`"),
            (r"[\D]", "negated"),
            ("(", "not closed"),
            ("a)", "closes nothing"),
            ("[a", "not closed"),
            ("*a", "repetition of nothing"),
            (r"a\", "escapes nothing"),
            ("(a*)*", "match nothing"),
        ] {
            let found = defect(pattern, true).unwrap_or_default();
            assert!(found.contains(said), "{pattern}: {found}");
        }
    }
}
