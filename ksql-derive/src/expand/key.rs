//! The key type: `RateKey` and its impl of `EntityKey`.

use ksql_schema::Role;
use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::column::ColumnCode;
use super::{companion, docs};
use crate::parse::options::EntityOptions;
use crate::types::Shape;

/// The key columns of an entity as code.
#[derive(Debug)]
pub(crate) struct Key<'a> {
    options: &'a EntityOptions,
    pub(crate) columns: Vec<&'a ColumnCode<'a>>,
    pub(crate) windowed: bool,
    ident: Ident,
    krate: &'a TokenStream,
}

impl<'a> Key<'a> {
    pub(crate) fn new(options: &'a EntityOptions, columns: &'a [ColumnCode<'a>], krate: &'a TokenStream) -> Self {
        Self {
            options,
            columns: columns.iter().filter(|column| column.role == Role::Key).collect(),
            windowed: options.window.is_some(),
            ident: companion(&options.ident, "Key"),
            krate,
        }
    }

    /// The type's name: `RateKey`, or the runtime's type for "no key".
    pub(crate) fn name(&self) -> TokenStream {
        let (ident, krate) = (&self.ident, self.krate);
        if self.columns.is_empty() { quote!(#krate::NoKey) } else { quote!(#ident) }
    }

    /// The struct, outside the block.
    pub(crate) fn definition(&self) -> TokenStream {
        if self.columns.is_empty() {
            return TokenStream::new();
        }
        let (ident, vis, krate) = (&self.ident, &self.options.vis, self.krate);
        let doc = format!("The key of [`{}`].", self.options.ident);
        let allow = super::allow();
        let fields = self.columns.iter().map(|column| {
            let (name, ty) = (column.ident, column.ty);
            let docs = docs(&column.options.docs, &format!("The key column `{}`.", column.name));
            quote!(#docs pub #name: #ty,)
        });
        let window = self.windowed.then(|| {
            quote! {
                /// The window the record belongs to.
                pub window: #krate::Window,
            }
        });
        quote! {
            #[doc = #doc]
            #[derive(
                ::core::clone::Clone, ::core::fmt::Debug, ::core::cmp::PartialEq, ::core::cmp::Eq, ::core::cmp::PartialOrd,
                ::core::cmp::Ord, ::core::hash::Hash
            )]
            #allow
            #vis struct #ident {
                #(#fields)*
                #window
            }
        }
    }
}
