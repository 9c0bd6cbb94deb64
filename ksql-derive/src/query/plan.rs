//! The query as data, in its author's words.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::expand::{Whole, kind};
use super::steps::Step;
use crate::parse::args::plain;

impl Whole<'_> {
    pub(super) fn plan(&self) -> TokenStream {
        let name = plain(&self.item.sig.ident.to_string());
        let inputs = self
            .query
            .joined
            .iter()
            .filter_map(|index| Some((*index, self.signature.inputs.get(*index)?)))
            .map(|(index, input)| {
                let (name, kind) = (plain(&input.name.to_string()), kind(input.kind));
                let model = format_ident!("__E{index}");
                quote!(__k::plan::Input { name: #name, entity: #model, kind: #kind })
            });
        let steps = self.query.steps.iter().map(|step| match step {
            Step::Join(index) => self.planned_join(*index),
            other => self::step(other),
        });
        let (kind, because) = (kind(self.query.kind), self.query.because);
        let writes = match self.query.insert {
            None => format_ident!("Creates"),
            Some(_) => format_ident!("Inserts"),
        };
        let parameters = self.signature.parameters.iter().map(|parameter| {
            let (name, ty) = (
                plain(&parameter.name.to_string()),
                crate::types::tidy(&parameter.ty),
            );
            quote!(__k::plan::Parameter { name: #name, ty: #ty })
        });
        quote! {
            __k::plan::Query {
                name: #name,
                inputs: &[#(#inputs),*],
                steps: &[#(#steps),*],
                output: __O,
                kind: #kind,
                because: #because,
                writes: __k::plan::Writes::#writes,
                parameters: &[#(#parameters),*],
            }
        }
    }
}

fn step(step: &Step) -> TokenStream {
    let pairs = |fields: &[(String, String)]| {
        let fields = fields.iter().map(|(field, value)| quote!((#field, #value)));
        quote!(&[#(#fields),*])
    };
    match step {
        // Planned by whoever knows the inputs.
        Step::Join(_) => TokenStream::new(),
        Step::Filter(text) => quote!(__k::plan::Step::Filter(#text)),
        Step::Map(fields) => {
            let fields = pairs(fields);
            quote!(__k::plan::Step::Map(#fields))
        }
        Step::PartitionBy(keys) => quote!(__k::plan::Step::PartitionBy(&[#(#keys),*])),
        Step::GroupBy(keys) => quote!(__k::plan::Step::GroupBy(&[#(#keys),*])),
        Step::Aggregate(fields) => {
            let fields = pairs(fields);
            quote!(__k::plan::Step::Aggregate(#fields))
        }
        Step::Having(text) => quote!(__k::plan::Step::Having(#text)),
    }
}
