//! Third stage: the rules of `ksql-schema` over the model, each finding put where the user wrote the cause.

use ksql_schema::{Finding, Locus, Severity, WindowKind, rules};

use crate::errors::{Errors, Place, text};
use crate::model::with_model;
use crate::parse::options::{EntityOptions, FieldOptions};
use crate::types;

/// A doubtful definition that compiles.
#[derive(Debug)]
pub(crate) struct Warning {
    pub(crate) place: Place,
    pub(crate) code: &'static str,
    pub(crate) text: String,
}

/// Judges the definition: errors are pushed, warnings returned.
pub(crate) fn validate(options: &EntityOptions, errors: &mut Errors) -> Vec<Warning> {
    contradiction(options, errors);
    let mut warnings: Vec<Warning> = options.fields.iter().filter_map(conversion).collect();
    for finding in with_model(options, rules::validate) {
        if already_reported(options, finding.locus) {
            continue;
        }
        report(options, &finding, errors, &mut warnings);
    }
    warnings
}

/// A column of a type that relaxed mode writes as another.
fn conversion(field: &FieldOptions) -> Option<Warning> {
    if !field.recognised.converted {
        return None;
    }
    let (_, place, [message, help]) = types::converted(&field.ty)?;
    Some(Warning {
        place,
        code: rules::converted::CODE,
        text: text(&message, &help),
    })
}

fn report(
    options: &EntityOptions,
    finding: &Finding,
    errors: &mut Errors,
    warnings: &mut Vec<Warning>,
) {
    let place = place(options, finding.locus);
    let message = format!("{} [{}]", finding.message, finding.code);
    match finding.severity {
        Severity::Error => {
            errors.push(place, &message, &finding.help);
            if let Some((locus, related)) = &finding.related {
                errors.push(self::place(options, *locus), related, "");
            }
        }
        Severity::Warning => {
            warnings.push(Warning {
                place,
                code: finding.code,
                text: text(&finding.message, &finding.help),
            });
        }
    }
}

/// `#[stream]` with `#[table]`: the model holds one of them.
fn contradiction(options: &EntityOptions, errors: &mut Errors) {
    let (Some(stream), Some(table)) = (options.stream, options.table) else {
        return;
    };
    let name = &options.ident;
    errors.push(
        stream,
        format!("`{name}` cannot be a stream and a table"),
        "keep `#[table]` where the latest record of a key counts, `#[stream]` where every record counts",
    );
    errors.push(table, format!("`{name}` is made a table here"), "");
}

/// Whether parsing failed where a finding points: its cause is likely the same mistake.
fn already_reported(options: &EntityOptions, locus: Locus) -> bool {
    match locus {
        Locus::Entity => false,
        Locus::Attribute(attribute, _) => options.failed.contains(&attribute),
        Locus::FieldName(index) | Locus::FieldType(index) | Locus::FieldAttribute(index, _) => {
            options.fields.get(index).is_some_and(|field| field.failed)
        }
    }
}

fn place(options: &EntityOptions, locus: Locus) -> Place {
    let entity = Place::of(&options.ident);
    match locus {
        Locus::Entity => entity,
        Locus::Attribute(attribute, key) => {
            attribute_place(options, attribute, key).unwrap_or(entity)
        }
        Locus::FieldName(index) => options
            .fields
            .get(index)
            .map_or(entity, |field| Place::of(&field.ident)),
        Locus::FieldType(index) => options
            .fields
            .get(index)
            .map_or(entity, |field| Place::of(&field.ty)),
        Locus::FieldAttribute(index, attribute) => {
            options.fields.get(index).map_or(entity, |field| {
                field_attribute_place(field, attribute).unwrap_or_else(|| Place::of(&field.ident))
            })
        }
    }
}

fn attribute_place(options: &EntityOptions, attribute: &str, key: &str) -> Option<Place> {
    let container = &options.container;
    match attribute {
        "topic" => {
            let topic = options.topic.as_ref()?;
            let exact = match key {
                "partitions" => topic.partitions.as_ref().map(|at| at.place),
                "replication" => topic.replication.as_ref().map(|at| at.place),
                "retention" => topic.retention_ms.as_ref().map(|at| at.place),
                "cleanup" => topic.cleanup.as_ref().map(|at| at.place),
                _ => topic.name.as_ref().map(|at| at.place),
            };
            Some(exact.unwrap_or(topic.place))
        }
        "window" => {
            let window = options.window.as_ref()?;
            let exact = match key {
                "advance" => window.advance_ms.as_ref().map(|at| at.place),
                "gap" => window.session_gap.as_ref().map(|at| at.place),
                "grace" => window.grace_ms.as_ref().map(|at| at.place),
                "retention" => window.retention_ms.as_ref().map(|at| at.place),
                "gaps" => window.gaps.as_ref().map(|at| at.place),
                "gap_horizon" => window.gap_horizon.as_ref().map(|at| at.place),
                "" => None,
                "kind" | "tumbling" | "hopping" | "session" => {
                    window.kind.as_ref().map(|at| at.place)
                }
                _ if window
                    .kind
                    .as_ref()
                    .is_some_and(|kind| kind.value == WindowKind::Session) =>
                {
                    window.session_gap.as_ref().map(|at| at.place)
                }
                _ => window.sizes.as_ref().map(|at| at.place),
            };
            Some(exact.unwrap_or(window.place))
        }
        "stream" => options.stream,
        "table" => options.table,
        "entity" => match key {
            "namespace" => container.namespace.as_ref().map(|at| at.place),
            "name" => container.name.as_ref().map(|at| at.place),
            "value_format" => container.value_format.as_ref().map(|at| at.place),
            "subjects" => container.subjects.as_ref().map(|at| at.place),
            "relaxed" => container.relaxed,
            _ => None,
        },
        _ => None,
    }
}

fn field_attribute_place(field: &FieldOptions, attribute: &str) -> Option<Place> {
    match attribute {
        "key" => field
            .key
            .as_ref()
            .map(|key| key.order.as_ref().map_or(key.place, |order| order.place)),
        "kafka_ignore" => field.ignore,
        "decimal_precision" => field.decimal_precision.as_ref().map(|at| at.place),
        "datetime_format" => field.datetime_format.as_ref().map(|at| at.place),
        "default_value" => field.default_value.as_ref().map(|at| at.place),
        "max_length" => field.max_length.as_ref().map(|at| at.place),
        "timestamp" => field.timestamp,
        "avro_timestamp" => field.avro_timestamp,
        "window_start" => field.window_start,
        "window_end" => field.window_end,
        "gap" => field.gap.as_ref().map(|at| at.place),
        _ => None,
    }
}
