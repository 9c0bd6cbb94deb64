//! What joins add to the expansion: their checks, the values they compare as native code, their place in the plan.

use ksql_schema::Kind as SourceKind;
use ksql_schema::query::plan::JoinKind;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::expand::{Whole, kind};
use super::join::{Join, equal_to_key};
use super::lower::{Native, Nodes, check_at, entry, hash};
use super::tree::{Expr, Kind};
use crate::errors::Place;
use crate::parse::args::plain;

/// The hash of the column that an expression is, or 0.
fn column(tree: &Expr) -> u64 {
    Join::column(tree).map_or(0, |(_, field)| hash(field))
}

impl Whole<'_> {
    /// What is said of each join once the types are known.
    pub(super) fn join_checks(&self, nodes: &mut Nodes<'_>) -> TokenStream {
        let mut tokens = TokenStream::new();
        let joins = &self.query.joins;
        for (index, join) in joins.iter().enumerate() {
            let (left, right) = (nodes.type_of(&join.left), nodes.type_of(&join.right));
            let (left, right) = (entry(left), entry(right));
            let place = join.on_place;
            nodes.check(
                place,
                &quote!(__k::s::check::check_on),
                quote!(#left, #right),
            );
            for (side, node) in [(&join.left, &left), (&join.right, &right)] {
                nodes.check(
                    side.place,
                    &quote!(__k::s::check::check_key_part),
                    quote!("join", #node),
                );
            }
            let entity = format_ident!("__E{}", join.input);
            let place_of_input = self.input_place(join.input);
            for before in self.query.joined.iter().take(index + 1) {
                let before = format_ident!("__E{before}");
                tokens.extend(check_at(
                    place_of_input,
                    &quote!(__k::s::check::check_other_source),
                    quote!(#before, #entity),
                ));
            }
            if join.right_kind == SourceKind::Table {
                let right = column(&join.right);
                tokens.extend(check_at(
                    join.right.place,
                    &quote!(__k::s::check::check_table_side),
                    quote!(#entity, #right),
                ));
            }
            if join.left_kind == SourceKind::Table {
                let left = self.left_entity(join);
                let (hash, kind) = (column(&join.left), join_kind(join.kind));
                let standing = self.standing(index);
                tokens.extend(check_at(
                    join.left.place,
                    &quote!(__k::s::check::check_table_join),
                    quote!(#left, #hash, #kind, #standing),
                ));
            }
        }
        tokens
    }

    /// Where a join stands among the others.
    fn standing(&self, index: usize) -> TokenStream {
        let joins = &self.query.joins;
        let (Some(join), Some(before)) = (joins.get(index), joins.first()) else {
            return TokenStream::new();
        };
        let (first, before) = (index == 0, self.form(before));
        let over_first = self.left_entity(join) == format_ident!("__E{}", self.query.input);
        quote! {
            __k::s::check::Standing {
                first: #first,
                over_first: #over_first,
                before: #before,
            }
        }
    }

    /// The model of the input that the left side is over.
    fn left_entity(&self, join: &Join) -> proc_macro2::Ident {
        let mut input = self.query.input;
        join.left.walk(&mut |expr| {
            if let Kind::Column { input: of, .. } = &expr.kind {
                input = *of;
            }
        });
        format_ident!("__E{input}")
    }

    pub(super) fn input_place(&self, input: usize) -> Place {
        match self.signature.inputs.get(input) {
            Some(input) => Place::of(&input.ty),
            None => Place::of(&self.item.sig.ident),
        }
    }

    /// The output's key is what the rows are joined by.
    pub(super) fn joined_key_check(&self, nodes: &Nodes<'_>) -> TokenStream {
        let made = &self.query.made;
        let equal = equal_to_key(&self.query.joins);
        let meanings: Vec<String> = made.fields.iter().map(|(_, tree)| tree.meaning()).collect();
        let items = made.fields.iter().zip(&meanings).map(|((field, tree), meaning)| {
            let to = hash(field);
            let from = match &tree.origin().kind {
                Kind::Column { input, field, .. } if *input == self.query.input => hash(field),
                _ => 0,
            };
            let compared = equal.contains(meaning);
            let same = meanings.iter().position(|other| other == meaning);
            let same = same.unwrap_or_default();
            quote!(__k::s::check::Item { to: #to, from: #from, compared: #compared, same: #same })
        });
        let Some(last) = self.query.joins.last() else {
            return TokenStream::new();
        };
        let (kind, form) = (join_kind(last.kind), self.form(last));
        let (left, right) = (entry(nodes.of(&last.left)), entry(nodes.of(&last.right)));
        let on = self.key_text();
        let standing = self.standing(self.query.joins.len() - 1);
        let model = format_ident!("__E{}", self.query.input);
        check_at(
            Place::of(&made.path),
            &quote!(__k::s::check::check_joined_key),
            quote!(__O, #model, (#kind, #form, #standing), [#left, #right], #on, &[#(#items),*]),
        )
    }

    /// What the key of a joined row is made of where a field is given a side that may have no row: the side that has one.
    pub(super) fn joined_key(&self, tree: &Expr) -> Option<&Expr> {
        let query = self.query;
        if query.group.is_some() || query.partition.is_some() {
            return None;
        }
        let last = query.joins.last()?;
        let there = match last.kind {
            JoinKind::Full => return None,
            JoinKind::Right => &last.right,
            JoinKind::Inner | JoinKind::Left => &last.left,
        };
        let meaning = tree.meaning();
        let other = meaning != there.meaning() && equal_to_key(&query.joins).contains(&meaning);
        other.then_some(&**there)
    }

    /// How the key is written.
    fn key_text(&self) -> String {
        let Some(last) = self.query.joins.last() else {
            return String::new();
        };
        let name = |tree: &Expr| match &tree.kind {
            Kind::Column {
                receiver, field, ..
            } => Some(format!("{receiver}.{}", plain(&field.to_string()))),
            _ => None,
        };
        match (last.kind, name(&last.left), name(&last.right)) {
            (JoinKind::Full, Some(left), Some(right)) => format!("`{left}.or({right})`"),
            (JoinKind::Left, Some(left), _) => format!("`{left}`"),
            (JoinKind::Right, _, Some(right)) => format!("`{right}`"),
            (_, Some(left), Some(right)) => format!("`{left}` or `{right}`"),
            (_, Some(one), None) | (_, None, Some(one)) => format!("`{one}`"),
            _ => format!("a side of `{}`", last.on),
        }
    }

    /// How the rows find each other, as a constant.
    fn form(&self, join: &Join) -> TokenStream {
        let left = self.left_entity(join);
        let (left_kind, right_kind) = (kind(join.left_kind), kind(join.right_kind));
        let hash = column(&join.left);
        let within = match join.within {
            Some((before, after)) => {
                let grace = match join.written_grace() {
                    Some(grace) => quote!(::core::option::Option::Some(#grace)),
                    None => quote!(::core::option::Option::None),
                };
                quote!(::core::option::Option::Some(__k::plan::Within {
                    before_ms: #before,
                    after_ms: #after,
                    grace_ms: #grace,
                }))
            }
            None => quote!(::core::option::Option::None),
        };
        quote!(__k::s::check::form(#left_kind, #left, #hash, #right_kind, #within))
    }

    /// A join as a step of the plan.
    pub(super) fn planned_join(&self, index: usize) -> TokenStream {
        let Some(join) = self.query.joins.get(index) else {
            return TokenStream::new();
        };
        let (kind, form, on) = (join_kind(join.kind), self.form(join), &join.on);
        let input = index + 1;
        quote! {
            __k::plan::Step::Join(__k::plan::Join {
                input: #input,
                kind: #kind,
                form: #form,
                on: #on,
            })
        }
    }

    /// The types of what is joined.
    pub(super) fn joined_inputs(&self) -> TokenStream {
        let types = self
            .query
            .joined
            .iter()
            .filter_map(|input| self.signature.inputs.get(*input))
            .map(|input| &input.ty);
        quote!((#(#types,)*))
    }

    /// `impl Join`.
    pub(super) fn joining(&self, native: &Native<'_>, assumed: &TokenStream) -> TokenStream {
        if self.query.joins.is_empty() {
            return TokenStream::new();
        }
        let name = &self.item.sig.ident;
        let inputs = self.joined_inputs();
        let arms = self.query.joins.iter().enumerate().map(|(index, join)| {
            let (left_rows, right_rows) = (self.rows([&*join.left]), self.rows([&*join.right]));
            let (left, right) = (native.value(&join.left), native.value(&join.right));
            quote! {
                (#index, __k::Side::Left) => {
                    #left_rows
                    __k::group::push(__k::any(__scratch, #left), true, __out)
                }
                (#index, __k::Side::Right) => {
                    #right_rows
                    __k::group::push(__k::any(__scratch, #right), true, __out)
                }
            }
        });
        quote! {
            #[automatically_derived]
            impl __k::Join for #name #assumed {
                type Inputs = #inputs;
                #[inline]
                fn on<'a>(&'a self, __join: ::core::primitive::usize, __side: __k::Side, __at: &__k::At<'a>, __row: __k::Row<'a, Self::Inputs>, __out: &mut __k::Bytes) -> ::core::primitive::bool {
                    let __scratch = __at.scratch;
                    match (__join, __side) {
                        #(#arms)*
                        _ => false,
                    }
                }
            }
        }
    }
}

fn join_kind(kind: JoinKind) -> TokenStream {
    let name = format_ident!("{kind:?}");
    quote!(__k::plan::JoinKind::#name)
}
