//! The fields of a row that a step makes: typed, and checked against the columns they are for.

use ksql_schema::query::functions::Nulls;
use proc_macro2::TokenStream;
use quote::quote;

use super::lower::{Nodes, caught, entry, hash};
use super::tree::{Expr, Kind, Made};

/// Types a row's fields and checks that they fit.
/// `key` is what records get as their key, alone, in all its forms: where it is NULL they have none. `grouped` says whether the
/// query groups.
pub(super) fn fields(
    made: &Made,
    model: &TokenStream,
    columns: &TokenStream,
    key: &[String],
    grouped: bool,
    nodes: &mut Nodes<'_>,
) {
    for (field, tree) in &made.fields {
        let node = entry(nodes.type_of(tree));
        let hash = hash(field);
        tree.walk(&mut |expr| {
            if let Kind::Bound(bound) = &expr.kind {
                let function = bound.function();
                nodes.check(
                    expr.place,
                    &quote!(__k::s::check::check_window),
                    quote!(#model.name, #model.window.is_some(), #function),
                );
            }
        });
        match &tree.kind {
            Kind::Bound(bound) => {
                let function = bound.function();
                nodes.check(
                    tree.place,
                    &quote!(__k::s::check::check_window_bound),
                    quote!(#model.name, #columns, #hash, #function),
                );
            }
            _ => {
                let is_key = key.contains(&tree.meaning());
                // Of a call alone `.unwrap_or(..)` helps: its failure is a NULL in its place.
                let node = if caught(tree) && !chooses(tree) {
                    quote!(#node.lenient())
                } else {
                    node
                };
                // Of a value column that holds a copy it is still asked.
                let node = if is_key {
                    quote!(#node.unless_key(#columns, #hash))
                } else {
                    node
                };
                nodes.check(
                    tree.place,
                    &quote!(__k::s::check::check_assign),
                    quote!(#model.name, #columns, #hash, #node, #grouped),
                );
            }
        }
    }
}

/// Whether it stands for a NULL already: another one around it is not what helps.
fn chooses(tree: &Expr) -> bool {
    matches!(tree.kind, Kind::Call { function, .. } if function.spec().nulls == Nulls::AllNull)
}
