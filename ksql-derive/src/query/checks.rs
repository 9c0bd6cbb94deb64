//! What the compiler checks of a query once it knows the types: each a constant beside the expansion, at the place it is about.
//!
//! The rules are those of `ksql_schema::query::check`; here is said which of them a query is held to, and where.

use std::rc::Rc;

use ksql_schema::Kind as SourceKind;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::expand::{Whole, kind, variant};
use super::join::{Join, equal_to_key};
use super::lower::{Nodes, check_at, columns as lowered_columns, entry, hash};
use super::output::fields;
use super::steps::{Keys, is_part};
use super::tree::{Expr, Kind, Made};
use crate::errors::Place;
use crate::parse::args::plain;

impl Whole<'_> {
    /// Types everything, and checks what is said of it.
    pub(super) fn checks(&self, nodes: &mut Nodes<'_>) -> TokenStream {
        let query = self.query;
        let grouped = query.group.is_some();
        let mut tokens = self.shape();
        tokens.extend(self.join_checks(nodes));
        for filter in &query.filters {
            let node = entry(nodes.type_of(filter));
            nodes.check(
                filter.place,
                &quote!(__k::s::check::check_condition),
                quote!("filter", #node),
            );
        }
        for (keys, step) in [
            (&query.group, "group_by"),
            (&query.partition, "partition_by"),
        ] {
            for part in keys.iter().flat_map(|keys| &keys.parts) {
                let node = entry(nodes.type_of(&part.tree));
                nodes.check(
                    part.tree.place,
                    &quote!(__k::s::check::check_key_part),
                    quote!(#step, #node),
                );
            }
        }
        for (index, made) in query.rows.iter().enumerate() {
            if !Rc::ptr_eq(made, &query.made) {
                let (model, columns) = (format_ident!("__F{index}"), format_ident!("__M{index}"));
                fields(
                    made,
                    &quote!(#model),
                    &quote!(#columns),
                    &[],
                    grouped,
                    nodes,
                );
            }
        }
        let key = match (&query.partition, &query.group) {
            (Some(Keys { parts, .. }), _) => match parts.as_slice() {
                [part] => vec![part.tree.meaning()],
                _ => Vec::new(),
            },
            // What has no match by NULL is no row.
            (None, None) => equal_to_key(&query.joins),
            _ => Vec::new(),
        };
        fields(
            &query.made,
            &quote!(__O),
            &quote!(__P),
            &key,
            grouped,
            nodes,
        );
        for having in &query.having {
            let node = entry(nodes.type_of(having));
            nodes.check(
                having.place,
                &quote!(__k::s::check::check_condition),
                quote!("having", #node),
            );
        }
        tokens.extend(self.key_check(nodes));
        for path in &query.variants {
            tokens.extend(variant(path));
        }
        for complete in &query.complete {
            tokens.extend(complete.check(nodes));
        }
        tokens
    }

    /// What the query reads and writes as a whole.
    fn shape(&self) -> TokenStream {
        let mut tokens = TokenStream::new();
        for (index, input) in self.signature.inputs.iter().enumerate() {
            let (model, kind) = (format_ident!("__E{index}"), kind(input.kind));
            tokens.extend(check_at(
                Place::of(&input.ty),
                &quote!(__k::s::check::check_input),
                quote!(#model, #kind),
            ));
        }
        if let Some(output) = &self.signature.output {
            let place = Place::of(&output.ty);
            let (made, because) = (kind(self.query.kind), self.query.because);
            let input = format_ident!("__E{}", self.query.input);
            tokens.extend(check_at(
                place,
                &quote!(__k::s::check::check_kind),
                quote!(__O, #input, #made, #because),
            ));
            for joined in &self.query.joined {
                let joined = format_ident!("__E{joined}");
                tokens.extend(check_at(
                    place,
                    &quote!(__k::s::check::check_apart),
                    quote!(__O, #joined),
                ));
            }
            let grouped = self.query.group.is_some();
            let read = kind(self.input_kind());
            tokens.extend(check_at(
                place,
                &quote!(__k::s::check::check_window_shape),
                quote!(__O, #input, #grouped, #read),
            ));
        }
        tokens.extend(self.window_checks());
        tokens
    }

    /// Records that have windows keep them: they get no other key, and meet only those with equal ones.
    fn window_checks(&self) -> TokenStream {
        let mut tokens = TokenStream::new();
        let query = self.query;
        for (keys, step) in [
            (&query.group, "group_by"),
            (&query.partition, "partition_by"),
        ] {
            if let Some(keys) = keys {
                let inputs = self.signature.inputs.iter();
                for input in query.joined.iter().filter(|input| {
                    // Of a table with windows it is said that it is read as a stream.
                    let read = inputs.clone().nth(**input).map(|input| input.kind);
                    read == Some(SourceKind::Stream)
                }) {
                    let input = format_ident!("__E{input}");
                    tokens.extend(check_at(
                        keys.place,
                        &quote!(__k::s::check::check_unmoved),
                        quote!(#input, #step),
                    ));
                }
            }
        }
        let first = format_ident!("__E{}", query.input);
        for join in &query.joins {
            let other = format_ident!("__E{}", join.input);
            tokens.extend(check_at(
                self.input_place(join.input),
                &quote!(__k::s::check::check_equal_windows),
                quote!(#first, #other, __O),
            ));
            for (side, input) in [(&join.left, query.input), (&join.right, join.input)] {
                let (input, hash) = match Join::column(side) {
                    Some((input, field)) => (input, hash(field)),
                    None => (input, 0),
                };
                let input = format_ident!("__E{input}");
                tokens.extend(check_at(
                    side.place,
                    &quote!(__k::s::check::check_joined_by_key),
                    quote!(#input, #hash),
                ));
            }
        }
        if query.group.is_none() && self.signature.output.is_some() {
            let read = &first;
            for (field, tree) in &query.made.fields {
                let of = hash(field);
                let from = match &tree.origin().kind {
                    Kind::Column { input, field, .. } => {
                        let (columns, hash) = (lowered_columns(*input), hash(field));
                        quote!(::core::option::Option::Some((#columns, #hash)))
                    }
                    _ => quote!(::core::option::Option::None),
                };
                tokens.extend(check_at(
                    tree.place,
                    &quote!(__k::s::check::check_kept_bound),
                    quote!(__O, #read, #of, #from),
                ));
            }
        }
        tokens
    }

    /// The output's key is the group's, or the one it is partitioned by, or the input's.
    fn key_check(&self, nodes: &Nodes<'_>) -> TokenStream {
        let made = &self.query.made;
        let (keys, grouped) = match (&self.query.group, &self.query.partition) {
            (Some(keys), _) => (Some(keys), true),
            (None, keys) => (keys.as_ref(), false),
        };
        if let Some(keys) = keys {
            let step = if grouped { "group_by" } else { "partition_by" };
            let parts = parts(keys, made, grouped).map(|(text, field, tree)| {
                let node = entry(nodes.of(tree));
                quote!((#text, #field, #node))
            });
            return check_at(
                keys.place,
                &quote!(__k::s::check::check_keys),
                quote!(#step, __O.name, __P, &[#(#parts),*]),
            );
        }
        if !self.query.joins.is_empty() {
            return self.joined_key_check(nodes);
        }
        let items = made.fields.iter().map(|(field, tree)| {
            let to = hash(field);
            let from = match &tree.origin().kind {
                Kind::Column { field, .. } => hash(field),
                _ => 0,
            };
            quote!((#to, #from))
        });
        let model = format_ident!("__E{}", self.query.input);
        check_at(
            Place::of(&made.path),
            &quote!(__k::s::check::check_kept_keys),
            quote!(__O, #model, &[#(#items),*]),
        )
    }
}

/// The key's parts: as written, the output's field, the expression.
fn parts<'q>(
    keys: &'q Keys,
    made: &'q Made,
    grouped: bool,
) -> impl Iterator<Item = (&'q str, String, &'q Expr)> {
    keys.parts.iter().enumerate().map(move |(index, part)| {
        let field = made
            .fields
            .iter()
            .find(|(_, tree)| is_part(tree, &part.tree, index, grouped))
            .map(|(field, _)| plain(&field.to_string()));
        (part.text.as_str(), field.unwrap_or_default(), &*part.tree)
    })
}
