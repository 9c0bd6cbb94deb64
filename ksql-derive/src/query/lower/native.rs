//! Native code: each expression as calls of total functions over plain operands.
//!
//! An operator's result has its node's type and says whether it failed; where a failure is a NULL in its place - a cast, an element, a
//! function inside of a function - the code says so. Generated functions call the row by the names its author gave it.

use std::cell::RefCell;
use std::collections::BTreeSet;

use ksql_schema::names;
use ksql_schema::query::{Aggregate, Arith, Compare, Function, aggregates};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::super::signature::Signature;
use super::super::tree::{Bound, Expr, Kind, Pseudo, Tree};
use super::calls::caught;
use super::nodes::{Node, Nodes};
use super::tokens::entry;
use crate::parse::args::plain;

/// Makes native code.
pub(crate) struct Native<'q> {
    signature: &'q Signature,
    nodes: &'q Nodes<'q>,
    /// The nodes whose types are named.
    used: RefCell<BTreeSet<Node>>,
}

impl<'q> Native<'q> {
    pub(crate) fn new(signature: &'q Signature, nodes: &'q Nodes<'q>) -> Self {
        Self {
            signature,
            nodes,
            used: RefCell::new(BTreeSet::new()),
        }
    }

    /// The types that the code names.
    pub(crate) fn types(&self) -> TokenStream {
        let types = self.used.borrow();
        let types = types.iter().map(|node| {
            let (name, node) = (format_ident!("__T{node}"), entry(*node));
            quote! {
                type #name<'a> = __k::Made<'a, { __k::code(#node) }, { #node.precision() }, { #node.scale() }, { #node.nullable() }>;
            }
        });
        quote!(#(#types)*)
    }

    fn ty(&self, node: Node) -> TokenStream {
        let _ = self.used.borrow_mut().insert(node);
        let name = format_ident!("__T{node}");
        quote!(#name<'_>)
    }

    pub(super) fn nodes(&self) -> &Nodes<'q> {
        self.nodes
    }

    pub(super) fn own(&self, expr: &Expr) -> TokenStream {
        self.ty(self.nodes.of(expr))
    }

    /// The expression as an operand.
    pub(crate) fn value(&self, expr: &Expr) -> TokenStream {
        match &expr.kind {
            Kind::Column {
                input,
                receiver,
                field,
                ..
            } => {
                if self.nodes.query.joins.is_empty() {
                    return quote!(#receiver.#field);
                }
                // One name for each input: a closure may call it what another one calls another input.
                let row = joined(*input, receiver);
                quote!(#row.map(|__of| __of.#field))
            }
            Kind::Field(of, field) => {
                let of = self.any(of);
                let name = names::upper(&plain(&field.to_string()));
                quote!(__k::field(#of, #name))
            }
            Kind::Pseudo(Pseudo::Time) => quote!(__at.timestamp),
            Kind::Pseudo(Pseudo::Partition) => quote!(__at.partition),
            Kind::Pseudo(Pseudo::Offset) => quote!(__at.offset),
            Kind::Bound(Bound::Start) => quote!(__window.start),
            Kind::Bound(Bound::End) => quote!(__window.end),
            Kind::Integer(value) => match i32::try_from(*value) {
                Ok(value) if value != i32::MIN => quote!(#value),
                _ => quote!(#value),
            },
            Kind::Long(value) | Kind::Moment(_, value) => quote!(#value),
            Kind::Double(value) => quote!(#value),
            Kind::Decimal(digits) => decimal(digits),
            Kind::Text(text) => quote!(#text),
            Kind::Boolean(value) => quote!(#value),
            Kind::Null => quote!(__k::Any::Null),
            Kind::Parameter(index) => match self.signature.parameters.get(*index) {
                Some(parameter) => {
                    let name = &parameter.name;
                    quote!(__k::Param::any(&self.#name))
                }
                None => quote!(__k::Any::Failed),
            },
            Kind::Negate(of) => {
                let (ty, of) = (self.own(expr), self.value(of));
                quote!(__k::arith::neg::<#ty, _>(#of))
            }
            Kind::Not(of) => {
                let of = self.value(of);
                quote!(__k::logic::not::<__k::Truth, _>(#of))
            }
            Kind::Arith(op, left, right) => {
                let name = match op {
                    Arith::Add => quote!(add),
                    Arith::Subtract => quote!(sub),
                    Arith::Multiply => quote!(mul),
                    Arith::Divide => quote!(div),
                    Arith::Remainder => quote!(rem),
                };
                let (ty, left, right) = (self.own(expr), self.value(left), self.value(right));
                quote!(__k::arith::#name::<#ty, _, _>(#left, #right))
            }
            Kind::Compare(op, left, right) => {
                let name = match op {
                    Compare::Equal => quote!(eq),
                    Compare::NotEqual => quote!(ne),
                    Compare::Less => quote!(lt),
                    Compare::LessOrEqual => quote!(le),
                    Compare::Greater => quote!(gt),
                    Compare::GreaterOrEqual => quote!(ge),
                    Compare::Distinct => quote!(distinct),
                    Compare::NotDistinct => quote!(not_distinct),
                };
                // Structs are equal or not, and need memory to be compared; they have no order.
                let structs = matches!(
                    op,
                    Compare::Equal | Compare::NotEqual | Compare::Distinct | Compare::NotDistinct
                );
                let (left, right) = match structs {
                    true => (self.any(left), self.any(right)),
                    false => (self.value(left), self.value(right)),
                };
                quote!(__k::compare::#name::<__k::Truth, _, _>(#left, #right))
            }
            Kind::And(left, right) => {
                let (left, right) = (self.value(left), self.value(right));
                quote!(__k::logic::and::<__k::Truth, _, _>(#left, || #right))
            }
            Kind::Or(left, right) => {
                let (left, right) = (self.value(left), self.value(right));
                quote!(__k::logic::or::<__k::Truth, _, _>(#left, || #right))
            }
            Kind::Between(value, from, to) => {
                let (value, from, to) = (self.value(value), self.value(from), self.value(to));
                quote!(__k::compare::between::<__k::Truth, _, _, _>(#value, #from, #to))
            }
            Kind::In(value, list) => {
                let value = self.any(value);
                let list = list.iter().map(|item| self.any(item));
                quote!(__k::compare::is_in::<__k::Truth, _>(#value, &[#(#list),*]))
            }
            Kind::Like(text, pattern, escape) => {
                let (text, pattern) = (self.value(text), self.value(pattern));
                let escape = match escape {
                    Some(escape) => quote!(::core::option::Option::Some(#escape)),
                    None => quote!(::core::option::Option::None),
                };
                quote!(__k::like::like::<__k::Truth, _, _>(__scratch, #text, #pattern, #escape))
            }
            Kind::Case {
                condition,
                then,
                otherwise,
                ..
            } => {
                let (ty, condition) = (self.own(expr), self.value(condition));
                let (then, otherwise) = (self.value(then), self.value(otherwise));
                quote!(__k::case::<#ty, _, _, _>(__scratch, #condition, || #then, || #otherwise))
            }
            Kind::Call {
                function,
                arguments,
                unit,
            } => self.call(expr, *function, arguments, *unit),
            Kind::Cast(of, _) | Kind::Assigned(_, _, of) => self.converted(of, self.nodes.of(expr)),
            Kind::Element(of, at) | Kind::Entry(of, at) => {
                let name = if matches!(expr.kind, Kind::Element(..)) {
                    quote!(element)
                } else {
                    quote!(entry)
                };
                let (ty, of, at) = (self.own(expr), self.any(of), self.any(at));
                quote!(__k::lenient(__k::call::<#ty>(__scratch, __k::collections::#name, &[#of, #at])))
            }
            Kind::Present(of) => self.value(of),
            Kind::Key(index) => {
                let name = key(*index);
                quote!(#name)
            }
            Kind::Aggregate(index) => {
                let name = accumulator(*index);
                quote!(__k::Accumulator::get(&__groups.#name, __scratch))
            }
            Kind::List(_)
            | Kind::Entries(..)
            | Kind::Record(..)
            | Kind::Each(_)
            | Kind::Variable(_)
            | Kind::Explode(..)
            | Kind::Broken => match self.collected(expr) {
                Some(value) => value,
                None => quote!(__k::Any::Failed),
            },
        }
    }

    /// The value as one of another node's type.
    pub(super) fn converted(&self, of: &Expr, to: Node) -> TokenStream {
        let (from, node) = (entry(self.nodes.of(of)), entry(to));
        let (ty, value) = (self.ty(to), self.value(of));
        quote!(__k::convert::<#ty, _, { __k::converts(#from, #node) }>(__scratch, #value, #node.ty))
    }

    pub(super) fn any(&self, expr: &Expr) -> TokenStream {
        let value = self.value(expr);
        quote!(__k::any(__scratch, #value))
    }

    fn argument(&self, call: &Expr, argument: &Expr, index: usize) -> TokenStream {
        let value = match self.nodes.parameter(call, index) {
            Some(to) => self.converted(argument, to),
            None => self.value(argument),
        };
        if caught(argument) {
            quote!(__k::lenient(__k::any(__scratch, #value)))
        } else {
            quote!(__k::any(__scratch, #value))
        }
    }

    fn call(
        &self,
        call: &Expr,
        function: Function,
        arguments: &[Tree],
        unit: Option<&str>,
    ) -> TokenStream {
        if let (Function::IsNull | Function::IsNotNull, Some(of)) = (function, arguments.first()) {
            let name = if function == Function::IsNull {
                quote!(is_null)
            } else {
                quote!(is_not_null)
            };
            let of = self.any(of);
            return quote!(__k::logic::#name::<__k::Truth, _>(#of));
        }
        let mut given: Vec<TokenStream> = arguments
            .iter()
            .enumerate()
            .map(|(index, argument)| self.argument(call, argument, index))
            .collect();
        // These take their arguments in the order they are written in KSQL.
        match function {
            Function::Log | Function::RegexpExtract => given.swap(0, 1),
            function if function.takes_unit() => given.swap(0, 1),
            _ => {}
        }
        let ty = self.own(call);
        let name = format_ident!("{}", names::snake_case(&format!("{function:?}")));
        if matches!(function, Function::Greatest | Function::Least) {
            return quote!(__k::f::#name::<#ty>(__scratch, &[#(#given),*]));
        }
        let function = match unit {
            Some(unit) => {
                let unit = unit_variant(unit);
                quote!(__k::f::#name(__k::Unit::#unit))
            }
            None => quote!(__k::f::#name),
        };
        quote!(__k::call::<#ty>(__scratch, #function, &[#(#given),*]))
    }

    /// What a row brings an aggregate: a failed expression is a NULL.
    pub(crate) fn brought(
        &self,
        index: usize,
        function: Aggregate,
        arguments: &[Tree],
    ) -> TokenStream {
        let values: Vec<TokenStream> = arguments
            .iter()
            .enumerate()
            .map(|(position, argument)| {
                let value = match self.nodes.aggregate_parameter(index, position) {
                    Some(to) => self.converted(argument, to),
                    None => self.value(argument),
                };
                quote!(__k::lenient(__k::any(__scratch, #value)))
            })
            .collect();
        if function == Aggregate::TopKWith {
            let names = (0..values.len()).map(aggregates::ranked_name);
            return quote!(__k::Any::Struct(__scratch.list(&[#((#names, #values)),*])));
        }
        match values.as_slice() {
            [one] => quote!(#one),
            _ => quote!((#(#values),*)),
        }
    }
}

fn decimal(digits: &str) -> TokenStream {
    let scale = digits
        .split_once('.')
        .map_or(0, |(_, fraction)| fraction.len());
    let scale = u32::try_from(scale).unwrap_or(0);
    let plain: String = digits
        .chars()
        .filter(|letter| !matches!(letter, '.' | '+'))
        .collect();
    match plain.parse::<i128>() {
        Ok(unscaled) => quote!(__k::Any::Decimal(#unscaled, #scale)),
        Err(_) => quote!(__k::Any::Failed),
    }
}

fn unit_variant(unit: &str) -> Ident {
    let mut letters = unit.chars();
    let first: String = letters.next().into_iter().collect();
    format_ident!("{first}{}", letters.as_str().to_ascii_lowercase())
}

/// The local of an input's row where several are joined, in the place where its author names it.
pub(crate) fn joined(input: usize, receiver: &Ident) -> Ident {
    let mut name = format_ident!("__r{input}");
    name.set_span(receiver.span());
    name
}

/// The local of a part of the group's key.
pub(crate) fn key(index: usize) -> Ident {
    format_ident!("__key{index}")
}

/// The field of an accumulator.
pub(crate) fn accumulator(index: usize) -> Ident {
    format_ident!("a{index}")
}
