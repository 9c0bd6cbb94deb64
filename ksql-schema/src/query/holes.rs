//! The holes of a statement, `:limit`, filled with literals when the query is registered.
//!
//! Invariant: only what [`super::text::Piece::Hole`] wrote is filled. Text inside quotes is copied as it stands, for a
//! literal may hold what looks like a hole.

/// The statement with each hole replaced by the text of its value; an error names the hole that has none.
///
/// # Errors
/// Where a hole has no value.
pub fn fill(statement: &str, values: &[(&str, &str)]) -> Result<String, String> {
    let mut out = String::with_capacity(statement.len() + 16 * values.len());
    let mut rest = statement;
    while let Some(at) = rest.find(['\'', '`', '"', ':']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let mut letters = from.chars();
        let mark = letters.next().unwrap_or_default();
        let after = letters.as_str();
        if mark == ':' {
            let name =
                after.trim_start_matches(|letter: char| letter == '_' || letter.is_alphanumeric());
            let (name, behind) = after.split_at(after.len() - name.len());
            if name.is_empty() {
                out.push(mark);
            } else {
                let value = values.iter().find(|(known, _)| *known == name);
                let (_, value) = value.ok_or_else(|| name.to_owned())?;
                out.push_str(value);
            }
            rest = behind;
            continue;
        }
        // A doubled quote ends a text and begins another: the copy is the same.
        let end = after
            .find(mark)
            .map_or(after.len(), |end| end + mark.len_utf8());
        let (quoted, behind) = after.split_at(end);
        out.push(mark);
        out.push_str(quoted);
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_filled_and_quotes_left_alone() {
        let values = [
            ("limit", "CAST(5 AS BIGINT)"),
            ("limit_2", "'it''s :limit'"),
        ];
        let table = [
            (
                "WHERE (`N` > :limit) AND x",
                "WHERE (`N` > CAST(5 AS BIGINT)) AND x",
            ),
            ("x = :limit_2", "x = 'it''s :limit'"),
            (
                "x = ':limit' AND y = :limit",
                "x = ':limit' AND y = CAST(5 AS BIGINT)",
            ),
            (
                "'it''s :limit', :limit",
                "'it''s :limit', CAST(5 AS BIGINT)",
            ),
            ("`a:limit` = :limit", "`a:limit` = CAST(5 AS BIGINT)"),
            ("MAP('k':=:limit)", "MAP('k':=CAST(5 AS BIGINT))"),
            ("nothing", "nothing"),
            ("'open :limit", "'open :limit"),
            ("", ""),
        ];
        for (statement, expected) in table {
            assert_eq!(fill(statement, &values).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn a_hole_without_a_value_is_named() {
        assert_eq!(fill("x > :limt", &[("limit", "5")]), Err("limt".to_owned()));
    }
}
