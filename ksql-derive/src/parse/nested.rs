//! `#[derive(Struct)]` and `#[derive(Enum)]`: nested records and string enums.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Data, DeriveInput, Fields, Visibility};

use super::args::{Arg, Value, arguments, name_of, plain};
use super::read::{Wanted, once, path, unknown_key};
use crate::errors::{At, Errors, Place};
use crate::parse::item;
use crate::types::{self, Inside, Recognised};

const NESTED: &str = "#[nested(crate = my_facade::ksql_runtime)]";
/// Keeps the fields' names in lower case in KSQL.
const LOWER_CASE: &str = "lower_case";
/// Attributes that mean something on the fields of an entity only. `nested` fields are not among the helper
/// attributes of this derive, so rustc refuses them itself unless another derive of the struct declares them.
const ENTITY_ONLY: &[&str] = &[
    "topic",
    "stream",
    "table",
    "window",
    "entity",
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

/// A field of a nested record.
#[derive(Debug)]
pub(crate) struct NestedField {
    pub(crate) ident: Ident,
    pub(crate) name: String,
    pub(crate) vis: Visibility,
    pub(crate) docs: Vec<Attribute>,
    pub(crate) ty: syn::Type,
    pub(crate) recognised: Recognised,
}

/// The fields of a nested record, checked.
pub(crate) fn fields(
    input: &DeriveInput,
    fields: &Fields,
    errors: &mut Errors,
) -> Vec<NestedField> {
    container(&input.attrs, errors);
    if fields.is_empty() {
        errors.push(
            Place::of(&input.ident),
            format!("`{}` has no fields", input.ident),
            "a record needs at least one",
        );
    }
    let mut read: Vec<NestedField> = Vec::new();
    for field in fields {
        let Some(ident) = field.ident.clone() else {
            continue;
        };
        entity_only(&field.attrs, errors);
        if mentions(&field.ty.to_token_stream(), &input.ident) {
            errors.push(
                Place::of(&field.ty),
                format!(
                    "`{}` cannot contain itself: its schema would have no end",
                    input.ident
                ),
                "refer to the other record by its key",
            );
        }
        let name = plain(&ident.to_string());
        if !ksql_schema::names::is_avro_name(&name) {
            errors.push(
                Place::of(&ident),
                format!("Avro cannot hold the name `{name}`"),
                "names are letters, digits and `_` of ASCII, and do not begin with a digit",
            );
        }
        if let Some(other) = read
            .iter()
            .find(|other| other.name.eq_ignore_ascii_case(&name))
        {
            errors.push(
                Place::of(&ident),
                format!(
                    "`{}` and `{name}` are both `{}` in KSQL",
                    other.name,
                    name.to_ascii_uppercase()
                ),
                "rename one of them",
            );
        } else if !ksql_schema::names::is_found_by_ksqldb(&name) {
            let [message, help] = ksql_schema::rules::mixed_case(&name);
            errors.push(Place::of(&ident), format!("{message} [K0126]"), help);
        }
        let recognised = types::recognise(&field.ty, Inside::Nested, errors);
        read.push(NestedField {
            ident,
            name,
            vis: field.vis.clone(),
            docs: field
                .attrs
                .iter()
                .filter(|attr| attr.path().is_ident("doc"))
                .cloned()
                .collect(),
            ty: field.ty.clone(),
            recognised,
        });
    }
    read
}

/// The variants of a string enum, checked.
pub(crate) fn variants(input: &DeriveInput, errors: &mut Errors) -> Vec<Ident> {
    let Data::Enum(data) = &input.data else {
        errors.push(
            Place::of(&input.ident),
            format!("`#[derive(Enum)]` is for enums: `{}` is none", input.ident),
            "write `#[derive(Struct)]` for a nested record",
        );
        return Vec::new();
    };
    if !item::no_generics(input, "Enum", errors) {
        return Vec::new();
    }
    container(&input.attrs, errors);
    if data.variants.is_empty() {
        errors.push(
            Place::of(&input.ident),
            format!("`{}` has no variants, so it has no value", input.ident),
            "write at least one unit variant",
        );
    }
    let mut read: Vec<Ident> = Vec::new();
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) {
            errors.push(
                Place::of(&variant.fields),
                format!(
                    "`{}` holds values, but an enum column is a string",
                    variant.ident
                ),
                "write a unit variant, and put the values into columns of their own",
            );
        }
        entity_only(&variant.attrs, errors);
        read.push(variant.ident.clone());
    }
    read
}

fn entity_only(attrs: &[Attribute], errors: &mut Errors) {
    for attr in attrs {
        let name = name_of(attr);
        if ENTITY_ONLY.contains(&name.as_str()) {
            let help = if name == "decimal_precision" {
                "remove this attribute and write the precision into the type: `Dec<18, 4>`"
            } else {
                "remove this attribute"
            };
            errors.push(
                Place::of(&attr.meta),
                format!("`#[{name}]` means something in an entity only, not in a nested type"),
                help,
            );
        }
    }
}

/// Whether the fields' names in KSQL are in lower case, as those of structs that ksqlDB itself makes.
pub(crate) fn is_lower_case(attrs: &[Attribute]) -> bool {
    attrs
        .iter()
        .filter(|attr| name_of(attr) == "nested")
        .flat_map(|attr| arguments(attr, NESTED, &mut Errors::default()).unwrap_or_default())
        .any(|argument| {
            matches!(argument, Arg::Alone(At { value: Value::Path(tokens), .. }) if tokens.to_string() == LOWER_CASE)
        })
}

fn container(attrs: &[Attribute], errors: &mut Errors) {
    entity_only(attrs, errors);
    let mut krate: Option<At<TokenStream>> = None;
    for attr in attrs.iter().filter(|attr| name_of(attr) == "nested") {
        for argument in arguments(attr, NESTED, errors).unwrap_or_default() {
            match argument {
                Arg::Keyed(key, value) if key.value == "crate" => {
                    let read = path(
                        &value,
                        Wanted {
                            key: "crate",
                            example: NESTED,
                        },
                        errors,
                    );
                    once(&mut krate, "crate", key.place.to(value.place), read, errors);
                }
                Arg::Keyed(key, _) => unknown_key(&key, "nested", &["crate", LOWER_CASE], errors),
                Arg::Alone(At {
                    value: Value::Path(tokens),
                    ..
                }) if tokens.to_string() == LOWER_CASE => {}
                Arg::Alone(At {
                    value: Value::Path(tokens),
                    place,
                }) => {
                    unknown_key(
                        &At {
                            value: tokens.to_string(),
                            place,
                        },
                        "nested",
                        &["crate"],
                        errors,
                    );
                }
                Arg::Alone(value) => errors.push(
                    value.place,
                    format!(
                        "`#[nested]` takes `crate = path`, not {}",
                        value.value.describe()
                    ),
                    format!("write `{NESTED}`"),
                ),
            }
        }
    }
}

/// Whether a type mentions a name anywhere.
fn mentions(tokens: &TokenStream, name: &Ident) -> bool {
    tokens.clone().into_iter().any(|tree| match tree {
        TokenTree::Ident(ident) => ident == *name || ident == "Self",
        TokenTree::Group(group) => mentions(&group.stream(), name),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}
