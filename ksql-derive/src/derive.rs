//! The derives as ordinary functions: tokens in, tokens out. Called by the entry points and by unit tests.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::DeriveInput;

use crate::errors::{Errors, Place};
use crate::parse::{entity, item, nested};
use crate::{expand, validate};

/// Runs a derive so that a defect in it is a readable compile error instead of a panic.
pub(crate) fn guarded(
    derive: &str,
    input: TokenStream,
    work: fn(TokenStream) -> TokenStream,
) -> TokenStream {
    let tokens = input.clone();
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(input))).unwrap_or_else(|_| {
        let mut errors = Errors::default();
        errors.push(
            Place::of(&tokens),
            format!("`#[derive({derive})]` failed on this item, which is a defect of the macro"),
            "please report it together with the item",
        );
        errors.to_token_stream()
    })
}

/// `#[derive(Entity)]`.
pub(crate) fn entity(input: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Errors::default();
    let krate = expand::runtime(entity::crate_path(&input.attrs, "entity"));
    let Some(fields) = item::named_fields(&input, "Entity", &mut errors) else {
        return quote!(#errors);
    };
    let options = entity::parse(&input, fields, &mut errors);
    let warnings = validate::validate(&options, &mut errors);
    let warnings = expand::warnings(&warnings);
    if errors.is_empty() {
        let entity = expand::entity(&options, &krate);
        quote!(#warnings #entity)
    } else {
        let stub = expand::stub(&options, &krate);
        quote!(#errors #warnings #stub)
    }
}

/// `#[derive(Struct)]`.
pub(crate) fn nested(input: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Errors::default();
    let krate = expand::runtime(entity::crate_path(&input.attrs, "nested"));
    let Some(fields) = item::named_fields(&input, "Struct", &mut errors) else {
        return quote!(#errors);
    };
    let fields = nested::fields(&input, fields, &mut errors);
    let code = expand::nested(&input, &fields, &krate, errors.is_empty());
    quote!(#errors #code)
}

/// `#[derive(Enum)]`.
pub(crate) fn variants(input: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Errors::default();
    let krate = expand::runtime(entity::crate_path(&input.attrs, "nested"));
    let variants = nested::variants(&input, &mut errors);
    let code = expand::variants(&input, &variants, &krate, errors.is_empty());
    quote!(#errors #code)
}
