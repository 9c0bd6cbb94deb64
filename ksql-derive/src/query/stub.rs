//! What stands in for a query with errors, so that its uses are not a second error each.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ItemFn;

use super::definition::{conditions, definition};
use super::expand::used;
use super::signature::Signature;

pub(crate) fn stub(item: &ItemFn, signature: &Signature, krate: &TokenStream) -> TokenStream {
    let definition = definition(item, signature, krate, false);
    let allow = crate::expand::allow();
    let conditions = conditions(&item.attrs);
    let used = used(signature);
    let Some(output) = &signature.output else {
        return quote! {
            #definition
            #(#conditions)*
            #allow
            const _: () = { #used };
        };
    };
    let (name, output) = (&item.sig.ident, &output.ty);
    quote! {
        #definition
        #(#conditions)*
        #allow
        const _: () = {
            use #krate::query as __k;
            #used
            #[automatically_derived]
            impl #name {
                /// The statements in KSQL.
                pub const KSQL: &'static [&'static ::core::primitive::str] = &[];
            }
            #[automatically_derived]
            impl __k::Query for #name where for<'__stub> #output: __k::AssumedEntity<'__stub> {
                type Output = #output;
                const PLAN: &'static __k::plan::Query<'static> = __k::STUB;
                const KSQL: &'static [&'static ::core::primitive::str] = &[];
                fn parameters(&self) -> ::core::result::Result<__k::Literals, __k::ParameterError> {
                    ::core::unreachable!()
                }
                fn accept<__H: __k::Host>(self, _: __H) -> __H::Made {
                    ::core::unreachable!()
                }
            }
        };
    }
}
