//! The code of a query that aggregates: the group's key, its accumulators, its row.

use ksql_schema::query::Aggregate;
use proc_macro2::TokenStream;
use quote::quote;

use super::expand::{Whole, assumed};
use super::lower::{Native, Nodes, accumulator, entry, key, named, stores};
use super::tree::{Aggregated, Expr, Kind};

/// `COLLECT_LIST` and `COLLECT_SET` keep as many as ksqlDB does where nothing is configured.
const LIMIT: usize = 2_147_483_647;

/// The groups and the impl of `Aggregate`.
pub(crate) fn implementation(
    whole: &Whole<'_>,
    nodes: &Nodes<'_>,
    native: &Native<'_>,
) -> TokenStream {
    let (name, input) = (&whole.item.sig.ident, whole.input());
    let keep = whole.keep(native);
    let aggregates = &whole.query.aggregates;
    let groups = groups(aggregates, nodes);
    let arguments = || {
        aggregates
            .iter()
            .flat_map(|one| one.arguments.iter().map(|tree| &**tree))
    };
    let rows = whole.rows(arguments());
    let fields: Vec<_> = (0..aggregates.len()).map(accumulator).collect();
    let brought: Vec<TokenStream> = aggregates
        .iter()
        .enumerate()
        .map(|(index, one)| native.brought(index, one.function, &one.arguments))
        .collect();
    let undo = undo(whole, &rows, &brought);
    let key_parts: Vec<&Expr> = whole
        .query
        .group
        .iter()
        .flat_map(|group| group.parts.iter().map(|part| &*part.tree))
        .collect();
    let key_rows = whole.rows(key_parts.iter().copied());
    let alone = key_parts.len() == 1;
    let pushed = key_parts.iter().map(|part| native.value(part));
    let read = read_key(&key_parts, nodes);
    let having = having(whole, native, &read);
    let row = whole.row(native);
    let assumed = assumed(whole.signature);
    quote! {
        #groups
        #[automatically_derived]
        impl __k::Aggregate for #name #assumed {
            type Input = #input;
            type Groups = __Groups;
            #keep
            #[inline]
            fn key<'a>(&'a self, __at: &__k::At<'a>, __row: __k::Row<'a, Self::Input>, __out: &mut __k::Bytes) -> ::core::primitive::bool {
                let __scratch = __at.scratch;
                #key_rows
                #(if !__k::group::push(__k::any(__scratch, #pushed), #alone, __out) { return false; })*
                true
            }
            #[inline]
            fn first<'a>(&'a self, __at: &__k::At<'a>, __row: __k::Row<'a, Self::Input>) -> ::core::result::Result<__Groups, __k::Overflow> {
                let __scratch = __at.scratch;
                #rows
                ::core::result::Result::Ok(__Groups {
                    #(#fields: __k::Accumulator::first(#brought, __at.sequence)?),*
                })
            }
            #[inline]
            fn update<'a>(&'a self, __at: &__k::At<'a>, __row: __k::Row<'a, Self::Input>, __groups: &mut __Groups) -> ::core::result::Result<(), __k::Overflow> {
                let __scratch = __at.scratch;
                #rows
                #(__k::Accumulator::update(&mut __groups.#fields, #brought, __at.sequence)?;)*
                ::core::result::Result::Ok(())
            }
            #undo
            #having
            #[inline]
            fn finish<'a>(&'a self, __scratch: &'a __k::Scratch, __key: &'a [::core::primitive::u8], __window: __k::Window, __groups: &'a __Groups) -> __k::Row<'a, Self::Output> {
                #read
                #row
            }
        }
    }
}

fn groups(aggregates: &[Aggregated], nodes: &Nodes<'_>) -> TokenStream {
    let fields: Vec<_> = (0..aggregates.len()).map(accumulator).collect();
    let types = aggregates
        .iter()
        .enumerate()
        .map(|(index, one)| kept(one, index, nodes));
    let nests = aggregates.iter().any(|one| stores(one.function));
    let nest = nests.then(|| {
        quote! {
            #[derive(::core::clone::Clone, ::core::fmt::Debug)]
            pub struct __Nest<const NODE: ::core::primitive::usize>;
            impl<const NODE: ::core::primitive::usize> __k::Nest for __Nest<NODE> {
                const SQL: __k::s::Sql = __k::s::node::at(&__N, NODE).ty;
            }
        }
    });
    quote! {
        #nest
        #[derive(::core::clone::Clone, ::core::fmt::Debug)]
        pub struct __Groups { #(#fields: #types),* }
        #[automatically_derived]
        impl __k::Groups for __Groups {
            fn write(&self, __out: &mut __k::Bytes) {
                #(__k::Accumulator::write(&self.#fields, __out);)*
            }
            fn read(__input: &mut __k::Reader<'_>) -> ::core::result::Result<Self, __k::DecodeError> {
                ::core::result::Result::Ok(__Groups { #(#fields: __k::Accumulator::read(__input)?),* })
            }
            #[inline]
            fn owned(&self) -> ::core::primitive::usize {
                0 #(+ __k::Accumulator::owned(&self.#fields))*
            }
            fn merge(&mut self, __other: Self) -> ::core::result::Result<(), __k::Overflow> {
                #(__k::Merge::merge(&mut self.#fields, __other.#fields)?;)*
                ::core::result::Result::Ok(())
            }
        }
    }
}

/// The accumulator's type: what it keeps is named by the node of what it is given.
fn kept(one: &Aggregated, index: usize, nodes: &Nodes<'_>) -> TokenStream {
    let name = named(one.function);
    let node = entry(nodes.kept(index));
    let nest = nodes.kept(index);
    let values = quote!(__k::Kept<__Nest<#nest>, { __k::kept(#node) }, { #node.precision() }, { #node.scale() }>);
    let count = one.count.unwrap_or(1);
    match one.function {
        Aggregate::Count
        | Aggregate::CountOf
        | Aggregate::Histogram
        | Aggregate::CountDistinct
        | Aggregate::Correlation => quote!(__k::aggregate::#name),
        Aggregate::Sum
        | Aggregate::SumList
        | Aggregate::Avg
        | Aggregate::Min
        | Aggregate::Max
        | Aggregate::StddevSample
        | Aggregate::StddevSamp
        | Aggregate::Attr => quote!(__k::aggregate::#name<#values>),
        Aggregate::Latest | Aggregate::Earliest => {
            quote!(__k::aggregate::#name<#values, false, { __k::sessions(__O) }>)
        }
        Aggregate::LatestN | Aggregate::EarliestN => {
            quote!(__k::aggregate::#name<#values, #count, false, { __k::sessions(__O) }>)
        }
        Aggregate::LatestOrNull => {
            quote!(__k::aggregate::Latest<#values, true, { __k::sessions(__O) }>)
        }
        Aggregate::EarliestOrNull => {
            quote!(__k::aggregate::Earliest<#values, true, { __k::sessions(__O) }>)
        }
        Aggregate::LatestNOrNull => {
            quote!(__k::aggregate::LatestN<#values, #count, true, { __k::sessions(__O) }>)
        }
        Aggregate::EarliestNOrNull => {
            quote!(__k::aggregate::EarliestN<#values, #count, true, { __k::sessions(__O) }>)
        }
        Aggregate::TopKWith => {
            let row = nodes.ranked(index);
            quote!(__k::aggregate::TopKWith<#values, __Nest<#row>, #count>)
        }
        Aggregate::TopK | Aggregate::TopKDistinct => {
            quote!(__k::aggregate::#name<#values, #count>)
        }
        Aggregate::CollectList | Aggregate::CollectSet => {
            quote!(__k::aggregate::#name<#values, #LIMIT>)
        }
    }
}

/// Over a table only; what cannot be taken back is refused by a check.
fn undo(whole: &Whole<'_>, rows: &TokenStream, brought: &[TokenStream]) -> TokenStream {
    if whole.input_kind() != ksql_schema::Kind::Table {
        return TokenStream::new();
    }
    let calls = whole
        .query
        .aggregates
        .iter()
        .zip(brought)
        .enumerate()
        .filter(|(_, (one, _))| one.function.spec().undo)
        .map(|(index, (_, brought))| {
            let field = accumulator(index);
            quote!(__k::Undo::undo(&mut __groups.#field, #brought)?;)
        });
    quote! {
        #[inline]
        fn undo<'a>(&'a self, __at: &__k::At<'a>, __row: __k::Row<'a, Self::Input>, __groups: &mut __Groups) -> ::core::result::Result<(), __k::Overflow> {
            let __scratch = __at.scratch;
            #rows
            #(#calls)*
            ::core::result::Result::Ok(())
        }
    }
}

/// The parts of the key from its bytes.
fn read_key(parts: &[&Expr], nodes: &Nodes<'_>) -> TokenStream {
    let alone = parts.len() == 1;
    let reads = parts.iter().enumerate().map(|(index, part)| {
        let (name, node) = (key(index), entry(nodes.of(part)));
        quote! {
            let #name: __k::Typed<'a, { __k::code(#node) }, { #node.precision() }, { #node.scale() }, false> =
                __k::group::read(&mut __input, #alone, const { __k::code(#node) });
        }
    });
    quote! {
        let mut __input = __k::Reader::new(__key);
        #(#reads)*
    }
}

fn having(whole: &Whole<'_>, native: &Native<'_>, read: &TokenStream) -> TokenStream {
    let conditions = &whole.query.having;
    if conditions.is_empty() {
        return TokenStream::new();
    }
    let mut keyed = false;
    for condition in conditions {
        condition.walk(&mut |expr| keyed = keyed || matches!(expr.kind, Kind::Key(_)));
    }
    let read = if keyed {
        read.clone()
    } else {
        TokenStream::new()
    };
    let conditions = conditions.iter().map(|condition| native.value(condition));
    quote! {
        #[inline]
        fn having<'a>(&'a self, __scratch: &'a __k::Scratch, __key: &'a [::core::primitive::u8], __window: __k::Window, __groups: &'a __Groups) -> ::core::primitive::bool {
            #read
            #(if !__k::logic::holds(#conditions) { return false; })*
            true
        }
    }
}
