//! What the arms of a `match` take together: whether the last one needs not be asked, because nothing else is left for it.
//!
//! Read by `branch` from the patterns. What only the compiler knows - an enum's variants, whether a value can be NULL - is a check
//! of the generated code, made here too.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Pat, Path};

use super::lower::{Nodes, check_at, entry};
use super::tree::Tree;
use super::written::rust;
use crate::errors::Place;
use crate::parse::args::plain;

/// What arms take, so far.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    some: bool,
    none: bool,
    yes: bool,
    no: bool,
    variants: Vec<Path>,
}

/// A `match` without `_`, whose last arm is not asked.
#[derive(Debug)]
pub(crate) struct Complete {
    /// What is matched.
    value: Tree,
    /// Whether an arm is for no value.
    none: bool,
    /// The arms' variants; none where they are `true` and `false`.
    variants: Vec<Path>,
}

impl Coverage {
    /// Another arm. One with a condition of its own may leave the value to the next.
    pub(crate) fn add(&mut self, pattern: &Pat) {
        match pattern {
            Pat::Paren(inner) => self.add(&inner.pat),
            Pat::Reference(inner) => self.add(&inner.pat),
            Pat::Or(or) => or.cases.iter().for_each(|case| self.add(case)),
            pattern if is_none(pattern) => self.none = true,
            Pat::TupleStruct(some) if some.path.is_ident("Some") => match some.elems.first() {
                Some(Pat::Ident(_) | Pat::Wild(_)) => self.some = true,
                Some(inner) => self.add(inner),
                None => {}
            },
            Pat::Lit(syn::ExprLit {
                lit: syn::Lit::Bool(value),
                ..
            }) if value.value => self.yes = true,
            Pat::Lit(syn::ExprLit {
                lit: syn::Lit::Bool(_),
                ..
            }) => self.no = true,
            Pat::Path(path) if path.qself.is_none() => self.variants.push(path.path.clone()),
            _ => {}
        }
    }

    /// Whether nothing can be left; what is left to be checked of it is added to the list.
    pub(crate) fn leaves_nothing(self, value: &Tree, checks: &mut Vec<Complete>) -> bool {
        if self.some && self.none {
            return true;
        }
        let both = self.yes && self.no;
        let complete = both || !self.variants.is_empty();
        if complete {
            checks.push(Complete {
                value: value.clone(),
                none: self.none,
                variants: if both { Vec::new() } else { self.variants },
            });
        }
        complete
    }
}

impl Complete {
    /// The check.
    pub(crate) fn check(&self, nodes: &mut Nodes<'_>) -> TokenStream {
        let node = entry(nodes.type_of(&self.value));
        let none = self.none;
        let (known, name) = match self.variants.first() {
            Some(first) => {
                let mut of = first.clone();
                let _ = of.segments.pop();
                of.segments.pop_punct();
                let name = rust(&of);
                let value = quote_spanned!(Place::of(&of).first=> __k::Variants);
                (quote!(<#of as #value>::VARIANTS), name)
            }
            None => (quote!(&[]), String::new()),
        };
        let taken = self.variants.iter().filter_map(|path| {
            let last = path.segments.last()?;
            Some(plain(&last.ident.to_string()))
        });
        check_at(
            self.value.place,
            &quote!(__k::s::check::check_complete),
            quote!(#known, #name, &[#(#taken),*], #node, #none),
        )
    }
}

/// `None`, as a pattern.
pub(crate) fn is_none(pattern: &Pat) -> bool {
    match pattern {
        Pat::Ident(name) => name.ident == "None",
        Pat::Path(path) => path.path.is_ident("None"),
        _ => false,
    }
}
