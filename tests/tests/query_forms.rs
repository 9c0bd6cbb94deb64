//! Arrays, maps and structs that a query makes, functions of each element, rows made of elements: the text and the value of each.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop"
)]

mod queries_common;

use std::collections::{BTreeMap, HashMap};

use ksql_runtime::prelude::*;
use queries_common::{aggregated, between, exploded, projected};

#[derive(Debug, Clone, PartialEq, Struct)]
pub struct Point {
    pub x: i64,
    pub label: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Struct)]
pub struct Line {
    pub from: Point,
    pub to: Option<Point>,
}

#[derive(Debug, Clone, PartialEq, Struct)]
pub struct Labelled {
    pub label: Option<String>,
    pub x: String,
    pub more: Option<i64>,
}

/// An entry of a map as ksqlDB makes it.
#[derive(Debug, Clone, PartialEq, Struct)]
pub struct Total {
    pub k: String,
    pub v: i64,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("orders")]
pub struct Order {
    #[key]
    pub id: i32,
    pub name: String,
    pub size: i64,
    pub tag: Option<String>,
    #[decimal_precision(9, 2)]
    pub price: Decimal,
    pub sizes: Vec<i64>,
    pub maybes: Vec<Option<i32>>,
    pub tags: Option<Vec<String>>,
    pub totals: BTreeMap<String, i64>,
    pub open: HashMap<String, Option<i32>>,
    pub points: Vec<Point>,
    pub end: Option<Point>,
    pub nested: Vec<Vec<i64>>,
    pub raw: Vec<u8>,
}

fn point(x: i64, label: Option<&str>) -> Point {
    Point {
        x,
        label: label.map(str::to_owned),
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn map<V: Clone>(entries: &[(&str, V)]) -> BTreeMap<String, V> {
    let entries = entries.iter().cloned();
    entries
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

fn order() -> Order {
    Order {
        id: 7,
        name: "bolt".into(),
        size: 3,
        tag: None,
        price: Decimal::new(250, 2),
        sizes: vec![5, 1, 4],
        maybes: vec![Some(2), None],
        tags: Some(texts(&["a", "bb"])),
        totals: map(&[("a", 1), ("b", 20)]),
        open: [("x".to_owned(), Some(1)), ("y".to_owned(), None)].into(),
        points: vec![point(1, Some("one")), point(2, None)],
        end: Some(point(9, None)),
        nested: vec![vec![1, 2], vec![], vec![3]],
        raw: b"hi".to_vec(),
    }
}

/// A query per expression: `ORDER` to one field.
macro_rules! expressions {
    ($($query:ident $entity:ident $topic:literal $ty:ty: |$row:ident| $rust:expr => $ksql:literal, $value:expr;)*) => {$(
        #[derive(Debug, Clone, PartialEq, Entity)]
        #[topic($topic)]
        pub struct $entity {
            #[key]
            pub id: i32,
            pub value: $ty,
        }

        #[query]
        fn $query(orders: Stream<Order>) -> Stream<$entity> {
            orders.map(|$row| $entity { id: $row.id, value: $rust })
        }
    )*

        #[test]
        fn each_expression_has_its_text_and_its_value() {
            $(
                let text = between($query::KSQL[0], " AS `ID`, ", " AS `VALUE` FROM");
                assert_eq!(text, $ksql, "{}", stringify!($rust));
                let made = projected(&$query(), &order()).unwrap();
                assert_eq!(made.value, $value, "{}", stringify!($rust));
            )*
        }
    };
}

expressions! {
    c01 C01 "c01" Vec<i64>: |o| [o.size, 1] => "ARRAY[`SIZE`, CAST(1 AS BIGINT)]", [3, 1];
    c02 C02 "c02" Vec<i64>: |o| vec![o.id as i64, o.size] => "ARRAY[CAST(`ID` AS BIGINT), `SIZE`]", [7, 3];
    c03 C03 "c03" Vec<i64>: |o| [o.id, o.size] => "ARRAY[CAST(`ID` AS BIGINT), `SIZE`]", [7, 3];
    c04 C04 "c04" Vec<Option<String>>: |o| [Some(o.name), o.tag, None] => "ARRAY[`NAME`, `TAG`, CAST(NULL AS STRING)]", [Some("bolt".to_owned()), None, None];
    c05 C05 "c05" Vec<Vec<i32>>: |o| [[o.id], [1, 2]] => "ARRAY[ARRAY[`ID`], ARRAY[1, 2]]", [vec![7], vec![1, 2]];
    c06 C06 "c06" Vec<i64>: |_o| [1, 2] => "CAST(ARRAY[1, 2] AS ARRAY<BIGINT>)", [1, 2];
    c07 C07 "c07" BTreeMap<String, i64>: |o| HashMap::from([("size", o.size), (o.name, 1)]) => "MAP('size' := `SIZE`, `NAME` := CAST(1 AS BIGINT))", map(&[("size", 3), ("bolt", 1)]);
    c08 C08 "c08" BTreeMap<String, Option<i32>>: |o| BTreeMap::from([("id", Some(o.id)), ("none", None)]) => "MAP('id' := `ID`, 'none' := CAST(NULL AS INTEGER))", map(&[("id", Some(7)), ("none", None)]);
    c09 C09 "c09" Point: |o| Point { label: o.tag, x: o.size } => "STRUCT(`X` := `SIZE`, `LABEL` := `TAG`)", point(3, None);
    c10 C10 "c10" Line: |o| Line { from: Point { x: o.id as i64, label: Some(o.name) }, to: None } => "STRUCT(`FROM` := STRUCT(`X` := CAST(`ID` AS BIGINT), `LABEL` := `NAME`), `TO` := CAST(NULL AS STRUCT<`X` BIGINT, `LABEL` STRING>))", Line { from: point(7, Some("bolt")), to: None };
    c11 C11 "c11" Point: |o| Point { x: o.id, label: None } => "STRUCT(`X` := CAST(`ID` AS BIGINT), `LABEL` := CAST(NULL AS STRING))", point(7, None);
    c12 C12 "c12" Vec<Point>: |o| [Point { x: 1, label: None }, o.points[0].unwrap_or(Point { x: o.size, label: None })] => "ARRAY[STRUCT(`X` := CAST(1 AS BIGINT), `LABEL` := CAST(NULL AS STRING)), COALESCE(`POINTS`[1], STRUCT(`X` := `SIZE`, `LABEL` := CAST(NULL AS STRING)))]", [point(1, None), point(1, Some("one"))];
    c13 C13 "c13" Option<i64>: |o| [o.size, 9i64].array_max() => "ARRAY_MAX(ARRAY[`SIZE`, CAST(9 AS BIGINT)])", Some(9);
    c14 C14 "c14" Vec<String>: |o| o.tags.unwrap_or(["none"]) => "COALESCE(`TAGS`, ARRAY['none'])", ["a", "bb"];
    c15 C15 "c15" bool: |o| o.sizes == [5i64, 1i64, 4i64] => "(`SIZES` = ARRAY[CAST(5 AS BIGINT), CAST(1 AS BIGINT), CAST(4 AS BIGINT)])", true;
    c16 C16 "c16" bool: |o| o.points[0] == (Point { label: Some("one"), x: 1 }) => "(`POINTS`[1] = STRUCT(`X` := CAST(1 AS BIGINT), `LABEL` := 'one'))", true;
    c17 C17 "c17" Vec<Option<i32>>: |o| [Some(o.id), o.name.parse::<i32>(), o.id / 0] => "ARRAY[`ID`, CAST(`NAME` AS INTEGER), (`ID` / 0)]", [Some(7), None, None];
    c18 C18 "c18" bool: |o| o.totals == HashMap::from([("a", 1i64), ("b", 20i64)]) => "(`TOTALS` = MAP('a' := CAST(1 AS BIGINT), 'b' := CAST(20 AS BIGINT)))", true;
    c19 C19 "c19" Option<i64>: |o| Point { x: o.size, label: None }.x => "STRUCT(`X` := `SIZE`, `LABEL` := CAST(NULL AS STRING))->`X`", Some(3);

    c20 C20 "c20" bool: |o| o.end == (Point { x: 9, label: None }) => "(`END` = STRUCT(`X` := CAST(9 AS BIGINT), `LABEL` := CAST(NULL AS STRING)))", true;
    c21 C21 "c21" bool: |o| o.end.is_distinct_from(o.points.last()) => "(`END` IS DISTINCT FROM `POINTS`[-1])", true;
    c22 C22 "c22" bool: |o| [Point { x: 9, label: None }].contains(&o.end) => "(`END` IN (STRUCT(`X` := CAST(9 AS BIGINT), `LABEL` := CAST(NULL AS STRING))))", true;

    k01 K01 "k01" Vec<Option<i32>>: |o| o.tags.unwrap_or(["1"]) as Vec<i32> => "CAST(COALESCE(`TAGS`, ARRAY['1']) AS ARRAY<INTEGER>)", [None, None];
    k02 K02 "k02" Vec<String>: |o| o.sizes as Vec<String> => "CAST(`SIZES` AS ARRAY<STRING>)", texts(&["5", "1", "4"]);
    k03 K03 "k03" BTreeMap<String, Dec<20, 1>>: |o| o.totals as HashMap<String, Decimal<20, 1>> => "CAST(`TOTALS` AS MAP<STRING, DECIMAL(20, 1)>)", map(&[("a", "1.0".parse().unwrap()), ("b", "20.0".parse().unwrap())]);
    k04 K04 "k04" Option<Vec<u8>>: |_o| "aGk=".parse::<Vec<u8>>() => "CAST('aGk=' AS BYTES)", Some(b"hi".to_vec());
    k05 K05 "k05" Vec<Vec<Option<i32>>>: |o| o.nested as Vec<Vec<Option<i32>>> => "CAST(`NESTED` AS ARRAY<ARRAY<INTEGER>>)", [vec![Some(1), Some(2)], vec![], vec![Some(3)]];
    k06 K06 "k06" Option<Labelled>: |o| o.end as Labelled => "CAST(`END` AS STRUCT<`LABEL` STRING, `X` STRING, `MORE` BIGINT>)", Some(Labelled { label: None, x: "9".into(), more: None });
    k07 K07 "k07" Option<Point>: |_o| None as Point => "CAST(NULL AS STRUCT<`X` BIGINT, `LABEL` STRING>)", None;
    k08 K08 "k08" Vec<Labelled>: |o| o.points as Vec<Labelled> => "CAST(`POINTS` AS ARRAY<STRUCT<`LABEL` STRING, `X` STRING, `MORE` BIGINT>>)", [Labelled { label: Some("one".into()), x: "1".into(), more: None }, Labelled { label: None, x: "2".into(), more: None }];

    f01 F01 "f01" Vec<i64>: |o| o.sizes.array_concat([o.size]) => "ARRAY_CONCAT(`SIZES`, ARRAY[`SIZE`])", [5, 1, 4, 3];
    f02 F02 "f02" Vec<i64>: |o| o.sizes.union([1i64, 9i64]) => "ARRAY_UNION(`SIZES`, ARRAY[CAST(1 AS BIGINT), CAST(9 AS BIGINT)])", [5, 1, 4, 9];
    f03 F03 "f03" Vec<i64>: |o| o.sizes.intersect([1i64, 9i64]) => "ARRAY_INTERSECT(`SIZES`, ARRAY[CAST(1 AS BIGINT), CAST(9 AS BIGINT)])", [1];
    f04 F04 "f04" Vec<i64>: |o| o.sizes.except([1i64, 9i64]) => "ARRAY_EXCEPT(`SIZES`, ARRAY[CAST(1 AS BIGINT), CAST(9 AS BIGINT)])", [5, 4];
    f05 F05 "f05" Vec<i64>: |o| o.sizes.remove(1) => "ARRAY_REMOVE(`SIZES`, CAST(1 AS BIGINT))", [5, 4];
    f06 F06 "f06" Vec<i64>: |o| o.sizes.array_sort("DESC") => "ARRAY_SORT(`SIZES`, 'DESC')", [5, 4, 1];
    f07 F07 "f07" Vec<Option<i32>>: |o| o.maybes.sort() => "ARRAY_SORT(`MAYBES`)", [Some(2), None];
    f08 F08 "f08" BTreeMap<String, i64>: |o| o.totals.map_union(HashMap::from([("b", o.size), ("c", 1)])) => "MAP_UNION(`TOTALS`, MAP('b' := `SIZE`, 'c' := CAST(1 AS BIGINT)))", map(&[("a", 1), ("b", 3), ("c", 1)]);
    f09 F09 "f09" Vec<Total>: |o| o.totals.entries(true) => "ENTRIES(`TOTALS`, true)", [Total { k: "a".into(), v: 1 }, Total { k: "b".into(), v: 20 }];
    f10 F10 "f10" Option<Vec<i32>>: |o| o.id.generate_series(10) => "GENERATE_SERIES(`ID`, 10)", Some(vec![7, 8, 9, 10]);
    f11 F11 "f11" Option<Vec<i64>>: |o| o.size.generate_series(-2, -2) => "GENERATE_SERIES(`SIZE`, CAST(-2 AS BIGINT), -2)", Some(vec![3, 1, -1]);
    f12 F12 "f12" Option<Vec<i32>>: |o| o.id.generate_series(10, -1) => "GENERATE_SERIES(`ID`, 10, -1)", None;
    f13 F13 "f13" Vec<u8>: |o| o.raw.concat(o.raw, None) => "CONCAT(`RAW`, `RAW`, NULL)", b"hihi";
    f14 F14 "f14" Vec<u8>: |o| o.raw.substring(2) => "SUBSTRING(`RAW`, 2)", b"i";
    f15 F15 "f15" Option<Vec<u8>>: |o| o.raw.pad_start(4, o.raw) => "LPAD(`RAW`, 4, `RAW`)", Some(b"hihi".to_vec());
    f16 F16 "f16" Vec<Vec<u8>>: |o| o.raw.concat(o.raw).split(o.raw.substring(1, 1)) => "SPLIT(CONCAT(`RAW`, `RAW`), SUBSTRING(`RAW`, 1, 1))", [b"".to_vec(), b"i".to_vec(), b"i".to_vec()];
    f17 F17 "f17" Option<String>: |o| o.name.encode("utf8", "hex") => "ENCODE(`NAME`, 'utf8', 'hex')", Some("626f6c74".to_owned());
    f18 F18 "f18" String: |o| o.name.md5() => "MD5(`NAME`)", "a6fe881cecd3fb7660083aea35cce430";
    f19 F19 "f19" Option<String>: |o| 2.elt(o.tag, o.name) => "ELT(2, `TAG`, `NAME`)", Some("bolt".to_owned());
    f20 F20 "f20" i32: |o| o.name.field("nut", "bolt") => "FIELD(`NAME`, 'nut', 'bolt')", 2;
    f21 F21 "f21" Option<String>: |o| (o.id + 68).chr() => "CHR((`ID` + 68))", Some("K".to_owned());
    f22 F22 "f22" Option<i32>: |o| o.raw.concat(o.raw).int_from_bytes("LITTLE_ENDIAN") => "INT_FROM_BYTES(CONCAT(`RAW`, `RAW`), 'LITTLE_ENDIAN')", Some(i32::from_le_bytes(*b"hihi"));
    f23 F23 "f23" f64: |o| o.size.atan2(4) => "ATAN2(CAST(`SIZE` AS DOUBLE), CAST(4 AS DOUBLE))", 3_f64.atan2(4.0);
    f24 F24 "f24" f64: |o| o.price.sin() => "SIN(`PRICE`)", 2.5_f64.sin();
    f25 F25 "f25" NaiveDate: |o| o.id.from_days() => "FROM_DAYS(`ID`)", NaiveDate::from_ymd_opt(1970, 1, 8).unwrap();
    f26 F26 "f26" i32: |o| o.id.from_days().unix_date() => "UNIX_DATE(FROM_DAYS(`ID`))", 7;

    t01 T01 "t01" Vec<i64>: |o| o.sizes.transform(|x| x * 2) => "TRANSFORM(`SIZES`, `X` => (`X` * 2))", [10, 2, 8];
    t02 T02 "t02" Vec<i64>: |o| o.sizes.map(|size| size + o.size) => "TRANSFORM(`SIZES`, `SIZE_ELEMENT` => (`SIZE_ELEMENT` + `SIZE`))", [8, 4, 7];
    t03 T03 "t03" Option<Vec<String>>: |o| o.tags.transform(|t| t.to_uppercase()) => "TRANSFORM(`TAGS`, `T` => UCASE(`T`))", Some(texts(&["A", "BB"]));
    t04 T04 "t04" Option<Vec<Option<i32>>>: |o| o.maybes.transform(|x| x + 1) => "TRANSFORM(`MAYBES`, `X` => (`X` + 1))", None;
    t05 T05 "t05" Vec<i32>: |o| o.maybes.transform(|x| x.unwrap_or(0) + 1) => "TRANSFORM(`MAYBES`, `X` => (COALESCE(`X`, 0) + 1))", [3, 1];
    t06 T06 "t06" Vec<Option<i32>>: |o| o.maybes.transform(|x| x) => "TRANSFORM(`MAYBES`, `X` => `X`)", [Some(2), None];
    t07 T07 "t07" Vec<Vec<i64>>: |o| o.nested.map(|x| x.map(|y| y * o.size)) => "TRANSFORM(`NESTED`, `X` => TRANSFORM(`X`, `Y` => (`Y` * `SIZE`)))", [vec![3, 6], vec![], vec![9]];
    t08 T08 "t08" Vec<Vec<i64>>: |o| o.nested.map(|x| x.map(|x| x + 1)) => "TRANSFORM(`NESTED`, `X` => TRANSFORM(`X`, `X_1` => (`X_1` + 1)))", [vec![2, 3], vec![], vec![4]];
    t09 T09 "t09" Vec<Option<String>>: |o| o.points.transform(|p| p.label) => "TRANSFORM(`POINTS`, `P` => `P`->`LABEL`)", [Some("one".to_owned()), None];
    t10 T10 "t10" Vec<Point>: |o| o.sizes.transform(|x| Point { x, label: Some(o.name) }) => "TRANSFORM(`SIZES`, `X` => STRUCT(`X` := `X`, `LABEL` := `NAME`))", [5, 1, 4].map(|x| point(x, Some("bolt")));
    t11 T11 "t11" Option<BTreeMap<String, i64>>: |o| o.totals.transform(|k, v| (k.to_uppercase(), v + 1)) => "TRANSFORM(`TOTALS`, (`K`, `V`) => UCASE(`K`), (`K`, `V`) => (`V` + 1))", Some(map(&[("A", 2), ("B", 21)]));
    t12 T12 "t12" Option<BTreeMap<String, i64>>: |o| o.totals.map(|(_, v)| ("k", v)) => "TRANSFORM(`TOTALS`, (`V0`, `V`) => 'k', (`V0`, `V`) => `V`)", None;
    t13 T13 "t13" Option<BTreeMap<String, i64>>: |o| o.totals.transform(|k, _v| k, |_k, v| -v) => "TRANSFORM(`TOTALS`, (`K`, `_V`) => `K`, (`_K`, `V`) => (-`V`))", Some(map(&[("a", -1), ("b", -20)]));
    t14 T14 "t14" Vec<i64>: |o| o.sizes.filter(|x| x > 1 && x < o.id) => "FILTER(`SIZES`, `X` => ((`X` > 1) AND (`X` < `ID`)))", [5, 4];
    t15 T15 "t15" Vec<Option<i32>>: |o| o.maybes.filter(|x| x.is_some()) => "FILTER(`MAYBES`, `X` => (`X` IS NOT NULL))", [Some(2)];
    t16 T16 "t16" BTreeMap<String, i64>: |o| o.totals.filter(|k, v| k == "b" || v > 100) => "FILTER(`TOTALS`, (`K`, `V`) => ((`K` = 'b') OR (`V` > 100)))", map(&[("b", 20)]);
    t17 T17 "t17" Option<HashMap<String, i32>>: |o| o.open.filter(|_, v| v.is_none()) => "FILTER(`OPEN`, (`V0`, `V`) => (`V` IS NULL))", None;
    t18 T18 "t18" i64: |o| o.sizes.reduce(0i64, |s, x| s + x) => "REDUCE(`SIZES`, CAST(0 AS BIGINT), (`S`, `X`) => (`S` + `X`))", 10;
    t19 T19 "t19" i64: |o| o.totals.fold(o.size, |s, _, v| s * 2 + v) => "REDUCE(`TOTALS`, `SIZE`, (`S`, `V1`, `V`) => ((`S` * 2) + `V`))", 34;
    t20 T20 "t20" String: |o| o.tags.reduce("", |s, x| s.concat(x)) => "REDUCE(`TAGS`, '', (`S`, `X`) => CONCAT(`S`, `X`))", "abb";
    t21 T21 "t21" i32: |o| o.sizes.filter(|x| x > 1).len() => "ARRAY_LENGTH(FILTER(`SIZES`, `X` => (`X` > 1)))", 2;
    t22 T22 "t22" Vec<i64>: |o| o.sizes.filter(|x| o.nested.filter(|y| y.contains(x)).len() > 0) => "FILTER(`SIZES`, `X` => (ARRAY_LENGTH(FILTER(`NESTED`, `Y` => (ARRAY_CONTAINS(`Y`, `X`)))) > 0))", [1];
    t23 T23 "t23" Vec<Option<i32>>: |o| o.maybes.transform(|x| x + 1).unwrap_or([None, Some(o.id)]) => "COALESCE(TRANSFORM(`MAYBES`, `X` => (`X` + 1)), ARRAY[CAST(NULL AS INTEGER), `ID`])", [None, Some(7)];
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("larger")]
#[stream]
pub struct Larger {
    #[key]
    pub id: i32,
    pub sizes: Vec<i64>,
}

#[query]
fn larger(orders: Stream<Order>, least: i64) -> Stream<Larger> {
    orders
        .filter(|o| o.sizes.filter(|x| x >= least).len() > 0)
        .map(|o| Larger {
            id: o.id,
            sizes: o.sizes.transform(|x| x.max(least)),
        })
}

#[test]
fn a_closure_over_elements_knows_the_parameters() {
    assert_eq!(
        between(larger::KSQL[0], " AS `ID`, ", ";"),
        "TRANSFORM(`SIZES`, `X` => GREATEST(`X`, :least)) AS `SIZES` FROM `ORDER` \
         WHERE (ARRAY_LENGTH(FILTER(`SIZES`, `X` => (`X` >= :least))) > 0) EMIT CHANGES"
    );
    assert_eq!(projected(&larger(4), &order()).unwrap().sizes, [5, 4, 4]);
    assert_eq!(projected(&larger(6), &order()), None);
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("spans")]
#[table]
pub struct Span {
    #[key]
    pub name: String,
    pub ends: Vec<Option<i64>>,
    pub widest: Option<i64>,
    pub doubled: Option<Vec<i64>>,
    pub elements: i64,
}

#[query]
fn spans(orders: Stream<Order>) -> Table<Span> {
    orders.group_by(|o| o.name).aggregate(|g| Span {
        name: g.key(),
        ends: [g.min(|o| o.size), g.max(|o| o.size)],
        widest: g.max(|o| o.sizes.reduce(0i64, |s, x| s.max(x))),
        doubled: g.earliest_n(|o| o.size, 2).transform(|x| x * 2),
        elements: g.sum_list(|o| [o.size, 1]),
    })
}

#[test]
fn aggregates_are_elements_and_take_what_is_made_of_some() {
    assert_eq!(
        between(spans::KSQL[0], " AS `NAME`, ", " FROM"),
        "ARRAY[MIN(`SIZE`), MAX(`SIZE`)] AS `ENDS`, \
         MAX(REDUCE(`SIZES`, CAST(0 AS BIGINT), (`S`, `X`) => GREATEST(`S`, `X`))) AS `WIDEST`, \
         TRANSFORM(EARLIEST_BY_OFFSET(`SIZE`, 2), `X` => (`X` * 2)) AS `DOUBLED`, \
         SUM_LIST(ARRAY[`SIZE`, CAST(1 AS BIGINT)]) AS `ELEMENTS`"
    );
    let rows = [order(), Order { size: 9, ..order() }];
    let window = ksql_runtime::entity::Window { start: 0, end: 0 };
    assert_eq!(
        aggregated(&spans(), &rows, window),
        [Span {
            name: "bolt".into(),
            ends: vec![Some(3), Some(9)],
            widest: Some(5),
            doubled: Some(vec![6, 18]),
            elements: 14,
        }]
    );
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("tagged")]
#[stream]
pub struct Tagged {
    #[key]
    pub id: i32,
    pub tag: String,
    pub name: String,
}

#[query]
fn tagged(orders: Stream<Order>) -> Stream<Tagged> {
    orders.filter(|o| o.size > 0).map(|o| Tagged {
        id: o.id,
        tag: o.tags.explode().to_uppercase(),
        name: o.name,
    })
}

#[test]
fn a_row_becomes_one_for_each_element() {
    assert_eq!(
        between(tagged::KSQL[0], " AS `ID`, ", ";"),
        "UCASE(EXPLODE(`TAGS`)) AS `TAG`, `NAME` AS `NAME` FROM `ORDER` WHERE (`SIZE` > 0) EMIT CHANGES"
    );
    let row = |tag: &str| Tagged {
        id: 7,
        tag: tag.into(),
        name: "bolt".into(),
    };
    assert_eq!(exploded(&tagged(), &order()), [row("A"), row("BB")]);
    for none in [None, Some(Vec::new())] {
        let without = Order {
            tags: none,
            ..order()
        };
        assert_eq!(exploded(&tagged(), &without), []);
    }
    assert_eq!(exploded(&tagged(), &Order { size: 0, ..order() }), []);
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("pairs")]
#[stream]
pub struct Pair {
    #[key]
    pub name: String,
    pub size: Option<i64>,
    pub tag: Option<String>,
    pub again: Option<i64>,
}

#[query]
fn pairs(orders: Stream<Order>) -> Stream<Pair> {
    orders
        .map(|o| Pair {
            name: o.name,
            size: o.sizes.explode(),
            tag: o.tags.filter(|t| t != "a").explode(),
            again: o.sizes.explode() * 2,
        })
        .filter(|p| p.name != "nut")
        .partition_by(|p| p.name)
}

#[test]
fn the_longest_array_says_how_many_rows_there_are() {
    assert_eq!(
        between(pairs::KSQL[0], " AS `NAME`, ", ";"),
        "EXPLODE(`SIZES`) AS `SIZE`, EXPLODE(FILTER(`TAGS`, `T` => (`T` <> 'a'))) AS `TAG`, \
         (EXPLODE(`SIZES`) * 2) AS `AGAIN` FROM `ORDER` WHERE (`NAME` <> 'nut') PARTITION BY `NAME` EMIT CHANGES"
    );
    let row = |size, tag: Option<&str>| Pair {
        name: "bolt".into(),
        size: Some(size),
        tag: tag.map(str::to_owned),
        again: Some(2 * size),
    };
    assert_eq!(
        exploded(&pairs(), &order()),
        [row(5, Some("bb")), row(1, None), row(4, None)]
    );
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("cubes")]
#[stream]
pub struct Cube {
    #[key]
    pub id: i32,
    pub of: Vec<Option<String>>,
    pub size: Option<i64>,
}

#[query]
fn cubes(orders: Stream<Order>) -> Stream<Cube> {
    orders.map(|o| Cube {
        id: o.id,
        of: [Some(o.name), o.tag, Some("x")]
            .cube_explode()
            .unwrap_or([None, Some("")]),
        size: o.sizes.explode(),
    })
}

#[test]
fn a_cube_is_every_choice_of_what_is_there() {
    assert_eq!(
        between(cubes::KSQL[0], " AS `ID`, ", " AS `OF`"),
        "COALESCE(CUBE_EXPLODE(ARRAY[`NAME`, `TAG`, 'x']), ARRAY[CAST(NULL AS STRING), ''])"
    );
    let made = exploded(&cubes(), &order());
    let of = |name: Option<&str>, x: Option<&str>| {
        vec![name.map(str::to_owned), None, x.map(str::to_owned)]
    };
    let rows: Vec<_> = made.iter().map(|row| row.of.clone()).collect();
    assert_eq!(
        rows,
        [
            of(None, None),
            of(None, Some("x")),
            of(Some("bolt"), None),
            of(Some("bolt"), Some("x")),
        ]
    );
    let sizes: Vec<_> = made.iter().map(|row| row.size).collect();
    assert_eq!(sizes, [Some(5), Some(1), Some(4), None]);
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("recent")]
#[stream]
pub struct Recent {
    #[key]
    pub id: i32,
    pub at: i64,
}

#[query]
fn recent(orders: Stream<Order>) -> Stream<Recent> {
    orders
        .filter(|o| {
            o.rowtime() >= "1970-01-01T00:00:01"
                && ("1970".."2999-12-31T00:00+0100").contains(&o.rowtime())
                && ("1970-01-01"..="2999").contains(&o.rowtime())
        })
        .map(|o| Recent {
            id: o.id,
            at: o.rowtime(),
        })
}

#[query]
fn old(orders: Stream<Order>) -> Stream<Recent> {
    orders
        .filter(|o| "1970-01-01T00:00:01" > o.rowtime())
        .map(|o| Recent {
            id: o.id,
            at: o.rowtime(),
        })
}

#[test]
fn a_text_beside_the_timestamp_of_a_row_is_a_moment_in_a_condition() {
    assert_eq!(
        between(recent::KSQL[0], " WHERE ", " EMIT"),
        "(((ROWTIME >= '1970-01-01T00:00:01') AND ((ROWTIME >= '1970') AND (ROWTIME < '2999-12-31T00:00+0100'))) \
         AND (ROWTIME BETWEEN '1970-01-01' AND '2999'))"
    );
    let made = projected(&recent(), &order());
    assert_eq!(made, Some(Recent { id: 7, at: 1_000 }));
    assert_eq!(
        between(old::KSQL[0], " WHERE ", " EMIT"),
        "('1970-01-01T00:00:01' > ROWTIME)"
    );
    assert_eq!(projected(&old(), &order()), None);
}

#[test]
fn what_is_explained_tells_closures_and_exploded_rows_as_they_are_written() {
    let told = pairs.explain().to_string();
    for line in [
        "o.tags.filter(|t| t != \"a\").explode()",
        "EXPLODE(FILTER(`TAGS`, `T` => (`T` <> 'a'))) AS `TAG`",
    ] {
        assert!(told.contains(line), "{line} in {told}");
    }
    let told = spans.explain().to_string();
    for line in [
        "[g.min(|o| o.size), g.max(|o| o.size)]",
        "MAX(REDUCE(`SIZES`, CAST(0 AS BIGINT), (`S`, `X`) => GREATEST(`S`, `X`)))",
    ] {
        assert!(told.contains(line), "{line} in {told}");
    }
}
