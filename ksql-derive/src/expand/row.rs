//! The borrowed row: `RateRow<'a>`, filled by decoding, and the conversions between it and the entity.

use ksql_schema::Role;
use proc_macro2::TokenStream;
use quote::quote;

use super::column::ColumnCode;
use super::key::Key;
use super::{companion, docs};
use crate::parse::options::EntityOptions;

fn shown<'c, 'a>(columns: &'c [ColumnCode<'a>]) -> impl Iterator<Item = &'c ColumnCode<'a>> {
    columns.iter().filter(|column| column.role != Role::Ignored)
}

fn borrows(columns: &[ColumnCode<'_>]) -> bool {
    shown(columns).any(|column| {
        !column.options.recognised.is_plain_scalar() || column.options.datetime_format.is_some()
    })
}

/// `RateRow<'a>`, or `RateRow` where nothing in it borrows.
pub(crate) fn name(
    options: &EntityOptions,
    columns: &[ColumnCode<'_>],
    lifetime: &TokenStream,
) -> TokenStream {
    let ident = companion(&options.ident, "Row");
    if borrows(columns) {
        quote!(#ident<#lifetime>)
    } else {
        quote!(#ident)
    }
}

pub(crate) fn definition(options: &EntityOptions, columns: &[ColumnCode<'_>]) -> TokenStream {
    let vis = &options.vis;
    let name = name(options, columns, &quote!('a));
    let doc = format!(
        "A row of [`{}`], borrowed from the bytes or the entity it was read from.",
        options.ident
    );
    let allow = super::allow();
    let lifetime = if borrows(columns) {
        quote!('a)
    } else {
        quote!('static)
    };
    let fields = shown(columns).map(|column| {
        let (field, ty) = (column.ident, column.row_type(&lifetime));
        let docs = docs(
            &column.options.docs,
            &format!("The column `{}`.", column.name),
        );
        let vis = &column.options.vis;
        quote!(#docs #vis #field: #ty,)
    });
    let assumed = super::column::assumptions(shown(columns));
    quote! {
        #[doc = #doc]
        #[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
        #allow
        #vis struct #name #assumed { #(#fields)* }
    }
}

pub(crate) fn methods(
    options: &EntityOptions,
    columns: &[ColumnCode<'_>],
    key: &Key<'_>,
    krate: &TokenStream,
) -> TokenStream {
    let ident = companion(&options.ident, "Row");
    let reads = columns
        .iter()
        .filter(|column| column.role == Role::Value)
        .map(|column| {
            let (local, name, decode) = (&column.local, column.name, column.item("decode_ref"));
            quote!(let #local = #decode(&mut __input).map_err(|__error| __error.at(#name))?;)
        });
    let decoded = shown(columns).map(|column| {
        let (field, local, name, borrow) = (column.ident, &column.local, column.name, column.item("as_ref"));
        let bound = |bound: TokenStream| {
            let ty = column.ty;
            quote!(<#ty as #krate::WindowBound>::row(__key.window.#bound).map_err(|__error| __error.at(#name))?)
        };
        let value = match column.role {
            Role::Key => quote!(#borrow(&__key.#field)),
            Role::WindowStart => bound(quote!(start)),
            Role::WindowEnd => bound(quote!(end)),
            Role::Value | Role::Ignored => quote!(#local),
        };
        quote!(#field: #value,)
    });
    let borrowed = shown(columns).map(|column| {
        let (field, borrow) = (column.ident, column.item("as_ref"));
        quote!(#field: #borrow(&self.#field),)
    });
    let owned = columns.iter().map(|column| {
        let (field, name) = (column.ident, column.name);
        if column.role == Role::Ignored {
            let restored = column.restored();
            return quote!(#field: #restored,);
        }
        let back = column.item("from_ref");
        quote!(#field: #back(__row.#field).map_err(|__error| __error.at(#name))?,)
    });
    let _ = key;
    let cells = columns.iter().filter_map(|column| {
        let field = column.ident;
        let to = match column.role {
            Role::Key => quote!(key),
            Role::Value => quote!(value),
            Role::WindowStart | Role::WindowEnd | Role::Ignored => return None,
        };
        Some(quote!(__cells.#to(#krate::Operand::any_in(__row.#field, __scratch));))
    });
    quote! {
        #[inline]
        fn cells<'a>(__row: Self::Row<'a>, __scratch: &'a #krate::Scratch, __cells: &mut impl #krate::Cells<'a>) {
            let _ = (__row, __scratch, &__cells);
            #(#cells)*
        }
        #[inline]
        fn decode_row<'a>(__key: &'a Self::Key, __body: &'a [::core::primitive::u8]) -> ::core::result::Result<Self::Row<'a>, #krate::DecodeError> {
            let _ = __key;
            let mut __input = #krate::Reader::new(__body);
            #(#reads)*
            __input.finish()?;
            ::core::result::Result::Ok(#ident { #(#decoded)* })
        }
        #[inline]
        fn row(&self) -> Self::Row<'_> {
            #ident { #(#borrowed)* }
        }
        fn from_row(__row: Self::Row<'_>) -> ::core::result::Result<Self, #krate::DecodeError> {
            ::core::result::Result::Ok(Self { #(#owned)* })
        }
    }
}
