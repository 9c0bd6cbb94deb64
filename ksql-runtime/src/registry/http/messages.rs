//! Why a registry finds a schema incompatible: its words read into our violations.
//!
//! Three forms are known: two of Confluent's (`{errorType:'..', description:'..', ..}`, before 7.4
//! `Incompatibility{type:.., location:.., ..}`) and Apicurio's (`.. at /fields/1/type`). In each a reason says where in the
//! *reader's* schema it stands. Words of another form are one violation without a field.

use serde_json::Value;

use crate::registry::{Compatibility, Direction, Incompatible, Rule, Violation};

/// Reads an answer about `schema`, which did not fit `earlier`, a version and its text.
pub(super) fn read(
    subject: &str,
    level: Compatibility,
    schema: &str,
    earlier: Option<(u32, &str)>,
    answer: &str,
) -> Incompatible {
    let (version, earlier) = earlier.unwrap_or_default();
    let mut violations: Vec<Violation> = reasons(answer)
        .into_iter()
        .map(|reason| reason.violation(level, schema, earlier))
        .collect();
    if violations.is_empty() {
        violations.push(Violation {
            field: String::new(),
            rule: Rule::Other,
            direction: only_direction(level).unwrap_or(Direction::Backward),
            message: answer.trim().to_owned(),
        });
    }
    Incompatible {
        subject: subject.to_owned(),
        version: number_after(answer, "oldSchemaVersion: ").unwrap_or(version),
        level,
        violations,
        answer: Some(answer.to_owned()),
    }
}

/// One reason, as it was said.
#[derive(Debug, PartialEq)]
struct Reason<'t> {
    rule: Rule,
    /// Where it stands in the reader's schema.
    pointer: &'t str,
    direction: Option<Direction>,
    words: &'t str,
}

fn reasons(answer: &str) -> Vec<Reason<'_>> {
    let described = split_at_each(answer, "{errorType:'", |entry| {
        let (kind, rest) = entry.split_once('\'')?;
        let description = between(rest, "description:'", "', additionalInfo:")?;
        let info = between(rest, "additionalInfo:'", "'}").unwrap_or_default();
        Some(Reason {
            rule: rule(kind),
            pointer: between(description, "path '", "'").unwrap_or_default(),
            direction: reader(description),
            // The description only repeats kind and place.
            words: if info.contains(' ') {
                info
            } else {
                description
            },
        })
    });
    if !described.is_empty() {
        return described;
    }
    let located = split_at_each(answer, "Incompatibility{type:", |entry| {
        let (kind, rest) = entry.split_once(',')?;
        Some(Reason {
            rule: rule(kind),
            pointer: between(rest, "location:", ",")?.trim(),
            direction: None,
            words: between(rest, "message:", ", reader:")?,
        })
    });
    if !located.is_empty() {
        return located;
    }
    let Some((_, causes)) = answer.split_once(" Causes: ") else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut rest = causes;
    while let Some((words, after)) = rest.split_once(" at /") {
        let end = after.find(", ").unwrap_or(after.len());
        let start = words.len() + " at ".len();
        let pointer = rest.get(start..start + 1 + end).unwrap_or_default();
        let words = words.trim_start_matches(", ");
        let kind = if words.starts_with("reader type: ") {
            Rule::Type
        } else if words.starts_with("expected: ") {
            Rule::Name
        } else if words.starts_with("reader union lacking writer type: ") {
            Rule::MissingBranch
        } else if is_name(words) && in_fields(pointer) {
            Rule::MissingDefault
        } else {
            Rule::Other
        };
        found.push(Reason {
            rule: kind,
            pointer: pointer.trim(),
            direction: None,
            words,
        });
        rest = after.get(end..).unwrap_or_default();
    }
    found
}

fn split_at_each<'t>(
    text: &'t str,
    start: &str,
    read: impl Fn(&'t str) -> Option<Reason<'t>>,
) -> Vec<Reason<'t>> {
    text.split(start).skip(1).filter_map(read).collect()
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(start)?;
    Some(rest.split_once(end)?.0)
}

fn number_after(text: &str, start: &str) -> Option<u32> {
    let (_, rest) = text.split_once(start)?;
    let digits = rest.split(|digit: char| !digit.is_ascii_digit()).next()?;
    digits.parse().ok()
}

fn is_name(words: &str) -> bool {
    !words.is_empty()
        && words
            .chars()
            .all(|letter| letter.is_alphanumeric() || letter == '_')
}

/// Whether a place is a field itself: `../fields/3`.
fn in_fields(pointer: &str) -> bool {
    let mut parts = pointer.rsplit('/');
    parts.next().is_some_and(|part| part.parse::<u32>().is_ok()) && parts.next() == Some("fields")
}

fn rule(kind: &str) -> Rule {
    match kind.trim() {
        "READER_FIELD_MISSING_DEFAULT_VALUE" => Rule::MissingDefault,
        "TYPE_MISMATCH" => Rule::Type,
        "NAME_MISMATCH" => Rule::Name,
        "MISSING_ENUM_SYMBOLS" => Rule::MissingSymbol,
        "MISSING_UNION_BRANCH" => Rule::MissingBranch,
        "FIXED_SIZE_MISMATCH" => Rule::Size,
        _ => Rule::Other,
    }
}

/// The reader is the one that a description names first.
fn reader(description: &str) -> Option<Direction> {
    match (
        description.find(" new schema"),
        description.find(" old schema"),
    ) {
        (Some(new), Some(old)) if new < old => Some(Direction::Backward),
        (Some(_), Some(_)) => Some(Direction::Forward),
        _ => None,
    }
}

/// The direction of a level that has one.
fn only_direction(level: Compatibility) -> Option<Direction> {
    match level {
        Compatibility::Backward | Compatibility::BackwardTransitive => Some(Direction::Backward),
        Compatibility::Forward | Compatibility::ForwardTransitive => Some(Direction::Forward),
        Compatibility::None | Compatibility::Full | Compatibility::FullTransitive => None,
    }
}

impl Reason<'_> {
    fn violation(self, level: Compatibility, schema: &str, earlier: &str) -> Violation {
        let direction = self
            .direction
            .or_else(|| only_direction(level))
            // Where nobody said who reads: it is the schema in which the words and the place agree.
            .unwrap_or_else(|| {
                let name = path(schema, self.pointer).unwrap_or_default();
                if self.rule == Rule::MissingDefault && !name.ends_with(self.words) {
                    Direction::Forward
                } else {
                    Direction::Backward
                }
            });
        let (here, there, reader) = match direction {
            Direction::Backward => ("the new schema", "the earlier one", schema),
            Direction::Forward => ("the earlier schema", "the new one", earlier),
        };
        let field = path(reader, self.pointer).unwrap_or_default();
        let what = if field.is_empty() {
            "the schema itself".to_owned()
        } else {
            format!("field `{field}`")
        };
        let words = match self.rule {
            Rule::MissingDefault => format!(
                "is not in {there}, and has no default in {here}: make it optional, or give it a default"
            ),
            _ => format!("({})", self.words),
        };
        Violation {
            message: format!("{here} cannot read what {there} writes: {what} {words}"),
            field,
            rule: self.rule,
            direction,
        }
    }
}

/// The path of the field at a place in a schema's text, as [`Violation::field`] has it.
fn path(schema: &str, pointer: &str) -> Option<String> {
    let json: Value = serde_json::from_str(schema).ok()?;
    let mut at = &json;
    let mut path = String::new();
    let mut parts = pointer.split('/').filter(|part| !part.is_empty());
    while let Some(part) = parts.next() {
        at = match part {
            "fields" => {
                let index: usize = parts.next()?.parse().ok()?;
                let field = at.get("fields")?.get(index)?;
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(field.get("name")?.as_str()?);
                field
            }
            "items" | "values" => {
                path.push_str(if part == "items" { "[]" } else { "{}" });
                at.get(part)?
            }
            // A branch of a union, or an attribute.
            part => match part.parse::<usize>() {
                Ok(index) => at.get(index).unwrap_or(at),
                Err(_) => at.get(part).unwrap_or(at),
            },
        };
        // Places go by types, the text has attributes around them: `{"type":{"type":"array",..}}`.
        if part != "type"
            && let Some(inner @ Value::Object(_)) = at.get("type")
            && at.get("name").is_none()
        {
            at = inner;
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::{path, read};
    use crate::registry::{Compatibility, Direction, Incompatible, Rule};

    const NEW: &str = r#"{"type":"record","name":"R","fields":[
        {"name":"size","type":"int"},
        {"name":"venue","type":"string"},
        {"name":"at","type":{"type":"record","name":"P","fields":[{"name":"city","type":["null","string"]}]}},
        {"name":"tags","type":{"type":"array","items":{"type":"map","values":"int"}}}]}"#;
    const OLD: &str = r#"{"type":"record","name":"R","fields":[{"name":"note","type":"string"},{"name":"size","type":"long"}]}"#;

    fn told(level: Compatibility, answer: &str) -> Incompatible {
        read("s", level, NEW, Some((4, OLD)), answer)
    }

    #[test]
    fn places_become_paths() {
        for (pointer, expected) in [
            ("/", ""),
            ("/name", ""),
            ("/fields/0/type", "size"),
            ("/fields/2/type/fields/0", "at.city"),
            ("/fields/2/type/fields/0/type/1", "at.city"),
            ("/fields/3/type/items", "tags[]"),
            ("/fields/3/type/items/values", "tags[]{}"),
        ] {
            assert_eq!(path(NEW, pointer).as_deref(), Some(expected), "{pointer}");
        }
        assert_eq!(path(NEW, "/fields/9"), None);
        assert_eq!(path("{", "/fields/0"), None);
    }

    #[test]
    fn reasons_with_a_description_are_read() {
        let answer = r#"Schema being registered is incompatible with an earlier schema for subject "s", details: [{errorType:'TYPE_MISMATCH', description:'The type (path '/fields/0/type') of a field in the new schema does not match with the old schema', additionalInfo:'reader type: INT not compatible with writer type: LONG'}, {errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'venue' at path '/fields/1' in the new schema has no default value and is missing in the old schema', additionalInfo:'venue'}, {errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'note' at path '/fields/0' in the old schema has no default value and is missing in the new schema', additionalInfo:'note'}, {oldSchemaVersion: 2}, {oldSchema: '{"type":"record"}'}, {validateFields: 'false', compatibility: 'FULL'}]"#;
        let why = told(Compatibility::Full, answer);
        let found: Vec<_> = why
            .violations
            .iter()
            .map(|violation| {
                (
                    violation.field.as_str(),
                    violation.rule,
                    violation.direction,
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                ("size", Rule::Type, Direction::Backward),
                ("venue", Rule::MissingDefault, Direction::Backward),
                ("note", Rule::MissingDefault, Direction::Forward),
            ]
        );
        assert_eq!((why.version, why.level), (2, Compatibility::Full));
        assert_eq!(why.answer.as_deref(), Some(answer));
        assert_eq!(
            why.to_string(),
            "the schema for `s` is not FULL compatible with version 2: the new schema cannot read what the earlier one \
             writes: field `size` (reader type: INT not compatible with writer type: LONG); the new schema cannot read what \
             the earlier one writes: field `venue` is not in the earlier one, and has no default in the new schema: make it \
             optional, or give it a default; the earlier schema cannot read what the new one writes: field `note` is not in \
             the new one, and has no default in the earlier schema: make it optional, or give it a default"
        );
    }

    #[test]
    fn reasons_with_a_location_are_read() {
        let why = told(
            Compatibility::Backward,
            r#"details: [Incompatibility{type:TYPE_MISMATCH, location:/fields/0/type, message:reader type: INT not compatible with writer type: LONG, reader:"int", writer:"long"}]"#,
        );
        assert_eq!(why.violations.len(), 1);
        assert_eq!(
            (
                why.version,
                why.violations
                    .first()
                    .map(|violation| (violation.field.as_str(), violation.rule))
            ),
            (4, Some(("size", Rule::Type)))
        );
    }

    #[test]
    fn reasons_in_a_sentence_are_read() {
        let answer = "Incompatible artifact: s [AVRO], num of incompatible diffs: {2}, list of diff types: [venue at \
                      /fields/1, reader type: INT not compatible with writer type: LONG at /fields/0/type] Causes: venue at \
                      /fields/1, reader type: INT not compatible with writer type: LONG at /fields/0/type";
        for (level, first) in [
            (Compatibility::Backward, ("venue", Direction::Backward)),
            (Compatibility::Full, ("venue", Direction::Backward)),
        ] {
            let why = told(level, answer);
            let found: Vec<_> = why
                .violations
                .iter()
                .map(|violation| (violation.field.as_str(), violation.rule))
                .collect();
            assert_eq!(
                found,
                [("venue", Rule::MissingDefault), ("size", Rule::Type)]
            );
            let violation = why.violations.first();
            assert_eq!(
                violation.map(|violation| (violation.field.as_str(), violation.direction)),
                Some(first)
            );
        }
        let forward = told(Compatibility::Full, ".. Causes: note at /fields/0");
        assert_eq!(
            forward
                .violations
                .first()
                .map(|violation| (violation.field.as_str(), violation.direction)),
            Some(("note", Direction::Forward))
        );
    }

    #[test]
    fn other_words_are_kept_whole() {
        let why = told(Compatibility::Full, " it does not fit ");
        assert_eq!(
            why.to_string(),
            "the schema for `s` is not FULL compatible with version 4: it does not fit"
        );
    }
}
