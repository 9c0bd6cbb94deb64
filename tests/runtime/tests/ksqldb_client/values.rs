//! Values of every type and in the forms of every version, and what is none of its type.

use std::collections::BTreeMap;

use super::common::{Stock, client};
use ksql_runtime::ksqldb::{Select, SqlType, SqlValue};
use ksql_runtime::prelude::*;
use ksql_runtime_tests::http_server::{End, Play, TestServer};
#[derive(Debug, Clone, PartialEq, Struct)]
pub(crate) struct Inner {
    pub(crate) x: Option<i32>,
    pub(crate) money: Option<Dec<18, 4>>,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("every")]
#[stream]
pub(crate) struct Every {
    #[key]
    pub(crate) id: i64,
    #[key]
    pub(crate) code: Uuid,
    pub(crate) flag: bool,
    pub(crate) small: i16,
    pub(crate) long: Option<i64>,
    pub(crate) single: f32,
    pub(crate) double: f64,
    pub(crate) wide: Dec<38, 10>,
    pub(crate) raw: Vec<u8>,
    #[timestamp]
    pub(crate) at: DateTime<Utc>,
    pub(crate) day: NaiveDate,
    pub(crate) time: NaiveTime,
    #[datetime_format("yyyy-MM-dd HH:mm:ss")]
    pub(crate) told: DateTime<Utc>,
    pub(crate) list: Vec<Option<i32>>,
    pub(crate) map: BTreeMap<String, Dec<9, 2>>,
    pub(crate) inner: Inner,
    pub(crate) inners: Option<Vec<Option<Inner>>>,
}

#[tokio::test]
async fn every_type_is_read_exactly() {
    let header = r#"[{"header":{"queryId":"q","schema":"`CODE` STRING, `ID` BIGINT, `EXTRA` DOUBLE, `FLAG` BOOLEAN, `SMALL` INTEGER, `LONG` BIGINT, `SINGLE` DOUBLE, `DOUBLE` DOUBLE, `WIDE` DECIMAL(38, 10), `RAW` BYTES, `AT` TIMESTAMP, `DAY` DATE, `TIME` TIME, `TOLD` STRING, `LIST` ARRAY<INTEGER>, `MAP` MAP<STRING, DECIMAL(9, 2)>, `INNER` STRUCT<`X` INTEGER, `MONEY` DECIMAL(18, 4)>, `INNERS` ARRAY<STRUCT<`X` INTEGER, `MONEY` DECIMAL(18, 4)>>"}},"#;
    let row = r#"{"row":{"columns":["00000000-0000-0000-0000-000000000005",-9223372036854775808,1.0,true,-32768,9223372036854775807,0.5,"-Infinity",-1234567890123456789012345678.0123456789,"AP8Q","1969-12-31T23:59:59.999","1900-01-01","23:59:59","2026-03-01 10:00:00",[1,null,3],{"k":1.50,"a":-0.01},{"X":1,"MONEY":1.5},[null,{"X":null,"MONEY":-1.0E-4}]]}}]"#;
    let server = TestServer::start(move |_| Play::stream(&[header, row], End::Complete));
    let rows = client(&server)
        .pull(&Select::<Every>::all())
        .await
        .expect("the rows");
    let dec = |text: &str| text.parse::<Dec<18, 4>>().expect("a decimal");
    let expected = Every {
        id: i64::MIN,
        code: Uuid::from_u128(5),
        flag: true,
        small: i16::MIN,
        long: Some(i64::MAX),
        single: 0.5,
        double: f64::NEG_INFINITY,
        wide: "-1234567890123456789012345678.0123456789"
            .parse()
            .expect("a decimal"),
        raw: vec![0, 0xff, 0x10],
        at: DateTime::from_timestamp_millis(-1).expect("a time"),
        day: NaiveDate::from_ymd_opt(1900, 1, 1).expect("a day"),
        time: NaiveTime::from_hms_opt(23, 59, 59).expect("a time"),
        told: "2026-03-01T10:00:00Z".parse().expect("a time"),
        list: vec![Some(1), None, Some(3)],
        map: BTreeMap::from([
            ("k".to_owned(), "1.50".parse().expect("a decimal")),
            ("a".to_owned(), "-0.01".parse().expect("a decimal")),
        ]),
        inner: Inner {
            x: Some(1),
            money: Some(dec("1.5")),
        },
        inners: Some(vec![
            None,
            Some(Inner {
                x: None,
                money: Some(dec("-0.0001")),
            }),
        ]),
    };
    assert_eq!(rows, [expected]);
}

fn read(ty: &str, json: &str) -> Result<SqlValue, String> {
    let ty = SqlType::parse(ty).expect("a type");
    let json = serde_json::value::RawValue::from_string(json.to_owned()).expect("JSON");
    SqlValue::read(&ty, &json).map_err(|error| error.to_string())
}

#[test]
fn values_are_read_in_the_forms_of_every_version() {
    let millis = 1_772_359_200_123;
    for text in [
        "1772359200123",
        r#""2026-03-01T10:00:00.123""#,
        r#""2026-03-01T10:00:00.123Z""#,
        r#""2026-03-01T11:00:00.123+01:00""#,
    ] {
        assert_eq!(
            read("TIMESTAMP", text),
            Ok(SqlValue::Timestamp(millis)),
            "{text}"
        );
    }
    assert_eq!(
        read("TIMESTAMP", r#""2026-03-01T10:00""#),
        Ok(SqlValue::Timestamp(millis - 123))
    );
    for text in [r#""1970-01-02""#, "1"] {
        assert_eq!(read("DATE", text), Ok(SqlValue::Date(1)), "{text}");
    }
    for text in [r#""00:01""#, r#""00:01:00""#, r#""00:01:00.000""#, "60000"] {
        assert_eq!(read("TIME", text), Ok(SqlValue::Time(60_000)), "{text}");
    }
    let decimal = |unscaled| Ok(SqlValue::Decimal { unscaled, scale: 4 });
    for text in ["1.5", "1.5000", "15E-1", "0.15E1", r#""1.5""#] {
        assert_eq!(read("DECIMAL(18, 4)", text), decimal(15_000), "{text}");
    }
    for text in ["0", "0.0000", "-0", "0E30"] {
        assert_eq!(read("DECIMAL(18, 4)", text), decimal(0), "{text}");
    }
    assert!(matches!(read("DOUBLE", r#""NaN""#), Ok(SqlValue::Double(number)) if number.is_nan()));
    assert_eq!(read("DOUBLE", "1.0E300"), Ok(SqlValue::Double(1.0e300)));
    assert_eq!(
        read("STRING", r#""a\"\u00e9\ud83d\ude00""#),
        Ok(SqlValue::String("a\"é😀".to_owned()))
    );
}

#[test]
fn what_is_no_value_of_its_type_is_refused_with_its_text() {
    for (ty, json) in [
        ("INTEGER", "2147483648"),
        ("INTEGER", "1.0"),
        ("INTEGER", r#""1""#),
        ("BIGINT", "9223372036854775808"),
        ("BOOLEAN", "0"),
        ("DOUBLE", r#""inf""#),
        ("DOUBLE", r#""""#),
        ("STRING", "1"),
        ("BYTES", r#""not base64!""#),
        ("DECIMAL(4, 2)", "100.00"),
        ("DECIMAL(4, 2)", "1.005"),
        ("DECIMAL(4, 2)", r#""one""#),
        ("TIMESTAMP", r#""yesterday""#),
        ("DATE", r#""2026-02-30""#),
        ("TIME", r#""25:00""#),
        ("TIME", "86400000"),
        ("ARRAY<INTEGER>", "{}"),
        ("MAP<STRING, INTEGER>", "[]"),
        ("STRUCT<`A` INTEGER>", "[]"),
    ] {
        let error = read(ty, json).expect_err(json);
        assert_eq!(error, format!("`{json}` is no {ty}"));
    }
    assert_eq!(
        read(
            "ARRAY<STRUCT<`A` MAP<STRING, INTEGER>>>",
            r#"[{"A":{"k":true}}]"#
        )
        .expect_err("no number"),
        "field `A.k`: `true` is no INTEGER"
    );
}

#[test]
fn a_decimal_that_went_through_a_double_is_taken_only_while_no_digit_can_be_lost() {
    let in_struct = |text: &str| read("STRUCT<`V` DECIMAL(18, 4)>", &format!("{{\"V\":{text}}}"));
    // 99999999999.9999 is the largest of 15 digits.
    for text in [
        "1.5",
        "-1.0E-4",
        "9.99999999999999E10",
        "99999999999.9999",
        "0.0",
    ] {
        in_struct(text).expect(text);
    }
    for text in ["1.2345678901234568E13", "1.0E11", "-100000000000.0000"] {
        let error = in_struct(text).expect_err(text);
        assert!(
            error.starts_with(&format!(
                "field `V`: `{text}` was a DECIMAL(18, 4) inside a STRUCT"
            )),
            "{error}"
        );
        assert!(
            error.ends_with("read the topic, or select the field itself"),
            "{error}"
        );
    }
    // As a column, in an array, in a map it is exact.
    read("DECIMAL(38, 2)", "123456789012345678901234567890.12").expect("a column");
    read(
        "MAP<STRING, DECIMAL(18, 4)>",
        r#"{"k":12345678901234.5600}"#,
    )
    .expect("in a map");
    read("ARRAY<DECIMAL(18, 4)>", "[12345678901234.5600]").expect("in an array");
    read(
        "ARRAY<STRUCT<`V` DECIMAL(18, 4)>>",
        r#"[{"V":12345678901234.5600}]"#,
    )
    .expect_err("in a struct in an array");
}

#[tokio::test]
async fn columns_that_do_not_fit_are_told_before_any_row() {
    for (schema, told) in [
        (
            "`ITEM` STRING KEY",
            "column `QTY` is missing: add it to the source, or take the field away",
        ),
        (
            "`ITEM` STRING KEY, `QTY` BIGINT",
            "column `QTY` is BIGINT and the field `qty` holds INTEGER",
        ),
        (
            "`ITEM` INTEGER KEY, `QTY` INTEGER",
            "column `ITEM` is INTEGER and the field `item` holds STRING",
        ),
    ] {
        let header = format!("[{{\"header\":{{\"queryId\":\"q\",\"schema\":\"{schema}\"}}}}]");
        let server = TestServer::start(move |_| Play::stream(&[&header], End::Complete));
        let error = client(&server)
            .pull(&Select::<Stock>::all())
            .await
            .expect_err("other columns");
        assert_eq!(
            error.to_string(),
            format!("`STOCK` cannot be read as `Stock`: {told}")
        );
    }
}

#[tokio::test]
async fn a_null_in_a_field_that_is_no_option_names_the_field() {
    #[derive(Debug, Clone, PartialEq, Entity)]
    #[topic("stock")]
    #[table]
    #[entity(name = "Stock")]
    struct Strict {
        #[key]
        item: String,
        qty: i32,
    }
    let server = TestServer::start(|_| super::pull::pulled(r#"{"row":{"columns":["nut",null]}}"#));
    let select = Select::<Strict>::from_source("STOCK");
    let error = client(&server).pull(&select).await.expect_err("a null");
    assert_eq!(
        error.to_string(),
        "a row of `STOCK` cannot be read as `Strict`: field `qty`: it is NULL: ksqlDB has no NOT NULL, so make the field an `Option`"
    );
}
