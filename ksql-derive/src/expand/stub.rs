//! What stands in for a definition with errors, so that its uses are not a second error each.
//!
//! The trait is there with an empty model and bodies that never run: the program does not compile anyway.

use proc_macro2::TokenStream;
use quote::quote;

use super::companion;
use crate::parse::options::EntityOptions;

pub(crate) fn stub(options: &EntityOptions, krate: &TokenStream) -> TokenStream {
    let (ident, vis) = (&options.ident, &options.vis);
    let [key, value, row] = ["Key", "Value", "Row"].map(|suffix| companion(ident, suffix));
    let allow = super::allow();
    let schema = quote!(#krate::schema);
    let never = quote!({ ::core::unreachable!() });
    let bytes = quote!(&[::core::primitive::u8]);
    let decoded = |ty: TokenStream| quote!(::core::result::Result<#ty, #krate::DecodeError>);
    let (own, own_row, unit) = (
        decoded(quote!(Self)),
        decoded(quote!(Self::Row<'a>)),
        decoded(quote!(())),
    );
    // A field that cannot go to another thread was reported; the supertraits of `Entity` need not say it again.
    let shared = quote!(where for<'__shared> #ident: #krate::AssumedShared<'__shared>);
    quote! {
        #[doc(hidden)]
        #[derive(
            ::core::clone::Clone, ::core::fmt::Debug, ::core::cmp::PartialEq, ::core::cmp::Eq, ::core::cmp::PartialOrd,
            ::core::cmp::Ord, ::core::hash::Hash
        )]
        #allow
        #vis struct #key;
        #[doc(hidden)]
        #[derive(::core::fmt::Debug)]
        #allow
        #vis struct #value;
        #[doc(hidden)]
        #[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
        #allow
        #vis struct #row;
        #allow
        const _: () = {
            #[automatically_derived]
            impl<__T> ::core::convert::From<__T> for #key
            where
                __T: #krate::NotAStub,
            {
                fn from(_: __T) -> Self #never
            }
            #[automatically_derived]
            impl #krate::EntityKey for #key {
                const COLUMNS: ::core::primitive::usize = 0;
                fn encode(&self, _: ::core::primitive::u32, _: &mut #krate::Bytes) #never
                fn decode(_: #bytes) -> #own #never
                fn encode_ordered(&self, _: &mut #krate::Bytes) #never
                fn decode_ordered(_: #bytes) -> #own #never
            }
            #[automatically_derived]
            impl #krate::Entity for #ident #shared {
                type Key = #key;
                type Value = #value;
                type Row<'a> = #row;
                const MODEL: &'static #schema::Entity<'static> = &#krate::STUB;
                const COLUMNS: &'static [#schema::Column<'static>] = &[];
                const VALUE_SCHEMA: &'static ::core::primitive::str = "";
                const KEY_SCHEMA: &'static ::core::primitive::str = "";
                const CREATE: &'static ::core::primitive::str = "";
                const FINGERPRINT: ::core::primitive::u64 = 0;
                fn key(&self) -> Self::Key #never
                fn split(self) -> (Self::Key, Self::Value) #never
                fn join(_: Self::Key, _: Self::Value) -> Self #never
                fn encode_key(&self, _: ::core::primitive::u32, _: &mut #krate::Bytes) -> ::core::result::Result<::core::primitive::bool, #krate::Defect> #never
                fn encode_value(&self, _: &mut #krate::Bytes) -> ::core::result::Result<(), #krate::Defect> #never
                fn decode(_: Self::Key, _: #bytes) -> #own #never
                fn decode_row<'a>(_: &'a Self::Key, _: &'a [::core::primitive::u8]) -> #own_row #never
                fn check(_: #bytes) -> #unit #never
                fn row(&self) -> Self::Row<'_> #never
                fn from_row(_: Self::Row<'_>) -> #own #never
                fn timestamp(&self) -> ::core::option::Option<::core::primitive::i64> #never
                fn cells<'a>(_: Self::Row<'a>, _: &'a #krate::Scratch, _: &mut impl #krate::Cells<'a>) #never
            }
            #[automatically_derived]
            impl #krate::TableEntity for #ident #shared {}
            #[automatically_derived]
            impl #krate::Writable for #ident #shared {}
            #[automatically_derived]
            impl #krate::Windowed for #ident #shared {}
        };
    }
}
