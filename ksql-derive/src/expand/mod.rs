//! Fourth stage: tokens for a definition that was found right. Reports nothing.
//!
//! Everything goes through one private module of the runtime, by absolute paths, so that neither a shadowed prelude
//! nor a field's name can change what the code means. Types that users name (key, value, row) stand outside the
//! anonymous block, with the struct's visibility and the fields' docs.

mod checks;
mod column;
mod constants;
mod convert;
mod key;
mod nested;
mod row;
mod stub;
mod value;

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};

pub(crate) use nested::{nested, variants};
pub(crate) use stub::stub;

use self::column::ColumnCode;
use crate::parse::args::plain;
use crate::parse::options::EntityOptions;
use crate::validate::Warning;

/// What generated code may do that a user's lints would object to. One list, for everything that is generated.
pub(crate) fn allow() -> TokenStream {
    quote! {
        #[allow(
            dead_code,
            non_camel_case_types,
            non_snake_case,
            non_upper_case_globals,
            private_bounds,
            private_interfaces,
            single_use_lifetimes,
            unreachable_pub,
            unused_qualifications,
            clippy::all,
            clippy::pedantic,
            clippy::nursery
        )]
    }
}

/// The private module generated code goes through.
pub(crate) fn runtime(krate: Option<TokenStream>) -> TokenStream {
    match krate {
        Some(path) => quote!(#path::__private),
        None => quote!(::ksql_runtime::__private),
    }
}

/// `RateKey` for `Rate`, with the place of `Rate`.
pub(crate) fn companion(entity: &Ident, suffix: &str) -> Ident {
    format_ident!(
        "{}{suffix}",
        plain(&entity.to_string()),
        span = entity.span()
    )
}

/// Compiler warnings: stable Rust has none for macros, but it warns of the use of a deprecated item.
pub(crate) fn warnings(warnings: &[Warning]) -> TokenStream {
    let uses = warnings.iter().map(|warning| {
        let text = &warning.text;
        let name = Ident::new(warning.code, warning.place.first);
        let declared = format_ident!("{}", warning.code);
        let used = quote_spanned!(warning.place.first=> #name);
        quote! {
            const _: () = {
                #[deprecated(note = #text)]
                const #declared: () = ();
                const _: () = #used;
            };
        }
    });
    quote!(#(#uses)*)
}

/// The whole expansion of a right definition.
pub(crate) fn entity(options: &EntityOptions, krate: &TokenStream) -> TokenStream {
    let columns = columns(options, krate);
    let ident = &options.ident;
    let allow = allow();
    let key = key::Key::new(options, &columns, krate);
    let (key_type, key_impl, conversions) =
        (key.definition(), key.implementation(), key.conversions());
    let value_type = value::definition(options, &columns);
    let row_type = row::definition(options, &columns);
    let formats = value::formats(options, &columns, krate);
    let (free, constants) = constants::constants(options, &columns, krate);
    let checks = checks::checks(options, &columns, krate);
    let encode = value::encode(&columns, &key, krate);
    let decode = value::decode(&columns, &key, krate);
    let rows = row::methods(options, &columns, &key, krate);
    let convert = convert::methods(options, &columns, &key, krate);
    let (key_name, value_name) = (key.name(), companion(ident, "Value"));
    let row_name = row::name(options, &columns, &quote!('a));
    let assumed = column::assumptions(&columns);
    let markers = markers(options, &assumed, krate);
    quote! {
        #key_type
        #value_type
        #row_type
        #formats
        #allow
        const _: () = {
            #free
            #checks
            #key_impl
            #conversions
            #[automatically_derived]
            impl #krate::Entity for #ident #assumed {
                type Key = #key_name;
                type Value = #value_name;
                type Row<'a> = #row_name;
                #constants
                #convert
                #encode
                #decode
                #rows
            }
            #markers
        };
    }
}

/// The fields as code.
pub(crate) fn columns<'a>(
    options: &'a EntityOptions,
    krate: &'a TokenStream,
) -> Vec<ColumnCode<'a>> {
    options
        .fields
        .iter()
        .enumerate()
        .map(|(index, field)| ColumnCode::new(index, field, &options.ident, krate))
        .collect()
}

/// What the entity can do, as traits that the runtime's methods ask for.
fn markers(options: &EntityOptions, assumed: &TokenStream, krate: &TokenStream) -> TokenStream {
    let ident = &options.ident;
    let windowed = options.window.is_some();
    let table = crate::model::kind(options).0 == ksql_schema::Kind::Table;
    let mut traits = Vec::new();
    if windowed {
        traits.push(quote!(Windowed));
    } else {
        traits.push(quote!(Writable));
        if table {
            traits.push(quote!(TableEntity));
        }
    }
    quote!(#(#[automatically_derived] impl #krate::#traits for #ident #assumed {})*)
}

/// A doc comment where the user wrote none: a public field needs one.
pub(crate) fn docs(written: &[syn::Attribute], fallback: &str) -> TokenStream {
    if written.is_empty() {
        quote!(#[doc = #fallback])
    } else {
        written.iter().map(ToTokens::to_token_stream).collect()
    }
}
