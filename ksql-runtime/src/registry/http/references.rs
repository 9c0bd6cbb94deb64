//! Schemas that refer to types of other schemas become whole: one text that anybody reads.
//!
//! Where a type is named for the first time its definition is put in, wherever it was defined; later it is a name again.
//! Names are written in full, so that a definition means the same in its new place.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

const DEEPEST: usize = 64;

/// The text with the types of `others` put in where it needs them. What is named and stands nowhere stays a name: who
/// parses the text will say so.
pub(super) fn inline(schema: &str, others: &[String]) -> Result<String, String> {
    let parse = |text: &str| -> Result<Value, String> {
        serde_json::from_str(text).map_err(|error| format!("a schema is no JSON: {error}"))
    };
    let mut whole = Whole {
        library: HashMap::new(),
        defined: HashSet::new(),
    };
    for other in others {
        whole.collect(&parse(other)?, "", 0)?;
    }
    let whole = whole.expand(&parse(schema)?, "", 0)?;
    Ok(whole.to_string())
}

struct Whole {
    /// Definitions by full name, each with the namespace it stands in.
    library: HashMap<String, (Value, String)>,
    /// What the text has defined so far.
    defined: HashSet<String>,
}

/// What a part of a schema is.
enum Part<'v> {
    /// A record, an enum, a fixed.
    Named {
        full: String,
        namespace: String,
        fields: Option<&'v Vec<Value>>,
    },
    /// An array or a map, with the attribute its inner type stands under.
    Of(&'static str, &'v Value),
    /// Attributes around a type.
    Wrapped(&'v Value),
}

fn part<'v>(object: &'v Map<String, Value>, outer: &str) -> Result<Part<'v>, String> {
    let kind = object.get("type").ok_or("a type has no `type`")?;
    let inner = |name: &'static str| match object.get(name) {
        Some(value) => Ok(Part::Of(name, value)),
        None => Err(format!("a type has no `{name}`")),
    };
    match kind.as_str() {
        Some("array") => inner("items"),
        Some("map") => inner("values"),
        Some("record" | "error" | "enum" | "fixed") => {
            let name = object
                .get("name")
                .and_then(Value::as_str)
                .ok_or("a named type has no `name`")?;
            let namespace = match name.rsplit_once('.') {
                Some((namespace, _)) => namespace,
                None => object
                    .get("namespace")
                    .and_then(Value::as_str)
                    .unwrap_or(outer),
            };
            Ok(Part::Named {
                full: full(name, namespace),
                namespace: namespace.to_owned(),
                fields: object.get("fields").and_then(Value::as_array),
            })
        }
        _ => Ok(Part::Wrapped(kind)),
    }
}

fn full(name: &str, namespace: &str) -> String {
    if namespace.is_empty() || name.contains('.') {
        name.to_owned()
    } else {
        format!("{namespace}.{name}")
    }
}

fn bounded(depth: usize) -> Result<usize, String> {
    if depth < DEEPEST {
        Ok(depth + 1)
    } else {
        Err(format!("schemas nest deeper than {DEEPEST} types"))
    }
}

impl Whole {
    /// Remembers every definition in a schema.
    fn collect(&mut self, schema: &Value, outer: &str, depth: usize) -> Result<(), String> {
        let depth = bounded(depth)?;
        match schema {
            Value::Array(branches) => branches
                .iter()
                .try_for_each(|branch| self.collect(branch, outer, depth)),
            Value::Object(object) => match part(object, outer)? {
                Part::Named {
                    full,
                    namespace,
                    fields,
                } => {
                    self.library
                        .insert(full, (schema.clone(), outer.to_owned()));
                    fields
                        .into_iter()
                        .flatten()
                        .filter_map(|field| field.get("type"))
                        .try_for_each(|ty| self.collect(ty, &namespace, depth))
                }
                Part::Of(_, inner) | Part::Wrapped(inner) => self.collect(inner, outer, depth),
            },
            _ => Ok(()),
        }
    }

    fn expand(&mut self, schema: &Value, outer: &str, depth: usize) -> Result<Value, String> {
        let depth = bounded(depth)?;
        match schema {
            Value::String(name) => self.named(name, outer, depth),
            Value::Array(branches) => branches
                .iter()
                .map(|branch| self.expand(branch, outer, depth))
                .collect::<Result<_, _>>()
                .map(Value::Array),
            Value::Object(object) => match part(object, outer)? {
                Part::Named {
                    full,
                    namespace,
                    fields,
                } => self.definition(object, full, &namespace, fields, depth),
                Part::Of(attribute, inner) => {
                    let inner = self.expand(inner, outer, depth)?;
                    Ok(with(object, attribute, inner))
                }
                Part::Wrapped(inner) => {
                    let inner = self.expand(inner, outer, depth)?;
                    Ok(with(object, "type", inner))
                }
            },
            other => Ok(other.clone()),
        }
    }

    fn named(&mut self, name: &str, outer: &str, depth: usize) -> Result<Value, String> {
        const PRIMITIVES: [&str; 8] = [
            "null", "boolean", "int", "long", "float", "double", "bytes", "string",
        ];
        if PRIMITIVES.contains(&name) {
            return Ok(Value::from(name));
        }
        for candidate in [full(name, outer), name.to_owned()] {
            if self.defined.contains(&candidate) {
                return Ok(Value::from(candidate));
            }
            if let Some((definition, namespace)) = self.library.get(&candidate).cloned() {
                return self.expand(&definition, &namespace, depth);
            }
        }
        Ok(Value::from(name))
    }

    fn definition(
        &mut self,
        object: &Map<String, Value>,
        full: String,
        namespace: &str,
        fields: Option<&Vec<Value>>,
        depth: usize,
    ) -> Result<Value, String> {
        if !self.defined.insert(full.clone()) {
            return Ok(Value::from(full));
        }
        let mut written = object.clone();
        written.insert("name".to_owned(), Value::from(full));
        written.insert("namespace".to_owned(), Value::from(namespace));
        if let Some(fields) = fields {
            let fields = fields.iter().map(|field| {
                let (Some(field), Some(ty)) = (field.as_object(), field.get("type")) else {
                    return Err("a field has no `type`".to_owned());
                };
                let ty = self.expand(ty, namespace, depth)?;
                Ok(with(field, "type", ty))
            });
            let fields = fields.collect::<Result<_, String>>()?;
            written.insert("fields".to_owned(), Value::Array(fields));
        }
        Ok(Value::Object(written))
    }
}

fn with(object: &Map<String, Value>, attribute: &str, value: Value) -> Value {
    let mut written = object.clone();
    written.insert(attribute.to_owned(), value);
    Value::Object(written)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use apache_avro::Schema;

    use super::inline;

    const MONEY: &str = r#"{"type":"record","name":"Money","namespace":"shop.base","fields":[
        {"name":"units","type":"long"},{"name":"kind","type":{"type":"enum","name":"Kind","symbols":["CASH"]}}]}"#;
    const LINE: &str = r#"{"type":"record","name":"Line","namespace":"shop","fields":[
        {"name":"price","type":"shop.base.Money"},{"name":"next","type":["null","Line"]}]}"#;

    #[test]
    fn a_type_is_defined_once_and_named_after_that() {
        let order = r#"{"type":"record","name":"Order","namespace":"shop","fields":[
            {"name":"lines","type":{"type":"array","items":"Line"}},
            {"name":"fees","type":{"type":"map","values":["null","shop.base.Money"]}},
            {"name":"paid","type":"shop.base.Kind"}]}"#;
        for others in [[MONEY, LINE], [LINE, MONEY]] {
            let whole = inline(order, &others.map(str::to_owned)).unwrap();
            assert_eq!(whole.matches(r#""units""#).count(), 1, "{whole}");
            assert_eq!(whole.matches(r#""symbols""#).count(), 1, "{whole}");
            Schema::parse_str(&whole).unwrap();
        }
    }

    #[test]
    fn a_type_without_a_namespace_keeps_having_none() {
        let city =
            r#"{"type":"record","name":"City","fields":[{"name":"twin","type":["null","City"]}]}"#;
        let order = r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"city","type":"City"}]}"#;
        let whole = inline(order, &[city.to_owned()]).unwrap();
        assert!(
            whole.contains(r#""name":"City","namespace":"""#) && !whole.contains("shop.City"),
            "{whole}"
        );
    }

    #[test]
    fn what_is_nowhere_stays_a_name_and_what_has_no_end_is_refused() {
        let order = r#"{"type":"record","name":"Order","fields":[{"name":"a","type":"Nowhere"}]}"#;
        assert!(inline(order, &[]).unwrap().contains(r#""type":"Nowhere""#));
        let deep = format!(
            "{}\"int\"{}",
            r#"{"type":"array","items":"#.repeat(100),
            "}".repeat(100)
        );
        assert!(inline(&deep, &[]).unwrap_err().contains("deeper"));
        assert!(inline("{", &[]).is_err());
    }
}
