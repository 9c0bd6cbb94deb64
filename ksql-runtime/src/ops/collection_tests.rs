//! Tables of functions of lists and maps; columns go through their encoded and their owned form.

use std::collections::{BTreeMap, HashMap};

use super::*;
use crate::codec::{HashMapRef, ListRef, MapRef, Reader, Value};
use crate::ops::{Failed, Function, Operand, call};

fn show(any: Any<'_>) -> String {
    match any {
        Any::List(list) => format!("{list:?}"),
        Any::Map(map) => format!("{map:?}"),
        any => format!("{any:?}"),
    }
}

fn run(function: Function, arguments: &[Any<'_>]) -> String {
    let scratch = Scratch::new();
    match call::<Result<Any<'_>, Failed>>(&scratch, function, arguments) {
        Err(Failed) => "failed".into(),
        Ok(any) => show(any),
    }
}

fn n(value: i32) -> Any<'static> {
    Any::Integer(value)
}

fn l<'a>(items: &'a [Any<'a>]) -> Any<'a> {
    Any::List(List::new(items))
}

const NULL: Any<'static> = Any::Null;

#[test]
fn elements_count_from_one_and_from_the_end() {
    let items = [n(10), NULL, n(30)];
    for (index, found) in [
        (1, "Integer(10)"),
        (3, "Integer(30)"),
        (-1, "Integer(30)"),
        (-3, "Integer(10)"),
        (0, "Null"),
        (4, "Null"),
        (-4, "Null"),
        (2, "Null"),
    ] {
        assert_eq!(run(element, &[l(&items), n(index)]), found, "{index}");
    }
    assert_eq!(run(element, &[NULL, n(1)]), "Null");
    let entries = [("k", n(1)), ("a", n(2)), ("k", n(3))];
    let map = Any::Map(Map::new(&entries));
    assert_eq!(
        run(entry, &[map, Any::String("k")]),
        "Integer(3)",
        "the last of equal keys"
    );
    assert_eq!(run(entry, &[map, Any::String("x")]), "Null");
    assert_eq!(run(map_keys, &[map]), r#"[String("a"), String("k")]"#);
    assert_eq!(run(map_values, &[map]), "[Integer(2), Integer(3)]");
}

#[test]
fn extremes_skip_nulls_and_search_finds_them() {
    let items = [n(3), NULL, n(9)];
    assert_eq!(run(array_max, &[l(&items)]), "Integer(9)");
    assert_eq!(run(array_min, &[l(&items)]), "Integer(3)");
    assert_eq!(run(array_max, &[l(&[NULL])]), "Null");
    assert_eq!(run(array_contains, &[l(&items), NULL]), "Boolean(true)");
    assert_eq!(run(array_contains, &[l(&items), n(4)]), "Boolean(false)");
    assert_eq!(run(array_contains, &[NULL, n(4)]), "Boolean(false)");
    assert_eq!(run(array_length, &[l(&items)]), "Integer(3)");
}

#[test]
fn sets_keep_first_occurrences_in_order() {
    let (one, two) = ([n(0), n(0), n(1), n(-1)], [n(1), n(-2), n(0)]);
    assert_eq!(
        run(array_distinct, &[l(&one)]),
        "[Integer(0), Integer(1), Integer(-1)]"
    );
    assert_eq!(
        run(array_union, &[l(&one), l(&two)]),
        "[Integer(0), Integer(1), Integer(-1), Integer(-2)]"
    );
    assert_eq!(run(array_except, &[l(&one), l(&two)]), "[Integer(-1)]");
    assert_eq!(
        run(array_intersect, &[l(&one), l(&two)]),
        "[Integer(0), Integer(1)]"
    );
    assert_eq!(run(array_union, &[l(&one), NULL]), "Null");
    assert_eq!(
        run(array_concat, &[NULL, l(&two)]),
        "[Integer(1), Integer(-2), Integer(0)]"
    );
    assert_eq!(
        run(array_remove, &[l(&one), n(0)]),
        "[Integer(1), Integer(-1)]"
    );
    assert_eq!(
        run(array_sort, &[l(&[n(2), NULL, n(1)])]),
        "[Integer(1), Integer(2), Null]"
    );
    assert_eq!(
        run(array_sort, &[l(&[n(2), NULL, n(3)]), Any::String("desc")]),
        "[Integer(3), Integer(2), Null]"
    );
}

#[test]
fn joins_and_slices() {
    let items = [Any::Boolean(true), NULL, Any::Double(0.0)];
    assert_eq!(run(array_join, &[l(&items)]), r#"String("true,null,0.0")"#);
    assert_eq!(
        run(array_join, &[l(&items), NULL]),
        r#"String("truenull0.0")"#
    );
    let items = [n(1), n(2), n(3), n(4)];
    assert_eq!(
        run(slice, &[l(&items), n(2), n(3)]),
        "[Integer(2), Integer(3)]"
    );
    assert_eq!(run(slice, &[l(&items), n(3), n(9)]), "Null");
    assert_eq!(run(slice, &[l(&items), n(0), n(2)]), "Null");
    let keys = [Any::String("b"), Any::String("a")];
    assert_eq!(
        run(as_map, &[l(&keys), l(&items)]),
        r#"{"a": Integer(2), "b": Integer(1)}"#
    );
}

#[test]
fn failed_elements_are_null_in_their_place() {
    let scratch = Scratch::new();
    assert_eq!(
        show(array(&scratch, &[n(44), Any::Failed])),
        "[Integer(44), Null]"
    );
    assert_eq!(
        show(map(
            &scratch,
            &[(Any::String("boo"), Any::Failed), (NULL, n(3))]
        )),
        r#"{"boo": Null, "null": Integer(3)}"#
    );
}

#[test]
fn columns_of_lists_and_maps_are_operands_in_both_forms() {
    let scratch = Scratch::new();
    let list = vec![Some(vec!["x".to_owned()]), None];
    let mut bytes = Vec::new();
    list.encode(&mut bytes).unwrap_or_default();
    let encoded = Vec::<Option<Vec<String>>>::decode_ref(&mut Reader::new(&bytes));
    let owned = show(Value::as_ref(&list).any());
    assert_eq!(owned, r#"[List([String("x")]), Null]"#);
    assert_eq!(encoded.map(|encoded| show(encoded.any())).ok(), Some(owned));
    let map: BTreeMap<String, i32> = [("b".to_owned(), 1), ("a".to_owned(), 2)].into();
    let hashed: HashMap<String, i32> = map.clone().into_iter().collect();
    assert_eq!(
        show(Value::as_ref(&map).any()),
        show(Value::as_ref(&hashed).any())
    );
    // What a function made becomes a column, and is read as one.
    let items = [n(1), NULL];
    let column: Option<ListRef<'_, Option<i64>>> = call(&scratch, array_distinct, &[l(&items)]);
    assert_eq!(
        column.map(|column| column.iter().collect::<Vec<_>>()),
        Some(vec![Some(1), None])
    );
    let refused: Option<ListRef<'_, i64>> = call(&scratch, array_distinct, &[l(&items)]);
    assert!(
        refused.is_none(),
        "an element that is no `Option` is never null"
    );
    let values = [n(1), n(2)];
    let keys = [Any::String("b"), Any::String("a")];
    let column: Option<MapRef<'_, i32>> = call(&scratch, as_map, &[l(&keys), l(&values)]);
    assert_eq!(column.and_then(|column| column.get("a")), Some(2));
    let column: Option<HashMapRef<'_, i32, std::hash::RandomState>> =
        call(&scratch, as_map, &[l(&keys), l(&values)]);
    assert_eq!(column.and_then(|column| column.get("b")), Some(1));
}
