//! `#[query]`: a function over `Stream` and `Table` becomes KSQL text, types, native code and a plan.
//!
//! `signature` (the head) and `steps` (the chain, with `expression`, `method`, `branch`, `group`) read the function into the
//! tree of `tree`; `lower` makes nodes, text pieces and native code of it; `expand` puts them together. What has no type is refused
//! while reading; what has one is checked by constants in the generated code, where the types are known.

mod branch;
mod expression;
mod group;
mod method;
mod signature;
mod steps;
mod tree;
mod words;
mod written;

use proc_macro2::TokenStream;
use quote::quote;

use crate::errors::Errors;

/// `#[query]`.
pub(crate) fn query(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    let item: syn::ItemFn = match syn::parse2(item) {
        Ok(item) => item,
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Errors::default();
    let signature = signature::signature(&item, &mut errors);
    let query = steps::query(&item, &signature, &mut errors);
    let _ = query;
    quote!(#errors)
}
