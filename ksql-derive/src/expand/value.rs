//! The value type, and encoding and decoding: one call a field, in a straight line.

use ksql_schema::Role;
use proc_macro2::TokenStream;
use quote::quote;

use super::column::{ColumnCode, Form, format_marker};
use super::key::Key;
use super::{companion, docs};
use crate::parse::options::EntityOptions;

/// `RateValue`: the value columns, owned.
pub(crate) fn definition(options: &EntityOptions, columns: &[ColumnCode<'_>]) -> TokenStream {
    let (ident, vis) = (companion(&options.ident, "Value"), &options.vis);
    let doc = format!("The value columns of [`{}`].", options.ident);
    let allow = super::allow();
    let fields = columns
        .iter()
        .filter(|column| column.role == Role::Value)
        .map(|column| {
            let (name, ty) = (column.ident, column.ty);
            let docs = docs(
                &column.options.docs,
                &format!("The column `{}`.", column.name),
            );
            let vis = &column.options.vis;
            quote!(#docs #vis #name: #ty,)
        });
    quote! {
        #[doc = #doc]
        #[allow(missing_debug_implementations)]
        #allow
        #vis struct #ident { #(#fields)* }
    }
}

/// The marker types of `#[datetime_format]` columns.
pub(crate) fn formats(
    options: &EntityOptions,
    columns: &[ColumnCode<'_>],
    krate: &TokenStream,
) -> TokenStream {
    let allow = super::allow();
    let markers = columns
        .iter()
        .filter(|column| matches!(column.form, Form::Formatted(_)))
        .map(|column| {
            let marker = format_marker(&options.ident, column.name);
            let pattern = column
                .options
                .datetime_format
                .as_ref()
                .map_or("", |at| at.value.as_str());
            quote! {
                #[doc(hidden)]
                #[derive(::core::fmt::Debug)]
                #allow
                pub enum #marker {}
                #[automatically_derived]
                impl #krate::Format for #marker {
                    const PATTERN: &'static ::core::primitive::str = #pattern;
                    fn pattern() -> &'static #krate::Pattern {
                        static PATTERN: #krate::OnceLock<#krate::Pattern> = #krate::OnceLock::new();
                        PATTERN.get_or_init(|| #krate::checked_pattern(#pattern))
                    }
                }
            }
        });
    quote!(#(#markers)*)
}

fn value_columns<'c, 'a>(
    columns: &'c [ColumnCode<'a>],
) -> impl Iterator<Item = &'c ColumnCode<'a>> {
    columns.iter().filter(|column| column.role == Role::Value)
}

/// `encode_key` and `encode_value`.
pub(crate) fn encode(
    columns: &[ColumnCode<'_>],
    key: &Key<'_>,
    krate: &TokenStream,
) -> TokenStream {
    let defect = quote!(::core::result::Result<(), #krate::Defect>);
    let lengths = |column: &ColumnCode<'_>| {
        let (field, name) = (column.ident, column.name);
        column.options.max_length.as_ref().map(|most| {
            let most = most.value;
            quote!(#krate::check_length(&self.#field, #most).map_err(|__error| __error.at(#name))?;)
        })
    };
    let key_lengths = key.columns.iter().map(|column| lengths(column));
    let encode_key = if key.columns.is_empty() {
        quote! {
            let _ = (__id, __out);
            ::core::result::Result::Ok(false)
        }
    } else {
        let wire = key.encode_columns();
        let window = key
            .windowed
            .then(|| key.encode_window(&key.window_of(columns)));
        let there = match key.columns.as_slice() {
            [column] => {
                let (field, is_absent) = (column.ident, column.key_item("is_absent"));
                quote!(!#is_absent(&self.#field))
            }
            _ => quote!(true),
        };
        quote! {
            #(#key_lengths)*
            #wire
            #window
            ::core::result::Result::Ok(#there)
        }
    };
    let fields = value_columns(columns).map(|column| {
        let (field, name, encode) = (column.ident, column.name, column.item("encode"));
        let length = lengths(column);
        quote! {
            #length
            #encode(&self.#field, __out).map_err(|__error| __error.at(#name))?;
        }
    });
    quote! {
        fn encode_key(&self, __id: ::core::primitive::u32, __out: &mut #krate::Bytes) -> ::core::result::Result<::core::primitive::bool, #krate::Defect> {
            #encode_key
        }
        #[inline]
        fn encode_value(&self, __out: &mut #krate::Bytes) -> #defect {
            #(#fields)*
            ::core::result::Result::Ok(())
        }
    }
}

/// `decode` and `check`.
pub(crate) fn decode(
    columns: &[ColumnCode<'_>],
    key: &Key<'_>,
    krate: &TokenStream,
) -> TokenStream {
    let _ = key;
    let bytes = quote!(&[::core::primitive::u8]);
    let reads = value_columns(columns).map(|column| {
        let (local, name, decode) = (&column.local, column.name, column.item("decode"));
        quote!(let #local = #decode(&mut __input).map_err(|__error| __error.at(#name))?;)
    });
    let skips = value_columns(columns).map(|column| {
        let (name, decode) = (column.name, column.item("decode_ref"));
        quote!(let _ = #decode(&mut __input).map_err(|__error| __error.at(#name))?;)
    });
    let fields = columns.iter().map(|column| {
        let (field, value) = (
            column.ident,
            owned_source(column, &column.local, &quote!(__key), krate),
        );
        quote!(#field: #value,)
    });
    quote! {
        #[inline]
        fn decode(__key: Self::Key, __body: #bytes) -> ::core::result::Result<Self, #krate::DecodeError> {
            let mut __input = #krate::Reader::new(__body);
            #(#reads)*
            __input.finish()?;
            ::core::result::Result::Ok(Self { #(#fields)* })
        }
        #[inline]
        fn check(__body: #bytes) -> ::core::result::Result<(), #krate::DecodeError> {
            let mut __input = #krate::Reader::new(__body);
            #(#skips)*
            __input.finish()
        }
    }
}

/// Where an owned field comes from when an entity is put together from `key` and a value column's local.
pub(crate) fn owned_source(
    column: &ColumnCode<'_>,
    local: &impl quote::ToTokens,
    key: &TokenStream,
    krate: &TokenStream,
) -> TokenStream {
    let (field, name) = (column.ident, column.name);
    match column.role {
        Role::Key => quote!(#key.#field),
        Role::Value => quote!(#local),
        Role::Ignored => column.restored(),
        Role::WindowStart => {
            quote!(#krate::WindowBound::from_millis(#key.window.start).map_err(|__error| __error.at(#name))?)
        }
        Role::WindowEnd => {
            quote!(#krate::WindowBound::from_millis(#key.window.end).map_err(|__error| __error.at(#name))?)
        }
    }
}
