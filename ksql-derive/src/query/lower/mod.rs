//! From the tree to what a query is made of: nodes and checks, text pieces, native code.

mod calls;
mod collections;
mod native;
mod nodes;
mod pieces;
mod tokens;

use ksql_schema::Kind;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

pub(crate) use calls::caught;
pub(crate) use native::{Native, accumulator, joined, key};
pub(crate) use nodes::{Nodes, stores};
pub(crate) use pieces::Writer;
pub(crate) use tokens::{check_at, columns, entry, hash, named, sql};

use super::signature::{Parameter, Signature};
use super::steps::Query;

/// The type a parameter is held as.
pub(crate) fn parameter_type(parameter: &Parameter) -> TokenStream {
    let Some((precision, scale)) = parameter.size else {
        return parameter.ty.to_token_stream();
    };
    let sized = quote!(__k::SizedDecimal<#precision, #scale>);
    if parameter.inner.is_some() {
        quote!(::core::option::Option<#sized>)
    } else {
        sized
    }
}

/// Whether the query's rows are those of a table, which change.
pub(crate) fn reads_table(signature: &Signature, query: &Query) -> bool {
    // What is joined is a stream where it begins with one.
    signature
        .inputs
        .get(query.input)
        .is_some_and(|input| input.kind == Kind::Table)
}
