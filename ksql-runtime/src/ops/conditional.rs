//! `COALESCE`, `IFNULL`, `NULLIF`, `AS_VALUE`. A `CASE` is the `if` of the language, over [`super::logic::condition`].

use super::{Any, Scratch, compare};

/// `COALESCE(..)`, `IFNULL(a, b)`: the first that is no `NULL`.
#[inline]
pub fn coalesce<'a>(_scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let first = arguments.iter().find(|any| !any.is_null());
    Some(first.copied().unwrap_or(Any::Null))
}

/// `NULLIF(a, b)`: `NULL` where both are equal, as Java's `equals`: decimals of different scale are not.
pub fn nullif<'a>(_scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let [value, other] = arguments else {
        return None;
    };
    Some(if compare::same(*value, *other) {
        Any::Null
    } else {
        *value
    })
}

/// `AS_VALUE(x)`: a copy of a key column for the value.
#[inline]
pub fn as_value<'a>(_scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    match arguments {
        [value] => Some(*value),
        _ => None,
    }
}
