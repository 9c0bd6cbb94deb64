//! What stands in the brackets of `#[query(..)]`, and the rules of a query that inserts.
//!
//! `crate = path` says where the runtime is found; `insert`, that the query adds to a stream which is there without it. Called by
//! the entry point, before and behind the reading of the function.

use ksql_schema::{Kind, names};
use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::ItemFn;

use super::steps::Query;
use crate::errors::{Errors, Place};
use crate::parse::args::plain;

/// How the ids begin that ksqlDB gives queries by itself.
const RESERVED: [&str; 4] = ["CSAS_", "CTAS_", "CST_", "INSERTQUERY_"];

/// What is said in the brackets.
#[derive(Default)]
pub(super) struct Arguments {
    pub(super) krate: Option<TokenStream>,
    /// The word `insert`.
    pub(super) insert: Option<Ident>,
}

pub(super) fn arguments(tokens: TokenStream, errors: &mut Errors) -> Arguments {
    let mut found = Arguments::default();
    if tokens.is_empty() {
        return found;
    }
    let parse = |input: syn::parse::ParseStream<'_>| {
        while !input.is_empty() {
            if found.insert.is_none() && input.peek(syn::Ident) {
                let word: Ident = input.parse()?;
                if word != "insert" {
                    return Err(syn::Error::new(word.span(), "no argument"));
                }
                found.insert = Some(word);
            } else {
                let _: syn::Token![crate] = input.parse()?;
                let _: syn::Token![=] = input.parse()?;
                let path: syn::Path = input.parse()?;
                found.krate = Some(path.to_token_stream());
            }
            if !input.is_empty() {
                let _: syn::Token![,] = input.parse()?;
            }
        }
        Ok(())
    };
    if syn::parse::Parser::parse2(parse, tokens.clone()).is_err() {
        errors.push(
            Place::of(&tokens),
            "`#[query]` takes nothing here",
            "remove this; topics and windows stand on the entity that is written",
        );
        return Arguments::default();
    }
    found
}

/// The id of a query that inserts: records are added to a stream, and no other query on the server is called so.
pub(super) fn id(insert: &Ident, item: &ItemFn, query: &Query, errors: &mut Errors) -> String {
    if query.kind == Kind::Table {
        errors.push(
            Place::of(insert),
            format!(
                "a query that inserts adds records to a stream, and this one makes a table: {}",
                query.because
            ),
            "remove `insert` and give the query an output of its own",
        );
    }
    let id = names::upper(&plain(&item.sig.ident.to_string()));
    if let Some(prefix) = RESERVED.iter().find(|prefix| id.starts_with(**prefix)) {
        errors.push(
            Place::of(&item.sig.ident),
            format!(
                "the name of a query that inserts is its id on a server, and ksqlDB keeps those that begin with `{prefix}` for itself"
            ),
            "give the function another name",
        );
    }
    id
}
