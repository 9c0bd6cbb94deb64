//! Typed readings of attribute values. Each reports a literal of the wrong kind with an example of the right one.

use proc_macro2::TokenStream;
use syn::Lit;

use super::args::Value;
use crate::errors::{At, Errors, Place};

/// Where a value stands: for messages and examples.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// `partitions`, or the attribute's name for positional values.
    pub(crate) key: &'a str,
    /// A whole attribute to paste.
    pub(crate) example: &'a str,
}

impl Wanted<'_> {
    fn wrong(&self, what: &str, value: &At<Value>, errors: &mut Errors) {
        errors.push(
            value.place,
            format!(
                "`{}` takes {what}, not {}",
                self.key,
                value.value.describe()
            ),
            format!("write `{}`", self.example),
        );
    }
}

/// A string.
pub(crate) fn string(
    value: &At<Value>,
    wanted: Wanted<'_>,
    errors: &mut Errors,
) -> Option<At<String>> {
    match &value.value {
        Value::Literal(Lit::Str(text)) => Some(At {
            value: text.value(),
            place: value.place,
        }),
        _ => {
            wanted.wrong("a string", value, errors);
            None
        }
    }
}

/// An integer that fits `T`; the range of `T` is what the message says.
pub(crate) fn integer<T>(
    value: &At<Value>,
    wanted: Wanted<'_>,
    errors: &mut Errors,
) -> Option<At<T>>
where
    T: TryFrom<u64> + Bounds,
{
    match &value.value {
        Value::Literal(Lit::Int(number)) => {
            let fits = number
                .base10_digits()
                .parse::<u64>()
                .ok()
                .and_then(|number| T::try_from(number).ok());
            if fits.is_none() {
                errors.push(
                    value.place,
                    format!("`{}` is out of range: at most {}", wanted.key, T::MAX),
                    format!("write `{}`", wanted.example),
                );
            }
            fits.map(|number| At {
                value: number,
                place: value.place,
            })
        }
        Value::Negative(_) => {
            errors.push(
                value.place,
                format!("`{}` cannot be negative", wanted.key),
                format!("write `{}`", wanted.example),
            );
            None
        }
        _ => {
            wanted.wrong("an integer", value, errors);
            None
        }
    }
}

/// The upper end of an integer type, for messages.
pub(crate) trait Bounds {
    const MAX: u64;
}

impl Bounds for u16 {
    const MAX: u64 = Self::MAX as u64;
}

impl Bounds for u32 {
    const MAX: u64 = Self::MAX as u64;
}

impl Bounds for u64 {
    const MAX: u64 = Self::MAX;
}

/// A duration in milliseconds.
pub(crate) fn duration(
    value: &At<Value>,
    wanted: Wanted<'_>,
    errors: &mut Errors,
) -> Option<At<u64>> {
    let text = string(value, wanted, errors)?;
    match ksql_schema::duration::parse(&text.value) {
        Ok(millis) => Some(At {
            value: millis,
            place: text.place,
        }),
        Err(message) => {
            errors.push(
                text.place,
                format!("`{}`: {message}", wanted.key),
                format!("write `{}`", wanted.example),
            );
            None
        }
    }
}

/// One of a few words, as a string.
pub(crate) fn word<T: Copy>(
    value: &At<Value>,
    words: &[(&str, T)],
    wanted: Wanted<'_>,
    errors: &mut Errors,
) -> Option<At<T>> {
    let text = string(value, wanted, errors)?;
    if let Some((_, found)) = words.iter().find(|(word, _)| *word == text.value) {
        return Some(At {
            value: *found,
            place: text.place,
        });
    }
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    errors.push(
        text.place,
        format!(
            "`{}` cannot be \"{}\"{}",
            wanted.key,
            text.value,
            suggestion(&text.value, &known)
        ),
        format!("it is one of {}", quoted(&known, '"')),
    );
    None
}

/// A path, such as `crate::reexports::ksql_runtime`.
pub(crate) fn path(
    value: &At<Value>,
    wanted: Wanted<'_>,
    errors: &mut Errors,
) -> Option<At<TokenStream>> {
    match &value.value {
        Value::Path(tokens) if syn::parse2::<syn::Path>(tokens.clone()).is_ok() => Some(At {
            value: tokens.clone(),
            place: value.place,
        }),
        _ => {
            wanted.wrong("a path without quotes", value, errors);
            None
        }
    }
}

/// Stores a value, or reports that it was given before.
pub(crate) fn once<T>(
    slot: &mut Option<T>,
    name: &str,
    place: Place,
    value: Option<T>,
    errors: &mut Errors,
) {
    if slot.is_some() {
        errors.push(
            place,
            format!("`{name}` is specified more than once"),
            "remove this one",
        );
    } else if value.is_some() {
        *slot = value;
    }
}

/// Reports an unknown key with the nearest known one and the list.
pub(crate) fn unknown_key(key: &At<String>, attribute: &str, known: &[&str], errors: &mut Errors) {
    errors.push(
        key.place,
        format!(
            "`#[{attribute}]` has no key `{}`{}",
            key.value,
            suggestion(&key.value, known)
        ),
        format!("its keys are {}", quoted(known, '`')),
    );
}

/// `; did you mean ..?` where something is near.
fn suggestion(word: &str, known: &[&str]) -> String {
    known
        .iter()
        .map(|candidate| {
            (
                strsim::jaro_winkler(&word.to_lowercase(), candidate),
                candidate,
            )
        })
        .filter(|(score, _)| *score > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or_else(String::new, |(_, candidate)| {
            format!("; did you mean `{candidate}`?")
        })
}

fn quoted(words: &[&str], quote: char) -> String {
    words
        .iter()
        .map(|word| format!("{quote}{word}{quote}"))
        .collect::<Vec<_>>()
        .join(", ")
}
