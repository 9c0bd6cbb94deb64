//! Calls among the nodes: what a function gives, what it is given, and literals that mean something to it.

use ksql_schema::datetime_format::Pattern;
use ksql_schema::instant;
use ksql_schema::query::Function;
use ksql_schema::query::functions::Argument;
use proc_macro2::TokenStream;
use quote::quote;

use super::super::tree::{Expr, Kind, Tree};
use super::nodes::Nodes;
use super::tokens::{entry, local, named};

impl Nodes<'_> {
    /// Literal texts that are compared with a value are moments where it is one.
    pub(super) fn moments<'t>(&mut self, value: &Tree, texts: impl IntoIterator<Item = &'t Tree>) {
        for tree in texts {
            let Kind::Text(text) = &tree.kind else {
                continue;
            };
            if matches!(value.kind, Kind::Text(_)) {
                continue;
            }
            let node = entry(self.type_of(value));
            let date = instant::parse_date(text).is_some();
            let time = instant::parse_time(text).is_some();
            let timestamp = instant::parse_timestamp(text).is_some();
            self.check(
                tree.place,
                &quote!(__k::s::check::check_moment),
                quote!(#node, #date, #time, #timestamp),
            );
        }
    }

    /// A literal pattern asks for nothing that what is written has not.
    fn pattern(&mut self, function: Function, arguments: &[Tree]) {
        let formats = matches!(
            function,
            Function::Format | Function::FormatDate | Function::FormatTime
        );
        if let [of, pattern, ..] = arguments
            && let Kind::Text(text) = &pattern.kind
            && let Ok(parsed) = Pattern::parse(text)
            && formats
        {
            let node = entry(self.type_of(of));
            let (date, time) = parsed.asks();
            self.check(
                pattern.place,
                &quote!(__k::s::check::check_pattern),
                quote!(#node, #date, #time),
            );
        }
    }

    pub(super) fn call(
        &mut self,
        expr: &Expr,
        function: Function,
        arguments: &[Tree],
    ) -> TokenStream {
        let (locals, nodes): (Vec<_>, Vec<_>) =
            arguments.iter().map(|argument| self.pair(argument)).unzip();
        let name = named(function);
        let name = quote!(__k::s::Function::#name);
        if matches!(function, Function::IsNull | Function::IsNotNull) {
            let first = locals.first();
            return quote!(__k::s::logic::is_null(#first));
        }
        self.check(
            expr.place,
            &quote!(__k::s::check::check_function),
            quote!(#name, &[#(#nodes),*]),
        );
        for (index, argument) in arguments.iter().enumerate().skip(1) {
            // What takes anything has nothing to refuse.
            if !matches!(
                kind(function, index),
                Some(Argument::Any | Argument::Alike) | None
            ) {
                self.check(
                    argument.place,
                    &quote!(__k::s::check::check_argument),
                    quote!(#name, &[#(#nodes),*], #index),
                );
            }
        }
        self.pattern(function, arguments);
        // A function inside of a function fails in its place.
        let given: Vec<TokenStream> = arguments
            .iter()
            .zip(&locals)
            .map(|(argument, local)| {
                if caught(argument) {
                    quote!(#local.lenient())
                } else {
                    quote!(#local)
                }
            })
            .collect();
        for (index, argument) in arguments.iter().enumerate() {
            if !converts(function, index) {
                continue;
            }
            let why = local(self.of(argument));
            let node = self.push(quote! {
                __k::s::Node::new(__k::s::functions::parameter(#name, &[#(#locals),*], #index), #why.why)
            });
            let _ = self.known.insert(parameter_key(expr, index), node);
        }
        quote!(__k::s::functions::call(#name, &[#(#given),*]))
    }
}

/// Whether a failure of an argument is a NULL in its place: ksqlDB catches that of a call alone, not of what is an operator there.
pub(crate) fn caught(argument: &Expr) -> bool {
    match &argument.kind {
        Kind::Call { function, .. } => function.is_called(),
        Kind::Each(_) => true,
        _ => false,
    }
}

/// Whether an argument may be converted where it is written.
fn converts(function: Function, index: usize) -> bool {
    match kind(function, index) {
        Some(Argument::Alike | Argument::Widest | Argument::Item | Argument::SameWhole) => true,
        Some(Argument::Number) => function.spec().arguments.len() == 2,
        _ => false,
    }
}

/// What a function takes in a place; the last kind may be repeated.
fn kind(function: Function, index: usize) -> Option<Argument> {
    let spec = function.spec();
    spec.arguments.get(index).or(spec.arguments.last()).copied()
}

pub(super) fn parameter_key(call: &Expr, index: usize) -> String {
    format!("argument {index} of {}", call.identity)
}
