//! Collected compile errors: everything wrong with a struct is reported at once.
//!
//! Invariant: an error points at the smallest wrong token (or the exact run of tokens) and its text says what
//! to write instead. Every stage pushes here and goes on; only `lib.rs` turns the list into tokens.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};

/// A run of tokens in the user's source. Two spans, because stable Rust cannot join them into one; rustc
/// joins them when the first and the last token of what we emit carry one each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) first: Span,
    pub(crate) last: Span,
}

impl Place {
    /// From the first to the last of these tokens.
    pub(crate) fn of(tokens: &impl ToTokens) -> Self {
        let mut trees = tokens.to_token_stream().into_iter();
        let first = trees
            .next()
            .map_or_else(Span::call_site, |tree| tree.span());
        let last = trees.last().map_or(first, |tree| tree.span());
        Self { first, last }
    }

    /// A single span.
    pub(crate) fn at(span: Span) -> Self {
        Self {
            first: span,
            last: span,
        }
    }

    /// From the start of this place to the end of another.
    pub(crate) fn to(self, end: Self) -> Self {
        Self {
            first: self.first,
            last: end.last,
        }
    }
}

/// A value and where it was written.
#[derive(Debug, Clone)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
}

/// One error.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) place: Place,
    pub(crate) text: String,
}

/// All errors of one derive, in the order they were found.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    list: Vec<Problem>,
}

impl Errors {
    /// Adds an error: what is wrong, and what to write instead (may be empty).
    pub(crate) fn push(&mut self, place: Place, message: impl AsRef<str>, help: impl AsRef<str>) {
        self.list.push(Problem {
            place,
            text: text(message.as_ref(), help.as_ref()),
        });
    }

    /// Whether nothing was wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many errors there are.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }
}

impl ToTokens for Errors {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        for Problem { place, text } in &self.list {
            let path = quote_spanned!(place.first=> ::core::compile_error!);
            let body = quote_spanned!(place.last=> { #text });
            tokens.extend(quote::quote!(#path #body));
        }
    }
}

/// Message and help as the compiler shows them.
pub(crate) fn text(message: &str, help: &str) -> String {
    if help.is_empty() {
        message.to_owned()
    } else {
        format!("{message}\nhelp: {help}")
    }
}
