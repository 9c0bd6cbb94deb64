//! `TRANSFORM`, `FILTER` and `REDUCE`: functions of each element of an array or of each entry of a map.
//!
//! A closure that fails for one of them fails the whole, as does a condition that is `NULL`. Maps are walked in the order of their
//! keys' bytes; in ksqlDB their order is unspecified, so that only what does not go by it is the same there.

use super::{Any, List, Map, Scratch, cast};

/// The items of an array; what comes of another value is its own result.
fn items<'a>(scratch: &'a Scratch, of: Any<'a>) -> Result<&'a [Any<'a>], Any<'a>> {
    match of {
        Any::List(list) => Ok(list.items(scratch)),
        Any::Null => Err(Any::Null),
        _ => Err(Any::Failed),
    }
}

/// The same of a map.
fn entries<'a>(scratch: &'a Scratch, of: Any<'a>) -> Result<&'a [(&'a str, Any<'a>)], Any<'a>> {
    match of {
        Any::Map(map) => Ok(map.entries(scratch)),
        Any::Null => Err(Any::Null),
        _ => Err(Any::Failed),
    }
}

fn holds(any: Any<'_>) -> Option<bool> {
    match any {
        Any::Boolean(value) => Some(value),
        _ => None,
    }
}

/// `TRANSFORM(array, x => ..)`
pub fn transform<'a>(
    scratch: &'a Scratch,
    of: Any<'a>,
    each: impl Fn(Any<'a>) -> Any<'a>,
) -> Any<'a> {
    let items = match items(scratch, of) {
        Ok(items) => items,
        Err(other) => return other,
    };
    let mut made = Vec::with_capacity(items.len());
    for item in items {
        match each(*item) {
            Any::Failed => return Any::Failed,
            value => made.push(value),
        }
    }
    Any::List(List::new(scratch.list(&made)))
}

/// `TRANSFORM(map, (k, v) => .., (k, v) => ..)`: a value that is `NULL` and a key that comes twice fail.
pub fn transform_map<'a>(
    scratch: &'a Scratch,
    of: Any<'a>,
    key: impl Fn(Any<'a>, Any<'a>) -> Any<'a>,
    value: impl Fn(Any<'a>, Any<'a>) -> Any<'a>,
) -> Any<'a> {
    let entries = match entries(scratch, of) {
        Ok(entries) => entries,
        Err(other) => return other,
    };
    let mut made: Vec<(&'a str, Any<'a>)> = Vec::with_capacity(entries.len());
    for (of_key, of_value) in entries {
        let (key, value) = (
            key(Any::String(of_key), *of_value),
            value(Any::String(of_key), *of_value),
        );
        if matches!(key, Any::Failed | Any::Null) || matches!(value, Any::Failed | Any::Null) {
            return Any::Failed;
        }
        made.push((cast::text(scratch, key), value));
    }
    made.sort_by_key(|(key, _)| *key);
    let twice = made
        .iter()
        .zip(made.iter().skip(1))
        .any(|((one, _), (next, _))| one == next);
    if twice {
        return Any::Failed;
    }
    Any::Map(Map::new(scratch.list(&made)))
}

/// `FILTER(array, x => ..)`
pub fn filter<'a>(scratch: &'a Scratch, of: Any<'a>, each: impl Fn(Any<'a>) -> Any<'a>) -> Any<'a> {
    let items = match items(scratch, of) {
        Ok(items) => items,
        Err(other) => return other,
    };
    let mut kept = Vec::with_capacity(items.len());
    for item in items {
        match holds(each(*item)) {
            Some(true) => kept.push(*item),
            Some(false) => {}
            None => return Any::Failed,
        }
    }
    Any::List(List::new(scratch.list(&kept)))
}

/// `FILTER(map, (k, v) => ..)`: one that keeps a value that is `NULL` fails.
pub fn filter_map<'a>(
    scratch: &'a Scratch,
    of: Any<'a>,
    each: impl Fn(Any<'a>, Any<'a>) -> Any<'a>,
) -> Any<'a> {
    let entries = match entries(scratch, of) {
        Ok(entries) => entries,
        Err(other) => return other,
    };
    let mut kept = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        match holds(each(Any::String(key), *value)) {
            Some(true) if value.is_null() => return Any::Failed,
            Some(true) => kept.push((*key, *value)),
            Some(false) => {}
            None => return Any::Failed,
        }
    }
    Any::Map(Map::new(scratch.list(&kept)))
}

/// What a reduction is that does not run: without a start `NULL`, without a collection its start.
fn begun<'a>(of: Any<'a>, start: Any<'a>) -> Option<Any<'a>> {
    match (of, start) {
        (Any::Failed, _) | (_, Any::Failed) => Some(Any::Failed),
        (_, Any::Null) => Some(Any::Null),
        (Any::Null, start) => Some(start),
        _ => None,
    }
}

/// `REDUCE(array, start, (s, x) => ..)`
pub fn reduce<'a>(
    scratch: &'a Scratch,
    of: Any<'a>,
    start: Any<'a>,
    each: impl Fn(Any<'a>, Any<'a>) -> Any<'a>,
) -> Any<'a> {
    if let Some(result) = begun(of, start) {
        return result;
    }
    let items = match items(scratch, of) {
        Ok(items) => items,
        Err(other) => return other,
    };
    let mut state = start;
    for item in items {
        state = each(state, *item);
        if matches!(state, Any::Failed | Any::Null) {
            return Any::Failed;
        }
    }
    state
}

/// `REDUCE(map, start, (s, k, v) => ..)`
pub fn reduce_map<'a>(
    scratch: &'a Scratch,
    of: Any<'a>,
    start: Any<'a>,
    each: impl Fn(Any<'a>, Any<'a>, Any<'a>) -> Any<'a>,
) -> Any<'a> {
    if let Some(result) = begun(of, start) {
        return result;
    }
    let entries = match entries(scratch, of) {
        Ok(entries) => entries,
        Err(other) => return other,
    };
    let mut state = start;
    for (key, value) in entries {
        state = each(state, Any::String(key), *value);
        if matches!(state, Any::Failed | Any::Null) {
            return Any::Failed;
        }
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::arith;

    fn list<'a>(items: &'a [Any<'a>]) -> Any<'a> {
        Any::List(List::new(items))
    }

    fn map<'a>(entries: &'a [(&'a str, Any<'a>)]) -> Any<'a> {
        Any::Map(Map::new(entries))
    }

    fn twice(any: Any<'_>) -> Any<'_> {
        arith::mul::<Result<Option<i32>, super::super::Failed>, _, _>(any, 2)
            .map_or(Any::Failed, |made| made.map_or(Any::Null, Any::Integer))
    }

    fn shown(any: Any<'_>) -> String {
        format!("{any:?}")
    }

    #[test]
    fn each_element_is_made_anew_and_one_failure_is_all() {
        let scratch = Scratch::new();
        let items = [Any::Integer(1), Any::Integer(2)];
        assert_eq!(
            shown(transform(&scratch, list(&items), twice)),
            "List([Integer(2), Integer(4)])"
        );
        assert_eq!(
            shown(transform(&scratch, list(&[]), |_| Any::Failed)),
            "List([])"
        );
        assert_eq!(
            shown(transform(&scratch, list(&items), |_| Any::Null)),
            "List([Null, Null])"
        );
        assert_eq!(
            shown(transform(&scratch, list(&items), |_| Any::Failed)),
            "Failed"
        );
        assert_eq!(shown(transform(&scratch, Any::Null, twice)), "Null");
        assert_eq!(shown(transform(&scratch, Any::Failed, twice)), "Failed");
    }

    #[test]
    fn a_map_is_made_of_other_keys_and_values_that_are_there() {
        let scratch = Scratch::new();
        let entries = [("a", Any::Integer(1)), ("b", Any::Integer(2))];
        let same = |key, _| key;
        assert_eq!(
            shown(transform_map(&scratch, map(&entries), same, |_, value| {
                twice(value)
            })),
            "Map({\"a\": Integer(2), \"b\": Integer(4)})"
        );
        let one_key = |_, _| Any::String("k");
        assert_eq!(
            shown(transform_map(&scratch, map(&entries), one_key, |_, v| v)),
            "Failed"
        );
        let none = |_, _| Any::Null;
        assert_eq!(
            shown(transform_map(&scratch, map(&entries), same, none)),
            "Failed"
        );
        assert_eq!(
            shown(transform_map(&scratch, Any::Null, same, none)),
            "Null"
        );
    }

    #[test]
    fn a_filter_keeps_what_its_condition_says_and_needs_one_for_each() {
        let scratch = Scratch::new();
        let items = [Any::Integer(1), Any::Null];
        let there = |any: Any<'_>| Any::Boolean(!any.is_null());
        assert_eq!(
            shown(filter(&scratch, list(&items), there)),
            "List([Integer(1)])"
        );
        assert_eq!(
            shown(filter(&scratch, list(&items), |_| Any::Null)),
            "Failed"
        );
        let entries = [("a", Any::Integer(1)), ("b", Any::Null)];
        let kept = filter_map(&scratch, map(&entries), |_, value| there(value));
        assert_eq!(shown(kept), "Map({\"a\": Integer(1)})");
        let all = filter_map(&scratch, map(&entries), |_, _| Any::Boolean(true));
        assert_eq!(shown(all), "Failed", "a value that is NULL is kept");
    }

    #[test]
    fn a_reduction_goes_on_from_its_start() {
        let scratch = Scratch::new();
        let items = [Any::String("b"), Any::String("a")];
        let last = |_, item| item;
        assert_eq!(
            shown(reduce(&scratch, list(&items), Any::String("-"), last)),
            "String(\"a\")"
        );
        assert_eq!(
            shown(reduce(&scratch, Any::Null, Any::String("-"), last)),
            "String(\"-\")"
        );
        assert_eq!(
            shown(reduce(&scratch, list(&items), Any::Null, last)),
            "Null"
        );
        assert_eq!(
            shown(reduce(&scratch, list(&items), Any::String("-"), |_, _| {
                Any::Null
            })),
            "Failed"
        );
        let entries = [("b", Any::Integer(2)), ("a", Any::Integer(1))];
        assert_eq!(
            shown(reduce_map(
                &scratch,
                map(&entries),
                Any::String("-"),
                |_, key, _| key
            )),
            "String(\"b\")"
        );
    }
}
