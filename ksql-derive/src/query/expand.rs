//! What a right query becomes: a struct of its name, constants, checks, and the traits that engines run it by.
//!
//! Everything but the struct stands in an anonymous constant and is named by absolute paths, so that neither a shadowed
//! prelude nor a name of the user's changes what it means.

use std::collections::BTreeMap;
use std::rc::Rc;

use ksql_schema::Kind as SourceKind;
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ItemFn;

use super::aggregation;
use super::definition::{conditions, definition};
use super::lower::{
    Native, Nodes, Writer, check_at, columns as lowered_columns, hash, joined, parameter_type,
};
use super::signature::Signature;
use super::steps::Query;
use super::tree::{Expr, Kind};
use super::written::rust;
use crate::errors::Place;
use crate::parse::args::plain;

/// What all parts of the expansion are made from.
pub(crate) struct Whole<'q> {
    pub(crate) item: &'q ItemFn,
    pub(crate) signature: &'q Signature,
    pub(crate) query: &'q Query,
}

/// The whole expansion.
pub(crate) fn expand(
    item: &ItemFn,
    signature: &Signature,
    query: &Query,
    krate: &TokenStream,
) -> TokenStream {
    let whole = Whole {
        item,
        signature,
        query,
    };
    let name = &item.sig.ident;
    let definition = definition(item, signature, krate, true);
    let sources = whole.sources();
    let mut nodes = Nodes::new(query, signature);
    let checks = whole.checks(&mut nodes);
    let statement = Writer::new(query, signature, &nodes).statement();
    let native = Native::new(signature, &nodes);
    let run = match query.group {
        Some(_) => aggregation::implementation(&whole, &nodes, &native),
        None => whole.projection(&native),
    };
    let assumed = assumed(signature);
    let joining = whole.joining(&native, &assumed);
    let (types, array) = (native.types(), nodes.tokens());
    let plan = whole.plan();
    let accept = match (&query.group, query.joins.is_empty()) {
        (Some(_), true) => quote!(aggregate),
        (None, true) => quote!(project),
        (Some(_), false) => quote!(joined_aggregate),
        (None, false) => quote!(joined_project),
    };
    let parameters = parameters(item, signature);
    let used = used(signature);
    let allow = crate::expand::allow();
    let attributes = conditions(&item.attrs);
    let Some(output) = &signature.output else {
        return TokenStream::new();
    };
    let output = &output.ty;
    quote! {
        #definition
        #(#attributes)*
        #allow
        const _: () = {
            use #krate::query as __k;
            #used
            #sources
            #array
            #checks
            #types
            const __PIECES: &[__k::s::Piece<'static>] = #statement;
            const __COUNT: ::core::primitive::usize = __k::s::text::statements(__O);
            const __SEGMENTS: [__k::s::text::Segment<'static>; __k::s::text::segments(__PIECES)] = __k::s::text::flatten(__PIECES);
            const __BYTES: &[::core::primitive::u8; __k::s::text::total(&__SEGMENTS, __COUNT)] = &__k::s::text::join(&__SEGMENTS, __COUNT);
            const __TEXTS: &[&::core::primitive::str; __COUNT] = &__k::s::text::split(__BYTES, &__SEGMENTS);
            const __PLAN: &__k::plan::Query<'static> = &#plan;
            #[automatically_derived]
            impl #name {
                /// The statements in KSQL: one a window of the output.
                pub const KSQL: &'static [&'static ::core::primitive::str] = __TEXTS;
            }
            #[automatically_derived]
            impl __k::Query for #name #assumed {
                type Output = #output;
                const PLAN: &'static __k::plan::Query<'static> = __PLAN;
                const KSQL: &'static [&'static ::core::primitive::str] = __TEXTS;
                fn parameters(&self) -> ::core::result::Result<__k::Literals, __k::ParameterError> {
                    #parameters
                }
                fn accept<__H: __k::Host>(self, __host: __H) -> __H::Made {
                    __host.#accept(self)
                }
            }
            #run
            #joining
        };
    }
}

/// What the function's head names is used.
pub(crate) fn used(signature: &Signature) -> TokenStream {
    let inputs = signature.inputs.iter().map(|input| &input.whole);
    let output = signature.output.iter().map(|output| &output.whole);
    quote!(type __Signature = (#(#inputs,)* #(#output,)*);)
}

/// What impls assume of the types of parameters, so that one that is none is an error where it stands and not in each of them.
pub(crate) fn assumed(signature: &Signature) -> TokenStream {
    let parameters = signature.parameters.iter().map(|parameter| {
        let ty = parameter_type(parameter);
        quote!(for<'__assumed> #ty: __k::AssumedParam<'__assumed>)
    });
    let inputs = signature.inputs.iter().map(|input| &input.ty);
    let entities = inputs.chain(signature.output.iter().map(|output| &output.ty));
    quote!(where #(for<'__assumed> #entities: __k::AssumedEntity<'__assumed>,)* #(#parameters),*)
}

fn parameters(item: &ItemFn, signature: &Signature) -> TokenStream {
    let query = plain(&item.sig.ident.to_string());
    let values = signature.parameters.iter().map(|parameter| {
        let (field, name) = (&parameter.name, plain(&parameter.name.to_string()));
        quote!((#name, __k::literal(#query, #name, &self.#field)?))
    });
    quote!(::core::result::Result::Ok(::core::convert::From::from([#(#values),*])))
}

impl Whole<'_> {
    /// Models and columns of everything the query names, each mention of a type in the place where its author wrote it.
    fn sources(&self) -> TokenStream {
        let mut tokens = TokenStream::new();
        for (index, input) in self.signature.inputs.iter().enumerate() {
            let (model, columns) = (format_ident!("__E{index}"), format_ident!("__C{index}"));
            let (ty, span) = (&input.ty, Place::of(&input.ty).first);
            let entity = quote_spanned!(span=> __k::Entity);
            tokens.extend(quote! {
                const #model: &__k::Model<'static> = <#ty as #entity>::MODEL;
                const #columns: &[__k::Column<'static>] = #model.columns;
            });
        }
        if let Some(output) = &self.signature.output {
            let (ty, span) = (&output.ty, Place::of(&output.ty).first);
            let entity = quote_spanned!(span=> __k::Entity);
            let row = row_alias("__Row", &self.query.made.path);
            tokens.extend(quote! {
                const __O: &__k::Model<'static> = <#ty as #entity>::MODEL;
                const __P: &[__k::Column<'static>] = __O.columns;
                type #row<'a> = <#ty as #entity>::Row<'a>;
            });
        }
        for (index, made) in self.query.rows.iter().enumerate() {
            let (columns, model) = (format_ident!("__M{index}"), format_ident!("__F{index}"));
            let path = &made.path;
            let last = Rc::ptr_eq(made, &self.query.made);
            if last {
                tokens.extend(quote! {
                    const #columns: &[__k::Column<'static>] = __P;
                });
                continue;
            }
            let span = Place::of(path).first;
            let entity = quote_spanned!(span=> __k::Entity);
            let row = row_alias(&format!("__R{index}"), path);
            let function = format_ident!("__made{index}");
            let fields = made.fields.iter().map(|(field, _)| field);
            tokens.extend(quote! {
                const #model: &__k::Model<'static> = <#path as #entity>::MODEL;
                const #columns: &[__k::Column<'static>] = #model.columns;
                type #row<'a> = <#path as #entity>::Row<'a>;
                fn #function<'a>() -> #row<'a> {
                    #row { #(#fields: __k::never()),* }
                }
            });
        }
        tokens
    }

    pub(crate) fn input_kind(&self) -> SourceKind {
        self.signature
            .inputs
            .get(self.query.input)
            .map_or(SourceKind::Stream, |input| input.kind)
    }

    /// The rows of the input by the names their author gave them, as far as these expressions use them.
    pub(crate) fn rows<'e>(&self, exprs: impl IntoIterator<Item = &'e Expr>) -> TokenStream {
        let mut names: BTreeMap<String, (Ident, usize)> = BTreeMap::new();
        let several = !self.query.joins.is_empty();
        for expr in exprs {
            expr.walk(&mut |expr| {
                if let Kind::Column {
                    receiver, input, ..
                } = &expr.kind
                {
                    let name = match several {
                        true => joined(*input, receiver),
                        false => receiver.clone(),
                    };
                    let _ = names
                        .entry(name.to_string())
                        .or_insert_with(|| (name, *input));
                }
            });
        }
        let rows = names.values().map(|(name, input)| {
            let place = self.query.joined.iter().position(|one| one == input);
            match place {
                Some(place) if several => {
                    let place = syn::Index::from(place);
                    quote!(let #name = __row.#place;)
                }
                _ => quote!(let #name = __row;),
            }
        });
        quote!(#(#rows)*)
    }

    /// `fn keep`.
    pub(crate) fn keep(&self, native: &Native<'_>) -> TokenStream {
        let filters = &self.query.filters;
        let rows = self.rows(filters.iter().map(|filter| &**filter));
        let conditions = filters.iter().map(|filter| native.value(filter));
        quote! {
            #[inline]
            fn keep<'a>(&'a self, __at: &__k::At<'a>, __row: __k::Row<'a, Self::Input>) -> ::core::primitive::bool {
                let __scratch = __at.scratch;
                #rows
                #(if !__k::logic::holds(#conditions) { return false; })*
                true
            }
        }
    }

    fn projection(&self, native: &Native<'_>) -> TokenStream {
        let name = &self.item.sig.ident;
        let input = self.input();
        let keep = self.keep(native);
        let made = &self.query.made;
        let keys = made
            .fields
            .iter()
            .filter_map(|(_, tree)| self.joined_key(tree));
        let fields = made.fields.iter().map(|(_, tree)| &**tree);
        let rows = self.rows(fields.chain(keys));
        let row = self.row(native);
        let new_key = self.new_key(native);
        let explode = self.explode(native);
        let assumed = assumed(self.signature);
        quote! {
            #[automatically_derived]
            impl __k::Project for #name #assumed {
                type Input = #input;
                #keep
                #[inline]
                fn project<'a>(&'a self, __at: &__k::At<'a>, __row: __k::Row<'a, Self::Input>) -> __k::Row<'a, Self::Output> {
                    let __scratch = __at.scratch;
                    #rows
                    #row
                }
                #explode
                #new_key
            }
        }
    }

    /// The key that records get, where it is another. Of a record without a value there are key columns alone.
    fn new_key(&self, native: &Native<'_>) -> TokenStream {
        let Some(keys) = &self.query.partition else {
            return TokenStream::new();
        };
        let trees = || keys.parts.iter().map(|part| &*part.tree);
        // Whether a part is made of key columns alone.
        let of_keys = trees().map(|tree| {
            let mut columns = Vec::new();
            tree.walk(&mut |expr| {
                if let Kind::Column { input, field, .. } = &expr.kind {
                    let (known, hash) = (lowered_columns(*input), hash(field));
                    columns.push(quote!(__k::s::column::is_key(#known, #hash)));
                }
            });
            quote!((__valued || const { true #(&& #columns)* }))
        });
        let rows = self.rows(trees());
        let parts = trees().map(|tree| native.value(tree));
        let push = if keys.parts.len() == 1 {
            quote! {
                #(::core::option::Option::Some(#of_keys && __k::group::push(__k::any(__scratch, #parts), true, __out)))*
            }
        } else {
            quote! {
                #(__k::group::push_nullable(if #of_keys { __k::any(__scratch, #parts) } else { __k::Any::Null }, __out);)*
                ::core::option::Option::Some(true)
            }
        };
        quote! {
            #[inline]
            fn new_key<'a>(&'a self, __at: &__k::At<'a>, __row: __k::Row<'a, Self::Input>, __valued: ::core::primitive::bool, __out: &mut __k::Bytes) -> ::core::option::Option<::core::primitive::bool> {
                let __scratch = __at.scratch;
                #rows
                #push
            }
        }
    }

    /// The entity that is read.
    pub(crate) fn input(&self) -> TokenStream {
        if !self.query.joins.is_empty() {
            return self.joined_inputs();
        }
        self.signature
            .inputs
            .get(self.query.input)
            .map(|input| input.ty.to_token_stream())
            .unwrap_or_default()
    }

    /// The output's row.
    pub(crate) fn row(&self, native: &Native<'_>) -> TokenStream {
        let row = row_alias("__Row", &self.query.made.path);
        let fields = self.query.made.fields.iter().map(|(field, tree)| {
            let value = match &tree.kind {
                Kind::Bound(_) => {
                    let bound = native.value(tree);
                    quote!(__k::bound(#bound))
                }
                _ => {
                    let value = native.value(tree);
                    let own = quote!(__k::give(__scratch, #value));
                    match self.joined_key(tree) {
                        // The key is what is equal on both sides, also where this side has no row.
                        Some(there) => {
                            let (hash, there) = (hash(field), native.value(there));
                            quote!(if const { __k::s::column::is_key(__P, #hash) } {
                                __k::give(__scratch, #there)
                            } else {
                                #own
                            })
                        }
                        None => own,
                    }
                }
            };
            quote!(#field: #value)
        });
        quote!(#row { #(#fields),* })
    }
}

pub(crate) fn variant(path: &syn::Path) -> TokenStream {
    let Some(last) = path.segments.last() else {
        return TokenStream::new();
    };
    let variant = plain(&last.ident.to_string());
    let mut of = path.clone();
    let _ = of.segments.pop();
    of.segments.pop_punct();
    let name = rust(&of);
    let value = quote_spanned!(Place::of(&of).first=> __k::Variants);
    check_at(
        Place::of(path),
        &quote!(__k::s::check::check_variant),
        quote!(<#of as #value>::VARIANTS, #name, #variant),
    )
}

pub(super) fn kind(kind: SourceKind) -> TokenStream {
    match kind {
        SourceKind::Stream => quote!(__k::Kind::Stream),
        SourceKind::Table => quote!(__k::Kind::Table),
    }
}

/// The name of a row's type in the place of the struct that is written for it.
fn row_alias(name: &str, path: &syn::Path) -> Ident {
    let span = path
        .segments
        .last()
        .map_or_else(proc_macro2::Span::call_site, |last| last.ident.span());
    Ident::new(name, span)
}
