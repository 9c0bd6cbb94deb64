//! `ksql!`: one condition on the rows of an entity, read and lowered as a query's filter is.
//!
//! Names that nothing in the closure stands for are values from around it. A constant cannot see their types: one that is compared is
//! compared as it is, and whatever else is done with one says its type, `limit as i64`, which is then its type everywhere.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::rc::Rc;

use ksql_schema::Kind as SourceKind;
use ksql_schema::query::Sql;
use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{ExprClosure, Pat, Type};

use super::expression::{Named, Part, Reader};
use super::lower::{Native, Nodes, Writer, entry, parameter_type};
use super::signature::{Input, Parameter, Signature};
use super::steps::Query;
use super::tree::{Expr, Kind, Made, Tree};
use crate::errors::{Errors, Place};
use crate::parse::args::plain;

/// How a condition is written.
const FORM: &str = "write `ksql!(|o: &Order| o.amount > limit)`";

/// What to write for a value from outside that is no plain name.
const OUTSIDE: &str = "give the value a name before: `let limit = ..;`";

/// `ksql!`, with a defect of its own as a readable error.
pub(crate) fn ksql(item: TokenStream) -> TokenStream {
    let tokens = item.clone();
    let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| made(item)));
    made.unwrap_or_else(|_| {
        let mut errors = Errors::default();
        errors.push(
            Place::of(&tokens),
            "`ksql!` failed on this condition, which is a defect of the macro",
            "please report it together with the condition",
        );
        quote!({ #errors })
    })
}

fn made(item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let place = Place::of(&item);
    let Ok(closure) = syn::parse2::<ExprClosure>(item.clone()) else {
        errors.push(place, "`ksql!` takes one closure over an entity", FORM);
        return quote!({ #errors });
    };
    let Some((row, entity)) = head(&closure, &mut errors) else {
        return quote!({ #errors });
    };
    let condition = Condition::read(&closure, entity, row, &mut errors);
    match condition {
        Some(condition) if errors.is_empty() => condition.expand(),
        _ => {
            let krate = crate::expand::runtime(None);
            // So that what is done with it is not wrong as well.
            quote!({
                #errors
                #krate::query::Predicate::<#entity, _>::new(|_: #krate::query::Row<'_, #entity>| false, ::core::result::Result::Ok(::core::default::Default::default()))
            })
        }
    }
}

/// The row's name, if it has one, and the entity.
fn head<'c>(
    closure: &'c ExprClosure,
    errors: &mut Errors,
) -> Option<(Option<&'c Ident>, &'c Type)> {
    let mut inputs = closure.inputs.iter();
    let typed = match (inputs.next(), inputs.next()) {
        (Some(Pat::Type(typed)), None) => typed,
        (Some(untyped), None) => {
            errors.push(
                Place::of(untyped),
                "the entity of this row is not known here",
                FORM,
            );
            return None;
        }
        _ => {
            errors.push(
                Place::of(closure),
                format!(
                    "this closure has {} rows, and a condition is of one",
                    closure.inputs.len()
                ),
                FORM,
            );
            return None;
        }
    };
    let name = match &*typed.pat {
        Pat::Ident(name) if name.subpat.is_none() && name.by_ref.is_none() => Some(&name.ident),
        Pat::Wild(_) => None,
        other => {
            errors.push(
                Place::of(other),
                "a row has a plain name",
                "write `|o: &Order| ..` and take its columns: `o.id`",
            );
            return None;
        }
    };
    let entity = match &*typed.ty {
        Type::Reference(reference) => &*reference.elem,
        other => other,
    };
    Some((name, entity))
}

/// A condition, read.
struct Condition<'c> {
    entity: &'c Type,
    row: Option<&'c Ident>,
    query: Query,
    tree: Tree,
    signature: Signature,
    /// The captured names that occur, by their number; with the type that was said.
    captures: BTreeMap<usize, (Ident, Option<Sql>)>,
}

impl<'c> Condition<'c> {
    fn read(
        closure: &ExprClosure,
        entity: &'c Type,
        row: Option<&'c Ident>,
        errors: &mut Errors,
    ) -> Option<Self> {
        let mut names: Vec<Ident> = Vec::new();
        free(closure.body.to_token_stream(), &mut names);
        let mut reader = Reader {
            errors,
            outside: OUTSIDE,
            inputs: vec![(String::new(), SourceKind::Table)],
            parameters: names.iter().map(|name| plain(&name.to_string())).collect(),
            rows: Vec::new(),
            aggregates: Vec::new(),
            group: None,
            part: Part::Row,
            row: Named::Input(0),
            variants: Vec::new(),
            names: Vec::new(),
        };
        let tree = reader.closure(closure, Named::Input(0), Reader::read_body)?;
        let variants = std::mem::take(&mut reader.variants);
        refuse_pseudo(&tree, errors);
        let captures = captures(&tree, &names, errors);
        let parameters = names
            .iter()
            .enumerate()
            .map(|(index, name)| parameter(name, captures.get(&index).and_then(|(_, said)| *said)))
            .collect();
        let signature = Signature {
            inputs: vec![Input {
                name: format_ident!("row"),
                kind: SourceKind::Table,
                ty: entity.clone(),
            }],
            parameters,
            output: None,
        };
        let made = Made {
            path: format_ident!("Row").into(),
            fields: Vec::new(),
        };
        let query = Query {
            input: 0,
            filters: vec![tree.clone()],
            partition: None,
            group: None,
            having: Vec::new(),
            aggregates: Vec::new(),
            rows: Vec::new(),
            made: Rc::new(made),
            kind: SourceKind::Table,
            because: "",
            steps: Vec::new(),
            variants,
        };
        Some(Condition {
            entity,
            row,
            query,
            tree,
            signature,
            captures,
        })
    }

    fn expand(&self) -> TokenStream {
        let krate = crate::expand::runtime(None);
        let allow = crate::expand::allow();
        let entity = self.entity;
        let mut nodes = Nodes::new(&self.query, &self.signature);
        let node = entry(nodes.type_of(&self.tree));
        nodes.check(
            self.tree.place,
            &quote!(__k::s::check::check_condition),
            quote!("ksql!", #node),
        );
        let pieces = Writer::new(&self.query, &self.signature, &nodes).condition(&self.tree);
        let native = Native::new(&self.signature, &nodes);
        let holds = native.value(&self.tree);
        let (types, array) = (native.types(), nodes.tokens());
        let variants = self.query.variants.iter().map(super::expand::variant);
        let row = self.row.map(|row| quote!(let #row = __row;));
        let (values, compared) = self.values(&nodes);
        let fields: Vec<&Ident> = self.captures.values().map(|(name, _)| name).collect();
        let names: Vec<String> = fields.iter().map(|name| plain(&name.to_string())).collect();
        let held = self.captures.keys().filter_map(|index| {
            let parameter = self.signature.parameters.get(*index)?;
            Some(parameter_type(parameter))
        });
        // Every mention of the entity in one place: that it is none is one error.
        let span = Place::of(entity).first;
        let model = quote_spanned!(span=> <#entity as __k::Entity>::MODEL);
        let implementation = quote_spanned! {span=>
            #allow
            impl __k::Condition<#entity> for __Captures {
                #[inline]
                fn holds<'a>(&'a self, __scratch: &'a __k::Scratch, __row: __k::Row<'a, #entity>) -> ::core::primitive::bool {
                    #row
                    __k::logic::holds(#holds)
                }
            }
        };
        let made = quote_spanned!(span=> __k::Predicate::<#entity, _>::new);
        quote!({
            use #krate::query as __k;
            const __E0: &__k::Model<'static> = #model;
            const __C0: &[__k::Column<'static>] = __E0.columns;
            #array
            #(#variants)*
            #types
            const __PIECES: &[__k::s::Piece<'static>] = #pieces;
            const __SEGMENTS: [__k::s::text::Segment<'static>; __k::s::text::segments(__PIECES)] = __k::s::text::flatten(__PIECES);
            const __BYTES: &[::core::primitive::u8; __k::s::text::total(&__SEGMENTS, 1)] = &__k::s::text::join(&__SEGMENTS, 1);
            const __TEXT: [&::core::primitive::str; 1] = __k::s::text::split(__BYTES, &__SEGMENTS);
            #allow
            #[derive(::core::clone::Clone)]
            struct __Captures { #(#fields: #held),* }
            #implementation
            #compared
            let __captures = __Captures { #(#fields: #values),* };
            let __text = __k::condition(&__TEXT, &[#((#names, __k::Param::literal(&__captures.#fields))),*]);
            #made(__captures, __text)
        })
    }

    /// What is kept of each captured value, in order; and what asks of each further comparison whether there is one.
    fn values(&self, nodes: &Nodes<'_>) -> (Vec<TokenStream>, TokenStream) {
        let mut kept: BTreeMap<usize, TokenStream> = BTreeMap::new();
        let mut further = TokenStream::new();
        self.tree.walk(&mut |expr| {
            let sides = compared(expr);
            let bare = |tree: &&Tree| self.bare(tree).is_some();
            let (values, others): (Vec<&Tree>, Vec<&Tree>) = sides.into_iter().partition(bare);
            let others: Vec<TokenStream> = others
                .iter()
                .map(|other| {
                    let node = entry(nodes.of(other));
                    quote!(__k::code(#node))
                })
                .collect();
            // Beside other values from around only there is nothing to ask.
            let codes = if others.is_empty() {
                vec![quote!(0)]
            } else {
                others
            };
            for value in values {
                let Some((index, name, place)) = self.bare(value) else {
                    continue;
                };
                let name = placed(name, place);
                for code in &codes {
                    let ask = |what: &str| {
                        let what = Ident::new(what, place.first);
                        quote_spanned!(place.first=> __k::ComparesWith::<{ #code }>::#what(&#name))
                    };
                    match kept.entry(index) {
                        Entry::Vacant(first) => {
                            let _ = first.insert(ask("held"));
                        }
                        Entry::Occupied(_) => {
                            let ask = ask("compares");
                            further.extend(quote!(#ask;));
                        }
                    }
                }
            }
        });
        let values = self.captures.iter().map(|(index, (name, said))| {
            let typed = self
                .signature
                .parameters
                .get(*index)
                .filter(|_| said.is_some());
            match (typed.map(parameter_type), kept.get(index)) {
                (Some(ty), _) => quote_spanned!(name.span()=> __k::Says::<#ty>::say(&#name)),
                (None, Some(held)) => held.clone(),
                (None, None) => quote_spanned!(name.span()=> __k::ComparesWith::<0>::held(&#name)),
            }
        });
        (values.collect(), further)
    }

    /// The number and the name of a value whose type was not said.
    fn bare(&self, tree: &Tree) -> Option<(usize, &Ident, Place)> {
        match &tree.kind {
            Kind::Parameter(index) => match self.captures.get(index) {
                Some((name, None)) => Some((*index, name, tree.place)),
                _ => None,
            },
            _ => None,
        }
    }
}

/// A name where it is used: errors about it stand there.
fn placed(name: &Ident, place: Place) -> Ident {
    let mut name = name.clone();
    name.set_span(place.first);
    name
}

/// What an expression compares with one another.
fn compared(expr: &Expr) -> Vec<&Tree> {
    match &expr.kind {
        Kind::Compare(_, one, two) | Kind::Like(one, two, _) => vec![one, two],
        Kind::Between(value, from, to) => vec![value, from, to],
        Kind::In(value, list) => std::iter::once(value).chain(list).collect(),
        _ => Vec::new(),
    }
}

/// A row that is read knows no place in a topic.
fn refuse_pseudo(tree: &Expr, errors: &mut Errors) {
    tree.walk(&mut |expr| {
        if let Kind::Pseudo(pseudo) = &expr.kind {
            errors.push(
                expr.place,
                format!("the rows of a table do not know their {}", pseudo.what()),
                "take a column: a table keeps what its definition says",
            );
        }
    });
}

/// The captured names that occur, and the types that were said of them.
fn captures(
    tree: &Tree,
    names: &[Ident],
    errors: &mut Errors,
) -> BTreeMap<usize, (Ident, Option<Sql>)> {
    let mut captures: BTreeMap<usize, (Ident, Option<Sql>)> = BTreeMap::new();
    tree.walk(&mut |expr| {
        if let (Kind::Parameter(index), place) = (&expr.kind, expr.place)
            && let Some(name) = names.get(*index)
        {
            // Each use has its own place, and the first one's is that of errors about its type.
            let name = placed(name, place);
            let _ = captures.entry(*index).or_insert((name, None));
        }
    });
    tree.walk(&mut |expr| {
        let Kind::Cast(of, ty) = &expr.kind else {
            return;
        };
        let Kind::Parameter(index) = &of.kind else {
            return;
        };
        let Some((name, said)) = captures.get_mut(index) else {
            return;
        };
        match said {
            Some(said) if said != ty => errors.push(
                expr.place,
                format!("two types are said of `{name}`"),
                "give the value of the other type a name of its own before",
            ),
            _ => *said = Some(*ty),
        }
    });
    // Where a value may stand whose type nobody said.
    let mut allowed: Vec<*const Expr> = Vec::new();
    tree.walk(&mut |expr| {
        allowed.extend(compared(expr).into_iter().map(Rc::as_ptr));
    });
    tree.walk(&mut |expr| {
        if let Kind::Field(of, _) = &expr.kind
            && let Kind::Parameter(index) = &of.kind
            && let Some((name, _)) = captures.get(index)
        {
            allowed.push(Rc::as_ptr(of));
            errors.push(
                expr.place,
                format!("`{name}` is a value from around the condition, and its fields are not known here"),
                OUTSIDE,
            );
        }
        if let Kind::Parameter(index) = &expr.kind
            && let Some((name, None)) = captures.get(index)
            && !allowed.contains(&std::ptr::from_ref(expr))
        {
            errors.push(
                expr.place,
                format!("the type of `{name}` is not known here"),
                format!("a value from around the condition is compared as it is; to do more with it, say its type: `({name} as i64)`, `({name} as String)`, .."),
            );
        }
    });
    captures
}

/// A captured value as a parameter: of the type that was said, or of none.
fn parameter(name: &Ident, said: Option<Sql>) -> Parameter {
    let plain = |ty: Type| (ty, None);
    let (ty, size) = match said {
        None => plain(syn::parse_quote!(__k::Held)),
        Some(Sql::Boolean) => plain(syn::parse_quote!(::core::primitive::bool)),
        Some(Sql::Integer) => plain(syn::parse_quote!(::core::primitive::i32)),
        Some(Sql::Bigint) => plain(syn::parse_quote!(::core::primitive::i64)),
        Some(Sql::Double) => plain(syn::parse_quote!(::core::primitive::f64)),
        Some(Sql::Date) => plain(syn::parse_quote!(__k::NaiveDate)),
        Some(Sql::Time) => plain(syn::parse_quote!(__k::NaiveTime)),
        Some(Sql::Timestamp) => plain(syn::parse_quote!(__k::DateTime<__k::Utc>)),
        Some(Sql::Decimal { precision, scale }) => {
            (syn::parse_quote!(__k::Decimal), Some((precision, scale)))
        }
        Some(_) => plain(syn::parse_quote!(::std::string::String)),
    };
    Parameter {
        name: name.clone(),
        ty,
        size,
        inner: None,
    }
}

/// Names that may stand for values from around a closure: those that are no field, no call, no path and no keyword. Which of
/// them do is found by reading.
fn free(tokens: TokenStream, names: &mut Vec<Ident>) {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let punct = |at: Option<usize>, mark: &str| {
        let tree = at.and_then(|at| trees.get(at));
        matches!(tree, Some(TokenTree::Punct(punct)) if mark.contains(punct.as_char()))
    };
    for (at, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Group(group) => free(group.stream(), names),
            TokenTree::Ident(ident) => {
                let before = at.checked_sub(1);
                let range =
                    punct(before, ".") && punct(before.and_then(|at| at.checked_sub(1)), ".");
                let member = punct(before, ".") && !range;
                let path = punct(Some(at + 1), ":") || punct(before, ":");
                let call = matches!(trees.get(at + 1), Some(TokenTree::Group(group)) if group.delimiter() == proc_macro2::Delimiter::Parenthesis)
                    || punct(Some(at + 1), "!") && !punct(Some(at + 2), "=");
                let word = plain(&ident.to_string());
                let known = syn::parse_str::<Ident>(&ident.to_string()).is_err()
                    || matches!(word.as_str(), "None" | "_");
                if !(member || path || call || known || names.iter().any(|name| name == ident)) {
                    names.push(ident.clone());
                }
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;

    #[test]
    fn names_that_may_be_values_are_no_fields_calls_paths_or_words() {
        let table = [
            ("o.amount > limit && o.note != tag", "o limit tag"),
            ("[a, b].contains(&o.x)", "a b o"),
            ("(low..=high).contains(&o.x)", "low high o"),
            ("(low..high).contains(&o.x)", "low high o"),
            ("matches!(o.kind, \"a\") || x != y", "o x y"),
            ("o.kind == Kind::Open || o.kind == self.kind", "o"),
            ("if flag { None } else { dec!(1.5) }", "flag"),
            ("o.x as i64 + r#type", "o i64 r#type"),
            ("most() > limits::MOST", ""),
        ];
        for (text, expected) in table {
            let mut names = Vec::new();
            free(text.parse().unwrap(), &mut names);
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            assert_eq!(names.join(" "), expected, "{text}");
        }
    }

    /// What may not be said is an error of ours, however odd the tokens: the macro never fails itself.
    #[test]
    fn odd_tokens_are_errors_and_no_defects() {
        for text in [
            "",
            "|",
            "||",
            "|| true",
            "|o: &Order|",
            "|o: &Order| {}",
            "|o: &Order| { let x = 1; }",
            "|o: &Order, | o",
            "|o: &mut Order| o",
            "|_: Order| None",
            "|o: &'static Order| o.a == o.b(",
            "async move |o: &Order| true",
            "|o: &Order| o[o][0] == *o && -o > !o",
            "|o: &Order| |p: &Order| true",
            "|o: &Order| loop {}",
            "|o: &Order| limit.a.b(limit)[limit] as i64 as f64",
        ] {
            let Ok(tokens) = text.parse::<TokenStream>() else {
                continue;
            };
            let made = ksql(tokens).to_string();
            assert!(!made.contains("defect of the macro"), "{text}: {made}");
        }
    }
}
