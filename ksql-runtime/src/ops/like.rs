//! `LIKE`: `%` for any number of characters, `_` for one, neither for the end of a line.

use super::{Failed, Operand, Output, Scratch};

/// A piece of a pattern.
#[derive(Clone, Copy, PartialEq)]
enum Piece {
    Character(char),
    One,
    Many,
}

/// What a Java pattern's `.` does not match.
fn ends_line(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The pieces; nothing where the pattern ends in its escape.
fn pieces(pattern: &str, escape: Option<char>) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        pieces.push(match character {
            character if Some(character) == escape => Piece::Character(characters.next()?),
            '%' => Piece::Many,
            '_' => Piece::One,
            character => Piece::Character(character),
        });
    }
    Some(pieces)
}

fn matches(text: &str, pieces: &[Piece]) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut piece) = (0, 0);
    // Behind the last `%`, and where what it stands for ends so far. The leftmost end will do: another could be reached from it.
    let mut many: Option<(usize, usize)> = None;
    loop {
        match (pieces.get(piece), text.get(at)) {
            (Some(Piece::Many), _) => {
                piece += 1;
                many = Some((piece, at));
                continue;
            }
            (Some(Piece::Character(wanted)), Some(found)) if wanted == found => {
                (at, piece) = (at + 1, piece + 1);
                continue;
            }
            (Some(Piece::One), Some(found)) if !ends_line(*found) => {
                (at, piece) = (at + 1, piece + 1);
                continue;
            }
            (None, None) => return true,
            _ => {}
        }
        match many {
            Some((behind, end)) if text.get(end).is_some_and(|taken| !ends_line(*taken)) => {
                many = Some((behind, end + 1));
                (at, piece) = (end + 1, behind);
            }
            _ => return false,
        }
    }
}

/// Whether a text is like a pattern without an escape.
#[cfg(feature = "cli")]
pub(crate) fn is_like(text: &str, pattern: &str) -> bool {
    pieces(pattern, None).is_some_and(|pieces| matches(text, &pieces))
}

/// `a LIKE pattern [ESCAPE c]`; a `NULL` fails, and so does a pattern that ends in its escape.
pub fn like<'a, T: Output<'a>, A: Operand<'a>, B: Operand<'a>>(
    scratch: &'a Scratch,
    text: A,
    pattern: B,
    escape: Option<char>,
) -> T {
    let (text, pattern) = (text.any().text(scratch), pattern.any().text(scratch));
    let matched = match (text, pattern) {
        (Some(text), Some(pattern)) => pieces(pattern, escape)
            .map(|pieces| matches(text, &pieces))
            .ok_or(Failed),
        _ => Err(Failed),
    };
    T::from_any(matched.any())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_within_a_line() {
        let scratch = Scratch::new();
        for (text, pattern, escape, matched) in [
            ("", "", None, Ok(true)),
            ("", "%", None, Ok(true)),
            ("abc", "a%", None, Ok(true)),
            ("abc", "%c", None, Ok(true)),
            ("abc", "%b%", None, Ok(true)),
            ("abc", "a_c", None, Ok(true)),
            ("abc", "a_", None, Ok(false)),
            ("abc", "ABC", None, Ok(false)),
            ("aXbXc", "a%X_", None, Ok(true)),
            ("a\u{1f600}c", "a_c", None, Ok(true)),
            ("a\nc", "a%c", None, Ok(false)),
            ("a\nc", "a_c", None, Ok(false)),
            ("a\nc", "%\n%", None, Ok(true)),
            ("a.c", "a.c", None, Ok(true)),
            ("abc", "a.c", None, Ok(false)),
            ("50%", "50!%", Some('!'), Ok(true)),
            ("500", "50!%", Some('!'), Ok(false)),
            ("a!b", "a!!b", Some('!'), Ok(true)),
            ("a", "a!", Some('!'), Err(Failed)),
        ] {
            let found: Result<bool, Failed> = like(&scratch, text, pattern, escape);
            assert_eq!(found, matched, "{text:?} like {pattern:?}");
        }
        assert_eq!(
            like::<Result<bool, Failed>, _, _>(&scratch, None::<&str>, "%", None),
            Err(Failed)
        );
    }

    proptest::proptest! {
        #[test]
        fn matches_are_those_of_a_regular_expression(text in "[ab\n]{0,8}", pattern in "[ab\n%_]{0,6}") {
            let scratch = Scratch::new();
            let regex = format!("^(?:{})$", pattern.replace('%', ".*").replace('_', "."));
            let wanted = regex::Regex::new(&regex).ok().map(|regex| regex.is_match(&text)).ok_or(Failed);
            proptest::prop_assert_eq!(like::<Result<bool, Failed>, _, _>(&scratch, text.as_str(), pattern.as_str(), None), wanted);
        }
    }
}
