//! Field types, recognised by the last segment of their path.
//!
//! A macro sees names, not types: what is recognised here serves messages on the very token and rules that need
//! a type. Everything else is [`Shape::Unknown`] and left to the compiler, which asks the traits of the runtime,
//! so a type alias works. Emitted constants always take types from the trait, never from here.

use ksql_schema::Type;
use quote::ToTokens;
use syn::{Expr, GenericArgument, Lit, PathArguments, PathSegment};

use crate::errors::{Errors, Place};
use crate::refused;

/// What is known about a field's type.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recognised {
    /// Written as `Option<..>`.
    pub(crate) nullable: bool,
    pub(crate) shape: Shape,
    /// In relaxed mode: the type itself is no column, and `shape` is what holds every value of it.
    pub(crate) converted: bool,
}

/// A type without its `Option`.
#[derive(Debug, Clone, Default)]
pub(crate) enum Shape {
    /// A type without parameters of its own; `Decimal` without precision included (precision 0).
    Simple(Type<'static>),
    /// `Vec<T>`.
    Array(Box<Recognised>),
    /// A map with string keys.
    Map(Box<Recognised>),
    /// The compiler decides.
    #[default]
    Unknown,
}

/// Where a type stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inside {
    /// A column of an entity, where attributes can say more.
    Column,
    /// An element, a map's value, a field of a nested struct.
    Nested,
}

impl Recognised {
    /// Whether a borrowed row certainly needs no lifetime for this.
    pub(crate) fn is_plain_scalar(&self) -> bool {
        match &self.shape {
            Shape::Simple(ty) => {
                self.converted || !matches!(ty, Type::String | Type::Bytes | Type::Enum)
            }
            Shape::Array(_) | Shape::Map(_) | Shape::Unknown => false,
        }
    }

    /// Whether only the compiler knows what it is, or what an element inside is.
    pub(crate) fn is_unknown(&self) -> bool {
        match &self.shape {
            Shape::Unknown => true,
            Shape::Array(element) | Shape::Map(element) => element.is_unknown(),
            Shape::Simple(_) => false,
        }
    }

    /// How many elements lie inside: how much room a borrowed model needs.
    pub(crate) fn depth(&self) -> usize {
        match &self.shape {
            Shape::Array(element) | Shape::Map(element) => 1 + element.depth(),
            Shape::Simple(_) | Shape::Unknown => 0,
        }
    }
}

/// Looks at a type and reports what can never be a column.
pub(crate) fn recognise(ty: &syn::Type, inside: Inside, errors: &mut Errors) -> Recognised {
    let ty = bare(ty);
    if let Some(inner) = argument_of(ty, "Option") {
        let inner = bare(inner);
        if argument_of(inner, "Option").is_some() {
            errors.push(
                Place::of(inner),
                "an `Option` in an `Option` cannot be told apart: there is one NULL",
                "write one `Option`",
            );
            return Recognised::default();
        }
        return Recognised {
            nullable: true,
            shape: shape(inner, inside, errors),
            converted: false,
        };
    }
    Recognised {
        nullable: false,
        shape: shape(ty, inside, errors),
        converted: false,
    }
}

/// A column's type in relaxed mode that another type holds, and the warning about it.
pub(crate) fn converted(ty: &syn::Type) -> Option<(Recognised, Place, [String; 2])> {
    let outer = bare(ty);
    let inner = argument_of(outer, "Option").map(bare);
    let ty = inner.unwrap_or(outer);
    let segment = segment(ty)?;
    if !segment.arguments.is_none() {
        return None;
    }
    let (holds, text) = ksql_schema::rules::converted::converted(&segment.ident.to_string())?;
    let recognised = Recognised {
        nullable: inner.is_some(),
        shape: Shape::Simple(holds),
        converted: true,
    };
    Some((recognised, Place::of(ty), text))
}

/// The type without parentheses and the invisible groups `macro_rules` leaves behind.
pub(crate) fn bare(ty: &syn::Type) -> &syn::Type {
    match ty {
        syn::Type::Group(group) => bare(&group.elem),
        syn::Type::Paren(paren) => bare(&paren.elem),
        other => other,
    }
}

fn segment(ty: &syn::Type) -> Option<&PathSegment> {
    match ty {
        syn::Type::Path(path) if path.qself.is_none() => path.path.segments.last(),
        _ => None,
    }
}

fn types_of(segment: &PathSegment) -> Vec<&syn::Type> {
    match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => arguments
            .args
            .iter()
            .filter_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(ty),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// `T` of `name<T>`.
fn argument_of<'a>(ty: &'a syn::Type, name: &str) -> Option<&'a syn::Type> {
    let segment = segment(ty)?;
    if segment.ident != name {
        return None;
    }
    types_of(segment).first().copied()
}

fn shape(ty: &syn::Type, inside: Inside, errors: &mut Errors) -> Shape {
    let Some(segment) = segment(ty) else {
        refused::syntax(ty, errors);
        return Shape::Unknown;
    };
    let name = segment.ident.to_string();
    let arguments = types_of(segment);
    match (name.as_str(), arguments.as_slice()) {
        ("bool", []) => Shape::Simple(Type::Boolean),
        ("i16", []) => Shape::Simple(Type::Int16),
        ("i32", []) => Shape::Simple(Type::Int32),
        ("i64", []) => Shape::Simple(Type::Int64),
        ("f32", []) => Shape::Simple(Type::Float32),
        ("f64", []) => Shape::Simple(Type::Float64),
        ("String", []) => Shape::Simple(Type::String),
        ("Uuid", []) => Shape::Simple(Type::Uuid),
        ("NaiveDate", []) => Shape::Simple(Type::Date),
        ("NaiveTime", []) => Shape::Simple(Type::Time),
        ("Decimal", []) => decimal(ty, inside, errors),
        ("Dec", _) => fixed(segment, errors),
        ("DateTime", [zone]) => date_time(zone, errors),
        ("Vec", [element])
            if self::segment(bare(element)).is_some_and(|inner| inner.ident == "u8") =>
        {
            Shape::Simple(Type::Bytes)
        }
        ("Vec", [element]) => Shape::Array(Box::new(recognise(element, Inside::Nested, errors))),
        ("BTreeMap" | "HashMap", [key, value, ..]) => {
            let key = bare(key);
            if self::segment(key)
                .is_none_or(|inner| refused::is_no_map_key(&inner.ident.to_string()))
            {
                errors.push(
                    Place::of(key),
                    format!("a map in KSQL has `String` keys, not `{}`", tidy(key)),
                    format!("write `{name}<String, {}>`", tidy(value)),
                );
            }
            Shape::Map(Box::new(recognise(value, Inside::Nested, errors)))
        }
        _ => {
            refused::named(ty, &name, &arguments, errors);
            Shape::Unknown
        }
    }
}

fn decimal(ty: &syn::Type, inside: Inside, errors: &mut Errors) -> Shape {
    if inside == Inside::Nested {
        errors.push(
            Place::of(ty),
            "a `Decimal` inside another type has no precision: `#[decimal_precision]` reaches columns only",
            "write the precision into the type: `Dec<18, 4>`",
        );
        return Shape::Unknown;
    }
    Shape::Simple(Type::Decimal {
        precision: 0,
        scale: 0,
    })
}

/// `Dec<18, 4>`; constants behind names are left to the compiler.
fn fixed(segment: &PathSegment, errors: &mut Errors) -> Shape {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return Shape::Unknown;
    };
    let numbers: Vec<Option<u32>> = arguments
        .args
        .iter()
        .map(|argument| match argument {
            GenericArgument::Const(Expr::Lit(literal)) => match &literal.lit {
                Lit::Int(number) => number.base10_digits().parse().ok(),
                _ => None,
            },
            _ => None,
        })
        .collect();
    let [Some(precision), Some(scale)] = numbers.as_slice() else {
        return Shape::Unknown;
    };
    let (precision, scale) = (*precision, *scale);
    if precision == 0 || precision > 38 || scale > precision {
        let message = if precision == 0 || precision > 38 {
            format!("the precision of a `Dec` is 1 to 38, not {precision}")
        } else {
            format!(
                "the scale of a `Dec` is at most its precision: {scale} is more than {precision}"
            )
        };
        errors.push(
            Place::of(&arguments.args),
            message,
            "precision counts all digits, scale those after the point: `Dec<9, 4>` has five before it",
        );
        return Shape::Unknown;
    }
    Shape::Simple(Type::Decimal { precision, scale })
}

fn date_time(zone: &syn::Type, errors: &mut Errors) -> Shape {
    match segment(bare(zone))
        .map(|zone| zone.ident.to_string())
        .as_deref()
    {
        Some("Utc" | "FixedOffset") => Shape::Simple(Type::DateTime),
        Some("Local") => {
            errors.push(
                Place::of(zone),
                "the zone of `DateTime<Local>` is this machine's: readers elsewhere would see another time",
                "write `DateTime<Utc>`",
            );
            Shape::Unknown
        }
        _ => Shape::Unknown,
    }
}

/// A type as text without the spaces of the token stream.
pub(crate) fn tidy(ty: &impl ToTokens) -> String {
    let text = ty.to_token_stream().to_string();
    let mut tidy = String::with_capacity(text.len());
    for (index, character) in text.char_indices() {
        let before = tidy.chars().last();
        let after = text
            .get(index + character.len_utf8()..)
            .and_then(|rest| rest.chars().next());
        let dropped = character == ' '
            && (matches!(before, Some('<' | ':' | '&' | '*' | '(' | '['))
                || matches!(after, Some('<' | '>' | ':' | ',' | ')' | ']' | ';')));
        if !dropped {
            tidy.push(character);
        }
    }
    tidy
}
