//! From a writer's schema and an entity to the steps that rewrite a body. Runs once for a schema.

use ksql_schema::model::Role;
use ksql_schema::types::{Item, Struct, Type};

use super::run::{Convert, Skips};
use super::schema::{Meaning, Node, Schema, parse};
use super::{Part, Plan, ResolveError};
use crate::codec::write;

/// What is done with one value of the writer.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Convert(Convert),
    /// There is always a value, and the entity's field is an `Option`.
    Some(Box<Step>),
    /// By the writer's branch.
    Union(Vec<Branch>),
    Array(Box<Step>),
    Map(Box<Step>),
    /// ksqlDB's array of key and value.
    Entries {
        key: Box<Step>,
        value: Box<Step>,
        key_first: bool,
    },
    Record(RecordPlan),
}

/// A branch of the writer's union.
#[derive(Debug, Clone)]
pub(super) enum Branch {
    /// Null into an `Option`.
    Null,
    /// A value; into an `Option` if `some`.
    Value { some: bool, step: Step },
    /// A value that cannot be held: an error when it comes.
    Never(String),
}

/// A record: where each field of the entity comes from.
#[derive(Debug, Clone)]
pub(super) struct RecordPlan {
    /// The writer's fields, for stepping over them; into the skips.
    pub(super) writer: Vec<usize>,
    pub(super) outputs: Vec<Output>,
    /// Whether the outputs take the writer's fields in their order, each once.
    pub(super) in_order: bool,
}

/// One field of the entity.
#[derive(Debug, Clone)]
pub(super) enum Output {
    /// The writer has none: these bytes.
    Default(Vec<u8>),
    /// The writer's field of this index.
    From {
        field: usize,
        name: String,
        step: Step,
    },
}

/// A field as the entity wants it.
struct Wanted<'a> {
    name: &'a str,
    sql_name: &'a str,
    ty: Type<'a>,
    nullable: bool,
    /// Whether it must be there although it is nullable: a key column.
    required: bool,
    default: Option<&'a str>,
}

struct Builder<'a> {
    schema: &'a Schema,
    skips: Skips,
    path: Vec<String>,
}

/// What does not fit; the path is where the builder stands.
type Built<T> = Result<T, String>;

pub(super) fn build(
    text: &str,
    entity: &ksql_schema::Entity<'_>,
    part: Part,
) -> Result<Plan, ResolveError> {
    let error = |writer: &str, path: &[String], reason: String| ResolveError {
        entity: entity.name.to_owned(),
        writer: writer.to_owned(),
        path: path.join("."),
        reason,
    };
    let schema = parse(text).map_err(|reason| error("an unreadable schema", &[], reason))?;
    let wanted: Vec<Wanted<'_>> = entity
        .columns
        .iter()
        .filter(|column| {
            column.role
                == if part == Part::Key {
                    Role::Key
                } else {
                    Role::Value
                }
        })
        .map(|column| Wanted {
            name: column.name,
            sql_name: column.sql_name,
            ty: if column.datetime_format.is_some() {
                Type::String
            } else {
                column.ty
            },
            nullable: column.nullable || part == Part::Key,
            required: part == Part::Key,
            default: column.default,
        })
        .collect();
    // A union of null and the record is what some writers register; the null would be a tombstone, and has no body.
    let (branch, root) = match &schema.root {
        Node::Union(branches) => {
            let mut records = branches
                .iter()
                .enumerate()
                .filter(|(_, branch)| matches!(branch, Node::Record(_)));
            match (records.next(), records.next()) {
                (Some((index, record)), None) => (Some(index), record),
                _ => (None, &schema.root),
            }
        }
        root => (None, root),
    };
    let record = match root {
        Node::Record(index) => schema.record(*index),
        _ => None,
    };
    let Some(record) = record else {
        let found = schema.name(&schema.root);
        return Err(error(
            "an unnamed schema",
            &[],
            format!("the writer's schema is a {found}, and a record was expected"),
        ));
    };
    let mut builder = Builder {
        schema: &schema,
        skips: Skips::new(&schema),
        path: Vec::new(),
    };
    match builder.record(&record.fields, &wanted) {
        Ok(root) => Ok(Plan {
            branch,
            root,
            skips: builder.skips,
        }),
        Err(reason) => Err(error(&record.name, &builder.path, reason)),
    }
}

impl Builder<'_> {
    fn record(&mut self, fields: &[(String, Node)], wanted: &[Wanted<'_>]) -> Built<RecordPlan> {
        let writer = fields
            .iter()
            .map(|(_, node)| self.skips.add(node, self.schema))
            .collect();
        let mut outputs = Vec::with_capacity(wanted.len());
        for column in wanted {
            let exact = fields.iter().position(|(name, _)| name == column.name);
            let found = exact.or_else(|| {
                fields
                    .iter()
                    .position(|(name, _)| name.to_uppercase() == column.sql_name)
            });
            self.path.push(column.name.to_owned());
            let output =
                match found.and_then(|index| fields.get(index).map(|(_, node)| (index, node))) {
                    Some((field, node)) => {
                        let step = self.value(node, column.ty, column.nullable)?;
                        Output::From {
                            field,
                            name: column.name.to_owned(),
                            step,
                        }
                    }
                    None => Output::Default(default(column)?),
                };
            self.path.pop();
            outputs.push(output);
        }
        let taken = outputs.iter().filter_map(|output| match output {
            Output::From { field, .. } => Some(*field),
            Output::Default(_) => None,
        });
        let in_order = taken.is_sorted_by(|a, b| a < b);
        Ok(RecordPlan {
            writer,
            outputs,
            in_order,
        })
    }

    /// A value with its nullability.
    fn value(&mut self, node: &Node, ty: Type<'_>, nullable: bool) -> Built<Step> {
        let Node::Union(branches) = node else {
            if *node == Node::Null {
                let branch = if nullable {
                    Branch::Null
                } else {
                    never("null, and the field is not an `Option`")
                };
                // A null has no branch number: it is read as a union of one would be, from no bytes.
                return match branch {
                    Branch::Null => Ok(Step::Convert(Convert::Null)),
                    _ => Err(ALWAYS_NULL.to_owned()),
                };
            }
            let step = self.plain(node, ty)?;
            return Ok(if nullable {
                Step::Some(Box::new(step))
            } else {
                step
            });
        };
        let mut built = Vec::with_capacity(branches.len());
        let (mut fitting, mut reason) = (0, None);
        let depth = self.path.len();
        for branch in branches {
            built.push(match branch {
                Node::Null if nullable => {
                    fitting += usize::from(branches.len() == 1);
                    Branch::Null
                }
                Node::Null => never("it is null, and the field is not an `Option`"),
                other => {
                    match self.plain(other, ty) {
                        Ok(step) => {
                            fitting += 1;
                            Branch::Value {
                                some: nullable,
                                step,
                            }
                        }
                        Err(why) => {
                            // The field that does not fit may lie deeper than this one.
                            let inner = self.path.split_off(depth);
                            reason.get_or_insert((why.clone(), inner));
                            Branch::Never(why)
                        }
                    }
                }
            });
        }
        match reason {
            _ if fitting > 0 => Ok(Step::Union(built)),
            Some((reason, inner)) => {
                self.path.extend(inner);
                Err(reason)
            }
            None => Err(ALWAYS_NULL.to_owned()),
        }
    }

    /// A value that is there.
    fn plain(&mut self, node: &Node, ty: Type<'_>) -> Built<Step> {
        if let Some(convert) = convert(node, ty, self.schema) {
            return Ok(Step::Convert(convert));
        }
        match (ty, node) {
            (Type::Array(item), Node::Array(items)) => {
                self.path.push("[]".to_owned());
                if self.schema.is_empty(items) {
                    return Err(
                        "the writer's items have no bytes, so that a few bytes could be any number of them: leave the field out"
                            .to_owned(),
                    );
                }
                let step = self.value(items, item.ty, item.nullable)?;
                self.path.pop();
                Ok(Step::Array(Box::new(step)))
            }
            (Type::Map(item), Node::Map(values)) => {
                self.path.push("{}".to_owned());
                let step = self.value(values, item.ty, item.nullable)?;
                self.path.pop();
                Ok(Step::Map(Box::new(step)))
            }
            (Type::Map(item), Node::Array(items)) => self.entries(item, items),
            (Type::Struct(Struct { fields, .. }), Node::Record(index)) => {
                let record = self.schema.record(*index).ok_or("an unknown record")?;
                let wanted: Vec<Wanted<'_>> = fields
                    .iter()
                    .map(|field| Wanted {
                        name: field.name,
                        sql_name: field.sql_name,
                        ty: field.ty,
                        nullable: field.nullable,
                        required: false,
                        default: None,
                    })
                    .collect();
                Ok(Step::Record(self.record(&record.fields, &wanted)?))
            }
            _ => Err(self.mismatch(node, ty)),
        }
    }

    /// ksqlDB writes a map as an array of records of key and value.
    fn entries(&mut self, item: &Item<'_>, items: &Node) -> Built<Step> {
        let fields = match items {
            Node::Record(index) => self
                .schema
                .record(*index)
                .map(|record| record.fields.as_slice()),
            _ => None,
        };
        let Some([(first_name, first), (second_name, second)]) = fields else {
            return Err(self.mismatch(
                &Node::Array(Box::new(items.clone())),
                Type::Map(&Item {
                    ty: item.ty,
                    nullable: item.nullable,
                }),
            ));
        };
        let key_first =
            first_name.eq_ignore_ascii_case("key") && second_name.eq_ignore_ascii_case("value");
        let value_first =
            first_name.eq_ignore_ascii_case("value") && second_name.eq_ignore_ascii_case("key");
        let (key, value) = match (key_first, value_first) {
            (true, _) => (first, second),
            (_, true) => (second, first),
            _ => return Err("the writer has an array of records, and only entries of `key` and `value` make a map".to_owned()),
        };
        self.path.push("{}".to_owned());
        let (key, value) = (
            self.value(key, Type::String, false)?,
            self.value(value, item.ty, item.nullable)?,
        );
        self.path.pop();
        Ok(Step::Entries {
            key: Box::new(key),
            value: Box::new(value),
            key_first,
        })
    }

    fn mismatch(&self, node: &Node, ty: Type<'_>) -> String {
        format!(
            "the writer has {}, the entity {}: give the field the writer's type, or read the topic with another entity",
            self.schema.name(node),
            name_of(ty)
        )
    }
}

const ALWAYS_NULL: &str =
    "the writer always has null, and the field is not an `Option`: make it one";

fn never(reason: &str) -> Branch {
    Branch::Never(reason.to_owned())
}

/// The conversion of a value without parts, where there is one.
fn convert(node: &Node, ty: Type<'_>, schema: &Schema) -> Option<Convert> {
    use Meaning::{Date, Moment, Number, Time};
    Some(match (ty, node) {
        (Type::Boolean, Node::Boolean) => Convert::Byte,
        (Type::Int16 | Type::Int32, Node::Int(_) | Node::Long(Number)) => Convert::Int,
        (Type::Int64, Node::Int(_) | Node::Long(_)) => Convert::Long,
        (Type::Float32, Node::Float) => Convert::Fixed(4),
        (Type::Float32, Node::Double) => Convert::DoubleToFloat,
        (Type::Float32, Node::Int(Number) | Node::Long(Number)) => Convert::LongToFloat,
        (Type::Float64, Node::Double) => Convert::Fixed(8),
        (Type::Float64, Node::Float) => Convert::FloatToDouble,
        (Type::Float64, Node::Int(Number) | Node::Long(Number)) => Convert::LongToDouble,
        (Type::String | Type::Uuid | Type::Enum, Node::String | Node::Bytes) => Convert::Text,
        (Type::String | Type::Enum, Node::Enum(index)) => {
            Convert::Symbol(schema.enums.get(*index)?.clone())
        }
        (Type::String | Type::Uuid, Node::Fixed { uuid: true, .. }) => Convert::Uuid,
        (Type::Bytes, Node::Bytes | Node::String) => Convert::Bytes,
        (Type::Bytes, Node::Fixed { size, .. }) => Convert::FixedToBytes(*size),
        (
            Type::Decimal { precision, scale },
            Node::Decimal {
                scale: written,
                fixed,
                ..
            },
        ) => Convert::Decimal {
            precision,
            scale,
            written: *written,
            fixed: *fixed,
        },
        (Type::DateTime, Node::Long(Number)) => Convert::Long,
        (Type::DateTime, Node::Long(Moment { per_milli })) => Convert::Divide(*per_milli),
        (Type::Date, Node::Int(Date | Number)) => Convert::Int,
        (Type::Time, Node::Int(Time { .. } | Number)) => Convert::Int,
        (Type::Time, Node::Long(Time { per_milli })) => Convert::Divide(*per_milli),
        _ => return None,
    })
}

/// The bytes of a field the writer does not have.
fn default(wanted: &Wanted<'_>) -> Built<Vec<u8>> {
    let missing = || {
        "the writer has no such field, and it has no default: make it an `Option`, or add `#[default_value(..)]`".to_owned()
    };
    let Some(text) = wanted.default else {
        return if wanted.nullable && !wanted.required {
            Ok(vec![0])
        } else {
            Err(missing())
        };
    };
    let unfit = || format!("its default `{text}` is no {}", name_of(wanted.ty));
    let json = ksql_schema::default_value::json(wanted.ty, text);
    let json: serde_json::Value = serde_json::from_str(&json).map_err(|_| unfit())?;
    let mut out = Vec::new();
    if wanted.nullable {
        if json.is_null() {
            return Ok(vec![0]);
        }
        write::long(1, &mut out);
    }
    match wanted.ty {
        Type::Boolean => out.push(u8::from(json.as_bool().ok_or_else(unfit)?)),
        Type::Int16 | Type::Int32 | Type::Int64 | Type::DateTime | Type::Date | Type::Time => {
            write::long(json.as_i64().ok_or_else(unfit)?, &mut out);
        }
        Type::Float32 => {
            out.extend_from_slice(&(json.as_f64().ok_or_else(unfit)? as f32).to_le_bytes())
        }
        Type::Float64 => out.extend_from_slice(&json.as_f64().ok_or_else(unfit)?.to_le_bytes()),
        Type::String | Type::Uuid | Type::Enum => {
            write::bytes(json.as_str().ok_or_else(unfit)?.as_bytes(), &mut out);
        }
        Type::Bytes | Type::Decimal { .. } => {
            // In Avro's JSON the characters of the string are the bytes.
            let bytes: Option<Vec<u8>> = json
                .as_str()
                .and_then(|text| text.chars().map(|byte| u8::try_from(byte).ok()).collect());
            write::bytes(&bytes.ok_or_else(unfit)?, &mut out);
        }
        Type::Array(_) | Type::Map(_) | Type::Struct(_) | Type::Unknown => return Err(unfit()),
    }
    Ok(out)
}

/// An entity's type in words.
fn name_of(ty: Type<'_>) -> String {
    match ty {
        Type::Boolean => "a boolean".to_owned(),
        Type::Int16 => "an int (i16)".to_owned(),
        Type::Int32 => "an int".to_owned(),
        Type::Int64 => "a long".to_owned(),
        Type::Float32 => "a float".to_owned(),
        Type::Float64 => "a double".to_owned(),
        Type::String => "a string".to_owned(),
        Type::Uuid => "a uuid".to_owned(),
        Type::Enum => "an enum as string".to_owned(),
        Type::Bytes => "bytes".to_owned(),
        Type::Decimal { precision, scale } => format!("a decimal({precision}, {scale})"),
        Type::DateTime => "a timestamp".to_owned(),
        Type::Date => "a date".to_owned(),
        Type::Time => "a time".to_owned(),
        Type::Array(item) => format!("an array of {}", name_of(item.ty)),
        Type::Map(item) => format!("a map of {}", name_of(item.ty)),
        Type::Struct(record) => format!("the struct `{}`", record.name),
        Type::Unknown => "an unknown type".to_owned(),
    }
}
