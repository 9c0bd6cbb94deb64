//! A writer's schema, parsed: types as a tree, named types in a list.
//!
//! Invariant: every index points into the list; a schema that refers to unknown names, or nests deeper than any real one,
//! is refused.

use std::collections::HashMap;

use serde_json::Value;

/// A type.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Null,
    Boolean,
    Int(Meaning),
    Long(Meaning),
    Float,
    Double,
    Bytes,
    String,
    /// Bytes, or fixed of a size.
    Decimal {
        precision: u32,
        scale: u32,
        fixed: Option<usize>,
    },
    Fixed {
        size: usize,
        uuid: bool,
    },
    Array(Box<Node>),
    Map(Box<Node>),
    Union(Vec<Node>),
    /// Into [`Schema::records`].
    Record(usize),
    /// Into [`Schema::enums`].
    Enum(usize),
}

/// What an int or a long means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Number,
    Date,
    /// So many units are a millisecond.
    Time {
        per_milli: i64,
    },
    Moment {
        per_milli: i64,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Record {
    pub(super) name: String,
    pub(super) fields: Vec<(String, Node)>,
}

/// A whole schema.
#[derive(Debug, Clone)]
pub(super) struct Schema {
    pub(super) root: Node,
    pub(super) records: Vec<Record>,
    pub(super) enums: Vec<Vec<String>>,
    /// Which records have no field with bytes.
    empty: Vec<bool>,
}

const DEEPEST: usize = 64;

/// Parses a schema's text.
pub(super) fn parse(text: &str) -> Result<Schema, String> {
    let json: Value =
        serde_json::from_str(text).map_err(|error| format!("the schema is no JSON: {error}"))?;
    let mut parser = Parser {
        records: Vec::new(),
        enums: Vec::new(),
        names: HashMap::new(),
    };
    let root = parser.node(&json, "", 0)?;
    let mut schema = Schema {
        root,
        empty: vec![false; parser.records.len()],
        records: parser.records,
        enums: parser.enums,
    };
    // What a record holds is defined behind it, or before it and named: both ways in turn, until nothing changes.
    let mut order: Vec<usize> = (0..schema.records.len()).collect();
    loop {
        let mut changed = false;
        order.reverse();
        for index in order.iter().copied() {
            let empty = schema
                .record(index)
                .is_some_and(|record| record.fields.iter().all(|(_, node)| schema.is_empty(node)));
            if let Some(known) = schema.empty.get_mut(index)
                && *known != empty
            {
                *known = empty;
                changed = true;
            }
        }
        if !changed {
            return Ok(schema);
        }
    }
}

struct Parser {
    records: Vec<Record>,
    enums: Vec<Vec<String>>,
    names: HashMap<String, Node>,
}

impl Parser {
    fn node(&mut self, json: &Value, namespace: &str, depth: usize) -> Result<Node, String> {
        if depth > DEEPEST {
            return Err(format!("the schema nests deeper than {DEEPEST} types"));
        }
        match json {
            Value::String(name) => self.by_name(name, namespace),
            Value::Array(branches) => {
                let branches = branches
                    .iter()
                    .map(|branch| self.node(branch, namespace, depth + 1));
                Ok(Node::Union(branches.collect::<Result<_, _>>()?))
            }
            Value::Object(object) => match object.get("type") {
                Some(Value::String(kind)) => self.complex(kind, json, namespace, depth),
                Some(inner) => self.node(inner, namespace, depth + 1),
                None => Err("a type has no `type`".to_owned()),
            },
            other => Err(format!("`{other}` is no type")),
        }
    }

    fn by_name(&self, name: &str, namespace: &str) -> Result<Node, String> {
        Ok(match name {
            "null" => Node::Null,
            "boolean" => Node::Boolean,
            "int" => Node::Int(Meaning::Number),
            "long" => Node::Long(Meaning::Number),
            "float" => Node::Float,
            "double" => Node::Double,
            "bytes" => Node::Bytes,
            "string" => Node::String,
            other => {
                let full = full_name(other, namespace);
                let known = self.names.get(&full).or_else(|| self.names.get(other));
                known
                    .cloned()
                    .ok_or_else(|| format!("there is no type `{other}`"))?
            }
        })
    }

    fn complex(
        &mut self,
        kind: &str,
        json: &Value,
        outer: &str,
        depth: usize,
    ) -> Result<Node, String> {
        let part = |name: &str| {
            json.get(name)
                .ok_or_else(|| format!("a type `{kind}` has no `{name}`"))
        };
        let logical = json
            .get("logicalType")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let number = |name: &str| {
            json.get(name)
                .and_then(Value::as_u64)
                .and_then(|number| u32::try_from(number).ok())
        };
        let decimal = |fixed| match (logical, number("precision")) {
            ("decimal", Some(precision)) => Some(Node::Decimal {
                precision,
                scale: number("scale").unwrap_or(0),
                fixed,
            }),
            _ => None,
        };
        Ok(match (kind, logical) {
            ("array", _) => Node::Array(Box::new(self.node(part("items")?, outer, depth + 1)?)),
            ("map", _) => Node::Map(Box::new(self.node(part("values")?, outer, depth + 1)?)),
            ("record" | "error", _) => return self.record(json, outer, depth),
            ("enum", _) => {
                let symbols = part("symbols")?
                    .as_array()
                    .ok_or("the `symbols` of an enum are no list")?;
                let symbols = symbols
                    .iter()
                    .map(|symbol| symbol.as_str().unwrap_or_default().to_owned());
                let node = Node::Enum(self.enums.len());
                self.enums.push(symbols.collect());
                self.remember(json, outer, &node)?;
                node
            }
            ("fixed", _) => {
                let size = part("size")?
                    .as_u64()
                    .and_then(|size| usize::try_from(size).ok());
                let size = size.ok_or("the `size` of a fixed is no number")?;
                let node = decimal(Some(size)).unwrap_or(Node::Fixed {
                    size,
                    uuid: logical == "uuid" && size == 16,
                });
                self.remember(json, outer, &node)?;
                node
            }
            ("bytes", _) => decimal(None).unwrap_or(Node::Bytes),
            ("int", "date") => Node::Int(Meaning::Date),
            ("int", "time-millis") => Node::Int(Meaning::Time { per_milli: 1 }),
            ("long", "time-micros") => Node::Long(Meaning::Time { per_milli: 1_000 }),
            ("long", "timestamp-millis" | "local-timestamp-millis") => {
                Node::Long(Meaning::Moment { per_milli: 1 })
            }
            ("long", "timestamp-micros" | "local-timestamp-micros") => {
                Node::Long(Meaning::Moment { per_milli: 1_000 })
            }
            ("long", "timestamp-nanos" | "local-timestamp-nanos") => Node::Long(Meaning::Moment {
                per_milli: 1_000_000,
            }),
            (name, _) => self.by_name(name, outer)?,
        })
    }

    fn record(&mut self, json: &Value, outer: &str, depth: usize) -> Result<Node, String> {
        let (full, namespace) = name_of(json, outer)?;
        let index = self.records.len();
        let short = full.rsplit('.').next().unwrap_or_default().to_owned();
        self.records.push(Record {
            name: short,
            fields: Vec::new(),
        });
        // Before its fields: they may refer to it.
        self.names.insert(full, Node::Record(index));
        let fields = json
            .get("fields")
            .and_then(Value::as_array)
            .ok_or("a record has no `fields`")?;
        let mut parsed = Vec::with_capacity(fields.len());
        for field in fields {
            let name = field
                .get("name")
                .and_then(Value::as_str)
                .ok_or("a field has no `name`")?;
            let ty = field
                .get("type")
                .ok_or_else(|| format!("field `{name}` has no `type`"))?;
            parsed.push((name.to_owned(), self.node(ty, &namespace, depth + 1)?));
        }
        if let Some(record) = self.records.get_mut(index) {
            record.fields = parsed;
        }
        Ok(Node::Record(index))
    }

    fn remember(&mut self, json: &Value, outer: &str, node: &Node) -> Result<(), String> {
        let (full, _) = name_of(json, outer)?;
        self.names.insert(full, node.clone());
        Ok(())
    }
}

/// The full name of a named type, and the namespace inside of it.
fn name_of(json: &Value, outer: &str) -> Result<(String, String), String> {
    let name = json
        .get("name")
        .and_then(Value::as_str)
        .ok_or("a named type has no `name`")?;
    if let Some((namespace, _)) = name.rsplit_once('.') {
        return Ok((name.to_owned(), namespace.to_owned()));
    }
    let namespace = json
        .get("namespace")
        .and_then(Value::as_str)
        .unwrap_or(outer);
    Ok((full_name(name, namespace), namespace.to_owned()))
}

fn full_name(name: &str, namespace: &str) -> String {
    if namespace.is_empty() || name.contains('.') {
        name.to_owned()
    } else {
        format!("{namespace}.{name}")
    }
}

impl Schema {
    pub(super) fn record(&self, index: usize) -> Option<&Record> {
        self.records.get(index)
    }

    /// Whether values of a type have no bytes at all.
    pub(super) fn is_empty(&self, node: &Node) -> bool {
        match node {
            Node::Null | Node::Fixed { size: 0, .. } => true,
            Node::Record(index) => self.empty.get(*index).copied().unwrap_or(false),
            _ => false,
        }
    }

    /// A type in words.
    pub(super) fn name(&self, node: &Node) -> String {
        match node {
            Node::Null => "null".to_owned(),
            Node::Boolean => "boolean".to_owned(),
            Node::Int(Meaning::Number) => "int".to_owned(),
            Node::Long(Meaning::Number) => "long".to_owned(),
            Node::Int(Meaning::Date) | Node::Long(Meaning::Date) => "date".to_owned(),
            Node::Int(Meaning::Time { .. }) | Node::Long(Meaning::Time { .. }) => "time".to_owned(),
            Node::Int(Meaning::Moment { .. }) | Node::Long(Meaning::Moment { .. }) => {
                "timestamp".to_owned()
            }
            Node::Float => "float".to_owned(),
            Node::Double => "double".to_owned(),
            Node::Bytes => "bytes".to_owned(),
            Node::String => "string".to_owned(),
            Node::Decimal {
                precision, scale, ..
            } => format!("decimal({precision}, {scale})"),
            Node::Fixed { size, .. } => format!("fixed({size})"),
            Node::Array(items) => format!("array of {}", self.name(items)),
            Node::Map(values) => format!("map of {}", self.name(values)),
            Node::Union(branches) => {
                let names: Vec<String> = branches.iter().map(|branch| self.name(branch)).collect();
                format!("union of {}", names.join(" and "))
            }
            Node::Record(index) => format!(
                "record `{}`",
                self.record(*index).map_or("", |record| &record.name)
            ),
            Node::Enum(_) => "enum".to_owned(),
        }
    }
}
