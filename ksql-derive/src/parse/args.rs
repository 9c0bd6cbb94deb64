//! The arguments of an attribute, split before they are understood.
//!
//! `#[topic("orders", partitions = 3)]` becomes a list of [`Arg`]s, each with its place. The split is made at the
//! commas of the token stream, so that one broken argument does not hide the errors of the others. Values are a
//! small closed set ([`Value`]), not Rust expressions: nothing in an attribute is ever evaluated.

use proc_macro2::{Delimiter, Punct, Spacing, Span, TokenStream, TokenTree};
use syn::{Attribute, Lit, LitBool, MacroDelimiter, Meta};

use crate::errors::{At, Errors, Place};

/// What may stand in an attribute as a value.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// A literal, `true` and `false` included.
    Literal(Lit),
    /// A number with a minus sign.
    Negative(Lit),
    /// `[a, b]`.
    List(Vec<At<Value>>),
    /// A name or a path.
    Path(TokenStream),
    /// Two commas with nothing between them.
    Nothing,
    /// Anything else.
    Other,
}

impl Value {
    /// What this is, for messages.
    pub(crate) fn describe(&self) -> &'static str {
        match self {
            Self::Literal(Lit::Str(_)) => "a string",
            Self::Literal(Lit::Int(_)) => "an integer",
            Self::Literal(Lit::Float(_)) => "a number with a fraction",
            Self::Literal(Lit::Bool(_)) => "a bool",
            Self::Literal(Lit::Char(_)) => "a character",
            Self::Literal(_) => "a byte literal",
            Self::Negative(_) => "a negative number",
            Self::List(_) => "a list",
            Self::Path(_) => "a name",
            Self::Nothing => "nothing",
            Self::Other => "an expression",
        }
    }

    /// The name, if this is a single identifier.
    pub(crate) fn name(&self) -> Option<String> {
        match self {
            Self::Path(tokens) => {
                let mut trees = tokens.clone().into_iter();
                match (trees.next(), trees.next()) {
                    (Some(TokenTree::Ident(ident)), None) => Some(plain(&ident.to_string())),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

/// One argument of an attribute.
#[derive(Debug, Clone)]
pub(crate) enum Arg {
    /// A value alone: `"orders"`, `tumbling`, `18`.
    Alone(At<Value>),
    /// `key = value`.
    Keyed(At<String>, At<Value>),
}

/// An identifier as it is on the wire: without `r#`.
pub(crate) fn plain(ident: &str) -> String {
    ident.strip_prefix("r#").unwrap_or(ident).to_owned()
}

/// The arguments of a `#[name(...)]` attribute; `form` is the right way to write it. `None` after an error that
/// leaves nothing to look at.
pub(crate) fn arguments(attr: &Attribute, form: &str, errors: &mut Errors) -> Option<Vec<Arg>> {
    let name = name_of(attr);
    match &attr.meta {
        Meta::List(list) if matches!(list.delimiter, MacroDelimiter::Paren(_)) => {
            let chunks = chunks(list.tokens.clone());
            if chunks.is_empty() {
                errors.push(
                    Place::of(&attr.meta),
                    format!("`#[{name}()]` is empty"),
                    format!("write `{form}`"),
                );
                return None;
            }
            Some(
                chunks
                    .into_iter()
                    .filter_map(|chunk| argument(chunk, &name, form, errors))
                    .collect(),
            )
        }
        Meta::List(_) => {
            errors.push(
                Place::of(&attr.meta),
                format!("`#[{name}]` takes its arguments in parentheses"),
                format!("write `{form}`"),
            );
            None
        }
        Meta::NameValue(_) => {
            errors.push(
                Place::of(&attr.meta),
                format!("`#[{name} = ...]` is not a form of `#[{name}]`"),
                format!("write `{form}`"),
            );
            None
        }
        Meta::Path(_) => {
            errors.push(
                Place::of(&attr.meta),
                format!("`#[{name}]` needs arguments"),
                format!("write `{form}`"),
            );
            None
        }
    }
}

/// Reports arguments on an attribute that takes none.
pub(crate) fn no_arguments(attr: &Attribute, errors: &mut Errors) {
    let name = name_of(attr);
    match &attr.meta {
        Meta::Path(_) => {}
        Meta::List(list) => errors.push(
            Place::of(&list.tokens).or(Place::of(&attr.meta), list.tokens.is_empty()),
            format!("`#[{name}]` takes no arguments"),
            format!("write `#[{name}]`"),
        ),
        Meta::NameValue(pair) => errors.push(
            Place::of(&pair.value),
            format!("`#[{name}]` takes no value"),
            format!("write `#[{name}]`"),
        ),
    }
}

/// The attribute's name.
pub(crate) fn name_of(attr: &Attribute) -> String {
    attr.path()
        .get_ident()
        .map(ToString::to_string)
        .unwrap_or_default()
}

impl Place {
    fn or(self, other: Self, take_other: bool) -> Self {
        if take_other { other } else { self }
    }
}

/// The trees between top-level commas.
struct Chunk {
    trees: Vec<TokenTree>,
    place: Place,
}

/// Splits at commas, with the invisible groups that `macro_rules` leaves behind opened. A chunk without trees stands where
/// its comma does.
fn chunks(tokens: TokenStream) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    let mut current = Vec::new();
    for tree in flat(tokens) {
        match tree {
            TokenTree::Punct(comma) if comma.as_char() == ',' => {
                let trees = std::mem::take(&mut current);
                let place = place(&trees, comma.span());
                chunks.push(Chunk { trees, place });
            }
            other => current.push(other),
        }
    }
    if let Some(last) = current.last() {
        let place = place(&current, last.span());
        chunks.push(Chunk {
            trees: current,
            place,
        });
    }
    chunks
}

fn flat(tokens: TokenStream) -> Vec<TokenTree> {
    let mut trees = Vec::new();
    for tree in tokens {
        match tree {
            TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
                trees.extend(flat(group.stream()))
            }
            other => trees.push(other),
        }
    }
    trees
}

fn argument(chunk: Chunk, attribute: &str, form: &str, errors: &mut Errors) -> Option<Arg> {
    let Chunk { trees, place } = chunk;
    match trees.as_slice() {
        [] => {
            errors.push(
                place,
                format!("`#[{attribute}]` has an empty argument"),
                format!("write `{form}`"),
            );
            None
        }
        [TokenTree::Ident(key), TokenTree::Punct(equals), value @ ..]
            if equals.as_char() == '=' && !goes_on(equals, value, &['=', '>']) =>
        {
            let key = At {
                value: plain(&key.to_string()),
                place: Place::at(key.span()),
            };
            if value.is_empty() {
                errors.push(
                    key.place,
                    format!("`{}` has no value", key.value),
                    format!("write `{form}`"),
                );
                return None;
            }
            let place = self::place(value, equals.span());
            Some(Arg::Keyed(key, self::value(value, place)))
        }
        [TokenTree::Ident(key), TokenTree::Group(_)] => {
            let key = plain(&key.to_string());
            errors.push(
                place,
                format!("`{key}(...)` is not a form of an argument of `#[{attribute}]`"),
                format!("write `{key} = ...`, as in `{form}`"),
            );
            None
        }
        [TokenTree::Ident(key), TokenTree::Punct(colon), value @ ..]
            if colon.as_char() == ':' && !goes_on(colon, value, &[':']) =>
        {
            let key = plain(&key.to_string());
            errors.push(
                Place::at(colon.span()),
                format!("`{key}:` should be `{key} =`"),
                format!("write `{form}`"),
            );
            None
        }
        trees => Some(Arg::Alone(value(trees, place))),
    }
}

/// Whether a sign is the first half of a longer one: `==` and `::`, but not `=-3` and `=::path`, which rustc joins too.
fn goes_on(sign: &Punct, rest: &[TokenTree], with: &[char]) -> bool {
    sign.spacing() == Spacing::Joint
        && matches!(rest.first(), Some(TokenTree::Punct(next)) if with.contains(&next.as_char()))
}

/// From the first to the last tree; where there is none, what stands beside.
fn place(trees: &[TokenTree], beside: Span) -> Place {
    match (trees.first(), trees.last()) {
        (Some(first), Some(last)) => Place {
            first: first.span(),
            last: last.span(),
        },
        _ => Place::at(beside),
    }
}

fn value(trees: &[TokenTree], place: Place) -> At<Value> {
    let value = match trees {
        [] => Value::Nothing,
        [TokenTree::Literal(literal)] => Value::Literal(Lit::new(literal.clone())),
        [TokenTree::Ident(ident)] if ident == "true" || ident == "false" => {
            Value::Literal(Lit::Bool(LitBool::new(ident == "true", ident.span())))
        }
        [TokenTree::Punct(minus), TokenTree::Literal(literal)] if minus.as_char() == '-' => {
            Value::Negative(Lit::new(literal.clone()))
        }
        [TokenTree::Group(group)] if group.delimiter() == Delimiter::Bracket => Value::List(
            chunks(group.stream())
                .iter()
                .map(|chunk| self::value(&chunk.trees, chunk.place))
                .collect(),
        ),
        trees if trees.iter().all(is_path_part) => Value::Path(trees.iter().cloned().collect()),
        _ => Value::Other,
    };
    At { value, place }
}

fn is_path_part(tree: &TokenTree) -> bool {
    match tree {
        TokenTree::Ident(_) => true,
        TokenTree::Punct(punct) => punct.as_char() == ':',
        _ => false,
    }
}
