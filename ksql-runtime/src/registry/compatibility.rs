//! Whether what one Avro schema wrote can be read with another, and if not, which field and which rule forbid it.

use std::collections::{HashMap, HashSet};
use std::fmt;

use apache_avro::Schema;
use apache_avro::schema::{DecimalSchema, EnumSchema, RecordSchema};

use super::{Compatibility, RegistryError};

/// Who cannot read whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The new schema cannot read what the old one wrote.
    Backward,
    /// The old schema cannot read what the new one writes.
    Forward,
}

/// The rule a schema breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// The reader has a field the writer does not know, and no default for it.
    MissingDefault,
    /// The reader's type cannot hold the writer's.
    Type,
    /// Record, enum or fixed have different names.
    Name,
    /// The writer has an enum symbol the reader does not know, and no default for it.
    MissingSymbol,
    /// The writer's union has a branch the reader cannot hold.
    MissingBranch,
    /// Fixed types differ in size.
    Size,
    /// Decimals whose digits would be lost.
    Decimal,
    /// The same type with another meaning.
    LogicalType,
    /// A rule of the registry that is not among these; the message says it.
    Other,
}

/// One reason why one schema cannot read another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The field, by its path from the root; empty for the root itself.
    pub field: String,
    /// The rule.
    pub rule: Rule,
    /// Who cannot read whom.
    pub direction: Direction,
    /// The whole story.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Everything that forbids `reader` to read what `writer` wrote, in the order of the reader's fields. Schemas must have
/// been parsed from complete texts. The rules are those of Avro's schema resolution, as the Java registry checks them;
/// decimals and other logical types are looked at too, because reading them as something else gives wrong values.
pub fn violations(reader: &Schema, writer: &Schema, direction: Direction) -> Vec<Violation> {
    let mut check = Check {
        readers: named(reader),
        writers: named(writer),
        seen: HashSet::new(),
        direction,
        found: Vec::new(),
    };
    check.schema(reader, writer, "");
    check.found
}

/// What forbids a schema beside an earlier one of its subject, in the directions the level asks for.
pub(super) fn forbidden(level: Compatibility, schema: &Schema, earlier: &Schema) -> Vec<Violation> {
    let (backward, forward) = match level {
        Compatibility::None => (false, false),
        Compatibility::Backward | Compatibility::BackwardTransitive => (true, false),
        Compatibility::Forward | Compatibility::ForwardTransitive => (false, true),
        Compatibility::Full | Compatibility::FullTransitive => (true, true),
    };
    let mut found = Vec::new();
    if backward {
        found.extend(violations(schema, earlier, Direction::Backward));
    }
    if forward {
        found.extend(violations(earlier, schema, Direction::Forward));
    }
    found
}

/// Parses a text that is to stand, or stands, under a subject.
pub(super) fn parse(subject: &str, schema: &str) -> Result<Schema, RegistryError> {
    Schema::parse_str(schema).map_err(|error| RegistryError::InvalidSchema {
        subject: subject.to_owned(),
        defect: error.to_string(),
    })
}

/// The named types of a schema, by unqualified name: that is what compatibility goes by.
fn named(schema: &Schema) -> HashMap<String, &Schema> {
    let mut names = HashMap::new();
    collect(schema, &mut names);
    names
}

fn collect<'s>(schema: &'s Schema, names: &mut HashMap<String, &'s Schema>) {
    match schema {
        Schema::Record(record) => {
            names.insert(record.name.name().to_string(), schema);
            for field in &record.fields {
                collect(&field.schema, names);
            }
        }
        Schema::Enum(symbols) => drop(names.insert(symbols.name.name().to_string(), schema)),
        Schema::Fixed(fixed) => drop(names.insert(fixed.name.name().to_string(), schema)),
        Schema::Array(array) => collect(&array.items, names),
        Schema::Map(map) => collect(&map.types, names),
        Schema::Union(union) => {
            for branch in union.variants() {
                collect(branch, names);
            }
        }
        _ => {}
    }
}

struct Check<'s> {
    readers: HashMap<String, &'s Schema>,
    writers: HashMap<String, &'s Schema>,
    /// Pairs of records that are being or have been compared: schemas may be recursive.
    seen: HashSet<(String, String)>,
    direction: Direction,
    found: Vec<Violation>,
}

impl<'s> Check<'s> {
    fn schema(&mut self, reader: &'s Schema, writer: &'s Schema, path: &str) {
        let (reader, writer) = (
            resolved(reader, &self.readers),
            resolved(writer, &self.writers),
        );
        match (reader, writer) {
            (_, Schema::Union(union)) => {
                for branch in union.variants() {
                    let branch = resolved(branch, &self.writers);
                    if !self.reads(reader, branch, path) {
                        // With one candidate in question its own story says more than "no branch fits".
                        match only_candidate(reader, branch, &self.readers) {
                            Some(candidate) => self.schema(candidate, branch, path),
                            None => self.say(
                                path,
                                Rule::MissingBranch,
                                format!(
                                    "may be {} there, which {} here cannot hold",
                                    name_of(branch),
                                    name_of(reader)
                                ),
                            ),
                        }
                    }
                }
            }
            (Schema::Union(union), _) => {
                if union
                    .variants()
                    .iter()
                    .any(|branch| self.reads(branch, writer, path))
                {
                    return;
                }
                match only_candidate(reader, writer, &self.readers) {
                    Some(candidate) => self.schema(candidate, writer, path),
                    None => self.say(
                        path,
                        Rule::Type,
                        format!("is {} there, and {} here", name_of(writer), name_of(reader)),
                    ),
                }
            }
            (Schema::Record(reader), Schema::Record(writer)) => self.record(reader, writer, path),
            (Schema::Array(reader), Schema::Array(writer)) => {
                self.schema(&reader.items, &writer.items, &format!("{path}[]"))
            }
            (Schema::Map(reader), Schema::Map(writer)) => {
                self.schema(&reader.types, &writer.types, &format!("{path}{{}}"))
            }
            (Schema::Enum(reader), Schema::Enum(writer)) => self.symbols(reader, writer, path),
            (Schema::Decimal(reader), Schema::Decimal(writer)) => {
                self.decimal(reader, writer, path)
            }
            (Schema::Fixed(reader), Schema::Fixed(writer)) => {
                if reader.size != writer.size {
                    self.say(
                        path,
                        Rule::Size,
                        format!("has {} bytes there, and {} here", writer.size, reader.size),
                    );
                }
            }
            (reader, writer) => match scalar(reader, writer) {
                Fit::Fits => {}
                Fit::OtherMeaning => self.say(
                    path,
                    Rule::LogicalType,
                    format!(
                        "is {} there, and {} here: the same bytes mean something else",
                        name_of(writer),
                        name_of(reader)
                    ),
                ),
                Fit::No => self.say(
                    path,
                    Rule::Type,
                    format!("is {} there, and {} here", name_of(writer), name_of(reader)),
                ),
            },
        }
    }

    /// Whether a branch fits, leaving no trace of the attempt.
    fn reads(&mut self, reader: &'s Schema, writer: &'s Schema, path: &str) -> bool {
        let (before, seen) = (self.found.len(), self.seen.clone());
        self.schema(reader, writer, path);
        let fits = self.found.len() == before;
        if !fits {
            self.found.truncate(before);
            self.seen = seen;
        }
        fits
    }

    fn record(&mut self, reader: &'s RecordSchema, writer: &'s RecordSchema, path: &str) {
        let (reader_name, writer_name) = (
            reader.name.name().to_string(),
            writer.name.name().to_string(),
        );
        let aliased = reader
            .aliases
            .iter()
            .flatten()
            .any(|alias| alias.name() == writer_name);
        if reader_name != writer_name && !aliased {
            self.say(
                path,
                Rule::Name,
                format!("is the record `{writer_name}` there, and `{reader_name}` here"),
            );
            return;
        }
        if !self.seen.insert((reader_name, writer_name)) {
            return;
        }
        for field in &reader.fields {
            let path = if path.is_empty() {
                field.name.clone()
            } else {
                format!("{path}.{}", field.name)
            };
            let known = |name: &str| {
                writer
                    .fields
                    .iter()
                    .find(|candidate| candidate.name == name)
            };
            match known(&field.name).or_else(|| field.aliases.iter().find_map(|alias| known(alias)))
            {
                Some(written) => self.schema(&field.schema, &written.schema, &path),
                None if field.default.is_some() => {}
                None => self.say(
                    &path,
                    Rule::MissingDefault,
                    "is not there, and has no default here: make it optional, or give it a default"
                        .to_owned(),
                ),
            }
        }
    }

    fn symbols(&mut self, reader: &EnumSchema, writer: &EnumSchema, path: &str) {
        let (here, there) = (reader.name.name(), writer.name.name());
        if here != there {
            self.say(
                path,
                Rule::Name,
                format!("is the enum `{there}` there, and `{here}` here"),
            );
            return;
        }
        let unknown: Vec<&str> = writer
            .symbols
            .iter()
            .filter(|symbol| !reader.symbols.contains(symbol))
            .map(String::as_str)
            .collect();
        if !unknown.is_empty() && reader.default.is_none() {
            self.say(
                path,
                Rule::MissingSymbol,
                format!("may be {} there, which is unknown here", unknown.join(", ")),
            );
        }
    }

    fn decimal(&mut self, reader: &DecimalSchema, writer: &DecimalSchema, path: &str) {
        let fits = reader.scale == writer.scale && reader.precision >= writer.precision;
        if !fits {
            self.say(
                path,
                Rule::Decimal,
                format!(
                    "is a decimal({}, {}) there, and a decimal({}, {}) here: the scale must stay, the precision may grow",
                    writer.precision, writer.scale, reader.precision, reader.scale
                ),
            );
        }
    }

    fn say(&mut self, path: &str, rule: Rule, story: String) {
        let (here, there) = match self.direction {
            Direction::Backward => ("the new schema", "the earlier one"),
            Direction::Forward => ("the earlier schema", "the new one"),
        };
        let what = if path.is_empty() {
            "the schema itself".to_owned()
        } else {
            format!("field `{path}`")
        };
        let message = format!("{here} cannot read what {there} writes: {what} {story}")
            .replace(" there,", &format!(" in {there},"))
            .replace(" there:", &format!(" in {there}:"))
            .replace(" here:", &format!(" in {here}:"))
            .replace(" here cannot ", &format!(" in {here} cannot "));
        let message = match message.strip_suffix(" here") {
            Some(start) => format!("{start} in {here}"),
            None => message,
        };
        self.found.push(Violation {
            field: path.to_owned(),
            rule,
            direction: self.direction,
            message,
        });
    }
}

fn resolved<'s>(schema: &'s Schema, names: &HashMap<String, &'s Schema>) -> &'s Schema {
    match schema {
        Schema::Ref { name } => names
            .get(&name.name().to_string())
            .copied()
            .unwrap_or(schema),
        other => other,
    }
}

/// The one branch of a union that is of the writer's kind: what `Option` fields come down to.
fn only_candidate<'s>(
    reader: &'s Schema,
    writer: &Schema,
    names: &HashMap<String, &'s Schema>,
) -> Option<&'s Schema> {
    let Schema::Union(union) = reader else {
        return None;
    };
    let mut candidates = union
        .variants()
        .iter()
        .map(|branch| resolved(branch, names))
        .filter(|branch| {
            !matches!(branch, Schema::Null)
                && std::mem::discriminant(*branch) == std::mem::discriminant(writer)
        });
    candidates.next().filter(|_| candidates.next().is_none())
}

enum Fit {
    Fits,
    OtherMeaning,
    No,
}

fn scalar(reader: &Schema, writer: &Schema) -> Fit {
    use Schema::{
        BigDecimal, Boolean, Bytes, Date, Decimal, Double, Float, Int, LocalTimestampMicros,
        LocalTimestampMillis, Long, Null, String as Text, TimeMicros, TimeMillis, TimestampMicros,
        TimestampMillis, TimestampNanos, Uuid,
    };
    let base = |schema: &Schema| match schema {
        Date | TimeMillis => "int",
        TimeMicros | TimestampMillis | TimestampMicros | TimestampNanos | LocalTimestampMillis
        | LocalTimestampMicros => "long",
        Decimal(_) | BigDecimal => "bytes",
        Uuid(_) => "string",
        Int => "int",
        Long => "long",
        Bytes => "bytes",
        Text => "string",
        _ => "",
    };
    match (reader, writer) {
        (Null, Null)
        | (Boolean, Boolean)
        | (Int, Int)
        | (Long, Int | Long)
        | (Float, Int | Long | Float) => Fit::Fits,
        (Double, Int | Long | Float | Double) | (Bytes | Text, Bytes | Text) => Fit::Fits,
        // A plain number or text read with a meaning, or the other way round: the bytes are the same.
        (Int | Long | Bytes | Text, other) | (other, Int | Long | Bytes | Text)
            if base(reader) == base(writer) && !base(other).is_empty() =>
        {
            Fit::Fits
        }
        _ if std::mem::discriminant(reader) == std::mem::discriminant(writer) => Fit::Fits,
        _ if !base(reader).is_empty() && base(reader) == base(writer) => Fit::OtherMeaning,
        _ => Fit::No,
    }
}

/// A schema's type in words of Avro.
fn name_of(schema: &Schema) -> String {
    match schema {
        Schema::Null => "null".to_owned(),
        Schema::Boolean => "a boolean".to_owned(),
        Schema::Int => "an int".to_owned(),
        Schema::Long => "a long".to_owned(),
        Schema::Float => "a float".to_owned(),
        Schema::Double => "a double".to_owned(),
        Schema::Bytes => "bytes".to_owned(),
        Schema::String => "a string".to_owned(),
        Schema::Array(_) => "an array".to_owned(),
        Schema::Map(_) => "a map".to_owned(),
        Schema::Record(record) => format!("the record `{}`", record.name.name()),
        Schema::Enum(symbols) => format!("the enum `{}`", symbols.name.name()),
        Schema::Fixed(fixed) => format!("the fixed `{}`", fixed.name.name()),
        Schema::Decimal(decimal) => format!("a decimal({}, {})", decimal.precision, decimal.scale),
        Schema::Date => "a date".to_owned(),
        Schema::TimeMillis | Schema::TimeMicros => "a time".to_owned(),
        Schema::TimestampMillis => "a timestamp in milliseconds".to_owned(),
        Schema::TimestampMicros => "a timestamp in microseconds".to_owned(),
        Schema::TimestampNanos => "a timestamp in nanoseconds".to_owned(),
        Schema::Uuid(_) => "a uuid".to_owned(),
        Schema::Union(union) => {
            let branches: Vec<String> = union.variants().iter().map(name_of).collect();
            format!("one of {}", branches.join(", "))
        }
        Schema::Ref { name } => format!("`{}`", name.name()),
        _ => "another type".to_owned(),
    }
}
