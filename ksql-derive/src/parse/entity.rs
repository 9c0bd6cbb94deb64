//! The attributes of the struct: `#[topic]`, `#[stream]`, `#[table]`, `#[entity]`. Windows stand in `window`.

use ksql_schema::{Cleanup, SubjectStrategy, ValueFormat};
use syn::{Attribute, DeriveInput, Fields, Lit};

use super::args::{Arg, Value, arguments, name_of, no_arguments};
use super::field;
use super::options::{ContainerOptions, EntityOptions, TopicOptions};
use super::read::{Wanted, duration, integer, once, path, string, unknown_key, word};
use super::window;
use crate::errors::{At, Errors, Place};

const TOPIC: &str = "#[topic(\"orders\", partitions = 3)]";
const TOPIC_KEYS: &[&str] = &["partitions", "replication", "retention", "cleanup"];
const ENTITY: &str = "#[entity(namespace = \"com.shop\")]";
const ENTITY_KEYS: &[&str] = &[
    "relaxed",
    "namespace",
    "name",
    "value_format",
    "subjects",
    "crate",
];
/// Attributes that belong on fields.
const ON_FIELDS: &[&str] = &[
    "key",
    "kafka_ignore",
    "decimal_precision",
    "datetime_format",
    "default_value",
    "max_length",
    "timestamp",
    "avro_timestamp",
    "window_start",
    "window_end",
    "gap",
];

/// Reads a struct whose item kind was checked before.
pub(crate) fn parse(input: &DeriveInput, fields: &Fields, errors: &mut Errors) -> EntityOptions {
    let mut options = EntityOptions {
        ident: input.ident.clone(),
        vis: input.vis.clone(),
        topic: None,
        stream: None,
        table: None,
        window: None,
        container: ContainerOptions::default(),
        fields: Vec::new(),
        failed: Vec::new(),
    };
    for attr in &input.attrs {
        struct_attribute(attr, &mut options, errors);
    }
    let mode = crate::model::mode(&options);
    options.fields = fields
        .iter()
        .filter_map(|item| field::parse(item, mode, errors))
        .collect();
    options
}

fn struct_attribute(attr: &Attribute, options: &mut EntityOptions, errors: &mut Errors) {
    let name = name_of(attr);
    let place = Place::of(&attr.meta);
    let before = errors.len();
    match name.as_str() {
        "topic" => {
            let topic = topic(attr, errors);
            once(&mut options.topic, "#[topic]", place, Some(topic), errors);
            failed(options, "topic", before, errors);
        }
        "stream" => {
            no_arguments(attr, errors);
            once(&mut options.stream, "#[stream]", place, Some(place), errors);
        }
        "table" => {
            no_arguments(attr, errors);
            once(&mut options.table, "#[table]", place, Some(place), errors);
        }
        "window" => {
            let window = window::parse(attr, errors);
            once(
                &mut options.window,
                "#[window]",
                place,
                Some(window),
                errors,
            );
            failed(options, "window", before, errors);
        }
        "entity" => {
            container(attr, &mut options.container, errors);
            failed(options, "entity", before, errors);
        }
        other if ON_FIELDS.contains(&other) => errors.push(
            place,
            format!("`#[{other}]` belongs on a field, not on the struct"),
            "move it to the field it describes",
        ),
        _ => {}
    }
}

fn failed(options: &mut EntityOptions, attribute: &'static str, before: usize, errors: &Errors) {
    if errors.len() > before {
        options.failed.push(attribute);
    }
}

fn topic(attr: &Attribute, errors: &mut Errors) -> TopicOptions {
    let mut topic = TopicOptions {
        place: Place::of(&attr.meta),
        name: None,
        partitions: None,
        replication: None,
        retention_ms: None,
        cleanup: None,
    };
    let Some(arguments) = arguments(attr, TOPIC, errors) else {
        return topic;
    };
    let before = errors.len();
    for argument in &arguments {
        match argument {
            Arg::Alone(value) => topic_name(value, &mut topic.name, errors),
            Arg::Keyed(key, value) => topic_key(key, value, &mut topic, errors),
        }
    }
    if topic.name.is_none() && errors.len() == before {
        errors.push(
            topic.place,
            "`#[topic]` has no topic name",
            format!("the name comes first: `{TOPIC}`"),
        );
    }
    topic
}

fn topic_name(value: &At<Value>, name: &mut Option<At<String>>, errors: &mut Errors) {
    match (&value.value, value.value.name()) {
        (Value::Literal(Lit::Str(text)), _) => {
            let text = At {
                value: text.value(),
                place: value.place,
            };
            once(name, "the topic name", value.place, Some(text), errors);
        }
        (_, Some(word)) if TOPIC_KEYS.contains(&word.as_str()) => {
            errors.push(
                value.place,
                format!("`{word}` has no value"),
                format!("write `{word} = ...`, as in `{TOPIC}`"),
            );
        }
        _ => errors.push(
            value.place,
            format!("a topic's name is a string, not {}", value.value.describe()),
            format!("write `{TOPIC}`"),
        ),
    }
}

fn topic_key(key: &At<String>, value: &At<Value>, topic: &mut TopicOptions, errors: &mut Errors) {
    let wanted = |example| Wanted {
        key: &key.value,
        example,
    };
    let place = key.place.to(value.place);
    match key.value.as_str() {
        "partitions" => {
            let wanted = wanted("#[topic(\"orders\", partitions = 3)]");
            let read = integer(value, wanted, errors);
            once(&mut topic.partitions, &key.value, place, read, errors);
        }
        "replication" => {
            let wanted = wanted("#[topic(\"orders\", replication = 1)]");
            let read = integer(value, wanted, errors);
            once(&mut topic.replication, &key.value, place, read, errors);
        }
        "retention" => {
            let read = retention(
                value,
                wanted("#[topic(\"orders\", retention = \"7d\")]"),
                errors,
            );
            once(&mut topic.retention_ms, &key.value, place, read, errors);
        }
        "cleanup" => {
            let words = [
                ("delete", Cleanup::Delete),
                ("compact", Cleanup::Compact),
                ("compact,delete", Cleanup::CompactDelete),
            ];
            let read = word(
                value,
                &words,
                wanted("#[topic(\"orders\", cleanup = \"compact\")]"),
                errors,
            );
            once(&mut topic.cleanup, &key.value, place, read, errors);
        }
        _ => unknown_key(key, "topic", TOPIC_KEYS, errors),
    }
}

/// A topic's retention: a duration, or `unlimited`, which Kafka writes as -1.
fn retention(value: &At<Value>, wanted: Wanted<'_>, errors: &mut Errors) -> Option<At<i64>> {
    if let Value::Literal(Lit::Str(text)) = &value.value
        && text.value() == "unlimited"
    {
        return Some(At {
            value: -1,
            place: value.place,
        });
    }
    let millis = duration(value, wanted, errors)?;
    match i64::try_from(millis.value) {
        Ok(value) => Some(At {
            value,
            place: millis.place,
        }),
        Err(_) => {
            errors.push(
                millis.place,
                "`retention` is out of range",
                "write `retention = \"unlimited\"`",
            );
            None
        }
    }
}

fn container(attr: &Attribute, options: &mut ContainerOptions, errors: &mut Errors) {
    let Some(arguments) = arguments(attr, ENTITY, errors) else {
        return;
    };
    for argument in &arguments {
        match argument {
            Arg::Alone(value) => match value.value.name().as_deref() {
                Some("relaxed") => once(
                    &mut options.relaxed,
                    "relaxed",
                    value.place,
                    Some(value.place),
                    errors,
                ),
                Some(word) if ENTITY_KEYS.contains(&word) => errors.push(
                    value.place,
                    format!("`{word}` has no value"),
                    format!("write `{word} = ...`, as in `{ENTITY}`"),
                ),
                Some(word) => {
                    let key = At {
                        value: word.to_owned(),
                        place: value.place,
                    };
                    unknown_key(&key, "entity", ENTITY_KEYS, errors);
                }
                None => errors.push(
                    value.place,
                    format!(
                        "`#[entity]` takes `key = value` pairs, not {}",
                        value.value.describe()
                    ),
                    format!("write `{ENTITY}`"),
                ),
            },
            Arg::Keyed(key, value) => container_key(key, value, options, errors),
        }
    }
}

fn container_key(
    key: &At<String>,
    value: &At<Value>,
    options: &mut ContainerOptions,
    errors: &mut Errors,
) {
    let wanted = |example| Wanted {
        key: &key.value,
        example,
    };
    let place = key.place.to(value.place);
    match key.value.as_str() {
        "relaxed" => errors.push(
            place,
            "`relaxed` takes no value",
            "write `#[entity(relaxed)]`, or remove it",
        ),
        "namespace" => {
            let read = string(value, wanted(ENTITY), errors);
            once(&mut options.namespace, &key.value, place, read, errors);
        }
        "name" => {
            let read = string(value, wanted("#[entity(name = \"OrderRecord\")]"), errors);
            once(&mut options.name, &key.value, place, read, errors);
        }
        "value_format" => {
            let words = [("avro", ValueFormat::Avro)];
            let read = word(
                value,
                &words,
                wanted("#[entity(value_format = \"avro\")]"),
                errors,
            );
            once(&mut options.value_format, &key.value, place, read, errors);
        }
        "subjects" => {
            let words = [
                ("topic", SubjectStrategy::TopicName),
                ("record", SubjectStrategy::RecordName),
                ("topic_record", SubjectStrategy::TopicRecordName),
            ];
            let read = word(
                value,
                &words,
                wanted("#[entity(subjects = \"topic\")]"),
                errors,
            );
            once(&mut options.subjects, &key.value, place, read, errors);
        }
        "crate" => {
            let read = path(
                value,
                wanted("#[entity(crate = my_facade::ksql_runtime)]"),
                errors,
            );
            once(&mut options.krate, &key.value, place, read, errors);
        }
        _ => unknown_key(key, "entity", ENTITY_KEYS, errors),
    }
}

/// The path in `#[entity(crate = ..)]` or `#[nested(crate = ..)]`, read leniently: stubs need it even where the
/// rest of the attribute is wrong.
pub(crate) fn crate_path(attrs: &[Attribute], attribute: &str) -> Option<proc_macro2::TokenStream> {
    let mut silent = Errors::default();
    attrs
        .iter()
        .filter(|attr| name_of(attr) == attribute)
        .filter_map(|attr| arguments(attr, ENTITY, &mut silent))
        .flatten()
        .find_map(|argument| match argument {
            Arg::Keyed(
                key,
                At {
                    value: Value::Path(tokens),
                    ..
                },
            ) if key.value == "crate" => Some(tokens),
            _ => None,
        })
}
