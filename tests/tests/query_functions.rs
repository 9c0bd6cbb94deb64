//! Functions, structs, keys of streams: the text and the value of each.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop"
)]

mod queries_common;

use ksql_runtime::prelude::*;
use queries_common::{between, projected};

#[derive(Debug, Clone, PartialEq, Struct)]
pub struct Geo {
    pub lat: f64,
    pub zone: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Struct)]
pub struct Address {
    pub city: String,
    pub geo: Option<Geo>,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("people")]
pub struct Person {
    #[key]
    pub id: i32,
    pub name: String,
    pub home: Address,
    pub work: Option<Address>,
    pub team: i64,
    pub n: i32,
    pub x: f64,
    #[decimal_precision(9, 3)]
    pub d: Decimal,
    pub born: NaiveDate,
    pub woken: NaiveTime,
    pub at: DateTime<Utc>,
    pub raw: Vec<u8>,
    pub json: String,
    pub list: Vec<i32>,
    pub map: std::collections::BTreeMap<String, i32>,
    pub maybe: Option<i32>,
    pub ok: Option<bool>,
}

fn person() -> Person {
    Person {
        id: 1,
        name: " Ann B. ".into(),
        home: Address {
            city: "Bern".into(),
            geo: Some(Geo {
                lat: 46.9,
                zone: None,
            }),
        },
        work: None,
        team: 77,
        n: -7,
        x: 2.5,
        d: Decimal::new(12345, 3),
        born: NaiveDate::from_ymd_opt(2001, 2, 3).unwrap(),
        woken: NaiveTime::from_hms_opt(6, 30, 15).unwrap(),
        at: DateTime::from_timestamp_millis(1_700_000_000_123).unwrap(),
        raw: vec![0xca, 0xfe],
        json: "{\"a\":[1,\"two\"]}".into(),
        list: vec![3, 1, 3],
        map: [("k".to_owned(), 9)].into(),
        maybe: None,
        ok: Some(false),
    }
}

/// A query per expression: `PERSON` to one field.
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
        fn $query(people: Stream<Person>) -> Stream<$entity> {
            people.map(|$row| $entity { id: $row.id, value: $rust })
        }
    )*

        #[test]
        fn each_expression_has_its_text_and_its_value() {
            $(
                let text = between($query::KSQL[0], " AS `ID`, ", " AS `VALUE`");
                assert_eq!(text, $ksql, "{}", stringify!($rust));
                let made = projected(&$query(), &person()).unwrap();
                assert_eq!(made.value, $value, "{}", stringify!($rust));
            )*
        }
    };
}

expressions! {
    e01 E01 "e01" i32: |p| p.n.abs() => "ABS(`N`)", 7;
    e02 E02 "e02" String: |p| p.home.city => "`HOME`->`CITY`", "Bern";
    e03 E03 "e03" Option<f64>: |p| p.home.geo.lat => "`HOME`->`GEO`->`LAT`", Some(46.9);
    e04 E04 "e04" String: |p| p.work.city.unwrap_or("none") => "COALESCE(`WORK`->`CITY`, 'none')", "none";
    e05 E05 "e05" String: |p| p.name.trim().to_lowercase() => "LCASE(TRIM(`NAME`))", "ann b.";
    e06 E06 "e06" bool: |p| p.name.trim().starts_with("Ann") => "(INSTR(TRIM(`NAME`), 'Ann') = 1)", true;
    e07 E07 "e07" bool: |p| p.name.ends_with(" ") => "(SUBSTRING(`NAME`, (LEN(`NAME`) - LEN(' ')) + 1) = ' ')", true;
    e08 E08 "e08" bool: |p| p.name.contains("B") => "(INSTR(`NAME`, 'B') > 0)", true;
    e09 E09 "e09" bool: |p| p.list.contains(1) => "(ARRAY_CONTAINS(`LIST`, 1))", true;
    e10 E10 "e10" i32: |p| p.list.len() => "ARRAY_LENGTH(`LIST`)", 3;
    e11 E11 "e11" Option<i32>: |p| p.list[9] => "`LIST`[10]", None;
    e12 E12 "e12" Option<i32>: |p| p.map["k"] => "`MAP`['k']", Some(9);
    e13 E13 "e13" Option<i32>: |p| p.map.get(p.name) => "`MAP`[`NAME`]", None;
    e14 E14 "e14" i64: |p| p.x.round() => "ROUND(`X`)", 3;
    e15 E15 "e15" Dec<9, 3>: |p| p.d.round(1) => "ROUND(`D`, 1)", "12.300".parse().unwrap();
    e16 E16 "e16" Option<Dec<5, 1>>: |p| p.d as Decimal<5, 1> => "CAST(`D` AS DECIMAL(5, 1))", Some("12.3".parse().unwrap());
    e17 E17 "e17" f64: |p| p.x.pow(2) => "POWER(`X`, CAST(2 AS DOUBLE))", 6.25;
    e18 E18 "e18" i32: |p| p.born.month() => "CAST(FORMAT_TIMESTAMP(CAST(`BORN` AS TIMESTAMP), 'MM') AS INTEGER)", 2;
    e19 E19 "e19" i32: |p| p.woken.minute() => "CAST(FORMAT_TIME(`WOKEN`, 'mm') AS INTEGER)", 30;
    e20 E20 "e20" String: |p| p.at.format("HH:mm") => "FORMAT_TIMESTAMP(`AT`, 'HH:mm')", "22:13";
    e21 E21 "e21" DateTime<Utc>: |p| p.at.timestamp_add(Unit::Hours, 2) => "TIMESTAMPADD(HOURS, 2, `AT`)", DateTime::from_timestamp_millis(1_700_007_200_123).unwrap();
    e22 E22 "e22" NaiveDate: |p| p.born.date_sub(Unit::Days, 3) => "DATESUB(DAYS, 3, `BORN`)", NaiveDate::from_ymd_opt(2001, 1, 31).unwrap();
    e23 E23 "e23" i64: |p| p.at.unix_timestamp() => "UNIX_TIMESTAMP(`AT`)", 1_700_000_000_123;
    e24 E24 "e24" DateTime<Utc>: |p| p.team.from_unixtime() => "FROM_UNIXTIME(`TEAM`)", DateTime::from_timestamp_millis(77).unwrap();
    e25 E25 "e25" Option<i64>: |p| p.name.parse::<i64>() => "CAST(`NAME` AS BIGINT)", None;
    e26 E26 "e26" String: |p| p.x.to_string() => "CAST(`X` AS STRING)", "2.5";
    e27 E27 "e27" String: |p| p.raw.from_bytes("hex") => "FROM_BYTES(`RAW`, 'hex')", "CAFE";
    e28 E28 "e28" Option<String>: |p| p.json.extract_json_field("$.a[1]") => "EXTRACTJSONFIELD(`JSON`, '$.a[1]')", Some("two".to_owned());
    e29 E29 "e29" Option<String>: |p| p.name.regexp_extract("[A-Z]") => "REGEXP_EXTRACT('[A-Z]', `NAME`)", Some("A".to_owned());
    e30 E30 "e30" i32: |p| p.n.max(p.id, 5) => "GREATEST(`N`, `ID`, 5)", 5;
    e31 E31 "e31" bool: |p| p.name.like("%B!.%", '!') => "(`NAME` LIKE '%B!.%' ESCAPE '!')", true;
    e32 E32 "e32" bool: |p| p.maybe.is_distinct_from(3) => "(`MAYBE` IS DISTINCT FROM 3)", true;
    e33 E33 "e33" bool: |p| !(p.maybe == 3) => "(NOT (`MAYBE` = 3))", true;
    e34 E34 "e34" bool: |p| [1, 2].contains(&p.id) => "(`ID` IN (1, 2))", true;
    e35 E35 "e35" Option<i32>: |p| -p.n % 4 => "((-`N`) % 4)", Some(3);
    e36 E36 "e36" f64: |p| 1.5 * p.x - -1.0 => "((1.5E0 * `X`) - -1.0E0)", 4.75;
    e37 E37 "e37" i64: |p| p.team + 3_000_000_000 => "(`TEAM` + 3000000000)", 3_000_000_077;
    e38 E38 "e38" i64: |p| if p.ok.unwrap_or(true) { p.team } else { 0 } => "(CASE WHEN COALESCE(`OK`, true) THEN `TEAM` ELSE CAST(0 AS BIGINT) END)", 0;
    e39 E39 "e39" Option<i64>: |p| if p.ok { Some(p.team) } else { None } => "(CASE WHEN `OK` THEN `TEAM` ELSE CAST(NULL AS BIGINT) END)", None;
    e40 E40 "e40" i32: |p| { let twice = p.n * 2; twice * twice } => "((`N` * 2) * (`N` * 2))", 196;
    e41 E41 "e41" String: |p| match p.id { 0 => "zero", 1 | 2 => "few", 3..=9 => "some", i if i < 0 => "less", _ => "many" } => "(CASE WHEN (`ID` = 0) THEN 'zero' WHEN ((`ID` = 1) OR (`ID` = 2)) THEN 'few' WHEN (`ID` BETWEEN 3 AND 9) THEN 'some' WHEN (`ID` < 0) THEN 'less' ELSE 'many' END)", "few";
    e42 E42 "e42" i32: |p| if let Some(m) = p.maybe { m } else { -1 } => "(CASE WHEN (`MAYBE` IS NOT NULL) THEN `MAYBE` ELSE -1 END)", -1;
    e43 E43 "e43" Option<i32>: |p| p.n / p.id => "(`N` / `ID`)", Some(-7);
    e44 E44 "e44" Option<i32>: |p| p.n / (p.id - 1) => "(`N` / (`ID` - 1))", None;
    e45 E45 "e45" Option<bool>: |p| !(p.n / (p.id - 1) > 0) => "(NOT ((`N` / (`ID` - 1)) > 0))", None;
    e46 E46 "e46" f64: |p| (p.x as f64 / 2.0).sqrt().abs() => "ABS(SQRT((`X` / 2.0E0)))", 1.25_f64.sqrt();
    e47 E47 "e47" Vec<i32>: |p| p.list.distinct() => "ARRAY_DISTINCT(`LIST`)", [3, 1];
    e48 E48 "e48" String: |p| p.list.join("-") => "ARRAY_JOIN(`LIST`, '-')", "3-1-3";
    e49 E49 "e49" Vec<String>: |p| p.map.keys() => "MAP_KEYS(`MAP`)", ["k"];
    e50 E50 "e50" Dec<12, 3>: |p| p.d + dec!(1.50) => "CAST((`D` + 1.50) AS DECIMAL(12, 3))", "13.845".parse().unwrap();
    e51 E51 "e51" String: |p| "it's".replace("'", "\"") => "REPLACE('it''s', '''', '\"')", "it\"s";
    e52 E52 "e52" bool: |p| p.born < "2020-01-01" => "(`BORN` < '2020-01-01')", true;
    e53 E53 "e53" Address: |p| p.work.unwrap_or(p.home) => "COALESCE(`WORK`, `HOME`)", person().home;
    e54 E54 "e54" i64: |p| p.rowoffset() + p.rowpartition() => "(ROWOFFSET + ROWPARTITION)", 10;
    e55 E55 "e55" f64: |p| p.x.log(10) => "LOG(CAST(10 AS DOUBLE), `X`)", 2.5_f64.ln() / 10_f64.ln();
    e56 E56 "e56" i64: |p| p.n as i64 * 5i64 => "(CAST(`N` AS BIGINT) * CAST(5 AS BIGINT))", -35;
    e58 E58 "e58" f64: |p| p.x.log() => "LN(`X`)", 2.5_f64.ln();
    e59 E59 "e59" Option<i32>: |p| p.list.first() => "`LIST`[1]", Some(3);
    e60 E60 "e60" i32: |p| p.list.slice(1, 2).last().unwrap_or(0) => "COALESCE(SLICE(`LIST`, 1, 2)[-1], 0)", 1;
    e61 E61 "e61" String: |p| match p.n > 0 { true => "up", false => "down" } => "(CASE WHEN ((`N` > 0) = true) THEN 'up' ELSE 'down' END)", "down";
    e62 E62 "e62" String: |p| p.name.mask("A", "a", "9", "_") => "MASK(`NAME`, 'A', 'a', '9', '_')", "_Aaa_A__";
    e63 E63 "e63" bool: |p| p.at > "2023-11-14T22:13" && p.born < "2020" => "((`AT` > '2023-11-14T22:13') AND (`BORN` < '2020'))", true;
    e64 E64 "e64" String: |p| p.name.regexp_extract("[A-Z]").unwrap_or("none") => "COALESCE(REGEXP_EXTRACT('[A-Z]', `NAME`), 'none')", "A";
    e57 E57 "e57" bool: |p| p.name.is_empty() => "(LEN(`NAME`) = 0)", false;
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("by_team")]
pub struct ByTeam {
    #[key]
    pub team: i64,
    #[key]
    pub label: String,
    pub id: i32,
}

#[query]
fn by_team(people: Stream<Person>) -> Stream<ByTeam> {
    people
        .map(|p| ByTeam {
            id: p.id.as_value(),
            team: p.team,
            label: p.name.trim(),
        })
        .partition_by(|b| (b.team, b.label))
        .as_stream()
}

#[test]
fn a_stream_gets_another_key() {
    assert_eq!(
        between(by_team::KSQL[0], " AS SELECT ", ";"),
        "`TEAM` AS `TEAM`, TRIM(`NAME`) AS `LABEL`, AS_VALUE(`ID`) AS `ID` FROM `PERSON` PARTITION BY `TEAM`, TRIM(`NAME`) EMIT CHANGES"
    );
    assert!(by_team::KSQL[0].contains("KEY_FORMAT='AVRO'"));
    let made = projected(&by_team(), &person()).unwrap();
    assert_eq!(
        made,
        ByTeam {
            team: 77,
            label: "Ann B.".into(),
            id: 1
        }
    );
}
