//! How generated code names what is in `ksql-schema`, and checks with their places.

use ksql_schema::names;
use ksql_schema::query::{Arith, Compare, Sql};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{format_ident, quote};

use super::nodes::Node;
use crate::errors::Place;
use crate::parse::args::plain;

/// The identifier of an enum's variant.
pub(crate) fn named(variant: impl std::fmt::Debug) -> proc_macro2::Ident {
    format_ident!("{}", format!("{variant:?}"))
}

/// `n7`
pub(crate) fn local(node: Node) -> proc_macro2::Ident {
    format_ident!("n{node}")
}

/// `__N[7]`
pub(crate) fn entry(node: Node) -> TokenStream {
    let index = proc_macro2::Literal::usize_unsuffixed(node);
    quote!(__N[#index])
}

/// `__C0`
pub(crate) fn columns(input: usize) -> proc_macro2::Ident {
    format_ident!("__C{input}")
}

/// The hash of a field's name.
pub(crate) fn hash(field: &proc_macro2::Ident) -> u64 {
    names::hash(&plain(&field.to_string()))
}

pub(crate) fn arith(op: Arith) -> TokenStream {
    let op = named(op);
    quote!(__k::s::Arith::#op)
}

pub(crate) fn compare(op: Compare) -> TokenStream {
    let op = named(op);
    quote!(__k::s::Compare::#op)
}

/// A type that was written behind `as`.
pub(crate) fn sql(ty: Sql) -> TokenStream {
    let name = match ty {
        Sql::Boolean => "Boolean",
        Sql::Integer => "Integer",
        Sql::Bigint => "Bigint",
        Sql::Double => "Double",
        Sql::String => "String",
        Sql::Bytes => "Bytes",
        Sql::Date => "Date",
        Sql::Time => "Time",
        Sql::Timestamp => "Timestamp",
        Sql::Decimal { precision, scale } => {
            return quote!(__k::s::Sql::Decimal { precision: #precision, scale: #scale });
        }
        _ => "Unknown",
    };
    let name = format_ident!("{name}");
    quote!(__k::s::Sql::#name)
}

/// A call in a constant, whose error covers a place.
pub(crate) fn check_at(place: Place, check: &TokenStream, arguments: TokenStream) -> TokenStream {
    let parenthesised = |tokens: TokenStream, span| {
        let mut group = Group::new(Delimiter::Parenthesis, tokens);
        group.set_span(span);
        TokenTree::Group(group)
    };
    let check = parenthesised(check.clone(), place.first);
    let arguments = parenthesised(arguments, place.last);
    quote!(const _: () = #check #arguments;)
}
