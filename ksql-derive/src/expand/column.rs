//! One field as code: which codec it goes through, and how its items are named.
//!
//! Every mention of the field's type in generated code carries the place of that type, so that a type that is no
//! column is one compile error on the field and not one for each mention.

use ksql_schema::Role;
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};

use crate::errors::Place;
use crate::model;
use crate::parse::options::FieldOptions;

/// How a field is written.
#[derive(Debug)]
pub(crate) enum Form {
    /// As its type says.
    Plain,
    /// A decimal with the precision and scale of `#[decimal_precision]`.
    Fixed(u32, u32),
    /// As the type that holds every value of it: relaxed mode.
    Converted,
    /// A string formatted by the marker type of this name.
    Formatted(Ident),
}

/// A field as code.
#[derive(Debug)]
pub(crate) struct ColumnCode<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) name: &'a str,
    pub(crate) ty: &'a syn::Type,
    pub(crate) form: Form,
    pub(crate) role: Role,
    /// The local the field's value is put into: never a name a user can have.
    pub(crate) local: Ident,
    pub(crate) options: &'a FieldOptions,
    krate: &'a TokenStream,
}

impl<'a> ColumnCode<'a> {
    pub(crate) fn new(
        index: usize,
        options: &'a FieldOptions,
        entity: &Ident,
        krate: &'a TokenStream,
    ) -> Self {
        let form = if let Some(at) = &options.decimal_precision {
            Form::Fixed(at.value.0, at.value.1)
        } else if options.datetime_format.is_some() {
            Form::Formatted(format_marker(entity, &options.name))
        } else if options.recognised.converted {
            Form::Converted
        } else {
            Form::Plain
        };
        Self {
            ident: &options.ident,
            name: &options.name,
            ty: &options.ty,
            form,
            role: model::role(options),
            local: format_ident!("__v{index}", span = Span::mixed_site()),
            options,
            krate,
        }
    }

    /// `<Type as Value>::item`, or the same through the codec the attributes chose.
    pub(crate) fn item(&self, item: &str) -> TokenStream {
        let krate = self.krate;
        match &self.form {
            Form::Plain => qualified(self.ty, &quote!(#krate::Value), item),
            Form::Fixed(precision, scale) => {
                let (precision, scale) = (
                    Literal::u32_unsuffixed(*precision),
                    Literal::u32_unsuffixed(*scale),
                );
                self.through(&quote!(#krate::Fixed<#precision, #scale>), item)
            }
            Form::Converted => self.through(&quote!(#krate::Converted), item),
            Form::Formatted(marker) => self.through(&quote!(#krate::Formatted<#marker>), item),
        }
    }

    /// The value of a field that is not sent.
    pub(crate) fn restored(&self) -> TokenStream {
        let krate = self.krate;
        let call = qualified(self.ty, &quote!(#krate::Restored), "restored");
        quote!(#call())
    }

    /// What the type itself is, whatever `#[datetime_format]` makes of it.
    pub(crate) fn raw(&self, item: &str) -> TokenStream {
        let krate = self.krate;
        match self.form {
            Form::Fixed(..) | Form::Converted => self.item(item),
            Form::Plain | Form::Formatted(_) => qualified(self.ty, &quote!(#krate::Value), item),
        }
    }

    /// What generated items may assume of the type where only the compiler knows it.
    fn assumption(&self) -> Option<TokenStream> {
        if self.role == Role::Ignored || !self.options.recognised.is_unknown() {
            return None;
        }
        let (ty, krate) = (self.ty, self.krate);
        let mut assumed = vec![match (&self.form, self.role) {
            (_, Role::Key) => quote!(AssumedKey),
            (Form::Plain | Form::Converted, _) => quote!(AssumedColumn),
            (Form::Fixed(..), _) => quote!(AssumedDecimal),
            (Form::Formatted(_), _) => quote!(AssumedText),
        }];
        if self.options.max_length.is_some() {
            assumed.push(quote!(AssumedLength));
        }
        if self.options.timestamp.is_some() {
            assumed.push(quote!(AssumedEventTime));
        }
        if matches!(self.role, Role::WindowStart | Role::WindowEnd) {
            assumed.push(quote!(AssumedBound));
        }
        Some(quote!(#(for<'__assumed> #ty: #krate::#assumed<'__assumed>,)*))
    }

    /// `<Type as KeyValue>::item`.
    pub(crate) fn key_item(&self, item: &str) -> TokenStream {
        let krate = self.krate;
        qualified(self.ty, &quote!(#krate::KeyValue), item)
    }

    /// The type the field has in a borrowed row.
    pub(crate) fn row_type(&self, lifetime: &TokenStream) -> TokenStream {
        let reference = self.item("Ref");
        let place = Place::of(self.ty);
        quote_spanned!(place.last=> #reference<#lifetime>)
    }

    /// `<Codec as Codec<Type>>::item`.
    fn through(&self, codec: &TokenStream, item: &str) -> TokenStream {
        let krate = self.krate;
        let place = Place::of(self.ty);
        let (ty, item) = (self.ty, Ident::new(item, place.last));
        // Here the error stands on the codec's type itself, from its first token to its last: in the user's place only if
        // none of them has the macro's.
        let codec: TokenStream = codec
            .to_token_stream()
            .into_iter()
            .map(|mut tree| {
                tree.set_span(place.first);
                tree
            })
            .collect();
        let path = respan(&quote!(#krate::Codec), place.first);
        let open = quote_spanned!(place.first=> <);
        let close = quote_spanned!(place.last=> >::);
        let before = quote_spanned!(place.first=> <);
        let after = quote_spanned!(place.last=> >);
        quote!(#open #codec as #path #before #ty #after #close #item)
    }
}

/// The clause under which generated items stand. A type that is no column is one error, from the check on the field; the
/// items assume that it is one, or each of them would be an error of its own. (A bound on a type without parameters is
/// refused when it does not hold, unless it is one for all lifetimes.)
pub(crate) fn assumptions<'c, 'a: 'c>(
    columns: impl IntoIterator<Item = &'c ColumnCode<'a>>,
) -> TokenStream {
    let bounds: Vec<_> = columns
        .into_iter()
        .filter_map(ColumnCode::assumption)
        .collect();
    if bounds.is_empty() {
        TokenStream::new()
    } else {
        quote!(where #(#bounds)*)
    }
}

/// The name of the type that carries a `#[datetime_format]`.
pub(crate) fn format_marker(entity: &Ident, field: &str) -> Ident {
    format_ident!(
        "__{}Format_{field}",
        crate::parse::args::plain(&entity.to_string()),
        span = Span::call_site()
    )
}

/// `<ty as path>::item`, placed on the type.
pub(crate) fn qualified(ty: &syn::Type, path: &TokenStream, item: &str) -> TokenStream {
    let place = Place::of(ty);
    let item = Ident::new(item, place.last);
    let path = respan(path, place.first);
    let open = quote_spanned!(place.first=> <);
    let close = quote_spanned!(place.last=> >::);
    quote!(#open #ty as #path #close #item)
}

/// The same tokens with another position but their own hygiene.
pub(crate) fn respan(tokens: &impl ToTokens, span: Span) -> TokenStream {
    tokens
        .to_token_stream()
        .into_iter()
        .map(|mut tree| {
            tree.set_span(tree.span().located_at(span));
            tree
        })
        .collect()
}
