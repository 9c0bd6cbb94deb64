//! `key`, `split`, `join`, `timestamp`.

use ksql_schema::Role;
use proc_macro2::TokenStream;
use quote::quote;

use super::column::{ColumnCode, Form};
use super::companion;
use super::key::Key;
use crate::parse::options::EntityOptions;

pub(crate) fn methods(
    options: &EntityOptions,
    columns: &[ColumnCode<'_>],
    key: &Key<'_>,
    krate: &TokenStream,
) -> TokenStream {
    let (key_name, value_name) = (key.name(), companion(&options.ident, "Value"));
    let key_fields: Vec<_> = key.columns.iter().map(|column| column.ident).collect();
    let window = key.windowed.then(|| {
        let window = key.window_of(columns);
        quote!(window: #window,)
    });
    let (made, moved) = if key_fields.is_empty() {
        (quote!(#krate::NoKey), quote!(#krate::NoKey))
    } else {
        (
            quote!(#key_name { #(#key_fields: ::core::clone::Clone::clone(&self.#key_fields),)* #window }),
            quote!(#key_name { #window #(#key_fields: self.#key_fields,)* }),
        )
    };
    let values: Vec<_> = columns
        .iter()
        .filter(|column| column.role == Role::Value)
        .map(|column| column.ident)
        .collect();
    let joined = columns.iter().map(|column| {
        let field = column.ident;
        let value = match column.role {
            Role::Key => quote!(__key.#field),
            Role::Value => quote!(__value.#field),
            Role::Ignored => column.restored(),
            Role::WindowStart => quote!(#krate::bound_or_epoch(__key.window.start)),
            Role::WindowEnd => quote!(#krate::bound_or_epoch(__key.window.end)),
        };
        quote!(#field: #value,)
    });
    let timestamp = columns
        .iter()
        .find(|column| column.options.timestamp.is_some())
        .map_or_else(
            || quote!(::core::option::Option::None),
            |column| {
                let field = column.ident;
                let pattern = match &column.form {
                    Form::Formatted(marker) => {
                        quote!(::core::option::Option::Some(<#marker as #krate::Format>::pattern()))
                    }
                    Form::Plain | Form::Fixed(..) | Form::Converted => {
                        quote!(::core::option::Option::None)
                    }
                };
                quote!(#krate::EventTime::millis(&self.#field, #pattern))
            },
        );
    quote! {
        fn key(&self) -> Self::Key {
            #made
        }
        fn split(self) -> (Self::Key, Self::Value) {
            (#moved, #value_name { #(#values: self.#values),* })
        }
        fn join(__key: Self::Key, __value: Self::Value) -> Self {
            let _ = (&__key, &__value);
            Self { #(#joined)* }
        }
        fn timestamp(&self) -> ::core::option::Option<::core::primitive::i64> {
            #timestamp
        }
    }
}
