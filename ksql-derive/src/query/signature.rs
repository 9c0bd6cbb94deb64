//! The function under `#[query]`: what it reads, the values it is given, what it writes.

use ksql_schema::Kind;
use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{FnArg, GenericArgument, ItemFn, Pat, PathArguments, ReturnType, Type};

use crate::errors::{Errors, Place};
use crate::parse::args::plain;
use crate::types::tidy;

/// A source.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) name: Ident,
    pub(crate) kind: Kind,
    pub(crate) ty: Type,
    /// `Stream<..>` or `Table<..>` as it is written.
    pub(crate) whole: Type,
}

/// A value from the program.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: Ident,
    pub(crate) ty: Type,
    /// `#[decimal_precision(p, s)]`.
    pub(crate) size: Option<(u32, u32)>,
    /// `Some` in an `Option`: what is inside of it.
    pub(crate) inner: Option<Type>,
}

/// What the query writes.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) kind: Kind,
    pub(crate) ty: Type,
    /// `Stream<..>` or `Table<..>` as it is written.
    pub(crate) whole: Type,
    pub(crate) place: Place,
}

/// The function's head.
#[derive(Debug)]
pub(crate) struct Signature {
    pub(crate) inputs: Vec<Input>,
    pub(crate) parameters: Vec<Parameter>,
    /// Nothing after an error.
    pub(crate) output: Option<Output>,
}

/// How a query is written.
const FORM: &str = "fn candles(rates: Stream<Rate>) -> Table<Candle> { .. }";

/// Reads the head; everything wrong with it is reported.
pub(crate) fn signature(item: &ItemFn, errors: &mut Errors) -> Signature {
    refuse_extras(item, errors);
    let mut inputs: Vec<Input> = Vec::new();
    let mut parameters: Vec<Parameter> = Vec::new();
    let mut bare = false;
    for argument in &item.sig.inputs {
        let typed = match argument {
            FnArg::Receiver(receiver) => {
                errors.push(
                    Place::of(receiver),
                    "a query is a function of its own, not a method",
                    "move it out of the `impl`: what it needs from outside are its parameters",
                );
                continue;
            }
            FnArg::Typed(typed) => typed,
        };
        let Pat::Ident(pattern) = &*typed.pat else {
            errors.push(
                Place::of(&typed.pat),
                "an input or parameter of a query has a plain name",
                "write `name: Type`",
            );
            continue;
        };
        if let Some(extra) = pattern.mutability.as_ref().map(Place::of) {
            errors.push(extra, "nothing in a query changes", "remove `mut`");
        }
        let mut name = pattern.ident.clone();
        let twice = inputs.iter().any(|input| input.name == name)
            || parameters.iter().any(|parameter| parameter.name == name);
        if twice {
            errors.push(
                Place::of(&name),
                format!("two parameters have the name `{name}`"),
                "rename one of them",
            );
            // The compiler would say it again of what stands in for the query.
            name = quote::format_ident!("{name}_again");
        }
        if is_bare(&typed.ty) {
            errors.push(
                Place::of(&typed.ty),
                format!("`{}` says not whose records it holds", tidy(&typed.ty)),
                format!(
                    "an input names its entity: write `{}<Rate>`",
                    tidy(&typed.ty)
                ),
            );
            bare = true;
            continue;
        }
        let read = source(&typed.ty).or_else(|| {
            let Type::Reference(reference) = &*typed.ty else {
                return None;
            };
            let read = source(&reference.elem)?;
            errors.push(
                Place::of(&typed.ty),
                "an input is no reference: nothing is handed over, the topic is read",
                format!("write `{}`", tidy(&reference.elem)),
            );
            Some(read)
        });
        match read {
            Some(_) if twice => {}
            Some((kind, ty)) => {
                for attribute in &typed.attrs {
                    errors.push(
                        Place::of(attribute),
                        "an input of a query has no attributes",
                        "remove it",
                    );
                }
                if let Some(before) = parameters.first() {
                    errors.push(
                        Place::of(typed),
                        "the inputs of a query stand before its parameters",
                        format!("write `{name}` before `{}`", before.name),
                    );
                }
                inputs.push(Input {
                    name,
                    kind,
                    ty,
                    whole: match &*typed.ty {
                        Type::Reference(reference) => (*reference.elem).clone(),
                        whole => whole.clone(),
                    },
                });
            }
            None => parameters.push(parameter(name, &typed.ty, &typed.attrs, errors)),
        }
    }
    // Of an input without its entity it was said.
    if inputs.is_empty() && !bare {
        let place = match item.sig.inputs.first() {
            Some(FnArg::Typed(typed)) => Place::of(&typed.ty),
            _ => Place::of(&item.sig.ident),
        };
        errors.push(
            place,
            "a query reads at least one `Stream<..>` or `Table<..>`",
            format!("write `{FORM}`"),
        );
    }
    let output = output(item, errors);
    Signature {
        inputs,
        parameters,
        output,
    }
}

fn refuse_extras(item: &ItemFn, errors: &mut Errors) {
    let signature = &item.sig;
    let mut refuse = |tokens: Option<TokenStream>, message: &str, help: &str| {
        if let Some(tokens) = tokens {
            errors.push(Place::of(&tokens), message, help);
        }
    };
    refuse(
        signature.asyncness.map(ToTokens::into_token_stream),
        "a query waits for nothing: it is a definition that the engines run",
        "remove `async`",
    );
    refuse(
        signature.constness.map(ToTokens::into_token_stream),
        "a query is a definition, not a constant function",
        "remove `const`; its text is a constant anyway",
    );
    refuse(
        match &signature.safety {
            syn::Safety::Unsafe(word) => Some(word.to_token_stream()),
            _ => None,
        },
        "nothing in a query is unsafe",
        "remove `unsafe`",
    );
    refuse(
        signature.abi.as_ref().map(ToTokens::to_token_stream),
        "a query is called by nobody",
        "remove `extern`",
    );
    refuse(
        (!signature.generics.params.is_empty()).then(|| signature.generics.to_token_stream()),
        "a query has no generics: its statements name topics and columns",
        "write one query for each entity",
    );
    refuse(
        signature
            .generics
            .where_clause
            .as_ref()
            .map(ToTokens::to_token_stream),
        "a query has no generics, so no `where`",
        "remove it",
    );
    refuse(
        signature.variadic.as_ref().map(ToTokens::to_token_stream),
        "a query has named parameters",
        "remove `...`",
    );
}

/// `Stream<T>` or `Table<T>`, by name.
fn source(ty: &Type) -> Option<(Kind, Type)> {
    let Type::Path(path) = ty else {
        return None;
    };
    let last = path.path.segments.last()?;
    let kind = match last.ident.to_string().as_str() {
        "Stream" => Kind::Stream,
        "Table" => Kind::Table,
        _ => return None,
    };
    match &last.arguments {
        PathArguments::AngleBracketed(arguments) if arguments.args.len() == 1 => {
            match arguments.args.first() {
                Some(GenericArgument::Type(ty)) => Some((kind, ty.clone())),
                _ => None,
            }
        }
        _ => None,
    }
}

fn output(item: &ItemFn, errors: &mut Errors) -> Option<Output> {
    let ReturnType::Type(_, ty) = &item.sig.output else {
        errors.push(
            Place::of(&item.sig.ident),
            "a query says what it writes",
            format!("write `{FORM}`"),
        );
        return None;
    };
    let Some((kind, of)) = source(ty) else {
        let entity = match &**ty {
            Type::Path(path)
                if !is_bare(ty) && path.path.segments.iter().all(|one| one.arguments.is_none()) =>
            {
                tidy(ty)
            }
            _ => "Out".to_owned(),
        };
        errors.push(
            Place::of(ty),
            "a query writes a `Stream<..>` or a `Table<..>` of an entity",
            format!(
                "write `Stream<{entity}>`, or `Table<{entity}>` where it groups or reads a table"
            ),
        );
        return None;
    };
    Some(Output {
        kind,
        ty: of,
        whole: (**ty).clone(),
        place: Place::of(ty),
    })
}

fn parameter(
    name: Ident,
    ty: &Type,
    attributes: &[syn::Attribute],
    errors: &mut Errors,
) -> Parameter {
    let mut size = None;
    for attribute in attributes {
        if attribute.path().is_ident("decimal_precision") {
            let parsed = attribute.parse_args_with(|input: syn::parse::ParseStream<'_>| {
                let precision: syn::LitInt = input.parse()?;
                let _: syn::Token![,] = input.parse()?;
                let scale: syn::LitInt = input.parse()?;
                let _: Option<syn::Token![,]> = input.parse()?;
                Ok((
                    precision.base10_parse::<u32>()?,
                    scale.base10_parse::<u32>()?,
                ))
            });
            match parsed {
                Ok((precision, scale)) if (1..=38).contains(&precision) && scale <= precision => {
                    size = Some((precision, scale));
                }
                _ => errors.push(
                    Place::of(attribute),
                    "the size of a decimal is all its digits, 1 to 38, and those after the point",
                    "write `#[decimal_precision(18, 4)]`",
                ),
            }
        } else {
            errors.push(
                Place::of(attribute),
                "a parameter has no such attribute",
                "the only one is `#[decimal_precision(18, 4)]`, on a `Decimal`",
            );
        }
    }
    let inner = option(ty);
    let named = |ty: &Type| match ty {
        Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
        _ => None,
    };
    let decimal = named(inner.as_ref().unwrap_or(ty)).as_deref() == Some("Decimal");
    match (decimal, size) {
        (true, None) if attributes.is_empty() => errors.push(
            Place::of(ty),
            format!("the decimal parameter `{name}` needs a size, or its type would be that of each value"),
            format!("write `#[decimal_precision(18, 4)] {name}: {}`", tidy(ty)),
        ),
        (false, Some(_)) => errors.push(
            Place::of(ty),
            "`#[decimal_precision]` is for `Decimal`",
            "remove the attribute",
        ),
        _ => {}
    }
    unknown_type(ty, inner.as_ref().unwrap_or(ty), errors);
    Parameter {
        name,
        ty: ty.clone(),
        size,
        inner,
    }
}

/// `Stream` or `Table` without an entity.
fn is_bare(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.is_ident("Stream") || path.path.is_ident("Table"))
}

/// What is inside of an `Option`.
pub(crate) fn option(ty: &Type) -> Option<Type> {
    let Type::Path(path) = ty else {
        return None;
    };
    let last = path.path.segments.last()?;
    match &last.arguments {
        PathArguments::AngleBracketed(arguments)
            if last.ident == "Option" && arguments.args.len() == 1 =>
        {
            match arguments.args.first() {
                Some(GenericArgument::Type(ty)) => Some(ty.clone()),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Well-known types no parameter has; the compiler says it of the rest.
fn unknown_type(whole: &Type, ty: &Type, errors: &mut Errors) {
    let help = match ty {
        Type::Reference(_) => "write the owned type, such as `String`",
        Type::Path(path) => match path.path.segments.last() {
            Some(last) => match plain(&last.ident.to_string()).as_str() {
                "i8" | "i16" | "u8" | "u16" => "write `i32`",
                "u32" | "u64" | "usize" | "isize" | "i128" | "u128" => "write `i64`",
                "f32" => "write `f64`",
                "char" | "str" => "write `String`",
                "NaiveDateTime" | "SystemTime" | "Instant" => "write `DateTime<Utc>`",
                "Duration" | "TimeDelta" => {
                    "write `i64` and the unit into the name, such as `after_ms`"
                }
                _ => return,
            },
            None => return,
        },
        _ => "write a plain value type, such as `i64` or `String`",
    };
    errors.push(
        Place::of(whole),
        format!("`{}` cannot be a parameter of a query", tidy(whole)),
        help,
    );
}
