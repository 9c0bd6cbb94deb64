//! `#[query]`: a function over `Stream` and `Table` becomes KSQL text, types, native code and a plan.
//!
//! `signature` (the head) and `steps` (the chain, with `expression`, `method`, `branch`, `group`) read the function into the
//! tree of `tree`; `lower` makes nodes, text pieces and native code of it; `expand` puts them together. What has no type is refused
//! while reading; what has one is checked by constants in the generated code, where the types are known.

mod aggregation;
mod arguments;
mod block;
mod branch;
mod capture;
mod cast;
mod chain;
mod checks;
mod collection;
mod coverage;
mod definition;
mod expand;
mod explode;
mod expression;
mod group;
mod join;
mod joined;
mod lambda;
mod literal;
mod lower;
mod method;
mod output;
mod plan;
mod predicate;
mod signature;
mod steps;
mod stub;
#[cfg(test)]
mod tests;
mod tree;
mod words;
mod written;

pub(crate) use predicate::ksql;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use crate::errors::{Errors, Place};

/// `#[query]`, with a defect of its own as a readable error.
pub(crate) fn query(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let tokens = item.clone();
    let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| made(arguments, item)));
    made.unwrap_or_else(|_| {
        let mut errors = Errors::default();
        errors.push(
            Place::of(&tokens),
            "`#[query]` failed on this function, which is a defect of the macro",
            "please report it together with the function",
        );
        errors.to_token_stream()
    })
}

fn made(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let arguments = arguments::arguments(arguments, &mut errors);
    let krate = crate::expand::runtime(arguments.krate.clone());
    let item: syn::ItemFn = match syn::parse2(item.clone()) {
        Ok(item) => item,
        Err(error) => {
            if syn::parse2::<syn::Item>(item.clone()).is_ok() {
                errors.push(
                    Place::of(&item),
                    "a query is written as a function",
                    "put `#[query]` on `fn candles(rates: Stream<Rate>) -> Table<Candle> { .. }`",
                );
                return quote!(#errors #item);
            }
            return error.into_compile_error();
        }
    };
    let signature = signature::signature(&item, &mut errors);
    let mut query = steps::query(&item, &signature, &mut errors);
    if let (Some(query), Some(insert)) = (&mut query, &arguments.insert) {
        query.insert = Some(arguments::id(insert, &item, query, &mut errors));
    }
    match query {
        Some(query) if errors.is_empty() => expand::expand(&item, &signature, &query, &krate),
        // In an `impl` nothing could stand in for it.
        _ if item.sig.receiver().is_some() => quote!(#errors),
        _ => {
            let stub = stub::stub(&item, &signature, &krate);
            quote!(#errors #stub)
        }
    }
}
