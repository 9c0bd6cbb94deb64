//! Functions of lists and maps. Positions count from one; elements are compared as Java's `equals`.
//!
//! The order of a map's entries is unspecified in ksqlDB; here it is that of their keys' bytes.

use std::cmp::Ordering;

use ksql_schema::query::Sql;

use super::aggregate::java_order;
use super::compare::same;
use super::{Any, List, Map, Scratch, cast};

fn list<'a>(scratch: &'a Scratch, any: Any<'a>) -> Option<&'a [Any<'a>]> {
    any.list().map(|list| list.items(scratch))
}

fn made<'a>(scratch: &'a Scratch, items: &[Any<'a>]) -> Option<Any<'a>> {
    Some(Any::List(List::new(scratch.list(items))))
}

fn contains(items: &[Any<'_>], item: Any<'_>) -> bool {
    items.iter().any(|found| same(*found, item))
}

/// First occurrences only.
fn distinct<'a>(items: impl Iterator<Item = Any<'a>>) -> Vec<Any<'a>> {
    let mut found = Vec::new();
    for item in items {
        if !contains(&found, item) {
            found.push(item);
        }
    }
    found
}

/// `array[i]`: from one, negative from the end; 0 and out of range are `NULL`, and so is an index into `NULL`.
pub fn element<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let [array, index] = arguments else {
        return None;
    };
    if array.is_null() {
        return Some(Any::Null);
    }
    let (items, index) = (list(scratch, *array)?, index.bigint()?);
    let at = if index < 0 {
        items
            .len()
            .checked_sub(usize::try_from(index.unsigned_abs()).ok()?)
    } else {
        usize::try_from(index)
            .ok()
            .and_then(|index| index.checked_sub(1))
    };
    Some(
        at.and_then(|at| items.get(at))
            .copied()
            .unwrap_or(Any::Null),
    )
}

/// `map[key]`: a key that is not there is `NULL`.
pub fn entry<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let [map, key] = arguments else {
        return None;
    };
    if map.is_null() || key.is_null() {
        return Some(Any::Null);
    }
    let value = map.map()?.get(key.text(scratch)?, scratch);
    Some(value.unwrap_or(Any::Null))
}

/// `ARRAY[..]`: a failed element is `NULL` in its place.
pub fn array<'a>(scratch: &'a Scratch, items: &[Any<'a>]) -> Any<'a> {
    Any::List(List::new(
        scratch.collect(items.iter().map(|item| super::lenient(*item))),
    ))
}

/// `MAP(key := value, ..)`: of equal keys the last.
pub fn map<'a>(scratch: &'a Scratch, entries: &[(Any<'a>, Any<'a>)]) -> Any<'a> {
    Any::Map(Map::new(scratch.collect(entries.iter().map(
        |(key, value)| (cast::text(scratch, *key), super::lenient(*value)),
    ))))
}

/// `STRUCT(field := value, ..)`: a struct of a type, its fields in the type's order; one that is not given is `NULL`.
pub fn record<'a>(scratch: &'a Scratch, ty: Sql, fields: &[(&'a str, Any<'a>)]) -> Any<'a> {
    let Sql::Struct(record) = ty else {
        return Any::Failed;
    };
    let ordered = record.fields.iter().map(|wanted| {
        let found = fields.iter().find(|(name, _)| *name == wanted.sql_name);
        let value = found.map_or(Any::Null, |(_, value)| super::lenient(*value));
        (wanted.sql_name, value)
    });
    Any::Struct(scratch.collect(ordered))
}

/// `EXPLODE(a)`: its elements; none of `NULL`.
pub fn explode<'a>(scratch: &'a Scratch, array: Any<'a>) -> &'a [Any<'a>] {
    list(scratch, array).unwrap_or(&[])
}

/// The most columns `CUBE_EXPLODE` takes: the rows double with each.
const MOST_CUBED: usize = 20;

/// `CUBE_EXPLODE(a)`: an array for each choice of its elements, `NULL` in the place of those not chosen; what is `NULL` already is no
/// choice. The first row has none, the last all. More than 20 elements make none.
pub fn cube_explode<'a>(scratch: &'a Scratch, array: Any<'a>) -> &'a [Any<'a>] {
    let Some(items) = list(scratch, array).filter(|items| items.len() <= MOST_CUBED) else {
        return &[];
    };
    // The first element is the highest bit.
    let chosen = |row: u32, at: usize| row >> (items.len() - 1 - at) & 1 == 1;
    let rows = (0..1_u32 << items.len()).filter(|row| {
        let mut elements = items.iter().enumerate();
        elements.all(|(at, item)| !(item.is_null() && chosen(*row, at)))
    });
    scratch.collect(rows.map(|row| {
        let elements = items.iter().enumerate();
        let row = elements.map(|(at, item)| if chosen(row, at) { *item } else { Any::Null });
        Any::List(List::new(scratch.collect(row)))
    }))
}

/// `ARRAY_LENGTH(a)`, also of a map.
pub fn array_length<'a>(_scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let length = match arguments {
        [Any::List(list)] => list.len(),
        _ => return None,
    };
    Some(Any::Integer(i32::try_from(length).ok()?))
}

fn extreme<'a>(scratch: &'a Scratch, arguments: &[Any<'a>], better: Ordering) -> Option<Any<'a>> {
    let [array] = arguments else {
        return None;
    };
    let present = list(scratch, *array)?.iter().filter(|item| !item.is_null());
    let best = present.copied().reduce(|best, item| {
        if java_order(item, best) == better {
            item
        } else {
            best
        }
    });
    Some(best.unwrap_or(Any::Null))
}

/// `ARRAY_MAX(a)`: `NULL` is passed over.
pub fn array_max<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    extreme(scratch, arguments, Ordering::Greater)
}

/// `ARRAY_MIN(a)`: `NULL` is passed over.
pub fn array_min<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    extreme(scratch, arguments, Ordering::Less)
}

/// `ARRAY_DISTINCT(a)`: first occurrences, in order.
pub fn array_distinct<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let [array] = arguments else {
        return None;
    };
    made(scratch, &distinct(list(scratch, *array)?.iter().copied()))
}

/// `ARRAY_CONTAINS(a, x)`: of `NULL` false; finds elements that are `NULL`.
pub fn array_contains<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    match arguments {
        [Any::Null, _] => Some(Any::Boolean(false)),
        [array, item] => Some(Any::Boolean(contains(list(scratch, *array)?, *item))),
        _ => None,
    }
}

/// `ARRAY_JOIN(a [, delimiter])`: `NULL` elements as `null`; a delimiter that is `NULL` is empty.
pub fn array_join<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let (array, delimiter) = match arguments {
        [array] => (array, ","),
        [array, Any::Null] => (array, ""),
        [array, delimiter] => (array, delimiter.text(scratch)?),
        _ => return None,
    };
    let items = list(scratch, *array)?;
    Some(Any::String(scratch.write(|out| {
        for (index, item) in items.iter().enumerate() {
            out.push_str(if index > 0 { delimiter } else { "" });
            let _ = cast::write_text(scratch, *item, out);
        }
    })))
}

/// `SLICE(a, from, to)`: both ends included; `NULL` where they are out of range.
pub fn slice<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let [array, from, to] = arguments else {
        return None;
    };
    let items = list(scratch, *array)?;
    // An end that is `NULL` is the array's own.
    let from = if from.is_null() { 1 } else { from.integer()? };
    let to = if to.is_null() {
        i32::try_from(items.len()).ok()?
    } else {
        to.integer()?
    };
    let start = usize::try_from(from)
        .ok()
        .and_then(|from| from.checked_sub(1));
    let range = start
        .zip(usize::try_from(to).ok())
        .and_then(|(start, end)| items.get(start..end));
    match range {
        Some(items) => made(scratch, items),
        None => Some(Any::Null),
    }
}

/// `ARRAY_CONCAT(a, b)`: one that is `NULL` is passed over.
pub fn array_concat<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    match arguments {
        [Any::Null, other] | [other, Any::Null] => Some(*other),
        [left, right] => made(
            scratch,
            &[list(scratch, *left)?, list(scratch, *right)?].concat(),
        ),
        _ => None,
    }
}

fn two<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<[&'a [Any<'a>]; 2]> {
    match arguments {
        [left, right] => Some([list(scratch, *left)?, list(scratch, *right)?]),
        _ => None,
    }
}

/// `ARRAY_UNION(a, b)`: distinct.
pub fn array_union<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let [left, right] = two(scratch, arguments)?;
    made(scratch, &distinct(left.iter().chain(right).copied()))
}

/// `ARRAY_EXCEPT(a, b)`: distinct ones of `a` that are not in `b`.
pub fn array_except<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let [left, right] = two(scratch, arguments)?;
    let kept = left.iter().copied().filter(|item| !contains(right, *item));
    made(scratch, &distinct(kept))
}

/// `ARRAY_INTERSECT(a, b)`: distinct ones of `a` that are in `b`.
pub fn array_intersect<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let [left, right] = two(scratch, arguments)?;
    let kept = left.iter().copied().filter(|item| contains(right, *item));
    made(scratch, &distinct(kept))
}

/// `ARRAY_REMOVE(a, x)`: all that equal `x`, which may be `NULL`.
pub fn array_remove<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let [array, item] = arguments else {
        return None;
    };
    let items = list(scratch, *array)?;
    let kept: Vec<_> = items
        .iter()
        .copied()
        .filter(|found| !same(*found, *item))
        .collect();
    made(scratch, &kept)
}

/// `ARRAY_SORT(a [, 'DESC'])`: `NULL` last either way.
pub fn array_sort<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let (array, descending) = match arguments {
        [array] => (array, false),
        [array, way] => match way.text(scratch)?.to_ascii_uppercase().as_str() {
            "ASC" | "ASCENDING" => (array, false),
            "DESC" | "DESCENDING" => (array, true),
            _ => return Some(Any::Null),
        },
        _ => return None,
    };
    let mut items = list(scratch, *array)?.to_vec();
    items.sort_by(|left, right| match (left.is_null(), right.is_null()) {
        (false, false) if descending => java_order(*right, *left),
        (false, false) => java_order(*left, *right),
        (left, right) => left.cmp(&right),
    });
    made(scratch, &items)
}

/// Elements that a series may have: what is larger would not fit into a record.
const MOST_GENERATED: i64 = 10_000_000;

/// `GENERATE_SERIES(from, to [, step])`: both ends included; a step of 0 or the wrong way fails.
pub fn generate_series<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let (from, to, step) = match arguments {
        [from, to] => (from, to, None),
        [from, to, step] => (from, to, Some(step.bigint()?)),
        _ => return None,
    };
    let make = |value: i64| match from {
        Any::Integer(_) => i32::try_from(value).map_or(Any::Null, Any::Integer),
        _ => Any::Bigint(value),
    };
    let (start, end) = (from.bigint()?, to.bigint()?);
    let distance = end.checked_sub(start)?;
    let step = step.unwrap_or(if distance > 0 { 1 } else { -1 });
    if step == 0 || (distance > 0 && step < 0) || (distance < 0 && step > 0) {
        return None;
    }
    let count = distance.checked_div(step)?.checked_add(1)?;
    if count > MOST_GENERATED {
        return None;
    }
    let values = (0..count).map(|at| make(start.wrapping_add(at.wrapping_mul(step))));
    Some(Any::List(List::new(scratch.collect(values))))
}

/// `MAP_UNION(a, b)`: of one key the second's value; one that is `NULL` is passed over.
pub fn map_union<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    match arguments {
        [Any::Null, other] | [other, Any::Null] => Some(*other),
        [one, two] => {
            let (one, two) = (one.map()?.entries(scratch), two.map()?.entries(scratch));
            let mut entries: std::collections::BTreeMap<&str, Any<'a>> =
                one.iter().copied().collect();
            entries.extend(two.iter().copied());
            Some(Any::Map(Map::new(scratch.collect(entries.into_iter()))))
        }
        _ => None,
    }
}

/// `ENTRIES(m, sorted)`: structs of `K` and `V`, by the keys where they are sorted; in no order otherwise, which is the same here.
pub fn entries<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let [map, Any::Boolean(_)] = arguments else {
        return None;
    };
    let mut entries = map.map()?.entries(scratch).to_vec();
    entries.sort_by(|(one, _), (two, _)| java_order(Any::String(one), Any::String(two)));
    let structs = entries.iter().map(|(key, value)| {
        let fields = [("K", Any::String(key)), ("V", *value)];
        Any::Struct(scratch.list(&fields))
    });
    let structs: Vec<Any<'a>> = structs.collect();
    made(scratch, &structs)
}

/// `MAP_KEYS(m)`.
pub fn map_keys<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let [map] = arguments else {
        return None;
    };
    let entries = map.map()?.entries(scratch).iter();
    Some(Any::List(List::new(
        scratch.collect(entries.map(|(key, _)| Any::String(key))),
    )))
}

/// `MAP_VALUES(m)`.
pub fn map_values<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let [map] = arguments else {
        return None;
    };
    let entries = map.map()?.entries(scratch).iter();
    Some(Any::List(List::new(
        scratch.collect(entries.map(|(_, value)| *value)),
    )))
}

/// `AS_MAP(keys, values)`: as many entries as the shorter has.
pub fn as_map<'a>(scratch: &'a Scratch, arguments: &[Any<'a>]) -> Option<Any<'a>> {
    let [keys, values] = two(scratch, arguments)?;
    let entries = keys.iter().zip(values);
    Some(Any::Map(Map::new(scratch.collect(
        entries.map(|(key, value)| (cast::text(scratch, *key), *value)),
    ))))
}

#[cfg(test)]
#[path = "collection_tests.rs"]
mod tests;
