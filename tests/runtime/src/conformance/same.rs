//! Whether what came out is what a case expects: numbers by value, doubles nearly, decimals with their scale, maps as sets.

use ksql_schema::model::Role;
use ksql_schema::{Entity, Type};
use serde_json::Value;

use super::cases::{Column, Record, Source};
use super::decode::Row;
use super::encode::of_role;

/// How far doubles may lie apart.
const NEAR: f64 = 0.000_001;

/// What is different between the records of a topic and those expected; their number and order count.
pub fn differences(
    model: &Entity<'_>,
    source: &Source,
    expected: &[&Record],
    found: &[Row],
) -> Vec<String> {
    let mut different = Vec::new();
    for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
        for what in record(model, source, expected, found) {
            different.push(format!("record {index} of `{}`: {what}", source.topic));
        }
    }
    if expected.len() != found.len() {
        let rows: Vec<String> = found.iter().map(Row::to_string).collect();
        different.push(format!(
            "`{}` has {} records, not {}:\n{}",
            source.topic,
            found.len(),
            expected.len(),
            rows.join("\n")
        ));
    }
    different
}

fn record(model: &Entity<'_>, source: &Source, expected: &Record, found: &Row) -> Vec<String> {
    let mut different = Vec::new();
    let keys: Vec<&Column> = source.columns.iter().filter(|column| column.key).collect();
    let values: Vec<&Column> = source.columns.iter().filter(|column| !column.key).collect();
    let wanted = match (&expected.key, keys.as_slice()) {
        (Value::Null, _) => None,
        (key, [_]) => Some(vec![key.clone()]),
        (key, keys) => Some(keys.iter().map(|column| named(key, &column.name)).collect()),
    };
    // A stream without key columns has none to be NULL.
    let key = found.key.clone().filter(|key| !key.is_empty());
    columns(
        model,
        Role::Key,
        &keys,
        wanted.as_deref(),
        key.as_deref(),
        &mut different,
    );
    let wanted: Option<Vec<Value>> = expected.value.is_object().then(|| {
        let names = values
            .iter()
            .map(|column| named(&expected.value, &column.name));
        names.collect()
    });
    let value = found.value.as_deref();
    columns(
        model,
        Role::Value,
        &values,
        wanted.as_deref(),
        value,
        &mut different,
    );
    if let Some(row) = expected.value.as_object() {
        let unknown = |name: &&String| {
            let known = |column: &&Column| column.name.eq_ignore_ascii_case(name);
            !values.iter().any(known)
        };
        if let Some(name) = row.keys().find(unknown) {
            different.push(format!(
                "the case expects a column {name} that no source has"
            ));
        }
    }
    if expected.window != found.window {
        let (expected, found) = (expected.window, found.window);
        different.push(format!("the window is {found:?}, not {expected:?}"));
    }
    if let Some(timestamp) = expected.timestamp
        && timestamp != found.timestamp
    {
        different.push(format!(
            "the timestamp is {}, not {timestamp}",
            found.timestamp
        ));
    }
    different
}

/// A column of a row by its name, else by its name in upper case.
fn named(row: &Value, name: &str) -> Value {
    if let Some(found) = row.get(name) {
        return found.clone();
    }
    let fields = row.as_object().into_iter().flatten();
    let mut upper = fields.filter(|(field, _)| field.to_ascii_uppercase() == name);
    upper.next().map_or(Value::Null, |(_, value)| value.clone())
}

fn columns(
    model: &Entity<'_>,
    role: Role,
    names: &[&Column],
    expected: Option<&[Value]>,
    found: Option<&[Value]>,
    different: &mut Vec<String>,
) {
    let (expected, found) = match (expected, found) {
        (None, None) => return,
        (Some(expected), Some(found)) => (expected, found),
        (expected, found) => {
            different.push(format!("the {role:?} is {found:?}, not {expected:?}"));
            return;
        }
    };
    let types: Vec<Type<'_>> = of_role(model, role).map(|column| column.ty).collect();
    if types.len() != expected.len() || found.len() != expected.len() {
        different.push(format!(
            "{role:?}: {} columns, not {}",
            types.len(),
            expected.len()
        ));
        return;
    }
    for (index, ty) in types.iter().enumerate() {
        let (expected, found) = (&expected[index], &found[index]);
        if !same(*ty, expected, found) {
            let name = names.get(index).map_or("", |column| &column.name);
            different.push(format!("{name} is {found}, not {expected}"));
        }
    }
}

fn same(ty: Type<'_>, expected: &Value, found: &Value) -> bool {
    if expected.is_null() || found.is_null() {
        return expected.is_null() && found.is_null();
    }
    match ty {
        Type::Float32 | Type::Float64 => match (expected.as_f64(), found.as_f64()) {
            (Some(expected), Some(found)) => expected == found || (expected - found).abs() <= NEAR,
            _ => expected == found,
        },
        Type::Array(item) => match (expected.as_array(), found.as_array()) {
            (Some(expected), Some(found)) => {
                let mut pairs = expected.iter().zip(found);
                expected.len() == found.len()
                    && pairs.all(|(expected, found)| same(item.ty, expected, found))
            }
            _ => false,
        },
        Type::Map(item) => match (expected.as_object(), found.as_object()) {
            (Some(expected), Some(found)) => {
                let equal = |(key, value): (&String, &Value)| {
                    found
                        .get(key)
                        .is_some_and(|found| same(item.ty, value, found))
                };
                expected.len() == found.len() && expected.iter().all(equal)
            }
            _ => false,
        },
        Type::Struct(record) => record.fields.iter().all(|field| {
            let expected = named(expected, field.sql_name);
            same(field.ty, &expected, &named(found, field.sql_name))
        }),
        _ => expected == found,
    }
}

/// A type as ksqlDB's texts write it in the cases.
pub fn sql(ty: Type<'_>) -> String {
    match ty {
        Type::Boolean => "BOOLEAN".to_owned(),
        Type::Int16 | Type::Int32 => "INTEGER".to_owned(),
        Type::Int64 => "BIGINT".to_owned(),
        Type::Float32 | Type::Float64 => "DOUBLE".to_owned(),
        Type::String | Type::Uuid | Type::Enum => "STRING".to_owned(),
        Type::Bytes => "BYTES".to_owned(),
        Type::Decimal { precision, scale } => format!("DECIMAL({precision},{scale})"),
        Type::DateTime => "TIMESTAMP".to_owned(),
        Type::Date => "DATE".to_owned(),
        Type::Time => "TIME".to_owned(),
        Type::Array(item) => format!("ARRAY<{}>", sql(item.ty)),
        Type::Map(item) => format!("MAP<STRING,{}>", sql(item.ty)),
        Type::Struct(record) => {
            let fields = record.fields.iter();
            let fields: Vec<String> = fields
                .map(|field| format!("{} {}", field.sql_name, sql(field.ty)))
                .collect();
            format!("STRUCT<{}>", fields.join(","))
        }
        Type::Unknown => "?".to_owned(),
    }
}
