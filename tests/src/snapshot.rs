//! Snapshots as plain text files: a test fails with the lines that differ, and `UPDATE_SNAPSHOTS=1` writes them anew.

use std::path::PathBuf;

/// Compares a text with the file `tests/snapshots/<name>`.
///
/// # Errors
/// The lines that differ, with the way to accept them.
pub fn check(name: &str, found: &str) -> Result<(), String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/snapshots")
        .join(name);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some_and(|value| value == "1") {
        return std::fs::write(&path, found)
            .map_err(|error| format!("tests/snapshots/{name}: {error}"));
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    if expected == found {
        return Ok(());
    }
    Err(format!(
        "tests/snapshots/{name} differs (- expected, + found); if the change is meant, run with UPDATE_SNAPSHOTS=1\n{}",
        difference(&expected, found)
    ))
}

/// The lines of both texts between their common beginning and end, each with a line of what surrounds them.
fn difference(expected: &str, found: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), found.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let most = old.len().min(new.len()) - head;
    let tail = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take(most)
        .take_while(|(a, b)| a == b)
        .count();
    let mut out = format!("@@ line {} @@\n", head + 1);
    let mut push = |sign: char, lines: &[&str]| {
        for line in lines {
            out.push_str(&format!("{sign} {line}\n"));
        }
    };
    push(' ', &old[head.saturating_sub(1)..head]);
    push('-', &old[head..old.len() - tail]);
    push('+', &new[head..new.len() - tail]);
    push(
        ' ',
        &old[old.len() - tail..(old.len() - tail + 1).min(old.len())],
    );
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_difference_is_shown_with_its_surroundings_only() {
        let shown = super::difference("a\nb\nc\nd\ne\n", "a\nb\nx\ny\nd\ne\n");
        assert_eq!(shown, "@@ line 3 @@\n  b\n- c\n+ x\n+ y\n  d\n");
        assert_eq!(super::difference("", "a\n"), "@@ line 1 @@\n+ a\n");
        assert_eq!(super::difference("a\nb", "a"), "@@ line 2 @@\n  a\n- b\n");
    }
}
