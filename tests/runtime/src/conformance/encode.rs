//! A case's rows as the bytes a program writes: the entity's own Avro form, and the key's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ksql_runtime::codec::{frame, write};
use ksql_runtime::entity::Window;
use ksql_schema::model::{Role, WindowKind};
use ksql_schema::{Column, Entity, Type};
use serde_json::Value;

use super::cases::Record;

/// The bytes of a record's key, with its window behind it; nothing where the key is NULL. `id` is its schema's where several
/// columns make it.
pub fn key(model: &Entity<'_>, record: &Record, id: u32) -> Option<Vec<u8>> {
    let mut key = inner_key(model, &record.key, id);
    let window = model.window.as_ref().zip(record.window);
    assert_eq!(
        window.is_some(),
        model.window.is_some() || record.window.is_some(),
        "a record of `{}` has a window where the entity has one",
        model.name
    );
    if let (Some((of, (start, end))), Some(key)) = (window, &mut key) {
        Window { start, end }.encode(of.kind == WindowKind::Session, key);
    }
    key
}

fn inner_key(model: &Entity<'_>, json: &Value, id: u32) -> Option<Vec<u8>> {
    let columns: Vec<&Column<'_>> = of_role(model, Role::Key).collect();
    let mut out = Vec::new();
    match columns.as_slice() {
        [] => {
            assert!(json.is_null(), "`{}` has no key for {json}", model.name);
            return None;
        }
        [column] => match column.ty {
            _ if json.is_null() => return None,
            Type::Int32 | Type::Int16 => {
                let number = i32::try_from(whole(json)).expect("an INTEGER");
                out.extend_from_slice(&number.to_be_bytes());
            }
            Type::Int64 => out.extend_from_slice(&whole(json).to_be_bytes()),
            _ => out.extend_from_slice(json.as_str().expect("a text").as_bytes()),
        },
        columns => {
            if json.is_null() {
                return None;
            }
            frame::write(id, &mut out);
            for column in columns {
                let part = &json[column.sql_name];
                nullable(column.ty, true, part, column.name, &mut out);
            }
        }
    }
    Some(out)
}

/// The value's bytes with the frame; nothing where there is none.
pub fn value(model: &Entity<'_>, json: &Value, id: u32) -> Option<Vec<u8>> {
    let row = json.as_object()?;
    let mut out = Vec::new();
    frame::write(id, &mut out);
    for column in of_role(model, Role::Value) {
        let named = row.iter().find(|(name, _)| *name == column.sql_name);
        let named = named.or_else(|| {
            let upper = |name: &&String| name.to_ascii_uppercase() == column.sql_name;
            row.iter().find(|(name, _)| upper(name))
        });
        let part = named.map_or(&Value::Null, |(_, part)| part);
        nullable(column.ty, column.nullable, part, column.name, &mut out);
    }
    let known = |name: &String| {
        let upper = name.to_ascii_uppercase();
        of_role(model, Role::Value).any(|column| column.sql_name == upper)
    };
    let other = row.keys().find(|name| !known(name));
    assert_eq!(other, None, "`{}` has no such column", model.name);
    Some(out)
}

/// A row in the Avro form of a schema that another program writes with; a row's names are the schema's in upper case.
pub fn foreign(schema: &Value, json: &Value, out: &mut Vec<u8>) {
    let ty = schema["type"].as_str().or(schema.as_str());
    match ty {
        None if schema["type"].is_object() => foreign(&schema["type"], json, out),
        None => {
            let branches = schema.as_array().expect("a union");
            let null = |branch: &Value| branch == "null";
            let taken = branches
                .iter()
                .position(|branch| null(branch) == json.is_null());
            let taken = taken.expect("a branch for this value");
            write::long(taken as i64, out);
            if !json.is_null() {
                foreign(&branches[taken], json, out);
            }
        }
        Some("boolean") => plain(Type::Boolean, json, "boolean", out),
        Some("int" | "long") => plain(Type::Int64, json, "number", out),
        Some("float") => plain(Type::Float32, json, "float", out),
        Some("double") => plain(Type::Float64, json, "double", out),
        Some("string") => plain(Type::String, json, "string", out),
        Some("bytes") => plain(Type::Bytes, json, "bytes", out),
        Some("enum") => {
            let symbols = schema["symbols"].as_array().expect("symbols");
            let symbol = symbols.iter().position(|symbol| symbol == json);
            write::long(symbol.expect("one of them") as i64, out);
        }
        Some("record") => {
            for field in schema["fields"].as_array().expect("fields") {
                let name = field["name"].as_str().expect("a name");
                let part = json
                    .get(name)
                    .or_else(|| json.get(name.to_ascii_uppercase()));
                foreign(&field["type"], part.unwrap_or(&Value::Null), out);
            }
        }
        Some("map") => {
            let entries = json.as_object().expect("an object");
            if !entries.is_empty() {
                write::long(entries.len() as i64, out);
            }
            for (key, part) in entries {
                write::bytes(key.as_bytes(), out);
                foreign(&schema["values"], part, out);
            }
            out.push(0);
        }
        Some("array") => {
            let items = json.as_array().expect("an array");
            if !items.is_empty() {
                write::long(items.len() as i64, out);
            }
            for part in items {
                foreign(&schema["items"], part, out);
            }
            out.push(0);
        }
        Some(other) => panic!("`{other}` is no type of a case so far"),
    }
}

/// The columns of a role, in order.
pub fn of_role<'m>(model: &'m Entity<'m>, role: Role) -> impl Iterator<Item = &'m Column<'m>> {
    model
        .columns
        .iter()
        .filter(move |column| column.role == role)
}

fn whole(json: &Value) -> i64 {
    json.as_i64()
        .unwrap_or_else(|| panic!("{json} is no whole number"))
}

fn nullable(ty: Type<'_>, nullable: bool, json: &Value, name: &str, out: &mut Vec<u8>) {
    if nullable {
        out.push(if json.is_null() { 0 } else { 2 });
        if json.is_null() {
            return;
        }
    }
    assert!(
        !json.is_null(),
        "`{name}` is NULL in a record, and its field is not optional"
    );
    plain(ty, json, name, out);
}

fn plain(ty: Type<'_>, json: &Value, name: &str, out: &mut Vec<u8>) {
    let text = || {
        json.as_str()
            .unwrap_or_else(|| panic!("`{name}`: {json} is no text"))
    };
    match ty {
        Type::Boolean => out.push(json.as_bool().expect("a boolean").into()),
        Type::Int16 | Type::Int32 | Type::Int64 | Type::DateTime | Type::Date | Type::Time => {
            write::long(whole(json), out);
        }
        Type::Float32 => out.extend_from_slice(&(double(json) as f32).to_le_bytes()),
        Type::Float64 => out.extend_from_slice(&double(json).to_le_bytes()),
        Type::String | Type::Uuid | Type::Enum => write::bytes(text().as_bytes(), out),
        Type::Bytes => write::bytes(&STANDARD.decode(text()).expect("base64"), out),
        Type::Decimal { scale, .. } => {
            let (whole, fraction) = text().split_once('.').unwrap_or((text(), ""));
            assert_eq!(
                fraction.len(),
                scale as usize,
                "`{name}`: the scale of {json}"
            );
            let digits = format!("{whole}{fraction}");
            write::decimal(digits.parse().expect("digits"), out);
        }
        Type::Array(item) => {
            let items = json.as_array().expect("an array");
            if !items.is_empty() {
                write::long(items.len() as i64, out);
            }
            for part in items {
                nullable(item.ty, item.nullable, part, name, out);
            }
            out.push(0);
        }
        Type::Map(item) => {
            let entries = json.as_object().expect("an object");
            if !entries.is_empty() {
                write::long(entries.len() as i64, out);
            }
            for (key, part) in entries {
                write::bytes(key.as_bytes(), out);
                nullable(item.ty, item.nullable, part, name, out);
            }
            out.push(0);
        }
        Type::Struct(record) => {
            let fields = json.as_object().expect("an object");
            for field in record.fields {
                let upper =
                    |(name, _): &(&String, &Value)| name.to_ascii_uppercase() == field.sql_name;
                let part = fields
                    .iter()
                    .find(upper)
                    .map_or(&Value::Null, |(_, part)| part);
                nullable(field.ty, field.nullable, part, field.name, out);
            }
        }
        Type::Unknown => panic!("`{name}` has a type of its own"),
    }
}

fn double(json: &Value) -> f64 {
    match json.as_str() {
        Some("NaN") => f64::NAN,
        Some("Infinity") => f64::INFINITY,
        Some("-Infinity") => f64::NEG_INFINITY,
        Some(other) => panic!("{other} is no double"),
        None => json.as_f64().expect("a double"),
    }
}
