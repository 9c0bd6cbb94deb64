//! What a plan does with hostile schemas and bodies, and what it says about what does not fit.

#![allow(missing_docs)]

use std::collections::BTreeMap;

use ksql_runtime::codec::resolve::{Part, Plan};
use ksql_runtime::prelude::*;

#[derive(Debug, Clone, PartialEq, Struct)]
pub struct Place {
    pub street: String,
    pub zip: Option<i32>,
}

#[derive(Debug, Clone, PartialEq, Entity)]
#[topic("notes")]
pub struct Note {
    #[key]
    pub id: i64,
    pub v: Option<i64>,
}

fn record(fields: &str) -> String {
    format!(r#"{{"type":"record","name":"Foreign","namespace":"w","fields":[{fields}]}}"#)
}

fn plan<T: Entity>(schema: &str) -> Plan {
    Plan::build(schema, T::MODEL, Part::Value).expect("a plan")
}

fn refusal<T: Entity>(schema: &str, part: Part) -> String {
    Plan::build(schema, T::MODEL, part)
        .expect_err("no plan")
        .to_string()
}

/// An Avro long.
fn long(value: i64) -> Vec<u8> {
    let mut out = Vec::new();
    ksql_runtime::codec::write::long(value, &mut out);
    out
}

#[test]
fn items_without_bytes_are_stepped_over_however_many_there_are() {
    let schema =
        record(r#"{"name":"v","type":"long"},{"name":"x","type":{"type":"array","items":"null"}}"#);
    let mut body = long(7);
    body.extend(long(1 << 60));
    body.extend(long(0));
    let mut out = Vec::new();
    plan::<Note>(&schema)
        .transcode(&body, &mut out)
        .expect("it can be read");
    assert_eq!(
        Note::decode(1_i64.into(), &out).expect("decodes").v,
        Some(7)
    );
}

#[test]
fn items_without_bytes_never_become_items() {
    #[derive(Debug, Clone, PartialEq, Entity)]
    #[topic("lists")]
    struct List {
        #[key]
        id: i64,
        v: Vec<Option<i64>>,
    }
    let text = refusal::<List>(
        &record(r#"{"name":"v","type":{"type":"array","items":"null"}}"#),
        Part::Value,
    );
    assert!(text.contains("field `v.[]`"), "{text}");
}

#[test]
fn a_block_of_a_stated_size_is_stepped_over() {
    let schema = record(
        r#"{"name":"x","type":{"type":"array","items":"string"}},{"name":"v","type":"long"}"#,
    );
    let mut body = long(-2);
    body.extend(long(4));
    body.extend([2, b'a', 2, b'b']);
    body.extend(long(0));
    body.extend(long(7));
    let mut out = Vec::new();
    plan::<Note>(&schema)
        .transcode(&body, &mut out)
        .expect("it can be read");
    assert_eq!(out, [2, 14]);
}

#[test]
fn a_schema_of_many_empty_records_costs_nothing() {
    // Each record holds the one before twice: stepping through all of them would never end.
    let mut fields = String::from(
        r#"{"name":"v","type":"long"},{"name":"r0","type":{"type":"record","name":"R0","fields":[]}}"#,
    );
    for level in 1..60 {
        let below = level - 1;
        fields.push_str(&format!(
            r#",{{"name":"r{level}","type":{{"type":"record","name":"R{level}","fields":[{{"name":"a","type":"R{below}"}},{{"name":"b","type":"R{below}"}}]}}}}"#
        ));
    }
    let mut out = Vec::new();
    plan::<Note>(&record(&fields))
        .transcode(&long(7), &mut out)
        .expect("it can be read");
    assert_eq!(out, [2, 14]);
}

#[test]
fn a_long_list_is_stepped_over_and_an_endless_one_refused() {
    let schema = record(
        r#"{"name":"v","type":"long"},{"name":"x","type":{"type":"record","name":"Node","fields":[{"name":"next","type":["null","Node"]}]}}"#,
    );
    let body = |nodes: usize| {
        let mut body = long(7);
        body.extend(vec![2; nodes]);
        body.push(0);
        body
    };
    let plan = plan::<Note>(&schema);
    let mut out = Vec::new();
    plan.transcode(&body(100), &mut out)
        .expect("it can be read");
    let error = plan
        .transcode(&body(1_000_000), &mut out)
        .expect_err("too deep");
    assert!(error.to_string().contains("deeper"), "{error}");
}

#[test]
fn what_cannot_be_rewritten_leaves_nothing_behind() {
    let schema = record(r#"{"name":"v","type":"long"},{"name":"x","type":"string"}"#);
    let mut out = vec![1, 2, 3];
    plan::<Note>(&schema)
        .transcode(&[14], &mut out)
        .expect_err("the string is missing");
    assert_eq!(out, [1, 2, 3]);
}

#[test]
fn a_missing_key_column_is_found_when_the_plan_is_built() {
    #[derive(Debug, Clone, PartialEq, Entity)]
    #[topic("legs")]
    #[table]
    struct Leg {
        #[key]
        carrier: String,
        #[key]
        flight: i64,
        delay: i32,
    }
    let text = refusal::<Leg>(
        &record(r#"{"name":"CARRIER","type":["null","string"]}"#),
        Part::Key,
    );
    assert!(text.contains("field `flight`"), "{text}");
}

#[test]
fn a_field_missing_deep_inside_of_unions_is_named_by_its_whole_path() {
    #[derive(Debug, Clone, PartialEq, Entity)]
    #[topic("homes")]
    struct Home {
        #[key]
        id: i64,
        places: BTreeMap<String, Place>,
    }
    let place =
        r#"["null",{"type":"record","name":"P","fields":[{"name":"ZIP","type":["null","int"]}]}]"#;
    let schema = record(&format!(
        r#"{{"name":"PLACES","type":["null",{{"type":"map","values":{place}}}]}}"#
    ));
    let text = refusal::<Home>(&schema, Part::Value);
    assert!(text.contains("field `places.{}.street`"), "{text}");
}

#[test]
fn a_union_of_only_null_is_no_required_field() {
    #[derive(Debug, Clone, PartialEq, Entity)]
    #[topic("names")]
    struct Name {
        #[key]
        id: i64,
        v: String,
    }
    let text = refusal::<Name>(&record(r#"{"name":"v","type":["null"]}"#), Part::Value);
    assert!(
        text.contains("field `v`") && text.contains("null"),
        "{text}"
    );
}

#[test]
fn a_root_in_a_union_is_the_record_in_it() {
    let schema = format!(r#"["null",{}]"#, record(r#"{"name":"v","type":"long"}"#));
    let plan = plan::<Note>(&schema);
    let mut out = Vec::new();
    plan.transcode(&[2, 14], &mut out).expect("it can be read");
    assert_eq!(out, [2, 14]);
    plan.transcode(&[0], &mut out)
        .expect_err("a null is no value");
}
