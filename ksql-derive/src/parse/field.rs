//! The attributes of a field.

use ksql_schema::Mode;
use syn::{Attribute, Field, Lit, Meta};

use super::args::{Arg, Value, arguments, name_of, no_arguments, plain};
use super::options::{FieldOptions, GapOptions, KeyOptions};
use super::read::{Wanted, integer, once, string, unknown_key};
use crate::errors::{At, Errors, Place};
use crate::types::{self, Inside};

const KEY: &str = "#[key(order = 0)]";
const DECIMAL: &str = "#[decimal_precision(18, 4)]";
const FORMAT: &str = "#[datetime_format(\"yyyy-MM-dd HH:mm:ss\")]";
const DEFAULT: &str = "#[default_value(5)]";
const LENGTH: &str = "#[max_length(12)]";
const GAP: &str = "#[gap(zero)]";
/// Attributes that belong on the struct.
const ON_STRUCT: &[&str] = &["topic", "stream", "table", "window", "entity"];

/// Reads a named field; `None` only for what cannot be in a struct with named fields.
pub(crate) fn parse(field: &Field, mode: Mode, errors: &mut Errors) -> Option<FieldOptions> {
    let ident = field.ident.clone()?;
    let before = errors.len();
    let mut options = FieldOptions {
        name: plain(&ident.to_string()),
        ident,
        vis: field.vis.clone(),
        docs: field
            .attrs
            .iter()
            .filter(|attr| attr.path().is_ident("doc"))
            .cloned()
            .collect(),
        ty: field.ty.clone(),
        recognised: types::Recognised::default(),
        key: None,
        ignore: None,
        decimal_precision: None,
        datetime_format: None,
        default_value: None,
        max_length: None,
        timestamp: None,
        avro_timestamp: None,
        window_start: None,
        window_end: None,
        gap: None,
        failed: false,
    };
    for attr in &field.attrs {
        attribute(attr, &mut options, errors);
    }
    one_role(&options, errors);
    // A field that is nowhere but in the struct may have any type.
    if options.ignore.is_none() {
        let converted = (mode == Mode::Relaxed && is_bare(&options))
            .then(|| types::converted(&field.ty))
            .flatten();
        options.recognised = match converted {
            Some((recognised, ..)) => recognised,
            None => types::recognise(&field.ty, Inside::Column, errors),
        };
    }
    options.failed = errors.len() > before;
    Some(options)
}

/// Whether no attribute says more about the column than its type. Only then is a conversion certain to be meant.
fn is_bare(options: &FieldOptions) -> bool {
    let FieldOptions {
        ident: _,
        name: _,
        vis: _,
        docs: _,
        ty: _,
        recognised: _,
        key,
        ignore,
        decimal_precision,
        datetime_format,
        default_value,
        max_length,
        timestamp,
        avro_timestamp,
        window_start,
        window_end,
        gap,
        failed: _,
    } = options;
    let places = [ignore, timestamp, avro_timestamp, window_start, window_end];
    key.is_none()
        && decimal_precision.is_none()
        && datetime_format.is_none()
        && default_value.is_none()
        && max_length.is_none()
        && gap.is_none()
        && places.iter().all(|place| place.is_none())
}

fn attribute(attr: &Attribute, options: &mut FieldOptions, errors: &mut Errors) {
    let name = name_of(attr);
    let place = Place::of(&attr.meta);
    let shown = format!("#[{name}]");
    match name.as_str() {
        "key" => {
            let key = key(attr, errors);
            once(&mut options.key, &shown, place, Some(key), errors);
        }
        "kafka_ignore" => flag(attr, &mut options.ignore, errors),
        "timestamp" => flag(attr, &mut options.timestamp, errors),
        "avro_timestamp" => flag(attr, &mut options.avro_timestamp, errors),
        "window_start" => flag(attr, &mut options.window_start, errors),
        "window_end" => flag(attr, &mut options.window_end, errors),
        "decimal_precision" => {
            let read = decimal(attr, errors);
            once(&mut options.decimal_precision, &shown, place, read, errors);
        }
        "datetime_format" => {
            let read = single(attr, FORMAT, errors).and_then(|value| {
                string(
                    &value,
                    Wanted {
                        key: "datetime_format",
                        example: FORMAT,
                    },
                    errors,
                )
            });
            once(&mut options.datetime_format, &shown, place, read, errors);
        }
        "default_value" => {
            let read =
                single(attr, DEFAULT, errors).and_then(|value| default_value(&value, errors));
            once(&mut options.default_value, &shown, place, read, errors);
        }
        "max_length" => {
            let read = single(attr, LENGTH, errors).and_then(|value| {
                integer(
                    &value,
                    Wanted {
                        key: "max_length",
                        example: LENGTH,
                    },
                    errors,
                )
            });
            once(&mut options.max_length, &shown, place, read, errors);
        }
        "gap" => {
            let read = gap(attr, errors);
            once(&mut options.gap, &shown, place, read, errors);
        }
        other if ON_STRUCT.contains(&other) => errors.push(
            place,
            format!("`#[{other}]` belongs on the struct, not on a field"),
            "move it above the struct",
        ),
        _ => {}
    }
}

fn flag(attr: &Attribute, slot: &mut Option<Place>, errors: &mut Errors) {
    no_arguments(attr, errors);
    let place = Place::of(&attr.meta);
    once(
        slot,
        &format!("#[{}]", name_of(attr)),
        place,
        Some(place),
        errors,
    );
}

fn key(attr: &Attribute, errors: &mut Errors) -> KeyOptions {
    let mut key = KeyOptions {
        place: Place::of(&attr.meta),
        order: None,
    };
    if let Meta::Path(_) = &attr.meta {
        return key;
    }
    for argument in arguments(attr, KEY, errors).unwrap_or_default() {
        match argument {
            Arg::Keyed(name, value) if name.value == "order" => {
                let read = integer(
                    &value,
                    Wanted {
                        key: "order",
                        example: KEY,
                    },
                    errors,
                );
                once(
                    &mut key.order,
                    "order",
                    name.place.to(value.place),
                    read,
                    errors,
                );
            }
            Arg::Keyed(name, _) => unknown_key(&name, "key", &["order"], errors),
            Arg::Alone(value) => errors.push(
                value.place,
                "`#[key]` takes `order = n` or nothing",
                "write `#[key]`, or `#[key(order = 0)]` to spell out the order of a composite key",
            ),
        }
    }
    key
}

fn decimal(attr: &Attribute, errors: &mut Errors) -> Option<At<(u32, u32)>> {
    let arguments = arguments(attr, DECIMAL, errors)?;
    match arguments.as_slice() {
        [Arg::Alone(precision), Arg::Alone(scale)] => {
            let wanted = |key| Wanted {
                key,
                example: DECIMAL,
            };
            let place = precision.place.to(scale.place);
            let precision = integer::<u32>(precision, wanted("precision"), errors);
            let scale = integer::<u32>(scale, wanted("scale"), errors);
            Some(At {
                value: (precision?.value, scale?.value),
                place,
            })
        }
        _ => {
            errors.push(
                Place::of(&attr.meta),
                "`#[decimal_precision]` takes two integers: precision and scale",
                format!(
                    "precision counts all digits, scale those after the point: write `{DECIMAL}`"
                ),
            );
            None
        }
    }
}

/// The one positional argument of an attribute.
fn single(attr: &Attribute, form: &str, errors: &mut Errors) -> Option<At<Value>> {
    let arguments = arguments(attr, form, errors)?;
    match arguments.as_slice() {
        [Arg::Alone(value)] => Some(value.clone()),
        _ => {
            errors.push(
                Place::of(&attr.meta),
                format!("`#[{}]` takes one value", name_of(attr)),
                format!("write `{form}`"),
            );
            None
        }
    }
}

/// A default as JSON text, which is what Avro's `default` holds.
fn default_value(value: &At<Value>, errors: &mut Errors) -> Option<At<String>> {
    let text = match &value.value {
        Value::Literal(Lit::Bool(bool)) => Some(bool.value.to_string()),
        Value::Literal(Lit::Str(text)) => Some(json_string(&text.value())),
        Value::Literal(Lit::Int(number)) => Some(number.base10_digits().to_owned()),
        Value::Literal(Lit::Float(number)) => Some(json_float(number.base10_digits())),
        Value::Negative(Lit::Int(number)) => Some(format!("-{}", number.base10_digits())),
        Value::Negative(Lit::Float(number)) => {
            Some(format!("-{}", json_float(number.base10_digits())))
        }
        _ => None,
    };
    if text.is_none() {
        errors.push(
            value.place,
            format!(
                "a default is a bool, a number or a string, not {}",
                value.value.describe()
            ),
            format!("write `{DEFAULT}`, `#[default_value(\"new\")]` or `#[default_value(false)]`"),
        );
    }
    text.map(|text| At {
        value: text,
        place: value.place,
    })
}

/// Rust allows `1.`, JSON does not.
fn json_float(digits: &str) -> String {
    if digits.ends_with('.') {
        format!("{digits}0")
    } else {
        digits.replace(".e", ".0e")
    }
}

fn json_string(text: &str) -> String {
    let mut json = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            control if control < ' ' => json.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => json.push(other),
        }
    }
    json.push('"');
    json
}

fn gap(attr: &Attribute, errors: &mut Errors) -> Option<At<GapOptions>> {
    let arguments = arguments(attr, GAP, errors)?;
    match arguments.as_slice() {
        [Arg::Alone(value)] if value.value.name().as_deref() == Some("zero") => Some(At {
            value: GapOptions::Zero,
            place: value.place,
        }),
        [Arg::Keyed(key, value)] if key.value == "from" => {
            let source = match &value.value {
                Value::Literal(Lit::Str(text)) => Some(text.value()),
                other => other.name(),
            };
            if source.is_none() {
                errors.push(
                    value.place,
                    "`from` names a field of this struct",
                    "write `#[gap(from = close)]`",
                );
            }
            source.map(|name| At {
                value: GapOptions::From(name),
                place: value.place,
            })
        }
        [Arg::Keyed(key, _)] => {
            unknown_key(key, "gap", &["zero", "from"], errors);
            None
        }
        _ => {
            errors.push(
                Place::of(&attr.meta),
                "`#[gap]` says what a gap row holds in one way",
                "write `#[gap(zero)]` or `#[gap(from = close)]`",
            );
            None
        }
    }
}

/// A field is one thing: a key, a window bound, ignored, or a value column. The model can hold only one of them,
/// so a second one is reported here.
fn one_role(options: &FieldOptions, errors: &mut Errors) {
    let key = options.key.as_ref().map(|key| key.place);
    let roles = [
        ("#[key]", key),
        ("#[window_start]", options.window_start),
        ("#[window_end]", options.window_end),
        ("#[kafka_ignore]", options.ignore),
    ];
    let mut present = roles
        .iter()
        .filter_map(|(name, place)| place.map(|place| (*name, place)));
    let Some((first, _)) = present.next() else {
        return;
    };
    for (second, place) in present {
        let message = format!("`{}` cannot be both `{first}` and `{second}`", options.name);
        let help = match (first, second) {
            ("#[key]", "#[kafka_ignore]") => {
                "a record cannot be restored without its key: remove this attribute"
            }
            ("#[key]", _) => {
                "window bounds are filled from the windowed key: remove one of the two"
            }
            _ => "remove one of the two",
        };
        errors.push(place, message, help);
    }
    if let (Some(place), Some(_)) = (options.ignore, options.timestamp) {
        errors.push(
            place,
            format!("`{}` is the event time and cannot be ignored", options.name),
            "remove `#[kafka_ignore]`, or put `#[timestamp]` on another field",
        );
    }
}
