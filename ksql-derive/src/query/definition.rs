//! The struct that a query is, and the function of the same name that makes one.
//!
//! The struct has braces even without fields: its name is a type's alone, so that `let candles = ..` beside a query `candles` is a
//! variable and no pattern.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, ItemFn};

use super::lower::parameter_type;
use super::signature::Signature;
use super::written::rust;

/// The struct, and the function that makes one, of parameters if it has some.
pub(crate) fn definition(
    item: &ItemFn,
    signature: &Signature,
    krate: &TokenStream,
    right: bool,
) -> TokenStream {
    let (name, vis) = (&item.sig.ident, &item.vis);
    let allow = crate::expand::allow();
    let attributes: Vec<&Attribute> = item.attrs.iter().collect();
    let fallback = format!("The query `{name}`.");
    let docs = if attributes
        .iter()
        .any(|attribute| attribute.path().is_ident("doc"))
    {
        TokenStream::new()
    } else {
        quote!(#[doc = #fallback])
    };
    let head = format!("\n`{}`", rust(&item.sig));
    let fields = signature.parameters.iter().map(|parameter| {
        let (name, ty) = (&parameter.name, parameter_type(parameter));
        quote!(#name: #ty)
    });
    let arguments = signature.parameters.iter().map(|parameter| {
        let (name, ty) = (&parameter.name, &parameter.ty);
        quote!(#name: #ty)
    });
    let values = signature.parameters.iter().map(|parameter| {
        let name = &parameter.name;
        match (parameter.size, &parameter.inner) {
            (Some(_), Some(_)) => {
                quote!(#name: ::core::option::Option::map(#name, ::core::convert::From::from))
            }
            (Some(_), None) => quote!(#name: ::core::convert::From::from(#name)),
            (None, _) => quote!(#name),
        }
    });
    let (copy, made) = if signature.parameters.is_empty() {
        (
            quote!(, ::core::marker::Copy),
            format!("[`struct@{name}`] as a value."),
        )
    } else {
        (
            TokenStream::new(),
            format!("[`struct@{name}`] with the values of its parameters."),
        )
    };
    let conditions = conditions(&item.attrs);
    let fields = fields.map(|field| {
        let text = field.to_string();
        // A decimal's own type stands behind the private path.
        if text.contains("__k") {
            let tokens: TokenStream = replaced(field, krate);
            tokens
        } else {
            field
        }
    });
    if !right {
        // Wrong types are held by nobody.
        return quote! {
            #docs
            #(#attributes)*
            #allow
            #[derive(::core::clone::Clone, ::core::fmt::Debug #copy)]
            #vis struct #name {}
            #(#conditions)*
            #[doc = #made]
            #allow
            #[allow(unused_variables)]
            #vis fn #name(#(#arguments),*) -> #name {
                ::core::unreachable!()
            }
        };
    }
    quote! {
        #docs
        #(#attributes)*
        #[doc = #head]
        #allow
        #[derive(::core::clone::Clone, ::core::fmt::Debug #copy)]
        #vis struct #name { #(#fields),* }
        #(#conditions)*
        #[doc = #made]
        #[must_use]
        #allow
        #vis fn #name(#(#arguments),*) -> #name {
            #name { #(#values),* }
        }
    }
}

/// The same tokens with the private module's whole path.
fn replaced(tokens: TokenStream, krate: &TokenStream) -> TokenStream {
    tokens
        .into_iter()
        .flat_map(|tree| match tree {
            proc_macro2::TokenTree::Ident(ident) if ident == "__k" => quote!(#krate::query),
            proc_macro2::TokenTree::Group(group) => {
                let inner = replaced(group.stream(), krate);
                proc_macro2::TokenTree::Group(proc_macro2::Group::new(group.delimiter(), inner))
                    .to_token_stream()
            }
            other => other.to_token_stream(),
        })
        .collect()
}

/// The attributes under which the query is there at all.
pub(crate) fn conditions(attributes: &[Attribute]) -> Vec<&Attribute> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
        .collect()
}
