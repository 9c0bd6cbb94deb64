//! `ksql!`: one condition on the rows of an entity, read and lowered as a query's filter is.
//!
//! Names that nothing in the closure stands for are values from around it. A constant cannot see their types: one that is compared is
//! compared as it is, and whatever else is done with one says its type, `limit as i64`, which is then its type everywhere.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::rc::Rc;

use ksql_schema::Kind as SourceKind;
use ksql_schema::query::Sql;
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{ExprClosure, Pat, Type};

use super::capture::{OUTSIDE, captures, compared, free, parameter, placed};
use super::explode::exploded;
use super::expression::{Named, Part, Reader};
use super::lower::{Native, Nodes, Writer, entry, parameter_type};
use super::signature::{Input, Signature};
use super::steps::Query;
use super::tree::{Expr, Kind, Made, Tree};
use crate::errors::{Errors, Place};
use crate::parse::args::plain;

/// How a condition is written.
const FORM: &str = "write `ksql!(|o: &Order| o.amount > limit)`";

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
            joined: vec![0],
            optional: Vec::new(),
            parameters: names.iter().map(|name| plain(&name.to_string())).collect(),
            rows: Vec::new(),
            aggregates: Vec::new(),
            group: None,
            part: Part::Row,
            conditional: false,
            row: Named::Input(0),
            variants: Vec::new(),
            complete: Vec::new(),
            names: Vec::new(),
        };
        let tree = reader.closure(closure, Named::Input(0), Reader::read_body)?;
        let variants = std::mem::take(&mut reader.variants);
        let complete = std::mem::take(&mut reader.complete);
        refuse_pseudo(&tree, errors);
        for exploded in exploded(&tree) {
            errors.push(
                exploded.place,
                "a condition of a read makes no rows of elements",
                "ask whether one of them is it: `o.tags.contains(\"a\")`",
            );
        }
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
                whole: entity.clone(),
            }],
            parameters,
            output: None,
        };
        let made = Made {
            path: format_ident!("Row").into(),
            fields: Vec::new(),
        };
        let query = Query {
            insert: None,
            joined: vec![0],
            joins: Vec::new(),
            input: 0,
            exploded: Vec::new(),
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
            complete,
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
        let complete: Vec<TokenStream> = self
            .query
            .complete
            .iter()
            .map(|of| of.check(&mut nodes))
            .collect();
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
            #(#complete)*
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

#[cfg(test)]
mod tests {
    use super::*;

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
